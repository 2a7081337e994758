//! A user's sessions end in the baseline's roles of every account, whatever fails on the way, and
//! nowhere else.

use std::process::Command;
use std::sync::Arc;

use banto_domain::policy::OnboardingPolicy;
use banto_domain::{AccountId, RoleName};
use banto_fake::{Driven, Queued, World, drive, interleave};
use banto_lambda::Invocation;
use banto_ports::{AccountState, ErrorKind, LiveRole, OrgAccount};
use jiff::{SignedDuration, Timestamp};
use onboard_accounts::message::{Message, RevokeRequest};
use onboard_accounts::revocation::{
    EVERYBODY, issued_before, policy as denial, policy_for_everybody, policy_name,
};
use onboard_accounts::revoke::notices;
use onboard_accounts::revoke::outcome::Outcome;
use onboard_accounts::revoke::plan::Failure;
use onboard_accounts::revoke::report::Visit;
use serde_json::{Value, json};

use super::harness::{
    account, created, minutes, named_account, onboarder, policy, policy_with, recorded, scheduled,
    start, told,
};
use super::play::foreign_role;
use crate::harness::crash_points::{Played, Scene, at_once, one_fault};
use crate::harness::{
    Sqs, batch, enqueue, failed, handle, handle_on, handle_with, receive, settle, work_off,
};
use crate::rotation;

const PAYMENTS: &str = "444455556666";
const SEARCH: &str = "555566667777";
const CLOSED: &str = "666677778888";
const VENDOR: &str = "777788889999";

/// A policy that leaves one account alone.
fn with_vendor() -> OnboardingPolicy {
    let alone = format!(
        "[[onboarding.overrides]]\naccount = \"{VENDOR}\"\nleft_alone_because = \"run by a vendor\"\n[onboarding.config]"
    );
    policy_with(&[("[onboarding.config]", &alone)])
}

fn id(account: &str) -> AccountId {
    account.parse().unwrap()
}

fn role(name: &str) -> RoleName {
    name.parse().unwrap()
}

/// Two accounts in place, one of which has a role that others made, a suspended one, and one that
/// is left alone and has a role of a baseline's name.
fn world() -> Arc<World> {
    let world = World::at(start());
    account(&world);
    named_account(&world, SEARCH, "search");
    let closed = named_account(&world, CLOSED, "old");
    named_account(&world, VENDOR, "vendor");
    handle(&world, &with_vendor(), &scheduled());
    settle(&world, &with_vendor());
    world.change_account(&id(PAYMENTS), |member| {
        let auditor = (foreign_role("auditor"), 3_600);
        member.roles.insert(role("auditor"), auditor);
    });
    world.change_account(&id(VENDOR), |member| {
        let admin = (foreign_role("admin"), 3_600);
        member.roles.insert(role("admin"), admin);
    });
    world.change_account(&closed, |member| {
        member.org.state = AccountState::Suspended;
    });
    world
}

/// The message that ends alice's sessions, as rotate-access-keys sends it.
fn revoke(before: Timestamp) -> Value {
    json!({ "version": 1, "kind": "revoke", "account": "111122223333", "user": "alice", "before": before })
}

fn begin(world: &World) {
    enqueue(world, &[revoke(world.now())]);
}

/// The moment up to which a role denies alice's sessions.
fn denied(world: &World, account: &str, name: &str) -> Option<Timestamp> {
    let name_of_policy = policy_name(&"alice".parse().unwrap());
    let member = world.account(&id(account));
    let (live, _) = member.roles.get(&role(name))?;
    issued_before(&name_of_policy, live.inline_policies.get(&name_of_policy)?)
}

/// All that must deny: each role of the baseline, in each account that is active and not left
/// alone.
const DENYING: [(&str, &str); 4] = [
    (PAYMENTS, "admin"),
    (PAYMENTS, "readonly"),
    (SEARCH, "admin"),
    (SEARCH, "readonly"),
];

/// The roles whose inline policies must stay as they are, and the accounts that must.
fn untouched(world: &World) -> Value {
    let auditor = &world.account(&id(PAYMENTS)).roles[&role("auditor")];
    json!([
        format!("{auditor:?}"),
        format!("{:?}", world.account(&id(CLOSED))),
        format!("{:?}", world.account(&id(VENDOR))),
    ])
}

/// The number of notices with these words.
fn said(world: &World, words: &str) -> usize {
    told(world)
        .iter()
        .filter(|told| told.contains(words))
        .count()
}

