//! The commands on the world in memory, and their screens.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use banto_domain::AccountId;
use banto_domain::PerPlace;
use banto_domain::policy::Policy;
use banto_domain::status::{AccountStatus, Condition, Reason, ReasonKind};
use banto_fake::{
    Driven, FakeAccountAccess, MemberAccount, PolicyText, Run, World, assert_as_committed, drive,
};
use banto_lambda::Invocation;
use banto_lambda::event::Invoked;
use banto_notice::NoticeSender;
use banto_ports::{AccountState, ErrorKind, OrgAccount};
use jiff::{SignedDuration, Timestamp};
use onboard_accounts::dry_run::DryRun;
use onboard_accounts::event::{self, RevocationAsked, Scope, Trigger};
use onboard_accounts::message::{Cause, Message};
use onboard_accounts::{Onboarder, converge, fan_out};
use serde_json::{Value, json};

use super::{apply, look, plan, planned, revoke, status, told};
use crate::ending::Ending;
use crate::expected;
use crate::terminal::Screen;

const BASELINE: &str = r#"[onboarding]
way = "direct"
management_account = "999988887777"
home_region = "eu-west-1"
regions = ["eu-west-1", "us-east-1"]
queue = "https://sqs.eu-west-1.amazonaws.com/999988887777/banto-accounts"
table = "banto-accounts"
dashboard = { bucket = "banto-dashboard" }

[onboarding.config]
bucket = "banto-log-archive"

[onboarding.roles.admin]
trusted = ["111122223333"]
managed_policies = ["arn:aws:iam::aws:policy/AdministratorAccess"]

[onboarding.roles.readonly]
trusted = ["111122223333"]
inline_policies = { no-secrets = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]}' }

[onboarding.settings]
password_policy = { minimum_length = 16 }
ebs_encryption = true
"#;

const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];

const PAYMENTS: &str = "444455556666";
const SEARCH: &str = "555566667777";
const LEGACY: &str = "666677778888";

fn start() -> Timestamp {
    "2026-06-01T01:00:00Z".parse().unwrap()
}

fn policy() -> Policy {
    PolicyText::least().and(BASELINE).parse()
}

fn id(text: &str) -> AccountId {
    text.parse().unwrap()
}

/// The function's library as the command wires it, on one run's view of the world.
fn onboarder(run: &Arc<Run>) -> Onboarder {
    let policy = policy();
    let notices = policy.notices;
    let notice_sender =
        NoticeSender::new(run.clone(), run.clone(), run.clone(), notices, run.clone());
    let notice_sender = Arc::new(notice_sender);
    Onboarder {
        policy: policy.onboarding.unwrap(),
        fan_out: fan_out::ports::Ports {
            organization: run.clone(),
            queue: run.clone(),
            statuses: run.clone(),
            notice_sender: notice_sender.clone(),
            clock: run.clone(),
        },
        converge: converge::ports::Ports {
            organization: run.clone(),
            account_access: Arc::new(FakeAccountAccess(run.clone())),
            stack_instances: run.clone(),
            queue: run.clone(),
            statuses: run.clone(),
            dashboard: run.clone(),
            notice_sender,
            clock: run.clone(),
        },
    }
}

/// Does something with the library, up to its end.
fn with<T>(world: &Arc<World>, act: impl AsyncFnOnce(&Onboarder) -> T) -> T {
    let run = world.run(None);
    let onboarder = onboarder(&run);
    match drive(&run, act(&onboarder)) {
        Driven::Done(done) => done,
        Driven::Cancelled => panic!("cancelled without a fault"),
    }
}

fn function(world: &Arc<World>, event: &Value) {
    let invocation = Invocation::for_tests("run", Duration::from_secs(900));
    let event = event.to_string();
    let handled = with(world, async |it| {
        it.handle(event.as_bytes(), &invocation).await
    });
    handled.unwrap();
}

/// Hands the function what is on its queue, until nothing is.
fn settle(world: &Arc<World>) {
    while let Some(next) = world.next_message_at() {
        world.advance(next.duration_since(world.now()).max(SignedDuration::ZERO));
        let records = world.receive(10).into_iter().map(|message| {
            json!({
                "messageId": message.id,
                "receiptHandle": message.receipt,
                "body": message.body,
                "attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": "0" },
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": message.queue,
                "awsRegion": "eu-west-1",
            })
        });
        let records: Vec<Value> = records.collect();
        function(world, &json!({ "Records": records }));
    }
}

/// An Organization in which payments and search came to their baseline.
fn world() -> Arc<World> {
    let world = World::at(start());
    add(&world, PAYMENTS, "payments");
    add(&world, SEARCH, "search");
    function(&world, &json!({}));
    settle(&world);
    world
}

