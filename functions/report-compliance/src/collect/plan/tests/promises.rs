//! Promises that hold whatever is seen, month after month.

use banto_ports::RuleCompliance;
use proptest::prelude::*;

use super::*;
use crate::collect::check::check;

const REGIONS: [&str; 3] = ["ap-south-1", "eu-west-1", "us-east-1"];

const RULES: [&str; 5] = [
    RULE,
    "OrgConfigRule-volumes-abcd1234",
    "securityhub-s3-bucket-versioning-enabled-1a2b3c4d",
    "s3-bucket-versioning-enabled",
    "iam-user-mfa-enabled",
];

const VERDICTS: [Verdict; 4] = [
    Verdict::Compliant,
    Verdict::Noncompliant,
    Verdict::InsufficientData,
    Verdict::NotApplicable,
];

const COMPLIANCES: [RuleCompliance; 4] = [
    RuleCompliance::Compliant,
    RuleCompliance::Noncompliant,
    RuleCompliance::NotApplicable,
    RuleCompliance::InsufficientData,
];

/// A region in one month.
#[derive(Debug, Clone)]
pub(crate) struct SeenRegion {
    /// Current, stale, unreadable or absent.
    state: u8,
    evaluations: Vec<(usize, u8, Verdict, i64)>,
    /// The rules that the aggregator knows, and whether it tells of their resources.
    aggregated: Vec<(usize, RuleCompliance)>,
    told: Vec<(usize, u8, Verdict, i64)>,
}

/// An account in one month.
#[derive(Debug, Clone)]
pub(crate) struct SeenMonth {
    regions: Vec<SeenRegion>,
    is_answered: bool,
    organization_rules: Vec<usize>,
}

fn any_evaluations() -> impl Strategy<Value = Vec<(usize, u8, Verdict, i64)>> {
    let one = (
        0..RULES.len(),
        0..3_u8,
        proptest::sample::select(&VERDICTS[..]),
        0..1_000_i64,
    );
    proptest::collection::vec(one, 0..8)
}

fn any_region() -> impl Strategy<Value = SeenRegion> {
    let known = (0..RULES.len(), proptest::sample::select(&COMPLIANCES[..]));
    let aggregated = proptest::collection::vec(known, 0..4);
    let state = prop_oneof![3 => Just(0_u8), 1 => 1..4_u8];
    let region = (state, any_evaluations(), aggregated, any_evaluations());
    region.prop_map(|(state, evaluations, aggregated, told)| SeenRegion {
        state,
        evaluations,
        aggregated,
        told,
    })
}

pub(crate) fn any_month() -> impl Strategy<Value = SeenMonth> {
    let regions = proptest::collection::vec(any_region(), REGIONS.len());
    let expected = proptest::collection::vec(0..RULES.len(), 0..2);
    (regions, any::<bool>(), expected).prop_map(|(regions, is_answered, organization_rules)| {
        SeenMonth {
            regions,
            is_answered,
            organization_rules,
        }
    })
}

pub(crate) fn any_policy() -> impl Strategy<Value = ReportPolicy> {
    let expected = proptest::sample::subsequence(&RULES[..], 0..3);
    let regions = proptest::sample::subsequence(&REGIONS[..], 0..3);
    let waived = proptest::option::of(0..3_u8);
    (expected, regions, waived).prop_map(|(expected, regions, waived)| {
        let mut policy = expecting(&expected);
        policy.regions = regions
            .iter()
            .map(|region| region.parse().unwrap())
            .collect();
        policy
            .findings
            .waivers
            .extend(waived.map(|resource| Waiver {
                rule: "*".to_owned(),
                account: None,
                resource: format!("r{resource}"),
                owner: "alice".to_owned(),
                reason: "for now".to_owned(),
                until: at("2026-11-15T00:00:00Z"),
            }));
        policy
    })
}

fn evaluations(seen: &[(usize, u8, Verdict, i64)], end: Timestamp) -> Vec<Evaluation> {
    let mut by_finding = BTreeMap::new();
    for (at, resource, verdict, age) in seen {
        let resource_type = if RULES[*at].starts_with("iam") {
            USER
        } else {
            BUCKET
        };
        let id = format!("r{resource}");
        let mut one = evaluation(RULES[*at], (resource_type, &id), *verdict);
        one.recorded_at = end - SignedDuration::from_hours(*age + 24);
        by_finding.insert((*at, *resource), one);
    }
    by_finding.into_values().collect()
}

