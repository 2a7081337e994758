//! The evaluations of each finding, over regions and over repetitions: one that counts.

use std::collections::BTreeMap;

use banto_domain::compliance::FindingKey;
use banto_domain::{AccountId, Region};
use jiff::Timestamp;

use super::regions::RegionView;
use crate::evidence::{Evaluation, Verdict};
use crate::model::UnknownReason;

/// The evaluation of a finding that counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sighting<'a> {
    pub(super) evaluation: &'a Evaluation,
    /// Why it says nothing of the month's end, if it does not.
    pub(super) unknown_because: Option<UnknownReason>,
    /// The time of the snapshot that it is in.
    pub(super) seen_at: Timestamp,
}

/// Returns the evaluation of each finding. Resources of IAM may be evaluated in several regions: a
/// current region has the say before one that is not, and the worst verdict counts.
pub(super) fn sightings<'a>(
    account: &AccountId,
    regions: &BTreeMap<Region, RegionView<'a>>,
) -> BTreeMap<FindingKey, Sighting<'a>> {
    let mut sightings: BTreeMap<FindingKey, Sighting<'a>> = BTreeMap::new();
    for (region, view) in regions {
        for evaluation in view.evaluations {
            let sighting = Sighting {
                evaluation,
                unknown_because: view.unknown_because,
                seen_at: view.seen_at,
            };
            let counting = sightings
                .entry(key(account, region, evaluation))
                .or_insert(sighting);
            if rank(&sighting) > rank(counting) {
                *counting = sighting;
            }
        }
    }
    sightings
}

fn key(account: &AccountId, region: &Region, evaluation: &Evaluation) -> FindingKey {
    FindingKey::new(
        account.clone(),
        region,
        evaluation.rule.clone(),
        evaluation.resource_type.clone(),
        evaluation.resource_id.clone(),
    )
}

/// Sightings in the order of their say, the last one counts.
fn rank<'a>(sighting: &Sighting<'a>) -> (bool, u8, Timestamp, &'a Evaluation) {
    let verdict = match sighting.evaluation.verdict {
        Verdict::NotApplicable => 0,
        Verdict::Compliant => 1,
        Verdict::InsufficientData => 2,
        Verdict::Noncompliant => 3,
    };
    let is_current = sighting.unknown_because.is_none();
    (is_current, verdict, sighting.seen_at, sighting.evaluation)
}
