//! Events are hints: one that comes too early, that says too little, that nobody sent at all or
//! that concerns no account leads to the right end all the same.

use std::sync::Arc;

use banto_domain::AccountId;
use banto_domain::status::{Condition, ReasonKind};
use banto_fake::{Driven, Fault, MemberAccount, World};
use banto_ports::{AccountState, ErrorKind};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::harness::{
    REGIONS, account, created, is_in_place, minutes, named_account, policy, policy_with, recorded,
    scheduled, start, status, told,
};
use crate::harness::crash_points::{Played, Scene, one_fault};
use crate::harness::{
    Sqs, batch, failed, handle, handle_on, handle_with, invoke_async, settle, work_off,
};

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

/// The account that events name, which the Organization does not show yet.
fn not_shown() -> AccountId {
    "444455556666".parse().unwrap()
}

/// The number of calls of a name.
fn count(world: &World, name: &str) -> usize {
    let calls = world.calls();
    calls.iter().filter(|call| call.name == name).count()
}

/// A world with one account in place.
fn in_place() -> (Arc<World>, AccountId) {
    let world = World::at(start());
    let id = account(&world);
    handle(&world, &policy(), &created());
    settle(&world, &policy());
    assert!(is_in_place(&world, &id), "{:?}", status(&world, &id));
    (world, id)
}

fn run_daily(world: &Arc<World>) {
    world.advance(days(1));
    handle(world, &policy(), &scheduled());
    settle(world, &policy());
}

#[test]
fn an_event_that_concerns_no_account_succeeds_and_asks_nobody() {
    let world = World::at(start());
    for event in ["register-organizational-unit", "tag-resource"] {
        let response = handle(&world, &policy(), &recorded(event));
        assert!(response["nothing"].is_string(), "{event}: {response}");
        let queued = banto_fake::Queued::new("1", recorded(event).to_string(), start());
        let response = handle(&world, &policy(), &batch(&[queued]));
        assert!(failed(&response).is_empty(), "{event}: {response}");
    }
    assert_eq!(world.calls().len(), 0);
}

#[test]
fn a_failure_is_told_though_nobody_can_be_reached_while_its_event_is_tried() {
    for event in [
        "create-account-result-failed",
        "create-managed-account-failed",
        "update-managed-account-failed",
    ] {
        let world = World::at(start());
        world.fail_topics(Some(ErrorKind::Unavailable));
        let attempts = invoke_async(&world, &policy(), &recorded(event), &[]);
        assert!(attempts.succeeded(), "{event}");
        assert_eq!(work_off(&world, &policy()), 1, "{event}: it comes again");
        world.fail_topics(None);
        settle(&world, &policy());
        assert_eq!(told(&world).len(), 1, "{event}: {:#?}", told(&world));
    }
}

#[test]
fn an_account_that_could_not_be_updated_is_not_to_be_created_again() {
    let world = World::at(start());
    handle(
        &world,
        &policy(),
        &recorded("update-managed-account-failed"),
    );
    settle(&world, &policy());
    let told = told(&world).remove(0);
    assert!(
        told.contains("Control Tower could not update payments (444455556666)"),
        "{told}"
    );
    assert!(told.contains("re-register"), "{told}");
    assert!(!told.to_lowercase().contains("create it again"), "{told}");
}

#[test]
fn a_new_account_is_set_up_as_soon_as_organizations_shows_it() {
    for event in ["create-account-result", "create-managed-account"] {
        let world = World::at(start());
        let response = handle(&world, &policy(), &recorded(event));
        assert_eq!(
            response["lookedUpLater"],
            json!([not_shown()]),
            "{response}"
        );
        world.advance(minutes(2));
        work_off(&world, &policy());
        assert!(world.statuses().is_empty(), "nothing to be seen yet");
        let id = account(&world);
        settle(&world, &policy());
        assert!(
            is_in_place(&world, &id),
            "{event}: {:?}",
            status(&world, &id)
        );
        assert!(told(&world)[0].contains("is ready"), "{:#?}", told(&world));
        assert_eq!(count(&world, "organizations:ListAccounts"), 0);
    }
}