#[test]
fn a_revocation_reaches_each_baseline_role_of_each_active_account_and_no_other() {
    let world = world();
    let (before, as_it_was, news) = (world.now(), untouched(&world), told(&world).len());
    begin(&world);
    settle(&world, &with_vendor());
    for (account, name) in DENYING {
        assert_eq!(
            denied(&world, account, name),
            Some(before),
            "{account} {name}"
        );
    }
    assert_eq!(untouched(&world), as_it_was);
    assert_eq!(told(&world).len(), news + 1, "{:#?}", told(&world));
    assert_eq!(said(&world, "Ending alice's sessions in 3 accounts"), 1);
    let took = world.now().duration_since(before);
    assert!(took < minutes(2), "{took:?}");
}

/// The policy of rotation that hands revocations on.
fn handing_on() -> banto_domain::policy::Policy {
    let mut policy = rotation::harness::policy();
    let queue = "https://sqs.eu-west-1.amazonaws.com/111122223333/banto-accounts";
    policy.rotation.revocations = Some(queue.parse().unwrap());
    policy
}

#[test]
fn rotation_sends_the_message_that_this_function_reads() {
    let policy = handing_on();
    let (world, user, old) = rotation::harness::alone(SignedDuration::from_hours(240));
    let exposed = rotation::harness::exposed(&[&old]).to_string();
    let emergency = batch(&[Queued::new("1", exposed, world.now())]);
    for _ in 0..4 {
        handle(&world, &policy, &emergency);
        world.advance(minutes(16));
    }
    let sent = world.receive(10).remove(0);
    let message = Message::decode(serde_json::from_str(&sent.body).unwrap());
    let Ok(Message::Revoke(revocation)) = message else {
        panic!("{message:?}")
    };
    assert_eq!(revocation.user, user);
    assert_eq!(
        revocation.account.as_ref(),
        Some(&policy.rotation.accounts[0].id)
    );
    let sent: Value = serde_json::from_str(&sent.body).unwrap();
    let mut own = serde_json::to_value(Message::Revoke(revocation)).unwrap();
    own["version"] = json!(1);
    assert_eq!(own, sent);
}

#[test]
fn sessions_that_a_stolen_key_begins_until_it_is_off_everywhere_end_too() {
    let (world, _, old) = rotation::harness::alone(SignedDuration::from_hours(240));
    let exposed = rotation::harness::exposed(&[&old]).to_string();
    let run = world.run(None);
    run.interfere_at("iam:UpdateAccessKey", |world| world.advance(minutes(3)));
    let emergency = batch(&[Queued::new("1", exposed, world.now())]);
    drop(handle_on(&run, &world, &handing_on(), &emergency));
    assert_eq!(run.acts_to_come(), 0);
    let off_at = world.now();
    let message: Value = serde_json::from_str(&world.receive(10)[0].body).unwrap();
    let before: Timestamp = message["before"].as_str().unwrap().parse().unwrap();
    assert!(before > off_at + minutes(1), "{before} {off_at}");
    // onboard-accounts refuses what is further ahead of its clock.
    assert!(before <= off_at + minutes(5), "{before} {off_at}");
}

#[test]
fn a_revocation_that_rotation_sends_again_is_the_same() {
    let (world, _, old) = rotation::harness::alone(SignedDuration::from_hours(240));
    let exposed = rotation::harness::exposed(&[&old]).to_string();
    let emergency = batch(&[Queued::new("1", exposed, world.now())]);
    let run = world.run(None);
    run.interfere_at("sqs:SendMessage", |world| {
        let until = world.now() + minutes(10);
        world.outage(
            "secretsmanager:PutSecretValue",
            ErrorKind::Unavailable,
            until,
        );
    });
    drop(handle_on(&run, &world, &handing_on(), &emergency));
    assert_eq!(run.acts_to_come(), 0);
    world.advance(minutes(21));
    handle(&world, &handing_on(), &emergency);
    let sent = world.receive(10);
    let [first, second] = sent.as_slice() else {
        panic!("{sent:?}")
    };
    assert_eq!(first.body, second.body);
}

/// A revocation that is about to be worked off.
struct Begun;

fn settled(world: &World, before: Timestamp, as_it_was: &Value, sqs: &Sqs) -> Vec<String> {
    let mut broken = Vec::new();
    for (account, name) in DENYING {
        if denied(world, account, name) != Some(before) {
            broken.push(format!("{account} {name} does not deny"));
        }
    }
    if untouched(world) != *as_it_was {
        broken.push("O1: something outside the baseline changed".to_owned());
    }
    let given_up = sqs.dead.iter();
    broken.extend(given_up.map(|message| format!("given up: {}", message.body)));
    broken
}

