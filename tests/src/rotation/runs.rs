//! Whole rotations, and runs as a whole: what they tell, what they cost, and where they end.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use banto_fake::{Driven, Fault, FaultKind, ReportShape, World, drive};
use banto_lambda::Invocation;
use banto_ports::ErrorKind;
use jiff::SignedDuration;
use rotate_access_keys::Rotator;
use serde_json::json;

use super::harness::{
    HOLDER, add_registered, alone, any_has, count, days, everyone, failure, is_done, opened,
    operators_told, policy, record, rotator, start, subjects, working,
};
use crate::harness::{Handled, handle, handle_with};

#[test]
fn a_whole_rotation_tells_each_thing_once_and_leaves_one_key() {
    let world = World::at(start());
    let (user, old) = add_registered(&world, "alice", days(82));
    for day in 0..30 {
        handle(&world, &policy(), &everyone());
        if day == 9 {
            let sealed = record(&world.view(), &user).unwrap().envelope.unwrap();
            assert_eq!(
                opened(&sealed.armored)["SecretAccessKey"],
                world.view().users[&user].keys[&sealed.key].secret
            );
            world.use_key(&sealed.key);
        }
        world.advance(days(1) + SignedDuration::from_secs(7));
    }
    let view = world.view();
    assert!(!view.users[&user].keys.contains_key(&old));
    assert_eq!(view.users[&user].keys.len(), 1);
    let about = |what: &str| {
        subjects(&world)
            .iter()
            .filter(|subject| subject.contains(what))
            .count()
    };
    assert_eq!(about("is replaced on"), 1, "{:#?}", subjects(&world));
    assert_eq!(about("is ready to fetch"), 1);
    assert_eq!(about("stops working now"), 1);
    assert_eq!(about("is deleted on"), 3);
    assert_eq!(about("is deleted now"), 1);
}

/// R6: a second run straight after a clean one does nothing.
#[test]
fn a_second_run_straight_after_does_nothing() {
    let world = World::at(start());
    add_registered(&world, "alice", days(100));
    add_registered(&world, "bob", days(85));
    world.add_key(&add_registered(&world, "carol", days(100)).0, days(50));
    let dave = world.add_user("dave");
    world.add_key(&dave, days(100));
    handle(&world, &policy(), &everyone());
    let (users, sent) = (world.view().users, world.view().sent.len());
    handle(&world, &policy(), &everyone());
    assert_eq!((world.view().users, world.view().sent.len()), (users, sent));
}

#[test]
fn a_dry_run_answers_the_plan_and_changes_nothing() {
    let world = World::at(start());
    add_registered(&world, "alice", days(100));
    let answer = handle(&world, &policy(), &json!({ "dryRun": true }));
    assert_eq!(
        answer["accounts"][0]["plan"]["chains"][0]["actions"][0]["kind"],
        "issue"
    );
    assert_eq!(answer["dryRun"], true);
    let writes = [
        "iam:Create",
        "iam:Update",
        "iam:Delete",
        "secretsmanager:Create",
        "secretsmanager:Put",
        "sns:",
    ];
    assert!(
        !world
            .calls()
            .iter()
            .any(|call| writes.iter().any(|write| call.name.starts_with(write)))
    );
}

#[test]
fn a_dry_run_takes_the_same_way_and_costs_no_call_while_the_kill_switch_is_off() {
    let world = World::at(start());
    add_registered(&world, "alice", days(100));
    let mut off = policy();
    off.rotation.enabled = false;
    let body = handle(&world, &off, &json!({ "dryRun": true }));
    let waiting = &body["accounts"][0]["plan"]["waiting"][0];
    assert_eq!(waiting["waitingFor"], "killSwitch");
    assert!(world.calls().is_empty(), "{:?}", world.calls());
}

#[test]
fn the_report_is_waited_for_and_read_whatever_its_columns() {
    for shape in [
        ReportShape {
            polls: 5,
            other_columns: true,
        },
        ReportShape {
            polls: 0,
            other_columns: false,
        },
    ] {
        let world = World::at(start());
        world.shape_report(shape);
        add_registered(&world, "alice", days(100));
        handle(&world, &policy(), &everyone());
        assert_eq!(count(&world, "iam:CreateAccessKey"), 1, "{shape:?}");
    }
}

