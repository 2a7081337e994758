//! The requests of operators about keys by name: to restore a key, or to discard one.

use std::collections::BTreeSet;

use banto_domain::AccessKeyId;

use super::action::{Action, OrphanProof, OwnerNotice};
use super::draft::Draft;
use super::finding::FindingKind;
use super::leave;
use crate::event::Mode;
use crate::snapshot::Used;

/// Plans what an operator asked for.
pub(super) fn plan(draft: &mut Draft<'_>) {
    draft.is_pending = true;
    let mut named = named_keys(draft);
    named.retain(|key| !leave::works_again(draft, key));
    match draft.mode {
        Mode::Restore if draft.snapshot.named_keys.is_empty() => {
            restore_each(draft, all_disabled(draft))
        }
        Mode::Restore => restore_each(draft, named),
        _ => {
            for key in named {
                discard(draft, key);
            }
        }
    }
}

/// The named keys that concern this user: those that no other user of the request has.
fn named_keys(draft: &Draft<'_>) -> BTreeSet<AccessKeyId> {
    let mut named = draft.snapshot.named_keys.clone();
    let others = draft.snapshot.users.iter();
    let others: Vec<_> = others.filter(|user| user.name != draft.user.name).collect();
    named.retain(|key| !others.iter().any(|user| user.key(key).is_some()));
    named
}

/// The keys that Banto disabled and that still exist.
fn all_disabled(draft: &Draft<'_>) -> BTreeSet<AccessKeyId> {
    let mut keys = draft.key_ids();
    keys.retain(|key| draft.is_disabled_by_us(key));
    keys
}

fn restore_each(draft: &mut Draft<'_>, keys: BTreeSet<AccessKeyId>) {
    for key in keys {
        if draft.exposed.contains(&key) {
            draft.findings.push(FindingKind::ExposedNotRestored { key });
        } else if draft.is_disabled_by_us(&key) && draft.key(&key).is_some() {
            let notice = OwnerNotice::Restored { key: key.clone() };
            draft.actions.push(Action::Restore { key });
            draft.actions.push(Action::NotifyOwner(notice));
        } else if draft.is_restored(&key) {
            // An earlier visit restored it, and may not have got to tell.
            draft.notify_once(OwnerNotice::Restored { key });
        } else {
            draft.findings.push(FindingKind::NothingToRestore { key });
        }
    }
}

/// Discards a key that appeared around an interrupted issue, and that nobody uses.
fn discard(draft: &mut Draft<'_>, key: AccessKeyId) {
    let is_unused = draft.key(&key).is_some_and(|key| key.used == Used::Never);
    let is_left_over = draft.user.intent().is_some_and(|intent| {
        !intent.may_be_under_way(draft.now) && !intent.existing_keys.contains(&key)
    });
    if is_unused && is_left_over && !draft.is_issued(&key) && !draft.claims(&key) {
        draft.forget_key(&key);
        let proof = OrphanProof::Operator;
        draft.actions.push(Action::DiscardOrphan { key, proof });
    } else {
        draft.findings.push(FindingKind::NothingToDiscard { key });
    }
}