impl Scene for Begun {
    fn name(&self) -> &str {
        "revocation"
    }

    fn play(&self, faults: &[(usize, banto_fake::Fault)]) -> Played {
        let world = world();
        let (before, as_it_was) = (world.now(), untouched(&world));
        begin(&world);
        let mut sqs = Sqs::default();
        sqs.settle(&world, &with_vendor(), faults);
        let broken = settled(&world, before, &as_it_was, &sqs);
        Played {
            calls: sqs.calls,
            fired: sqs.fired,
            broken,
        }
    }
}

#[test]
fn after_a_fault_at_any_call_every_role_of_the_baseline_denies() {
    one_fault(&[Begun]);
}

#[test]
fn two_invocations_of_one_revocation_lead_to_the_same() {
    at_once(&[Begun], |_, invocation, turns| {
        let world = world();
        let (before, as_it_was) = (world.now(), untouched(&world));
        begin(&world);
        let mut sqs = Sqs::default();
        sqs.settle_with_two(&world, &with_vendor(), invocation, turns);
        settled(&world, before, &as_it_was, &sqs)
    });
}

#[test]
fn an_older_revocation_never_weakens_a_newer_one() {
    for hours in [[2, 0], [0, 2], [0, 0]] {
        let world = world();
        let newest = world.now();
        for hours in hours {
            enqueue(
                &world,
                &[revoke(newest - SignedDuration::from_hours(hours))],
            );
            settle(&world, &with_vendor());
        }
        for (account, name) in DENYING {
            assert_eq!(denied(&world, account, name), Some(newest), "{hours:?}");
        }
    }
}

#[test]
fn of_two_revocations_that_meet_the_newer_one_holds_whoever_writes_last() {
    for first in 0..16 {
        let world = World::at(start());
        account(&world);
        handle(&world, &policy(), &created());
        settle(&world, &policy());
        let newest = world.now();
        let older = newest - minutes(30);
        enqueue(&world, &[revoke(older), revoke(newest)]);
        Sqs::default().deliver(&world, &policy(), None);
        let mut messages = world.receive(10);
        messages.retain(|message| message.body.contains("revokeIn"));
        assert_eq!(messages.len(), 2);
        meet(&world, &messages, first);
        settle(&world, &policy());
        for name in ["admin", "readonly"] {
            assert_eq!(denied(&world, PAYMENTS, name), Some(newest), "from {first}");
        }
    }
}

/// Hands two messages to two invocations at once, the first making some calls before the second.
fn meet(world: &Arc<World>, messages: &[Queued], first: usize) {
    let (one, other) = (world.run(None), world.run(None));
    let policy = policy();
    let (here, there) = (onboarder(&one, &policy), onboarder(&other, &policy));
    let invocation = |name| Invocation::for_tests(name, std::time::Duration::from_secs(900));
    let (in_one, in_other) = (invocation("one"), invocation("other"));
    let events = [&messages[..1], &messages[1..]].map(|it| batch(it).to_string());
    // One run goes ahead of the other, which then makes all its calls, and the first comes last.
    let turns = std::iter::repeat_n(true, first).chain(std::iter::repeat_n(false, 100));
    let ends = interleave(
        (&one, here.handle(events[0].as_bytes(), &in_one)),
        (&other, there.handle(events[1].as_bytes(), &in_other)),
        turns,
    );
    let (Driven::Done(Ok(here)), Driven::Done(Ok(there))) = ends else {
        panic!("failed")
    };
    assert!(failed(&here.body).is_empty() && failed(&there.body).is_empty());
}

#[test]
fn an_account_that_cant_be_entered_for_an_hour_is_told_once_with_the_command_and_ended_then() {
    let world = world();
    let before = world.now();
    world.change_account(&id(PAYMENTS), |member| {
        member.reachable_from = Some(before + minutes(60));
    });
    begin(&world);
    while denied(&world, PAYMENTS, "admin").is_none() {
        let waited = world.now().duration_since(before);
        let alarms = said(
            &world,
            "Can't end alice's sessions in payments (444455556666)",
        );
        match waited < minutes(5) {
            true => assert_eq!(alarms, 0, "{waited:?}"),
            false if waited > minutes(10) => assert_eq!(alarms, 1, "{waited:?}"),
            false => {}
        }
        let next = world.next_message_at().expect("given up");
        world.advance(next.duration_since(world.now()).max(SignedDuration::ZERO));
        work_off(&world, &with_vendor());
    }
    assert_eq!(
        denied(&world, SEARCH, "admin"),
        Some(before),
        "no other waits"
    );
    settle(&world, &with_vendor());
    assert!(world.now().duration_since(before) < minutes(90));
    let alarm = told(&world)
        .into_iter()
        .find(|told| told.contains("Can't end"));
    assert!(alarm.unwrap().contains("aws iam put-role-policy"));
    assert_eq!(said(&world, "Can't end"), 1);
}

