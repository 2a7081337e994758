//! The certificate that counts as the user's: its pin is old enough, or somebody vouches for it.
//!
//! Whoever holds a user's key may pin and store a certificate in the user's name, and would receive
//! the next key. So a new certificate counts at once only if the one that counted certified it, if
//! an operator approves it, or if the user has no key that could be stolen. Else it counts days
//! later, and owner and operators hear of it meanwhile (R8).

use std::collections::BTreeSet;

use banto_domain::Fingerprint;
use banto_domain::record::{Reason, Rotation};
use jiff::Timestamp;

use super::action::{Action, OwnerNotice};
use super::draft::Draft;
use super::finding::{FindingKind, WaitReason};
use crate::event::Mode;
use crate::snapshot::{Certificate, Key, PIN_TAG, Used};
use crate::trail_times::{RUN_JITTER, shifted};

/// Keeps what the certificate says of itself, and tells of one that does not count yet.
pub(super) fn follow(draft: &mut Draft<'_>) {
    forget_former_pins(draft);
    save(draft);
    approve(draft);
    let Some(until) = grace_ends(draft) else {
        return;
    };
    let Certificate::Usable { fingerprint, .. } = &draft.user.certificate else {
        return;
    };
    let certificate = fingerprint.clone();
    let stored_since = stored_since(draft);
    let replaces = pinned(draft).cloned();
    let notice = OwnerNotice::NewCertificate {
        certificate: certificate.clone(),
        replaces: replaces.clone(),
        counts_from: until,
    };
    // One that was put back since is new again.
    let told_at = draft.notified_at(&notice);
    if told_at.is_none_or(|told_at| told_at < stored_since) {
        draft.actions.push(Action::NotifyOwner(notice));
    }
    draft.findings.push(FindingKind::NewCertificate {
        certificate: certificate.clone(),
        replaces,
        stored_since,
        counts_from: until,
    });
    draft
        .waiting
        .push(WaitReason::PinGrace { certificate, until });
}

/// The moment from which the usable certificate counts; `None` if it does so now.
pub(super) fn grace_ends(draft: &Draft<'_>) -> Option<Timestamp> {
    let Certificate::Usable {
        fingerprint,
        certified,
        ..
    } = &draft.user.certificate
    else {
        return None;
    };
    let pinned = pinned(draft);
    let is_approved = draft.snapshot.approved.as_ref() == Some(fingerprint);
    if pinned == Some(fingerprint) || *certified || is_approved {
        return None;
    }
    let since = match pinned {
        None if is_newcomer(draft) => return None,
        None => stored_since(draft),
        Some(_) => told_at(draft, fingerprint),
    };
    let ends = shifted(since, draft.pin_grace);
    (draft.now < shifted(ends, -RUN_JITTER)).then_some(ends)
}

/// The moment since which the usable certificate has been stored.
fn stored_since(draft: &Draft<'_>) -> Timestamp {
    match &draft.user.certificate {
        Certificate::Usable { stored_since, .. } => stored_since.unwrap_or(draft.now),
        _ => draft.now,
    }
}

fn pinned<'a>(draft: &Draft<'a>) -> Option<&'a Fingerprint> {
    draft.record.and_then(|record| record.pinned())
}

/// True if nobody can hold a key of the user, or have held one that was exposed.
fn is_newcomer(draft: &Draft<'_>) -> bool {
    let has_active = draft.user.keys.iter().any(|key| key.active);
    let was_exposed = draft.record.is_some_and(|record| {
        let owed = record.owed.as_ref();
        !record.exposed.is_empty()
            || record.emergency.is_some()
            || owed.is_some_and(|owed| owed.reason == Reason::Emergency)
    });
    !has_active && !was_exposed && draft.exposed.is_empty() && draft.mode != Mode::Emergency
}

