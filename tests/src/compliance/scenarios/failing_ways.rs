//! Ways to people that fail.

use std::time::Duration;

use banto_fake::{Driven, Fault, FaultKind, LogCapture, World};
use banto_ports::{ErrorKind, PortError};
use jiff::SignedDuration;

use super::{bad, lines};
use crate::compliance::harness::{
    Evaluation, OTHER, PAYMENTS, SEARCH, breaches, minutes, policy, scheduled, seen, tell,
    unreminded, world,
};
use crate::harness::{Sqs, batch, enqueue, failed, handle, handle_with, receive, settle};

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
        seen(&world)[0]
            .text
            .contains("Sent by SNS: Slack route payments failed"),
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

/// Each way is told once, however often what was told can't be saved.
#[test]
fn what_was_told_and_can_not_be_saved_is_not_told_again_and_again() {
    let world = world();
    let until = world.now() + minutes(60);
    world.outage("dynamodb:DeleteItem", ErrorKind::Denied, until);
    tell(
        &world,
        &unreminded(),
        &[
            bad(PAYMENTS, "bucket-logging", "website").event(),
            bad(SEARCH, "bucket-logging", "index").event(),
            bad(OTHER, "root-mfa", "root").event(),
            bad(OTHER, "bucket-logging", "old").event(),
        ],
    );
    assert_eq!(seen(&world).len(), 4, "{:?}", seen(&world));
    for route in ["payments", "search", "auditors", "default"] {
        assert!(world.outbox(route).is_empty(), "{route}");
    }
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
    sqs.settle(&world, &unreminded(), &[]);
    assert_eq!(sqs.dead.len(), 1);
    assert_eq!(world.outbox("payments").len(), 1, "it still waits");
    world.fail_slack(None);
    world.fail_topics(None);
    world.advance(minutes(24 * 60));
    handle(&world, &unreminded(), &scheduled());
    settle(&world, &unreminded());
    assert_eq!(
        lines(&world, "C0PAYMENTS"),
        ["[critical] S3 bucket is public: website in payments"]
    );
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