#[test]
fn a_role_that_cant_be_denied_is_told_at_once_and_tried_until_every_session_is_over() {
    for (call, kind) in [
        (None, None),
        (Some("iam:PutRolePolicy"), Some(ErrorKind::LimitExceeded)),
    ] {
        let world = world();
        let before = world.now();
        world.change_account(&id(PAYMENTS), |member| match (call, kind) {
            (Some(call), Some(kind)) => drop(member.refuses.insert(call, kind)),
            _ => drop(
                member
                    .roles
                    .insert(role("admin"), (foreign_role("admin"), 3_600)),
            ),
        });
        let as_it_was = world.account(&id(PAYMENTS)).roles[&role("admin")].clone();
        begin(&world);
        work_off(&world, &with_vendor());
        assert_eq!(
            said(&world, "Can't end alice's sessions in payments"),
            1,
            "{call:?}"
        );
        settle(&world, &with_vendor());
        assert_eq!(said(&world, "Can't end"), 1, "{:#?}", told(&world));
        assert_eq!(
            world.account(&id(PAYMENTS)).roles[&role("admin")],
            as_it_was
        );
        assert_eq!(denied(&world, SEARCH, "admin"), Some(before));
        let tried = world.now().duration_since(before);
        assert!(tried > SignedDuration::from_hours(12), "{tried:?}");
        assert!(tried < SignedDuration::from_hours(13), "{tried:?}");
    }
}

#[test]
fn a_foreign_role_does_not_keep_its_neighbour_from_denying() {
    let world = world();
    let before = world.now();
    world.change_account(&id(PAYMENTS), |member| {
        member
            .roles
            .insert(role("admin"), (foreign_role("admin"), 3_600));
    });
    begin(&world);
    work_off(&world, &with_vendor());
    assert_eq!(denied(&world, PAYMENTS, "readonly"), Some(before));
}

#[test]
fn nobody_to_tell_keeps_no_session_alive() {
    let world = world();
    let before = world.now();
    world.fail_topics(Some(ErrorKind::Unavailable));
    begin(&world);
    let mut sqs = Sqs::default();
    sqs.settle(&world, &with_vendor(), &[]);
    assert_eq!(denied(&world, SEARCH, "readonly"), Some(before));
    assert_eq!(sqs.dead.len(), 1, "its alarm tells people: {:?}", sqs.dead);
}

#[test]
fn with_the_kill_switch_off_people_get_the_command_and_no_account_changes() {
    let world = world();
    let off = policy_with(&[("[onboarding]", "[onboarding]\nenabled = false")]);
    let accounts = world.accounts();
    let news = told(&world).len();
    world.fail_topics(Some(ErrorKind::Unavailable));
    begin(&world);
    assert_eq!(work_off(&world, &off), 0);
    let next = world
        .next_message_at()
        .expect("it comes again until it is told");
    assert!(next.duration_since(world.now()) <= minutes(1), "{next}");
    world.fail_topics(None);
    settle(&world, &off);
    let said = told(&world).split_off(news);
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(
        said[0].contains("End alice's sessions by hand"),
        "{}",
        said[0]
    );
    assert!(
        said[0].contains("for role in admin readonly"),
        "{}",
        said[0]
    );
    assert!(said[0].contains("search (555566667777)"), "{}", said[0]);
    assert_eq!(world.accounts(), accounts);
}

#[test]
fn with_the_kill_switch_off_an_account_that_waits_is_told_and_not_changed() {
    let world = world();
    begin(&world);
    Sqs::default().deliver(&world, &with_vendor(), None);
    let off = policy_with(&[("[onboarding]", "[onboarding]\nenabled = false")]);
    let accounts = world.accounts();
    work_off(&world, &off);
    assert_eq!(world.accounts(), accounts);
    assert_eq!(said(&world, "[onboarding] enabled is false"), 1);
    assert_eq!(said(&world, "Can't end alice's sessions in 3 accounts"), 1);
}

