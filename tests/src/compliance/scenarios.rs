//! What people hear of compliance, and what they do not.

use std::time::Duration;

use banto_domain::compliance::Compliance;
use banto_fake::{Driven, Fault, FaultKind, LogCapture, World, drive};
use banto_lambda::Invocation;
use banto_notice::{Audience, Notice, NoticeSender, Urgency};
use banto_ports::{ErrorKind, PortError};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::harness::{
    Evaluation, OTHER, PAYMENTS, REGION, SEARCH, account, add_account, breaches, minutes, notifier,
    policy, policy_and, policy_with, region, rule, scheduled, seen, start, tell, text, world,
};
use crate::harness::{Sqs, batch, enqueue, failed, handle, handle_with, receive, settle};

/// The first lines of the messages on one way.
fn lines(world: &World, way: &str) -> Vec<String> {
    seen(world)
        .into_iter()
        .filter(|message| message.way == way)
        .map(|message| message.first)
        .collect()
}

fn bad(account: &'static str, rule: &'static str, resource: &'static str) -> Evaluation<'static> {
    Evaluation::bad(account, rule, resource, start())
}

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
        "[critical] S3 bucket is public: 1 of 2 resources left in payments"
    );
    assert_eq!(messages[1].thread.as_ref(), Some(&messages[0].message.ts));
    assert!(!messages[1].broadcast);
    assert_eq!(
        messages[1].text(),
        "Resolved: one in payments, 1 left (S3 bucket is public)"
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
        "[critical] S3 bucket is public: two in payments, too"
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

/// A finding in each of so many accounts of the payments team.
fn spread(world: &World, rule: &str, from: usize, count: usize) -> Vec<Value> {
    let accounts = (from..from + count).map(|number| {
        let id = format!("{:012}", 700_000_000_000_u64 + number as u64);
        add_account(world, &id, &format!("payments-{number}"), "payments");
        Evaluation::bad(&id, rule, "website", world.now()).event()
    });
    accounts.collect()
}

#[test]
fn a_storm_is_one_message_that_takes_up_what_else_comes() {
    let world = world();
    let events = spread(&world, "bucket-public", 0, 40);
    tell(&world, &policy(), &events);
    let messages = world.slack_messages();
    assert_eq!(messages.len(), 2, "{messages:#?}");
    assert_eq!(
        messages[0].text(),
        "[critical] S3 bucket is public: 40 resources in 40 accounts"
    );
    assert_eq!(messages[1].thread.as_ref(), Some(&messages[0].message.ts));
    assert!(
        seen(&world)[1].text.contains("payments-39"),
        "the accounts are in the thread"
    );

    // It goes on, and some of it is resolved.
    world.advance(minutes(5));
    let more = spread(&world, "bucket-public", 40, 20);
    tell(&world, &policy(), &more);
    world.advance(minutes(5));
    let resolved: Vec<Value> = (0..10)
        .map(|number| format!("{:012}", 700_000_000_000_u64 + number))
        .map(|id| {
            Evaluation::bad(&id, "bucket-public", "website", start())
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
        "[critical] S3 bucket is public: 60 resources in 60 accounts, 50 left",
    );
    assert_eq!(breaches(&world), Vec::<String>::new());
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
        1
    );
}

#[test]
fn a_storm_by_webhook_or_mail_is_a_message_in_ten_minutes_that_names_the_accounts() {
    let world = world();
    let by_hook = policy_with(&[(
        "to = { channel = \"C0PAYMENTS\" }",
        "to = { webhook = \"arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/payments-AbCdEf\" }",
    )]);
    let events = spread(&world, "bucket-public", 0, 30);
    tell(&world, &by_hook, &events);
    let events = spread(&world, "bucket-public", 30, 30);
    let begun = world.now();
    tell(&world, &by_hook, &events);
    assert_eq!(seen(&world).len(), 2);
    assert!(world.now().duration_since(begun) >= minutes(8), "it waited");
    let text = &seen(&world)[0].text;
    assert!(
        text.contains("payments-7") && !text.contains("in the thread"),
        "{text}"
    );
}

#[test]
fn a_flapping_resource_is_told_to_flap_and_then_left_alone_until_it_keeps_still() {
    let world = world();
    let finding = bad(PAYMENTS, "bucket-public", "website");
    for change in 0..12 {
        let at = world.now();
        let change = if change % 2 == 0 {
            Evaluation {
                at,
                ..finding.clone()
            }
        } else {
            finding.good(at)
        };
        tell(&world, &policy(), &[change.event()]);
        world.advance(minutes(20));
    }
    let told = seen(&world).len();
    assert!(told <= 5, "{told} messages for twelve changes");
    assert!(
        seen(&world)
            .last()
            .unwrap()
            .first
            .contains("keeps changing")
    );

    // It ended in order, which nobody was told: a day later the daily comparison tells it, once.
    world.aggregate(
        &account(PAYMENTS),
        &region(),
        &rule("bucket-public"),
        Vec::new(),
    );
    for _ in 0..3 {
        world.advance(minutes(24 * 60));
        handle(&world, &policy(), &scheduled());
        settle(&world, &policy());
    }
    let known = world.finding_state(&finding.key()).unwrap();
    assert_eq!(
        (known.compliance, known.last_notified),
        (Compliance::Compliant, Compliance::Compliant)
    );
    let group = world
        .finding_group("payments", &account(PAYMENTS), &rule("bucket-public"))
        .unwrap();
    assert_eq!(group.open, 0);
    assert!(seen(&world).len() <= told + 1);
}

#[test]
fn events_out_of_order_end_in_what_is_true() {
    let world = world();
    let finding = bad(PAYMENTS, "bucket-public", "website");
    let resolved = finding.good(start() + minutes(1));
    tell(&world, &policy(), &[resolved.event()]);
    tell(&world, &policy(), &[finding.event()]);
    assert_eq!(
        lines(&world, "C0PAYMENTS"),
        ["Resolved: website in payments (S3 bucket is public)"]
    );
    assert_eq!(
        world.finding_state(&finding.key()).unwrap().compliance,
        Compliance::Compliant
    );
}

const WAIVER: &str = r#"
[[waivers]]
rule = "bucket-*"
account = "444455556666"
resource = "website-*"
owner = "alice"
reason = "a public website"
until = 2026-06-09
"#;

#[test]
fn what_is_waived_is_told_when_the_waiver_has_ended_and_its_end_is_announced() {
    let world = world();
    let policy = policy_and(WAIVER);
    let waived = bad(PAYMENTS, "bucket-public", "website-eu");
    let other = bad(PAYMENTS, "bucket-public", "backup");
    tell(&world, &policy, &[waived.event(), other.event()]);
    assert_eq!(
        lines(&world, "C0PAYMENTS"),
        ["[critical] S3 bucket is public: backup in payments"]
    );
    world.aggregate(
        &account(PAYMENTS),
        &region(),
        &rule("bucket-public"),
        vec![waived.found(), other.found()],
    );
    for _ in 0..12 {
        world.advance(minutes(24 * 60));
        handle(&world, &policy, &scheduled());
        settle(&world, &policy);
    }
    let announced = lines(&world, "operators");
    assert_eq!(
        announced,
        [
            "Banto: [action] A waiver ends in 7 days: bucket-* for website-* in 444455556666",
            "Banto: [action] A waiver ends in 1 day: bucket-* for website-* in 444455556666"
        ]
    );
    assert_eq!(
        lines(&world, "C0PAYMENTS")[1..],
        ["[critical] S3 bucket is public: website-eu in payments, too"],
        "once, when the waiver had ended"
    );
}

#[test]
fn an_iam_user_goes_by_name_in_messages_and_in_waivers() {
    let world = world();
    let user = |id: &'static str| bad(PAYMENTS, "access-keys-too-old", id);
    let event = |id: &'static str| {
        let mut event = user(id).event();
        event["detail"]["resourceType"] = "AWS::IAM::User".into();
        event
    };
    let name = |id: &'static str, name: &str| {
        let key = banto_domain::compliance::FindingKey {
            resource_type: "AWS::IAM::User".into(),
            ..user(id).key()
        };
        world.name_resource(&key, name);
    };
    name("AIDACKCEVSQ6C2EXAMPLE", "alice");
    name("AIDACKCEVSQ6C3EXAMPLE", "deployer");
    let waiver = "[[waivers]]\nrule = \"access-keys-*\"\nresource = \"deployer\"\nowner = \"alice\"\n\
                  reason = \"moves to OIDC\"\nuntil = 2026-12-31\n";
    tell(
        &world,
        &policy_and(waiver),
        &[
            event("AIDACKCEVSQ6C2EXAMPLE"),
            event("AIDACKCEVSQ6C3EXAMPLE"),
            event("AIDACKCEVSQ6C4EXAMPLE"),
        ],
    );
    let text = &seen(&world)[0].text;
    assert!(text.contains("alice (AIDACKCEVSQ6C2EXAMPLE"), "{text}");
    assert!(
        text.contains("AIDACKCEVSQ6C4EXAMPLE") && !text.contains("deployer"),
        "{text}"
    );
}

