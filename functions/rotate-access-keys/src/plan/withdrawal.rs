//! A new key that its owner can't open: it is sealed to a certificate that another one has
//! replaced.
//!
//! It is disabled first, so that nobody can begin to use it, and deleted once IAM must show a use
//! and shows none (R7). Then its owner gets another one.

use banto_domain::record::Rotation;

use super::action::{Action, DisableReason, OrphanProof, OwnerNotice};
use super::certificate::is_sealed_to_a_former;
use super::draft::Draft;
use super::finding::WaitReason;
use super::{new_key, retirement};
use crate::snapshot::{Certificate, Key, Used};
use crate::trail_times::USAGE_LAG;

/// Withdraws a new key that is sealed to a former certificate and that nobody is known to have
/// used: it ends at once, so that nobody can begin to use it, and its owner is owed another one.
pub(super) fn withdraw(draft: &mut Draft<'_>, rotation: &Rotation, new: &Key) {
    draft.is_pending = true;
    let asked = &draft.snapshot.asked;
    let request = rotation.intent.request.as_ref();
    // Once the key is gone, nothing else says that its owner is to get one.
    draft.actions.push(Action::Withdraw {
        reason: rotation.intent.reason,
        request: request.unwrap_or(&asked.id).clone(),
        asked_at: asked.at,
    });
    retirement::disable(draft, new, None, DisableReason::Replaced);
}

/// The new key of a rotation that was withdrawn, since it is sealed to a former certificate.
pub(super) fn withdrawn<'a>(draft: &Draft<'a>) -> Option<(&'a Rotation, Key)> {
    let rotation = draft.rotation()?;
    let new = draft.key(&rotation.issued.key)?.clone();
    let is_ours = draft.is_disabled_by_us(&new.id) || retirement::is_being_saved(draft, &new);
    let has_ended = !new.active && is_ours && !draft.exposed.contains(&new.id);
    let is_withdrawn = rotation.withdrawn_at.is_some() && rotation.proven_at.is_none();
    (has_ended && is_withdrawn).then_some((rotation, new))
}

/// Goes on with a withdrawn key: one that was used after all, or whose certificate is back, works
/// again; one of which IAM must show a use by now, and shows none, makes room for its successor.
pub(super) fn replace_withdrawn(draft: &mut Draft<'_>, rotation: &Rotation, new: &Key) {
    draft.is_pending = true;
    let key = new.id.clone();
    let is_former = match &draft.user.certificate {
        Certificate::Usable { fingerprint, .. } => *fingerprint != rotation.intent.recipient,
        _ => true,
    };
    if matches!(new.used, Used::Last(_)) || draft.is_acknowledged(&key) || !is_former {
        let notice = OwnerNotice::Restored { key: key.clone() };
        draft.actions.push(Action::Restore { key });
        draft.actions.push(Action::NotifyOwner(notice));
        return;
    }
    let disabled_at = draft.record.and_then(|record| record.disabled.get(&key));
    let shows = disabled_at.is_some_and(|at| draft.is_past(*at, USAGE_LAG));
    if shows && is_sealed_to_a_former(draft, rotation, new) {
        draft.forget_key(&key);
        let proof = OrphanProof::Replaced;
        draft.actions.push(Action::DiscardOrphan { key, proof });
        new_key::issue(draft, rotation.intent.reason);
    } else {
        draft.waiting.push(WaitReason::Withdrawn { key });
    }
}
