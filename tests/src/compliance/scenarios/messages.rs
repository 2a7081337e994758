//! What people read of a finding, and of what becomes of it.

use serde_json::json;

use super::{bad, lines};
use crate::compliance::harness::{
    Evaluation, OTHER, PAYMENTS, SEARCH, account, breaches, minutes, policy, seen, tell, world,
};

#[test]
fn a_finding_is_told_once_and_its_first_line_is_enough() {
    let world = world();
    let event = bad(PAYMENTS, "bucket-public", "website").event();
    // It comes twice, and once more later.
    tell(&world, &policy(), &[event.clone(), event.clone()]);
    world.advance(minutes(60));
    tell(&world, &policy(), &[event]);
    assert_eq!(
        lines(&world, "C0PAYMENTS"),
        ["[critical] S3 bucket is public: website in payments"]
    );
    assert_eq!(seen(&world).len(), 1);
    let text = &seen(&world)[0].text;
    for said in [
        "payments (444455556666)",
        "alice",
        "Block public access to the bucket.",
        "https://wiki.example.com/runbooks/public-buckets",
        "https://eu-west-1.console.aws.amazon.com/config/home?region=eu-west-1#/resources/timeline?resourceId=website",
        "1 Jun 2026 09:00 UTC",
        "was last rotated 120 days ago",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert_eq!(breaches(&world), Vec::<String>::new());
}

#[test]
fn a_finding_goes_to_every_route_that_fits_and_to_no_other() {
    let world = world();
    let events = [
        bad(PAYMENTS, "root-mfa", "root").event(),
        bad(SEARCH, "bucket-public", "index").event(),
        bad(OTHER, "bucket-logging", "old").event(),
    ];
    tell(&world, &policy(), &events);
    assert_eq!(
        lines(&world, "C0PAYMENTS"),
        ["[medium] root-mfa: root in payments"]
    );
    assert_eq!(
        lines(&world, "auditors@example.com"),
        ["[medium] root-mfa: root in payments"]
    );
    assert_eq!(
        lines(&world, "webhook"),
        ["[critical] S3 bucket is public: index in search"]
    );
    assert_eq!(
        lines(&world, "compliance"),
        ["Banto: [medium] bucket-logging: old in legacy"]
    );
    assert_eq!(breaches(&world), Vec::<String>::new());
}

#[test]
fn findings_of_one_rule_in_one_account_are_one_message() {
    let world = world();
    let events = ["a", "b", "c"].map(|bucket| bad(PAYMENTS, "bucket-public", bucket).event());
    tell(&world, &policy(), &events);
    assert_eq!(
        lines(&world, "C0PAYMENTS"),
        ["[critical] S3 bucket is public: 3 resources in payments"]
    );
}

#[test]
fn a_resolution_corrects_the_message_and_answers_in_its_thread() {
    let world = world();
    let (one, other) = (
        bad(PAYMENTS, "bucket-public", "one"),
        bad(PAYMENTS, "bucket-public", "other"),
    );
    tell(&world, &policy(), &[one.event(), other.event()]);
    world.advance(minutes(30));
    tell(&world, &policy(), &[one.good(world.now()).event()]);
    let messages = world.slack_messages();
    assert_eq!(messages.len(), 2);
    assert_eq!(
        messages[0].text(),
        "[critical] S3 bucket is public: 1 of 2 still open in payments"
    );
    assert_eq!(messages[1].thread.as_ref(), Some(&messages[0].message.ts));
    assert!(!messages[1].broadcast);
    assert_eq!(
        messages[1].text(),
        "Resolved: one in payments (S3 bucket is public) (1 open)"
    );

    world.advance(minutes(30));
    tell(&world, &policy(), &[other.good(world.now()).event()]);
    let messages = world.slack_messages();
    assert_eq!(
        messages[0].text(),
        "Resolved: 2 resources in payments (S3 bucket is public)"
    );
    assert_eq!(
        messages[2].text(),
        "Resolved: other in payments (S3 bucket is public)"
    );
    assert_eq!(breaches(&world), Vec::<String>::new());
}

#[test]
fn what_is_found_later_is_told_in_the_thread_and_shown_to_the_channel() {
    let world = world();
    tell(
        &world,
        &policy(),
        &[bad(PAYMENTS, "bucket-public", "one").event()],
    );
    world.advance(minutes(30));
    tell(
        &world,
        &policy(),
        &[Evaluation::bad(PAYMENTS, "bucket-public", "two", world.now()).event()],
    );
    let messages = world.slack_messages();
    assert!(messages[1].broadcast && messages[1].thread.is_some());
    assert_eq!(
        messages[1].text(),
        "[critical] S3 bucket is public: two in payments (2 open)"
    );
    assert_eq!(
        messages[0].text(),
        "[critical] S3 bucket is public: 2 resources in payments"
    );
}

#[test]
fn what_is_found_again_after_all_was_resolved_is_a_new_message() {
    let world = world();
    let finding = bad(PAYMENTS, "bucket-public", "website");
    tell(&world, &policy(), &[finding.event()]);
    world.advance(minutes(30));
    tell(&world, &policy(), &[finding.good(world.now()).event()]);
    world.advance(minutes(30));
    tell(
        &world,
        &policy(),
        &[Evaluation {
            at: world.now(),
            ..finding
        }
        .event()],
    );
    let messages = world.slack_messages();
    assert_eq!(
        messages
            .iter()
            .filter(|message| message.thread.is_none())
            .count(),
        2
    );
    assert!(messages[0].text().starts_with("Resolved"));
    assert_eq!(
        messages[2].text(),
        "[critical] S3 bucket is public: website in payments"
    );
}

#[test]
fn without_a_bot_token_each_change_is_a_message_of_its_own() {
    let world = world();
    let finding = bad(SEARCH, "bucket-public", "index");
    tell(&world, &policy(), &[finding.event()]);
    world.advance(minutes(30));
    tell(&world, &policy(), &[finding.good(world.now()).event()]);
    assert_eq!(
        lines(&world, "webhook"),
        [
            "[critical] S3 bucket is public: index in search",
            "Resolved: index in search (S3 bucket is public)"
        ]
    );
}

#[test]
fn an_event_as_large_as_sqs_carries_becomes_a_message_that_slack_takes() {
    let world = world();
    let mut event = bad(PAYMENTS, "bucket-public", "website").event();
    event["detail"]["newEvaluationResult"]["annotation"] =
        "<&> no end of words ".repeat(12_000).into();
    event["detail"]["somethingNew"] = json!({ "nobody": "knows" });
    assert!(event.to_string().len() > 240_000);
    tell(&world, &policy(), &[event]);
    assert_eq!(lines(&world, "C0PAYMENTS").len(), 1);
    assert_eq!(breaches(&world), Vec::<String>::new());
}

#[test]
fn an_account_that_left_is_told_by_its_id_on_the_default_route() {
    let world = world();
    world.remove_account(&account(OTHER));
    tell(
        &world,
        &policy(),
        &[bad(OTHER, "bucket-public", "old").event()],
    );
    assert_eq!(
        lines(&world, "compliance"),
        ["Banto: [critical] S3 bucket is public: old in 666677778888"]
    );
}