#[test]
fn an_account_that_never_shows_is_told_once_and_taken_up_when_it_does() {
    let world = World::at(start());
    handle(&world, &policy(), &created());
    settle(&world, &policy());
    let waited = world.now().duration_since(start());
    assert!(waited >= minutes(60) && waited < minutes(80), "{waited:?}");
    let said = told(&world);
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(
        said[0].contains("Account 444455556666 joined, but AWS Organizations doesn't show it"),
        "{}",
        said[0]
    );
    let looks = count(&world, "organizations:DescribeAccount");
    assert!(looks < 15, "{looks} looks in an hour");
    let id = account(&world);
    run_daily(&world);
    assert!(is_in_place(&world, &id));
}

#[test]
fn an_account_is_found_though_a_look_for_it_fails() {
    let world = World::at(start());
    handle(&world, &policy(), &created());
    let end = start() + minutes(20);
    world.outage("organizations:DescribeAccount", ErrorKind::Throttled, end);
    world.advance(minutes(1));
    assert_eq!(work_off(&world, &policy()), 0);
    let id = account(&world);
    settle(&world, &policy());
    assert!(is_in_place(&world, &id));
    assert!(world.now() < end + minutes(20), "{}", world.now());
}

#[test]
fn no_event_is_lost_while_organizations_cant_be_reached() {
    for event in ["create-account-result", "move-account", "drift-detected"] {
        let world = World::at(start());
        let id = account(&world);
        let end = start() + minutes(40);
        world.outage("organizations:", ErrorKind::Throttled, end);
        let attempts = invoke_async(&world, &policy(), &recorded(event), &[]);
        assert!(attempts.succeeded(), "{event}");
        settle(&world, &policy());
        assert!(is_in_place(&world, &id), "{event}");
    }
}

#[test]
fn a_departure_that_nobody_heard_ends_the_status_and_a_return_begins_anew() {
    let (world, id) = in_place();
    named_account(&world, "999988887777", "management");
    world.remove_account(&id);
    let dry_run = handle(&world, &policy(), &json!({ "dryRun": true }));
    assert_eq!(dry_run["departed"], json!([&id]), "{dry_run:#}");
    assert_eq!(dry_run["refused"], json!([]));
    assert!(world.statuses().contains_key(&id));
    run_daily(&world);
    assert!(!world.statuses().contains_key(&id));
    let before = told(&world).len();
    world.add_account(MemberAccount::new(
        id.as_str(),
        "payments",
        &REGIONS,
        world.now(),
    ));
    handle(&world, &policy(), &recorded("account-joined-organization"));
    settle(&world, &policy());
    assert!(is_in_place(&world, &id));
    let said = &told(&world)[before..];
    assert!(
        said.iter().any(|told| told.contains("is ready")),
        "{said:#?}"
    );
}

#[test]
fn a_short_list_ends_no_status() {
    let (world, id) = in_place();
    named_account(&world, "999988887777", "management");
    let member = world.account(&id);
    let run = world.run(None);
    let gone = id.clone();
    run.interfere_at("organizations:ListAccounts", move |world| {
        world.remove_account(&gone);
    });
    run.interfere_at("organizations:DescribeAccount", move |world| {
        world.add_account(member);
    });
    let Driven::Done(Ok(response)) = handle_on(&run, &world, &policy(), &scheduled()) else {
        panic!("failed")
    };
    assert_eq!(run.acts_to_come(), 0);
    // It is among the accounts that are looked at, too.
    assert_eq!(response.body["queued"], 2, "{}", response.body);
    assert!(world.statuses().contains_key(&id));
}

#[test]
fn an_empty_list_ends_no_status_and_asks_for_no_account() {
    let (world, id) = in_place();
    world.remove_account(&id);
    let looks = count(&world, "organizations:DescribeAccount");
    run_daily(&world);
    assert!(world.statuses().contains_key(&id));
    assert_eq!(count(&world, "organizations:DescribeAccount"), looks);
}

