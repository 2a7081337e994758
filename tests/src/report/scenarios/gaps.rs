//! Absent is not compliant.

use banto_domain::compliance::{Compliance, FindingKey};
use banto_fake::{Call, MemberAccount};
use serde_json::json;

use crate::harness::handle;
use crate::report::archive::{ARCHIVE, BAD, GOOD, deliver, evaluated, gzip, key};
use crate::report::harness::{
    OWNERS, PAYMENTS, REGION, SEARCH, VERSIONING, october, organization, policy, scheduled,
    september, start, statuses, stored_json, two_months,
};

/// The region of an account in October's.
fn region_of(world: &banto_fake::World, account: &str) -> serde_json::Value {
    let key = format!("months/2026-10/accounts/{account}.json");
    stored_json(world, &key)["regions"][REGION].clone()
}

#[test]
fn an_account_that_stopped_delivering_is_unknown_and_nothing_of_it_compliant() {
    let world = organization();
    for (account, ..) in OWNERS {
        september(&world, account);
    }
    october(&world, PAYMENTS);
    let made = handle(&world, &policy(), &scheduled());
    assert_eq!(made["accounts"], 3);
    assert_eq!(
        statuses(&world, "2026-10", SEARCH),
        ["lasting unknown", "old unknown"]
    );
    assert_eq!(
        region_of(&world, SEARCH)["unknownBecause"],
        "stoppedDelivering"
    );
    assert_eq!(made["totals"]["compliant"], 2, "those of payments alone");
    let coverage = &made["coverage"];
    assert!(
        coverage["known"].as_u64() < coverage["expected"].as_u64(),
        "{coverage}"
    );
}

#[test]
fn an_account_without_anything_in_the_archive_is_listed_and_not_compliant() {
    let mut policy = policy();
    policy.regions = [REGION.parse().unwrap()].into();
    let world = organization();
    october(&world, PAYMENTS);
    let made = handle(&world, &policy, &scheduled());
    assert_eq!(made["accounts"], 3);
    assert_eq!(
        region_of(&world, SEARCH)["unknownBecause"],
        "neverDelivered"
    );
}

#[test]
fn a_snapshot_that_is_torn_is_named_and_the_one_before_it_counts() {
    let world = two_months();
    let torn = key(PAYMENTS, REGION, "2026-10-31T09:00:00Z");
    let whole = gzip(&vec![b'{'; 10_000]);
    world.put_object(ARCHIVE, &torn, whole[..whole.len() / 2].to_vec());
    let made = handle(&world, &policy(), &scheduled());
    assert_eq!(made["objectsUnreadable"], 1);
    assert_eq!(
        statuses(&world, "2026-10", PAYMENTS),
        ["fresh new", "lasting open", "old fixed"]
    );
    let report = stored_json(&world, "months/2026-10/report.json");
    assert_eq!(report["problems"][0]["key"], json!(torn));
    let notices = crate::report::harness::notices(&world);
    assert!(notices[0].body.contains(&torn), "{}", notices[0].body);
}

#[test]
fn the_aggregator_is_asked_for_what_snapshots_lack_and_for_nothing_else() {
    let mut policy = policy();
    policy.aggregator = Some("banto".to_owned());
    let world = two_months();
    // Resources, and no compliance: its type is not recorded.
    deliver(&world, SEARCH, REGION, "2026-10-31T05:00:00Z", &[]);
    let found = FindingKey::new(
        SEARCH.parse().unwrap(),
        &REGION.parse().unwrap(),
        VERSIONING.parse().unwrap(),
        "AWS::S3::Bucket".to_owned(),
        "lasting".to_owned(),
    );
    world.evaluate(
        &found,
        Compliance::Noncompliant,
        "2026-09-03T09:00:00Z".parse().unwrap(),
    );
    handle(&world, &policy, &scheduled());
    let calls = world.calls();
    let of_rules = |call: &&Call| call.name == "config:DescribeAggregateComplianceByConfigRules";
    let asked = calls.iter().filter(of_rules);
    let accounts: Vec<&str> = asked.map(|call| call.subject.as_str()).collect();
    assert_eq!(accounts, [SEARCH]);
    assert_eq!(region_of(&world, SEARCH)["byAggregator"], true);
    let found = statuses(&world, "2026-10", SEARCH);
    assert!(found.contains(&"lasting open".to_owned()), "{found:?}");
}

#[test]
fn an_aggregator_is_not_asked_of_a_month_that_is_long_over() {
    let mut policy = policy();
    policy.aggregator = Some("banto".to_owned());
    let world = two_months();
    deliver(&world, SEARCH, REGION, "2026-10-31T05:00:00Z", &[]);
    world.advance_to("2026-11-09T00:00:00Z".parse().unwrap());
    handle(&world, &policy, &scheduled());
    let calls = world.calls();
    let mut asked = calls.iter().filter(|call| call.name.starts_with("config:"));
    assert_eq!(asked.next(), None);
    assert_eq!(
        region_of(&world, SEARCH)["unknownBecause"],
        "noComplianceItems"
    );
}

#[test]
fn a_rule_of_the_organization_is_expected_in_every_account() {
    let world = two_months();
    handle(&world, &policy(), &scheduled());
    let own = [
        evaluated("bucket-public", "good", GOOD),
        evaluated("bucket-public", "x", BAD),
    ];
    for (account, ..) in OWNERS {
        deliver(&world, account, REGION, "2026-11-30T03:00:00Z", &own);
    }
    world.advance_to("2026-12-02T03:00:00Z".parse().unwrap());
    let made = handle(&world, &policy(), &scheduled());
    // What was open under it stays unknown: nobody can say that the rule is gone.
    assert_eq!(made["totals"]["unknown"], 6, "{made:#}");
    assert_eq!(made["totals"]["closed"], 0);
}

#[test]
fn an_account_that_joined_after_the_months_end_is_not_in_the_month() {
    let world = two_months();
    let late = MemberAccount::new("444455556666", "late", &[REGION], start());
    world.add_account(late);
    let made = handle(&world, &policy(), &scheduled());
    assert_eq!(made["accounts"], 3);
}
