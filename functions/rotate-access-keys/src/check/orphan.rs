//! The rules about orphans: keys whose secret was lost when an issue was interrupted.

use banto_domain::record::LEASE;
use banto_domain::{AccessKeyId, RoleArn};
use jiff::Timestamp;

use super::rules::{breach_unless, is_sealed_to_a_former};
use super::simulation::{Simulation, Step};
use crate::event::Mode;
use crate::plan::{Action, OrphanProof};
use crate::snapshot::{Creations, Used};
use crate::trail_times::USAGE_LAG;

pub(super) fn discarded_key_is_the_orphan(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::DiscardOrphan { key, proof } = step.action else {
        return None;
    };
    let is_sound = match proof {
        OrphanProof::Replaced => is_withdrawn(simulation, key),
        OrphanProof::Trail | OrphanProof::Operator => is_orphan(simulation, key),
    };
    breach_unless(is_sound, || {
        format!("{key} discarded, but it is not the orphan of an intent")
    })
}

/// True if an intent without an envelope can have created the key.
fn is_orphan(simulation: &Simulation<'_>, id: &AccessKeyId) -> bool {
    let (Some(intent), Some(record)) = (simulation.intent(), simulation.user.record()) else {
        return false;
    };
    let is_issued = record
        .rotation
        .as_ref()
        .is_some_and(|rotation| rotation.issued.key == *id);
    let is_sealed = record
        .envelope
        .as_ref()
        .is_some_and(|envelope| envelope.key == *id);
    simulation.user.key(id).is_some()
        && !intent.existing_keys.contains(id)
        && !is_issued
        && !is_sealed
}

/// True if the key was withdrawn, so long ago that IAM must show a use of it by now.
fn is_withdrawn(simulation: &Simulation<'_>, id: &AccessKeyId) -> bool {
    let record = simulation.user.record();
    let disabled_at = record.and_then(|record| record.disabled.get(id));
    let is_past = |at: &Timestamp| simulation.now.duration_since(*at) >= USAGE_LAG;
    let is_active = simulation.user.key(id).is_some_and(|key| key.active);
    !is_active && disabled_at.is_some_and(is_past) && is_sealed_to_a_former(simulation, id)
}

pub(super) fn discarded_key_is_proven_to_be_ours(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::DiscardOrphan { key, proof } = step.action else {
        return None;
    };
    let snapshot = simulation.snapshot;
    let is_proven = match proof {
        OrphanProof::Trail => creator(simulation, key) == Some(&snapshot.role),
        OrphanProof::Operator => {
            snapshot.mode == Mode::Discard && snapshot.named_keys.contains(key)
        }
        // Its envelope is in the record.
        OrphanProof::Replaced => true,
    };
    breach_unless(is_proven, || {
        format!("{key} discarded, but nothing proves that Banto's role created it")
    })
}

/// The role whose session created the key, by CloudTrail.
fn creator<'a>(simulation: &Simulation<'a>, id: &AccessKeyId) -> Option<&'a RoleArn> {
    match &simulation.user.creations {
        Creations::Seen(seen) => seen.get(id)?.as_ref(),
        Creations::NotAsked | Creations::Unknown(_) => None,
    }
}

pub(super) fn discarded_key_is_known_to_be_unused(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::DiscardOrphan { key, .. } = step.action else {
        return None;
    };
    let is_unused = simulation.user.key(key)?.used == Used::Never;
    breach_unless(is_unused, || {
        format!("{key} discarded, but it is not known to be unused")
    })
}

pub(super) fn discarded_keys_run_is_over(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::DiscardOrphan {
        key,
        proof: OrphanProof::Trail | OrphanProof::Operator,
    } = step.action
    else {
        return None;
    };
    let is_over = simulation
        .now
        .duration_since(simulation.intent()?.intended_at)
        >= LEASE;
    breach_unless(is_over, || {
        format!("{key} discarded while the run that made it may be at work")
    })
}
