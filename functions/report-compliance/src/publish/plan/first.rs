//! What to do first.

use std::cmp::Reverse;

use super::rules::{RuleEntry, Rules};
use crate::model::{FirstStep, WORST};

/// Returns the rules with open findings: the most severe first, and of these the one with the most.
pub(super) fn steps(rules: &Rules<'_>) -> Vec<FirstStep> {
    let mut steps: Vec<FirstStep> = rules.entries().iter().filter_map(step).collect();
    steps.sort_by(|a, b| {
        let order = |step: &FirstStep| (Reverse(step.severity), Reverse(step.open));
        order(a).cmp(&order(b)).then_with(|| a.rule.cmp(&b.rule))
    });
    steps.truncate(WORST);
    steps
}

/// `None` if nothing of the rule is open.
fn step(entry: &RuleEntry) -> Option<FirstStep> {
    let (most_in, _) = entry.most_in.clone()?;
    Some(FirstStep {
        rule: entry.rule.clone(),
        severity: entry.text.severity,
        open: entry.tally.all_open(),
        new: entry.tally.new,
        accounts: entry.accounts,
        most_in,
        oldest: entry.oldest,
    })
}
