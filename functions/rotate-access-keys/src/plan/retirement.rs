//! The end of an old key: it is disabled once the new one is proven and the old one has rested, and
//! deleted when nobody missed it.

use std::collections::BTreeSet;

use banto_domain::AccessKeyId;
use banto_domain::record::{Record, Rotation};
use jiff::{SignedDuration, Timestamp};

use super::action::{Action, DisableReason, OwnerNotice};
use super::draft::{Draft, ids, last_use};
use super::finding::{FindingKind, WaitReason};
use super::lateness::WEEK;
use crate::snapshot::{Key, Used};
use crate::trail_times::{RUN_JITTER, USAGE_LAG, shifted};

/// Time after which operators are told that a rotation makes no progress: that the new key is
/// unused, or that the old one is still in use. Two weeks
/// outlast most holidays; much later, an owner may have forgotten that there is a new key.
const NO_PROGRESS_AFTER: SignedDuration = SignedDuration::from_hours(14 * 24);

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
    if old_keys.is_empty() && proof.is_none() {
        wait_for_proof(draft, new, delivered_at, None);
    }
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

/// True if this chain records the key as disabled.
pub(super) fn is_being_saved(draft: &Draft<'_>, key: &Key) -> bool {
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
    if let Some(proof) = proof
        && grace_is_over
        && has_rested(draft, old, proof)
    {
        disable(draft, old, Some(&new.id), proof.reason);
        return;
    }
    let deadline = deadline(draft, new, delivered_at, proof);
    if let Some(deadline) = deadline {
        match remind_of_deadline(draft, old, deadline) {
            Reminder::Over => {
                return disable(draft, old, Some(&new.id), DisableReason::Deadline);
            }
            Reminder::Given(end) => {
                wait_for_date(draft, old, end);
                return find_lateness(draft, old, new, delivered_at, proof, deadline);
            }
            Reminder::NotYet => {}
        }
    }
    match proof {
        Some(proof) => wait_for_rest(draft, old, proof),
        None => wait_for_proof(draft, new, delivered_at, deadline),
    }
}

/// The moment at which the old key ends, whoever uses it. It is counted from when the owner was
/// known to be reached: nobody loses a key by a message that may have reached nobody.
fn deadline(
    draft: &Draft<'_>,
    new: &Key,
    delivered_at: Timestamp,
    proof: Option<Proof>,
) -> Option<Timestamp> {
    let reached_at = draft.reached_at(&new.id);
    let evidence = reached_at.into_iter().chain(proof.map(|proof| proof.at));
    let evidence = evidence.min()?.max(delivered_at);
    Some(shifted(evidence, draft.timings.deadline?))
}

/// Finds what is late though its end is announced: operators learn why.
fn find_lateness(
    draft: &mut Draft<'_>,
    old: &Key,
    new: &Key,
    delivered_at: Timestamp,
    proof: Option<Proof>,
    deadline: Timestamp,
) {
    let _is_late = match proof {
        Some(proof) => find_old_key_in_use(draft, old, proof),
        None => find_new_key_unused(draft, new, delivered_at, Some(deadline)),
    };
}

/// Waits for the new key's first use, and tells owner and operators week by week.
fn wait_for_proof(
    draft: &mut Draft<'_>,
    new: &Key,
    delivered_at: Timestamp,
    deadline: Option<Timestamp>,
) {
    let key = new.id.clone();
    if draft.is_past(delivered_at, WEEK - RUN_JITTER) {
        draft.notify_weekly(OwnerNotice::NotFetched {
            key: key.clone(),
            old: other_keys(draft, new),
        });
    }
    if !find_new_key_unused(draft, new, delivered_at, deadline) {
        draft.waiting.push(WaitReason::Proof { key });
    }
}

/// Finds that the new key has been unused for long. False if it has not been so long.
fn find_new_key_unused(
    draft: &mut Draft<'_>,
    new: &Key,
    delivered_at: Timestamp,
    old_key_ends: Option<Timestamp>,
) -> bool {
    let is_late = draft.is_past(delivered_at, NO_PROGRESS_AFTER);
    if is_late {
        draft.findings.push(FindingKind::NewKeyUnused {
            reached: draft.reached_at(&new.id).is_some(),
            key: new.id.clone(),
            has_old_key: !other_keys(draft, new).is_empty(),
            old_key_ends,
        });
    }
    is_late
}

/// The other keys of the user that work.
fn other_keys(draft: &Draft<'_>, new: &Key) -> BTreeSet<AccessKeyId> {
    let mut other = ids(&draft.working_keys());
    other.remove(&new.id);
    other
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
        _ if find_old_key_in_use(draft, old, proof) => {}
        Used::Unknown | Used::Never | Used::Last(_) => {
            let last_use = last_use(old);
            draft.waiting.push(WaitReason::Rest { key, last_use });
        }
    }
}

/// Finds that the old key has been in use for long beside the new one. False if it has not.
fn find_old_key_in_use(draft: &mut Draft<'_>, old: &Key, proof: Proof) -> bool {
    let Used::Last(used) = &old.used else {
        return false;
    };
    let is_late = used.at > proof.at && draft.is_past(proof.at, NO_PROGRESS_AFTER);
    if is_late {
        draft.findings.push(FindingKind::OldKeyInUse {
            key: old.id.clone(),
            last_use: used.clone(),
        });
    }
    is_late
}

/// The state of the reminders of an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reminder {
    /// It is too early for the first.
    NotYet,
    /// The end is still to come, at this moment.
    Given(Timestamp),
    /// The end has come, and was reminded of.
    Over,
}

