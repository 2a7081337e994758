//! What is known of each region of an account.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::FindingKey;
use banto_domain::policy::ReportPolicy;
use banto_domain::{Region, RuleName};
use jiff::Timestamp;

use super::answer::Answer;
use super::expected::{Expected, delivering};
use crate::collect::snapshot::{Previous, Snapshot};
use crate::evidence::{self, Evaluation, Problem, RegionEvidence, VerdictCounts};
use crate::model::UnknownReason;

/// A region of an account at the month's end.
#[derive(Debug)]
pub(super) struct RegionView<'a> {
    /// Its last snapshot, this month's or one that the month before knew.
    pub(super) snapshot: Option<&'a evidence::Snapshot>,
    pub(super) resources: u64,
    /// Why nothing is known of it, where nothing is: then its evaluations are what was last seen.
    pub(super) unknown_because: Option<UnknownReason>,
    /// True if its snapshot is current, and has no compliance at all.
    pub(super) is_without_compliance: bool,
    pub(super) by_aggregator: bool,
    /// Evaluations by rule, those of global resources aside.
    pub(super) counts: Cow<'a, BTreeMap<RuleName, VerdictCounts>>,
    pub(super) evaluations: &'a [Evaluation],
    /// The time of what is known.
    pub(super) seen_at: Timestamp,
}

/// Returns every region of the account: those that the archive has, those that it should have, and
/// those in which something was open.
pub(super) fn regions<'a>(
    snapshot: &'a Snapshot,
    policy: &ReportPolicy,
    expected: &Expected,
    only_at_iam: &BTreeSet<RuleName>,
    answer: Answer<'a>,
) -> BTreeMap<Region, RegionView<'a>> {
    let mut names = delivering(snapshot, policy);
    names.extend(snapshot.evidence.regions.keys().cloned());
    names.extend(expected.demanded.iter().map(|(region, _)| region.clone()));
    names.extend(open_before(snapshot));
    let with_rules = with_rules(snapshot, expected, only_at_iam);
    let views = names.into_iter().map(|region| {
        let mut view = of_snapshot(snapshot, policy, &region);
        if view.is_without_compliance {
            if let Some(evaluations) = answer.evaluations(&region) {
                view.by_aggregator = true;
                view.counts = Cow::Owned(counts(evaluations));
                view.evaluations = evaluations;
                view.seen_at = snapshot.period.end;
            } else if with_rules.contains(&region) || answer.knows_rules_in(&region) {
                view.unknown_because = Some(UnknownReason::NoComplianceItems);
            }
        }
        (region, view)
    });
    views.collect()
}

/// What the snapshots alone say of a region.
fn of_snapshot<'a>(
    snapshot: &'a Snapshot,
    policy: &ReportPolicy,
    region: &Region,
) -> RegionView<'a> {
    let evidence = snapshot.evidence.regions.get(region);
    let taken = evidence.and_then(|evidence| evidence.snapshot.as_ref());
    let known_before = snapshot_before(&snapshot.previous, region);
    // A snapshot that was read may have odd items, and is none that could not be read.
    let was_read = |problem: &Problem| taken.is_some_and(|taken| taken.key == problem.key);
    let is_unreadable = (snapshot.evidence.problems.iter())
        .any(|problem| is_of(problem, region) && !was_read(problem));
    let oldest = snapshot.period.end.checked_sub(policy.stale_after);
    let is_current = taken.is_some_and(|taken| oldest.is_ok_and(|oldest| taken.taken_at >= oldest));
    let unknown_because = match taken {
        Some(_) if is_current => None,
        // Snapshots are tried from the last one back, so what could not be read was newer.
        _ if is_unreadable => Some(UnknownReason::Unreadable),
        // An engine need not look back as far as that.
        _ if taken.or(known_before).is_some() => Some(UnknownReason::StoppedDelivering),
        _ => Some(UnknownReason::NeverDelivered),
    };
    let is_empty =
        |evidence: &RegionEvidence| evidence.counts.is_empty() && evidence.evaluations.is_empty();
    RegionView {
        snapshot: taken.or(known_before),
        resources: evidence.map_or(0, |evidence| evidence.resources),
        unknown_because,
        is_without_compliance: is_current && evidence.is_some_and(is_empty),
        by_aggregator: false,
        counts: evidence.map_or_else(Cow::default, |evidence| Cow::Borrowed(&evidence.counts)),
        evaluations: evidence.map_or(&[], |evidence| &evidence.evaluations),
        seen_at: taken.map_or(snapshot.period.end, |taken| taken.taken_at),
    }
}

/// The last snapshot of a region that the month before knew.
fn snapshot_before<'a>(previous: &'a Previous, region: &Region) -> Option<&'a evidence::Snapshot> {
    match previous {
        Previous::NoMonth | Previous::NoAccount(_) => None,
        Previous::Known { account, .. } => account.regions.get(region)?.snapshot.as_ref(),
    }
}

/// True if a snapshot of the region is what could not be understood.
fn is_of(problem: &Problem, region: &Region) -> bool {
    problem.key.contains(&format!("/Config/{region}/")) && problem.key.contains("/ConfigSnapshot/")
}

/// Regions in which something was open, those of global resources aside.
fn open_before(snapshot: &Snapshot) -> BTreeSet<Region> {
    let Previous::Known { open, .. } = &snapshot.previous else {
        return BTreeSet::new();
    };
    let open = open.iter().map(|row| &row.key);
    open.filter(|key| !FindingKey::is_global(&key.resource_type))
        .map(|key| key.region.clone())
        .collect()
}

/// Regions that should have rules. Rules that look at IAM may do so in any one region.
fn with_rules(
    snapshot: &Snapshot,
    expected: &Expected,
    only_at_iam: &BTreeSet<RuleName>,
) -> BTreeSet<Region> {
    let mut regions = open_before(snapshot);
    let places = expected.demanded.iter().chain(&expected.carried);
    regions.extend(
        places
            .filter(|(_, rule)| !only_at_iam.contains(rule))
            .map(|(region, _)| region.clone()),
    );
    regions
}

/// Counts evaluations as an engine does.
fn counts(evaluations: &[Evaluation]) -> BTreeMap<RuleName, VerdictCounts> {
    let mut counts: BTreeMap<RuleName, VerdictCounts> = BTreeMap::new();
    for evaluation in evaluations {
        if !FindingKey::is_global(&evaluation.resource_type) {
            counts
                .entry(evaluation.rule.clone())
                .or_default()
                .count(evaluation.verdict);
        }
    }
    counts
}
