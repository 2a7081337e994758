//! Reports on accounts as they are seen in tests.

use banto_domain::RuleSource;
use proptest::prelude::*;

use super::*;
use crate::collect::plan::tests::promises::{any_month, any_policy, months};
use crate::collect::plan::tests::{
    BUCKET, RULE, account, at, current, evaluation, ireland, month, period, policy, rule, snapshot,
    stale, virginia,
};
use crate::evidence::{RegionEvidence, Verdict};
use crate::model::{MonthSummary, UnknownReason};
use crate::publish::check::check;

const ALICES: &str = "111122223333";
const BOBS: &str = "222233334444";

/// A bucket's rule of high severity in the catalogue.
const SEVERE: &str = "s3-bucket-public-read-prohibited";

/// An account of an owner, in which a region is seen so.
pub(crate) fn account_month(id: &str, owner: &str, evidence: RegionEvidence) -> AccountMonth {
    let mut seen = snapshot();
    seen.account = account(id, Some(owner));
    seen.evidence.regions = [(ireland(), evidence)].into();
    seen.evidence.recorded = [(BUCKET.to_owned(), 10)].into();
    crate::collect::plan::plan(&seen, &policy()).account
}

/// So many buckets that are not compliant with a rule, and one that is.
pub(crate) fn buckets(name: &str, bad: usize) -> RegionEvidence {
    let mut evaluations = vec![evaluation(name, (BUCKET, "good"), Verdict::Compliant)];
    for number in 0..bad {
        let id = format!("bad{number}");
        evaluations.push(evaluation(name, (BUCKET, &id), Verdict::Noncompliant));
    }
    current(&evaluations)
}

pub(crate) fn report_of(
    accounts: &[AccountMonth],
    policy: &ReportPolicy,
    owner: Option<&str>,
) -> MonthReport {
    let compared_with = Some(month().previous());
    let period = accounts.first().map_or(period(), |account| account.period);
    let owner = owner.map(str::to_owned);
    let mut builder = ReportBuilder::new(policy, period, owner, compared_with);
    for account in accounts {
        builder.add(account);
    }
    builder.finish(
        Vec::new(),
        at("2026-11-02T06:00:00Z"),
        EngineUsage::default(),
    )
}

pub(crate) fn owners_of(
    accounts: &[AccountMonth],
    policy: &ReportPolicy,
) -> BTreeMap<String, MonthReport> {
    let owners: BTreeSet<&String> = accounts
        .iter()
        .filter_map(|one| one.owner.as_ref())
        .collect();
    let report = |owner: &String| (owner.clone(), report_of(accounts, policy, Some(owner)));
    owners.into_iter().map(report).collect()
}

#[test]
fn what_to_do_first_is_the_most_severe_and_then_the_most() {
    let accounts = [
        account_month(ALICES, "alice", buckets(RULE, 2)),
        account_month(BOBS, "bob", buckets("other", 3)),
        account_month("333344445555", "bob", buckets(SEVERE, 1)),
        account_month("444455556666", "bob", buckets("other", 4)),
    ];
    let report = report_of(&accounts, &policy(), None);
    let steps: Vec<_> = (report.first.iter())
        .map(|step| {
            (
                step.rule.as_str(),
                step.open,
                step.accounts,
                step.most_in.as_str(),
            )
        })
        .collect();
    let expected = [
        (SEVERE, 1, 1, "333344445555"),
        ("other", 7, 2, "444455556666"),
        (RULE, 2, 1, ALICES),
    ];
    assert_eq!(steps, expected);
}

#[test]
fn deployments_of_a_rule_are_one_line_with_their_sources() {
    let hub = "securityhub-s3-bucket-versioning-enabled-1a2b3c4d";
    let org = "OrgConfigRule-s3-bucket-versioning-enabled-abcd1234";
    let bucket = (BUCKET, "reports");
    let evaluations = [
        evaluation(hub, bucket, Verdict::Noncompliant),
        evaluation(org, bucket, Verdict::Noncompliant),
    ];
    let accounts = [account_month(ALICES, "alice", current(&evaluations))];
    let policy = policy();
    let mut builder = ReportBuilder::new(&policy, period(), None, None);
    builder.add(&accounts[0]);
    let own = rule("s3-bucket-versioning-enabled");
    assert_eq!(
        builder.organization_rules(),
        &BTreeSet::from([(ireland(), own.clone())])
    );
    let report = report_of(&accounts, &policy, None);
    assert_eq!(report.rules.len(), 1);
    assert_eq!(report.rules[0].rule, own);
    let sources = [RuleSource::Organization, RuleSource::SecurityHub];
    assert_eq!(report.rules[0].sources, sources);
    assert_eq!(report.rules[0].tally.new, 2);
    assert_eq!(report.cells.len(), 1);
    let by_source: Vec<(&str, u64)> = (report.by_source.iter())
        .map(|(source, tally)| (source.as_str(), tally.new))
        .collect();
    let expected = [("Security Hub", 1), ("organization rules", 1)];
    assert_eq!(by_source, expected);
}

