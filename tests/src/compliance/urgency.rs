//! What is critical is told by name within two minutes, whatever else waits.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use banto_domain::policy::CompliancePolicy;
use banto_fake::{World, interleave};
use banto_lambda::Invocation;
use banto_ports::{ErrorKind, PortError};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::harness::{
    Evaluation, OTHER, PAYMENTS, add_account, bad, minutes, notifier, policy_with, seen, work,
    work_until_told, world,
};
use crate::harness::{batch, enqueue, handle, handle_on, receive};

/// The time from a critical finding's event to its message, at most.
const TWO_MINUTES: SignedDuration = SignedDuration::from_mins(2);

/// The name of the critical bucket.
const CRITICAL: &str = "crown-jewels";

const TO_TOPIC: &str = "to = { topic = \"arn:aws:sns:eu-west-1:111122223333:compliance\" }";
const TO_CHANNEL: &str = "to = { channel = \"C0DEFAULT1\" }";
const TO_MAIL: &str = "to = { mail = [\"everybody@example.com\"] }";
const WAYS: [&str; 3] = [TO_TOPIC, TO_CHANNEL, TO_MAIL];

/// The policy with another way to those whom no route names. Access logging is of low severity in
/// it.
fn policy_to(way: &str) -> CompliancePolicy {
    policy_and_compliance(way, "")
}

/// The same with more in its first section.
fn policy_and_compliance(way: &str, more: &str) -> CompliancePolicy {
    let low = "[compliance.rules.bucket-logging]\nseverity = \"low\"\n\n";
    let first = "[compliance.rules.bucket-public]";
    policy_with(&[
        (TO_TOPIC, way),
        (first, &format!("{low}{first}")),
        ("owner_tag", &format!("{more}\nowner_tag")),
    ])
}

/// Low findings, spread over accounts of nobody's.
fn low_findings(world: &World, count: usize) -> Vec<Value> {
    let accounts = count.min(100);
    let ids: Vec<String> = (0..accounts)
        .map(|number| format!("{:012}", 700_000_000_000_u64 + number as u64))
        .collect();
    for (number, id) in ids.iter().enumerate() {
        add_account(world, id, &format!("sandbox-{number}"), "nobody");
    }
    let mut events = Vec::new();
    for (number, id) in (0..count).zip(ids.iter().cycle()) {
        let resource = format!("bucket-{number}");
        events.push(Evaluation::bad(id, "bucket-logging", &resource, world.now()).event());
    }
    events
}

fn critical_finding(world: &World) -> Value {
    Evaluation::bad(OTHER, "bucket-public", CRITICAL, world.now()).event()
}

/// The messages that name the critical bucket speak of nothing low.
fn assert_not_mixed(world: &World) {
    for message in seen(world) {
        let is_mixed = message.text.contains(CRITICAL) && message.text.contains("bucket-logging");
        assert!(!is_mixed, "{}", message.text);
    }
}

/// Low findings come, and a critical one a second later. It is told in time.
fn assert_in_time(policy: &CompliancePolicy, low: usize, about: &str) {
    let world = world();
    let events = low_findings(&world, low);
    enqueue(&world, &events);
    work(&world, policy, SignedDuration::from_secs(1));
    enqueue(&world, &[critical_finding(&world)]);
    // As many as the mapping takes in a second with some invocations side by side.
    let told = work_until_told(&world, policy, CRITICAL, TWO_MINUTES, 1_000);
    assert!(told.is_some(), "{about}: {} messages", seen(&world).len());
    assert_not_mixed(&world);
}

#[test]
fn a_critical_finding_among_sixty_low_ones_is_named_within_two_minutes_on_every_way() {
    for way in WAYS {
        assert_in_time(&policy_to(way), 60, way);
    }
}

#[test]
fn a_critical_finding_among_two_thousand_low_ones_is_named_within_two_minutes_on_every_way() {
    for way in WAYS {
        assert_in_time(&policy_to(way), 2_000, way);
    }
}

#[test]
fn a_critical_finding_behind_twenty_thousand_low_ones_is_named_within_two_minutes() {
    assert_in_time(&policy_to(TO_CHANNEL), 20_000, TO_CHANNEL);
}