#[test]
fn an_operators_request_goes_to_the_queue_and_a_bad_one_is_refused() {
    let world = world();
    let before = world.now();
    let response = handle(&world, &with_vendor(), &json!({ "revoke": "alice" }));
    assert_eq!(
        response["revocation"]["before"],
        json!(before),
        "{response}"
    );
    settle(&world, &with_vendor());
    assert_eq!(denied(&world, PAYMENTS, "admin"), Some(before));

    let skewed = world.now() + minutes(4);
    handle(
        &world,
        &with_vendor(),
        &json!({ "revoke": "alice", "before": skewed }),
    );
    let future = world.now() + minutes(6);
    let event = json!({ "revoke": "alice", "before": future });
    let Driven::Done(Err(failure)) = handle_with(&world, &with_vendor(), &event, None).0 else {
        panic!("accepted")
    };
    assert_eq!(failure.kind, "RevocationRefused");
    assert!(
        failure.to_string().contains("leave \"before\" out"),
        "{failure}"
    );

    let down = world.now() + minutes(1);
    world.outage("sqs:", ErrorKind::Unavailable, down);
    let event = json!({ "revoke": "alice" });
    let Driven::Done(Err(failure)) = handle_with(&world, &with_vendor(), &event, None).0 else {
        panic!("lost")
    };
    assert_eq!(failure.kind, "QueueUnreachable");
}

#[test]
fn a_dry_run_says_where_sessions_would_end_and_changes_nothing() {
    let world = world();
    let (accounts, writes) = (world.accounts(), world.writes().len());
    let event = json!({ "revoke": "alice", "dryRun": true });
    let response = handle(&world, &with_vendor(), &event);
    let roles = json!(["admin", "readonly"]);
    assert_eq!(
        response["accounts"],
        json!([
            { "account": PAYMENTS, "roles": roles },
            { "account": SEARCH, "roles": roles },
            { "account": VENDOR, "roles": [] },
        ]),
        "{response:#}"
    );
    let limits = response["limits"].to_string();
    assert!(limits.contains("capitals included"), "{limits}");
    assert_eq!((world.accounts(), world.writes().len()), (accounts, writes));
}

#[test]
fn a_revocation_whose_sessions_are_all_over_asks_nobody() {
    let world = world();
    let calls = world.calls().len();
    let long_ago = world.now() - SignedDuration::from_hours(13);
    enqueue(&world, &[revoke(long_ago)]);
    settle(&world, &with_vendor());
    assert_eq!(world.calls().len(), calls);
}

#[test]
fn a_moment_within_a_second_denies_the_sessions_of_that_second_too() {
    let world = world();
    let within: Timestamp = "2026-06-01T00:59:59.123456789Z".parse().unwrap();
    enqueue(&world, &[revoke(within)]);
    settle(&world, &with_vendor());
    assert_eq!(denied(&world, PAYMENTS, "admin"), Some(start()));
}

#[test]
fn an_account_that_leaves_meanwhile_is_not_tried_for_ever() {
    let world = world();
    world.change_account(&id(PAYMENTS), |member| member.reachable_from = None);
    begin(&world);
    work_off(&world, &with_vendor());
    world.remove_account(&id(PAYMENTS));
    let left_at = world.now();
    settle(&world, &with_vendor());
    assert!(world.now().duration_since(left_at) < minutes(5));
    assert_eq!(said(&world, "Can't end"), 0);
}

#[test]
fn a_revocation_comes_before_the_convergence_of_the_same_batch() {
    let world = world();
    handle(&world, &with_vendor(), &scheduled());
    begin(&world);
    let mut sqs = Sqs::default();
    sqs.deliver(&world, &with_vendor(), None);
    let calls = world.calls().len();
    handle(&world, &with_vendor(), &scheduled());
    let messages = receive(&world);
    handle(&world, &with_vendor(), &batch(&messages));
    let later = world.calls().split_off(calls);
    let denial = later
        .iter()
        .position(|call| call.name == "iam:PutRolePolicy");
    let converged = later
        .iter()
        .position(|call| call.name.starts_with("config:"));
    assert!(
        denial.is_some() && denial < converged,
        "{denial:?} {converged:?}"
    );
}

