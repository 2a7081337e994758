//! Plans what an account is in a month, from what was seen of it: pure.
//!
//! Absent is never compliant. Whatever was open before and is not known to be over stays unknown
//! until somebody says what became of it.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::short_hash;
use banto_domain::policy::ReportPolicy;
use banto_domain::{Region, RuleName};
use jiff::Timestamp;

use super::snapshot::{Aggregated, Snapshot};
use crate::model::{
    AccountMonth, Coverage, FindingRow, FindingStatus, RegionMonth, RuleMonth, VERSION, worst_of,
};

mod answer;
mod coverage;
mod expected;
mod findings;
mod iam;
mod regions;
mod sightings;
#[cfg(test)]
pub(crate) mod tests;
mod view;

use coverage::Place;
use findings::Findings;
use view::View;

/// What is to be kept of an account's month.
#[derive(Debug, Clone, PartialEq)]
pub struct Collected {
    pub account: AccountMonth,
    /// Every finding that is open, or was at the end of the month before, sorted.
    pub findings: Vec<FindingRow>,
}

/// What the aggregator is to be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lacking {
    /// True if it is to tell the account's rules.
    pub rules: bool,
    /// The regions whose snapshots have no compliance at all. Of those in which the aggregator
    /// knows a rule, it is to tell the evaluations.
    pub evaluations: BTreeSet<Region>,
}

impl Lacking {
    /// True if there is nothing to ask for.
    pub fn is_empty(&self) -> bool {
        !self.rules && self.evaluations.is_empty()
    }
}

/// Plans what is kept of an account's month.
pub fn plan(snapshot: &Snapshot, policy: &ReportPolicy) -> Collected {
    let view = View::new(snapshot, policy, &snapshot.aggregated);
    let findings = findings::findings(&view);
    let places = coverage::places(&view, &findings.rows);
    let account = AccountMonth {
        version: VERSION,
        period: snapshot.period,
        read_at: snapshot.account.fetched_at,
        compared_with: snapshot.previous.month(),
        policy: fingerprint(policy),
        account: snapshot.account.id.clone(),
        name: snapshot.account.name.clone(),
        owner: owner(snapshot, policy),
        path: snapshot.account.path.clone(),
        regions: region_months(&view),
        rules: rule_months(places, &findings, &view),
        recorded: snapshot.evidence.recorded.clone(),
        problems: sorted(&snapshot.evidence.problems),
        oldest: findings.rows.iter().filter_map(open_since).min(),
        worst: worst_of(findings.rows.iter().collect()),
        waived: findings.waived,
        onboarding: snapshot.onboarding.clone(),
    };
    Collected {
        account,
        findings: findings.rows,
    }
}

/// Returns what the aggregator is to be asked for: nothing, if the snapshots say it all or the
/// policy names no aggregator.
pub fn lacking(snapshot: &Snapshot, policy: &ReportPolicy) -> Lacking {
    if policy.aggregator.is_none() {
        return Lacking::default();
    }
    let view = View::new(snapshot, policy, &Aggregated::NotAsked);
    let evaluations: BTreeSet<Region> = view
        .regions
        .iter()
        .filter(|(_, region)| region.is_without_compliance)
        .map(|(region, _)| region.clone())
        .collect();
    let is_unknown = |region: &regions::RegionView<'_>| region.unknown_because.is_some();
    let rules = !evaluations.is_empty()
        || view.regions.values().any(is_unknown)
        || coverage::has_unseen_rules(&view);
    Lacking { rules, evaluations }
}

/// Returns the fingerprint of all that judges an account in a policy: a month that another policy
/// judged is not what this one would say.
pub fn fingerprint(policy: &ReportPolicy) -> String {
    let findings = &policy.findings;
    let words = (&findings.owner_tag, &findings.rules, &findings.waivers);
    let regions = (&policy.regions, &policy.expected, policy.stale_after);
    let rest = (&policy.aggregator, policy.history, &policy.units);
    short_hash(&[&format!("{words:?} {regions:?} {rest:?}")])
}

/// The account's owner; a tag without a value names none.
fn owner(snapshot: &Snapshot, policy: &ReportPolicy) -> Option<String> {
    let owner = policy.findings.owner_of(&snapshot.account);
    owner.filter(|owner| !owner.is_empty()).cloned()
}

fn region_months(view: &View<'_>) -> BTreeMap<Region, RegionMonth> {
    let months = view.regions.iter().map(|(region, seen)| {
        let month = RegionMonth {
            snapshot: seen.snapshot.cloned(),
            resources: seen.resources,
            unknown_because: seen.unknown_because,
            by_aggregator: seen.by_aggregator,
        };
        (region.clone(), month)
    });
    months.collect()
}

/// Joins each place with the numbers of its evaluations.
fn rule_months(
    places: BTreeMap<Place, Coverage>,
    findings: &Findings,
    view: &View<'_>,
) -> Vec<RuleMonth> {
    let mut oldest: BTreeMap<(&Region, &RuleName), Timestamp> = BTreeMap::new();
    for row in &findings.rows {
        if let Some(since) = open_since(row) {
            let of_rule = oldest
                .entry((&row.key.region, &row.key.rule))
                .or_insert(since);
            *of_rule = since.min(*of_rule);
        }
    }
    let months = places.into_iter().map(|((region, rule), coverage)| {
        let place = (region, rule);
        let tally = findings.tallies.get(&place).copied().unwrap_or_default();
        let oldest = oldest.get(&(&place.0, &place.1)).copied();
        let (region, rule) = place;
        RuleMonth {
            of_iam: view.only_at_iam.contains(&rule),
            region,
            rule,
            coverage,
            tally,
            oldest,
        }
    });
    months.collect()
}

/// Since when a finding is open, if it is new or open.
fn open_since(row: &FindingRow) -> Option<Timestamp> {
    matches!(row.status, FindingStatus::New | FindingStatus::Open).then_some(row.since)
}

fn sorted<T: Ord + Clone>(values: &[T]) -> Vec<T> {
    let mut sorted = values.to_vec();
    sorted.sort();
    sorted
}
