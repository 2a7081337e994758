//! The end of an old key: it is disabled once the new one is proven and the old one has rested, and
//! deleted when nobody missed it.

use banto_domain::AccessKeyId;
use banto_domain::record::{Record, Rotation};
use jiff::{SignedDuration, Timestamp};

use super::action::{Action, DisableReason, OwnerNotice};
use super::draft::{Draft, last_use};
use super::finding::{FindingKind, WaitReason};
use crate::snapshot::{Key, Used};
use crate::trail_times::USAGE_LAG;

/// Time after which operators are told that a rotation makes no progress: that the new key is
/// unused, where the policy sets no deadline, or that the old one is still in use. Two weeks
/// outlast most holidays; much later, an owner may have forgotten that there is a new key.
const NO_PROGRESS_AFTER: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Time by which a reminder may be late and still counts as given in full. Daily runs don't start
/// on the same second: a reminder given some seconds late would otherwise put off by a whole day
/// what it announced.
const RUN_JITTER: SignedDuration = SignedDuration::from_hours(1);

/// Proof that the owner has the new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Proof {
    reason: DisableReason,
    at: Timestamp,
}

/// Waits for proof that the new key is used, then disables the old ones.
pub(super) fn retire_old_keys(
    draft: &mut Draft<'_>,
    rotation: &Rotation,
    new: &Key,
    delivered_at: Timestamp,
) {
    let proof = proof_of(draft, rotation, new);
    if let Some(Proof { at, .. }) = proof
        && rotation.proven_at.is_none()
    {
        draft.actions.push(Action::SaveProof { at });
    }
    let old_keys = keys_to_disable(draft, rotation, new);
    draft.is_pending |= !old_keys.is_empty() || proof.is_none();
    for old in old_keys {
        plan_disabling(draft, &old, new, delivered_at, proof);
    }
}

/// The old keys of a rotation that were never disabled.
fn keys_to_disable(draft: &Draft<'_>, rotation: &Rotation, new: &Key) -> Vec<Key> {
    let mut keys = draft.keys.clone();
    keys.retain(|key| rotation.intent.existing_keys.contains(&key.id) && key.id != new.id);
    keys.retain(|key| !draft.is_disabled_by_us(&key.id) && !draft.is_restored(&key.id));
    keys.retain(|key| !draft.exposed.contains(&key.id) && !is_being_saved(draft, key));
    keys
}

fn is_being_saved(draft: &Draft<'_>, key: &Key) -> bool {
    let key = key.id.clone();
    draft.actions.contains(&Action::SaveDisabled { key })
}

/// Disables an old key once the new one is proven, the old one has rested and its grace is over, or
/// at the deadline.
fn plan_disabling(
    draft: &mut Draft<'_>,
    old: &Key,
    new: &Key,
    delivered_at: Timestamp,
    proof: Option<Proof>,
) {
    let grace_is_over = draft.is_past(delivered_at, draft.timings.grace);
    match (proof, draft.timings.deadline) {
        (Some(proof), _) if grace_is_over && has_rested(draft, old, proof) => {
            disable(draft, old, Some(&new.id), proof.reason);
        }
        (_, Some(deadline)) if comes_near(draft, delivered_at + deadline) => {
            approach_deadline(draft, old, new, delivered_at + deadline);
        }
        (Some(proof), _) => wait_for_rest(draft, old, proof),
        (None, None) if draft.is_past(delivered_at, NO_PROGRESS_AFTER) => {
            let key = new.id.clone();
            draft.findings.push(FindingKind::NewKeyUnused { key });
        }
        (None, _) => {
            let key = new.id.clone();
            draft.waiting.push(WaitReason::Proof { key });
        }
    }
}

/// The proof that the owner has the new key, if there is any.
fn proof_of(draft: &Draft<'_>, rotation: &Rotation, new: &Key) -> Option<Proof> {
    let reason = match &new.used {
        Used::Last(_) => DisableReason::NewKeyUsed,
        Used::Never | Used::Unknown if draft.is_acknowledged(&new.id) => {
            DisableReason::Acknowledged
        }
        // An earlier run saw the proof: a use is not taken back.
        Used::Never | Used::Unknown if rotation.proven_at.is_some() => DisableReason::NewKeyUsed,
        Used::Never | Used::Unknown => return None,
    };
    let first_known = last_use(new).map_or(draft.now, |used| used.at);
    let at = rotation.proven_at.unwrap_or(first_known);
    Some(Proof { reason, at })
}

/// True if nobody has used the old key for long enough, since the new one was first used. Uses show
/// hours late, and those count as if there might have been one (R7).
fn has_rested(draft: &Draft<'_>, old: &Key, proof: Proof) -> bool {
    let rests_since = match &old.used {
        Used::Unknown if old.active => return false,
        Used::Unknown | Used::Never => proof.at,
        Used::Last(used) => used.at.max(proof.at),
    };
    draft.is_past(rests_since, draft.timings.rest + USAGE_LAG)
}