#[test]
fn low_findings_have_digests_of_their_own_and_lose_none_to_the_critical_one() {
    for way in WAYS {
        let (world, policy) = (world(), policy_to(way));
        let mut events = low_findings(&world, 120);
        events.push(critical_finding(&world));
        enqueue(&world, &events);
        work(&world, &policy, minutes(25));
        assert!(world.outbox("default").is_empty(), "{way}");
        assert_not_mixed(&world);
        let digests = world.digests_of("default");
        let low = digests.iter().map(|digest| {
            let tallies = digest.rules.iter();
            let low = tallies.filter(|(rule, _)| rule.plain() == "bucket-logging");
            low.map(|(_, tally)| tally.open).sum::<u32>()
        });
        assert_eq!(low.sum::<u32>(), 120, "{way}");
        let named = seen(&world);
        let named = named.iter().filter(|seen| seen.text.contains(CRITICAL));
        assert_eq!(named.count(), 1, "{way}");
    }
}

#[test]
fn a_window_of_fifteen_minutes_holds_up_nothing_that_is_critical() {
    for way in WAYS {
        let slow = policy_and_compliance(way, "window_seconds = 900");
        assert_in_time(&slow, 60, way);
    }
}

#[test]
fn quiet_hours_hold_up_the_low_findings_and_not_the_critical_one() {
    let quiet = format!(
        "{TO_CHANNEL}\nquiet = [{{ days = [\"mon\"], from = \"08:00\", to = \"20:00\", time_zone = \"UTC\" }}]"
    );
    let (world, policy) = (world(), policy_to(&quiet));
    let mut events = low_findings(&world, 60);
    events.push(critical_finding(&world));
    enqueue(&world, &events);
    let told = work_until_told(&world, &policy, CRITICAL, TWO_MINUTES, 1_000);
    assert!(told.is_some());
    assert_eq!(seen(&world).len(), 1);
    assert_eq!(world.outbox("default").len(), 60);
}

/// Every critical bucket that some message names.
fn named(world: &World, count: usize) -> BTreeSet<String> {
    let texts: String = seen(world).into_iter().map(|seen| seen.text).collect();
    let mut names = BTreeSet::new();
    for number in 0..count {
        let name = format!("jewel-{number:03}");
        if texts.contains(&name) {
            names.insert(name);
        }
    }
    names
}

#[test]
fn of_three_hundred_critical_findings_two_hundred_are_named_and_a_link_has_the_rest() {
    for way in WAYS {
        for is_spread in [true, false] {
            let policy =
                policy_and_compliance(way, "report = \"https://reports.example.com/compliance\"");
            let world = world();
            let mut events = Vec::new();
            for number in 0..300_u64 {
                let id = format!(
                    "{:012}",
                    700_000_000_000 + if is_spread { number } else { 0 }
                );
                add_account(&world, &id, &format!("sandbox-{number}"), "nobody");
                let name = format!("jewel-{number:03}");
                events.push(Evaluation::bad(&id, "bucket-public", &name, world.now()).event());
            }
            enqueue(&world, &events);
            work_until_told(&world, &policy, "jewel-", TWO_MINUTES, 1_000).unwrap();
            work(&world, &policy, minutes(1));
            let about = format!("{way}, spread: {is_spread}");
            let messages = seen(&world);
            let shown = named(&world, 300).len();
            assert_eq!(shown, 200, "{about}: {messages:#?}");
            let texts: String = messages.into_iter().map(|seen| seen.text).collect();
            assert!(texts.contains("and 100 more"), "{about}: {texts}");
            assert!(
                texts.contains("https://reports.example.com/compliance"),
                "{about}"
            );
        }
    }
}

#[test]
fn a_run_that_tells_much_else_tells_the_critical_finding_that_comes_meanwhile() {
    let calm = policy_and_compliance(TO_CHANNEL, "collapse_over = 50\nwindow_seconds = 0");
    let world = world();
    // Fifty messages of a second each; the run that sends them has the route.
    let events: Vec<Value> = low_findings(&world, 50);
    enqueue(&world, &events);
    for _ in 0..5 {
        handle(&world, &calm, &batch(&world.receive_events(10)));
    }
    let deliveries = batch(&receive(&world));
    enqueue(&world, &[critical_finding(&world)]);
    let event = batch(&world.receive_events(10));
    let found_at = world.now();
    let (telling, taking) = (world.run(None), world.run(None));
    let long = |run: &str| Invocation::for_tests(run, Duration::from_secs(300));
    let (one, other) = (long("telling"), long("taking"));
    let (tells, takes) = (notifier(&telling, &calm), notifier(&taking, &calm));
    let (deliveries, event) = (deliveries.to_string(), event.to_string());
    // The first run has sent some messages when the event comes.
    let turns = std::iter::repeat_n(true, 60).chain(std::iter::repeat_n(false, 200));
    drop(interleave(
        (&telling, tells.handle(deliveries.as_bytes(), &one)),
        (&taking, takes.handle(event.as_bytes(), &other)),
        turns,
    ));
    let told_at = told_at(&world, CRITICAL);
    assert!(told_at.duration_since(found_at) <= TWO_MINUTES, "{told_at}");
    let before = world.slack_messages();
    let place = before
        .iter()
        .position(|message| message.text().contains(CRITICAL));
    assert!(place.is_some_and(|place| place < 45), "{place:?}");
}

