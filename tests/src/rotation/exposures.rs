//! What AWS Health tells: every code, every wrapping, and each entity by itself.

use std::sync::Arc;

use banto_domain::UserName;
use banto_domain::policy::Policy;
use banto_fake::{Reader, World};
use serde_json::{Value, json};

use super::harness::{
    Process, add_registered, alone, any_has, asked, by_queue, count, days, everyone, exposed,
    exposed_entities, has, is_active, minutes, operators_told, policy, register, run_daily, sealed,
    start, working,
};
use crate::harness::{Sqs, enqueue, handle};

const ROLE: &str = "arn:aws:iam::444455556666:role/admin";

const CODES: [&str; 5] = [
    "AWS_RISK_CREDENTIALS_EXPOSED",
    "AWS_RISK_CREDENTIALS_EXPOSURE_SUSPECTED",
    "AWS_RISK_CREDENTIALS_COMPROMISED",
    "AWS_RISK_CREDENTIALS_COMPROMISE_SUSPECTED",
    "AWS_RISK_IAM_QUARANTINE",
];

/// An event through a topic that is subscribed by the function, or by the queue without raw
/// delivery.
fn notification(event: &Value) -> Value {
    json!({
        "Type": "Notification",
        "MessageId": "1",
        "TopicArn": "arn:aws:sns:us-east-1:111122223333:health",
        "Message": event.to_string(),
    })
}

/// An event as Lambda hands it over that subscribed to a topic.
fn from_topic(event: &Value) -> Value {
    let record = json!({
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": "arn:aws:sns:us-east-1:111122223333:health:x",
        "Sns": notification(event),
    });
    json!({ "Records": [record] })
}

/// R9: whatever it is called, and in whatever it is wrapped.
#[test]
fn every_code_of_the_family_ends_the_key_in_every_wrapping() {
    type Way = fn(&Arc<World>, &Value);
    let ways: [Way; 4] = [
        |world, event| drop(handle(world, &policy(), event)),
        |world, event| drop(handle(world, &policy(), &from_topic(event))),
        |world, event| drop(by_queue(world, &policy(), event)),
        |world, event| drop(by_queue(world, &policy(), &notification(event))),
    ];
    for code in CODES {
        for (number, way) in ways.into_iter().enumerate() {
            let (world, user, old) = alone(days(10));
            let mut event = exposed(&[&old]);
            event["detail"]["eventTypeCode"] = json!(code);
            way(&world, &event);
            assert!(!is_active(&world, &old), "{code}, way {number}");
            let new = sealed(&world, &user);
            assert_eq!(working(&world, &user), [new], "{code}, way {number}");
        }
    }
}

/// R10: what stands beside a key in the event costs the key's end nothing, and is told.
#[test]
fn an_odd_entity_beside_a_key_is_told_and_the_key_ends() {
    for odd in [json!("alice"), json!(""), json!(17), json!({}), json!(null)] {
        let (world, _, old) = alone(days(10));
        let event = exposed_entities([odd.clone(), json!(old)]);
        by_queue(&world, &policy(), &event);
        assert!(!is_active(&world, &old), "{odd}");
        let told = operators_told(&world);
        assert!(any_has(&told, "which is no credential"), "{odd}: {told:?}");
    }
}

#[test]
fn an_event_that_names_nothing_is_told() {
    let (world, _, old) = alone(days(10));
    by_queue(&world, &policy(), &exposed_entities([]));
    assert!(any_has(&operators_told(&world), "names no credential"));
    assert!(is_active(&world, &old));
}

/// Operators learn which key of which account, and no identity account is touched.
#[test]
fn a_key_of_an_account_that_is_no_identity_account_is_told() {
    let by_view = |event: &mut Value| {
        event["account"] = json!("999988887777");
        event["detail"]["affectedAccount"] = json!("444455556666");
    };
    let by_itself = |event: &mut Value| event["account"] = json!("444455556666");
    let changes: [fn(&mut Value); 2] = [by_view, by_itself];
    for change in changes {
        let (world, _, old) = alone(days(10));
        let mut event = exposed(&[&"AKIAI44QH8DHBEXAMPLE".parse().unwrap()]);
        change(&mut event);
        let before = world.call_count();
        by_queue(&world, &policy(), &event);
        let told = operators_told(&world);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("AKIAI44QH8DHBEXAMPLE") && told[0].contains("444455556666"));
        let calls = world.calls().split_off(before);
        assert!(
            calls.iter().all(|call| call.name == "sns:Publish"),
            "{calls:?}"
        );
        assert!(is_active(&world, &old));
    }
}

