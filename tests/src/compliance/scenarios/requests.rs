//! Requests, dry runs, and what comes by the queues.

use std::sync::Arc;
use std::time::Duration;

use banto_fake::{DeliveriesQueue, Driven, Fault, FaultKind, LogCapture, World, drive};
use banto_lambda::Invocation;
use banto_notice::{Audience, Notice, NoticeSender, Urgency};
use banto_ports::ErrorKind;
use serde_json::{Value, json};

use super::waivers::WAIVER;
use super::{bad, lines};
use crate::compliance::harness::{
    Evaluation, PAYMENTS, REGION, SEARCH, account, minutes, notifier, policy, policy_and,
    policy_with, region, rule, scheduled, seen, start, text, unreminded, world,
};
use crate::harness::{
    Sqs, batch, enqueue, enqueue_deliveries, failed, handle, handle_with, receive, settle,
};

#[test]
fn switched_off_it_takes_in_and_tells_nobody_and_tells_all_soon_after_it_is_switched_on() {
    let world = world();
    let mut off = policy_and(WAIVER);
    off.enabled = false;
    enqueue(&world, &[bad(PAYMENTS, "bucket-public", "website").event()]);
    let mut sqs = Sqs::default();
    while world.now() < start() + minutes(24 * 60) {
        sqs.deliver(&world, &off, None);
        world.advance(minutes(1));
    }
    // Now a waiver ends within a week.
    handle(&world, &off, &scheduled());
    sqs.deliver(&world, &off, None);
    assert!(seen(&world).is_empty() && sqs.dead.is_empty());
    assert_eq!(world.outbox("payments").len(), 1);
    let switched_on = world.now();
    settle(&world, &unreminded());
    let told = world.slack_messages();
    assert_eq!(told.len(), 1);
    assert!(told[0].at <= switched_on + minutes(16), "{}", told[0].at);
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
            .through(Some(Arc::new(DeliveriesQueue(run.clone()))));
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
        .map(|chain| &chain["entries"][0][0])
        .collect();
    assert_eq!(routes, ["search", "payments"], "{plan:#}");
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
fn a_dry_run_lists_what_the_real_run_would_refuse() {
    let world = world();
    // The parser refuses a colon in a route's name: the check takes this one for another route's
    // channel.
    let mut odd = policy_and(
        "[[compliance.routes]]\nname = \"odd\"\nto = { channel_tag = \"team\" }\n\
         [[compliance.routes]]\nname = \"teams\"\nto = { channel_tag = \"team\" }\n",
    );
    for route in &mut odd.routes {
        if route.name == "odd" {
            route.name = "teams:odd".to_owned();
        }
    }
    let finding = bad(PAYMENTS, "bucket-public", "website");
    let event = finding.event();
    let plan = handle(&world, &odd, &json!({ "events": [&event], "dryRun": true }));
    assert!(!plan["refused"].as_array().unwrap().is_empty(), "{plan:#}");
    assert!(
        plan["refused"].to_string().contains("teams:payments"),
        "{plan:#}"
    );
    assert_eq!(plan["plan"]["chains"].as_array().unwrap().len(), 1);
    // The real run refuses just that.
    enqueue(&world, &[event]);
    let messages = receive(&world);
    assert_eq!(failed(&handle(&world, &odd, &batch(&messages))).len(), 1);
    assert!(world.finding_state(&finding.key()).is_none());
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
fn while_organizations_does_not_answer_findings_wait_and_none_goes_the_wrong_way() {
    let world = world();
    throttle_look_ups_of_payments(&world);
    let events = [
        bad(PAYMENTS, "bucket-public", "website").event(),
        bad(SEARCH, "bucket-public", "index").event(),
    ];
    enqueue(&world, &events);
    let mut sqs = Sqs::default();
    // More often than the queue hands a message over before it gives it up.
    while world.now() < start() + minutes(60) {
        sqs.deliver(&world, &policy(), None);
        world.advance(minutes(1));
    }
    let told = seen(&world);
    assert_eq!((told.len(), told[0].way.as_str()), (1, "webhook"));
    assert!(sqs.dead.is_empty() && sqs.calls.len() > 10);
    world.change_account(&account(PAYMENTS), |member| member.refuses.clear());
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

/// A notice that says what its sender wants operators to read.
fn notice() -> Value {
    let headline = "Sign in at example.net".to_owned();
    let notice = Notice::new(
        "forged".into(),
        Audience::Operators,
        Urgency::Action,
        headline,
    );
    json!({ "kind": "relayNotice", "version": 1, "notice": notice })
}

#[test]
fn an_administrator_of_any_account_tells_nobody_words_of_their_own_by_the_queue_of_events() {
    let world = world();
    let log = LogCapture::default();
    let event = bad(PAYMENTS, "bucket-public", "website").event();
    let forged = [
        notice(),
        json!({ "kind": "deliver", "version": 1, "route": "payments" }),
        json!({ "kind": "remind", "version": 1, "route": "payments" }),
        json!({ "events": [event] }),
        json!({ "accounts": [PAYMENTS], "dryRun": true }),
    ];
    enqueue(&world, &forged);
    let mut sqs = Sqs::default();
    log.during(|| sqs.settle(&world, &policy(), &[]));
    let told: Vec<String> = seen(&world).into_iter().map(|seen| seen.first).collect();
    assert!(told.is_empty(), "{told:?}");
    let dead: Vec<Value> = sqs
        .dead
        .iter()
        .map(|message| serde_json::from_str(&message.body).unwrap())
        .collect();
    assert_eq!(dead, forged);
    assert!(
        log.text()
            .contains("it counts from the queue compliance.deliveries")
    );
}

#[test]
fn another_functions_notice_is_told_from_the_queue_of_deliveries_or_by_an_invocation() {
    let by_queue = world();
    enqueue_deliveries(&by_queue, &[notice()]);
    settle(&by_queue, &policy());
    assert_eq!(lines(&by_queue, "operators").len(), 1);
    let directly = world();
    handle(&directly, &policy(), &notice());
    assert_eq!(lines(&directly, "operators").len(), 1);
}
