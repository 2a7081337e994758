//! All that decides on an account's findings and coverage, derived from its snapshot.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::FindingKey;
use banto_domain::policy::ReportPolicy;
use banto_domain::{Region, RuleName};

use super::answer::Answer;
use super::expected::Expected;
use super::iam;
use super::regions::{RegionView, regions};
use super::sightings::{Sighting, sightings};
use crate::collect::snapshot::{Aggregated, Previous, Snapshot};
use crate::model::{Coverage, FindingRow, UnknownReason};

pub(super) struct View<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) policy: &'a ReportPolicy,
    pub(super) answer: Answer<'a>,
    pub(super) expected: Expected,
    pub(super) regions: BTreeMap<Region, RegionView<'a>>,
    pub(super) sightings: BTreeMap<FindingKey, Sighting<'a>>,
    /// The findings that were not over at the end of the month before.
    pub(super) before: BTreeMap<&'a FindingKey, &'a FindingRow>,
    /// Rules that look at nothing but IAM, by own name.
    pub(super) only_at_iam: BTreeSet<RuleName>,
    /// Rules that looked at IAM in a current region, by own name.
    at_iam: BTreeSet<RuleName>,
    /// Rules that looked at something else in a current region, by own name.
    deployed: BTreeSet<(Region, RuleName)>,
    silent: Vec<Silent>,
}

impl<'a> View<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        policy: &'a ReportPolicy,
        aggregated: &'a Aggregated,
    ) -> Self {
        let answer = Answer::new(aggregated);
        let expected = Expected::new(snapshot, policy);
        let only_at_iam = iam::only_at_iam(snapshot, answer);
        let regions = regions(snapshot, policy, &expected, &only_at_iam, answer);
        let sightings = sightings(&snapshot.account.id, &regions);
        Self {
            only_at_iam,
            at_iam: at_iam(&sightings),
            deployed: deployed(&regions),
            silent: silent(&regions),
            before: before(snapshot),
            snapshot,
            policy,
            answer,
            expected,
            regions,
            sightings,
        }
    }

    /// Why nothing is known of a region, if nothing is. The region of IAM may be none of the
    /// account's, and then says nothing by itself.
    pub(super) fn region_unknown(&self, region: &Region) -> Option<UnknownReason> {
        self.regions.get(region)?.unknown_because
    }

    /// True if a rule of this own name has looked at something other than IAM in the region, and
    /// the region is current.
    pub(super) fn is_deployed(&self, region: &Region, own: &RuleName) -> bool {
        self.deployed.contains(&(region.clone(), own.clone()))
    }

    /// Why it can't be said what became of a rule's findings that are in no snapshot, in a region
    /// that is current; `None` if they are over.
    pub(super) fn unseen_because(&self, region: &Region, rule: &RuleName) -> Option<UnknownReason> {
        if self.is_deployed(region, &rule.own()) {
            return None;
        }
        let is_demanded = self.expected.demands(region, rule);
        self.reason(self.answer.coverage(region, rule, None), is_demanded)
    }

    /// The same of a rule that looked at IAM.
    pub(super) fn unseen_at_iam_because(&self, rule: &RuleName) -> Option<UnknownReason> {
        if self.at_iam.contains(rule) {
            return None;
        }
        if let Some(reason) = self.silent_about_iam(rule) {
            return Some(reason);
        }
        let is_demanded = self.expected.demands_anywhere(rule);
        self.reason(self.answer.coverage_anywhere(rule, None), is_demanded)
    }

    /// Why nothing is known of a region that may be the one in which a rule looks at IAM: it has no
    /// compliance at all, or the rule did so there when it was last seen.
    pub(super) fn silent_about_iam(&self, rule: &RuleName) -> Option<UnknownReason> {
        let may_look = |silent: &&Silent| {
            let at_iam = silent.at_iam.as_ref();
            at_iam.is_none_or(|rules| rules.contains(rule))
        };
        let silent = self.silent.iter().find(may_look)?;
        Some(silent.because)
    }

    /// Why a finding that is in no snapshot may be there after all, if it may: where something could
    /// not be understood, that may be what tells of it.
    pub(super) fn misread_because(&self, key: &FindingKey) -> Option<UnknownReason> {
        let is_global = FindingKey::is_global(&key.resource_type);
        let mut regions = self.snapshot.evidence.regions.iter();
        let is_misread = regions.any(|(region, evidence)| {
            evidence.has_odd_items && (is_global || *region == key.region)
        });
        is_misread.then_some(UnknownReason::Unreadable)
    }

    fn reason(&self, answer: Option<Coverage>, is_demanded: bool) -> Option<UnknownReason> {
        match answer {
            Some(Coverage::Unknown(reason)) => Some(reason),
            Some(Coverage::Known | Coverage::NothingToEvaluate | Coverage::Missing) => None,
            None => is_demanded.then_some(UnknownReason::RuleNotSeen),
        }
    }
}

/// A region of which nothing is known.
struct Silent {
    because: UnknownReason,
    /// The rules that it last had at IAM, by own name; `None` if it has no compliance at all.
    at_iam: Option<BTreeSet<RuleName>>,
}

fn silent(regions: &BTreeMap<Region, RegionView<'_>>) -> Vec<Silent> {
    let silent = regions.values().filter_map(|region| {
        let because = region.unknown_because?;
        let is_empty = region.counts.is_empty() && region.evaluations.is_empty();
        let evaluations = region.evaluations.iter();
        let at_iam = evaluations.filter(|seen| FindingKey::is_global(&seen.resource_type));
        let rules = at_iam.map(|seen| seen.rule.own()).collect();
        Some(Silent {
            because,
            at_iam: (!is_empty).then_some(rules),
        })
    });
    silent.collect()
}

fn at_iam(sightings: &BTreeMap<FindingKey, Sighting<'_>>) -> BTreeSet<RuleName> {
    let at_iam = sightings.iter().filter(|(key, sighting)| {
        FindingKey::is_global(&key.resource_type) && sighting.unknown_because.is_none()
    });
    at_iam.map(|(key, _)| key.rule.clone()).collect()
}

fn deployed(regions: &BTreeMap<Region, RegionView<'_>>) -> BTreeSet<(Region, RuleName)> {
    let mut deployed = BTreeSet::new();
    for (region, view) in regions {
        if view.unknown_because.is_none() {
            let rules = view.counts.keys();
            deployed.extend(rules.map(|rule| (region.clone(), rule.own())));
        }
    }
    deployed
}

fn before(snapshot: &Snapshot) -> BTreeMap<&FindingKey, &FindingRow> {
    match &snapshot.previous {
        Previous::NoMonth | Previous::NoAccount(_) => BTreeMap::new(),
        Previous::Known { open, .. } => open.iter().map(|row| (&row.key, row)).collect(),
    }
}
