//! What became of each finding, and the numbers of evaluations by place.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::RuleName;
use banto_domain::compliance::{FindingKey, Severity};
use banto_domain::policy::compliance::Waiver;

use super::coverage::Place;
use super::regions::RegionView;
use super::sightings::Sighting;
use super::view::View;
use crate::collect::snapshot::Previous;
use crate::evidence::{Verdict, VerdictCounts};
use crate::model::{FindingRow, FindingStatus, Tally, UnknownReason, WaiverNote, waiver_id};

/// An account's findings.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Sorted.
    pub(super) rows: Vec<FindingRow>,
    pub(super) tallies: BTreeMap<Place, Tally>,
    /// The findings that each waiver accepts.
    pub(super) waived: BTreeMap<String, u64>,
}

pub(super) fn findings(view: &View<'_>) -> Findings {
    let mut findings = Findings::default();
    for (region, seen) in &view.regions {
        for (rule, counts) in seen.counts.iter() {
            let place = (region.clone(), rule.clone());
            let tally = findings.tallies.entry(place).or_default();
            tally.add(&tally_of(counts, seen));
        }
    }
    let keys: BTreeSet<&FindingKey> = view
        .sightings
        .keys()
        .chain(view.before.keys().copied())
        .collect();
    let mut rules = BTreeMap::new();
    for key in keys {
        let of_rule = rules.entry(&key.rule);
        let of_rule = of_rule.or_insert_with(|| OfRule::new(&key.rule, view));
        count(key, of_rule, view, &mut findings);
    }
    findings
}

/// All that the policy says of a rule's findings: there may be hundreds of thousands.
struct OfRule<'a> {
    severity: Severity,
    /// The waivers that hold at the month's end and are about the rule.
    waivers: Vec<&'a Waiver>,
}

impl<'a> OfRule<'a> {
    fn new(rule: &RuleName, view: &View<'a>) -> Self {
        let policy = &view.policy.findings;
        let end = view.snapshot.period.end;
        let waivers = policy.waivers.iter();
        let holding = waivers.filter(|waiver| waiver.until > end && waiver.is_about_rule(rule));
        Self {
            severity: policy.severity_of(&rule.own()),
            waivers: holding.collect(),
        }
    }

    /// The waiver that covers a finding of the rule; of several, the longest.
    fn waiver_of(&self, key: &FindingKey, name: Option<&str>) -> Option<&'a Waiver> {
        let waivers = self.waivers.iter().copied();
        let covering = waivers.filter(|waiver| waiver.covers(key, name));
        covering.max_by_key(|waiver| waiver.until)
    }
}

/// The evaluations that no row stands for, besides those that a row stands for and that are unknown.
fn tally_of(counts: &VerdictCounts, seen: &RegionView<'_>) -> Tally {
    let VerdictCounts {
        compliant,
        noncompliant,
        insufficient_data,
        not_applicable: _,
    } = *counts;
    match seen.unknown_because {
        None => Tally {
            compliant,
            unknown: insufficient_data,
            ..Tally::default()
        },
        Some(_) => Tally {
            unknown: compliant + noncompliant + insufficient_data,
            ..Tally::default()
        },
    }
}

fn count(key: &FindingKey, of_rule: &OfRule<'_>, view: &View<'_>, findings: &mut Findings) {
    let sighting = view.sightings.get(key);
    let before = view.before.get(key).copied();
    let is_global = FindingKey::is_global(&key.resource_type);
    let place = (key.region.clone(), key.rule.clone());
    let tally = findings.tallies.entry(place).or_default();
    let Some(outcome) = outcome(key, of_rule, sighting, before, view) else {
        if is_global {
            tally_global(tally, sighting);
        }
        return;
    };
    match outcome.status {
        FindingStatus::New => tally.new += 1,
        FindingStatus::Open => tally.open += 1,
        FindingStatus::Waived => tally.waived += 1,
        FindingStatus::Fixed => tally.fixed += 1,
        FindingStatus::Closed => tally.closed += 1,
        FindingStatus::Unknown if is_global || !is_counted(sighting) => tally.unknown += 1,
        FindingStatus::Unknown => {}
    }
    if is_global && outcome.status == FindingStatus::Fixed {
        tally.compliant += 1;
    }
    if let Some(waiver) = outcome.waiver {
        *findings.waived.entry(waiver_id(waiver)).or_default() += 1;
    }
    findings
        .rows
        .extend(row(key, of_rule, &outcome, sighting, before, view));
}

/// Counts a global resource's evaluation that no row stands for.
fn tally_global(tally: &mut Tally, sighting: Option<&Sighting<'_>>) {
    let Some(sighting) = sighting else {
        return;
    };
    match (sighting.evaluation.verdict, sighting.unknown_because) {
        (Verdict::NotApplicable, _) => {}
        (Verdict::Compliant, None) => tally.compliant += 1,
        _ => tally.unknown += 1,
    }
}

