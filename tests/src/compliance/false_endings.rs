//! Only what AWS Config calls compliant is resolved, and only what it no longer knows is closed.

use std::sync::Arc;

use banto_domain::compliance::{Compliance, FindingKey};
use banto_domain::policy::CompliancePolicy;
use banto_fake::World;
use banto_ports::{AggregatedEvaluation, AggregatedRule, RuleCompliance};
use jiff::SignedDuration;
use serde_json::Value;

use super::harness::{
    Evaluation, PAYMENTS, account, bad, check_daily, day, lines, minutes, now_in_channel, region,
    rule, scheduled, seen, start, tell, unreminded, world,
};
use crate::harness::{handle, settle};

const FOUND: &str = "[critical] S3 bucket is public: website in payments";
const RESOLVED: &str = "Resolved: website in payments (S3 bucket is public)";
const CLOSED: &str = "Closed: website in payments (S3 bucket is public)";

fn website() -> Evaluation<'static> {
    bad(PAYMENTS, "bucket-public", "website")
}

/// A world in which people know of the website, and so does the aggregator.
fn told() -> (Arc<World>, CompliancePolicy) {
    let (world, policy) = (world(), unreminded());
    world.evaluate(&website().key(), Compliance::Noncompliant, start());
    tell(&world, &policy, &[website().event()]);
    assert_eq!(heard(&world), [FOUND]);
    (world, policy)
}

fn heard(world: &World) -> Vec<String> {
    lines(world, "C0PAYMENTS")
}

fn is_open(world: &World, key: &FindingKey) -> bool {
    let state = world.finding_state(key).unwrap();
    state.compliance == Compliance::Noncompliant && !state.told.is_empty()
}

fn public_buckets() -> AggregatedRule {
    AggregatedRule {
        account: account(PAYMENTS),
        region: region(),
        rule: rule("bucket-public"),
    }
}

/// The event with another new result.
fn with_result(mut event: Value, result: &str) -> Value {
    event["detail"]["newEvaluationResult"]["complianceType"] = result.into();
    event
}

#[test]
fn insufficient_data_ends_nothing_by_event_or_by_the_daily_check() {
    let (world, policy) = told();
    world.advance(minutes(30));
    let unsure = with_result(website().good(world.now()).event(), "INSUFFICIENT_DATA");
    tell(&world, &policy, &[unsure]);
    world.say_of_rule(&public_buckets(), Some(RuleCompliance::InsufficientData));
    check_daily(&world, &policy, 5);
    assert_eq!(heard(&world), [FOUND]);
    assert!(is_open(&world, &website().key()));
    // AWS Config can tell again, and it is compliant.
    tell(&world, &policy, &[website().good(world.now()).event()]);
    assert_eq!(heard(&world)[1..], [RESOLVED]);
}

/// AWS Config says by an event that it can't tell of the website, and lists it no more. Its rule
/// tells of another bucket.
fn lose_sight(world: &Arc<World>, policy: &CompliancePolicy) {
    let other = Evaluation {
        resource: "backup",
        ..website()
    };
    world.evaluate(&other.key(), Compliance::Compliant, start());
    world.remove_evaluation(&website().key());
    world.advance(minutes(30));
    let unsure = with_result(website().good(world.now()).event(), "INSUFFICIENT_DATA");
    tell(world, policy, &[unsure]);
}

#[test]
fn what_aws_config_cannot_tell_of_and_then_lists_nowhere_is_closed_after_a_week() {
    let (world, policy) = told();
    // The website was deleted, and the event of that was lost.
    lose_sight(&world, &policy);
    check_daily(&world, &policy, 7);
    assert_eq!(heard(&world), [FOUND]);
    // By then AWS Config would have evaluated it again; the first check doubts, the second closes.
    check_daily(&world, &policy, 2);
    assert_eq!(heard(&world), [FOUND, CLOSED]);
    check_daily(&world, &policy, 3);
    assert_eq!(heard(&world).len(), 2);
}

#[test]
fn what_aws_config_cannot_tell_of_is_closed_after_a_week_if_its_rule_is_gone() {
    let (world, policy) = told();
    let other = bad(PAYMENTS, "bucket-logging", "backup");
    world.evaluate(&other.key(), Compliance::Compliant, start());
    lose_sight(&world, &policy);
    world.forget_rule(&public_buckets());
    check_daily(&world, &policy, 9);
    assert_eq!(heard(&world), [FOUND, CLOSED]);
}

#[test]
fn what_aws_config_cannot_tell_of_for_a_few_days_stays_open_though_its_rule_tells_of_others() {
    let (world, policy) = told();
    lose_sight(&world, &policy);
    check_daily(&world, &policy, 6);
    world.evaluate(&website().key(), Compliance::Noncompliant, start());
    check_daily(&world, &policy, 4);
    assert_eq!(heard(&world), [FOUND]);
    assert!(is_open(&world, &website().key()));
}

