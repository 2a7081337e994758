//! The daily comparison with the aggregator.

use banto_domain::compliance::Compliance;
use banto_ports::{AggregatedRule, RuleCompliance};

use super::{bad, lines, list_open, news, next_day};
use crate::compliance::harness::{
    Evaluation, PAYMENTS, SEARCH, account, minutes, policy, region, rule, scheduled, seen, start,
    tell, world,
};
use crate::harness::{handle, settle};

fn aggregated(name: &str) -> AggregatedRule {
    AggregatedRule {
        account: account(PAYMENTS),
        region: region(),
        rule: rule(name),
    }
}

#[test]
fn the_daily_check_tells_what_was_missed_and_ends_only_what_is_known_to_be_over() {
    let world = world();
    list_open(&world, "bucket-public", PAYMENTS, &[]);
    handle(&world, &policy(), &scheduled());
    settle(&world, &policy());
    let (resolved, removed, unknown) = (
        bad(PAYMENTS, "bucket-public", "resolved"),
        bad(PAYMENTS, "bucket-logging", "removed"),
        bad(SEARCH, "bucket-public", "unknown"),
    );
    let events = [&resolved, &removed, &unknown].map(Evaluation::event);
    tell(&world, &policy(), &events);
    // The rule bucket-logging was deleted; of the account search nothing is known.
    let missed = Evaluation::bad(PAYMENTS, "bucket-public", "missed", start() + minutes(5));
    list_open(&world, "bucket-public", PAYMENTS, &[&missed]);
    world.evaluate(
        &resolved.key(),
        Compliance::Compliant,
        start() + minutes(60),
    );
    next_day(&world, &policy());
    let first = "[critical] S3 bucket is public: 1 new, 1 resolved in payments (1 open)";
    assert_eq!(news(&world, "C0PAYMENTS")[2..], [first]);
    let found_by = "Found by the daily check (event missed, or waiver expired)";
    assert!(
        seen(&world)
            .iter()
            .any(|message| message.text.contains(found_by))
    );
    next_day(&world, &policy());
    let second = "Closed: removed in payments (bucket-logging)";
    assert_eq!(news(&world, "C0PAYMENTS")[2..], [first, second]);
    let is_open = |evaluation: &Evaluation<'_>| {
        let state = world.finding_state(&evaluation.key()).unwrap();
        !state.told.is_empty()
    };
    assert!(is_open(&missed) && is_open(&unknown));
    assert!(!is_open(&resolved) && !is_open(&removed));
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
fn an_aggregator_that_lost_all_it_knew_for_a_day_ends_nothing() {
    let world = world();
    let finding = bad(PAYMENTS, "bucket-public", "website");
    tell(&world, &policy(), &[finding.event()]);
    list_open(&world, "bucket-public", PAYMENTS, &[&finding]);
    next_day(&world, &policy());
    world.forget_aggregated(&account(PAYMENTS));
    // It fills again, and does not know this rule yet.
    list_open(&world, "bucket-logging", PAYMENTS, &[]);
    next_day(&world, &policy());
    world.refill_aggregated(&account(PAYMENTS), |_| true);
    next_day(&world, &policy());
    assert_eq!(news(&world, "C0PAYMENTS").len(), 1, "{:?}", seen(&world));
    let state = world.finding_state(&finding.key()).unwrap();
    assert_eq!(state.doubted_at, None);
}

#[test]
fn what_is_absent_twice_a_day_apart_is_closed_and_opens_again_with_its_old_time() {
    let world = world();
    let finding = bad(PAYMENTS, "bucket-public", "website");
    tell(&world, &policy(), &[finding.event()]);
    list_open(&world, "bucket-logging", PAYMENTS, &[]);
    next_day(&world, &policy());
    // A second look on the same day is no second check.
    handle(&world, &policy(), &scheduled());
    settle(&world, &policy());
    assert_eq!(news(&world, "C0PAYMENTS").len(), 1);
    next_day(&world, &policy());
    assert_eq!(
        news(&world, "C0PAYMENTS")[1..],
        ["Closed: website in payments (S3 bucket is public)"]
    );
    list_open(&world, "bucket-public", PAYMENTS, &[&finding]);
    next_day(&world, &policy());
    assert_eq!(
        news(&world, "C0PAYMENTS")[2..],
        ["[critical] S3 bucket is public: website in payments"]
    );
}

