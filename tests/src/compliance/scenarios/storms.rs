//! Many findings at once.

use banto_fake::{SlackMessage, World};
use serde_json::{Value, json};

use super::{bad, lines, spread};
use crate::compliance::harness::{
    Evaluation, PAYMENTS, add_account, breaches, minutes, policy, policy_with, seen, start, tell,
    world,
};
use crate::harness::{enqueue, handle, settle};

#[test]
fn a_storm_is_one_message_that_takes_up_what_else_comes() {
    let world = world();
    let events = spread(&world, "bucket-logging", 0, 40);
    tell(&world, &policy(), &events);
    let messages = world.slack_messages();
    assert_eq!(messages.len(), 2, "{messages:#?}");
    assert_eq!(
        messages[0].text(),
        "[medium] bucket-logging: 40 resources in 40 accounts"
    );
    assert_eq!(messages[1].thread.as_ref(), Some(&messages[0].message.ts));
    assert!(
        seen(&world)[1].text.contains("payments-39"),
        "the accounts are in the thread"
    );

    // It goes on, and some of it is resolved.
    world.advance(minutes(5));
    let more = spread(&world, "bucket-logging", 40, 20);
    tell(&world, &policy(), &more);
    world.advance(minutes(5));
    let resolved: Vec<Value> = (0..10)
        .map(|number| format!("{:012}", 700_000_000_000_u64 + number))
        .map(|id| {
            Evaluation::bad(&id, "bucket-logging", "website", start())
                .good(world.now())
                .event()
        })
        .collect();
    tell(&world, &policy(), &resolved);
    let messages = world.slack_messages();
    assert_eq!(
        messages
            .iter()
            .filter(|message| message.thread.is_none() || message.broadcast)
            .count(),
        1
    );
    assert_eq!(
        messages[0].text(),
        "[medium] bucket-logging: 60 resources in 60 accounts, 50 of 60 still open",
    );
    assert_eq!(breaches(&world), Vec::<String>::new());
}

#[test]
fn an_urgent_storm_names_every_finding_and_shows_the_channel_each_that_comes_later() {
    let world = world();
    let events = spread(&world, "bucket-public", 0, 40);
    tell(&world, &policy(), &events);
    world.advance(minutes(5));
    let more = spread(&world, "bucket-public", 40, 10);
    tell(&world, &policy(), &more);
    let messages = world.slack_messages();
    let shown: Vec<&str> = messages
        .iter()
        .filter(|message| message.thread.is_none() || message.broadcast)
        .map(SlackMessage::text)
        .collect();
    assert_eq!(
        shown,
        [
            "[critical] S3 bucket is public: 50 resources in 50 accounts",
            "[critical] S3 bucket is public: website in payments-40 and 9 more"
        ]
    );
    let texts: String = seen(&world).into_iter().map(|seen| seen.text).collect();
    for number in 0..50 {
        let named = format!("website in payments-{number} (");
        assert!(texts.contains(&named), "{named}");
    }
}

#[test]
fn what_matters_more_than_the_storm_so_far_is_shown_to_the_channel() {
    let world = world();
    for (rule, is_shown) in [
        ("bucket-logging", true),
        ("bucket-tags", true),
        ("bucket-public", true),
        ("bucket-logging", false),
    ] {
        let before = world.slack_messages().len();
        let from = before * 20;
        let events = spread(&world, rule, from, 20);
        tell(&world, &policy(), &events);
        let new = world.slack_messages().split_off(before);
        let shown = new
            .iter()
            .any(|message| message.thread.is_none() || message.broadcast);
        assert_eq!(shown, is_shown, "{rule}: {new:#?}");
        world.advance(minutes(5));
    }
    assert_eq!(
        world
            .slack_messages()
            .iter()
            .filter(|message| message.thread.is_none())
            .count(),
        2,
        "severities are never in one digest"
    );
}

