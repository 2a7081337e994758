//! Resources of IAM: one resource, whichever regions look at it.

use super::*;

const MFA: &str = "iam-user-mfa-enabled";

const ALICE: (&str, &str) = (USER, "AIDAALICE");

/// The status of alice, if both regions see her so.
fn status(ireland_sees: RegionEvidence, virginia_sees: RegionEvidence) -> Vec<FindingRow> {
    let mut seen = snapshot();
    seen.evidence.regions = [(ireland(), ireland_sees), (virginia(), virginia_sees)].into();
    plan(&seen, &policy()).findings
}

fn seen(verdict: Verdict) -> [Evaluation; 1] {
    [evaluation(MFA, ALICE, verdict)]
}

#[test]
fn a_user_is_one_finding_in_however_many_regions() {
    let bad = seen(Verdict::Noncompliant);
    let rows = status(current(&bad), current(&bad));
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].key.region, virginia());
    assert_eq!(rows[0].status, FindingStatus::New);
}

#[test]
fn the_worst_verdict_of_current_regions_counts() {
    let (good, bad) = (seen(Verdict::Compliant), seen(Verdict::Noncompliant));
    assert_eq!(status(current(&good), current(&bad)).len(), 1);
    assert_eq!(status(current(&bad), current(&good)).len(), 1);
    assert_eq!(status(current(&good), current(&good)), vec![]);
}

#[test]
fn a_region_that_went_silent_has_no_say_where_a_current_one_has_one() {
    let (good, bad) = (seen(Verdict::Compliant), seen(Verdict::Noncompliant));
    assert_eq!(status(current(&good), stale(&bad)), vec![]);
    let rows = status(current(&[]), stale(&bad));
    assert_eq!(rows[0].status, FindingStatus::Unknown);
    let reason = Some(UnknownReason::StoppedDelivering);
    assert_eq!(rows[0].unknown_because, reason);
}

#[test]
fn an_expected_rule_of_iam_is_expected_once() {
    let mut seen_now = snapshot();
    let evaluations = seen(Verdict::Compliant);
    let buckets = [evaluation(RULE, (BUCKET, "reports"), Verdict::Compliant)];
    seen_now.evidence.regions = [
        (ireland(), current(&buckets)),
        (virginia(), current(&evaluations)),
    ]
    .into();
    let rules = plan(&seen_now, &expecting(&[MFA])).account.rules;
    let of_iam: Vec<&RuleMonth> = rules
        .iter()
        .filter(|known| known.rule == rule(MFA))
        .collect();
    assert_eq!(of_iam.len(), 1);
    assert!(of_iam[0].of_iam);
    assert_eq!(of_iam[0].coverage, Coverage::Known);
}

#[test]
fn a_user_who_is_gone_is_closed_where_the_rule_still_looks_at_others() {
    let mut seen_now = snapshot();
    seen_now.previous = before(vec![row(key(&ireland(), MFA, ALICE))]);
    let others = [evaluation(MFA, (USER, "AIDABOB"), Verdict::Compliant)];
    seen_now.evidence.regions = [(ireland(), current(&others))].into();
    let expected = [(ALICE.1, FindingStatus::Closed, None)];
    assert_eq!(statuses(&plan(&seen_now, &policy())), expected);
}

#[test]
fn a_user_is_unknown_where_the_region_that_looked_at_iam_went_silent() {
    let mut seen_now = snapshot();
    seen_now.previous = before(vec![row(key(&ireland(), MFA, ALICE))]);
    let buckets = [evaluation(RULE, (BUCKET, "reports"), Verdict::Compliant)];
    let bob = [evaluation(MFA, (USER, "AIDABOB"), Verdict::Compliant)];
    seen_now.evidence.regions = [(ireland(), current(&buckets)), (virginia(), stale(&bob))].into();
    let collected = plan(&seen_now, &policy());
    let reason = Some(UnknownReason::StoppedDelivering);
    let expected = [(ALICE.1, FindingStatus::Unknown, reason)];
    assert_eq!(statuses(&collected), expected);
}

#[test]
fn a_region_that_never_looked_at_iam_is_not_taken_for_one_without_compliance() {
    let mut seen_now = snapshot();
    seen_now.previous = before(vec![row(key(&virginia(), MFA, ALICE))]);
    let evaluations = seen(Verdict::Noncompliant);
    seen_now.evidence.regions = [
        (ireland(), current(&evaluations)),
        (virginia(), current(&[])),
    ]
    .into();
    let collected = plan(&seen_now, &policy());
    assert_eq!(collected.account.regions[&virginia()].unknown_because, None);
    let expected = [(ALICE.1, FindingStatus::Open, None)];
    assert_eq!(statuses(&collected), expected);
}

#[test]
fn a_rule_of_iam_is_unknown_where_another_region_may_be_the_one_that_looked() {
    let mut seen_now = snapshot();
    seen_now.previous = before(vec![row(key(&virginia(), MFA, ALICE))]);
    let buckets = [evaluation(RULE, (BUCKET, "reports"), Verdict::Compliant)];
    seen_now.evidence.regions = [(virginia(), current(&buckets))].into();
    let mut policy = policy();
    policy.regions = [ireland(), virginia()].into();
    let collected = plan(&seen_now, &policy);
    let never = UnknownReason::NeverDelivered;
    let expected = [(ALICE.1, FindingStatus::Unknown, Some(never))];
    assert_eq!(statuses(&collected), expected);
    let mut rules = collected.account.rules.iter();
    let of_iam = rules.find(|known| known.rule == rule(MFA)).unwrap();
    assert_eq!(of_iam.coverage, Coverage::Unknown(never));
    assert!(of_iam.of_iam);
}