fn add(world: &World, id: &str, name: &str) {
    world.add_account(MemberAccount::new(id, name, &REGIONS, start()));
}

/// The same with one account that lacks a role, a new one that can't be entered, and a closed one.
fn troubled() -> Arc<World> {
    let world = world();
    world.change_account(&id(SEARCH), |search| {
        let admin = "admin".parse().unwrap();
        search.roles.remove(&admin);
        search.region("us-east-1").ebs_encryption = false;
    });
    add(&world, LEGACY, "legacy");
    world.change_account(&id(LEGACY), |legacy| legacy.reachable_from = None);
    add(&world, "777788889999", "former");
    world.change_account(&id("777788889999"), |former| {
        former.org.state = AccountState::Closed
    });
    world
}

fn looked(world: &Arc<World>, accounts: &[&str]) -> DryRun {
    let accounts: Vec<String> = accounts.iter().map(|&it| it.to_owned()).collect();
    with(world, async |onboarder| {
        let scope = look::scope(onboarder, &accounts).await.unwrap();
        look::look(onboarder, scope).await.unwrap()
    })
}

fn rows(world: &Arc<World>) -> Vec<status::Row> {
    let looked = looked(world, &[]);
    let told = with(world, async |onboarder| told(onboarder, &looked).await);
    status::rows(&looked, &told)
}

#[test]
fn status_shows_what_needs_a_person_first_and_leaves_out_what_is_in_order() {
    let world = troubled();
    let rows = rows(&world);
    let now = start() + SignedDuration::from_hours(3);
    expected::holds("accounts/status", |screen| {
        status::show(&rows, false, now, screen)
    });
    expected::holds("accounts/status-all", |screen| {
        status::show(&rows, true, now, screen)
    });
    let text = status::show(&rows, false, now, &Screen::plain(80));
    assert!(text.contains("search") && text.contains("legacy"), "{text}");
    assert!(!text.contains("payments"), "{text}");
}

#[test]
fn status_as_json_has_a_place_for_each_region_and_says_what_to_do() {
    let world = troubled();
    let json = status::as_json(&rows(&world), start());
    let shown = format!("{json:#}\n");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("expected/accounts/status.json");
    assert_as_committed(file, &shown);
}

#[test]
fn a_plan_is_the_functions_own_and_accounts_that_need_the_same_are_shown_together() {
    let world = troubled();
    add(&world, "888899990000", "storage");
    add(&world, "999900001111", "streams");
    let looked = looked(&world, &[]);
    expected::holds("accounts/plan", |screen| plan::show(&looked, false, screen));
    let all = plan::show(&looked, true, &Screen::plain(140));
    assert!(all.contains("(payments)"), "{all}");
    // What the function answers to a dry run, to the letter.
    let own = looked.response().unwrap().body;
    let event = br#"{"dryRun": true}"#;
    let invocation = Invocation::for_tests("run", Duration::from_secs(900));
    let asked = with(&world, async |it| {
        it.handle(event, &invocation).await.unwrap()
    });
    assert_eq!(own, asked.body);
}

#[test]
fn looking_writes_nothing_and_sends_nothing() {
    let world = troubled();
    let (before, sent) = (world.writes().len(), world.sent().len());
    let looked = looked(&world, &[]);
    plan::show(&looked, true, &Screen::plain(80));
    rows(&world);
    assert_eq!(world.writes().len(), before, "{:?}", world.writes());
    assert_eq!((world.sent().len(), world.waiting_messages()), (sent, 0));
}

#[test]
fn accounts_go_by_name_or_id_and_one_that_is_not_there_is_told() {
    let world = world();
    let named = looked(&world, &["payments", SEARCH]);
    assert_eq!(named.accounts.len(), 2);
    let account = |id: &str, name: &str| OrgAccount {
        id: id.parse().unwrap(),
        name: name.to_owned(),
        state: AccountState::Active,
        path: Vec::new(),
        joined_at: None,
        was_created: true,
    };
    let listed = [account(PAYMENTS, "same"), account(SEARCH, "same")];
    let error = |name: &str| {
        look::ids_of(&[name.to_owned()], &listed)
            .unwrap_err()
            .to_string()
    };
    assert!(
        error("same").contains(&format!("{PAYMENTS}, {SEARCH}")),
        "{}",
        error("same")
    );
    assert!(error("other").contains("other"), "{}", error("other"));
    let unknown = with(&world, async |onboarder| {
        let scope = Scope::Accounts([id("121212121212")].into());
        look::look(onboarder, scope).await
    });
    assert!(
        unknown
            .unwrap_err()
            .to_string()
            .contains("not in the Organization")
    );
}