#[test]
fn a_departed_account_that_cant_be_looked_up_delays_no_other() {
    let (world, id) = in_place();
    world.remove_account(&id);
    let other = named_account(&world, "555566667777", "search");
    let down = world.now() + days(1) + minutes(30);
    world.outage("organizations:DescribeAccount", ErrorKind::Throttled, down);
    run_daily(&world);
    assert!(is_in_place(&world, &other));
    assert!(world.statuses().contains_key(&id), "unknown is not gone");
    run_daily(&world);
    assert!(!world.statuses().contains_key(&id));
}

#[test]
fn a_run_looks_up_so_many_departed_accounts_and_the_next_the_others() {
    let world = World::at(start());
    let mut gone = Vec::new();
    for number in 0..60 {
        let id = format!("{}", 100_000_000_000_u64 + number);
        gone.push(named_account(&world, &id, "short-lived"));
    }
    named_account(&world, "999988887777", "management");
    handle(&world, &policy(), &scheduled());
    settle(&world, &policy());
    for id in &gone {
        world.remove_account(id);
    }
    for left in [11, 1] {
        let looks = count(&world, "organizations:DescribeAccount");
        world.advance(days(1));
        handle(&world, &policy(), &scheduled());
        assert!(count(&world, "organizations:DescribeAccount") - looks <= 50);
        assert_eq!(world.statuses().len(), left);
        settle(&world, &policy());
    }
}

#[test]
fn an_account_of_unknown_state_holds_up_no_other() {
    let world = World::at(start());
    let odd = account(&world);
    let other = named_account(&world, "555566667777", "search");
    world.change_account(&odd, |member| member.org.state = AccountState::Unknown);
    handle(&world, &policy(), &scheduled());
    settle(&world, &policy());
    assert!(is_in_place(&world, &other));
    let reason = status(&world, &odd).conditions.account.reason().cloned();
    assert_eq!(reason.unwrap().kind, ReasonKind::StateUnknown);
}

#[test]
fn a_path_that_organizations_tells_with_the_account_costs_no_call() {
    let world = World::at(start());
    let id = account(&world);
    let overrides = "[[onboarding.overrides]]\nou = \"ou-ab12-cdef3456\"\nleft_alone_because = \"sandbox\"\n[onboarding.config]";
    let policy = policy_with(&[("[onboarding.config]", overrides)]);
    handle(&world, &policy, &scheduled());
    let move_there = json!({ "accounts": [&id], "ou": "ou-ab12-cdef3456" });
    handle(&world, &policy, &move_there);
    settle(&world, &policy);
    assert!(matches!(
        status(&world, &id).conditions.account,
        Condition::LeftAlone { .. }
    ));
    assert_eq!(count(&world, "organizations:ListParents"), 0);
    assert_eq!(count(&world, "organizations:MoveAccount"), 0, "it is there");
}

#[test]
fn a_hint_that_names_no_account_leads_to_the_new_one_and_calls_no_old_one_ready() {
    let world = World::at(start());
    let old = MemberAccount::new("555566667777", "search", &REGIONS, start() - days(700));
    let old = world.add_account(old);
    let new = account(&world);
    let mut event = created();
    event["detail"]["serviceEventDetails"]["createAccountStatus"]["accountId"] = Value::Null;
    handle(&world, &policy(), &event);
    settle(&world, &policy());
    assert!(is_in_place(&world, &old) && is_in_place(&world, &new));
    let ready: Vec<String> = told(&world)
        .into_iter()
        .filter(|told| told.contains("is ready"))
        .collect();
    assert_eq!(ready.len(), 1, "{ready:#?}");
    assert!(ready[0].contains("payments (444455556666)"), "{ready:#?}");
}

#[test]
fn drift_that_control_tower_detects_is_repaired_at_once() {
    let (world, id) = in_place();
    world.change_account(&id, |member| {
        member.region("us-east-1").ebs_encryption = false;
    });
    let response = handle(&world, &policy(), &recorded("drift-detected"));
    assert_eq!(response["queued"], 1);
    settle(&world, &policy());
    assert!(world.account(&id).regions[&super::harness::region("us-east-1")].ebs_encryption);
    let said = told(&world);
    let ready = said.iter().filter(|told| told.contains("is ready"));
    assert_eq!(ready.count(), 1, "not ready again: {said:#?}");
}