#[test]
fn an_aggregator_that_lags_by_hours_or_days_resolves_nothing_by_its_old_results() {
    for hours in [8, 72] {
        let (world, policy) = (world(), unreminded());
        let key = website().key();
        // It was compliant until now, and the aggregator goes on saying so.
        world.evaluate(&key, Compliance::Compliant, start() - day());
        let lag = SignedDuration::from_hours(hours);
        world.lag_aggregator(&account(PAYMENTS), lag);
        world.evaluate(&key, Compliance::Noncompliant, start());
        tell(&world, &policy, &[website().event()]);
        for _ in 0..6 {
            world.advance(minutes(60));
            check_daily(&world, &policy, 1);
            assert!(is_open(&world, &key), "lag of {hours} hours");
        }
        assert_eq!(heard(&world), [FOUND], "lag of {hours} hours");
    }
}

#[test]
fn what_a_lagging_aggregator_does_not_list_yet_is_never_resolved_and_is_open_in_the_end() {
    for hours in [8, 72] {
        let (world, policy) = (world(), unreminded());
        let key = website().key();
        let other = Evaluation {
            resource: "backup",
            ..website()
        };
        world.evaluate(&other.key(), Compliance::Compliant, start() - day());
        world.lag_aggregator(&account(PAYMENTS), SignedDuration::from_hours(hours));
        world.evaluate(&key, Compliance::Noncompliant, start());
        tell(&world, &policy, &[website().event()]);
        world.advance(minutes(4 * 60));
        for _ in 0..8 {
            check_daily(&world, &policy, 1);
        }
        assert!(is_open(&world, &key), "lag of {hours} hours");
        let heard = heard(&world);
        let resolved = heard.iter().any(|line| line.starts_with("Resolved"));
        assert!(!resolved, "lag of {hours} hours: {heard:?}");
        assert_eq!(heard.last().map(String::as_str), Some(FOUND), "{heard:?}");
    }
}

#[test]
fn a_rebuilt_aggregator_that_is_half_filled_for_a_day_ends_nothing() {
    let (world, policy) = told();
    let other = bad(PAYMENTS, "bucket-logging", "backup");
    world.evaluate(&other.key(), Compliance::Noncompliant, start());
    tell(&world, &policy, &[other.event()]);
    let before = seen(&world).len();
    // It knows nothing for two days, then one of two rules, and on the next day all it knew.
    world.forget_aggregated(&account(PAYMENTS));
    check_daily(&world, &policy, 2);
    world.aggregate(
        &account(PAYMENTS),
        &region(),
        &rule("bucket-logging"),
        vec![other.found()],
    );
    check_daily(&world, &policy, 1);
    world.refill_aggregated(&account(PAYMENTS), |_| true);
    check_daily(&world, &policy, 3);
    assert_eq!(seen(&world).len(), before, "{:?}", heard(&world));
    assert!(is_open(&world, &website().key()) && is_open(&world, &other.key()));
}

#[test]
fn what_was_closed_by_absence_and_is_listed_again_with_its_old_time_is_told_again() {
    let (world, policy) = told();
    world.forget_rule(&public_buckets());
    let other = bad(PAYMENTS, "bucket-logging", "backup");
    world.evaluate(&other.key(), Compliance::Compliant, start());
    check_daily(&world, &policy, 3);
    assert_eq!(heard(&world), [FOUND, CLOSED]);
    world.evaluate(&website().key(), Compliance::Noncompliant, start());
    check_daily(&world, &policy, 3);
    assert_eq!(heard(&world), [FOUND, CLOSED, FOUND]);
    assert!(is_open(&world, &website().key()));
}

#[test]
fn a_rule_that_is_gone_closes_its_findings_at_the_second_check_a_day_later() {
    let (world, policy) = told();
    let other = bad(PAYMENTS, "bucket-logging", "backup");
    world.evaluate(&other.key(), Compliance::Compliant, start());
    world.forget_rule(&public_buckets());
    check_daily(&world, &policy, 1);
    // A second check on the same day proves nothing more.
    world.advance(minutes(60));
    handle(&world, &policy, &scheduled());
    settle(&world, &policy);
    assert_eq!(heard(&world), [FOUND]);
    check_daily(&world, &policy, 1);
    assert_eq!(heard(&world), [FOUND, CLOSED]);
    check_daily(&world, &policy, 3);
    assert_eq!(heard(&world).len(), 2);
}

