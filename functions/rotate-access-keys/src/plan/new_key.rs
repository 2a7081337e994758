//! The beginning of a rotation: its warning, the new key, and what stands in its way.

use std::collections::BTreeSet;

use banto_domain::AccessKeyId;
use banto_domain::record::{Intent, Reason, Rotation};

use super::action::{Action, Exposed, OwnerNotice};
use super::certificate;
use super::draft::{Draft, ids};
use super::finding::{FindingKind, WaitReason};
use super::retirement;
use crate::event::Mode;
use crate::snapshot::{Certificate, Key, Used};
use crate::trail_times::USAGE_LAG;

/// Most keys that a user may have, active or not. (IAM user guide, "IAM and AWS STS quotas".)
const MAX_KEYS: usize = 2;

/// Warns of a rotation, begins it, or says what stands in its way.
pub(super) fn plan_rotation(draft: &mut Draft<'_>) {
    if let Some(reason) = wanted(draft) {
        issue(draft, reason);
        return;
    }
    match draft.working_keys().as_slice() {
        [] => {}
        [key] => rotate_by_age(draft, key),
        several => find_two_active_keys(draft, several),
    }
}

/// The reason why a new key is wanted whatever the old one's age, if it is.
fn wanted(draft: &Draft<'_>) -> Option<Reason> {
    let owed = draft.record.and_then(|record| record.owed.as_ref());
    if let Some(owed) = owed {
        return Some(owed.reason);
    }
    if let Some(intent) = interrupted_request(draft) {
        return Some(intent.reason);
    }
    is_forced(draft).then_some(Reason::Forced)
}

/// The intent of an interrupted issue that somebody asked for: its key is still to come.
fn interrupted_request<'a>(draft: &Draft<'a>) -> Option<&'a Intent> {
    draft
        .user
        .intent()
        .filter(|intent| intent.reason != Reason::Due)
}

/// True if a new key is asked for, and none was issued since.
fn is_forced(draft: &Draft<'_>) -> bool {
    draft.mode == Mode::Force
        && !draft
            .rotation()
            .is_some_and(|rotation| answers(draft, rotation))
}

/// True if the rotation answers the request of this run: it did so the first time that the request
/// came, or its key is younger than the request.
fn answers(draft: &Draft<'_>, rotation: &Rotation) -> bool {
    let asked = &draft.snapshot.asked;
    rotation.intent.request.as_ref() == Some(&asked.id) || rotation.issued.created_at >= asked.at
}

/// Keeps a request in mind that comes while an earlier rotation is still under way.
pub(super) fn keep_request(draft: &mut Draft<'_>, rotation: &Rotation) {
    if wanted(draft).is_none() {
        return;
    }
    owe(draft, Reason::Forced);
    let key = rotation.issued.key.clone();
    draft.waiting.push(WaitReason::EarlierRotation { key });
}

fn rotate_by_age(draft: &mut Draft<'_>, key: &Key) {
    let age = draft.now.duration_since(key.created_at);
    if age < draft.timings.warning_age() {
        return;
    }
    draft.is_pending = true;
    if is_unused(draft, key) {
        retirement::retire_unused(draft, key);
    } else if age >= draft.timings.rotate_after {
        issue(draft, Reason::Due);
    } else {
        warn(draft, key);
    }
}

/// True if nobody has used the key for as long as the policy says.
fn is_unused(draft: &Draft<'_>, key: &Key) -> bool {
    let Some(limit) = draft.timings.retire_unused_after else {
        return false;
    };
    let since = match &key.used {
        Used::Unknown => return false,
        Used::Never => key.created_at,
        Used::Last(used) => used.at,
    };
    draft.is_past(since, limit + USAGE_LAG)
}

