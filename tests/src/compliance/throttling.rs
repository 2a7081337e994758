//! Throttling is a pause: nothing is lost for it, and nothing becomes a dead letter.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use banto_domain::policy::CompliancePolicy;
use banto_fake::{Driven, World, drive};
use banto_lambda::Invocation;
use jiff::SignedDuration;
use serde_json::Value;

use super::harness::{Evaluation, PAYMENTS, add_account, bad, notifier, seen, unreminded, world};
use crate::harness::{Sqs, batch, enqueue, failed, settle};

/// The write units that a partition of DynamoDB takes a second. (DynamoDB developer guide, "Best
/// practices for designing and using partition keys effectively".)
const REAL_RATE: usize = 1_000;

/// Findings of the payments team, spread over so many accounts.
fn storm(world: &World, findings: std::ops::Range<usize>, accounts: usize) -> Vec<Value> {
    let ids: Vec<String> = (0..accounts)
        .map(|number| format!("{:012}", 700_000_000_000_u64 + number as u64))
        .collect();
    for (number, id) in ids.iter().enumerate() {
        add_account(world, id, &format!("payments-{number}"), "payments");
    }
    let mut events = Vec::new();
    for (number, id) in findings.zip(ids.iter().cycle()) {
        let resource = format!("bucket-{number}");
        events.push(Evaluation::bad(id, "bucket-logging", &resource, world.now()).event());
    }
    events
}

/// The findings that the digests of the payments team count.
fn counted(world: &World) -> u32 {
    let digests = world.digests_of("payments");
    let tallies = digests.iter().flat_map(|digest| digest.rules.values());
    tallies.map(|tally| tally.open).sum()
}

#[test]
fn a_table_that_throttles_makes_no_dead_letter_and_all_is_told_in_the_end() {
    let (world, policy) = (world(), unreminded());
    // A message's groups are saved together, at most a hundred: they must fit a second.
    world.limit_table(Some(400));
    let mut events = storm(&world, 0..300, 60);
    events.push(bad(PAYMENTS, "bucket-public", "website").event());
    enqueue(&world, &events);
    let mut sqs = Sqs::default();
    sqs.settle(&world, &policy, &[]);
    assert!(sqs.dead.is_empty(), "{}", sqs.dead.len());
    assert_eq!(counted(&world), 300);
    assert!(
        seen(&world)
            .iter()
            .any(|seen| seen.text.contains("website"))
    );
    assert!(world.outbox("payments").is_empty());
}

#[test]
fn a_table_that_throttles_all_for_minutes_makes_no_dead_letter() {
    let (world, policy) = (world(), unreminded());
    world.limit_table(Some(0));
    enqueue(&world, &[bad(PAYMENTS, "bucket-public", "website").event()]);
    let mut sqs = Sqs::default();
    for _ in 0..20 {
        let next = world.next_message_at().unwrap();
        world.advance(next.duration_since(world.now()).max(SignedDuration::ZERO));
        sqs.deliver(&world, &policy, None);
    }
    assert!(sqs.dead.is_empty() && seen(&world).is_empty());
    world.limit_table(None);
    sqs.settle(&world, &policy, &[]);
    assert!(sqs.dead.is_empty());
    assert_eq!(seen(&world).len(), 1);
}

/// Handles each event in an invocation of its own, all side by side. Returns the number of records
/// that were given back.
fn take_in_together(world: &Arc<World>, policy: &CompliancePolicy) -> usize {
    let mut handled: Vec<Pin<Box<dyn Future<Output = usize>>>> = Vec::new();
    loop {
        let messages = world.receive_events(100);
        if messages.is_empty() {
            break;
        }
        let (run, policy) = (world.run(None), policy.clone());
        let id = format!("invocation-{}", handled.len());
        handled.push(Box::pin(async move {
            let event = batch(&messages).to_string();
            let invocation = Invocation::for_tests(&id, Duration::from_secs(900));
            let notifier = notifier(&run, &policy);
            let answer = notifier.handle(event.as_bytes(), &invocation).await;
            failed(&answer.unwrap().body).len()
        }));
    }
    let mut given_back = 0;
    let all = std::future::poll_fn(|context| {
        handled.retain_mut(|future| match future.as_mut().poll(context) {
            Poll::Ready(count) => {
                given_back += count;
                false
            }
            Poll::Pending => true,
        });
        if handled.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    });
    let any = world.run(None);
    assert_eq!(drive(&any, all), Driven::Done(()));
    given_back
}

#[test]
fn five_thousand_changes_a_second_on_one_route_are_taken_in_at_the_tables_real_rate() {
    let (world, policy) = (world(), unreminded());
    world.count_calls_only();
    world.limit_table(Some(REAL_RATE));
    world.take_time(SignedDuration::from_millis(10));
    for second in 0..3 {
        let events = storm(&world, second * 5_000..(second + 1) * 5_000, 500);
        let begun = world.now();
        enqueue(&world, &events);
        assert_eq!(take_in_together(&world, &policy), 0, "second {second}");
        let took = world.now().duration_since(begun);
        assert!(
            took <= SignedDuration::from_secs(8),
            "second {second}: {took}"
        );
        assert_eq!(
            world.receive_events(1).len(),
            0,
            "nothing had to be sent anew"
        );
    }
    assert_eq!(world.outbox("payments").len(), 15_000);
}

#[test]
fn near_the_deadline_taking_in_stops_and_the_rest_comes_again_as_new() {
    let world = world();
    let policy = unreminded();
    enqueue(&world, &storm(&world, 0..100, 20));
    let messages = world.receive_events(100);
    let run = world.run(None);
    let late = Invocation::for_tests("late", Duration::from_secs(20));
    let function = notifier(&run, &policy);
    let event = batch(&messages).to_string();
    let Driven::Done(Ok(answer)) = drive(&run, function.handle(event.as_bytes(), &late)) else {
        panic!("the invocation failed")
    };
    assert_eq!(failed(&answer.body).len(), 0);
    assert!(world.outbox("payments").is_empty());
    assert_eq!(world.waiting_messages(), 100);
    world.advance(SignedDuration::from_secs(60));
    let again = world.receive_events(100);
    assert!(again.iter().all(|message| message.receives == 1));
    for message in again {
        world.put_back(message, SignedDuration::ZERO);
    }
    settle(&world, &policy);
    assert_eq!(counted(&world), 100);
}