#[test]
fn a_deleted_resource_is_closed_and_not_resolved() {
    for result in [Some("NOT_APPLICABLE"), None] {
        let (world, policy) = told();
        world.advance(minutes(30));
        let mut event = website().good(world.now()).event();
        match result {
            Some(result) => event = with_result(event, result),
            // As AWS Config tells of a deletion: no new result, and only the time of the event.
            None => {
                event["detail"]["newEvaluationResult"] = Value::Null;
                event["detail"]["notificationCreationTime"] = world.now().to_string().into();
            }
        }
        tell(&world, &policy, &[event]);
        assert_eq!(heard(&world), [FOUND, CLOSED], "{result:?}");
    }
    let (world, policy) = told();
    world.remove_evaluation(&website().key());
    check_daily(&world, &policy, 2);
    assert_eq!(heard(&world), [FOUND, CLOSED]);
}

#[test]
fn what_the_daily_check_sees_to_be_compliant_is_resolved_the_same_day() {
    let (world, policy) = told();
    let fixed = start() + minutes(90);
    world.evaluate(&website().key(), Compliance::Compliant, fixed);
    check_daily(&world, &policy, 1);
    assert_eq!(heard(&world), [FOUND, RESOLVED]);
    assert_eq!(now_in_channel(&world, "C0PAYMENTS"), [RESOLVED]);
    check_daily(&world, &policy, 3);
    assert_eq!(heard(&world).len(), 2);
}

/// An event about the IAM user alice, seen in a region.
fn of_user(evaluation: &Evaluation<'_>, region: &str) -> Value {
    let mut event = evaluation.event();
    event["region"] = region.into();
    event["detail"]["awsRegion"] = region.into();
    event["detail"]["resourceType"] = "AWS::IAM::User".into();
    event
}

#[test]
fn an_iam_user_that_rules_of_three_regions_find_counts_once_and_ends_once() {
    let (world, policy) = (world(), unreminded());
    let user = bad(PAYMENTS, "access-keys-too-old", "AIDACKCEVSQ6C2EXAMPLE");
    let regions = ["eu-west-1", "us-east-1", "eu-central-1"];
    let mut found = Vec::new();
    for (second, region) in (0..).zip(regions) {
        let at = start() + SignedDuration::from_secs(second);
        found.push(of_user(&Evaluation { at, ..user.clone() }, region));
        let key = FindingKey::new(
            account(PAYMENTS),
            &region.parse().unwrap(),
            rule("access-keys-too-old"),
            "AWS::IAM::User".to_owned(),
            user.resource.to_owned(),
        );
        let evaluation = AggregatedEvaluation {
            key,
            evaluated_in: region.parse().unwrap(),
            recorded_at: at,
            annotation: None,
        };
        world.add_evaluation(evaluation, Compliance::Noncompliant);
    }
    tell(&world, &policy, &found);
    check_daily(&world, &policy, 2);
    let heard_of = heard(&world);
    assert_eq!(heard_of.len(), 1, "{heard_of:?}");
    let user_rule = rule("access-keys-too-old");
    let open = |world: &World| {
        let group = world.finding_group("payments", &account(PAYMENTS), &user_rule);
        group.unwrap().open
    };
    assert_eq!(open(&world), 1);
    let mut fixed = Vec::new();
    for (second, region) in (0..).zip(regions) {
        let at = world.now() + SignedDuration::from_secs(second);
        fixed.push(of_user(&user.good(at), region));
    }
    tell(&world, &policy, &fixed);
    let heard_of = heard(&world);
    assert_eq!(heard_of.len(), 2, "{heard_of:?}");
    assert!(heard_of[1].starts_with("Resolved"), "{heard_of:?}");
    assert_eq!(open(&world), 0);
}

/// Lets the website change so many times, 20 minutes apart.
fn flap(world: &Arc<World>, policy: &CompliancePolicy, changes: usize) {
    for change in 0..changes {
        let at = world.now();
        let is_open = change % 2 == 0;
        let seen = if is_open {
            Evaluation { at, ..website() }
        } else {
            website().good(at)
        };
        let compliance = if is_open {
            Compliance::Noncompliant
        } else {
            Compliance::Compliant
        };
        world.evaluate(&website().key(), compliance, at);
        tell(world, policy, &[seen.event()]);
        world.advance(minutes(20));
    }
}

#[test]
fn after_flapping_nobody_reads_resolved_over_an_open_finding_or_open_over_a_resolved_one() {
    for changes in 5..=14 {
        let (world, policy) = (world(), unreminded());
        flap(&world, &policy, changes);
        check_daily(&world, &policy, 3);
        let shown = now_in_channel(&world, "C0PAYMENTS");
        let last = shown.last().unwrap();
        let ends_open = changes % 2 == 1;
        assert_eq!(
            last.starts_with("Resolved"),
            !ends_open,
            "{changes}: {shown:?}"
        );
        let state = world.finding_state(&website().key()).unwrap();
        assert_eq!((state.flapping, !state.told.is_empty()), (false, ends_open));
        let group = world.finding_group("payments", &account(PAYMENTS), &rule("bucket-public"));
        assert_eq!(
            group.unwrap().open,
            u32::from(ends_open),
            "{changes}: {shown:?}"
        );
    }
}
