//! Counts of a group's findings.

use banto_domain::compliance::{Change, FindingGroup, OutboxEntry};

/// Counts an entry in its group.
pub(super) fn count(group: &mut FindingGroup, entry: &OutboxEntry) {
    match &entry.change {
        Change::Found | Change::Flapping { was_open: false } => {
            group.open += 1;
            group.moved_to.clear();
        }
        // What was told in a flood has no group, so that it is counted for the first time.
        Change::Flapping { was_open: true } => group.open = group.open.max(1),
        Change::Resolved => {
            group.open = group.open.saturating_sub(1);
            group.resolved += 1;
        }
        Change::Closed => {
            group.open = group.open.saturating_sub(1);
            group.closed += 1;
        }
        // The account has moved. Each of its findings has such an entry.
        Change::Moved { to } => {
            group.open = group.open.saturating_sub(1);
            group.closed += 1;
            group.moved_to.clone_from(to);
        }
    }
}
