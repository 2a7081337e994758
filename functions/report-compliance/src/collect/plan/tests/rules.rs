//! Rules that come, go and are deployed anew.

use super::*;

const OLD: &str = "OrgConfigRule-volumes-abcd1234";

const NEW: &str = "OrgConfigRule-volumes-wxyz5678";

const VOLUME: (&str, &str) = ("AWS::EC2::Volume", "vol-1");

fn coverages(collected: &Collected) -> Vec<(&str, Coverage)> {
    let rules = collected.account.rules.iter();
    rules
        .map(|rule| (rule.rule.as_str(), rule.coverage))
        .collect()
}

/// The next month, in which the region is seen so.
fn next(collected: Collected, evaluations: &[Evaluation]) -> Collected {
    let is_open = |row: &FindingRow| row.status.is_open();
    let mut seen = snapshot();
    seen.previous = Previous::Known {
        month: collected.account.period.month,
        account: Box::new(collected.account),
        open: collected.findings.into_iter().filter(is_open).collect(),
    };
    seen.evidence.regions = [(ireland(), current(evaluations))].into();
    plan(&seen, &policy())
}

/// The first month, in which the region is seen so.
fn first(evaluations: &[Evaluation]) -> Collected {
    let mut seen = snapshot();
    seen.evidence.regions = [(ireland(), current(evaluations))].into();
    plan(&seen, &policy())
}

#[test]
fn a_rule_that_is_deployed_anew_leaves_no_gap() {
    let month = first(&[evaluation(OLD, VOLUME, Verdict::Noncompliant)]);
    let month = next(month, &[evaluation(NEW, VOLUME, Verdict::Noncompliant)]);
    let closed = (VOLUME.1, FindingStatus::Closed, None);
    let new = (VOLUME.1, FindingStatus::New, None);
    assert_eq!(statuses(&month), [closed, new]);
    let expected = [(OLD, Coverage::NothingToEvaluate), (NEW, Coverage::Known)];
    assert_eq!(coverages(&month), expected);
    let month = next(month, &[evaluation(NEW, VOLUME, Verdict::Compliant)]);
    assert_eq!(coverages(&month), [(NEW, Coverage::Known)]);
}

#[test]
fn a_rule_that_nobody_expects_is_missed_for_one_month() {
    let month = first(&[
        evaluation(RULE, (BUCKET, "reports"), Verdict::Compliant),
        evaluation("other", VOLUME, Verdict::Compliant),
    ]);
    let left = [evaluation("other", VOLUME, Verdict::Compliant)];
    let month = next(month, &left);
    let unseen = Coverage::Unknown(UnknownReason::RuleNotSeen);
    let expected = [(RULE, unseen), ("other", Coverage::Known)];
    assert_eq!(coverages(&month), expected);
    let month = next(month, &left);
    assert_eq!(coverages(&month), [("other", Coverage::Known)]);
}

#[test]
fn a_rule_is_known_only_if_it_has_said_compliant_or_not() {
    let verdicts = [
        (Verdict::Compliant, Coverage::Known),
        (Verdict::Noncompliant, Coverage::Known),
        (Verdict::NotApplicable, Coverage::NothingToEvaluate),
        (
            Verdict::InsufficientData,
            Coverage::Unknown(UnknownReason::InsufficientData),
        ),
    ];
    for (verdict, coverage) in verdicts {
        let month = first(&[evaluation(RULE, VOLUME, verdict)]);
        assert_eq!(coverages(&month), [(RULE, coverage)]);
    }
}

#[test]
fn rules_are_expected_of_the_accounts_and_regions_that_the_policy_names() {
    let account = |id: &str| AccountSelector::Account(id.parse().unwrap());
    let team = |value: &str| AccountSelector::Tag {
        key: "team".to_owned(),
        value: value.to_owned(),
    };
    let unit = |id: &str| AccountSelector::Ou(id.parse().unwrap());
    let selectors = [
        (account(ACCOUNT), true),
        (account("999988887777"), false),
        (team("payments"), true),
        (team("search"), false),
        (unit("ou-ab12-cdef3456"), true),
        (unit("ou-ab12-gh789012"), false),
    ];
    for (who, is_expected) in selectors {
        let mut policy = expecting(&[RULE]);
        policy.expected[0].accounts = vec![who];
        policy.expected[0].regions = [virginia()].into();
        let mut seen = snapshot();
        seen.evidence.regions = [(ireland(), current(&[]))].into();
        let collected = plan(&seen, &policy);
        let never = Coverage::Unknown(UnknownReason::NeverDelivered);
        let expected: &[_] = if is_expected { &[(RULE, never)] } else { &[] };
        assert_eq!(coverages(&collected), expected);
        let is_listed = collected.account.regions.contains_key(&virginia());
        assert_eq!(is_listed, is_expected);
    }
}

#[test]
fn an_organization_rule_is_expected_in_the_regions_that_some_account_has_it_in_and_no_other() {
    let mut seen = snapshot();
    seen.organization_rules = [(virginia(), rule(RULE))].into();
    let other = evaluation("other", (BUCKET, "reports"), Verdict::Compliant);
    let regions = [ireland(), virginia()];
    let region = |region| (region, current(std::slice::from_ref(&other)));
    seen.evidence.regions = regions.map(region).into();
    let account = plan(&seen, &policy()).account;
    let expected = account
        .rules
        .iter()
        .filter(|place| place.rule == rule(RULE));
    let regions: Vec<&Region> = expected.map(|place| &place.region).collect();
    assert_eq!(regions, [&virginia()]);

    // Nobody expects it where the account delivers nothing.
    seen.evidence.regions.remove(&virginia());
    let account = plan(&seen, &policy()).account;
    assert!(account.rules.iter().all(|place| place.rule != rule(RULE)));
}
