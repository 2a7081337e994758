//! The beginning of a rotation: its warning, the new key, and what stands in its way.

use std::collections::BTreeSet;

use banto_domain::AccessKeyId;
use banto_domain::record::Reason;
use jiff::SignedDuration;

use super::action::{Action, OwnerNotice};
use super::draft::{Draft, ids};
use super::finding::{FindingKind, WaitReason};
use crate::event::Mode;
use crate::snapshot::{Certificate, Key};

/// Time in which the same request counts as one: Lambda keeps an asynchronous event that it retries
/// for at most 6 hours. (Lambda developer guide, "Asynchronous invocation".) A queue may deliver a
/// message again for as long as it retains it, up to 14 days; a message that comes again after
/// more than 6 hours is a new request.
const EVENT_LIFE: SignedDuration = SignedDuration::from_hours(6);

/// Warns of a rotation, begins it, or says what stands in its way.
pub(super) fn plan_rotation(draft: &mut Draft<'_>) {
    match (draft.working_keys().as_slice(), draft.mode) {
        ([key], Mode::Force) if was_just_issued(draft, key) => {
            let key = key.id.clone();
            draft.waiting.push(WaitReason::Proof { key });
        }
        ([] | [_], Mode::Force) => issue(draft, Reason::Forced),
        ([], _) => {}
        ([key], _) => rotate_by_age(draft, key),
        (several, _) => find_two_active_keys(draft, several),
    }
}

fn rotate_by_age(draft: &mut Draft<'_>, key: &Key) {
    let age = draft.now.duration_since(key.created_at);
    if age >= draft.timings.rotate_after {
        issue(draft, Reason::Due);
    } else if age >= draft.timings.warning_age() {
        warn(draft, key);
    }
}

/// Finds two active keys, neither of which a rotation is retiring.
fn find_two_active_keys(draft: &mut Draft<'_>, keys: &[&Key]) {
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
    draft.now.duration_since(key.created_at) >= draft.timings.warning_age()
}

/// True if the key is so new that it may answer this very request, come a second time. A request
/// that comes twice issues one key.
fn was_just_issued(draft: &Draft<'_>, key: &Key) -> bool {
    let issued = draft
        .rotation()
        .and_then(|rotation| rotation.issued.as_ref());
    issued.is_some_and(|issued| issued.key == key.id)
        && draft.now.duration_since(key.created_at) < EVENT_LIFE
}

fn warn(draft: &mut Draft<'_>, key: &Key) {
    let (certificate_problem, certificate_expires_at) = match &draft.user.certificate {
        Certificate::Refused { reason, .. } => (Some(reason.clone()), None),
        Certificate::Usable { expires_soon, .. } => (None, *expires_soon),
        Certificate::NotAsked | Certificate::Unknown(_) => (None, None),
    };
    draft.notify_once(OwnerNotice::Warning {
        key: key.id.clone(),
        rotates_at: key.created_at + draft.timings.rotate_after,
        certificate_problem,
        certificate_expires_at,
    });
}

/// Issues a key, if there is room and a certificate to seal it to.
pub(super) fn issue(draft: &mut Draft<'_>, reason: Reason) {
    if draft.keys.len() >= 2 {
        explain_no_room(draft, reason);
        return;
    }
    match &draft.user.certificate {
        Certificate::Usable { fingerprint, .. } => {
            let existing_keys = draft.key_ids();
            draft.actions.push(Action::Issue {
                reason,
                existing_keys: existing_keys.clone(),
                recipient: fingerprint.clone(),
            });
            deliver(draft, reason, &existing_keys);
        }
        Certificate::Refused { code, reason } => ask_for_certificate(draft, code, reason),
        Certificate::Unknown(why) => {
            let why = why.clone();
            draft.waiting.push(WaitReason::CertificateStore { why });
        }
        // The key came of age only while the account was being looked at; the next run asks.
        Certificate::NotAsked => {}
    }
}

fn ask_for_certificate(draft: &mut Draft<'_>, code: &str, reason: &str) {
    let working = draft.working_keys();
    draft.notify_once(OwnerNotice::CertificateProblem {
        key: working.first().map(|key| key.id.clone()),
        code: code.to_owned(),
        reason: reason.to_owned(),
    });
    draft.findings.push(FindingKind::NoCertificate {
        code: code.to_owned(),
        reason: reason.to_owned(),
    });
}

/// Says what takes the second place: IAM allows a user two keys.
fn explain_no_room(draft: &mut Draft<'_>, reason: Reason) {
    let to_be_deleted = key_to_be_deleted(draft);
    match reason {
        // Somebody is without a working key: people must look, even if a place gets free in days.
        Reason::Emergency => {
            let keys = draft.key_ids();
            draft.findings.push(FindingKind::NoRoomForNewKey { keys });
        }
        Reason::Due | Reason::Forced => {
            if to_be_deleted.is_none()
                && let Some(key) = inactive_key_of_others(draft)
            {
                draft
                    .findings
                    .push(FindingKind::InactiveKeyInTheWay { key });
            }
        }
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
    }));
}