/// True if the counts of its region already have an evaluation among the unknown ones.
fn is_counted(sighting: Option<&Sighting<'_>>) -> bool {
    sighting.is_some_and(|sighting| sighting.evaluation.verdict != Verdict::NotApplicable)
}

/// What became of a finding.
struct Outcome<'a> {
    status: FindingStatus,
    unknown_because: Option<UnknownReason>,
    waiver: Option<&'a Waiver>,
}

impl Outcome<'_> {
    fn new(status: FindingStatus) -> Self {
        Self {
            status,
            unknown_because: None,
            waiver: None,
        }
    }

    fn unknown(reason: UnknownReason) -> Self {
        Self {
            unknown_because: Some(reason),
            ..Self::new(FindingStatus::Unknown)
        }
    }
}

/// Returns what became of a finding; `None` if it neither is nor was one.
fn outcome<'a>(
    key: &FindingKey,
    of_rule: &OfRule<'a>,
    sighting: Option<&Sighting<'_>>,
    before: Option<&FindingRow>,
    view: &View<'_>,
) -> Option<Outcome<'a>> {
    let Some(sighting) = sighting else {
        return before.map(|_| absent(key, view));
    };
    let verdict = sighting.evaluation.verdict;
    if let Some(reason) = sighting.unknown_because {
        let is_row = verdict == Verdict::Noncompliant || before.is_some();
        return is_row.then(|| Outcome::unknown(reason));
    }
    match verdict {
        Verdict::Noncompliant => Some(noncompliant(key, of_rule, sighting, before, view)),
        Verdict::InsufficientData => {
            before.map(|_| Outcome::unknown(UnknownReason::InsufficientData))
        }
        Verdict::Compliant => before.map(|_| Outcome::new(FindingStatus::Fixed)),
        Verdict::NotApplicable => before.map(|_| Outcome::new(FindingStatus::Closed)),
    }
}

fn noncompliant<'a>(
    key: &FindingKey,
    of_rule: &OfRule<'a>,
    sighting: &Sighting<'_>,
    before: Option<&FindingRow>,
    view: &View<'_>,
) -> Outcome<'a> {
    let period = view.snapshot.period;
    let waiver = of_rule.waiver_of(key, name_of(sighting, before));
    if waiver.is_some() {
        return Outcome {
            waiver,
            ..Outcome::new(FindingStatus::Waived)
        };
    }
    let was_recorded_before = sighting.evaluation.recorded_at < period.month.start();
    let was_open = match view.snapshot.previous {
        Previous::NoMonth => was_recorded_before,
        Previous::NoAccount(_) | Previous::Known { .. } => before.is_some(),
    };
    Outcome::new(if was_open {
        FindingStatus::Open
    } else {
        FindingStatus::New
    })
}

/// What became of a finding that was open before, and that no region has now.
fn absent<'a>(key: &FindingKey, view: &View<'_>) -> Outcome<'a> {
    let reason = if FindingKey::is_global(&key.resource_type) {
        view.unseen_at_iam_because(&key.rule)
    } else {
        view.region_unknown(&key.region)
            .or_else(|| view.unseen_because(&key.region, &key.rule))
    };
    let reason = reason.or_else(|| view.misread_because(key));
    reason.map_or_else(|| Outcome::new(FindingStatus::Closed), Outcome::unknown)
}

fn name_of<'a>(sighting: &Sighting<'a>, before: Option<&'a FindingRow>) -> Option<&'a str> {
    let name = sighting.evaluation.name.as_deref();
    name.or(before.and_then(|before| before.name.as_deref()))
}

fn row(
    key: &FindingKey,
    of_rule: &OfRule<'_>,
    outcome: &Outcome<'_>,
    sighting: Option<&Sighting<'_>>,
    before: Option<&FindingRow>,
    view: &View<'_>,
) -> Option<FindingRow> {
    let evaluation = sighting.map(|sighting| sighting.evaluation);
    // What the aggregator tells may have been recorded after the month.
    let recorded = evaluation.map(|seen| seen.recorded_at.min(view.snapshot.period.end));
    let is_seen = |sighting: &&Sighting<'_>| sighting.evaluation.verdict == Verdict::Noncompliant;
    let seen_now = sighting.filter(is_seen).map(|seen| seen.seen_at);
    Some(FindingRow {
        key: key.clone(),
        name: (evaluation.and_then(|seen| seen.name.clone()))
            .or_else(|| before.and_then(|before| before.name.clone())),
        arn: (evaluation.and_then(|seen| seen.arn.clone()))
            .or_else(|| before.and_then(|before| before.arn.clone())),
        severity: of_rule.severity,
        status: outcome.status,
        since: before.map(|before| before.since).or(recorded)?,
        seen_at: seen_now.max(before.map(|before| before.seen_at))?,
        unknown_because: outcome.unknown_because,
        waiver: outcome.waiver.map(note),
    })
}

fn note(waiver: &Waiver) -> WaiverNote {
    WaiverNote {
        owner: waiver.owner.clone(),
        reason: waiver.reason.clone(),
        until: waiver.until,
    }
}
