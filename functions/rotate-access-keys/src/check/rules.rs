//! The rules about new and old keys, each a small function: it returns what a step or a chain would
//! do, if that is a breach.

use banto_domain::record::{LEASE, Reason};
use banto_domain::{AccessKeyId, Fingerprint};
use jiff::{SignedDuration, Timestamp};

use super::simulation::{Simulation, Step};
use crate::event::Mode;
use crate::plan::{Action, DisableReason, OwnerNotice};
use crate::snapshot::{Certificate, Key, PIN_TAG, Used};
use crate::trail_times::{RUN_JITTER, USAGE_LAG};

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

pub(super) fn pin_is_old_enough_or_vouched_for(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::Issue { recipient, .. } = step.action else {
        return None;
    };
    breach_unless(pin_counts(simulation, recipient), || {
        format!("would seal to {recipient}, which is too new, and nobody vouches for it")
    })
}

fn pin_counts(simulation: &Simulation<'_>, pin: &Fingerprint) -> bool {
    let record = simulation.user.record();
    let counted = record.and_then(|record| record.pinned());
    let is_approved = simulation.snapshot.approved.as_ref() == Some(pin);
    counted == Some(pin)
        || is_approved
        || is_certified(simulation)
        || (counted.is_none() && nobody_holds_a_key(simulation))
        || pin_age(simulation, pin) >= Some(simulation.pin_grace - RUN_JITTER)
}

fn is_certified(simulation: &Simulation<'_>) -> bool {
    let certificate = &simulation.user.certificate;
    matches!(
        certificate,
        Certificate::Usable {
            certified: true,
            ..
        }
    )
}

fn nobody_holds_a_key(simulation: &Simulation<'_>) -> bool {
    let is_emergency = simulation.snapshot.mode == Mode::Emergency;
    let was_exposed = simulation.user.record().is_some_and(|record| {
        let owed = record.owed.as_ref().map(|owed| owed.reason);
        !record.exposed.is_empty() || owed == Some(Reason::Emergency)
    });
    let is_exposed = |key: &Key| simulation.is_exposed(&key.id);
    let mut keys = simulation.user.keys.iter();
    !is_emergency && !was_exposed && !keys.any(|key| key.active || is_exposed(key))
}

/// The time for which the certificate has been stored and, if another one counted, known to people.
fn pin_age(simulation: &Simulation<'_>, pin: &Fingerprint) -> Option<SignedDuration> {
    let Certificate::Usable { stored_since, .. } = &simulation.user.certificate else {
        return None;
    };
    let stored_since = (*stored_since)?;
    let record = simulation.user.record();
    let replaces = record.and_then(|record| record.pinned()).is_some();
    let mut since = stored_since;
    if replaces {
        let notified = &record?.notified;
        for told in ["new-certificate:", "finding:new-certificate:"] {
            let told_at = *notified.get(&format!("{told}{pin}"))?;
            if told_at < stored_since {
                return None;
            }
            since = since.max(told_at);
        }
    }
    Some(simulation.now.duration_since(since))
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
    let was_proven = simulation
        .rotation()
        .is_some_and(|rotation| rotation.proven_at.is_some());
    simulation.user.acknowledged.as_ref() == Some(&new.id)
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
    let is_reminded = was_reminded(simulation, &format!("will-end:{key}"));
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
    let is_reminded = was_reminded(simulation, &format!("will-be-deleted:{key}"));
    // Of a key that a leave ended, operators were told the date.
    let is_leavers = simulation.is_leaver() && simulation.left().is_some();
    breach_unless(is_leavers || (is_notified && is_reminded), || {
        format!("{key} deleted, but its owner was not told and reminded")
    })
}

/// True if the last reminder of an end was given.
fn was_reminded(simulation: &Simulation<'_>, of: &str) -> bool {
    let last = simulation.timings.last_reminder().as_hours() / 24;
    was_notified(simulation, &format!("{of}:{last}"))
}

fn was_notified(simulation: &Simulation<'_>, id: &str) -> bool {
    let record = simulation.user.record();
    record.is_some_and(|record| record.notified.contains_key(id))
}

/// The key that a step disables without another one in its place.
fn retired<'a>(step: &Step<'a>) -> Option<(&'a AccessKeyId, DisableReason)> {
    match step.action {
        Action::Disable {
            key,
            stand_in: None,
            reason,
        } => Some((key, *reason)),
        _ => None,
    }
}

pub(super) fn retired_key_is_known_to_be_unused(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let (key, reason) = retired(step)?;
    if matches!(
        reason,
        DisableReason::Unregistered | DisableReason::Replaced
    ) {
        return None;
    }
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
    let is_reminded = was_reminded(simulation, &format!("will-be-retired:{key}"));
    breach_unless(is_unused && is_reminded, || {
        format!("{key} retired, but it is not known to be unused, or nobody was reminded")
    })
}

pub(super) fn unregistered_owner_was_reached_and_reminded(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let (key, reason) = retired(step)?;
    if reason != DisableReason::Unregistered {
        return None;
    }
    let record = simulation.user.record();
    let reached_at = record.and_then(|record| record.asked_at(key));
    let created_at = simulation.user.key(key)?.created_at;
    let timings = simulation.timings;
    let age = simulation.now.duration_since(created_at);
    let is_late = timings.disable_unregistered_after.is_some_and(|time| {
        let is_past = |at: Timestamp| simulation.now.duration_since(at) >= time;
        reached_at.is_some_and(is_past) && age >= timings.rotate_after + time
    });
    let is_reminded = was_reminded(simulation, &format!("will-end-unregistered:{key}"));
    let is_registered = matches!(simulation.user.certificate, Certificate::Usable { .. });
    breach_unless(is_late && is_reminded && !is_registered, || {
        format!("{key} ended unregistered, but its owner was not reached and reminded in time")
    })
}

pub(super) fn withdrawn_key_is_sealed_to_a_former_certificate(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let (key, reason) = retired(step)?;
    if reason != DisableReason::Replaced {
        return None;
    }
    let is_former = is_sealed_to_a_former(simulation, key);
    let is_unused = simulation.user.key(key)?.used == Used::Never;
    breach_unless(is_former && is_unused, || {
        format!("{key} withdrawn, but it may be used, or its certificate counts")
    })
}

/// True if the key is the new one of an unproven rotation, and sealed to another certificate than
/// the one that counts.
pub(super) fn is_sealed_to_a_former(simulation: &Simulation<'_>, id: &AccessKeyId) -> bool {
    let Some(rotation) = simulation.rotation() else {
        return false;
    };
    let Certificate::Usable { fingerprint, .. } = &simulation.user.certificate else {
        return false;
    };
    let is_proven =
        rotation.proven_at.is_some() || simulation.user.acknowledged.as_ref() == Some(id);
    rotation.issued.key == *id
        && !is_proven
        && *fingerprint != rotation.intent.recipient
        && pin_counts(simulation, fingerprint)
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

/// True if an emergency, a hard deadline or a leave excuses the loss of a key.
fn excuses(simulation: &Simulation<'_>, action: &Action) -> bool {
    match action {
        Action::DisableExposed(_) | Action::Leave(_) => true,
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
