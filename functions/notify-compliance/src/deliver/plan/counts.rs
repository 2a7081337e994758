//! Counts of a group's findings.

use banto_domain::compliance::{Change, FindingGroup, OutboxEntry};

/// Counts an entry in its group. One that is out of order leaves the number of open findings as it
/// is.
pub(super) fn count(group: &mut FindingGroup, entry: &OutboxEntry, is_out_of_order: bool) {
    if entry.change.closes() && !is_out_of_order {
        group.open = group.open.saturating_sub(1);
    }
    match &entry.change {
        Change::Found | Change::Flapping { was_open: false } => {
            group.open += u32::from(!is_out_of_order);
            group.moved_to.clear();
        }
        // What was told in a flood has no group, so that it is counted for the first time.
        Change::Flapping { was_open: true } => group.open = group.open.max(1),
        Change::Resolved => group.resolved += 1,
        Change::Closed => group.closed += 1,
        // The account has moved. Each of its findings has such an entry.
        Change::Moved { to } => {
            group.closed += 1;
            group.moved_to.clone_from(to);
        }
    }
}
