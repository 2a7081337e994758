//! Rules that look at nothing but IAM, whose resources exist once for all regions.

use std::collections::BTreeSet;

use banto_domain::RuleName;
use banto_domain::compliance::FindingKey;

use super::answer::Answer;
use crate::collect::snapshot::{Previous, Snapshot};
use crate::evidence::Evaluation;

/// Returns the own names of rules that look at nothing but IAM: in one region, most often, whatever
/// the regions in which they are. One that was seen nowhere is what it was in the month before.
pub(super) fn only_at_iam(snapshot: &Snapshot, answer: Answer<'_>) -> BTreeSet<RuleName> {
    let regions = snapshot.evidence.regions.iter();
    let mut at_iam = BTreeSet::new();
    let mut elsewhere = BTreeSet::new();
    for (region, evidence) in regions {
        elsewhere.extend(evidence.counts.keys().map(RuleName::own));
        let told = answer.evaluations(region).unwrap_or_default();
        for evaluation in evidence.evaluations.iter().chain(told) {
            let rules = if is_at_iam(evaluation) {
                &mut at_iam
            } else {
                &mut elsewhere
            };
            rules.insert(evaluation.rule.own());
        }
    }
    if let Previous::Known { account, .. } = &snapshot.previous {
        let rules = account.rules.iter().filter(|rule| rule.of_iam);
        at_iam.extend(rules.map(|rule| rule.rule.clone()));
    }
    at_iam.difference(&elsewhere).cloned().collect()
}

fn is_at_iam(evaluation: &Evaluation) -> bool {
    FindingKey::is_global(&evaluation.resource_type)
}