#[test]
fn a_storm_by_webhook_is_a_message_in_ten_minutes_that_names_the_accounts_and_an_urgent_one_waits_for_none()
 {
    let by_hook = policy_with(&[(
        "to = { channel = \"C0PAYMENTS\" }",
        "to = { webhook = \"arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/payments-AbCdEf\" }",
    )]);
    for (rule, least, most) in [("bucket-logging", 8, 11), ("bucket-public", 0, 2)] {
        let world = world();
        let events = spread(&world, rule, 0, 30);
        tell(&world, &by_hook, &events);
        let begun = world.now();
        let events = spread(&world, rule, 30, 30);
        tell(&world, &by_hook, &events);
        assert_eq!(seen(&world).len(), 2);
        let waited = world.now().duration_since(begun);
        assert!(
            waited >= minutes(least) && waited <= minutes(most),
            "{waited}"
        );
        let text = &seen(&world)[0].text;
        assert!(
            text.contains("payments-7") && !text.contains("in the thread"),
            "{text}"
        );
    }
}

#[test]
fn a_channel_gets_a_message_a_second_at_the_most() {
    let world = world();
    let calm = policy_with(&[("owner_tag", "collapse_over = 50\nowner_tag")]);
    let events = spread(&world, "bucket-public", 0, 30);
    tell(&world, &calm, &events);
    assert_eq!(
        world.slack_messages().len(),
        30,
        "Slack refuses a faster one, and none came twice"
    );
    assert_eq!(
        world
            .calls()
            .iter()
            .filter(|call| call.name == "slack:chat.postMessage")
            .count(),
        30
    );
}

/// A storm of medium findings, and in the midst of it one public bucket.
fn storm_around(world: &World, accounts: usize, buckets: usize) -> Vec<Value> {
    let mut events = Vec::new();
    let names: Vec<String> = (0..buckets)
        .map(|number| format!("bucket-{number}"))
        .collect();
    for number in 0..accounts {
        let id = format!("{:012}", 700_000_000_000_u64 + number as u64);
        add_account(world, &id, &format!("payments-{number}"), "payments");
        for bucket in &names {
            let event = Evaluation::bad(&id, "bucket-logging", bucket, world.now()).event();
            events.push(event);
        }
    }
    let middle = events.len() / 2;
    events.insert(
        middle,
        bad(PAYMENTS, "bucket-public", "crown-jewels").event(),
    );
    events
}

#[test]
fn the_critical_finding_of_a_storm_is_told_first_by_its_name_and_not_counted_in_it() {
    let world = world();
    let events = storm_around(&world, 60, 2);
    tell(&world, &policy(), &events);
    let texts: Vec<String> = lines(&world, "C0PAYMENTS");
    assert_eq!(
        texts[..2],
        [
            "[critical] S3 bucket is public: crown-jewels in payments",
            "[medium] bucket-logging: 120 resources in 60 accounts"
        ]
    );
}

#[test]
fn of_messages_that_a_channel_takes_one_by_one_the_critical_one_is_the_first() {
    let world = world();
    let calm = policy_with(&[("owner_tag", "collapse_over = 50\nowner_tag")]);
    // They are all taken in before the route is told.
    let events = storm_around(&world, 45, 1);
    enqueue(&world, &events);
    settle(&world, &calm);
    let messages = world.slack_messages();
    assert_eq!(messages.len(), 46);
    let critical = "[critical] S3 bucket is public: crown-jewels in payments";
    assert_eq!(messages[0].text(), critical);
}

#[test]
fn a_flood_is_one_digest_and_the_critical_finding_in_it_is_told_in_two_minutes() {
    let world = world();
    let events = storm_around(&world, 50, 50);
    handle(&world, &policy(), &json!({ "events": events }));
    settle(&world, &policy());
    let messages = world.slack_messages();
    let shown: Vec<&str> = messages
        .iter()
        .filter(|message| message.thread.is_none() || message.broadcast)
        .map(SlackMessage::text)
        .collect();
    assert_eq!(
        shown,
        [
            "[critical] S3 bucket is public: crown-jewels in payments",
            "[medium] bucket-logging: 2,500 resources in 50 accounts"
        ]
    );
    let waited = messages[0].at.duration_since(start());
    assert!(waited <= minutes(2), "{waited}");
    assert!(world.outbox("payments").is_empty());
    assert_eq!(breaches(&world), Vec::<String>::new());
}