/// The time at which the bot posted something about it.
fn told_at(world: &Arc<World>, words: &str) -> Timestamp {
    let messages = world.slack_messages();
    let told = messages
        .iter()
        .find(|message| message.text().contains(words));
    told.unwrap().at
}

#[test]
fn a_critical_finding_is_told_in_time_where_slack_first_asks_for_thirty_seconds_of_patience() {
    let policy = policy_to(TO_CHANNEL);
    // The number of the call that posts, where nothing fails.
    let (before, _) = ready_to_deliver(&policy);
    let calls = before.call_count();
    handle(&before, &policy, &batch(&before.receive_deliveries(10)));
    let all = before.calls().split_off(calls);
    let is_post = |name: &str| name == "slack:chat.postMessage";
    let post = all.iter().position(|call| is_post(call.name)).unwrap() + 1;

    let (world, found_at) = ready_to_deliver(&policy);
    let patience = PortError::new(
        ErrorKind::Throttled,
        "slack:chat.postMessage",
        "ratelimited",
    );
    world.fail_slack(Some(patience.retry_after(Some(Duration::from_secs(30)))));
    let run = world.run_with(None, post + 1, |world| world.fail_slack(None));
    let deliveries = batch(&world.receive_deliveries(10));
    drop(handle_on(&run, &world, &policy, &deliveries));
    let took = told_at(&world, "S3 bucket is public").duration_since(found_at);
    assert!(took >= SignedDuration::from_secs(90), "left alone: {took}");
    assert!(took <= TWO_MINUTES, "{took}");
    let told = seen(&world);
    assert!(told.iter().any(|seen| seen.text.contains(CRITICAL)));
}

/// A world in which a critical finding and sixty low ones wait for their delivery, which is due
/// now, and the time of the critical one's event.
fn ready_to_deliver(policy: &CompliancePolicy) -> (Arc<World>, Timestamp) {
    let world = world();
    let mut events = low_findings(&world, 60);
    events.push(critical_finding(&world));
    let found_at = world.now();
    enqueue(&world, &events);
    handle(&world, policy, &batch(&world.receive_events(100)));
    let due = world.next_message_at().unwrap();
    world.advance_to(due);
    (world, found_at)
}

#[test]
fn deliveries_do_not_wait_behind_five_thousand_events() {
    let (world, policy) = (world(), policy_to(TO_TOPIC));
    enqueue(&world, &[critical_finding(&world)]);
    enqueue(&world, &low_findings(&world, 5_000));
    // The mapping takes ten events a second: it has 4,000 of them before it when two minutes are
    // over.
    let told = work_until_told(&world, &policy, CRITICAL, TWO_MINUTES, 10);
    assert!(told.is_some(), "{} messages wait", world.waiting_messages());
    assert!(
        world.waiting_messages() > 3_000,
        "the events were still there"
    );
}

#[test]
fn what_is_waived_is_told_to_nobody_however_critical_it_is() {
    let waiver = "[[waivers]]\nrule = \"bucket-public\"\nresource = \"crown-*\"\nowner = \"alice\"\n\
                  reason = \"a museum\"\nuntil = 2026-12-31\n";
    let world = world();
    let policy = super::harness::policy_and(waiver);
    let beside = bad(PAYMENTS, "bucket-public", "website").event();
    enqueue(&world, &[critical_finding(&world), beside]);
    work(&world, &policy, minutes(3));
    let texts: Vec<String> = seen(&world).into_iter().map(|seen| seen.first).collect();
    assert_eq!(
        texts,
        ["[critical] S3 bucket is public: website in payments"]
    );
}
