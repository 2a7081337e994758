//! What the evidence says, derived anew.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::FindingKey;
use banto_domain::policy::ReportPolicy;
use banto_domain::{Region, RuleName};

use crate::collect::plan::Collected;
use crate::collect::snapshot::{Aggregated, Previous, Snapshot};
use crate::evidence::{Evaluation, Verdict, VerdictCounts};
use crate::model::FindingRow;

/// An account's month, with all that the checks need to judge it.
pub(super) struct Context<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) collected: &'a Collected,
    pub(super) policy: &'a ReportPolicy,
    /// What is said of each resource under each rule.
    pub(super) said: BTreeMap<FindingKey, Said>,
    /// The numbers of each region's evaluations by rule, those of IAM's resources aside.
    pub(super) counts: BTreeMap<Region, BTreeMap<RuleName, VerdictCounts>>,
    /// Rules that a known region has at IAM, with a verdict that counts.
    pub(super) known_at_iam: BTreeSet<(Region, RuleName)>,
    /// Rules by own name that have evaluations in a region, those of IAM's resources aside. A set,
    /// since as many findings may be over as there are.
    pub(super) seen: BTreeSet<(Region, RuleName)>,
    /// Rules by own name of which a known region says something at IAM.
    pub(super) seen_at_iam: BTreeSet<RuleName>,
    pub(super) before: BTreeMap<&'a FindingKey, &'a FindingRow>,
}

/// What all regions say of a resource under a rule.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    /// The verdicts of regions of which something is known.
    pub(super) known: Vec<Verdict>,
    /// Those of regions that went silent.
    pub(super) stale: Vec<Verdict>,
}

impl Said {
    /// True if the worst that is known is this verdict.
    pub(super) fn is(&self, verdict: Verdict) -> bool {
        let order = [
            Verdict::Noncompliant,
            Verdict::InsufficientData,
            Verdict::Compliant,
            Verdict::NotApplicable,
        ];
        let worst = order.iter().find(|one| self.known.contains(one));
        worst == Some(&verdict)
    }

    /// True if it is known to be compliant or not.
    fn is_known(&self) -> bool {
        self.is(Verdict::Compliant) || self.is(Verdict::Noncompliant)
    }

    /// True if there is an evaluation that counts, and none that is known.
    pub(super) fn is_only_stale(&self) -> bool {
        self.known.is_empty()
            && (self.stale.iter()).any(|verdict| *verdict != Verdict::NotApplicable)
    }
}

impl<'a> Context<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        collected: &'a Collected,
        policy: &'a ReportPolicy,
    ) -> Self {
        let before = match &snapshot.previous {
            Previous::Known { open, .. } => open.iter().map(|row| (&row.key, row)).collect(),
            Previous::NoMonth | Previous::NoAccount(_) => BTreeMap::new(),
        };
        let mut context = Self {
            snapshot,
            collected,
            policy,
            said: BTreeMap::new(),
            counts: BTreeMap::new(),
            known_at_iam: BTreeSet::new(),
            seen: BTreeSet::new(),
            seen_at_iam: BTreeSet::new(),
            before,
        };
        context.said = context.all_said();
        let regions = collected.account.regions.keys();
        context.counts = regions
            .map(|region| (region.clone(), context.counts_of(region)))
            .collect();
        for (region, counts) in &context.counts {
            let own = counts.keys().map(|rule| (region.clone(), rule.own()));
            context.seen.extend(own);
        }
        let seen_at_iam = (context.said.iter()).filter(|(key, said)| {
            FindingKey::is_global(&key.resource_type) && !said.known.is_empty()
        });
        context.seen_at_iam = seen_at_iam.map(|(key, _)| key.rule.clone()).collect();
        let at_iam = (context.said.iter())
            .filter(|(key, said)| FindingKey::is_global(&key.resource_type) && said.is_known());
        context.known_at_iam = at_iam
            .map(|(key, _)| (key.region.clone(), key.rule.clone()))
            .collect();
        context
    }

    fn all_said(&self) -> BTreeMap<FindingKey, Said> {
        let mut all: BTreeMap<FindingKey, Said> = BTreeMap::new();
        for region in self.collected.account.regions.keys() {
            for evaluation in self.evaluations(region) {
                let said = all.entry(self.key(region, evaluation)).or_default();
                let verdicts = if self.is_known(region) {
                    &mut said.known
                } else {
                    &mut said.stale
                };
                verdicts.push(evaluation.verdict);
            }
        }
        all
    }

    /// True if the account's month takes what is seen of a region for what it is.
    pub(super) fn is_known(&self, region: &Region) -> bool {
        let month = self.collected.account.regions.get(region);
        month.is_some_and(|month| month.unknown_because.is_none())
    }

    /// The evaluations of a region, from whoever told them.
    fn evaluations(&self, region: &Region) -> &'a [Evaluation] {
        let month = self.collected.account.regions.get(region);
        if month.is_some_and(|month| month.by_aggregator) {
            return match &self.snapshot.aggregated {
                Aggregated::Known { evaluations, .. } => {
                    evaluations.get(region).map_or(&[], Vec::as_slice)
                }
                Aggregated::NotAsked | Aggregated::Unknown => &[],
            };
        }
        let evidence = self.snapshot.evidence.regions.get(region);
        evidence.map_or(&[], |evidence| &evidence.evaluations)
    }

    fn counts_of(&self, region: &Region) -> BTreeMap<RuleName, VerdictCounts> {
        let month = self.collected.account.regions.get(region);
        if !month.is_some_and(|month| month.by_aggregator) {
            let evidence = self.snapshot.evidence.regions.get(region);
            return evidence.map_or_else(BTreeMap::new, |evidence| evidence.counts.clone());
        }
        let mut counts: BTreeMap<RuleName, VerdictCounts> = BTreeMap::new();
        let evaluations = self.evaluations(region).iter();
        for evaluation in evaluations.filter(|one| !FindingKey::is_global(&one.resource_type)) {
            let of_rule = counts.entry(evaluation.rule.clone()).or_default();
            of_rule.count(evaluation.verdict);
        }
        counts
    }

    fn key(&self, region: &Region, evaluation: &Evaluation) -> FindingKey {
        FindingKey::new(
            self.snapshot.account.id.clone(),
            region,
            evaluation.rule.clone(),
            evaluation.resource_type.clone(),
            evaluation.resource_id.clone(),
        )
    }
}
