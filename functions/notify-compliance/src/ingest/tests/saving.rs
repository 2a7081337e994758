//! Observations are saved: together, alone where they conflict, later where AWS throttles.

use banto_domain::policy::compliance::Waiver;
use banto_fake::{Fault, FaultKind};

use super::*;

const RULE: &str = "s3-bucket-logging-enabled";

fn found(count: usize) -> Vec<Observation> {
    let found = |number| {
        let key = key(RULE, &format!("bucket-{number}"));
        event(&key, Verdict::Noncompliant, start())
    };
    (0..count).map(found).collect()
}

fn saves(world: &World) -> usize {
    let calls = world.calls();
    calls
        .iter()
        .filter(|call| call.name == "dynamodb:PutItem")
        .count()
}

/// The routes whose deliveries have come by now.
fn delivered_on(world: &World) -> Vec<String> {
    let mut routes = Vec::new();
    for message in world.receive_deliveries(10) {
        match serde_json::from_str(&message.body).unwrap() {
            QueueMessage::Deliver { route, .. } => routes.push(route),
            other => panic!("{other:?}"),
        }
    }
    routes.sort();
    routes
}

#[test]
fn a_storm_is_saved_in_few_transactions_and_each_route_is_registered_first() {
    let world = world();
    let ingested = take_in(&world, &found(500));
    assert_eq!((ingested.saved, ingested.queued), (500, 500));
    assert!(ingested.is_complete());
    assert_eq!(world.outbox(PAYMENTS).len(), 500);
    assert_eq!(world.registered_routes(), [PAYMENTS.to_owned()].into());
    for batch in world.outbox_batches(PAYMENTS) {
        assert!(batch.entries.len() <= 90, "{}", batch.entries.len());
    }
    world.advance(SignedDuration::from_secs(120));
    assert_eq!(delivered_on(&world), [PAYMENTS]);
}

#[test]
fn a_conflict_costs_the_other_findings_of_its_commit_nothing() {
    let world = world();
    let observations = found(5);
    let run = world.run(None);
    let rival = observations[2].clone();
    let of_rival = Arc::clone(&world);
    run.interfere_at("dynamodb:PutItem", move |_| {
        take_in(&of_rival, std::slice::from_ref(&rival));
    });
    let (ports, policy) = (ports(&run), policy());
    let invocation = with_time_left(Duration::from_secs(900));
    let ingested = ingest(&ports, &policy, observations, &invocation);
    let ingested = done(drive(&run, ingested));
    assert!(ingested.is_complete(), "{ingested:?}");
    assert_eq!(world.outbox(PAYMENTS).len(), 5);
}

#[test]
fn what_is_throttled_for_long_is_held_up_and_has_not_failed() {
    let world = world();
    world.outage("dynamodb:PutItem", ErrorKind::Throttled, start() + hours(1));
    let ingested = take_in(&world, &found(3));
    assert_eq!((ingested.held_up.len(), ingested.failed.len()), (3, 0));
    world.advance(hours(2));
    assert_eq!(take_in(&world, &found(3)).saved, 3);
}

#[test]
fn what_is_throttled_for_seconds_is_saved_after_a_pause() {
    let world = world();
    world.outage(
        "dynamodb:PutItem",
        ErrorKind::Throttled,
        start() + SignedDuration::from_secs(2),
    );
    let ingested = take_in(&world, &found(3));
    assert_eq!((ingested.saved, ingested.held_up.len()), (3, 0));
}

#[test]
fn without_time_nothing_is_begun() {
    let world = world();
    let ingested = take_in_within(&world, &found(3), Duration::from_secs(5));
    assert_eq!((ingested.held_up.len(), ingested.failed.len()), (3, 0));
    assert_eq!(saves(&world), 0);
}

#[test]
fn a_delivery_that_could_not_be_queued_is_queued_when_the_event_comes_again() {
    let world = world();
    world.outage(
        "sqs:SendMessage",
        ErrorKind::Unavailable,
        start() + hours(1),
    );
    let ingested = take_in(&world, &found(1));
    assert_eq!(ingested.held_up.len(), 1);
    world.advance(hours(2));
    assert!(take_in(&world, &found(1)).is_complete());
    world.advance(SignedDuration::from_secs(120));
    assert_eq!(delivered_on(&world), [PAYMENTS]);
    assert_eq!(world.outbox(PAYMENTS).len(), 1);
}

