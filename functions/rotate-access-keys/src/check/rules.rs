//! The rules about new and old keys, each a small function: it returns what a step or a chain would
//! do, if that is a breach.

use banto_domain::record::LEASE;
use banto_domain::{AccessKeyId, Fingerprint};
use jiff::Timestamp;

use super::simulation::{Simulation, Step};
use crate::plan::{Action, OwnerNotice};
use crate::snapshot::{ACKNOWLEDGED_TAG, Certificate, Key, PIN_TAG, Used};
use crate::trail_times::USAGE_LAG;

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
    let intent = simulation.intent()?;
    let intent_is_old = simulation.now.duration_since(intent.intended_at) >= LEASE;
    breach_unless(intent_is_old, || {
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

// --- Old keys ----------------------------------------------------------------------------------

pub(super) fn owner_was_notified_of_disabling(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::Disable { key, .. } = step.action else {
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

/// The old key that a step disables, and the new one that is to stand in for it.
fn replaced<'a>(step: &Step<'a>) -> Option<(&'a AccessKeyId, &'a AccessKeyId)> {
    match step.action {
        Action::Disable {
            key,
            stand_in: Some(stand_in),
            ..
        } => Some((key, stand_in)),
        _ => None,
    }
}

pub(super) fn new_key_was_delivered(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let (key, _) = replaced(step)?;
    breach_unless(simulation.delivered().is_some(), || {
        format!("{key} disabled, but no new key was delivered")
    })
}

pub(super) fn new_key_stands_in(simulation: &Simulation<'_>, step: &Step<'_>) -> Option<String> {
    let (key, stand_in) = replaced(step)?;
    let (new, _) = simulation.delivered()?;
    let replaces = simulation.rotation()?.intent.existing_keys.contains(key);
    let is_sound = new.active && new.id == *stand_in && new.id != *key && replaces;
    breach_unless(is_sound && !simulation.is_exposed(&new.id), || {
        format!("{key} disabled, but {stand_in} does not stand in for it")
    })
}

pub(super) fn new_key_is_proven_and_old_one_rests(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let (key, _) = replaced(step)?;
    let (new, delivered_at) = simulation.delivered()?;
    let grace_is_over = simulation.now.duration_since(delivered_at) >= simulation.timings.grace;
    let is_sound = is_proven(simulation, new) && rests(simulation, key) && grace_is_over;
    breach_unless(is_sound || simulation.is_past_deadline(), || {
        format!(
            "{key} disabled, but {} is not known to be used and {key} to rest",
            new.id
        )
    })
}

fn is_proven(simulation: &Simulation<'_>, new: &Key) -> bool {
    let acknowledged = simulation.user.tags.get(ACKNOWLEDGED_TAG);
    let was_proven = simulation
        .rotation()
        .is_some_and(|rotation| rotation.proven_at.is_some());
    acknowledged.is_some_and(|id| id == new.id.as_str())
        || matches!(new.used, Used::Last(_))
        || was_proven
}

/// True if the old key is known to be unused for long enough: it is inactive, or its last use is so
/// long ago, the hours included in which a use does not show.
fn rests(simulation: &Simulation<'_>, id: &AccessKeyId) -> bool {
    let rest = simulation.timings.rest + USAGE_LAG;
    let proven_at = simulation
        .rotation()
        .and_then(|rotation| rotation.proven_at);
    // Where the proof was seen only now, the new key's last use is the first that is known.
    let first_use = proven_at.or(match simulation.delivered() {
        Some((
            Key {
                used: Used::Last(used),
                ..
            },
            _,
        )) => Some(used.at),
        _ => None,
    });
    let is_past = |at: Timestamp| simulation.now.duration_since(at) >= rest;
    simulation.user.key(id).is_some_and(|key| match &key.used {
        Used::Unknown => !key.active && first_use.is_some_and(is_past),
        Used::Never => first_use.is_some_and(is_past),
        Used::Last(used) => is_past(used.at) && first_use.is_some_and(is_past),
    })
}

pub(super) fn owner_was_reminded_of_the_deadline(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let (key, _) = replaced(step)?;
    let (new, _) = simulation.delivered()?;
    let is_by_proof = is_proven(simulation, new) && rests(simulation, key);
    let is_reminded = was_notified(simulation, &format!("will-be-disabled:{key}"));
    breach_unless(is_by_proof || is_reminded, || {
        format!("{key} disabled by deadline, but its owner was not reminded")
    })
}

pub(super) fn owner_was_notified_of_deletion(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::Delete { key } = step.action else {
        return None;
    };
    let is_told = |action: &Action| matches!(action, Action::NotifyOwner(OwnerNotice::Deleting { key: told }) if told == key);
    let is_notified =
        was_notified(simulation, &format!("deleting:{key}")) || step.earlier.iter().any(is_told);
    let is_reminded = was_notified(simulation, &format!("will-be-deleted:{key}"));
    breach_unless(is_notified && is_reminded, || {
        format!("{key} deleted, but its owner was not told and reminded")
    })
}

fn was_notified(simulation: &Simulation<'_>, id: &str) -> bool {
    let record = simulation.user.record();
    record.is_some_and(|record| record.notified.contains_key(id))
}

pub(super) fn retired_key_is_known_to_be_unused(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::Disable {
        key,
        stand_in: None,
        ..
    } = step.action
    else {
        return None;
    };
    let live = simulation.user.key(key)?;
    let since = match &live.used {
        Used::Unknown => None,
        Used::Never => Some(live.created_at),
        Used::Last(used) => Some(used.at),
    };
    let limit = simulation.timings.retire_unused_after;
    let is_unused = since
        .zip(limit)
        .is_some_and(|(since, limit)| simulation.now.duration_since(since) >= limit + USAGE_LAG);
    let reminder = format!("will-be-retired:{key}");
    let record = simulation.user.record();
    let is_reminded = record.is_some_and(|record| record.notified.contains_key(&reminder));
    breach_unless(is_unused && is_reminded, || {
        format!("{key} retired, but it is not known to be unused, or nobody was reminded")
    })
}

pub(super) fn deleted_key_is_inactive(_: &Simulation<'_>, step: &Step<'_>) -> Option<String> {
    let (Action::Delete { key } | Action::DeleteExposed { key }) = step.action else {
        return None;
    };
    let is_inactive = step.keys_before.get(&Some(key)) == Some(&false);
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
        Action::DisableExposed(_) => true,
        Action::Disable { stand_in: None, .. } => true,
        Action::Disable { .. } => simulation.is_past_deadline(),
        _ => false,
    }
}

/// True if a person could use a key before the chain. Nobody has the secret of an orphan.
fn had_usable_key(simulation: &Simulation<'_>) -> bool {
    let keys = &simulation.user.keys;
    keys.iter().any(|key| {
        key.active && !is_discarded(simulation, &key.id) && !simulation.is_exposed(&key.id)
    })
}

fn is_discarded(simulation: &Simulation<'_>, id: &AccessKeyId) -> bool {
    let discards =
        |step: &Step<'_>| matches!(step.action, Action::DiscardOrphan { key, .. } if key == id);
    simulation.steps.iter().any(discards)
}

/// The breach, in words, unless the promise is kept.
pub(super) fn breach_unless(is_kept: bool, what: impl FnOnce() -> String) -> Option<String> {
    (!is_kept).then(what)
}