/// The moment since which owner and operators know of a certificate: now, if they do not know of
/// this one, or not that it was put back.
fn told_at(draft: &Draft<'_>, certificate: &Fingerprint) -> Timestamp {
    let told = draft.record.map(|record| &record.notified);
    let at = |id: String| told.and_then(|told| told.get(&id)).copied();
    let owner = at(format!("{}{certificate}", OwnerNotice::NEW_CERTIFICATE));
    let operators = at(format!("{}{certificate}", FindingKind::NEW_CERTIFICATE));
    let since = stored_since(draft);
    match owner.zip(operators) {
        Some((owner, operators)) if owner >= since && operators >= since => owner.max(operators),
        _ => draft.now,
    }
}

/// Forgets that people were told of certificates that the user pins no more. If one is pinned
/// again, they are told again and its grace begins anew, though the file may have stayed all the
/// while.
fn forget_former_pins(draft: &mut Draft<'_>) {
    let Some(record) = draft.record else {
        return;
    };
    let tag = draft.user.tags.get(PIN_TAG);
    let pin = tag.and_then(|tag| Fingerprint::from_human(tag).ok());
    let pin = pin.as_ref().map(Fingerprint::as_str);
    let mut ids = BTreeSet::new();
    for id in record.notified.keys() {
        if certificate_in_news(id).is_some_and(|certificate| pin != Some(certificate)) {
            ids.insert(id.clone());
        }
    }
    if !ids.is_empty() {
        draft.actions.push(Action::ForgetNews { ids });
    }
}

/// The certificate that owner or operators were told of, if this is the id of such news.
fn certificate_in_news(id: &str) -> Option<&str> {
    id.strip_prefix(OwnerNotice::NEW_CERTIFICATE)
        .or_else(|| id.strip_prefix(FindingKind::NEW_CERTIFICATE))
}

/// Records what the certificate that counts says of itself by now: what it once said, as that it is
/// revoked, an older copy must not unsay.
fn save(draft: &mut Draft<'_>) {
    let (Some(seen), Some(record)) = (&draft.user.seen_certificate, draft.record) else {
        return;
    };
    if record.pinned() == Some(&seen.fingerprint) && record.pin.as_ref() != Some(seen) {
        draft.actions.push(Action::SaveCertificate);
    }
}

/// Lets a certificate count that an operator approves, if it is the one that the user pinned.
fn approve(draft: &mut Draft<'_>) {
    let Some(approved) = draft.snapshot.approved.clone() else {
        return;
    };
    let why = match &draft.user.certificate {
        Certificate::Usable { fingerprint, .. } if *fingerprint == approved => {
            // An operator who approves vouches for the owner's Slack id, too.
            let is_reached = draft
                .record
                .is_some_and(|record| record.reached_by.is_some());
            if pinned(draft) != Some(&approved) || is_reached {
                let certificate = approved.clone();
                draft.actions.push(Action::Approve { certificate });
            }
            let certificate = approved;
            draft.notify_once(OwnerNotice::CertificateApproved { certificate });
            return;
        }
        Certificate::Usable { fingerprint, .. } => format!("{fingerprint} is pinned and stored"),
        Certificate::Refused { reason, .. } => reason.clone(),
        Certificate::Unknown(why) => {
            let why = why.clone();
            draft.waiting.push(WaitReason::CertificateStore { why });
            return;
        }
        Certificate::NotAsked => return,
    };
    draft.findings.push(FindingKind::NothingToApprove {
        certificate: approved,
        why,
    });
}

/// True if the new key is sealed to a certificate that another one has replaced, and that IAM shows
/// no use of it: a lost OpenPGP key must be no dead end.
pub(super) fn is_sealed_to_a_former(draft: &Draft<'_>, rotation: &Rotation, new: &Key) -> bool {
    let Certificate::Usable { fingerprint, .. } = &draft.user.certificate else {
        return false;
    };
    *fingerprint != rotation.intent.recipient
        && grace_ends(draft).is_none()
        && new.used == Used::Never
        && rotation.proven_at.is_none()
        && !draft.is_acknowledged(&new.id)
        && !draft.is_restored(&new.id)
}
