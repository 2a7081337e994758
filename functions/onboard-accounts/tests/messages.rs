//! Every message about accounts: it fits Slack and SNS, and reads as it did in `messages.txt`,
//! where a person last looked.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use banto_domain::policy::Policy;
use banto_domain::status::{AccountStatus, Condition, Reason, ReasonKind};
use banto_domain::{PerPlace, Place, Region};
use banto_fake::Book;
use banto_notice::{Notice, slack, sns};
use banto_ports::{AccountState, OrgAccount, Recorder, RecordingGroup};
use jiff::Timestamp;
use onboard_accounts::converge::actions::Action;
use onboard_accounts::converge::notices;
use onboard_accounts::converge::outcome::{AccountNews, NewsKind};
use onboard_accounts::converge::repairs;
use onboard_accounts::converge::snapshot::Job;
use onboard_accounts::fan_out;
use onboard_accounts::message::{
    BegunRevocation, Cause, ConvergeRequest, FailedRequest, FailedStep, FindRequest, Revocation,
    RevokeRequest,
};
use onboard_accounts::revoke::notices::{begun, by_hand, not_begun, not_ended};
use onboard_accounts::revoke::outcome::Outcome;
use onboard_accounts::revoke::plan::{Failure, Remedy};
use onboard_accounts::revoke::report::Visit;

const POLICY: &str = include_str!("../../../examples/banto.toml");
/// A policy with a role whose sessions may bear any name.
const DIRECT: &str = include_str!("../../../examples/direct.toml");

fn status(name: &str, account: Condition, region: Condition) -> AccountStatus {
    let region = |name: &str| (name.parse().unwrap(), region.clone());
    AccountStatus {
        account: "444455556666".parse().unwrap(),
        name: name.to_owned(),
        checked_at: "2026-11-24T01:00:00Z".parse().unwrap(),
        conditions: PerPlace {
            account,
            regions: ["ap-northeast-1", "us-east-1"].map(region).into(),
        },
    }
}

fn failed(kind: ReasonKind, detail: &str) -> Condition {
    Reason::new(kind, detail).condition()
}

fn ready() -> Notice {
    ready_since(None)
}

fn ready_since(joined_at: Option<Timestamp>) -> Notice {
    let account = OrgAccount {
        id: "444455556666".parse().unwrap(),
        name: "Payments & co".into(),
        state: AccountState::Active,
        path: Vec::new(),
        joined_at,
        was_created: true,
    };
    let job = Job {
        request: ConvergeRequest {
            account,
            cause: Cause::Joined,
            requested_at: "2026-11-24T01:00:00Z".parse().unwrap(),
            attempt: 0,
        },
        tags: BTreeMap::new(),
    };
    let status = status("Payments & co", Condition::InPlace, Condition::InPlace);
    let policy = Policy::parse(POLICY).unwrap().onboarding.unwrap();
    let region: Region = "ap-northeast-1".parse().unwrap();
    let adopted = repairs::line(Place::Region(&region), &adopted("default"));
    notices::ready(&job, &status, &[adopted].into(), &policy)
}

/// A change to a recorder that others had set up.
fn adopted(name: &str) -> Action {
    let recorder = Recorder {
        name: name.into(),
        role: "arn:aws:iam::444455556666:role/config".into(),
        group: RecordingGroup::All { with_global: true },
        continuous: true,
        continuous_of: BTreeMap::new(),
    };
    Action::PutRecorder {
        replaces: Some(recorder.clone()),
        recorder,
    }
}

/// An account, what is new of it, and the actions that repaired it in us-east-1.
type News = (AccountStatus, Option<NewsKind>, Vec<Action>);

fn accounts(accounts: &[News]) -> Notice {
    let region: Region = "us-east-1".parse().unwrap();
    let news: Vec<AccountNews<'_>> = accounts
        .iter()
        .map(|(status, kind, actions)| AccountNews {
            status,
            kind: *kind,
            repairs: actions
                .iter()
                .map(|action| repairs::line(Place::Region(&region), action))
                .collect(),
        })
        .collect();
    notices::accounts(&news, "run")
}

fn denied() -> Condition {
    let detail = "config:PutConfigurationRecorder: denied: AccessDeniedException: with an explicit deny in a service control policy";
    failed(ReasonKind::Denied, detail)
}

fn drifted() -> Condition {
    Condition::Drifted {
        items: vec!["role readonly: extra policy arn:aws:iam::aws:policy/IAMFullAccess".into()],
    }
}

fn restarted() -> Vec<Action> {
    vec![Action::StartRecorder {
        name: "banto".into(),
    }]
}

/// News of an account that has one condition as a whole, and another in its regions.
fn news(
    name: &str,
    [account, region]: [Condition; 2],
    kind: Option<NewsKind>,
    repairs: Vec<Action>,
) -> News {
    (status(name, account, region), kind, repairs)
}