#[test]
fn an_organization_rule_that_is_missing_everywhere_is_expected_no_longer() {
    let mut month = account_month(ALICES, "alice", buckets("OrgConfigRule-x-abcd1234", 1));
    let policy = policy();
    for (coverage, is_expected) in [
        (Coverage::Known, true),
        (Coverage::NothingToEvaluate, true),
        (Coverage::Unknown(UnknownReason::StoppedDelivering), true),
        (Coverage::Unknown(UnknownReason::RuleNotSeen), false),
        (Coverage::Missing, false),
    ] {
        month.rules[0].coverage = coverage;
        let mut builder = ReportBuilder::new(&policy, period(), None, None);
        builder.add(&month);
        assert_eq!(!builder.organization_rules().is_empty(), is_expected);
    }
}

#[test]
fn a_cell_shows_the_worst_of_its_regions() {
    let mut month = account_month(ALICES, "alice", buckets(RULE, 1));
    let unknown = Coverage::Unknown(UnknownReason::RuleNotSeen);
    for (coverage, shown) in [
        (Coverage::Known, Coverage::Known),
        (Coverage::NothingToEvaluate, Coverage::NothingToEvaluate),
        (unknown, unknown),
        (Coverage::Missing, Coverage::Missing),
        (Coverage::Known, Coverage::Missing),
    ] {
        let mut elsewhere = month.rules[0].clone();
        elsewhere.region = virginia();
        elsewhere.coverage = coverage;
        month.rules.push(elsewhere);
        let report = report_of(std::slice::from_ref(&month), &policy(), None);
        assert_eq!(report.cells[0].coverage, shown);
    }
}

#[test]
fn an_account_shows_since_when_its_regions_are_silent() {
    let month = account_month(ALICES, "alice", stale(&[]));
    let report = report_of(&[month], &policy(), None);
    let line = &report.accounts[0];
    let reason = UnknownReason::StoppedDelivering;
    assert_eq!(line.unknown_regions, [(ireland(), reason)].into());
    let since = at("2026-10-20T18:00:00Z");
    assert_eq!(line.silent_since, [(ireland(), since)].into());
    assert_eq!(line.snapshot_at, None);
    assert_eq!(report.coverage.accounts_unknown, 1);
}

#[test]
fn a_region_without_compliance_is_unknown_and_not_silent() {
    let mut month = account_month(ALICES, "alice", current(&[]));
    let reason = UnknownReason::NoComplianceItems;
    for region in month.regions.values_mut() {
        region.unknown_because = Some(reason);
    }
    let report = report_of(&[month], &policy(), None);
    let line = &report.accounts[0];
    assert_eq!(line.unknown_regions, [(ireland(), reason)].into());
    assert_eq!(line.silent_since, BTreeMap::new());
}

#[test]
fn an_account_without_any_region_counts_as_unknown() {
    let month = crate::collect::plan::plan(&snapshot(), &policy()).account;
    assert!(month.regions.is_empty());
    let coverage = report_of(&[month], &policy(), None).coverage;
    assert_eq!((coverage.accounts, coverage.accounts_unknown), (1, 1));
}

#[test]
fn an_account_is_in_the_unit_right_above_it_by_its_name() {
    let month = account_month(ALICES, "alice", buckets(RULE, 1));
    let mut policy = policy();
    let by_id = report_of(std::slice::from_ref(&month), &policy, None);
    assert_eq!(by_id.accounts[0].unit, "ou-ab12-cdef3456");
    let id = "ou-ab12-cdef3456".parse().unwrap();
    policy.units = [(id, "Workloads".to_owned())].into();
    let by_name = report_of(&[month], &policy, None);
    assert_eq!(by_name.by_unit.keys().collect::<Vec<_>>(), ["Workloads"]);
}

