//! Requests by the queue: each comes again until its goal is reached, and people learn what stands
//! in its way.

use std::sync::Arc;
use std::time::Duration;

use banto_domain::UserName;
use banto_fake::{Driven, Fault, FaultKind, World, drive};
use banto_lambda::Invocation;
use banto_ports::ErrorKind;
use jiff::Timestamp;
use serde_json::json;

use super::harness::{
    Process, add_registered, alone, any_has, asked, asked_about, by_queue, count, days, delivered,
    disabled, exposed, hours, is_active, is_there, minutes, operators_told, owners_told, policy,
    record, register, rotator, run_daily, sealed, start, subjects, working,
};
use crate::harness::{Sqs, enqueue, handle, handle_with};

/// When calls of this name were made.
fn moments(world: &World, call: &str) -> Vec<Timestamp> {
    let calls = world.calls();
    let made = calls.iter().filter(|made| made.name == call);
    made.map(|made| made.at).collect()
}

/// R9: a fault that lasts for days is outlasted, at a pace that the function sets itself.
#[test]
fn an_emergency_that_fails_comes_again_ever_later_and_goes_on_for_seven_days() {
    let (world, user, old) = alone(days(10));
    let up_at = start() + days(7) - hours(1);
    world.outage("iam:", ErrorKind::Unavailable, up_at);
    let sqs = by_queue(&world, &policy(), &exposed(&[&old]));
    assert!(sqs.dead.is_empty());
    let hidden = moments(&world, "sqs:ChangeMessageVisibility");
    let mut pauses: Vec<i64> = Vec::new();
    for pair in hidden.windows(2) {
        pauses.push(pair[1].duration_since(pair[0]).as_secs());
    }
    assert_eq!(pauses[..6], [30, 60, 120, 240, 480, 900]);
    assert!(pauses[6..].iter().all(|pause| *pause <= 900), "{pauses:?}");
    assert!(!is_active(&world, &old));
    assert_eq!(working(&world, &user), [sealed(&world, &user)]);
    let ended = moments(&world, "iam:UpdateAccessKey")[0];
    assert!(ended.duration_since(up_at) <= minutes(15));
}

/// People are told what stands in the way once it lasts, not before, and then once a day.
#[test]
fn what_stands_in_the_way_is_told_after_five_minutes_and_once_a_day() {
    let (world, _, old) = alone(days(10));
    world.outage("secretsmanager:", ErrorKind::Unavailable, start() + days(3));
    let process = Process::start(&world, &policy());
    enqueue(&world, &[exposed(&[&old])]);
    let mut sqs = Sqs::default();
    let mut told_at = Vec::new();
    while world.now() < start() + days(2) + hours(12) {
        let next = world.next_message_at().expect("the emergency goes on");
        world.advance_to(next);
        let before = operators_told(&world).len();
        sqs.deliver(&world, &process, None);
        if operators_told(&world).len() > before {
            told_at.push(world.now().duration_since(start()));
        }
    }
    assert_eq!(told_at.len(), 3, "{told_at:?}");
    assert!(
        told_at[0] >= minutes(5) && told_at[0] <= minutes(10),
        "{told_at:?}"
    );
    for pair in told_at.windows(2) {
        let pause = pair[1] - pair[0];
        assert!(pause >= hours(24) && pause <= hours(25), "{told_at:?}");
    }
    assert!(any_has(
        &operators_told(&world),
        "secretsmanager:GetSecretValue"
    ));
}

/// A fault that is over within minutes is nobody's concern.
#[test]
fn what_is_over_within_minutes_is_not_told() {
    let (world, _, old) = alone(days(10));
    world.outage(
        "secretsmanager:",
        ErrorKind::Unavailable,
        start() + minutes(4),
    );
    by_queue(&world, &policy(), &exposed(&[&old]));
    let told = operators_told(&world);
    assert!(
        !any_has(&told, "failed") && !any_has(&told, "not looked at"),
        "{told:?}"
    );
}

/// Says why nothing happens, and keeps the request in mind.
#[test]
fn a_force_while_the_old_key_waits_for_its_deletion_says_so_and_is_kept() {
    let rotation = disabled();
    let (world, user) = (&rotation.world, &rotation.user);
    world.advance(days(1));
    let answer = handle(world, &policy(), &asked(user, "force"));
    let waiting = answer["accounts"][0]["waiting"].to_string();
    assert!(waiting.contains(rotation.new.as_str()), "{answer}");
    run_daily(world, &policy(), 12);
    assert_ne!(sealed(world, user), rotation.new);
    assert!(is_active(world, &rotation.new));
}