#[test]
fn no_message_on_an_account_is_done_before_the_account_is() {
    let world = World::at(start());
    let id = account(&world);
    for event in [scheduled(), created()] {
        handle(&world, &policy(), &event);
    }
    let messages = world.receive(10);
    let down = world.now() + minutes(1);
    world.outage("dynamodb:", ErrorKind::Unavailable, down);
    let response = handle(&world, &policy(), &batch(&messages));
    assert_eq!(messages.len(), 2);
    assert_eq!(failed(&response).len(), 2, "{response}");
    world.advance(minutes(2));
    let response = handle(&world, &policy(), &batch(&messages));
    assert!(failed(&response).is_empty(), "{response}");
    assert!(is_in_place(&world, &id));
}

#[test]
fn a_failure_that_cant_reach_the_queue_is_an_error_that_lambda_tries_again() {
    let world = World::at(start());
    let event = recorded("create-account-result-failed");
    let down = world.now() + minutes(2);
    world.outage("sqs:", ErrorKind::Unavailable, down);
    let Driven::Done(Err(failure)) = handle_with(&world, &policy(), &event, None).0 else {
        panic!("lost")
    };
    assert_eq!(failure.kind, "QueueUnreachable");
    let attempts = invoke_async(&world, &policy(), &event, &[]);
    assert!(attempts.succeeded());
    let mut sqs = Sqs::default();
    sqs.settle(&world, &policy(), &[]);
    assert_eq!((told(&world).len(), sqs.dead.len()), (1, 0));
}

/// An event whose every call can fail.
struct Begun {
    name: &'static str,
    /// True if Organizations shows the account that the event names.
    is_shown: bool,
}

impl Scene for Begun {
    fn name(&self) -> &str {
        self.name
    }

    fn play(&self, faults: &[(usize, Fault)]) -> Played {
        let world = World::at(start());
        handle(&world, &policy(), &created());
        if self.is_shown {
            account(&world);
        }
        let mut sqs = Sqs::default();
        sqs.settle(&world, &policy(), faults);
        let given_up = sqs.dead.iter();
        let mut broken: Vec<String> = given_up
            .map(|it| format!("given up: {}", it.body))
            .collect();
        let is_right = match self.is_shown {
            true => is_in_place(&world, &not_shown()),
            false => told(&world).iter().any(|it| it.contains("doesn't show it")),
        };
        if !is_right {
            broken.push(format!("in silence: {:?}", told(&world)));
        }
        Played {
            calls: sqs.calls,
            fired: sqs.fired,
            broken,
        }
    }
}

#[test]
fn a_fault_at_any_call_loses_no_account_that_shows_late_or_never() {
    let scene = |name, is_shown| Begun { name, is_shown };
    one_fault(&[scene("shows late", true), scene("never shows", false)]);
}

/// The daily run over an account that is there, and one that left unheard.
struct Daily;

impl Scene for Daily {
    fn name(&self) -> &str {
        "daily run"
    }

    fn play(&self, faults: &[(usize, Fault)]) -> Played {
        let (world, gone) = in_place();
        let other = named_account(&world, "555566667777", "search");
        world.remove_account(&gone);
        let attempts = invoke_async(&world, &policy(), &scheduled(), faults);
        settle(&world, &policy());
        let mut broken = Vec::new();
        if !world.statuses().contains_key(&other) || !is_in_place(&world, &other) {
            broken.push("an account was left out".to_owned());
        }
        run_daily(&world);
        if world.statuses().contains_key(&gone) {
            broken.push("a departed account keeps its status".to_owned());
        }
        Played {
            calls: attempts.calls,
            fired: attempts.fired,
            broken,
        }
    }
}

#[test]
fn a_fault_at_any_call_of_the_daily_run_leaves_no_account_out_and_ends_what_left() {
    one_fault(&[Daily]);
}
