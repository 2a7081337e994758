//! The aggregator: it lags, is rebuilt, comes back half filled, and tells pages that may be empty.

use std::collections::BTreeMap;

use banto_domain::Region;
use banto_domain::compliance::{Compliance, FindingKey};
use banto_ports::{
    AggregatedEvaluation, AggregatedRule, Aggregator, ResourceFacts, RuleCompliance,
};
use jiff::SignedDuration;

use super::{days, done, minutes, region, start, world};
use crate::{Run, World};

const RULE: &str = "s3-bucket-public-read-prohibited";

fn bucket(name: &str) -> FindingKey {
    FindingKey::new(
        "111122223333".parse().unwrap(),
        &region("eu-west-1"),
        RULE.parse().unwrap(),
        "AWS::S3::Bucket".to_owned(),
        name.to_owned(),
    )
}

fn rule() -> AggregatedRule {
    AggregatedRule {
        account: "111122223333".parse().unwrap(),
        region: region("eu-west-1"),
        rule: RULE.parse().unwrap(),
    }
}

/// The compliance that the aggregator tells of the rule; `None` if it knows no such rule.
fn said(run: &Run) -> Option<RuleCompliance> {
    let rules = done(run, run.rules(&rule().account)).unwrap();
    rules.get(&(rule().region, rule().rule)).copied()
}

/// The evaluations of one compliance, page by page.
fn pages(run: &Run, compliance: Compliance) -> Vec<Vec<AggregatedEvaluation>> {
    let rule = rule();
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = done(run, run.evaluations(&rule, compliance, after)).unwrap();
        pages.push(page.items);
        after = page.next;
        if after.is_none() {
            return pages;
        }
    }
}

/// The buckets of one compliance.
fn buckets(run: &Run, compliance: Compliance) -> Vec<String> {
    let found = pages(run, compliance).concat().into_iter();
    let mut names: Vec<String> = found.map(|found| found.key.resource_id).collect();
    names.sort();
    names
}

fn open(run: &Run) -> Vec<String> {
    buckets(run, Compliance::Noncompliant)
}

fn find(world: &World, names: &[&str]) {
    for name in names {
        world.evaluate(&bucket(name), Compliance::Noncompliant, start());
    }
}

#[test]
fn an_evaluation_has_its_own_time_and_one_compliance() {
    let world = world();
    let run = world.run(None);
    assert_eq!(said(&run), None);
    find(&world, &["logs", "website"]);
    assert_eq!(said(&run), Some(RuleCompliance::Noncompliant));
    let later = start() + minutes(5);
    world.evaluate(&bucket("website"), Compliance::Compliant, later);
    assert_eq!(open(&run), ["logs"]);
    let compliant = pages(&run, Compliance::Compliant).concat();
    assert_eq!(compliant[0].recorded_at, later);
    world.evaluate(&bucket("logs"), Compliance::Compliant, later);
    assert_eq!(said(&run), Some(RuleCompliance::Compliant));
    world.remove_evaluation(&bucket("logs"));
    assert_eq!(buckets(&run, Compliance::Compliant), ["website"]);
}

#[test]
fn a_rule_that_can_not_tell_tells_no_evaluation_until_something_is_evaluated() {
    let world = world();
    let run = world.run(None);
    find(&world, &["website"]);
    for says in [
        RuleCompliance::InsufficientData,
        RuleCompliance::NotApplicable,
    ] {
        world.say_of_rule(&rule(), Some(says));
        assert_eq!((said(&run), open(&run)), (Some(says), Vec::new()));
    }
    world.say_of_rule(&rule(), None);
    assert_eq!(open(&run), ["website"]);
    world.say_of_rule(&rule(), Some(RuleCompliance::InsufficientData));
    find(&world, &["logs"]);
    assert_eq!(said(&run), Some(RuleCompliance::Noncompliant));
    assert_eq!(open(&run), ["logs", "website"]);
}

