//! What the aggregator says of rules.

use std::collections::BTreeMap;

use banto_domain::{Region, RuleName};
use banto_ports::RuleCompliance;

use crate::collect::snapshot::Aggregated;
use crate::evidence::Evaluation;
use crate::model::{Coverage, UnknownReason};

/// The aggregator's answer, if it gave one.
///
/// An aggregator may cover some regions only, and learns of a new account late. So it speaks for a
/// region only if it knows any rule there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer<'a> {
    known: Option<Known<'a>>,
}

#[derive(Debug, Clone, Copy)]
struct Known<'a> {
    rules: &'a BTreeMap<(Region, RuleName), RuleCompliance>,
    evaluations: &'a BTreeMap<Region, Vec<Evaluation>>,
}

impl<'a> Answer<'a> {
    pub(super) fn new(aggregated: &'a Aggregated) -> Self {
        let known = match aggregated {
            Aggregated::NotAsked | Aggregated::Unknown => None,
            Aggregated::Known { rules, evaluations } => Some(Known { rules, evaluations }),
        };
        Self { known }
    }

    /// True if it knows a rule in the region.
    pub(super) fn knows_rules_in(&self, region: &Region) -> bool {
        self.rules()
            .any(|(evaluated_in, ..)| evaluated_in == region)
    }

    /// Its evaluations of a region, if it has any.
    pub(super) fn evaluations(&self, region: &Region) -> Option<&'a [Evaluation]> {
        let evaluations = self.known?.evaluations.get(region)?;
        (!evaluations.is_empty()).then_some(evaluations)
    }

    /// Returns what it makes of a rule that no current snapshot of the region has; `None` if it
    /// doesn't speak for the region. `because` is why nothing is known of the region.
    pub(super) fn coverage(
        &self,
        region: &Region,
        rule: &RuleName,
        because: Option<UnknownReason>,
    ) -> Option<Coverage> {
        let in_region = |(evaluated_in, ..): &(&Region, _, _)| *evaluated_in == region;
        let coverages = self.rules().filter(in_region);
        judge(coverages, rule, because)
    }

    /// The same of a rule that looks at IAM, in whichever region it does.
    pub(super) fn coverage_anywhere(
        &self,
        rule: &RuleName,
        because: Option<UnknownReason>,
    ) -> Option<Coverage> {
        judge(self.rules(), rule, because)
    }

    fn rules(&self) -> impl Iterator<Item = (&'a Region, &'a RuleName, RuleCompliance)> + use<'a> {
        let rules = self.known.map(|known| known.rules);
        let rules = rules.into_iter().flatten();
        rules.map(|((region, rule), compliance)| (region, rule, *compliance))
    }
}

/// The worst that is said of a rule; it is missing if others are known and it is not.
fn judge<'a>(
    known: impl Iterator<Item = (&'a Region, &'a RuleName, RuleCompliance)>,
    rule: &RuleName,
    because: Option<UnknownReason>,
) -> Option<Coverage> {
    let mut speaks = false;
    let mut worst = None;
    for (_, other, compliance) in known {
        speaks = true;
        // A rule that is expected has its own name, and the deployed one may have any.
        if other == rule || other.plain() == rule.as_str() {
            worst = worst.max(Some(coverage_of(compliance, because)));
        }
    }
    speaks.then(|| worst.unwrap_or(Coverage::Missing))
}

/// The coverage of a rule that is there, and has no evaluation in a current snapshot. Compliance of
/// a rule says nothing of any resource, so it never counts as one.
fn coverage_of(compliance: RuleCompliance, because: Option<UnknownReason>) -> Coverage {
    match (compliance, because) {
        (RuleCompliance::NotApplicable, _) | (RuleCompliance::Compliant, None) => {
            Coverage::NothingToEvaluate
        }
        (RuleCompliance::Compliant | RuleCompliance::Noncompliant, Some(reason)) => {
            Coverage::Unknown(reason)
        }
        (RuleCompliance::Noncompliant, None) => Coverage::Unknown(UnknownReason::RuleNotSeen),
        (RuleCompliance::InsufficientData, _) => Coverage::Unknown(UnknownReason::InsufficientData),
    }
}