#[test]
fn a_rule_without_sufficient_data_neither_ends_nor_opens_anything() {
    let world = world();
    let finding = bad(PAYMENTS, "bucket-public", "website");
    tell(&world, &policy(), &[finding.event()]);
    list_open(&world, "bucket-public", PAYMENTS, &[&finding]);
    world.say_of_rule(
        &aggregated("bucket-public"),
        Some(RuleCompliance::InsufficientData),
    );
    world.advance(minutes(30));
    let mut event = Evaluation::bad(PAYMENTS, "bucket-public", "website", world.now()).event();
    event["detail"]["newEvaluationResult"]["complianceType"] = "INSUFFICIENT_DATA".into();
    tell(&world, &policy(), &[event]);
    for _ in 0..3 {
        next_day(&world, &policy());
    }
    assert_eq!(news(&world, "C0PAYMENTS").len(), 1, "{:?}", seen(&world));
    assert!(!world.finding_state(&finding.key()).unwrap().told.is_empty());
}

#[test]
fn an_aggregator_that_lags_for_days_does_not_end_what_is_open() {
    let world = world();
    let finding = bad(PAYMENTS, "bucket-public", "website");
    let before = start() - minutes(24 * 60);
    world.evaluate(&finding.key(), Compliance::Compliant, before);
    world.lag_aggregator(&account(PAYMENTS), minutes(3 * 24 * 60));
    world.evaluate(&finding.key(), Compliance::Noncompliant, start());
    tell(&world, &policy(), &[finding.event()]);
    for _ in 0..5 {
        next_day(&world, &policy());
        assert_eq!(news(&world, "C0PAYMENTS").len(), 1, "{:?}", seen(&world));
    }
}

#[test]
fn a_rule_that_evaluates_a_resource_no_longer_closes_its_finding() {
    let world = world();
    let finding = bad(PAYMENTS, "bucket-public", "website");
    tell(&world, &policy(), &[finding.event()]);
    world.advance(minutes(30));
    let mut event = finding.good(world.now()).event();
    event["detail"]["newEvaluationResult"]["complianceType"] = "NOT_APPLICABLE".into();
    tell(&world, &policy(), &[event]);
    let closed = "Closed: website in payments (S3 bucket is public)";
    assert_eq!(world.slack_messages()[0].text(), closed);
    assert_eq!(lines(&world, "C0PAYMENTS")[1..], [closed]);
}

#[test]
fn what_a_first_check_finds_is_one_digest_that_names_what_is_urgent() {
    let world = world();
    let buckets: Vec<String> = (0..12).map(|number| format!("bucket-{number}")).collect();
    for name in ["bucket-logging", "bucket-tags"] {
        let evaluations = buckets.iter();
        let found = evaluations.map(|bucket| Evaluation::bad(PAYMENTS, name, bucket, start()));
        let found = found.map(|evaluation| evaluation.found()).collect();
        world.aggregate(&account(PAYMENTS), &region(), &rule(name), found);
    }
    let public = bad(PAYMENTS, "bucket-public", "crown-jewels");
    list_open(&world, "bucket-public", PAYMENTS, &[&public]);
    handle(&world, &policy(), &scheduled());
    settle(&world, &policy());
    let messages = world.slack_messages();
    let in_channel: Vec<&str> = messages
        .iter()
        .filter(|message| message.thread.is_none() || message.broadcast)
        .map(banto_fake::SlackMessage::text)
        .collect();
    assert_eq!(in_channel, ["25 open findings taken over in 1 account"]);
    assert!(seen(&world)[0].text.contains("crown-jewels"));
    // What is found later of a group in it goes into its thread.
    let later = Evaluation::bad(PAYMENTS, "bucket-logging", "later", world.now());
    tell(&world, &policy(), &[later.event()]);
    assert_eq!(world.outbox("payments"), Vec::new());
    let last = seen(&world).pop().unwrap();
    assert!(last.text.contains("later"), "{last:?}");
}