#[test]
fn in_quiet_hours_only_what_is_critical_is_told_and_the_rest_in_the_morning() {
    let world = world();
    let quiet = policy_with(&[(
        "to = { channel = \"C0PAYMENTS\" }",
        "to = { channel = \"C0PAYMENTS\" }\nquiet = [{ days = [\"mon\", \"tue\"], from = \"08:00\", to = \"11:00\", time_zone = \"UTC\" }]",
    )]);
    enqueue(
        &world,
        &[
            bad(PAYMENTS, "bucket-public", "a").event(),
            bad(PAYMENTS, "bucket-logging", "b").event(),
        ],
    );
    settle(&world, &quiet);
    let messages = world.slack_messages();
    assert_eq!(
        messages[0].text(),
        "[critical] S3 bucket is public: a in payments"
    );
    assert_eq!(messages[1].text(), "[medium] bucket-logging: b in payments");
    assert!(messages[0].at < start() + minutes(2), "at once");
    assert!(messages[1].at >= start() + minutes(120), "in the morning");
    assert!(
        world.call_count() < 100,
        "nobody asks all the time: {}",
        world.call_count()
    );
}

#[test]
fn what_was_posted_before_quiet_hours_is_not_posted_again_after_them_wherever_its_run_ended() {
    let quiet = policy_with(&[(
        "to = { channel = \"C0PAYMENTS\" }",
        "to = { channel = \"C0PAYMENTS\" }\nquiet = [{ days = [\"mon\"], from = \"09:03\", to = \"11:00\", time_zone = \"UTC\" }]",
    )]);
    let told = |faults: &[(usize, Fault)]| {
        let world = world();
        enqueue(
            &world,
            &[bad(PAYMENTS, "bucket-logging", "website").event()],
        );
        let mut sqs = Sqs::default();
        sqs.settle(&world, &quiet, faults);
        (lines(&world, "C0PAYMENTS").len(), sqs)
    };
    let (messages, clean) = told(&[]);
    assert_eq!(messages, 1);
    for call in 1..=clean.calls[1] {
        // The message that has the route told comes again within the quiet hours.
        let (messages, sqs) = told(&[(
            1,
            Fault {
                call,
                kind: FaultKind::CancelAfter,
            },
        )]);
        assert_eq!((messages, sqs.dead.len()), (1, 0), "call {call}");
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

#[test]
fn when_slack_asks_for_patience_it_is_left_alone_and_nothing_goes_another_way() {
    let world = world();
    let throttled = PortError::new(
        ErrorKind::Throttled,
        "slack:chat.postMessage",
        "ratelimited",
    );
    world.fail_slack(Some(throttled.retry_after(Some(Duration::from_secs(300)))));
    enqueue(&world, &[bad(PAYMENTS, "bucket-public", "website").event()]);
    let mut sqs = Sqs::default();
    // The event, and the message that has the route told.
    for _ in 0..2 {
        assert!(failed(&handle(&world, &policy(), &batch(&receive(&world)))).is_empty());
    }
    assert!(world.next_message_at().unwrap() >= world.now() + SignedDuration::from_secs(280));
    world.fail_slack(None);
    sqs.settle(&world, &policy(), &[]);
    assert_eq!(lines(&world, "C0PAYMENTS").len(), 1);
    assert_eq!(seen(&world).len(), 1, "not by SNS");
    let asked = world
        .calls()
        .iter()
        .filter(|call| call.name == "slack:chat.postMessage")
        .count();
    assert_eq!(asked, 2);
}

#[test]
fn when_slack_is_down_sns_takes_over_and_slack_is_not_asked_for_ten_minutes() {
    let world = world();
    let down = PortError::new(
        ErrorKind::Unavailable,
        "slack:chat.postMessage",
        "HTTP status 503",
    );
    world.fail_slack(Some(down));
    let posts = |world: &World| {
        world
            .calls()
            .iter()
            .filter(|call| call.name == "slack:chat.postMessage")
            .count()
    };
    for number in 0..3 {
        let told = Evaluation::bad(
            PAYMENTS,
            "bucket-public",
            ["a", "b", "c"][number],
            world.now(),
        );
        tell(&world, &policy(), &[told.event()]);
    }
    assert_eq!(lines(&world, "operators").len(), 3, "{:?}", seen(&world));
    assert!(
        seen(&world)[0].text.contains("did not take it"),
        "{}",
        seen(&world)[0].text
    );
    let asked = posts(&world);
    tell(
        &world,
        &policy(),
        &[Evaluation::bad(PAYMENTS, "bucket-public", "d", world.now()).event()],
    );
    assert_eq!(
        (posts(&world), lines(&world, "operators").len()),
        (asked, 4),
        "the circuit is open"
    );

    world.fail_slack(None);
    world.advance(minutes(11));
    tell(
        &world,
        &policy(),
        &[Evaluation::bad(PAYMENTS, "bucket-public", "e", world.now()).event()],
    );
    assert_eq!(lines(&world, "C0PAYMENTS").len(), 1);
    assert_eq!(breaches(&world), Vec::<String>::new());
}

#[test]
fn a_webhook_that_fails_has_its_routes_own_topic_to_fall_back_to() {
    for kind in [
        ErrorKind::Throttled,
        ErrorKind::Unavailable,
        ErrorKind::Invalid,
    ] {
        let world = world();
        world.fail_webhooks(Some(kind));
        tell(
            &world,
            &policy(),
            &[bad(SEARCH, "bucket-public", "index").event()],
        );
        assert_eq!(
            lines(&world, "search"),
            ["Banto: [critical] S3 bucket is public: index in search"],
            "{kind:?}"
        );
        assert_eq!(lines(&world, "operators").len(), 0, "{kind:?}");
        assert_eq!(breaches(&world), Vec::<String>::new());
    }
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
fn when_nothing_takes_a_message_it_is_a_dead_letter_and_the_next_day_tells_it() {
    let world = world();
    world.fail_slack(Some(PortError::new(
        ErrorKind::Denied,
        "slack:chat.postMessage",
        "invalid_auth",
    )));
    world.fail_topics(Some(ErrorKind::Denied));
    enqueue(&world, &[bad(PAYMENTS, "bucket-public", "website").event()]);
    let mut sqs = Sqs::default();
    sqs.settle(&world, &policy(), &[]);
    assert_eq!(sqs.dead.len(), 1);
    assert_eq!(world.outbox("payments").len(), 1, "it still waits");
    world.fail_slack(None);
    world.fail_topics(None);
    world.advance(minutes(24 * 60));
    handle(&world, &policy(), &scheduled());
    settle(&world, &policy());
    assert_eq!(
        lines(&world, "C0PAYMENTS"),
        ["[critical] S3 bucket is public: website in payments"]
    );
}

#[test]
fn the_daily_comparison_tells_what_was_missed_and_closes_what_was_resolved_unseen() {
    let world = world();
    let (resolved, removed, unknown) = (
        bad(PAYMENTS, "bucket-public", "resolved"),
        bad(PAYMENTS, "bucket-logging", "removed"),
        bad(SEARCH, "bucket-public", "unknown"),
    );
    tell(
        &world,
        &policy(),
        &[resolved.event(), removed.event(), unknown.event()],
    );
    world.advance(minutes(24 * 60));
    let missed = Evaluation::bad(PAYMENTS, "bucket-public", "missed", start() + minutes(5));
    // The rule bucket-logging was deleted; of the account search nothing is known.
    world.aggregate(
        &account(PAYMENTS),
        &region(),
        &rule("bucket-public"),
        vec![missed.found()],
    );
    for _ in 0..2 {
        handle(&world, &policy(), &scheduled());
        settle(&world, &policy());
        world.advance(minutes(24 * 60));
    }
    let known = |told: &Evaluation<'_>| world.finding_state(&told.key()).unwrap().last_notified;
    assert_eq!(known(&missed), Compliance::Noncompliant);
    assert_eq!(
        (known(&resolved), known(&removed)),
        (Compliance::Compliant, Compliance::Compliant)
    );
    assert_eq!(
        known(&unknown),
        Compliance::Noncompliant,
        "unknown is not in order"
    );
    let replies: Vec<String> = lines(&world, "C0PAYMENTS").split_off(2);
    assert_eq!(
        replies,
        [
            "Resolved: removed in payments (bucket-logging)",
            "[critical] S3 bucket is public: 1 more, 1 resolved in payments, 1 left"
        ]
    );
    assert!(
        seen(&world)
            .iter()
            .any(|message| message.text.contains("its event never came"))
    );
}

#[test]
fn a_finding_that_is_younger_than_the_aggregators_delay_is_not_closed_by_it() {
    let world = world();
    let finding = bad(PAYMENTS, "bucket-public", "website");
    tell(&world, &policy(), &[finding.event()]);
    world.advance(minutes(60));
    world.aggregate(
        &account(PAYMENTS),
        &region(),
        &rule("bucket-public"),
        Vec::new(),
    );
    handle(&world, &policy(), &scheduled());
    settle(&world, &policy());
    assert_eq!(
        world.finding_state(&finding.key()).unwrap().compliance,
        Compliance::Noncompliant
    );
    assert_eq!(seen(&world).len(), 1);
}

#[test]
fn switched_off_it_takes_in_and_tells_nobody_and_tells_all_when_it_is_on_again() {
    let world = world();
    let off = policy_with(&[("[compliance]", "[compliance]\nenabled = false")]);
    tell(
        &world,
        &off,
        &[bad(PAYMENTS, "bucket-public", "website").event()],
    );
    assert!(seen(&world).is_empty());
    handle(&world, &policy(), &scheduled());
    settle(&world, &policy());
    assert_eq!(lines(&world, "C0PAYMENTS").len(), 1);
}

#[test]
fn the_longest_window_is_within_the_fifteen_minutes_that_sqs_delays_a_message() {
    let world = world();
    let slow = policy_with(&[("owner_tag", "window_seconds = 900\nowner_tag")]);
    enqueue(&world, &[bad(PAYMENTS, "bucket-public", "website").event()]);
    handle(&world, &slow, &batch(&world.receive(10)));
    world.advance(minutes(15));
    assert_eq!(world.receive(10).len(), 1);
}

#[test]
fn an_account_that_was_looked_up_counts_where_it_could_not_be_cached() {
    let calls = {
        let world = world();
        enqueue(&world, &[bad(PAYMENTS, "bucket-public", "website").event()]);
        let messages = batch(&world.receive(10));
        handle_with(&world, &policy(), &messages, None).1.calls()
    };
    let mut back = Vec::new();
    for call in 1..=calls {
        let world = world();
        enqueue(&world, &[bad(PAYMENTS, "bucket-public", "website").event()]);
        let messages = batch(&world.receive(10));
        let kind = FaultKind::ErrorBefore(ErrorKind::Throttled);
        let log = LogCapture::default();
        let mut answered = None;
        log.during(|| {
            answered = Some(handle_with(
                &world,
                &policy(),
                &messages,
                Some(Fault { call, kind }),
            ));
        });
        let Some((Driven::Done(Ok(answer)), _)) = answered else {
            panic!("call {call}")
        };
        if log.text().contains("could not be cached") {
            back.push(failed(&answer.body).len());
        }
    }
    assert_eq!(back, [0]);
}

#[test]
fn another_functions_notice_is_carried_once() {
    let world = world();
    let notice = Notice::new(
        "account-ready".into(),
        Audience::Operators,
        Urgency::Information,
        "payments is ready".into(),
    );
    // As its sender hands it on.
    let run = world.run(None);
    let notices = text().parse().notices;
    let notice_sender =
        NoticeSender::new(run.clone(), run.clone(), run.clone(), notices, run.clone())
            .through(Some(run.clone()));
    for _ in 0..2 {
        drive(&run, notice_sender.send(&notice, Duration::from_secs(900)));
    }
    settle(&world, &policy());
    drive(&run, notice_sender.send(&notice, Duration::from_secs(900)));
    settle(&world, &policy());
    assert_eq!(lines(&world, "operators"), ["Banto: payments is ready"]);
    // It is ready once more when it has been away for long.
    world.advance(minutes(16 * 24 * 60));
    drive(&run, notice_sender.send(&notice, Duration::from_secs(900)));
    settle(&world, &policy());
    assert_eq!(lines(&world, "operators").len(), 2);
}

#[test]
fn a_dry_run_says_what_would_be_told_and_changes_nothing() {
    let world = world();
    let missed = bad(PAYMENTS, "bucket-public", "missed");
    world.aggregate(
        &account(PAYMENTS),
        &region(),
        &rule("bucket-public"),
        vec![missed.found()],
    );
    let event = bad(SEARCH, "bucket-public", "index").event();
    let plan = handle(
        &world,
        &policy(),
        &json!({ "events": [event], "accounts": [PAYMENTS], "dryRun": true }),
    );
    let changes = plan["plan"]["chains"].as_array().unwrap();
    let routes: Vec<&Value> = changes
        .iter()
        .map(|chain| &chain["changes"][0]["entries"][0][0])
        .collect();
    assert_eq!(routes, ["payments", "search"], "{plan:#}");
    assert_eq!(plan["refused"], json!([]));
    assert!(world.finding_state(&missed.key()).is_none());
    assert!(seen(&world).is_empty() && world.waiting_messages() == 0);
}

/// Organizations throttles every look-up of the account payments from now on.
fn throttle_look_ups_of_payments(world: &World) {
    world.change_account(&account(PAYMENTS), |member| {
        member
            .refuses
            .insert("organizations:DescribeAccount", ErrorKind::Throttled);
    });
}

#[test]
fn a_dry_run_names_the_accounts_that_it_could_not_look_up() {
    let world = world();
    throttle_look_ups_of_payments(&world);
    let event = bad(PAYMENTS, "bucket-public", "website").event();
    let answer = handle(
        &world,
        &policy(),
        &json!({ "events": [event], "dryRun": true }),
    );
    assert_eq!(answer["plan"]["chains"], json!([]));
    assert_eq!(answer["unknownAccounts"], json!([PAYMENTS]));
    assert_eq!(answer["notCompared"], json!([]));
}

#[test]
fn what_was_sent_before_a_failure_is_counted() {
    let deliver = |fault: Option<Fault>| {
        let world = world();
        let rules = ["bucket-public", "bucket-logging"];
        let events = rules.map(|rule| bad(SEARCH, rule, "website").event());
        enqueue(&world, &events);
        handle(&world, &policy(), &batch(&world.receive(10)));
        world.advance(minutes(2));
        let messages = batch(&world.receive(10));
        let (handled, run) = handle_with(&world, &policy(), &messages, fault);
        let Driven::Done(Ok(answer)) = handled else {
            panic!("{handled:?}")
        };
        let counted = format!("{:?}", answer.metrics);
        let sent = seen(&world).len();
        let says = format!("(\"MessagesSent\", \"Count\", Number({sent}))");
        assert!(sent == 0 || counted.contains(&says), "{fault:?}: {counted}");
        (sent, failed(&answer.body).len(), run.calls())
    };
    let (sent, _, calls) = deliver(None);
    assert_eq!(sent, 2);
    let outcomes: Vec<(usize, usize)> = (1..=calls)
        .map(|call| {
            let kind = FaultKind::ErrorBefore(ErrorKind::Denied);
            let (sent, back, _) = deliver(Some(Fault { call, kind }));
            (sent, back)
        })
        .collect();
    assert!(outcomes.contains(&(1, 1)), "{outcomes:?}");
}

#[test]
fn a_dry_run_lists_what_the_real_run_would_refuse() {
    let world = world();
    // The parser refuses two routes of one name; a change would be told twice on it.
    let mut twice = policy();
    twice.routes.insert(0, twice.routes[0].clone());
    let event = bad(PAYMENTS, "bucket-public", "website").event();
    let plan = handle(
        &world,
        &twice,
        &json!({ "events": [&event], "dryRun": true }),
    );
    let refused: Vec<&str> = plan["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|breach| breach.as_str().unwrap())
        .collect();
    let at = start();
    let twice_told = format!("N1: website at {at}: the route payments would be notified twice");
    assert!(refused.contains(&twice_told.as_str()), "{refused:#?}");
    assert_eq!(plan["plan"]["chains"].as_array().unwrap().len(), 1);
    // The real run refuses just that.
    enqueue(&world, &[event]);
    let messages = receive(&world);
    assert_eq!(failed(&handle(&world, &twice, &batch(&messages))).len(), 1);
    assert!(
        world
            .finding_state(&bad(PAYMENTS, "bucket-public", "website").key())
            .is_none()
    );
}

#[test]
fn a_record_that_cannot_be_read_goes_back_alone_and_is_a_dead_letter_in_the_end() {
    let world = world();
    let mut wrong = bad(PAYMENTS, "bucket-public", "website").event();
    wrong["detail"]["awsAccountId"] = "12".into();
    let long = Evaluation {
        resource: &"x".repeat(1_025),
        ..bad(PAYMENTS, "bucket-public", "")
    }
    .event();
    enqueue(
        &world,
        &[
            wrong,
            bad(PAYMENTS, "bucket-public", "website").event(),
            long,
        ],
    );
    let mut sqs = Sqs::default();
    sqs.settle(&world, &policy(), &[]);
    assert_eq!(sqs.dead.len(), 2);
    assert_eq!(lines(&world, "C0PAYMENTS").len(), 1);
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

#[test]
fn while_organizations_does_not_answer_findings_wait_and_none_goes_the_wrong_way() {
    let world = world();
    throttle_look_ups_of_payments(&world);
    let event = bad(PAYMENTS, "bucket-public", "website").event();
    enqueue(
        &world,
        &[event, bad(SEARCH, "bucket-public", "index").event()],
    );
    let messages = world.receive(10);
    let back = failed(&handle(&world, &policy(), &batch(&messages)));
    assert_eq!(back.len(), 1, "the other account's finding is noted");
    world.change_account(&account(PAYMENTS), |member| member.refuses.clear());
    messages
        .into_iter()
        .filter(|message| back.contains(&message.id))
        .for_each(|message| world.put_back(message, minutes(6)));
    settle(&world, &policy());
    assert_eq!(lines(&world, "C0PAYMENTS").len(), 1);
    assert_eq!(lines(&world, "compliance").len(), 0);
}

#[test]
fn near_the_deadline_nothing_is_begun_and_what_is_left_comes_again() {
    let world = world();
    enqueue(&world, &[bad(PAYMENTS, "bucket-public", "website").event()]);
    assert!(failed(&handle(&world, &policy(), &batch(&world.receive(10)))).is_empty());
    world.advance(minutes(2));
    let messages = world.receive(10);
    let run = world.run(None);
    let function = notifier(&run, &policy());
    let late = Invocation::for_tests("late", Duration::from_secs(5));
    let handled = banto_fake::drive(
        &run,
        function.handle(batch(&messages).to_string().as_bytes(), &late),
    );
    let Driven::Done(Ok(answer)) = handled else {
        panic!("{handled:?}")
    };
    // It is sent anew: what was not tried is no step towards a dead letter.
    assert_eq!(
        (failed(&answer.body).len(), world.waiting_messages()),
        (0, 1)
    );
    assert!(seen(&world).is_empty());
    settle(&world, &policy());
    assert_eq!(seen(&world).len(), 1);
}

#[test]
fn at_the_trace_level_no_token_and_no_webhook_is_logged_whatever_fails() {
    let log = LogCapture::default();
    let mut answers = Vec::new();
    log.during(|| {
        for kind in [
            None,
            Some(ErrorKind::Denied),
            Some(ErrorKind::Throttled),
            Some(ErrorKind::Unavailable),
        ] {
            let world = world();
            let fault =
                |kind| PortError::new(kind, "slack:chat.postMessage", "refused by the test");
            world.fail_slack(kind.map(fault));
            world.fail_webhooks(kind);
            enqueue(
                &world,
                &[
                    bad(PAYMENTS, "bucket-public", "a").event(),
                    bad(SEARCH, "bucket-public", "b").event(),
                ],
            );
            for _ in 0..4 {
                let messages = receive(&world);
                if !messages.is_empty() {
                    answers.push(handle(&world, &policy(), &batch(&messages)).to_string());
                }
            }
        }
    });
    assert!(
        log.text().contains("message was not taken by its route")
            && log.text().contains("message delivered"),
        "the log is there"
    );
    // The world's token and webhooks are URLs; the end of each is its ARN's, which is no secret.
    for text in [log.text(), answers.concat()] {
        assert!(
            !text.contains("hooks.slack.com") && !text.contains("/services/"),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_event_of_ours_fails_and_is_named() {
    let world = world();
    let event = json!({ "source": "aws.ec2", "detail-type": "EC2 Spot Instance", "detail": {}, "region": REGION });
    let (handled, _) = handle_with(&world, &policy(), &event, None);
    let Driven::Done(Err(failure)) = handled else {
        panic!("{handled:?}")
    };
    assert_eq!(failure.kind, "UnknownEvent");
    assert!(
        failure.to_string().contains("EC2 Spot Instance"),
        "{failure}"
    );
}

#[test]
fn whatever_comes_by_the_queue_is_seen_to_and_what_is_of_no_use_fails_alone() {
    let world = world();
    let missed = Evaluation::bad(PAYMENTS, "bucket-public", "missed", start() - minutes(60));
    world.aggregate(
        &account(PAYMENTS),
        &region(),
        &rule("bucket-public"),
        vec![missed.found()],
    );
    let event = bad(PAYMENTS, "bucket-public", "website").event();
    enqueue(
        &world,
        &[
            scheduled(),
            json!({ "Type": "Notification", "Message": event.to_string() }),
            json!({ "kind": "dance", "version": 1 }),
            json!({ "Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:eu-west-1:444455556666:config" }),
        ],
    );
    let mut sqs = Sqs::default();
    sqs.settle(&world, &policy(), &[]);
    let dead: Vec<&str> = sqs
        .dead
        .iter()
        .map(|message| message.body.as_str())
        .collect();
    assert_eq!(dead, [r#"{"kind":"dance","version":1}"#]);
    let told = seen(&world)
        .into_iter()
        .map(|message| message.text)
        .collect::<String>();
    assert!(
        told.contains("missed") && told.contains("website"),
        "{told}"
    );
}
