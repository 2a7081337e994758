//! The rules, each a small function: it returns what a step or a chain would do, if that is a
//! breach.

use banto_domain::record::LEASE;
use banto_domain::{AccessKeyId, Fingerprint};

use super::simulation::{Simulation, Step};
use crate::event::Mode;
use crate::plan::{Action, OwnerNotice};
use crate::snapshot::{ACKNOWLEDGED_TAG, Certificate, PIN_TAG, Used};

// --- Exposed keys ------------------------------------------------------------------------------

pub(super) fn exposure_is_known(chain: &Simulation<'_>, step: &Step<'_>) -> Option<String> {
    let Action::DisableExposed { key } = step.action else {
        return None;
    };
    let record = chain.user.record();
    let is_recorded = record.is_some_and(|record| record.exposed.contains(key));
    breach_unless(chain.mode == Mode::Emergency || is_recorded, || {
        format!("{key} disabled as exposed, but this is no emergency")
    })
}

pub(super) fn exposed_keys_come_first(_: &Simulation<'_>, step: &Step<'_>) -> Option<String> {
    let Action::DisableExposed { key } = step.action else {
        return None;
    };
    let nothing_before = step.earlier.iter().all(is_exposed_key);
    breach_unless(nothing_before, || {
        format!("{key} is exposed, and other actions come before its end")
    })
}

