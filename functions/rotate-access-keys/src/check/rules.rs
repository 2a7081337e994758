//! The rules, each a small function: it returns what a step or a chain would do, if that is a
//! breach.

use banto_domain::record::LEASE;
use banto_domain::{AccessKeyId, Fingerprint};
use jiff::SignedDuration;

use super::simulation::{Simulation, Step};
use crate::event::Mode;
use crate::plan::{Action, OwnerNotice};
use crate::snapshot::{ACKNOWLEDGED_TAG, Certificate, PIN_TAG, Used};

/// Time before or after an intent in which its orphan can have been created: the run creates it
/// within the lease, and as much again is for clocks that differ.
const ORPHAN_WINDOW: SignedDuration = SignedDuration::from_mins(2 * LEASE.as_mins());

// --- Exposed keys ------------------------------------------------------------------------------

pub(super) fn exposure_is_known(simulation: &Simulation<'_>, step: &Step<'_>) -> Option<String> {
    let Action::DisableExposed { key } = step.action else {
        return None;
    };
    let record = simulation.user.record();
    let is_recorded = record.is_some_and(|record| record.exposed.contains(key));
    breach_unless(simulation.mode == Mode::Emergency || is_recorded, || {
        format!("{key} disabled as exposed, but this is no emergency")
    })
}

pub(super) fn exposed_keys_come_first(_: &Simulation<'_>, step: &Step<'_>) -> Option<String> {
    let Action::DisableExposed { key } = step.action else {
        return None;
    };
    let nothing_before = step.earlier.iter().all(disables_exposed);
    breach_unless(nothing_before, || {
        format!("{key} is exposed, and other actions come before its end")
    })
}

fn disables_exposed(action: &Action) -> bool {
    matches!(action, Action::DisableExposed { .. })
}

// --- New keys ----------------------------------------------------------------------------------

pub(super) fn at_most_two_keys(_: &Simulation<'_>, step: &Step<'_>) -> Option<String> {
    breach_unless(step.keys_after.len() <= 2, || {
        "would have more than two keys".to_owned()
    })
}

pub(super) fn intent_names_every_key(_: &Simulation<'_>, step: &Step<'_>) -> Option<String> {
    let Action::Issue { existing_keys, .. } = step.action else {
        return None;
    };
    let named = existing_keys.iter().map(Some);
    breach_unless(named.eq(step.keys_before.keys().copied()), || {
        "the intent does not name the keys that exist".to_owned()
    })
}

pub(super) fn no_other_run_is_issuing(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::Issue { .. } = step.action else {
        return None;
    };
    let rotation = simulation.rotation()?;
    let intent_is_old = simulation.now.duration_since(rotation.intended_at) >= LEASE;
    breach_unless(rotation.issued.is_some() || intent_is_old, || {
        "another run may be issuing a key".to_owned()
    })
}

pub(super) fn recipient_is_pinned_and_usable(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::Issue { recipient, .. } = step.action else {
        return None;
    };
    let pin = simulation.user.tags.get(PIN_TAG);
    let pinned = pin.and_then(|pin| Fingerprint::from_human(pin).ok());
    let usable = match &simulation.user.certificate {
        Certificate::Usable { fingerprint, .. } => Some(fingerprint),
        Certificate::NotAsked | Certificate::Unknown(_) | Certificate::Refused { .. } => None,
    };
    let is_sound = pinned.as_ref() == Some(recipient) && usable == Some(recipient);
    breach_unless(is_sound, || {
        format!("would seal to {recipient}, which is not the pinned, usable certificate")
    })
}

// --- Orphans -----------------------------------------------------------------------------------

pub(super) fn discarded_key_is_the_orphan(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::DiscardOrphan { key } = step.action else {
        return None;
    };
    breach_unless(is_orphan(simulation, key), || {
        format!("{key} discarded, but it is not the orphan of an intent")
    })
}

/// True if an intent without an envelope can have created the key.
fn is_orphan(simulation: &Simulation<'_>, id: &AccessKeyId) -> bool {
    let (Some(intent), Some(key)) = (simulation.rotation(), simulation.user.key(id)) else {
        return false;
    };
    let record = simulation.user.record();
    let envelope = record.and_then(|record| record.envelope.as_ref());
    let after_intent = key.created_at.duration_since(intent.intended_at);
    intent.issued.is_none()
        && !intent.existing_keys.contains(id)
        && envelope.is_none_or(|envelope| envelope.key != *id)
        && after_intent.abs() <= ORPHAN_WINDOW
}

