//! Accounts as they are seen in tests; tables of what becomes of findings and of coverage; and the
//! promises that hold whatever is seen.

use banto_domain::Month;
use banto_domain::compliance::{AccountInfo, AskedFor, FindingKey, Severity};
use banto_domain::policy::compliance::{FindingPolicy, RuleTextOverride, Waiver};
use banto_domain::policy::onboarding::AccountSelector;
use banto_domain::policy::report::{EngineChoice, ExpectedRules, ObjectPlace};
use jiff::SignedDuration;

use super::*;
use crate::collect::check::check;
use crate::collect::snapshot::Previous;
use crate::evidence::{
    self, AccountEvidence, Evaluation, Period, Problem, RegionEvidence, Verdict,
};
use crate::model::{Coverage, Tally, UnknownReason};

mod aggregator;
mod iam;
pub(crate) mod promises;
mod rules;
mod table;
mod waivers;

pub(crate) const ACCOUNT: &str = "111122223333";

pub(crate) const BUCKET: &str = "AWS::S3::Bucket";

pub(crate) const USER: &str = "AWS::IAM::User";

/// A rule that nobody expects, unless a test says so.
pub(crate) const RULE: &str = "bucket-public";

pub(crate) fn month() -> Month {
    "2026-10".parse().unwrap()
}

pub(crate) fn period() -> Period {
    of_month(month())
}