fn is_exposed_key(action: &Action) -> bool {
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

pub(super) fn no_other_run_is_issuing(chain: &Simulation<'_>, step: &Step<'_>) -> Option<String> {
    let Action::Issue { .. } = step.action else {
        return None;
    };
    let rotation = chain.rotation()?;
    let intent_is_old = chain.now.duration_since(rotation.intended_at) >= LEASE;
    breach_unless(rotation.issued.is_some() || intent_is_old, || {
        "another run may be issuing a key".to_owned()
    })
}

pub(super) fn recipient_is_pinned_and_usable(
    chain: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::Issue { recipient, .. } = step.action else {
        return None;
    };
    let pin = chain.user.tags.get(PIN_TAG);
    let pinned = pin.and_then(|pin| Fingerprint::from_human(pin).ok());
    let usable = match &chain.user.certificate {
        Certificate::Usable { fingerprint, .. } => Some(fingerprint),
        Certificate::NotAsked | Certificate::Unknown(_) | Certificate::Refused { .. } => None,
    };
    let is_sound = pinned.as_ref() == Some(recipient) && usable == Some(recipient);
    breach_unless(is_sound, || {
        format!("would seal to {recipient}, which is not the pinned, usable certificate")
    })
}

// --- Orphans -----------------------------------------------------------------------------------

pub(super) fn discarded_key_is_the_lost_one(
    chain: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::DiscardOrphan { key } = step.action else {
        return None;
    };
    breach_unless(is_lost(chain, key), || {
        format!("{key} discarded, but it is not the one that an intent lost")
    })
}

/// True if an intent without an envelope can have created the key.
fn is_lost(chain: &Simulation<'_>, id: &AccessKeyId) -> bool {
    let (Some(intent), Some(key)) = (chain.rotation(), chain.user.key(id)) else {
        return false;
    };
    let record = chain.user.record();
    let envelope = record.and_then(|record| record.envelope.as_ref());
    let after_intent = key.created_at.duration_since(intent.intended_at);
    intent.issued.is_none()
        && !intent.existing_keys.contains(id)
        && envelope.is_none_or(|envelope| envelope.key != *id)
        && after_intent.abs() <= LEASE + LEASE
}

pub(super) fn discarded_key_is_known_to_be_unused(
    chain: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::DiscardOrphan { key } = step.action else {
        return None;
    };
    let is_unused = chain.user.key(key)?.used == Used::Never;
    breach_unless(is_unused, || {
        format!("{key} discarded, but it is not known to be unused")
    })
}

pub(super) fn discarded_keys_run_is_over(
    chain: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::DiscardOrphan { key } = step.action else {
        return None;
    };
    let is_over = chain.now.duration_since(chain.rotation()?.intended_at) >= LEASE;
    breach_unless(is_over, || {
        format!("{key} discarded while the run that made it may be at work")
    })
}

// --- Old keys ----------------------------------------------------------------------------------

pub(super) fn owner_was_notified_of_disabling(
    chain: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::Disable { key } = step.action else {
        return None;
    };
    let before = chain
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

pub(super) fn new_key_was_delivered(chain: &Simulation<'_>, step: &Step<'_>) -> Option<String> {
    let Action::Disable { key } = step.action else {
        return None;
    };
    breach_unless(chain.delivered().is_some(), || {
        format!("{key} disabled, but no new key was delivered")
    })
}

pub(super) fn new_key_stands_in(chain: &Simulation<'_>, step: &Step<'_>) -> Option<String> {
    let Action::Disable { key } = step.action else {
        return None;
    };
    let (new, _) = chain.delivered()?;
    let replaces = chain.rotation()?.existing_keys.contains(key);
    breach_unless(new.active && new.id != *key && replaces, || {
        format!("{key} disabled, but {} does not stand in for it", new.id)
    })
}

pub(super) fn new_key_is_proven(chain: &Simulation<'_>, step: &Step<'_>) -> Option<String> {
    let Action::Disable { key } = step.action else {
        return None;
    };
    let (new, delivered_at) = chain.delivered()?;
    let acknowledged = chain.user.tags.get(ACKNOWLEDGED_TAG);
    let is_acknowledged = acknowledged.is_some_and(|id| id == new.id.as_str());
    let is_used = matches!(new.used, Used::Last(_));
    let grace_is_over = chain.now.duration_since(delivered_at) >= chain.timings.grace;
    let is_proven = (is_acknowledged || is_used) && grace_is_over;
    breach_unless(is_proven || chain.is_past_deadline(), || {
        format!("{key} disabled, but {} is not known to be used", new.id)
    })
}

pub(super) fn deleted_key_is_inactive(chain: &Simulation<'_>, step: &Step<'_>) -> Option<String> {
    let Action::Delete { key } = step.action else {
        return None;
    };
    let is_inactive = chain.user.key(key).is_some_and(|key| !key.active);
    breach_unless(is_inactive, || format!("{key} deleted, but it is active"))
}

pub(super) fn deleted_key_had_its_recovery(
    chain: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::Delete { key } = step.action else {
        return None;
    };
    let record = chain.user.record();
    let disabled_at = record.and_then(|record| record.disabled.get(key));
    let recovery = chain.timings.recovery;
    let is_over = disabled_at.is_some_and(|at| chain.now.duration_since(*at) >= recovery);
    breach_unless(is_over, || {
        format!("{key} deleted, but Banto did not disable it {recovery:#} ago")
    })
}

// --- Whole chains ------------------------------------------------------------------------------

pub(super) fn a_usable_key_is_left(chain: &Simulation<'_>) -> Option<String> {
    let keeps_one = chain.keys.values().any(|active| *active);
    let is_excused = chain.steps.iter().any(|step| excuses(chain, step.action));
    breach_unless(keeps_one || is_excused || !had_usable_key(chain), || {
        "would be left without a usable key".to_owned()
    })
}

/// True if an emergency or a hard deadline excuses the loss of a key.
fn excuses(chain: &Simulation<'_>, action: &Action) -> bool {
    match action {
        Action::DisableExposed { .. } => true,
        Action::Disable { .. } => chain.is_past_deadline(),
        _ => false,
    }
}

/// True if a person could use a key before the chain. Nobody has the secret of an orphan.
fn had_usable_key(chain: &Simulation<'_>) -> bool {
    let keys = &chain.user.keys;
    keys.iter()
        .any(|key| key.active && !is_discarded(chain, &key.id))
}

fn is_discarded(chain: &Simulation<'_>, id: &AccessKeyId) -> bool {
    let discard = Action::DiscardOrphan { key: id.clone() };
    chain.steps.iter().any(|step| *step.action == discard)
}

/// The breach, in words, unless the promise is kept.
fn breach_unless(is_kept: bool, what: impl FnOnce() -> String) -> Option<String> {
    (!is_kept).then(what)
}