#[test]
fn a_critical_finding_waits_a_minute_at_most_whatever_the_window() {
    let world = world();
    let run = world.run(None);
    let ports = ports(&run);
    let mut policy = policy();
    policy.window = SignedDuration::from_mins(14);
    let critical = key("s3-bucket-public-read-prohibited", "website");
    let observations = vec![event(&critical, Verdict::Noncompliant, start())];
    let invocation = with_time_left(Duration::from_secs(900));
    let ingested = ingest(&ports, &policy, observations, &invocation);
    assert!(done(drive(&run, ingested)).is_complete());
    assert!(world.outbox_batches(PAYMENTS)[0].lane.is_urgent());
    world.advance(SignedDuration::from_secs(62));
    assert_eq!(delivered_on(&world), ["pager", PAYMENTS, "sandboxes"]);
}

#[test]
fn an_account_that_changed_hands_is_compared_anew() {
    let world = world();
    take_in(&world, &found(2));
    reassign(&world, "search");
    world.advance(hours(25));
    let other = key(RULE, "another");
    take_in(&world, &[event(&other, Verdict::Noncompliant, world.now())]);
    assert_eq!(news(&world, SEARCH), [Change::Found]);
    world.advance(SignedDuration::from_secs(60));
    let messages = world.receive_events(10);
    let expected = QueueMessage::Reconcile {
        account: account(),
        after: None,
        attempts: 0,
    };
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].body, expected.body());
}

#[test]
fn findings_that_are_rechecked_move_to_the_route_that_they_belong_on() {
    let world = world();
    take_in(&world, &found(2));
    reassign(&world, "search");
    world.advance(hours(25));
    let run = world.run(None);
    let (ports, policy) = (ports(&run), policy());
    let keys = vec![
        key(RULE, "bucket-0"),
        key(RULE, "bucket-1"),
        key(RULE, "never-seen"),
    ];
    let invocation = with_time_left(Duration::from_secs(900));
    let rechecked = recheck(&ports, &policy, keys, &invocation);
    assert_eq!(done(drive(&run, rechecked)).unwrap().saved, 2);
    assert_eq!(news(&world, SEARCH), [Change::Found, Change::Found]);
    let moved = Change::Moved {
        to: vec![SEARCH.to_owned()],
    };
    assert_eq!(
        news(&world, PAYMENTS),
        [Change::Found, Change::Found, moved.clone(), moved]
    );
}

#[test]
fn wherever_a_run_ends_each_finding_is_in_the_outbox_once_and_its_delivery_is_queued() {
    let mut crash_points = 0;
    for kind in [
        FaultKind::ErrorAfter(ErrorKind::Unavailable),
        FaultKind::CancelBefore,
        FaultKind::CancelAfter,
    ] {
        for call in 1.. {
            let world = world();
            let run = world.run(Some(Fault { call, kind }));
            let (ports, policy) = (ports(&run), policy());
            let invocation = with_time_left(Duration::from_secs(900));
            let first = ingest(&ports, &policy, found(3), &invocation);
            drop(drive(&run, first));
            if !run.fault_fired() {
                break;
            }
            crash_points += 1;
            // SQS brings the events again.
            world.advance(SignedDuration::from_secs(300));
            assert!(take_in(&world, &found(3)).is_complete());
            assert_eq!(
                news(&world, PAYMENTS),
                vec![Change::Found; 3],
                "{kind:?} {call}"
            );
            world.advance(SignedDuration::from_secs(120));
            let delivered = delivered_on(&world);
            assert!(delivered.contains(&PAYMENTS.to_owned()), "{kind:?} {call}");
        }
    }
    assert!(crash_points > 20, "{crash_points}");
}

#[test]
fn what_a_waiver_may_cover_by_name_waits_an_hour_for_names_that_cannot_be_read() {
    let world = world();
    let (named, other) = (key(RULE, "id-1"), key(RULE, "id-2"));
    world.name_resource(&named, "website-eu");
    world.name_resource(&other, "backups");
    let mut policy = policy();
    policy.findings.waivers.push(Waiver {
        rule: RULE.into(),
        account: None,
        resource: "website-*".into(),
        owner: "alice".into(),
        reason: "a public website".into(),
        until: start() + hours(9_000),
    });
    let found = [&named, &other].map(|key| event(key, Verdict::Noncompliant, start()));
    let take_in = || {
        let run = world.run(None);
        let ports = ports(&run);
        let invocation = with_time_left(Duration::from_secs(900));
        done(drive(
            &run,
            ingest(&ports, &policy, found.to_vec(), &invocation),
        ))
    };
    let names = "config:BatchGetAggregateResourceConfig";
    world.outage(names, ErrorKind::Throttled, start() + hours(9));
    world.advance(SignedDuration::from_mins(59));
    assert_eq!(take_in().held_up.len(), 2);
    assert_eq!(news(&world, PAYMENTS), []);
    world.advance(SignedDuration::from_mins(1));
    assert_eq!(take_in().saved, 2);
    assert_eq!(news(&world, PAYMENTS), [Change::Found, Change::Found]);
}