/// Gives the reminder of an end that is due, unless an earlier run did. An end comes after so much
/// time altogether. `notice` makes a reminder with the days that are left, and the end's date.
///
/// The first reminder leads by the longest time, however late it is, and no end comes before the
/// dates that were announced.
fn remind(
    draft: &mut Draft<'_>,
    end: Timestamp,
    time: SignedDuration,
    notice: impl Fn(i64, Timestamp) -> OwnerNotice,
) -> Reminder {
    let leads: Vec<_> = draft.timings.reminders_within(time).collect();
    let given: Vec<_> = leads
        .iter()
        .filter_map(|lead| given_at(draft, *lead, &notice).map(|at| (*lead, at)))
        .collect();
    let announced = given
        .iter()
        .map(|(lead, at)| shifted(*at, *lead - RUN_JITTER));
    let end = announced.fold(end, Timestamp::max);
    let is_near = |lead: &&SignedDuration| draft.now >= shifted(end, -**lead);
    let due = if given.is_empty() {
        leads.first().filter(is_near)
    } else {
        leads.iter().filter(is_near).min()
    };
    let Some(lead) = due.copied() else {
        let was_given = !given.is_empty();
        return if was_given {
            Reminder::Given(end)
        } else {
            Reminder::NotYet
        };
    };
    if !given.iter().any(|(of, _)| *of == lead) {
        let at = end.max(shifted(draft.now, lead));
        draft
            .actions
            .push(Action::NotifyOwner(notice(days(lead), at)));
        return Reminder::Given(at);
    }
    let last = draft.timings.last_reminder();
    if lead == last && draft.now >= end {
        Reminder::Over
    } else {
        Reminder::Given(end)
    }
}

/// The moment at which a reminder with this lead was given, if that was for this end: what was
/// announced for a date that is over for a week came to nothing, as during an exemption.
fn given_at(
    draft: &Draft<'_>,
    lead: SignedDuration,
    notice: &impl Fn(i64, Timestamp) -> OwnerNotice,
) -> Option<Timestamp> {
    let at = draft.notified_at(&notice(days(lead), draft.now))?;
    (draft.now < shifted(at, lead + WEEK)).then_some(at)
}

fn days(lead: SignedDuration) -> i64 {
    lead.as_hours() / 24
}

fn remind_of_deadline(draft: &mut Draft<'_>, old: &Key, deadline: Timestamp) -> Reminder {
    let (key, last_use) = (old.id.clone(), last_use(old));
    let time = draft.timings.deadline.unwrap_or(SignedDuration::MAX);
    remind(draft, deadline, time, |days, at| {
        OwnerNotice::WillBeDisabled {
            key: key.clone(),
            at,
            days,
            last_use: last_use.clone(),
        }
    })
}

fn wait_for_date(draft: &mut Draft<'_>, key: &Key, at: Timestamp) {
    let key = key.id.clone();
    draft.waiting.push(WaitReason::Reminded { key, at });
}

/// Reminds the owner that a key which nobody uses ends, then disables it. No new one is issued: a
/// key that nobody needs is one too many.
pub(super) fn retire_unused(draft: &mut Draft<'_>, key: &Key) {
    let end = shifted(key.created_at, draft.timings.rotate_after);
    let (id, used) = (key.id.clone(), last_use(key));
    // The run that warns is the first that looks.
    let time = draft.timings.warn_before + RUN_JITTER;
    let reminder = remind(draft, end, time, |days, at| OwnerNotice::WillBeRetired {
        key: id.clone(),
        at,
        days,
        last_use: used.clone(),
    });
    match reminder {
        Reminder::NotYet => {}
        Reminder::Given(end) => wait_for_date(draft, key, end),
        Reminder::Over => disable(draft, key, None, DisableReason::Unused),
    }
}

/// Reminds the owner of the end of a key that can't be replaced, as no usable certificate is
/// registered, then disables it. False if that end is not near, or never comes: the policy may say
/// so, and nobody loses a key who was not reached.
pub(super) fn end_unregistered(draft: &mut Draft<'_>, key: &Key, reason: &str) -> bool {
    let Some(time) = draft.timings.disable_unregistered_after else {
        return false;
    };
    let Some(reached_at) = draft.asked_at(&key.id) else {
        return false;
    };
    let due_at = shifted(key.created_at, draft.timings.rotate_after);
    let end = shifted(due_at.max(reached_at), time);
    let id = key.id.clone();
    let reminder = remind(draft, end, time, |days, at| {
        OwnerNotice::WillEndUnregistered {
            key: id.clone(),
            at,
            days,
            reason: reason.to_owned(),
        }
    });
    match reminder {
        Reminder::NotYet => return false,
        Reminder::Given(end) => wait_for_date(draft, key, end),
        Reminder::Over => disable(draft, key, None, DisableReason::Unregistered),
    }
    true
}

/// Notifies the owner of the end of a key, and disables it.
pub(super) fn disable(
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
    let end = shifted(disabled_at, draft.timings.recovery);
    let id = key.id.clone();
    let reminder = remind(draft, end, draft.timings.recovery, |days, at| {
        OwnerNotice::WillBeDeleted {
            key: id.clone(),
            at,
            days,
        }
    });
    if reminder == Reminder::Over {
        delete(draft, &key.id);
    }
}

fn delete(draft: &mut Draft<'_>, id: &AccessKeyId) {
    draft.is_pending = false;
    draft.notify_once(OwnerNotice::Deleting { key: id.clone() });
    draft.actions.push(Action::Delete { key: id.clone() });
    draft.forget_key(id);
}