#[test]
fn what_is_denied_or_throttled_is_a_reason_of_its_account_and_hides_no_other() {
    for (call, kind) in [
        ("iam:GetAccountPasswordPolicy", ErrorKind::Denied),
        ("sts:AssumeRole", ErrorKind::Throttled),
    ] {
        let world = world();
        world.outage(call, kind, world.now() + SignedDuration::from_hours(1));
        let rows = rows(&world);
        assert!(
            rows.iter().all(|row| row.state == status::State::NotReady),
            "{rows:#?}"
        );
        let text = status::show(&rows, false, world.now(), &Screen::plain(80));
        assert!(text.contains("2 not ready"), "{text}");
    }
    let world = world();
    world.outage(
        "organizations:",
        ErrorKind::Denied,
        world.now() + SignedDuration::from_hours(1),
    );
    let blind = with(&world, async |it| look::look(it, Scope::AllAccounts).await);
    assert!(blind.unwrap_err().to_string().contains("denied"));
}

#[test]
fn a_plan_that_lacks_an_account_is_a_finding_and_one_of_nothing_is_blind() {
    let world = world();
    let both = looked(&world, &[]);
    assert_eq!(planned(&both), Ending::Done);
    let not_planned = |account: &str| {
        Err(converge::account::NotPlanned {
            account: id(account),
            why: "no time was left".to_owned(),
        })
    };
    let mut some = looked(&world, &[]);
    some.accounts[0] = not_planned(PAYMENTS);
    assert_eq!(planned(&some), Ending::FINDINGS);
    let rows = status::rows(&some, &BTreeMap::new());
    let text = status::show(&rows, false, start(), &Screen::plain(80));
    assert!(
        text.contains("1 not seen") && text.contains("no time was left"),
        "{text}"
    );
    some.accounts[1] = not_planned(SEARCH);
    assert_eq!(planned(&some), Ending::BLIND);
}

#[test]
fn a_thousand_accounts_stay_readable() {
    let world = world();
    for number in 0..1_000 {
        let (id, name) = (format!("2{number:011}"), format!("team-{number:04}"));
        add(&world, &id, &name);
        if number < 400 {
            world.change_account(&self::id(&id), |account| account.reachable_from = None);
        }
    }
    let rows = rows(&world);
    let looked = looked(&world, &[]);
    assert_eq!(rows.len(), 1_002);
    for screen in [Screen::plain(80), Screen::plain(140)] {
        let status = status::show(&rows, false, start(), &screen);
        assert!(status.lines().count() < 30, "{status}");
        assert!(status.contains("and 397 others"), "{status}");
        let plan = plan::show(&looked, false, &screen);
        assert!(plan.lines().count() < 80, "{plan}");
    }
    let all = status::show(&rows, true, start(), &Screen::plain(140));
    assert!(all.contains("team-0999"));
}

