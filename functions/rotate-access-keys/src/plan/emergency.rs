//! Exposed keys: they are disabled before anything else, and their owner is owed a new key.

use std::collections::BTreeSet;

use banto_domain::AccessKeyId;
use banto_domain::record::Reason;

use super::action::{Action, OwnerNotice};
use super::draft::Draft;
use crate::event::Mode;
use crate::snapshot::StoredRecord;

/// Disables the exposed keys and notifies their owner. Returns the exposed keys that exist.
pub(super) fn disable_exposed(draft: &mut Draft<'_>) -> BTreeSet<AccessKeyId> {
    let suspects = suspects(draft);
    let mut exposed = BTreeSet::new();
    for key in draft.keys.clone() {
        if !suspects.contains(&key.id) {
            continue;
        }
        exposed.insert(key.id.clone());
        // An inactive key that the record has needs nothing more. One that a person made inactive
        // is not in the record: disabling it puts it there, so that it is deleted in the end.
        let is_known = draft.is_disabled_by_us(&key.id) || draft.is_restored(&key.id);
        if key.active || !is_known {
            let key = key.id.clone();
            draft.actions.push(Action::DisableExposed { key });
        }
    }
    // A notice that can't be recorded would be sent by every run.
    let can_be_recorded = !matches!(draft.user.record, StoredRecord::Unreadable(_));
    if !exposed.is_empty() && can_be_recorded {
        let has_other = !draft.working_keys().is_empty();
        draft.notify_once(OwnerNotice::Exposed {
            keys: exposed.clone(),
            has_other,
        });
    }
    exposed
}

/// The keys that are taken for exposed, whether or not they still exist.
fn suspects(draft: &Draft<'_>) -> BTreeSet<AccessKeyId> {
    if draft.mode != Mode::Emergency {
        return recorded_and_not_disabled(draft);
    }
    if !draft.named_exposed.is_empty() {
        return draft.named_exposed.clone();
    }
    // Only the user was named, so every key from before the emergency is suspect. Asking twice must
    // not disable the key that was issued in between.
    match draft.rotation() {
        Some(rotation)
            if rotation.reason == Reason::Emergency && any_left(draft, &rotation.existing_keys) =>
        {
            rotation.existing_keys.clone()
        }
        _ => draft.key_ids(),
    }
}

/// The exposed keys that an earlier run recorded and did not get to disable.
fn recorded_and_not_disabled(draft: &Draft<'_>) -> BTreeSet<AccessKeyId> {
    let mut exposed = draft
        .record
        .map(|record| record.exposed.clone())
        .unwrap_or_default();
    exposed.retain(|id| !draft.is_disabled_by_us(id) && !draft.is_restored(id));
    exposed
}

fn any_left(draft: &Draft<'_>, ids: &BTreeSet<AccessKeyId>) -> bool {
    draft.keys.iter().any(|key| ids.contains(&key.id))
}

/// True if an emergency took the user's last working key.
pub(super) fn owes_new_key(draft: &Draft<'_>, exposed: &BTreeSet<AccessKeyId>) -> bool {
    let recorded = draft.record.map(|record| &record.exposed);
    let was_taken = any_left(draft, exposed) || recorded.is_some_and(|ids| any_left(draft, ids));
    was_taken && draft.working_keys().is_empty()
}