#[test]
fn what_a_lagging_aggregator_tells_was_true_a_while_ago_in_that_account_alone() {
    let world = world();
    let run = world.run(None);
    find(&world, &["website"]);
    world.lag_aggregator(&rule().account, SignedDuration::from_hours(7));
    world.advance(days(1));
    world.evaluate(&bucket("website"), Compliance::Compliant, world.now());
    world.advance(SignedDuration::from_hours(6));
    assert_eq!(open(&run), ["website"]);
    world.forget_rule(&rule());
    world.advance(SignedDuration::from_hours(2));
    assert_eq!(open(&run), Vec::<String>::new());
    assert_eq!(said(&run), Some(RuleCompliance::Compliant));
    world.lag_aggregator(&rule().account, SignedDuration::ZERO);
    assert_eq!(said(&run), None);
    let other = "444455556666".parse().unwrap();
    world.aggregate(&other, &region("eu-west-1"), &rule().rule, Vec::new());
    assert_eq!(done(&run, run.rules(&other)).unwrap().len(), 1);
}

#[test]
fn a_rebuilt_aggregator_knows_nothing_and_comes_back_half_filled_with_its_old_times() {
    let world = world();
    let run = world.run(None);
    find(&world, &["logs", "website"]);
    world.advance(days(1));
    world.forget_aggregated(&rule().account);
    assert_eq!((said(&run), open(&run)), (None, Vec::new()));
    world.refill_aggregated(&rule().account, |key| key.resource_id == "logs");
    let half = pages(&run, Compliance::Noncompliant).concat();
    assert_eq!((&*half[0].key.resource_id, half.len()), ("logs", 1));
    assert_eq!(half[0].recorded_at, start());
    world.refill_aggregated(&rule().account, |_| true);
    assert_eq!(open(&run), ["logs", "website"]);
}

#[test]
fn pages_are_cut_and_empty_ones_come_between_them() {
    let world = world();
    let run = world.run(None);
    find(&world, &["a", "b", "c", "d", "e"]);
    world.evaluate(&bucket("f"), Compliance::Compliant, start());
    world.page_by(2, false);
    let sizes = |run: &Run| -> Vec<usize> {
        let pages = pages(run, Compliance::Noncompliant);
        pages.iter().map(Vec::len).collect()
    };
    assert_eq!(sizes(&run), [2, 2, 1]);
    world.page_by(2, true);
    assert_eq!(sizes(&run), [2, 0, 2, 0, 1]);
    assert_eq!(open(&run), ["a", "b", "c", "d", "e"]);
}

#[test]
fn a_user_is_one_finding_in_whatever_region_a_rule_looked_at_it() {
    let world = world();
    let run = world.run(None);
    let account = rule().account;
    for place in ["eu-west-1", "us-west-2"] {
        let name = "iam-user-mfa-enabled".parse().unwrap();
        let (kind, id) = ("AWS::IAM::User".to_owned(), "AIDAALICE".to_owned());
        let evaluation = AggregatedEvaluation {
            key: FindingKey::new(account.clone(), &region(place), name, kind, id),
            evaluated_in: region(place),
            recorded_at: start(),
            annotation: None,
        };
        world.add_evaluation(evaluation, Compliance::Noncompliant);
    }
    let rules = done(&run, run.rules(&account)).unwrap();
    let mut keys = Vec::new();
    for (region, rule) in rules.into_keys() {
        let rule = AggregatedRule {
            account: account.clone(),
            region,
            rule,
        };
        let page = run.evaluations(&rule, Compliance::Noncompliant, None);
        let found = done(&run, page).unwrap().items.remove(0);
        assert_eq!(found.evaluated_in, rule.region);
        keys.push(found.key);
    }
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]));
}

#[test]
fn facts_of_a_resource_are_told_as_far_as_they_are_known() {
    let world = world();
    let run = world.run(None);
    let facts = ResourceFacts {
        name: Some("website-eu".to_owned()),
        arn: Some("arn:aws:s3:::website-eu".to_owned()),
    };
    world.set_resource(&bucket("website"), facts.clone());
    world.name_resource(&bucket("logs"), "logs-eu");
    let asked: Vec<(FindingKey, Region)> = ["website", "logs", "unknown"]
        .map(|name| (bucket(name), region("eu-west-1")))
        .into();
    let told = done(&run, run.resources(&asked)).unwrap();
    let logs = ResourceFacts {
        name: Some("logs-eu".to_owned()),
        arn: None,
    };
    let expected = BTreeMap::from([(bucket("website"), facts), (bucket("logs"), logs)]);
    assert_eq!(told, expected);
}