#[test]
fn a_revocation_that_cant_be_read_lets_the_others_of_its_batch_pass() {
    let world = world();
    let before = world.now();
    let mut torn = revoke(before);
    torn["before"] = json!("soon");
    let record = |id: &str, body: Value| Queued::new(id, body.to_string(), before);
    let messages = [record("torn", torn), record("good", revoke(before))];
    let response = handle(&world, &with_vendor(), &batch(&messages));
    assert_eq!(failed(&response), ["torn".to_owned()].into());
    settle(&world, &with_vendor());
    assert_eq!(denied(&world, PAYMENTS, "admin"), Some(before));
}

/// The notice of roles that can't be denied.
fn not_ended(roles: &[&RoleName]) -> banto_notice::Notice {
    let before = start();
    let request = RevokeRequest {
        account: OrgAccount {
            id: id(PAYMENTS),
            name: "payments".into(),
            state: AccountState::Active,
            path: Vec::new(),
            joined_at: None,
            was_created: true,
        },
        user: "alice".parse().unwrap(),
        before,
        requested_at: before,
        attempt: 0,
        not_before: None,
        told: Default::default(),
    };
    let failure = |role: &&RoleName| Failure {
        role: Some((*role).clone()),
        ..Failure::of_account("denied", true)
    };
    let outcome = Outcome {
        written: 0,
        failures: roles.iter().map(failure).collect(),
    };
    let visit = Visit::new(request, outcome, before);
    let user = "alice".parse().unwrap();
    notices::not_ended(&user, before, &[&visit], &policy()).unwrap()
}

#[test]
fn the_command_of_a_notice_hands_the_document_over_as_one_argument() {
    let [admin, readonly] = ["admin", "readonly"].map(role);
    for roles in [vec![&admin], vec![&admin, &readonly]] {
        let notice = not_ended(&roles);
        let command = notice.steps[0].command.clone().unwrap();
        let script = format!("aws() {{ printf '%s\\n' \"$@\"; }}\n{command}");
        let shell = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert!(shell.status.success(), "{shell:?}");
        let output = String::from_utf8(shell.stdout).unwrap();
        let lines: Vec<&str> = output.lines().collect();
        assert_eq!(lines.len(), 8 * roles.len(), "{output}");
        for (arguments, role) in lines.chunks(8).zip(&roles) {
            assert_eq!(
                arguments[..4],
                ["iam", "put-role-policy", "--role-name", role.as_str()]
            );
            assert_eq!(arguments[5], "banto-revoked-alice");
            let document: Value = serde_json::from_str(arguments[7]).unwrap();
            assert_eq!(document, denial(&"alice".parse().unwrap(), start()));
        }
    }
}

/// Changes a role of an account.
fn change_role(world: &World, account: &str, name: &str, change: impl FnOnce(&mut LiveRole)) {
    world.change_account(&id(account), |member| {
        change(&mut member.roles.get_mut(&role(name)).unwrap().0);
    });
}

/// The notice with these words; there must be one.
fn the_one(world: &World, words: &str) -> String {
    let mut all = told(world);
    all.retain(|told| told.contains(words));
    assert_eq!(all.len(), 1, "{:#?}", told(world));
    all.remove(0)
}

/// A text without the ends of its lines.
fn flat(text: &str) -> String {
    text.replace('\n', " ")
}

#[test]
fn a_role_that_takes_any_name_is_told_and_done_once_everybodys_sessions_end() {
    let world = world();
    let before = world.now();
    change_role(&world, PAYMENTS, "admin", |live| {
        live.trust["Statement"][0]["Condition"] = json!({});
    });
    begin(&world);
    work_off(&world, &with_vendor());
    let notice = the_one(&world, "Can't end alice's sessions in payments");
    assert!(
        notice.contains("its trust policy lets sessions"),
        "{notice}"
    );
    let command = "--role-name admin --policy-name banto-revoked ";
    assert!(flat(&notice).contains(command), "{notice}");
    assert_eq!(denied(&world, PAYMENTS, "admin"), Some(before), "by name");
    change_role(&world, PAYMENTS, "admin", |live| {
        let everybody = policy_for_everybody(before);
        live.inline_policies.insert(EVERYBODY.to_owned(), everybody);
    });
    settle(&world, &with_vendor());
    let took = world.now().duration_since(before);
    assert!(took < SignedDuration::from_hours(3), "{took:?}");
    for (hours, stays) in [(0, true), (13, false)] {
        world.advance(SignedDuration::from_hours(hours));
        handle(&world, &with_vendor(), &scheduled());
        settle(&world, &with_vendor());
        let admin = &world.account(&id(PAYMENTS)).roles[&role("admin")].0;
        let is_there = admin.inline_policies.contains_key(EVERYBODY);
        assert_eq!(is_there, stays, "{hours}");
    }
}