#[test]
fn a_report_that_never_comes_is_an_error_and_not_an_endless_wait() {
    let world = World::at(start());
    world.shape_report(ReportShape {
        polls: usize::MAX,
        other_columns: false,
    });
    match handle_with(&world, &policy(), &everyone(), None).0 {
        Driven::Done(Err(failure)) => assert_eq!(failure.kind, "NothingSeen"),
        other => panic!("{other:?}"),
    }
    assert!(count(&world, "iam:GetCredentialReport") < 20);
}

/// Lets the time be over just before a call, and returns what the run came to. Lambda's deadline is
/// told by the real clock.
fn cut_short(world: &Arc<World>, call: &str, event: &serde_json::Value) -> Handled {
    let spare = Duration::from_millis(400);
    let run = world.run(None);
    run.interfere_at(call, move |_| std::thread::sleep(spare));
    let invocation = Invocation::for_tests("short", rotate_access_keys::apply::ACTION_TIME + spare);
    let (rotator, event) = (rotator(&run, &policy()), event.to_string());
    let handled = drive(&run, rotator.handle(event.as_bytes(), &invocation));
    assert_eq!(run.acts_to_come(), 0, "{call} was not called");
    handled
}

#[test]
fn near_the_deadline_a_run_stops_between_actions_and_the_next_one_goes_on() {
    let (world, user, _) = alone(days(100));
    let Driven::Done(Ok(answer)) = cut_short(&world, "iam:CreateAccessKey", &everyone()) else {
        panic!("the run must end in order")
    };
    let outcome = &answer.body["accounts"][0]["outcomes"][0];
    assert_eq!(outcome["done"].as_array().unwrap().len(), 1);
    assert_eq!(outcome["left"].as_array().unwrap().len(), 1);
    let delivered_at = || {
        let rotation = record(&world.view(), &user).unwrap().rotation;
        rotation.unwrap().delivered_at
    };
    assert_eq!((working(&world, &user).len(), delivered_at()), (2, None));
    handle(&world, &policy(), &everyone());
    assert!(delivered_at().is_some());
}

/// A deadline that comes while the account is being looked at: those who were not looked at are
/// told, and what was asked for by name is not done.
#[test]
fn a_deadline_while_looking_is_told_and_no_success() {
    let world = World::at(start());
    let names: Vec<String> = (0..9).map(|number| format!("user-{number}")).collect();
    for name in &names {
        add_registered(&world, name, days(100));
    }
    let handled = cut_short(&world, "iam:GetUser", &everyone());
    assert!(is_done(&handled));
    assert!(any_has(
        &operators_told(&world),
        "not looked at: the time was over"
    ));
    assert_eq!(count(&world, "iam:CreateAccessKey"), 0);
    let named = json!({ "users": names, "mode": "force" });
    let handled = cut_short(&world, "iam:GetUser", &named);
    assert!(failure(&handled).contains("the time was over"));
    handle(&world, &policy(), &everyone());
    assert!(count(&world, "iam:CreateAccessKey") > 0);
}

/// R10: a fault costs at most its own user.
#[test]
fn one_user_who_can_not_be_looked_at_holds_up_nobody_else() {
    let world = World::at(start());
    add_registered(&world, "alice", days(100));
    let (bob, _) = add_registered(&world, "bob", days(100));
    let clean = handle_with(&world, &policy(), &json!({ "dryRun": true }), None)
        .1
        .calls();
    let mut held_up = 0;
    // Without the report nobody is known, and so many calls come first.
    for call in (1..=clean).filter(|call| !(2..=3).contains(call)) {
        let world = World::at(start());
        add_registered(&world, "alice", days(100));
        add_registered(&world, "bob", days(100));
        let fault = Fault {
            call,
            kind: FaultKind::ErrorBefore(ErrorKind::Throttled),
        };
        handle_with(&world, &policy(), &everyone(), Some(fault));
        let issued = count(&world, "iam:CreateAccessKey");
        assert!(issued >= 1, "call {call}");
        held_up += 2 - issued;
    }
    assert!(held_up > 0, "no fault mattered");
    drop(bob);
}

