//! An issue that was interrupted: an intent is recorded, and no envelope is stored.
//!
//! Its run may still be at work; it may have ended before it created a key; or it may have left an
//! orphan: a key whose secret was lost, since IAM tells a secret only once.

use banto_domain::record::Rotation;

use super::action::Action;
use super::draft::{Draft, ids};
use super::finding::{FindingKind, WaitReason};
use crate::snapshot::{Key, Used};

/// Tells if anything more may be planned for the user in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resolved {
    /// Nothing was interrupted, or this plan settles it.
    GoOn,
    /// It can't be settled now; a finding or a reason to wait says why.
    LeaveAlone,
}

/// Resolves an interrupted issue, if there is one.
pub(super) fn resolve(draft: &mut Draft<'_>) -> Resolved {
    let Some(rotation) = draft.rotation() else {
        return Resolved::GoOn;
    };
    if rotation.issued.is_some() {
        return Resolved::GoOn;
    }
    if rotation.may_be_under_way(draft.now) {
        draft.waiting.push(WaitReason::OtherRun);
        return Resolved::LeaveAlone;
    }
    match possible_orphans(draft, rotation).as_slice() {
        [] => Resolved::GoOn,
        [key] => discard_if_orphan(draft, key),
        several => {
            let keys = ids(several);
            draft.findings.push(FindingKind::AmbiguousOrphan { keys });
            Resolved::LeaveAlone
        }
    }
}

/// The keys that appeared when the intent's run would have created one, and that no envelope holds.
fn possible_orphans<'a>(draft: &Draft<'a>, intent: &Rotation) -> Vec<&'a Key> {
    let envelope = draft.record.and_then(|record| record.envelope.as_ref());
    let sealed_key = envelope.map(|envelope| &envelope.key);
    let mut keys = draft.keys.clone();
    keys.retain(|key| {
        !intent.existing_keys.contains(&key.id)
            && sealed_key != Some(&key.id)
            && intent.window_contains(key.created_at)
    });
    keys
}

/// Discards the key if nobody can have its secret; waits if that is not known.
fn discard_if_orphan(draft: &mut Draft<'_>, key: &Key) -> Resolved {
    let id = key.id.clone();
    match key.used {
        Used::Unknown => {
            draft.waiting.push(WaitReason::Usage { key: id });
            return Resolved::LeaveAlone;
        }
        // Whoever acknowledged a key has seen its secret, as has whoever used it.
        Used::Never if !draft.is_acknowledged(&id) => {
            draft.forget_key(&id);
            draft.actions.push(Action::DiscardOrphan { key: id });
        }
        Used::Never | Used::Last(_) => {}
    }
    Resolved::GoOn
}