#[test]
fn an_owner_sees_the_waivers_that_are_about_their_accounts() {
    let waiver = |account: Option<&str>, resource: &str, until: &str| {
        banto_domain::policy::compliance::Waiver {
            rule: "*".to_owned(),
            account: account.map(|id| id.parse().unwrap()),
            resource: resource.to_owned(),
            owner: "carol".to_owned(),
            reason: "for now".to_owned(),
            until: at(until),
        }
    };
    let mut policy = policy();
    policy.findings.waivers = vec![
        waiver(None, "bad0", "2027-01-01T00:00:00Z"),
        waiver(Some(BOBS), "other", "2026-11-01T00:00:00Z"),
        waiver(None, "nothing", "2026-10-01T00:00:00Z"),
    ];
    let mut seen = snapshot();
    seen.account = account(ALICES, Some("alice"));
    seen.evidence.regions = [(ireland(), buckets(RULE, 2))].into();
    let accounts = [
        crate::collect::plan::plan(&seen, &policy).account,
        account_month(BOBS, "bob", current(&[])),
    ];
    let shown = |owner: Option<&str>| {
        let waivers = report_of(&accounts, &policy, owner).waivers;
        let lines = waivers.into_iter();
        lines
            .map(|line| (line.resource, line.accepts, line.has_ended))
            .collect::<Vec<_>>()
    };
    let bad = ("bad0".to_owned(), 1, false);
    let other = ("other".to_owned(), 0, true);
    let nothing = ("nothing".to_owned(), 0, false);
    assert_eq!(shown(None), [bad.clone(), other.clone(), nothing]);
    assert_eq!(shown(Some("alice")), [bad]);
    assert_eq!(shown(Some("bob")), [other]);
}

#[test]
fn what_recorded_the_most_is_named_first() {
    let mut accounts = Vec::new();
    for number in 0..60_u64 {
        let mut month = account_month(&format!("{number:012}"), "alice", current(&[]));
        month.recorded = [
            ("AWS::EC2::Instance".to_owned(), number),
            ("AWS::S3::Bucket".to_owned(), 1_000),
        ]
        .into();
        accounts.push(month);
    }
    let recording = report_of(&accounts, &policy(), None).recording;
    assert_eq!(recording.items, 60 * 1_000 + 59 * 60 / 2);
    assert_eq!(recording.contributors.len(), crate::model::MAX_CONTRIBUTORS);
    assert_eq!(recording.contributors[59].items, 1_000);
    assert_eq!(recording.contributors[60].items, 59);
    assert!(recording.is_known);
    let without = ReportPolicy {
        history: false,
        ..policy()
    };
    assert!(!report_of(&accounts, &without, None).recording.is_known);
}

#[test]
fn the_first_problems_are_named_and_all_are_counted() {
    let mut month = account_month(ALICES, "alice", current(&[]));
    for number in (0..150).rev() {
        month.problems.push(Problem {
            key: format!("{number:03}"),
            what: "ends early".to_owned(),
        });
    }
    let report = report_of(&[month], &policy(), None);
    assert_eq!(report.problem_count, 150);
    assert_eq!(report.problems.len(), MAX_PROBLEMS);
    assert_eq!(report.problems[0].key, "000");
}

#[test]
fn the_trend_has_the_last_months_and_ends_with_this_one() {
    let point = |month: &str| TrendPoint {
        month: month.parse().unwrap(),
        totals: Tally::default(),
        accounts: 1,
        expected: 1,
        known: 1,
    };
    let before = ["2026-11", "2026-09", "2026-08", "2026-10"];
    let mut policy = policy();
    policy.trend_months = 2;
    let builder = ReportBuilder::new(&policy, period(), None, None);
    let report = builder.finish(
        before.map(point).to_vec(),
        at("2026-11-02T06:00:00Z"),
        EngineUsage::default(),
    );
    let months: Vec<String> = (report.trend.iter())
        .map(|point| point.month.to_string())
        .collect();
    assert_eq!(months, ["2026-09", "2026-10"]);
    assert_eq!(report.trend[1].accounts, 0);
}

#[test]
fn a_summary_has_each_owners_own_numbers() {
    let accounts = [
        account_month(ALICES, "alice", buckets(RULE, 2)),
        account_month(BOBS, "bob", buckets(RULE, 3)),
    ];
    let report = report_of(&accounts, &policy(), None);
    let owners = owners_of(&accounts, &policy());
    let MonthSummary {
        all,
        by_owner,
        accounts,
        ..
    } = summary(&report, &owners, &BTreeSet::new());
    assert_eq!((all.totals.new, all.accounts), (5, 2));
    assert_eq!(by_owner["alice"].totals.new, 2);
    assert_eq!(by_owner["bob"].totals.new, 3);
    assert_eq!(accounts.len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_report_breaks_a_promise_in_whatever_order_accounts_come(
        seen in proptest::collection::vec(proptest::collection::vec(any_month(), 2), 3),
        policy in any_policy(),
    ) {
        let ids = [(ALICES, Some("alice")), (BOBS, Some("bob")), ("333344445555", None)];
        let months = ids.iter().zip(&seen).map(|((id, owner), seen)| {
            months(&account(id, *owner), seen, &policy).pop().unwrap().1.account
        });
        let mut accounts: Vec<AccountMonth> = months.collect();
        let report = report_of(&accounts, &policy, None);
        let owners = owners_of(&accounts, &policy);
        prop_assert_eq!(check(&report, &owners), vec![]);
        accounts.reverse();
        prop_assert_eq!(report_of(&accounts, &policy, None), report);
    }
}
