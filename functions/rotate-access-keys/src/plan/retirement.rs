//! The end of an old key: it is disabled once the new one is proven, and deleted when nobody missed
//! it.

use banto_domain::AccessKeyId;
use banto_domain::record::Rotation;
use jiff::{SignedDuration, Timestamp};

use super::action::{Action, DisableReason, OwnerNotice};
use super::draft::Draft;
use super::finding::{FindingKind, WaitReason};
use crate::snapshot::{Key, Used};

/// Time since the new key was delivered after which operators are told that it is unused, where the
/// policy sets no deadline. Two weeks outlast most holidays; much later, an owner may have
/// forgotten that there is a new key.
const UNUSED_AFTER: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Time by which a reminder may be late and still counts as given in full. Daily runs don't start
/// on the same second: a reminder given some seconds late would otherwise put off by a whole day
/// what it announced.
const RUN_JITTER: SignedDuration = SignedDuration::from_hours(1);

/// Waits for proof that the new key is used, then disables the old ones.
pub(super) fn retire_old_keys(
    draft: &mut Draft<'_>,
    rotation: &Rotation,
    new: &Key,
    delivered_at: Timestamp,
) {
    for old in keys_to_disable(draft, rotation, new) {
        plan_disabling(draft, old, new, delivered_at);
    }
}

/// The old keys of a rotation that were never disabled.
fn keys_to_disable<'a>(draft: &Draft<'a>, rotation: &Rotation, new: &Key) -> Vec<&'a Key> {
    let mut keys = draft.keys.clone();
    keys.retain(|key| rotation.existing_keys.contains(&key.id) && key.id != new.id);
    keys.retain(|key| !draft.is_disabled_by_us(&key.id) && !draft.is_restored(&key.id));
    keys.retain(|key| !draft.is_disabled_as_exposed(&key.id));
    keys
}

/// Disables an old key once the new one is proven and its grace is over, or at the deadline.
fn plan_disabling(draft: &mut Draft<'_>, old: &Key, new: &Key, delivered_at: Timestamp) {
    match (proof_of(draft, new), draft.timings.deadline) {
        (Some(reason), _) if draft.now >= delivered_at + draft.timings.grace => {
            disable(draft, old, reason);
        }
        (None, Some(deadline)) => approach_deadline(draft, old, new, delivered_at + deadline),
        (None, None) if draft.now >= delivered_at + UNUSED_AFTER => {
            let key = new.id.clone();
            draft.findings.push(FindingKind::NewKeyUnused { key });
        }
        (Some(_) | None, _) => wait_for_proof_or_grace(draft, new),
    }
}

/// The proof that the owner has the new key, if there is any.
fn proof_of(draft: &Draft<'_>, new: &Key) -> Option<DisableReason> {
    if matches!(new.used, Used::Last(_)) {
        return Some(DisableReason::NewKeyUsed);
    }
    draft
        .is_acknowledged(&new.id)
        .then_some(DisableReason::Acknowledged)
}

/// Reminds of the deadline, then disables.
fn approach_deadline(draft: &mut Draft<'_>, old: &Key, new: &Key, deadline: Timestamp) {
    let lead = draft.timings.remind_before;
    let reminder = OwnerNotice::WillBeDisabled {
        key: old.id.clone(),
        at: deadline.max(draft.now + lead),
    };
    match draft.notified_at(&reminder) {
        None if draft.now >= deadline - lead => draft.notify_once(reminder),
        Some(reminded_at) if is_over(draft, deadline, reminded_at) => {
            disable(draft, old, DisableReason::Deadline);
        }
        None | Some(_) => wait_for_proof_or_grace(draft, new),
    }
}

/// True if a date has come, and its reminder was given long enough before.
fn is_over(draft: &Draft<'_>, at: Timestamp, reminded_at: Timestamp) -> bool {
    let reminder_lasts_until = reminded_at + draft.timings.remind_before - RUN_JITTER;
    draft.now >= at && draft.now >= reminder_lasts_until
}

fn wait_for_proof_or_grace(draft: &mut Draft<'_>, new: &Key) {
    let key = new.id.clone();
    draft.waiting.push(WaitReason::Proof { key });
}

fn disable(draft: &mut Draft<'_>, old: &Key, reason: DisableReason) {
    let key = old.id.clone();
    draft.notify_once(OwnerNotice::Disabling {
        key: key.clone(),
        reason,
        restorable_until: draft.now + draft.timings.recovery,
    });
    draft.actions.push(Action::Disable { key });
}

/// Follows up every key that Banto disabled: leads it to its deletion, or, if a person has made it
/// active again, records that and finds it.
pub(super) fn follow_up_disabled_keys(draft: &mut Draft<'_>) {
    let Some(record) = draft.record else { return };
    for (id, disabled_at) in &record.disabled {
        match draft.key(id) {
            None => {}
            Some(key) if !key.active => plan_deletion(draft, key, *disabled_at),
            Some(key) if draft.is_working(key) => {
                let key = id.clone();
                draft.actions.push(Action::SaveRestored { key });
                add_restored(draft, id);
            }
            // It is active, but exposed: this chain disables it again.
            Some(_) => {}
        }
    }
    // A restored key stays a finding until a person disables or deletes it.
    for id in &record.restored {
        if draft.key(id).is_some_and(|key| key.active) {
            add_restored(draft, id);
        }
    }
}

fn add_restored(draft: &mut Draft<'_>, id: &AccessKeyId) {
    let key = id.clone();
    draft.findings.push(FindingKind::Restored { key });
}

/// Reminds of the deletion, then deletes.
fn plan_deletion(draft: &mut Draft<'_>, key: &Key, disabled_at: Timestamp) {
    let lead = draft.timings.remind_before;
    let due_at = disabled_at + draft.timings.recovery;
    let reminder = OwnerNotice::WillBeDeleted {
        key: key.id.clone(),
        at: due_at.max(draft.now + lead),
    };
    match draft.notified_at(&reminder) {
        None if draft.now >= due_at - lead => draft.notify_once(reminder),
        Some(reminded_at) if is_over(draft, due_at, reminded_at) => delete(draft, &key.id),
        None | Some(_) => {}
    }
}

fn delete(draft: &mut Draft<'_>, id: &AccessKeyId) {
    draft.notify_once(OwnerNotice::Deleting { key: id.clone() });
    draft.actions.push(Action::Delete { key: id.clone() });
    draft.forget_key(id);
}