/// What is seen of an account in a month, after another.
pub(crate) fn snapshot_of(
    account: &AccountInfo,
    month: Month,
    seen: &SeenMonth,
    previous: Previous,
) -> Snapshot {
    let end = month.end();
    let mut snapshot = Snapshot {
        period: of_month(month),
        account: account.clone(),
        previous,
        ..snapshot()
    };
    let open: BTreeSet<FindingKey> = match &snapshot.previous {
        Previous::Known { open, .. } => open.iter().map(|row| row.key.clone()).collect(),
        Previous::NoMonth | Previous::NoAccount(_) => BTreeSet::new(),
    };
    let mut rules = BTreeMap::new();
    let mut told = BTreeMap::new();
    for (name, of_region) in REGIONS.iter().zip(&seen.regions) {
        let at: Region = name.parse().unwrap();
        let is_before = |one: &Evaluation| {
            let (kind, id) = (one.resource_type.clone(), one.resource_id.clone());
            let key = FindingKey::new(account.id.clone(), &at, one.rule.clone(), kind, id);
            open.contains(&key)
        };
        let taken_at = end - SignedDuration::from_hours(if of_region.state == 0 { 6 } else { 200 });
        let evidence = region(
            taken_at,
            &evaluations(&of_region.evaluations, end),
            is_before,
        );
        match of_region.state {
            0 | 1 => {
                snapshot.evidence.regions.insert(at.clone(), evidence);
            }
            2 => {
                let key = format!("AWSLogs/1/Config/{at}/2026/10/31/ConfigSnapshot/x");
                let what = "ends early".to_owned();
                snapshot.evidence.problems.push(Problem { key, what });
                let nothing = RegionEvidence::default();
                snapshot.evidence.regions.insert(at.clone(), nothing);
            }
            _ => {}
        }
        for (rule, compliance) in &of_region.aggregated {
            rules.insert((at.clone(), RULES[*rule].parse().unwrap()), *compliance);
        }
        told.insert(at, evaluations(&of_region.told, end));
    }
    let known = Aggregated::Known {
        rules,
        evaluations: told,
    };
    if seen.is_answered {
        snapshot.aggregated = known;
    }
    let organization_rules = seen.organization_rules.iter();
    snapshot.organization_rules = organization_rules
        .map(|at| {
            let region = REGIONS[*at % REGIONS.len()];
            (region.parse().unwrap(), rule(RULES[*at]).own())
        })
        .collect();
    snapshot
}

/// The months of an account, one after the other, each with what was seen of it.
pub(crate) fn months(
    account: &AccountInfo,
    seen: &[SeenMonth],
    policy: &ReportPolicy,
) -> Vec<(Snapshot, Collected)> {
    let mut months = Vec::new();
    let mut month = month();
    let mut previous = Previous::NoMonth;
    for seen in seen {
        let snapshot = snapshot_of(account, month, seen, previous);
        let collected = plan(&snapshot, policy);
        let is_open = |row: &&FindingRow| row.status.is_open();
        previous = Previous::Known {
            month,
            account: Box::new(collected.account.clone()),
            open: collected.findings.iter().filter(is_open).cloned().collect(),
        };
        months.push((snapshot, collected));
        month = month.next();
    }
    months
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_month_breaks_a_promise_after_whatever_months(
        seen in proptest::collection::vec(any_month(), 3),
        policy in any_policy(),
    ) {
        let account = account(ACCOUNT, Some("payments"));
        for (snapshot, collected) in months(&account, &seen, &policy) {
            prop_assert_eq!(check(&snapshot, &collected, &policy), vec![]);
        }
    }

    #[test]
    fn what_is_open_in_a_month_is_accounted_for_in_the_next(
        seen in proptest::collection::vec(any_month(), 3),
        policy in any_policy(),
    ) {
        let months = months(&account(ACCOUNT, None), &seen, &policy);
        for pair in months.windows(2) {
            let after: BTreeSet<&FindingKey> =
                pair[1].1.findings.iter().map(|row| &row.key).collect();
            for row in pair[0].1.findings.iter().filter(|row| row.status.is_open()) {
                prop_assert!(after.contains(&row.key), "{:?}", row.key);
            }
        }
    }

    #[test]
    fn a_month_is_the_same_in_whatever_order_it_is_seen(
        seen in proptest::collection::vec(any_month(), 2),
        policy in any_policy(),
    ) {
        for (mut snapshot, collected) in months(&account(ACCOUNT, None), &seen, &policy) {
            for evidence in snapshot.evidence.regions.values_mut() {
                evidence.evaluations.reverse();
            }
            snapshot.evidence.problems.reverse();
            if let Previous::Known { open, .. } = &mut snapshot.previous {
                open.reverse();
            }
            if let Aggregated::Known { evaluations, .. } = &mut snapshot.aggregated {
                evaluations.values_mut().for_each(|told| told.reverse());
            }
            prop_assert_eq!(plan(&snapshot, &policy), collected);
        }
    }

    #[test]
    fn a_month_without_any_snapshot_has_nothing_compliant_and_ends_nothing(
        seen in any_month(),
        policy in any_policy(),
    ) {
        let mut silent = seen.clone();
        silent.is_answered = false;
        silent.regions.iter_mut().for_each(|region| region.state = 3);
        let account = account(ACCOUNT, None);
        let months = months(&account, &[seen, silent], &policy);
        let (_, collected) = &months[1];
        for rule in &collected.account.rules {
            prop_assert_eq!(rule.tally.compliant, 0);
            prop_assert_ne!(rule.coverage, Coverage::Known);
        }
        for row in &collected.findings {
            prop_assert_eq!(row.status, FindingStatus::Unknown);
        }
    }
}