#[test]
fn one_identity_account_that_fails_holds_up_no_other() {
    let (sound, broken) = (World::at(start()), World::at(start()));
    add_registered(&sound, "alice", days(100));
    broken.shape_report(ReportShape {
        polls: usize::MAX,
        other_columns: false,
    });
    let (run, broken_run) = (sound.run(None), broken.run(None));
    let (mut rotator, other) = (rotator(&run, &policy()), rotator(&broken_run, &policy()));
    let mut accounts = other.accounts;
    accounts[0].identity.id = "444455556666".parse().unwrap();
    accounts.append(&mut rotator.accounts);
    let rotator = Rotator {
        accounts,
        ..rotator
    };
    let invocation = Invocation::for_tests("two", Duration::from_secs(900));
    let handled = |event: serde_json::Value| {
        let event = event.to_string();
        drive(&run, async {
            let mut handled = pin!(rotator.handle(event.as_bytes(), &invocation));
            // The broken account is a world of its own, whose time nobody else lets pass.
            poll_fn(|context| {
                if let Some(next) = broken.next_timer() {
                    broken.advance_to(next);
                }
                handled.as_mut().poll(context)
            })
            .await
        })
    };
    let Driven::Done(Ok(answer)) = handled(everyone()) else {
        panic!("the sound account must be served")
    };
    assert!(
        answer.body["accounts"][0]["failures"][0]
            .as_str()
            .unwrap()
            .contains("credential report")
    );
    assert_eq!(count(&sound, "iam:CreateAccessKey"), 1);

    // Which alice? And there is no such account.
    for (event, says) in [
        (
            json!({ "users": ["alice"], "mode": "force" }),
            "\"account\" is missing",
        ),
        (
            json!({ "users": ["alice"], "account": "999999999999" }),
            "no account 999999999999",
        ),
    ] {
        let Driven::Done(Err(failure)) = handled(event) else {
            panic!("{says}")
        };
        assert!(failure.to_string().contains(says), "{failure}");
        // Nothing is wrong with the request's shape, so the answer does not go on about it.
        assert!(!failure.to_string().contains("expected"), "{failure}");
    }
}

/// R8: the recipient is the pinned one.
#[test]
fn a_certificate_that_was_swapped_gets_no_key() {
    let world = World::at(start());
    let (user, _) = add_registered(&world, "alice", days(100));
    world.tag(&user, "banto:openpgp", &"A".repeat(40));
    handle(&world, &policy(), &everyone());
    assert_eq!(count(&world, "iam:CreateAccessKey"), 0);
    assert!(
        world
            .everything_written()
            .iter()
            .any(|text| text.contains("ell the security team")),
        "the owner must be warned"
    );
    world.tag(&user, "banto:openpgp", HOLDER.fingerprint().as_str());
    handle(&world, &policy(), &everyone());
    assert_eq!(count(&world, "iam:CreateAccessKey"), 1);
}

/// A scheduled run asks for the open records, and twice for the report. The day's slice costs a
/// call a user, a thirtieth of all, and a user who is issued a key at most 13.
#[test]
fn a_run_over_5000_users_makes_3_calls_its_slice_and_13_for_each_due_user() {
    let world = World::at(start());
    for number in 0..4_950 {
        let user = world.add_user(&format!("young-{number}"));
        world.add_key(&user, days(10));
    }
    handle(&world, &policy(), &everyone());
    let slice = count(&world, "iam:ListAccessKeys");
    assert_eq!(world.calls().len(), 3 + slice, "nobody is due");
    assert!((1..2 * 4_950 / 30).contains(&slice), "{slice}");

    world.advance(SignedDuration::from_hours(5));
    for number in 0..50 {
        add_registered(&world, &format!("due-{number}"), days(100));
    }
    let before = world.calls().len();
    let policy = {
        let mut policy = policy();
        policy.rotation.max_users_per_run = 50;
        policy
    };
    handle(&world, &policy, &everyone());
    let calls = world.calls().len() - before;
    assert_eq!(count(&world, "iam:CreateAccessKey"), 50);
    say!("calls for 50 due of 5,000: {calls}");
    // The operators' summary is one call more.
    assert!(calls <= 3 + slice + 13 * 50 + 1, "{calls}");
}