/// Finds two active keys, neither of which a rotation is retiring.
fn find_two_active_keys(draft: &mut Draft<'_>, keys: &[Key]) {
    // A key that a person restored has a finding of its own, and two would say the same. But once
    // both keys near their end neither can be replaced, and people must learn that too.
    let any_restored = keys
        .iter()
        .any(|key| draft.is_disabled_by_us(&key.id) || draft.is_restored(&key.id));
    let all_old = keys.iter().all(|key| nears_end(draft, key));
    if !any_restored || all_old {
        let keys = ids(keys);
        draft.findings.push(FindingKind::TwoActiveKeys { keys });
    }
}

fn nears_end(draft: &Draft<'_>, key: &Key) -> bool {
    draft.is_past(key.created_at, draft.timings.warning_age())
}

fn warn(draft: &mut Draft<'_>, key: &Key) {
    let mut certificate = None;
    let mut certificate_problem = None;
    let mut certificate_expires_at = None;
    match &draft.user.certificate {
        Certificate::Refused { reason, .. } => certificate_problem = Some(reason.clone()),
        Certificate::Usable {
            fingerprint,
            expires_soon,
            ..
        } => {
            certificate = Some(fingerprint.clone());
            certificate_expires_at = *expires_soon;
        }
        Certificate::NotAsked | Certificate::Unknown(_) => {}
    }
    draft.notify_once(OwnerNotice::Warning {
        key: key.id.clone(),
        rotates_at: key.created_at + draft.timings.rotate_after,
        certificate,
        certificate_problem,
        certificate_expires_at,
    });
}

/// The room that there is for a new key.
enum Room {
    Free,
    /// A place is free once this exposed key is deleted.
    ByDeleting(AccessKeyId),
    None,
}

/// Issues a key, if there is room and a certificate to seal it to. If not, a key that was asked for
/// or that an emergency took stays owed.
pub(super) fn issue(draft: &mut Draft<'_>, reason: Reason) {
    draft.is_pending = true;
    let room = room(draft);
    if let Room::None = room {
        explain_no_room(draft, reason);
        owe(draft, reason);
        return;
    }
    match &draft.user.certificate {
        // Owner and operators hear of it; whoever pinned it may be a thief.
        Certificate::Usable { .. } if certificate::grace_ends(draft).is_some() => {
            owe(draft, reason);
        }
        Certificate::Usable { fingerprint, .. } => {
            let recipient = fingerprint.clone();
            if let Room::ByDeleting(key) = room {
                draft.forget_key(&key);
                draft.actions.push(Action::DeleteExposed { key });
            }
            let existing_keys = draft.key_ids();
            draft.actions.push(Action::Issue {
                reason,
                request: request_of(draft, reason),
                existing_keys: existing_keys.clone(),
                recipient,
            });
            deliver(draft, reason, &existing_keys);
        }
        Certificate::Refused { code, reason: why } => {
            owe(draft, reason);
            ask_for_certificate(draft, reason, code, why);
        }
        Certificate::Unknown(why) => {
            let why = why.clone();
            draft.waiting.push(WaitReason::CertificateStore { why });
            owe(draft, reason);
        }
        // The key came of age only while the account was being looked at; the next run asks.
        Certificate::NotAsked => {}
    }
}

fn room(draft: &Draft<'_>) -> Room {
    if draft.keys.len() < MAX_KEYS {
        return Room::Free;
    }
    let mut exposed = draft.keys.iter();
    match exposed.find(|key| draft.exposed.contains(&key.id)) {
        Some(key) => Room::ByDeleting(key.id.clone()),
        None => Room::None,
    }
}

/// The request that a new key answers.
fn request_of(draft: &Draft<'_>, reason: Reason) -> Option<String> {
    let owed = draft.record.and_then(|record| record.owed.as_ref());
    if let Some(owed) = owed {
        return Some(owed.request.clone());
    }
    let interrupted = interrupted_request(draft).and_then(|intent| intent.request.clone());
    match reason {
        Reason::Due => None,
        Reason::Forced | Reason::Emergency => {
            interrupted.or_else(|| Some(draft.snapshot.asked.id.clone()))
        }
    }
}

