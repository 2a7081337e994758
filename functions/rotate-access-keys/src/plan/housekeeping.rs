//! The record's own affairs: whose name it is kept under, who may read it, and if a later run must
//! look at it.

use banto_domain::record::{Readers, Record};

use super::action::Action;
use super::draft::Draft;
use crate::snapshot::StoredRecord;

/// Lets the record follow the user's name and path.
pub(super) fn keep_the_record(draft: &mut Draft<'_>) {
    match (&draft.user.record, &draft.user.left_open) {
        (StoredRecord::Renamed { from, .. }, _) => {
            let from = from.clone();
            draft.actions.push(Action::FollowRename { from });
        }
        // The user has a record under the present name too, which is the later one.
        (_, Some(from)) => {
            let from = from.clone();
            draft.actions.push(Action::CloseEarlier { from });
        }
        (StoredRecord::Own(record), None) if !is_read_by_those_it_is_for(draft, record) => {
            draft.actions.push(Action::Reprotect);
        }
        _ => {}
    }
}

/// True if the record's resource policy names the user's present ARN, and the roles that the policy
/// names now. Where it was not set yet, the next write sets it, and only an envelope can't wait for
/// that.
fn is_read_by_those_it_is_for(draft: &Draft<'_>, record: &Record) -> bool {
    let readers = Readers {
        owner: draft.user.arn.clone(),
        role: draft.snapshot.role.clone(),
        break_glass: draft.snapshot.break_glass.clone(),
    };
    match record.readers.as_deref() {
        Some(set) => set == readers.to_string(),
        None => record.envelope.is_none(),
    }
}

/// Drops the intent of an interrupted issue that left nothing behind, unless a new one replaces it.
pub(super) fn drop_intent(draft: &mut Draft<'_>) {
    if draft.drops_intent && !draft.does(Action::is_issue) {
        draft.actions.push(Action::DropIntent);
    }
}

/// Closes the record once nothing is left to follow.
pub(super) fn close_at_rest(draft: &mut Draft<'_>) {
    let is_open = match &draft.user.record {
        StoredRecord::Own(record) => record.open || draft.user.marked_open,
        StoredRecord::FormerUser(_) => draft.user.marked_open,
        StoredRecord::Absent
        | StoredRecord::Renamed { .. }
        | StoredRecord::Unreadable(_)
        | StoredRecord::Denied(_) => false,
    };
    if is_open && is_at_rest(draft) {
        draft.actions.push(Action::Close);
    }
}

fn is_at_rest(draft: &Draft<'_>) -> bool {
    let is_quiet = draft.findings.is_empty() && draft.waiting.is_empty() && !draft.is_pending;
    let begins = draft.does(|action| {
        matches!(
            action,
            Action::Issue { .. }
                | Action::Owe { .. }
                | Action::Withdraw { .. }
                | Action::DisableExposed(_)
                | Action::DenySessions { .. }
                | Action::Leave(_)
                | Action::Disable { .. }
        )
    });
    is_quiet && !begins && draft.record.is_none_or(|record| is_over(draft, record))
}

/// True if all that the record speaks of is over once the chain is done.
fn is_over(draft: &Draft<'_>, record: &Record) -> bool {
    let ends_emergency = draft.does(|action| *action == Action::AllowSessions);
    let has_disabled_key = record.disabled.keys().any(|key| draft.key(key).is_some());
    (record.intent.is_none() || draft.drops_intent)
        && record.owed.is_none()
        && (record.emergency.is_none() || ends_emergency || draft.is_leaver())
        && !has_disabled_key
}