#[test]
fn roles_of_which_the_policy_says_so_are_told_once_and_not_by_each_account() {
    let world = World::at(start());
    account(&world);
    let any = "[onboarding.roles.readonly]\nsession_name = \"any\"";
    let policy = policy_with(&[("[onboarding.roles.readonly]", any)]);
    handle(&world, &policy, &scheduled());
    settle(&world, &policy);
    let before = world.now();
    begin(&world);
    work_off(&world, &policy);
    let notice = the_one(&world, "Ending alice's sessions");
    let command = "--role-name readonly --policy-name banto-revoked ";
    assert!(flat(&notice).contains(command), "{notice}");
    settle(&world, &policy);
    assert!(world.now().duration_since(before) < minutes(20));
    assert_eq!(denied(&world, PAYMENTS, "readonly"), Some(before));
    assert_eq!(said(&world, "Can't end"), 0);
}

#[test]
fn a_role_that_left_the_policy_denies_in_whatever_account_it_is() {
    let world = world();
    let before = world.now();
    for account in [PAYMENTS, VENDOR] {
        world.change_account(&id(account), |member| {
            let mut left = foreign_role("billing");
            left.tags.insert("banto:managed".into(), "true".into());
            member.roles.insert(role("billing"), (left, 3_600));
        });
    }
    begin(&world);
    work_off(&world, &with_vendor());
    for account in [PAYMENTS, VENDOR] {
        let denied = denied(&world, account, "billing");
        assert_eq!(denied, Some(before), "{account}");
    }
}

#[test]
fn an_account_whose_state_is_not_known_is_tried() {
    let world = world();
    let before = world.now();
    let set = |state| world.change_account(&id(SEARCH), |member| member.org.state = state);
    set(AccountState::Unknown);
    begin(&world);
    Sqs::default().deliver(&world, &with_vendor(), None);
    // No role of such an account can be assumed in the world in memory.
    set(AccountState::Active);
    work_off(&world, &with_vendor());
    assert_eq!(denied(&world, SEARCH, "admin"), Some(before));
}

#[test]
fn what_passes_within_minutes_holds_a_revocation_up_for_minutes() {
    for down in ["organizations:", "sts:AssumeRole"] {
        let world = world();
        let before = world.now();
        world.outage(down, ErrorKind::Throttled, before + minutes(2));
        begin(&world);
        while denied(&world, SEARCH, "admin").is_none() {
            let next = world.next_message_at().expect("given up");
            world.advance(next.duration_since(world.now()).max(SignedDuration::ZERO));
            assert_eq!(work_off(&world, &with_vendor()), 0, "{down}");
        }
        let took = world.now().duration_since(before);
        assert!(took < minutes(5), "{down}: {took:?}");
    }
}

#[test]
fn accounts_that_cant_be_listed_for_minutes_are_told_with_the_command() {
    let world = world();
    let down = world.now() + minutes(40);
    world.outage("organizations:", ErrorKind::Unavailable, down);
    begin(&world);
    for _ in 0..10 {
        world.advance(minutes(1));
        assert_eq!(work_off(&world, &with_vendor()), 0);
    }
    let notice = the_one(&world, "Can't end alice's sessions in any account");
    assert!(notice.contains("for role in admin readonly"), "{notice}");
    settle(&world, &with_vendor());
    assert_eq!(said(&world, "in any account"), 1);
    assert!(denied(&world, SEARCH, "admin").is_some());
}

#[test]
fn a_role_of_others_in_which_an_operator_ended_the_sessions_needs_no_more_visits() {
    let world = world();
    let before = world.now();
    world.change_account(&id(PAYMENTS), |member| {
        let alice = "alice".parse().unwrap();
        let mut admin = foreign_role("admin");
        admin.trust = member.roles[&role("admin")].0.trust.clone();
        let denial = denial(&alice, before);
        admin.inline_policies.insert(policy_name(&alice), denial);
        member.roles.insert(role("admin"), (admin, 3_600));
    });
    begin(&world);
    settle(&world, &with_vendor());
    assert_eq!(said(&world, "Can't end"), 0);
    assert!(world.now().duration_since(before) < minutes(20));
}