pub(super) fn discarded_key_is_known_to_be_unused(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::DiscardOrphan { key } = step.action else {
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
    let Action::DiscardOrphan { key } = step.action else {
        return None;
    };
    let is_over = simulation
        .now
        .duration_since(simulation.rotation()?.intended_at)
        >= LEASE;
    breach_unless(is_over, || {
        format!("{key} discarded while the run that made it may be at work")
    })
}

// --- Old keys ----------------------------------------------------------------------------------

pub(super) fn owner_was_notified_of_disabling(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::Disable { key } = step.action else {
        return None;
    };
    let before = simulation
        .user
        .record()
        .is_some_and(|record| record.notified.contains_key(&format!("disabling:{key}")));
    let now = step
        .earlier
        .iter()
        .any(|action| notifies_of_disabling(action, key));
    breach_unless(before || now, || {
        format!("{key} disabled before its owner was notified")
    })
}

fn notifies_of_disabling(action: &Action, id: &AccessKeyId) -> bool {
    matches!(action, Action::NotifyOwner(OwnerNotice::Disabling { key, .. }) if key == id)
}

pub(super) fn new_key_was_delivered(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::Disable { key } = step.action else {
        return None;
    };
    breach_unless(simulation.delivered().is_some(), || {
        format!("{key} disabled, but no new key was delivered")
    })
}

pub(super) fn new_key_stands_in(simulation: &Simulation<'_>, step: &Step<'_>) -> Option<String> {
    let Action::Disable { key } = step.action else {
        return None;
    };
    let (new, _) = simulation.delivered()?;
    let replaces = simulation.rotation()?.existing_keys.contains(key);
    breach_unless(new.active && new.id != *key && replaces, || {
        format!("{key} disabled, but {} does not stand in for it", new.id)
    })
}

pub(super) fn new_key_is_proven(simulation: &Simulation<'_>, step: &Step<'_>) -> Option<String> {
    let Action::Disable { key } = step.action else {
        return None;
    };
    let (new, delivered_at) = simulation.delivered()?;
    let acknowledged = simulation.user.tags.get(ACKNOWLEDGED_TAG);
    let is_acknowledged = acknowledged.is_some_and(|id| id == new.id.as_str());
    let is_used = matches!(new.used, Used::Last(_));
    let grace_is_over = simulation.now.duration_since(delivered_at) >= simulation.timings.grace;
    let is_proven = (is_acknowledged || is_used) && grace_is_over;
    breach_unless(is_proven || simulation.is_past_deadline(), || {
        format!("{key} disabled, but {} is not known to be used", new.id)
    })
}

pub(super) fn deleted_key_is_inactive(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::Delete { key } = step.action else {
        return None;
    };
    let is_inactive = simulation.user.key(key).is_some_and(|key| !key.active);
    breach_unless(is_inactive, || format!("{key} deleted, but it is active"))
}

pub(super) fn deleted_key_had_its_recovery(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::Delete { key } = step.action else {
        return None;
    };
    let record = simulation.user.record();
    let disabled_at = record.and_then(|record| record.disabled.get(key));
    let recovery = simulation.timings.recovery;
    let is_over = disabled_at.is_some_and(|at| simulation.now.duration_since(*at) >= recovery);
    breach_unless(is_over, || {
        format!("{key} deleted, but Banto did not disable it {recovery:#} ago")
    })
}

// --- Whole chains ------------------------------------------------------------------------------

pub(super) fn a_usable_key_is_left(simulation: &Simulation<'_>) -> Option<String> {
    let keeps_one = simulation.keys.values().any(|active| *active);
    let is_excused = simulation
        .steps
        .iter()
        .any(|step| excuses(simulation, step.action));
    breach_unless(
        keeps_one || is_excused || !had_usable_key(simulation),
        || "would be left without a usable key".to_owned(),
    )
}

/// True if an emergency or a hard deadline excuses the loss of a key.
fn excuses(simulation: &Simulation<'_>, action: &Action) -> bool {
    match action {
        Action::DisableExposed { .. } => true,
        Action::Disable { .. } => simulation.is_past_deadline(),
        _ => false,
    }
}

/// True if a person could use a key before the chain. Nobody has the secret of an orphan.
fn had_usable_key(simulation: &Simulation<'_>) -> bool {
    let keys = &simulation.user.keys;
    keys.iter()
        .any(|key| key.active && !is_discarded(simulation, &key.id))
}

fn is_discarded(simulation: &Simulation<'_>, id: &AccessKeyId) -> bool {
    let discard = Action::DiscardOrphan { key: id.clone() };
    simulation.steps.iter().any(|step| *step.action == discard)
}

/// The breach, in words, unless the promise is kept.
fn breach_unless(is_kept: bool, what: impl FnOnce() -> String) -> Option<String> {
    (!is_kept).then(what)
}