pub(crate) fn of_month(month: Month) -> Period {
    Period {
        month,
        end: month.end(),
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn ireland() -> Region {
    "eu-west-1".parse().unwrap()
}

pub(crate) fn virginia() -> Region {
    "us-east-1".parse().unwrap()
}

pub(crate) fn rule(name: &str) -> RuleName {
    name.parse().unwrap()
}

pub(crate) fn policy() -> ReportPolicy {
    let place = |bucket: &str| ObjectPlace {
        bucket: bucket.to_owned(),
        prefix: String::new(),
    };
    ReportPolicy {
        enabled: true,
        archive: place("archive"),
        store: place("store"),
        engine: EngineChoice::Embedded,
        history: true,
        regions: BTreeSet::new(),
        expected: Vec::new(),
        stale_after: SignedDuration::from_hours(72),
        aggregator: Some("all".to_owned()),
        trend_months: 13,
        mail: None,
        address: None,
        units: BTreeMap::new(),
        statuses: None,
        findings: FindingPolicy {
            owner_tag: Some("team".to_owned()),
            ..FindingPolicy::default()
        },
    }
}

/// The policy expects these rules in all accounts and regions.
pub(crate) fn expecting(rules: &[&str]) -> ReportPolicy {
    ReportPolicy {
        expected: vec![ExpectedRules {
            rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
            accounts: Vec::new(),
            regions: BTreeSet::new(),
        }],
        ..policy()
    }
}

pub(crate) fn account(id: &str, owner: Option<&str>) -> AccountInfo {
    let tag = |owner: &str| ("team".to_owned(), owner.to_owned());
    AccountInfo {
        id: id.parse().unwrap(),
        name: format!("account {id}"),
        path: vec![
            "r-ab12".parse().unwrap(),
            "ou-ab12-cdef3456".parse().unwrap(),
        ],
        tags: owner.into_iter().map(tag).collect(),
        joined_at: None,
        fetched_at: at("2026-11-02T06:00:00Z"),
        asked_for: AskedFor::default(),
        is_closed: false,
    }
}

/// An account of which nothing was seen, in a month that has one before it.
pub(crate) fn snapshot() -> Snapshot {
    Snapshot {
        period: period(),
        account: account(ACCOUNT, Some("payments")),
        evidence: AccountEvidence::default(),
        previous: Previous::NoAccount(month().previous()),
        organization_rules: BTreeSet::new(),
        aggregated: Aggregated::NotAsked,
        onboarding: None,
    }
}

pub(crate) fn evaluation(rule: &str, resource: (&str, &str), verdict: Verdict) -> Evaluation {
    let (resource_type, resource_id) = resource;
    Evaluation {
        rule: rule.parse().unwrap(),
        resource_type: resource_type.to_owned(),
        resource_id: resource_id.to_owned(),
        name: None,
        arn: None,
        verdict,
        recorded_at: at("2026-10-10T12:00:00Z"),
    }
}

/// The evidence of a region, as engines make it of all evaluations of a snapshot.
pub(crate) fn region(
    taken_at: Timestamp,
    evaluations: &[Evaluation],
    is_before: impl Fn(&Evaluation) -> bool,
) -> RegionEvidence {
    let mut evidence = RegionEvidence {
        snapshot: Some(evidence::Snapshot {
            taken_at,
            key: format!("snapshot of {taken_at}"),
        }),
        resources: 10,
        ..RegionEvidence::default()
    };
    for evaluation in evaluations {
        let is_global = FindingKey::is_global(&evaluation.resource_type);
        if !is_global {
            let counts = evidence.counts.entry(evaluation.rule.clone()).or_default();
            counts.count(evaluation.verdict);
        }
        let is_over = matches!(
            evaluation.verdict,
            Verdict::Compliant | Verdict::NotApplicable
        );
        if is_global || !is_over || is_before(evaluation) {
            evidence.evaluations.push(evaluation.clone());
        }
    }
    evidence
}

/// A snapshot of the last day of the month.
pub(crate) fn current(evaluations: &[Evaluation]) -> RegionEvidence {
    region(at("2026-10-31T18:00:00Z"), evaluations, |_| true)
}

/// A snapshot that is older than the policy allows.
pub(crate) fn stale(evaluations: &[Evaluation]) -> RegionEvidence {
    region(at("2026-10-20T18:00:00Z"), evaluations, |_| true)
}

pub(crate) fn key(region: &Region, rule: &str, resource: (&str, &str)) -> FindingKey {
    let (resource_type, resource_id) = resource;
    FindingKey::new(
        ACCOUNT.parse().unwrap(),
        region,
        rule.parse().unwrap(),
        resource_type.to_owned(),
        resource_id.to_owned(),
    )
}

/// A finding that was open at the end of the month before.
pub(crate) fn row(key: FindingKey) -> FindingRow {
    FindingRow {
        key,
        name: None,
        arn: None,
        severity: Severity::Medium,
        status: FindingStatus::Open,
        since: at("2026-08-01T00:00:00Z"),
        seen_at: at("2026-09-30T18:00:00Z"),
        unknown_because: None,
        waiver: None,
    }
}

/// The month before, in which these findings were open and their rules known.
pub(crate) fn before(open: Vec<FindingRow>) -> Previous {
    let mut rules = BTreeMap::new();
    for row in &open {
        let month = RuleMonth {
            region: row.key.region.clone(),
            rule: row.key.rule.clone(),
            coverage: Coverage::Known,
            tally: Tally::default(),
            oldest: None,
            of_iam: FindingKey::is_global(&row.key.resource_type),
        };
        rules.insert((row.key.region.clone(), row.key.rule.clone()), month);
    }
    let mut account = plan(&snapshot(), &policy()).account;
    account.period = of_month(month().previous());
    account.rules = rules.into_values().collect();
    Previous::Known {
        month: month().previous(),
        account: Box::new(account),
        open,
    }
}

/// The statuses of a plan's findings, with the reasons of the unknown ones.
pub(crate) fn statuses(collected: &Collected) -> Vec<(&str, FindingStatus, Option<UnknownReason>)> {
    let rows = collected.findings.iter();
    rows.map(|row| {
        (
            row.key.resource_id.as_str(),
            row.status,
            row.unknown_because,
        )
    })
    .collect()
}

#[test]
fn a_tag_without_a_value_names_no_owner() {
    let mut seen = snapshot();
    seen.account = account(ACCOUNT, Some(""));
    assert_eq!(plan(&seen, &policy()).account.owner, None);
    seen.account = account(ACCOUNT, Some("payments"));
    let owner = plan(&seen, &policy()).account.owner;
    assert_eq!(owner.as_deref(), Some("payments"));
}

#[test]
fn two_deployments_of_a_rule_are_two_findings() {
    let hub = "securityhub-s3-bucket-versioning-enabled-1a2b3c4d";
    let org = "OrgConfigRule-s3-bucket-versioning-enabled-abcd1234";
    let bucket = (BUCKET, "reports");
    let mut seen = snapshot();
    let evaluations = [
        evaluation(hub, bucket, Verdict::Noncompliant),
        evaluation(org, bucket, Verdict::Noncompliant),
    ];
    seen.evidence.regions = [(ireland(), current(&evaluations))].into();
    let collected = plan(&seen, &policy());
    assert_eq!(collected.findings.len(), 2);
    let own: BTreeSet<RuleName> = (collected.findings.iter())
        .map(|row| row.key.rule.own())
        .collect();
    assert_eq!(own, [rule("s3-bucket-versioning-enabled")].into());
}

#[test]
fn in_the_first_month_what_was_recorded_in_it_is_new() {
    let old = Evaluation {
        recorded_at: at("2026-09-30T23:59:59Z"),
        ..evaluation(RULE, (BUCKET, "old"), Verdict::Noncompliant)
    };
    let new = Evaluation {
        recorded_at: at("2026-10-01T00:00:00Z"),
        ..evaluation(RULE, (BUCKET, "young"), Verdict::Noncompliant)
    };
    let mut seen = snapshot();
    seen.previous = Previous::NoMonth;
    seen.evidence.regions = [(ireland(), current(&[old, new]))].into();
    let collected = plan(&seen, &policy());
    let expected = [
        ("old", FindingStatus::Open, None),
        ("young", FindingStatus::New, None),
    ];
    assert_eq!(statuses(&collected), expected);
}

#[test]
fn what_is_open_keeps_its_age() {
    let bucket = (BUCKET, "reports");
    let mut seen = snapshot();
    seen.previous = before(vec![row(key(&ireland(), RULE, bucket))]);
    let evaluations = [
        evaluation(RULE, bucket, Verdict::Noncompliant),
        evaluation(RULE, (BUCKET, "young"), Verdict::Noncompliant),
    ];
    seen.evidence.regions = [(ireland(), current(&evaluations))].into();
    let collected = plan(&seen, &policy());
    let since: Vec<Timestamp> = collected.findings.iter().map(|row| row.since).collect();
    let carried = at("2026-08-01T00:00:00Z");
    assert_eq!(since, [carried, at("2026-10-10T12:00:00Z")]);
    assert_eq!(collected.account.oldest, Some(carried));
}

#[test]
fn a_region_whose_snapshots_are_gone_has_stopped_delivering_and_its_rules_stay_expected() {
    let mut seen = snapshot();
    let evaluations = [evaluation(RULE, (BUCKET, "reports"), Verdict::Noncompliant)];
    let last = current(&evaluations);
    let taken_at = last.snapshot.as_ref().unwrap().taken_at;
    seen.evidence.regions = [(ireland(), last)].into();
    let mut of_month = plan(&seen, &policy());
    for _ in 0..3 {
        seen.previous = Previous::Known {
            month: of_month.account.period.month,
            open: of_month.findings,
            account: Box::new(of_month.account),
        };
        seen.evidence.regions = BTreeMap::new();
        of_month = plan(&seen, &policy());
        let rules: Vec<Coverage> = (of_month.account.rules.iter())
            .map(|rule| rule.coverage)
            .collect();
        let silent = UnknownReason::StoppedDelivering;
        assert_eq!(rules, [Coverage::Unknown(silent)]);
        let last = &of_month.account.regions[&ireland()].snapshot;
        assert_eq!(last.as_ref().map(|last| last.taken_at), Some(taken_at));
        let expected = [("reports", FindingStatus::Unknown, Some(silent))];
        assert_eq!(statuses(&of_month), expected);
    }
}

#[test]
fn an_account_that_nobody_ever_heard_of_has_every_expected_rule_unknown() {
    let mut policy = expecting(&[RULE]);
    policy.regions = [ireland(), virginia()].into();
    let collected = plan(&snapshot(), &policy);
    let reason = UnknownReason::NeverDelivered;
    for month in collected.account.regions.values() {
        assert_eq!(month.unknown_because, Some(reason));
    }
    let coverages: Vec<Coverage> = (collected.account.rules.iter())
        .map(|rule| rule.coverage)
        .collect();
    assert_eq!(coverages, [Coverage::Unknown(reason); 2]);
}

#[test]
fn the_worst_are_the_most_severe_and_then_the_oldest() {
    let mut evaluations = Vec::new();
    for number in 0..40 {
        let mut one = evaluation(
            RULE,
            (BUCKET, &format!("b{number:02}")),
            Verdict::Noncompliant,
        );
        one.recorded_at = at("2026-10-01T00:00:00Z") + SignedDuration::from_hours(number);
        evaluations.push(one);
    }
    evaluations.reverse();
    let severe = "s3-bucket-public-read-prohibited";
    evaluations.push(evaluation(
        severe,
        (BUCKET, "severe"),
        Verdict::Noncompliant,
    ));
    let mut seen = snapshot();
    seen.evidence.regions = [(ireland(), current(&evaluations))].into();
    let worst = plan(&seen, &policy()).account.worst;
    let first: Vec<&str> = (worst.iter().take(3))
        .map(|row| row.key.resource_id.as_str())
        .collect();
    assert_eq!(first, ["severe", "b00", "b01"]);
    assert_eq!(worst.len(), crate::model::WORST);
}

#[test]
fn a_month_says_with_what_it_was_compared_and_by_which_policy_it_was_judged() {
    let mut seen = snapshot();
    let judged = plan(&seen, &policy()).account;
    assert_eq!(judged.compared_with, Some(month().previous()));
    assert_eq!(judged.policy, fingerprint(&policy()));
    seen.previous = Previous::NoMonth;
    assert_eq!(plan(&seen, &policy()).account.compared_with, None);

    let mut unlike = policy();
    unlike.stale_after = SignedDuration::from_hours(48);
    assert_ne!(fingerprint(&unlike), judged.policy);
    assert_ne!(fingerprint(&expecting(&[RULE])), judged.policy);
    // Charts are drawn of months, whatever judged them.
    let mut unlike = policy();
    unlike.trend_months = 3;
    assert_eq!(fingerprint(&unlike), judged.policy);
}

#[test]
fn every_deployment_of_a_rule_has_the_severity_of_its_own_name() {
    let deployed = "OrgConfigRule-bucket-public-abcd1234";
    let mut policy = policy();
    for (name, severity) in [(deployed, Severity::Low), (RULE, Severity::Critical)] {
        let words = RuleTextOverride {
            severity: Some(severity),
            ..RuleTextOverride::default()
        };
        policy.findings.rules.insert(name.to_owned(), words);
    }
    let mut seen = snapshot();
    let bad = evaluation(deployed, (BUCKET, "reports"), Verdict::Noncompliant);
    seen.evidence.regions = [(ireland(), current(&[bad]))].into();
    let collected = plan(&seen, &policy);
    assert_eq!(collected.findings[0].severity, Severity::Critical);
}

#[test]
fn what_is_absent_beside_an_item_that_was_not_understood_is_not_over() {
    for (resource_type, id) in [(BUCKET, "reports"), (USER, "AIDAALICE")] {
        let resource = (resource_type, id);
        let mut seen = snapshot();
        seen.previous = before(vec![row(key(&ireland(), RULE, resource))]);
        let other = evaluation(RULE, (resource_type, "other"), Verdict::Compliant);
        let mut region = current(&[other]);
        seen.evidence.regions = [(ireland(), region.clone())].into();
        let closed = [(id, FindingStatus::Closed, None)];
        assert_eq!(statuses(&plan(&seen, &policy())), closed);

        region.has_odd_items = true;
        seen.evidence.regions = [(ireland(), region)].into();
        let collected = plan(&seen, &policy());
        let because = Some(UnknownReason::Unreadable);
        let unknown = [(id, FindingStatus::Unknown, because)];
        assert_eq!(statuses(&collected), unknown);
        assert_eq!(check(&seen, &collected, &policy()), []);
        let mut over = collected.clone();
        over.findings[0].status = FindingStatus::Closed;
        over.findings[0].unknown_because = None;
        assert_ne!(check(&seen, &over, &policy()), []);
    }
}

#[test]
fn a_region_whose_last_snapshot_has_an_odd_item_went_silent_and_is_readable() {
    let mut seen = snapshot();
    let mut region = stale(&[]);
    let key = "AWSLogs/1/Config/eu-west-1/2026/10/20/ConfigSnapshot/x".to_owned();
    if let Some(taken) = &mut region.snapshot {
        taken.key.clone_from(&key);
    }
    let what = "1 item has no id".to_owned();
    seen.evidence.problems.push(Problem { key, what });
    seen.evidence.regions = [(ireland(), region)].into();
    let account = plan(&seen, &policy()).account;
    let because = account.regions[&ireland()].unknown_because;
    assert_eq!(because, Some(UnknownReason::StoppedDelivering));
}