fn messages() -> Vec<(String, Notice)> {
    const PLACE: Condition = Condition::InPlace;
    let (again, stuck) = (Some(NewsKind::InOrderAgain), Some(NewsKind::Stuck));
    let has_drifted = Some(NewsKind::Drifted);
    let repaired = news("payments", [PLACE, PLACE], None, restarted());
    let drift = news("payments", [drifted(), PLACE], has_drifted, Vec::new());
    let in_order = news("payments", [PLACE, PLACE], again, Vec::new());
    let several = [
        news("payments", [PLACE, denied()], stuck, Vec::new()),
        news("search", [drifted(), PLACE], has_drifted, Vec::new()),
        news("web", [PLACE, PLACE], again, restarted()),
    ];
    let mut messages = vec![
        ("ready".to_owned(), ready()),
        ("repaired".to_owned(), accounts(&[repaired])),
        ("drifted".to_owned(), accounts(&[drift])),
        ("in order again".to_owned(), accounts(&[in_order])),
        ("several accounts".to_owned(), accounts(&several)),
    ];
    for kind in ReasonKind::ALL {
        let failed = failed(*kind, "the service's own words");
        let one = news("payments", [failed, PLACE], stuck, Vec::new());
        messages.push((format!("stuck, {}", kind.as_str()), accounts(&[one])));
    }
    messages.extend(of_the_fan_out());
    messages.extend(of_a_revocation());
    messages
}

fn failed_request(step: FailedStep, subject: &str, reason: &str) -> Notice {
    fan_out::notices::failed(&FailedRequest {
        step,
        event: "6a7e8feb-b491-4cf7-a9f1-bf3703467718".to_owned(),
        subject: subject.to_owned(),
        reason: reason.to_owned(),
    })
}

fn not_shown(cause: Cause) -> Notice {
    fan_out::notices::not_shown(&FindRequest {
        account: "444455556666".parse().unwrap(),
        cause,
        requested_at: "2026-11-24T01:00:00Z".parse().unwrap(),
        attempt: 9,
    })
}

fn of_the_fan_out() -> Vec<(String, Notice)> {
    let creation = failed_request(
        FailedStep::Creation,
        "car-examplecreateaccountrequestid111",
        "EMAIL_ALREADY_EXISTS",
    );
    let enrolment = failed_request(
        FailedStep::Enrolment,
        "payments",
        "AWS Control Tower can't create the account: the email address is in use.",
    );
    let update = failed_request(
        FailedStep::Update,
        "payments (444455556666)",
        "AWS Control Tower can't update the account: its organizational unit failed.",
    );
    vec![
        ("creation failed".to_owned(), creation),
        ("enrolment failed".to_owned(), enrolment),
        ("update failed".to_owned(), update),
        ("joined, not shown".to_owned(), not_shown(Cause::Joined)),
        (
            "enrolled, not shown".to_owned(),
            not_shown(Cause::ControlTower),
        ),
        ("drifted, not shown".to_owned(), not_shown(Cause::Drift)),
    ]
}

fn of_a_revocation() -> Vec<(String, Notice)> {
    let revocation = Revocation {
        account: Some("111122223333".parse().unwrap()),
        user: "alice".parse().unwrap(),
        before: "2026-11-27T01:00:00Z".parse().unwrap(),
        attempt: 0,
    };
    let began = BegunRevocation {
        revocation: revocation.clone(),
        accounts: 48,
    };
    let [policy, direct] =
        [POLICY, DIRECT].map(|text| Policy::parse(text).unwrap().onboarding.unwrap());
    let not_ended = |failures| {
        let outcome = Outcome {
            written: 0,
            failures,
        };
        let visit = Visit::new(revoke_in(&revocation), outcome, revocation.before);
        not_ended(&revocation.user, revocation.before, &[&visit], &direct).unwrap()
    };
    let request = revoke_in(&revocation);
    vec![
        ("revocation begun".to_owned(), begun(&began, &policy)),
        (
            "revocation begun, a role that bears any name".to_owned(),
            begun(&began, &direct),
        ),
        (
            "sessions not ended in roles".to_owned(),
            not_ended(of_roles(revocation.before)),
        ),
        (
            "sessions not ended in an account".to_owned(),
            not_ended(vec![Failure::of_account(
                "sts:AssumeRole: denied: AccessDenied",
                true,
            )]),
        ),
        (
            "accounts not listed".to_owned(),
            not_begun(
                &revocation,
                "organizations:ListAccounts: throttled: TooManyRequestsException",
                &policy,
            ),
        ),
        (
            "sessions to end by hand".to_owned(),
            by_hand(&revocation, std::slice::from_ref(&request), &direct),
        ),
    ]
}

