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
use banto_ports::{AccountState, OrgAccount, PreviousStatus, Recorder, RecordingGroup};
use onboard_accounts::converge::actions::Action;
use onboard_accounts::converge::notices;
use onboard_accounts::converge::outcome::{AccountNews, Converged, NewsKind};
use onboard_accounts::converge::snapshot::Job;
use onboard_accounts::event::CreationFailed;
use onboard_accounts::fan_out;
use onboard_accounts::message::{Cause, ConvergeRequest};

const POLICY: &str = include_str!("../../../examples/banto.toml");

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
    let account = OrgAccount {
        id: "444455556666".parse().unwrap(),
        name: "Payments & co".into(),
        state: AccountState::Active,
        path: Vec::new(),
        joined_at: None,
    };
    let converged = Converged {
        job: Job {
            request: ConvergeRequest {
                account,
                cause: Cause::Joined,
                requested_at: "2026-11-24T01:00:00Z".parse().unwrap(),
                attempt: 0,
            },
            tags: BTreeMap::new(),
            instances: None,
        },
        status: status("Payments & co", Condition::InPlace, Condition::InPlace),
        outcomes: PerPlace::default(),
        previous: PreviousStatus::default(),
    };
    let policy = Policy::parse(POLICY).unwrap().onboarding.unwrap();
    let region: Region = "ap-northeast-1".parse().unwrap();
    let adopted = adopted("default");
    notices::ready(&converged, &policy, &[(Place::Region(&region), &adopted)])
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
        .map(|(status, kind, repairs)| AccountNews {
            status,
            kind: *kind,
            repairs: repairs
                .iter()
                .map(|action| (Place::Region(&region), action))
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
        items: vec!["role readonly: has arn:aws:iam::aws:policy/IAMFullAccess besides".into()],
    }
}

fn restarted() -> Vec<Action> {
    vec![Action::StartRecorder {
        name: "banto".into(),
    }]
}

fn creation_failed() -> Notice {
    fan_out::notices::creation_failed(&CreationFailed {
        subject: "car-examplecreateaccountrequestid111".into(),
        reason: "EMAIL_ALREADY_EXISTS".into(),
    })
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
        ("creation failed".to_owned(), creation_failed()),
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
    messages
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