#[test]
fn an_account_for_which_no_time_is_left_is_visited_again_soon() {
    let world = world();
    begin(&world);
    Sqs::default().deliver(&world, &with_vendor(), None);
    let messages = world.receive(10);
    let run = world.run(None);
    let (policy, short) = (with_vendor(), std::time::Duration::from_secs(60));
    let invocation = Invocation::for_tests("short", short);
    let onboarder = onboarder(&run, &policy);
    let event = batch(&messages).to_string();
    let Driven::Done(Ok(response)) = drive(&run, onboarder.handle(event.as_bytes(), &invocation))
    else {
        panic!("failed")
    };
    assert!(failed(&response.body).is_empty(), "{}", response.body);
    let next = world.next_message_at().expect("given up");
    assert!(next.duration_since(world.now()) <= minutes(1));
}

#[test]
fn a_revocation_comes_before_the_notices_of_its_batch() {
    let world = world();
    let failure = recorded("create-account-result-failed");
    let before = world.now();
    let record = |id: &str, body: Value| Queued::new(id, body.to_string(), before);
    let messages = [record("1", failure), record("2", revoke(before))];
    let calls = world.calls().len();
    handle(&world, &with_vendor(), &batch(&messages));
    let names: Vec<_> = world
        .calls()
        .split_off(calls)
        .into_iter()
        .map(|it| it.name)
        .collect();
    let first = |prefix: &str| names.iter().position(|name| name.starts_with(prefix));
    let told = first("sns:").or(first("slack:"));
    assert!(told.is_some() && first("sqs:") < told, "{names:?}");
}

#[test]
fn accounts_that_fail_together_are_told_together_and_visited_now_and_then() {
    let world = world();
    for account in [PAYMENTS, SEARCH] {
        world.change_account(&id(account), |member| {
            let admin = (foreign_role("admin"), 3_600);
            member.roles.insert(role("admin"), admin);
        });
    }
    let calls = world.calls().len();
    begin(&world);
    settle(&world, &with_vendor());
    let notice = the_one(&world, "Can't end alice's sessions in 2 accounts");
    assert!(
        notice.contains("payments (444455556666), admin"),
        "{notice}"
    );
    let later = world.calls().split_off(calls);
    let visits = later.iter().filter(|call| call.name == "sts:AssumeRole");
    assert!(visits.count() < 20, "of two accounts in 12 hours");
}

#[test]
fn the_commands_have_no_parts_of_a_second() {
    let world = world();
    let off = policy_with(&[("[onboarding]", "[onboarding]\nenabled = false")]);
    let within: Timestamp = "2026-06-01T00:59:59.123456789Z".parse().unwrap();
    enqueue(&world, &[revoke(within)]);
    work_off(&world, &off);
    let notice = the_one(&world, "by hand");
    assert!(notice.contains("2026-06-01T01:00:00Z"), "{notice}");
    assert!(!notice.contains("59.123"), "{notice}");
}

#[test]
fn users_of_the_same_name_in_several_accounts_are_told() {
    let world = world();
    let two = "trusted = [\"111122223333\", \"222233334444\"]\nmax_session_hours";
    let policy = policy_with(&[("trusted = [\"111122223333\"]\nmax_session_hours", two)]);
    begin(&world);
    work_off(&world, &policy);
    let notice = the_one(&world, "Ending alice's sessions");
    assert!(notice.contains("222233334444"), "{notice}");
}

#[test]
fn where_the_quota_is_used_up_the_command_makes_room() {
    let world = world();
    let before = world.now();
    let bob = "bob".parse().unwrap();
    for (account, age) in [(PAYMENTS, 13), (SEARCH, 1)] {
        let earlier = before - SignedDuration::from_hours(age);
        world.change_account(&id(account), |member| {
            let (admin, _) = member.roles.get_mut(&role("admin")).unwrap();
            let denial = denial(&bob, earlier);
            admin.inline_policies.insert(policy_name(&bob), denial);
            let kind = ErrorKind::LimitExceeded;
            member.refuses.insert("iam:PutRolePolicy", kind);
        });
    }
    begin(&world);
    work_off(&world, &with_vendor());
    let notice = the_one(&world, "Can't end alice's sessions in 2 accounts");
    let delete = "aws iam delete-role-policy --role-name admin --policy-name banto-revoked-bob; \
                  aws iam put-role-policy --role-name admin --policy-name banto-revoked";
    let flat = flat(&notice);
    assert!(flat.contains(&format!("{delete}-alice ")), "{notice}");
    assert!(flat.contains(&format!("{delete} ")), "{notice}");
}