#[test]
fn apply_sends_just_what_the_functions_fan_out_would_for_accounts_that_are_not_in_order() {
    let world = troubled();
    let looked = looked(&world, &[]);
    let accounts = apply::to_apply(&looked);
    assert_eq!(accounts, [id(SEARCH), id(LEGACY)].into());
    let messages = apply::messages(&looked, &accounts).unwrap();
    let mut asked = BTreeSet::new();
    for message in &messages {
        match event::decode(message.body.as_bytes()).unwrap() {
            Invoked::Direct(Trigger::Message(Message::Converge(request))) => {
                assert_eq!(request.cause, Cause::Asked);
                assert_eq!(message.group.as_deref(), Some(request.account.id.as_str()));
                asked.insert(request.account.id);
            }
            Invoked::Direct(Trigger::Message(Message::PublishDashboard)) => {
                assert!(message.delay >= Duration::from_secs(60));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((asked, messages.len()), (accounts, 3));
}

#[test]
fn what_apply_sends_brings_accounts_to_their_baseline() {
    let world = troubled();
    world.change_account(&id(LEGACY), |legacy| legacy.reachable_from = Some(start()));
    let looked = looked(&world, &[]);
    let accounts = apply::to_apply(&looked);
    let messages = apply::messages(&looked, &accounts).unwrap();
    let before = BTreeMap::new();
    with(&world, async |it| {
        it.fan_out.queue.send(&messages).await.unwrap()
    });
    settle(&world);
    let statuses = with(&world, async |it| it.converge.statuses.all().await.unwrap());
    let progress = apply::progress(&accounts, &before, &statuses);
    assert_eq!(progress.done, accounts, "{progress:?}");
    assert!(
        rows(&world).iter().all(|row| row.state.is_fine()),
        "{:#?}",
        rows(&world)
    );
}

fn seen(account: &str, checked_at: Timestamp, condition: Condition) -> AccountStatus {
    AccountStatus {
        account: id(account),
        name: account.to_owned(),
        checked_at,
        conditions: PerPlace::of_account(condition),
    }
}

#[test]
fn progress_believes_no_status_from_before_it_asked() {
    let (old, new) = (start(), start() + SignedDuration::from_mins(1));
    let accounts: BTreeSet<AccountId> = [PAYMENTS, SEARCH, LEGACY].map(id).into();
    let before = BTreeMap::from([(id(PAYMENTS), old), (id(SEARCH), old)]);
    let denied = Reason::new(ReasonKind::Denied, "iam:CreateRole").condition();
    let foreign = Reason::new(ReasonKind::ForeignRole, "admin").condition();
    let first = [
        seen(PAYMENTS, old, Condition::InPlace),
        seen(SEARCH, new, denied),
    ];
    let progress = apply::progress(&accounts, &before, &first);
    assert_eq!(
        (progress.done.len(), progress.waiting.len()),
        (0, 3),
        "{progress:?}"
    );
    let second = [
        seen(PAYMENTS, new, Condition::InPlace),
        seen(SEARCH, new, foreign),
        seen(
            LEGACY,
            new,
            Condition::LeftAlone {
                because: "closed".to_owned(),
            },
        ),
    ];
    let progress = apply::progress(&accounts, &before, &second);
    assert_eq!(
        (progress.done.len(), progress.failed.len()),
        (2, 1),
        "{progress:?}"
    );
    expected::holds("accounts/apply-ended", |screen| {
        apply::ended(&progress, screen)
    });
}

#[test]
fn an_account_that_is_only_reported_is_not_said_to_be_in_order() {
    let accounts: BTreeSet<AccountId> = [PAYMENTS, SEARCH].map(id).into();
    let drifted = Condition::Drifted {
        items: vec!["admin differs".to_owned()],
    };
    let statuses = [
        seen(PAYMENTS, start(), Condition::InPlace),
        seen(SEARCH, start(), drifted),
    ];
    let progress = apply::progress(&accounts, &BTreeMap::new(), &statuses);
    let ended = apply::ended(&progress, &crate::terminal::Screen::plain(80));
    assert!(ended.starts_with("1 of 2 in order."), "{ended}");
    assert!(ended.contains(SEARCH), "{ended}");
}

fn revocation(before: Option<Timestamp>, dry_run: bool) -> RevocationAsked {
    RevocationAsked {
        user: "alice".parse().unwrap(),
        account: None,
        before,
        dry_run,
    }
}

#[test]
fn a_revocation_names_roles_and_accounts_and_sends_the_moment_that_was_shown() {
    let world = world();
    let asked = with(&world, async |it| {
        revoke::ask_first(it, &revocation(None, true))
            .await
            .unwrap()
    });
    expected::holds("accounts/revoke", |screen| revoke::show(&asked, screen));
    assert_eq!(world.waiting_messages(), 0, "a dry run sends nothing");
    world.advance(SignedDuration::from_mins(2));
    with(&world, async |it| {
        revoke::send(it, &asked.revocation).await.unwrap()
    });
    let sent = world.receive(10);
    let [message] = &sent[..] else {
        panic!("{sent:?}")
    };
    let decoded = event::decode(message.body.as_bytes()).unwrap();
    let expected = Message::Revoke(asked.revocation);
    assert_eq!(decoded, Invoked::Direct(Trigger::Message(expected)));
}

#[test]
fn a_moment_in_the_future_is_refused_before_anybody_is_asked() {
    let world = world();
    let future = Some(world.now() + SignedDuration::from_hours(1));
    let refused = with(&world, async |it| {
        revoke::ask_first(it, &revocation(future, true)).await
    });
    assert!(refused.unwrap_err().to_string().contains("before"));
}

#[test]
fn a_revocation_is_followed_until_every_role_denies_the_sessions() {
    let world = world();
    let asked = with(&world, async |it| {
        revoke::ask_first(it, &revocation(None, true))
            .await
            .unwrap()
    });
    let requests = with(&world, async |it| {
        let accounts = it.converge.organization.accounts().await.unwrap();
        onboard_accounts::revoke::plan::requests(accounts, &asked.revocation, world.now())
    });
    let left = with(&world, async |it| revoke::left(it, &requests).await);
    assert_eq!(left.len(), requests.len());
    expected::holds("accounts/revoke-left", |screen| {
        revoke::ended(requests.len(), &left, screen)
    });
    with(&world, async |it| {
        revoke::send(it, &asked.revocation).await.unwrap()
    });
    settle(&world);
    let left = with(&world, async |it| revoke::left(it, &requests).await);
    assert_eq!(left, BTreeMap::new());
    let text = revoke::ended(requests.len(), &left, &Screen::plain(80));
    assert!(text.starts_with("Ended in 2 of 2 accounts"), "{text}");
}
