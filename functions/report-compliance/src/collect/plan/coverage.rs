//! The places of an account, and what is known of each: a place is a rule in a region.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::{Region, RuleName};

use super::view::View;
use crate::evidence::VerdictCounts;
use crate::model::{Coverage, FindingRow, UnknownReason};

/// A rule in a region.
pub(super) type Place = (Region, RuleName);

/// Returns every place that was seen or should have been, and those of findings.
pub(super) fn places(view: &View<'_>, rows: &[FindingRow]) -> BTreeMap<Place, Coverage> {
    let mut places = seen(view);
    let expected = unseen(view, &places);
    places.extend(expected);
    for row in rows {
        let place = (row.key.region.clone(), row.key.rule.clone());
        // The rule is gone, and the month in which its findings end is the last that has it.
        let gone = row
            .unknown_because
            .map_or(Coverage::NothingToEvaluate, Coverage::Unknown);
        places.entry(place).or_insert(gone);
    }
    places
}

/// True if a rule should be somewhere and was not seen there.
pub(super) fn has_unseen_rules(view: &View<'_>) -> bool {
    !unseen(view, &seen(view)).is_empty()
}

/// The places of which some snapshot has evaluations, be it one that is too old.
fn seen(view: &View<'_>) -> BTreeMap<Place, Coverage> {
    let mut places = BTreeMap::new();
    for (region, seen) in &view.regions {
        for (rule, counts) in seen.counts.iter() {
            let coverage = seen
                .unknown_because
                .map_or_else(|| of_counts(counts), Coverage::Unknown);
            see(&mut places, (region.clone(), rule.clone()), coverage);
        }
    }
    for (key, sighting) in &view.sightings {
        let mut counts = VerdictCounts::default();
        counts.count(sighting.evaluation.verdict);
        let coverage = sighting
            .unknown_because
            .map_or_else(|| of_counts(&counts), Coverage::Unknown);
        see(
            &mut places,
            (key.region.clone(), key.rule.clone()),
            coverage,
        );
    }
    places
}

/// Keeps what says the most of a place: one verdict is enough for it to be known.
fn see(places: &mut BTreeMap<Place, Coverage>, place: Place, coverage: Coverage) {
    let rank = |coverage: Coverage| match coverage {
        Coverage::Known => 0,
        Coverage::Unknown(UnknownReason::InsufficientData) => 1,
        Coverage::Unknown(_) => 2,
        Coverage::NothingToEvaluate | Coverage::Missing => 3,
    };
    let known = places.entry(place).or_insert(coverage);
    if rank(coverage) < rank(*known) {
        *known = coverage;
    }
}

fn of_counts(counts: &VerdictCounts) -> Coverage {
    if counts.compliant + counts.noncompliant > 0 {
        Coverage::Known
    } else if counts.insufficient_data > 0 {
        Coverage::Unknown(UnknownReason::InsufficientData)
    } else {
        Coverage::NothingToEvaluate
    }
}

/// The places that should have been seen and were not.
fn unseen(view: &View<'_>, seen: &BTreeMap<Place, Coverage>) -> BTreeMap<Place, Coverage> {
    let mut places = BTreeMap::new();
    for place in &view.expected.carried {
        if seen.contains_key(place) || is_replaced(view, place) {
            continue;
        }
        let (region, rule) = place;
        let coverage = of_unseen(view, region, rule);
        let is_demanded = view.expected.demands(region, rule)
            || view.only_at_iam.contains(rule) && view.expected.demands_anywhere(rule);
        // A rule that is gone, and that nobody expects, is no gap.
        if coverage != Coverage::Missing || is_demanded {
            places.insert(place.clone(), coverage);
        }
    }
    let own = |(region, rule): &Place| (region.clone(), rule.own());
    let present: BTreeSet<Place> = seen.keys().chain(places.keys()).map(own).collect();
    for (region, rule) in &view.expected.demanded {
        let at = demanded_at(view, region, rule);
        if !present.contains(&at) && !places.contains_key(&at) {
            let coverage = of_unseen(view, &at.0, &at.1);
            places.insert(at, coverage);
        }
    }
    places
}

/// The place in which a rule is expected: one for all regions, if it looks at nothing but IAM.
fn demanded_at(view: &View<'_>, region: &Region, rule: &RuleName) -> Place {
    if view.only_at_iam.contains(rule) {
        return (region.of_iam(), rule.clone());
    }
    (region.clone(), rule.clone())
}

/// True if another deployment of the same rule is there instead.
fn is_replaced(view: &View<'_>, (region, rule): &Place) -> bool {
    view.is_deployed(region, &rule.own())
}

fn of_unseen(view: &View<'_>, region: &Region, rule: &RuleName) -> Coverage {
    let not_seen = Coverage::Unknown(UnknownReason::RuleNotSeen);
    if view.regions.contains_key(region) && !view.only_at_iam.contains(rule) {
        let because = view.region_unknown(region);
        let said = view.answer.coverage(region, rule, because);
        return said.unwrap_or(because.map_or(not_seen, Coverage::Unknown));
    }
    let because = view.silent_about_iam(rule);
    let said = view.answer.coverage_anywhere(rule, because);
    said.unwrap_or(because.map_or(not_seen, Coverage::Unknown))
}