/// A request that comes while an earlier rotation is under way is kept until that is over.
#[test]
fn a_force_in_the_middle_of_a_rotation_is_kept_until_that_is_over() {
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    world.advance(hours(1));
    by_queue(world, &policy(), &asked(user, "force"));
    assert_eq!(count(world, "iam:CreateAccessKey"), 1);
    world.use_key(&rotation.new);
    run_daily(world, &policy(), 16);
    assert_eq!(count(world, "iam:CreateAccessKey"), 2);
    assert_ne!(sealed(world, user), rotation.new);
}

/// R4: the number of a call when a world is handled that such a function makes.
fn number_of(call: &str, make: fn() -> (Arc<World>, UserName)) -> usize {
    let (world, user) = make();
    let before = world.call_count();
    handle(&world, &policy(), &asked(&user, "force"));
    let calls = world.calls().split_off(before);
    let place = calls.iter().position(|made| made.name == call).unwrap();
    place + 1
}

fn without_keys() -> (Arc<World>, UserName) {
    let (world, user, key) = alone(days(1));
    world.delete_key(&key);
    (world, user)
}

fn with_young_key() -> (Arc<World>, UserName) {
    let (world, user, _) = alone(days(10));
    (world, user)
}

/// R4: first keys and forced ones that were lost in a crash come by scheduled runs alone.
#[test]
fn first_keys_and_forced_ones_that_a_fault_cut_short_come_by_scheduled_runs() {
    let kinds = [
        FaultKind::CancelBefore,
        FaultKind::CancelAfter,
        FaultKind::ErrorBefore(ErrorKind::Throttled),
        FaultKind::ErrorBefore(ErrorKind::Unavailable),
        FaultKind::ErrorAfter(ErrorKind::Unavailable),
    ];
    for make in [without_keys, with_young_key] {
        for kind in kinds {
            let call = number_of("iam:CreateAccessKey", make);
            let (world, user) = make();
            let event = asked(&user, "force");
            let (_, run) = handle_with(&world, &policy(), &event, Some(Fault { call, kind }));
            assert!(run.fault_fired());
            run_daily(&world, &policy(), 3);
            let new = sealed(&world, &user);
            assert!(working(&world, &user).contains(&new), "{kind:?}");
            let rotation = record(&world.view(), &user).unwrap().rotation.unwrap();
            assert!(rotation.delivered_at.is_some(), "{kind:?}");
        }
    }
}

/// R4: a key that is stored, and whose notice was refused, is told of by the next scheduled run.
#[test]
fn a_first_key_that_was_not_told_in_an_outage_is_told_by_the_next_scheduled_run() {
    let (world, user) = without_keys();
    world.fail_topics(Some(ErrorKind::Unavailable));
    drop(handle_with(&world, &policy(), &asked(&user, "force"), None));
    world.fail_topics(None);
    run_daily(&world, &policy(), 1);
    assert!(any_has(&owners_told(&world), "BEGIN PGP MESSAGE"));
}

/// What a notice promises: the key comes once a certificate is registered.
#[test]
fn a_key_that_was_asked_for_comes_once_its_owner_registers_a_certificate() {
    let world = World::at(start());
    let user = world.add_user("alice");
    by_queue(&world, &policy(), &asked(&user, "force"));
    assert!(any_has(
        &owners_told(&world),
        "aws iam tag-user --user-name=alice"
    ));
    run_daily(&world, &policy(), 20);
    register(&world, &user);
    run_daily(&world, &policy(), 1);
    assert_eq!(working(&world, &user), [sealed(&world, &user)]);
    assert!(any_has(&subjects(&world), "is ready to fetch"));
}

#[test]
fn a_key_is_restored_as_asked_and_left_alone_from_then_on() {
    for is_named in [true, false] {
        let rotation = disabled();
        let (world, user) = (&rotation.world, &rotation.user);
        world.advance(days(1));
        let named = [&rotation.old];
        let named = if is_named { &named[..] } else { &[] };
        by_queue(world, &policy(), &asked_about(user, "restore", named));
        assert!(is_active(world, &rotation.old));
        assert!(any_has(&owners_told(world), rotation.old.as_str()));
        run_daily(world, &policy(), 30);
        assert!(is_active(world, &rotation.old));
    }
}

/// R9: exposed stays exposed, whoever asks.
#[test]
fn an_exposed_key_is_not_restored_and_whoever_asked_is_told() {
    let (world, user, old) = alone(days(10));
    by_queue(&world, &policy(), &exposed(&[&old]));
    by_queue(&world, &policy(), &asked_about(&user, "restore", &[&old]));
    assert!(!is_active(&world, &old));
    assert!(any_has(
        &operators_told(&world),
        "it is exposed, and stays disabled"
    ));
    by_queue(&world, &policy(), &asked_about(&user, "restore", &[]));
    assert!(!is_active(&world, &old));
}