/// An organization's view of the identity account's own event.
#[test]
fn a_key_of_the_identity_account_ends_whoever_passes_the_event_on() {
    let (world, _, old) = alone(days(10));
    let mut event = exposed(&[&old]);
    event["account"] = json!("999988887777");
    event["detail"]["affectedAccount"] = json!("111122223333");
    by_queue(&world, &policy(), &event);
    assert!(!is_active(&world, &old));
}

#[test]
fn a_key_of_the_root_user_is_told_with_what_to_do() {
    let (world, _, old) = alone(days(10));
    let root = world.add_root_key();
    let process = Process::start(&world, &policy());
    by_queue(&world, &process, &exposed(&[&root, &old]));
    let told = operators_told(&world);
    let about: Vec<_> = told
        .iter()
        .filter(|text| text.contains(root.as_str()))
        .collect();
    assert_eq!(about.len(), 1, "{told:?}");
    assert!(has(about[0], "Sign in as the root user"));
    assert!(!is_active(&world, &old));
}

#[test]
fn a_key_that_nobody_has_is_told_once_and_done() {
    let (world, _, old) = alone(days(10));
    world.delete_key(&old);
    let process = Process::start(&world, &policy());
    for _ in 0..2 {
        let sqs = by_queue(&world, &process, &exposed(&[&old]));
        assert!(sqs.dead.is_empty());
    }
    let told = operators_told(&world);
    let about = told.iter().filter(|text| has(text, "no user has it"));
    assert_eq!(about.count(), 1, "{told:?}");
}

/// R7 and R9: a key that IAM shows late is not taken for nobody's.
#[test]
fn an_exposed_key_that_iam_shows_late_ends_once_it_does() {
    let world = World::at(start());
    world.add_user("alice");
    let user = "alice".parse().unwrap();
    register(&world, &user);
    world.advance(days(1));
    let key = world.add_key(&user, minutes(0));
    world.lag(Reader::GetAccessKeyLastUsed, minutes(10));
    let sqs = by_queue(&world, &policy(), &exposed(&[&key]));
    assert!(sqs.dead.is_empty());
    assert!(!is_active(&world, &key));
    assert!(!any_has(&operators_told(&world), "no user has it"));
}

/// R9: a session of a user ends, and their keys stay.
#[test]
fn an_exposed_session_of_a_user_is_ended() {
    let (world, user, old) = alone(days(10));
    let session = world.start_session(&old).unwrap();
    world.call_with(&session, 1);
    world.lag(Reader::LookupEvents, minutes(5));
    world.advance(minutes(6));
    by_queue(&world, &policy(), &exposed_entities([json!(session)]));
    assert!(!world.works(&session));
    assert!(is_active(&world, &old));
    run_daily(&world, &policy(), 4);
    assert!(!world.view().users[&user].sessions_denied);
}

/// CloudTrail does not show yet whose session it is: the request comes again until it does.
#[test]
fn an_exposed_session_that_does_not_show_yet_is_ended_once_it_does() {
    let (world, _, old) = alone(days(10));
    let session = world.start_session(&old).unwrap();
    world.call_with(&session, 1);
    world.lag(Reader::LookupEvents, minutes(10));
    let sqs = by_queue(&world, &policy(), &exposed_entities([json!(session)]));
    assert!(
        sqs.dead.is_empty() && sqs.calls.len() > 1,
        "{:?}",
        sqs.calls
    );
    assert!(!world.works(&session));
}

#[test]
fn an_exposed_session_of_a_role_or_of_nobody_is_told() {
    let (world, _, old) = alone(days(10));
    let of_role = world.assume_role(&old, ROLE).unwrap();
    world.call_with(&of_role, 1);
    world.advance(minutes(1));
    let unknown = "ASIAIOSFODNN7EXAMPLE";
    let event = exposed_entities([json!(of_role), json!(unknown)]);
    let sqs = by_queue(&world, &policy(), &event);
    assert!(sqs.dead.is_empty());
    let told = operators_told(&world);
    assert!(any_has(&told, &format!("{of_role} is a session of {ROLE}")));
    assert!(any_has(
        &told,
        &format!("{unknown} is exposed, but CloudTrail")
    ));
    assert!(is_active(&world, &old));
}

