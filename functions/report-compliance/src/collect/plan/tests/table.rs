//! Tables of every situation of a finding, and of every rule that is not seen. `expected.txt` beside
//! this file is read by people; `BLESS=1` writes it anew.

use std::fmt::Write as _;

use banto_fake::assert_as_committed;
use banto_ports::RuleCompliance;

use super::*;
use crate::collect::check::check;

const EXPECTED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/src/collect/plan/tests/expected.txt"
);

const BUCKET_ID: (&str, &str) = (BUCKET, "reports");

/// The states of a region, in words.
const REGIONS: [&str; 6] = [
    "current",
    "told by the aggregator",
    "stale",
    "without compliance items",
    "unreadable",
    "never delivered",
];

/// What is seen of the bucket, in words. Another bucket shows that the rule is there.
const VERDICTS: [(&str, Option<Verdict>); 5] = [
    ("not compliant", Some(Verdict::Noncompliant)),
    ("compliant", Some(Verdict::Compliant)),
    ("insufficient data", Some(Verdict::InsufficientData)),
    ("not applicable", Some(Verdict::NotApplicable)),
    ("absent", None),
];

#[test]
fn each_situation_of_a_finding_has_the_status_that_is_committed() {
    let mut text = String::new();
    for region in REGIONS {
        for (was, previous) in befores() {
            for (seen, verdict) in VERDICTS {
                let Some(snapshot) = situation(region, &previous, verdict) else {
                    continue;
                };
                let line = line(&snapshot, &policy());
                writeln!(text, "{region} | {was} | {seen} => {line}").unwrap();
            }
        }
    }
    text.push('\n');
    for (by_whom, policy, organization_rules) in demands() {
        for (said, aggregated) in answers() {
            let mut snapshot = situation("current", &befores()[3].1, None).unwrap();
            let other = evaluation("other", BUCKET_ID, Verdict::Compliant);
            snapshot.evidence.regions = [(ireland(), current(&[other]))].into();
            snapshot.organization_rules.clone_from(&organization_rules);
            snapshot.aggregated = aggregated;
            let line = line(&snapshot, &policy);
            writeln!(
                text,
                "rule not seen | expected by {by_whom} | aggregator: {said} => {line}"
            )
            .unwrap();
        }
    }
    assert_as_committed(EXPECTED, &text);
}

fn befores() -> Vec<(&'static str, Previous)> {
    vec![
        ("no month before", Previous::NoMonth),
        (
            "account not known before",
            Previous::NoAccount(month().previous()),
        ),
        ("not open before", before(Vec::new())),
        (
            "open before",
            before(vec![row(key(&ireland(), RULE, BUCKET_ID))]),
        ),
    ]
}

/// The snapshot of a situation; `None` if there is none, since nothing can be seen in such a region.
fn situation(region: &str, previous: &Previous, verdict: Option<Verdict>) -> Option<Snapshot> {
    let mut evaluations = vec![evaluation(RULE, (BUCKET, "other"), Verdict::Compliant)];
    evaluations.extend(verdict.map(|verdict| evaluation(RULE, BUCKET_ID, verdict)));
    let mut snapshot = Snapshot {
        previous: previous.clone(),
        ..snapshot()
    };
    let is_seen = verdict.is_some();
    let regions = &mut snapshot.evidence.regions;
    match region {
        "current" => {
            regions.insert(ireland(), current(&evaluations));
        }
        "stale" => {
            regions.insert(ireland(), stale(&evaluations));
        }
        "told by the aggregator" => {
            regions.insert(ireland(), current(&[]));
            snapshot.aggregated = Aggregated::Known {
                rules: [((ireland(), rule(RULE)), RuleCompliance::Noncompliant)].into(),
                evaluations: [(ireland(), evaluations)].into(),
            };
        }
        _ if is_seen => return None,
        "without compliance items" => {
            regions.insert(ireland(), current(&[]));
        }
        "unreadable" => {
            regions.insert(ireland(), RegionEvidence::default());
            snapshot.evidence.problems.push(Problem {
                key: format!("AWSLogs/{ACCOUNT}/Config/eu-west-1/2026/10/31/ConfigSnapshot/x"),
                what: "ends early".to_owned(),
            });
        }
        _ => {}
    }
    Some(snapshot)
}

/// Why a rule is demanded, in words; the policy, and the organization rules, that demand it.
type Demand = (&'static str, ReportPolicy, BTreeSet<(Region, RuleName)>);

fn demands() -> Vec<Demand> {
    vec![
        ("nobody", policy(), BTreeSet::new()),
        ("the policy", expecting(&[RULE]), BTreeSet::new()),
        (
            "the Organization",
            policy(),
            [(ireland(), rule(RULE))].into(),
        ),
    ]
}

fn answers() -> Vec<(&'static str, Aggregated)> {
    let known = |compliance: Option<RuleCompliance>| {
        let of_rule = compliance.map(|compliance| ((ireland(), rule(RULE)), compliance));
        let other = ((ireland(), rule("other")), RuleCompliance::Compliant);
        Aggregated::Known {
            rules: of_rule.into_iter().chain([other]).collect(),
            evaluations: BTreeMap::new(),
        }
    };
    vec![
        ("not asked", Aggregated::NotAsked),
        ("no answer", Aggregated::Unknown),
        ("has no such rule", known(None)),
        ("not applicable", known(Some(RuleCompliance::NotApplicable))),
        ("compliant", known(Some(RuleCompliance::Compliant))),
        ("not compliant", known(Some(RuleCompliance::Noncompliant))),
        (
            "insufficient data",
            known(Some(RuleCompliance::InsufficientData)),
        ),
    ]
}

/// What becomes of the bucket, and what is known of the rule.
fn line(snapshot: &Snapshot, policy: &ReportPolicy) -> String {
    let collected = plan(snapshot, policy);
    assert_eq!(check(snapshot, &collected, policy), vec![]);
    let of_bucket = |row: &&FindingRow| row.key.resource_id == BUCKET_ID.1;
    let status = match collected.findings.iter().find(of_bucket) {
        None => "-".to_owned(),
        Some(row) => match row.unknown_because {
            None => row.status.as_str().to_owned(),
            Some(reason) => format!("{} ({reason:?})", row.status.as_str()),
        },
    };
    let rules = &collected.account.rules;
    let place = rules.iter().find(|known| known.rule == rule(RULE));
    let Some(place) = place else {
        return format!("{status}; rule not expected");
    };
    let Tally {
        compliant, unknown, ..
    } = place.tally;
    format!(
        "{status}; rule {:?}: {compliant} compliant, {unknown} unknown",
        place.coverage
    )
}