#[test]
fn a_key_that_banto_did_not_disable_is_not_restored() {
    let (world, user, old) = alone(days(10));
    world.set_active(&old, false);
    by_queue(&world, &policy(), &asked_about(&user, "restore", &[&old]));
    assert!(!is_active(&world, &old) && is_there(&world, &user, &old));
    assert!(any_has(
        &operators_told(&world),
        "Banto did not disable such a key"
    ));
}

/// A message that was done and comes again all the same, as SQS may.
#[test]
fn a_message_that_comes_again_after_it_was_done_does_nothing() {
    for mode in ["force", "emergency", "restore"] {
        let (world, user, _) = alone(days(10));
        let body = asked(&user, mode).to_string();
        let message = json!({ "Records": [{
            "messageId": "one", "eventSource": "aws:sqs", "body": body,
            "attributes": { "SentTimestamp": start().as_millisecond().to_string() },
        }] });
        handle(&world, &policy(), &message);
        world.advance(hours(1));
        let (keys, sent) = (
            world.view().users[&user].keys.clone(),
            world.view().sent.len(),
        );
        handle(&world, &policy(), &message);
        assert_eq!(world.view().users[&user].keys, keys, "{mode}");
        assert_eq!(
            world.view().sent.len(),
            sent,
            "{mode}: {:?}",
            subjects(&world)
        );
    }
}

/// Bodies as records of SQS, whose ids count from 1.
fn records(bodies: &[String]) -> serde_json::Value {
    let record = |(id, body): (usize, &String)| json!({ "messageId": id.to_string(), "eventSource": "aws:sqs", "body": body });
    json!({ "Records": (1..).zip(bodies).map(record).collect::<Vec<_>>() })
}

fn comes_again(ids: &[&str]) -> serde_json::Value {
    let failure = |id: &&str| json!({ "itemIdentifier": id });
    json!({ "batchItemFailures": ids.iter().map(failure).collect::<Vec<_>>() })
}

#[test]
fn a_record_that_fails_comes_again_and_no_other_does() {
    let world = World::at(start());
    let (alice, exposed) = add_registered(&world, "alice", days(10));
    let (bob, old) = add_registered(&world, "bob", days(10));
    let elsewhere = json!({ "users": ["alice"], "account": "999999999999" });
    let confirmation = json!({ "Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:us-east-1:111122223333:health" });
    let through_sns =
        json!({ "Type": "Notification", "Message": asked(&bob, "emergency").to_string() });
    let bodies = [
        asked(&alice, "emergency").to_string(),
        "{\"users\": [\"ali".to_owned(),
        elsewhere.to_string(),
        confirmation.to_string(),
        through_sns.to_string(),
    ];
    // The first and the last are done but for a second look, when CloudTrail shows all.
    assert_eq!(
        handle(&world, &policy(), &records(&bodies)),
        comes_again(&["1", "5"])
    );
    assert!(any_has(&operators_told(&world), "can't be read"));
    let users = world.view().users;
    assert!(!users[&alice].keys[&exposed].active && !users[&bob].keys[&old].active);
    // The two are told apart, though one invocation saw to both.
    let runs = [&alice, &bob].map(|user| record(&world.view(), user).unwrap().run);
    assert_ne!(runs[0], runs[1]);
    world.advance(minutes(16));
    assert_eq!(
        handle(&world, &policy(), &records(&bodies)),
        comes_again(&[])
    );
}

/// R4: what a fault cut short is finished by later runs.
#[test]
fn a_record_that_could_not_be_finished_comes_again_until_it_is() {
    let world = World::at(start());
    let (user, old) = add_registered(&world, "alice", days(10));
    let event = records(&[asked(&user, "emergency").to_string()]);
    let fault = Fault {
        call: 5,
        kind: FaultKind::ErrorBefore(ErrorKind::Throttled),
    };
    let Driven::Done(Ok(answer)) = handle_with(&world, &policy(), &event, Some(fault)).0 else {
        panic!("no answer")
    };
    assert_eq!(answer.body, comes_again(&["1"]));

    let run = world.run(None);
    let (rotator, late) = (
        rotator(&run, &policy()),
        Invocation::for_tests("late", Duration::from_secs(30)),
    );
    let text = event.to_string();
    let Driven::Done(Ok(answer)) = drive(&run, rotator.handle(text.as_bytes(), &late)) else {
        panic!("no answer")
    };
    assert_eq!(answer.body, comes_again(&["1"]));

    handle(&world, &policy(), &event);
    world.advance(minutes(16));
    assert_eq!(handle(&world, &policy(), &event), comes_again(&[]));
    assert!(!world.view().users[&user].keys[&old].active);
    assert_eq!(count(&world, "iam:CreateAccessKey"), 1);
}