/// R9: several keys, and one of them can't be disabled.
#[test]
fn each_key_of_an_event_ends_by_itself() {
    let (world, _, old) = alone(days(10));
    let (bob, other) = add_registered(&world, "bob", days(20));
    let gone = "AKIAI44QH8DHBEXAMPLE".parse().unwrap();
    by_queue(&world, &policy(), &exposed(&[&gone, &old, &other]));
    assert!(!is_active(&world, &old) && !is_active(&world, &other));
    assert_eq!(working(&world, &bob), [sealed(&world, &bob)]);
    assert!(any_has(&operators_told(&world), gone.as_str()));
}

fn switched(change: fn(&mut Policy)) -> Policy {
    let mut policy = policy();
    change(&mut policy);
    policy
}

/// R9: the kill switch is about rotation, and no exposure waits for it.
#[test]
fn the_kill_switch_stops_no_exposure() {
    let off = switched(|policy| policy.rotation.enabled = false);
    let events: [fn(&UserName, &Value) -> Value; 2] =
        [|_, event| event.clone(), |user, _| asked(user, "emergency")];
    for event in events {
        let (world, user, old) = alone(days(10));
        let event = event(&user, &exposed(&[&old]));
        by_queue(&world, &off, &event);
        assert!(!is_active(&world, &old));
        assert_eq!(working(&world, &user), [sealed(&world, &user)]);
    }
}

/// The switch of emergencies leaves an exposure alone, and operators hear of each.
#[test]
fn the_switch_of_emergencies_leaves_exposures_alone_and_each_is_told() {
    let off = switched(|policy| policy.rotation.emergencies = false);
    let (world, user, old) = alone(days(10));
    let process = Process::start(&world, &off);
    let mut second = exposed(&[&old]);
    second["detail"]["eventArn"] = json!("arn:aws:health:global::event/RISK/another");
    let events = [exposed(&[&old]), second, asked(&user, "emergency")];
    for (number, event) in (1..).zip(&events) {
        by_queue(&world, &process, event);
        let told = operators_told(&world);
        let about = told.iter().filter(|text| has(text, "nothing was done"));
        assert_eq!(about.count(), number, "{told:?}");
    }
    assert!(is_active(&world, &old));
    assert!(any_has(&operators_told(&world), old.as_str()));
    // Rotation by age goes on.
    let (bob, _) = add_registered(&world, "bob", days(100));
    handle(&world, &process, &everyone());
    assert_eq!(working(&world, &bob).len(), 2);
}

/// Users whom the policy leaves out have exposed keys, too.
#[test]
fn an_exposed_key_of_a_user_whom_the_policy_leaves_out_ends() {
    let mut policy = policy();
    policy.rotation.exclude = vec![banto_domain::policy::Selector::Path("/machines/".into())];
    let world = World::at(start());
    let user = world.add_user_at("/machines/", "exporter");
    register(&world, &user);
    let old = world.add_key(&user, days(400));
    for _ in 0..3 {
        handle(&world, &policy, &everyone());
        world.advance(days(1));
    }
    assert!(is_active(&world, &old) && count(&world, "iam:CreateAccessKey") == 0);
    by_queue(&world, &policy, &exposed(&[&old]));
    assert!(!is_active(&world, &old));
    assert_eq!(working(&world, &user), [sealed(&world, &user)]);
}

/// R9: operators who can't be told of what only they can end must be told later.
#[test]
fn what_people_must_end_is_not_done_before_they_were_told() {
    let (world, _, _) = alone(days(10));
    let root = world.add_root_key();
    world.fail_topics(Some(banto_ports::ErrorKind::Unavailable));
    enqueue(&world, &[exposed(&[&root])]);
    let mut sqs = Sqs::default();
    assert_eq!(sqs.deliver(&world, &policy(), None), Some(1));
    world.fail_topics(None);
    sqs.settle(&world, &policy(), &[]);
    assert!(any_has(&operators_told(&world), root.as_str()));
}