/// The request to end the sessions in one account, of which nothing was told yet.
fn revoke_in(revocation: &Revocation) -> RevokeRequest {
    RevokeRequest {
        account: OrgAccount {
            id: "444455556666".parse().unwrap(),
            name: "payments".into(),
            state: AccountState::Active,
            path: Vec::new(),
            joined_at: None,
            was_created: true,
        },
        user: revocation.user.clone(),
        before: revocation.before,
        requested_at: revocation.before,
        attempt: 4,
        not_before: None,
        told: Default::default(),
    }
}

/// A failure of each kind, in a role each.
fn of_roles(before: jiff::Timestamp) -> Vec<Failure> {
    let failure = |role: &str, why: &str, delete: &[&str], everybody| Failure {
        role: Some(role.parse().unwrap()),
        why: why.to_owned(),
        is_permanent: true,
        remedy: Remedy {
            delete: delete.iter().map(|&name| name.to_owned()).collect(),
            everybody,
        },
    };
    let full = "iam:PutRolePolicy: quota used up: LimitExceeded";
    let foreign = "the role is not Banto's: it has no tag banto:managed";
    let any_name = "its trust policy lets sessions bear other names than their user's";
    vec![
        failure("auditor", foreign, &[], None),
        failure("admin", any_name, &[], Some(before)),
        failure("billing", full, &["banto-revoked-bob"], None),
        failure("readonly", full, &["banto-revoked-carol"], Some(before)),
    ]
}

#[test]
fn every_message_fits_and_reads_as_it_did() {
    let mut book = Book::of(env!("CARGO_MANIFEST_DIR"));
    for (name, notice) in messages() {
        let in_slack = slack::message(&notice);
        assert_eq!(slack::check(&in_slack), Vec::<String>::new(), "{name}");
        let by_topic = sns::message(&notice);
        let reads = format!(
            "Subject: {}

{}",
            by_topic.subject, by_topic.body
        );
        book.add(&name, &reads, &[("json", &in_slack.to_string())]);
    }
    book.assert_as_committed();
}

#[test]
fn a_notice_of_a_thousand_stuck_accounts_still_fits() {
    let stuck = |number: usize| {
        (
            status(
                &format!("team-{number}"),
                failed(ReasonKind::NotAssumable, "AccessDenied"),
                Condition::InPlace,
            ),
            Some(NewsKind::Stuck),
            Vec::new(),
        )
    };
    let notice = accounts(&(0..1_000).map(stuck).collect::<Vec<_>>());
    assert_eq!(slack::check(&slack::message(&notice)), Vec::<String>::new());
}

#[test]
fn the_documentation_says_what_to_do_for_each_reason() {
    let documentation = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/onboarding.md"),
    )
    .unwrap();
    for kind in ReasonKind::ALL {
        let row = format!(
            "| {} | {} | {} |",
            kind.as_str(),
            kind.description(),
            kind.remedy()
        );
        assert!(
            documentation.contains(&row),
            "docs/onboarding.md lacks this row:\n{row}"
        );
    }
}

#[test]
fn an_account_that_comes_back_is_ready_under_another_id() {
    let id = |joined_at: &str| ready_since(Some(joined_at.parse().unwrap())).id;
    let (first, again) = ("2026-11-24T01:00:00Z", "2026-11-27T01:00:00Z");
    assert_eq!(id(first), id(first));
    assert_ne!(id(first), id(again));
}

#[test]
fn revocations_of_users_of_one_name_and_failures_of_other_accounts_have_ids_of_their_own() {
    let policy = Policy::parse(DIRECT).unwrap().onboarding.unwrap();
    let of = |account: &str| Revocation {
        account: Some(account.parse().unwrap()),
        user: "alice".parse().unwrap(),
        before: "2026-11-27T01:00:00Z".parse().unwrap(),
        attempt: 0,
    };
    let (one, other) = (of("111122223333"), of("444455556666"));
    assert_ne!(
        by_hand(&one, &[], &policy).id,
        by_hand(&other, &[], &policy).id
    );
    assert_ne!(
        not_begun(&one, "denied", &policy).id,
        not_begun(&other, "denied", &policy).id
    );
    let id = |accounts: &[&str]| {
        let visits: Vec<Visit> = accounts
            .iter()
            .map(|account| {
                let mut request = revoke_in(&one);
                request.account.id = account.parse().unwrap();
                let outcome = Outcome {
                    written: 0,
                    failures: vec![Failure::of_account("denied", true)],
                };
                Visit::new(request, outcome, one.before)
            })
            .collect();
        let visits: Vec<&Visit> = visits.iter().collect();
        not_ended(&one.user, one.before, &visits, &policy)
            .unwrap()
            .id
    };
    let both = ["444455556666", "777788889999"];
    assert_eq!(id(&both), id(&both));
    assert_ne!(id(&both), id(&["444455556666"]));
}