fn wait_for_rest(draft: &mut Draft<'_>, old: &Key, proof: Proof) {
    let key = old.id.clone();
    match &old.used {
        Used::Unknown if old.active => draft.waiting.push(WaitReason::Usage { key }),
        Used::Last(used) if used.at > proof.at && draft.is_past(proof.at, NO_PROGRESS_AFTER) => {
            let last_use = used.clone();
            draft
                .findings
                .push(FindingKind::OldKeyInUse { key, last_use });
        }
        Used::Unknown | Used::Never | Used::Last(_) => {
            let last_use = last_use(old);
            draft.waiting.push(WaitReason::Rest { key, last_use });
        }
    }
}

/// True if it is time for the reminder of a date.
fn comes_near(draft: &Draft<'_>, at: Timestamp) -> bool {
    draft.now >= at - draft.timings.remind_before
}

/// Reminds of the deadline, then disables.
fn approach_deadline(draft: &mut Draft<'_>, old: &Key, new: &Key, deadline: Timestamp) {
    let lead = draft.timings.remind_before;
    let reminder = OwnerNotice::WillBeDisabled {
        key: old.id.clone(),
        at: deadline.max(draft.now + lead),
        last_use: last_use(old),
    };
    remind_then(draft, reminder, deadline, old, |draft| {
        disable(draft, old, Some(&new.id), DisableReason::Deadline);
    });
}

/// Gives a reminder, and does what it announced once its lead is over.
fn remind_then(
    draft: &mut Draft<'_>,
    reminder: OwnerNotice,
    at: Timestamp,
    key: &Key,
    act: impl FnOnce(&mut Draft<'_>),
) {
    match draft.notified_at(&reminder) {
        None => draft.notify_once(reminder),
        Some(reminded_at) if is_over(draft, at, reminded_at) => act(draft),
        Some(_) => {
            let key = key.id.clone();
            draft.waiting.push(WaitReason::Reminded { key, at });
        }
    }
}

/// True if a date has come, and its reminder was given long enough before.
fn is_over(draft: &Draft<'_>, at: Timestamp, reminded_at: Timestamp) -> bool {
    let reminder_lasts_until = reminded_at + draft.timings.remind_before - RUN_JITTER;
    draft.now >= at && draft.now >= reminder_lasts_until
}

/// Reminds the owner that a key which nobody uses ends, then disables it. No new one is issued: a
/// key that nobody needs is one too many.
pub(super) fn retire_unused(draft: &mut Draft<'_>, key: &Key) {
    let lead = draft.timings.remind_before;
    let due_at = key.created_at + draft.timings.rotate_after;
    let reminder = OwnerNotice::WillBeRetired {
        key: key.id.clone(),
        at: due_at.max(draft.now + lead),
        last_use: last_use(key),
    };
    remind_then(draft, reminder, due_at, key, |draft| {
        disable(draft, key, None, DisableReason::Unused);
    });
}

fn disable(
    draft: &mut Draft<'_>,
    old: &Key,
    stand_in: Option<&AccessKeyId>,
    reason: DisableReason,
) {
    let key = old.id.clone();
    draft.notify_once(OwnerNotice::Disabling {
        key: key.clone(),
        reason,
        restorable_until: draft.now + draft.timings.recovery,
        last_use: last_use(old),
    });
    let stand_in = stand_in.cloned();
    draft.actions.push(Action::Disable {
        key,
        stand_in,
        reason,
    });
}

/// Follows up every key that Banto disabled: leads it to its deletion, or, if a person has made it
/// active again, records that and finds it.
pub(super) fn follow_up_disabled_keys(draft: &mut Draft<'_>) {
    let Some(record) = draft.record else { return };
    save_unrecorded(draft, record);
    for (id, disabled_at) in &record.disabled {
        let Some(key) = draft.key(id).cloned() else {
            continue;
        };
        if !key.active {
            plan_deletion(draft, &key, *disabled_at);
        } else if draft.is_working(&key) {
            let key = id.clone();
            draft.actions.push(Action::SaveRestored { key });
            add_restored(draft, id);
        }
        // One that is active and exposed is disabled again by this chain.
    }
    // A restored key stays a finding until a person disables or deletes it.
    for id in &record.restored {
        if draft.key(id).is_some_and(|key| draft.is_working(key)) {
            add_restored(draft, id);
        }
    }
}

/// Records what an earlier run disabled and did not get to record. Its owner was notified just
/// before.
fn save_unrecorded(draft: &mut Draft<'_>, record: &Record) {
    for key in draft.keys.clone() {
        let was_announced = record
            .notified
            .contains_key(&format!("disabling:{}", key.id));
        let is_known = record.disabled.contains_key(&key.id) || draft.is_restored(&key.id);
        if !key.active && was_announced && !is_known {
            let key = key.id;
            draft.is_pending = true;
            draft.actions.push(Action::SaveDisabled { key });
        }
    }
}

fn add_restored(draft: &mut Draft<'_>, id: &AccessKeyId) {
    let key = id.clone();
    draft.findings.push(FindingKind::Restored { key });
}

/// Reminds of the deletion, then deletes.
fn plan_deletion(draft: &mut Draft<'_>, key: &Key, disabled_at: Timestamp) {
    draft.is_pending = true;
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
    draft.is_pending = false;
    draft.notify_once(OwnerNotice::Deleting { key: id.clone() });
    draft.actions.push(Action::Delete { key: id.clone() });
    draft.forget_key(id);
}
