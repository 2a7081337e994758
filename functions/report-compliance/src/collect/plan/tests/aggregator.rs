//! What the aggregator is asked for, and what its answer means.

use super::*;

#[test]
fn what_the_aggregator_tells_later_is_no_younger_than_the_month() {
    let mut late = evaluation(RULE, (BUCKET, "reports"), Verdict::Noncompliant);
    late.recorded_at = at("2026-11-02T05:00:00Z");
    let mut seen = snapshot();
    seen.evidence.regions = [(ireland(), current(&[]))].into();
    seen.aggregated = Aggregated::Known {
        rules: [(
            (ireland(), rule(RULE)),
            banto_ports::RuleCompliance::Noncompliant,
        )]
        .into(),
        evaluations: [(ireland(), vec![late])].into(),
    };
    let collected = plan(&seen, &policy());
    let found = &collected.findings[0];
    assert_eq!((found.since, found.seen_at), (month().end(), month().end()));
    assert!(collected.account.regions[&ireland()].by_aggregator);
}

#[test]
fn the_aggregator_is_asked_only_for_what_is_lacking() {
    let bucket = (BUCKET, "reports");
    let evaluations = [evaluation(RULE, bucket, Verdict::Compliant)];
    let mut seen = snapshot();
    seen.previous = before(vec![row(key(&ireland(), RULE, bucket))]);
    seen.evidence.regions = [(ireland(), current(&evaluations))].into();
    assert!(lacking(&seen, &policy()).is_empty());
    // A rule that should be there and was not seen.
    let rules_only = Lacking {
        rules: true,
        evaluations: BTreeSet::new(),
    };
    assert_eq!(lacking(&seen, &expecting(&["other"])), rules_only);
    // A region that went silent.
    seen.evidence.regions = [(ireland(), stale(&evaluations))].into();
    assert_eq!(lacking(&seen, &policy()), rules_only);
    // A region without any compliance.
    seen.evidence.regions = [(ireland(), current(&[]))].into();
    let with_evaluations = Lacking {
        rules: true,
        evaluations: [ireland()].into(),
    };
    assert_eq!(lacking(&seen, &policy()), with_evaluations);
    let nobody = ReportPolicy {
        aggregator: None,
        ..policy()
    };
    assert!(lacking(&seen, &nobody).is_empty());
}

#[test]
fn the_aggregator_speaks_only_for_regions_in_which_it_knows_a_rule() {
    let mut seen = snapshot();
    seen.previous = before(vec![row(key(&ireland(), RULE, (BUCKET, "reports")))]);
    let other = [evaluation("other", (BUCKET, "reports"), Verdict::Compliant)];
    seen.evidence.regions = [(ireland(), current(&other))].into();
    let known = |region: Region| Aggregated::Known {
        rules: [(
            (region, rule("other")),
            banto_ports::RuleCompliance::Compliant,
        )]
        .into(),
        evaluations: BTreeMap::new(),
    };
    let coverage = |seen: &Snapshot| {
        let rules = plan(seen, &expecting(&[RULE])).account.rules;
        let found = rules.into_iter().find(|known| known.rule == rule(RULE));
        found.unwrap().coverage
    };
    seen.aggregated = known(ireland());
    assert_eq!(coverage(&seen), Coverage::Missing);
    seen.aggregated = known(virginia());
    let unseen = Coverage::Unknown(UnknownReason::RuleNotSeen);
    assert_eq!(coverage(&seen), unseen);
}

#[test]
fn an_expected_rule_is_there_under_whichever_name_it_is_deployed() {
    let deployed = "OrgConfigRule-bucket-public-abcd1234";
    let mut seen = snapshot();
    seen.evidence.regions = [(ireland(), current(&[]))].into();
    seen.aggregated = Aggregated::Known {
        rules: [(
            (ireland(), rule(deployed)),
            banto_ports::RuleCompliance::NotApplicable,
        )]
        .into(),
        evaluations: BTreeMap::new(),
    };
    // The policy may name it as it is deployed, too.
    for name in [RULE, deployed] {
        let rules = plan(&seen, &expecting(&[name])).account.rules;
        let listed: Vec<_> = rules
            .iter()
            .map(|rule| (rule.rule.as_str(), rule.coverage))
            .collect();
        assert_eq!(listed, [(RULE, Coverage::NothingToEvaluate)]);
    }
}