/// Has it recorded that the user is to get a key, unless it is.
fn owe(draft: &mut Draft<'_>, reason: Reason) {
    let is_recorded = draft.record.is_some_and(|record| record.owed.is_some());
    let is_being_recorded = draft.does(|action| {
        matches!(
            action,
            Action::DisableExposed(Exposed { owed: true, .. }) | Action::Owe { .. }
        )
    });
    if reason == Reason::Due || is_recorded || is_being_recorded {
        return;
    }
    let asked = &draft.snapshot.asked;
    let interrupted = interrupted_request(draft);
    let request = interrupted.and_then(|intent| intent.request.clone());
    draft.actions.push(Action::Owe {
        reason,
        request: request.unwrap_or_else(|| asked.id.clone()),
        asked_at: interrupted.map_or(asked.at, |intent| intent.intended_at),
    });
}

fn ask_for_certificate(draft: &mut Draft<'_>, issued_for: Reason, code: &str, reason: &str) {
    let (code, reason) = (code.to_owned(), reason.to_owned());
    let working = draft.working_keys();
    draft.findings.push(FindingKind::NoCertificate {
        code: code.clone(),
        reason: reason.clone(),
    });
    if let (Reason::Due, [key]) = (issued_for, working.as_slice())
        && retirement::end_unregistered(draft, key, &reason)
    {
        return;
    }
    draft.notify_weekly(OwnerNotice::CertificateProblem {
        key: working.first().map(|key| key.id.clone()),
        code,
        reason,
    });
}

/// Says what takes the second place: IAM allows a user two keys.
fn explain_no_room(draft: &mut Draft<'_>, reason: Reason) {
    let to_be_deleted = key_to_be_deleted(draft);
    let working = draft.working_keys();
    if reason == Reason::Emergency {
        // Somebody is without a working key: people must look, even if a place gets free in days.
        let keys = draft.key_ids();
        draft.findings.push(FindingKind::NoRoomForNewKey { keys });
    } else if working.len() >= MAX_KEYS {
        let keys = ids(&working);
        draft.findings.push(FindingKind::TwoActiveKeys { keys });
    } else if to_be_deleted.is_none()
        && let Some(key) = inactive_key_of_others(draft)
    {
        draft
            .findings
            .push(FindingKind::InactiveKeyInTheWay { key });
    }
    if let Some(key) = to_be_deleted {
        draft.waiting.push(WaitReason::Deletion { key });
    }
}

/// The oldest inactive key that Banto disabled, and will delete.
fn key_to_be_deleted(draft: &Draft<'_>) -> Option<AccessKeyId> {
    let mut keys = draft.keys.iter();
    let key = keys.find(|key| !key.active && draft.is_disabled_by_us(&key.id))?;
    Some(key.id.clone())
}

/// The oldest inactive key that Banto did not disable.
fn inactive_key_of_others(draft: &Draft<'_>) -> Option<AccessKeyId> {
    let mut keys = draft.keys.iter();
    let key = keys.find(|key| !key.active && !draft.is_disabled_by_us(&key.id))?;
    Some(key.id.clone())
}

/// Notifies the owner of the new key; with its envelope, if no old key works to fetch it with.
pub(super) fn deliver(
    draft: &mut Draft<'_>,
    reason: Reason,
    existing_keys: &BTreeSet<AccessKeyId>,
) {
    let mut old = draft.working_keys();
    old.retain(|key| existing_keys.contains(&key.id));
    draft.actions.push(Action::NotifyOwner(OwnerNotice::Issued {
        reason,
        carry_envelope: old.is_empty(),
        old: ids(&old),
        deadline_days: draft.timings.deadline.map(whole_days),
    }));
}

fn whole_days(time: jiff::SignedDuration) -> i64 {
    time.as_hours() / 24
}
