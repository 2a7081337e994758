//! Findings that change too often for their changes to be told: pure.

use jiff::{SignedDuration, Timestamp};

/// Time for which a change counts towards flapping: a day of stillness ends it. `flapping_over` is
/// a number of changes a day, too.
const FLAPPING_WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// The changes within [`FLAPPING_WINDOW`] before the last one, that one among them: one more than
/// may be, at most.
pub(super) fn with_change(
    mut changes: Vec<Timestamp>,
    change: Timestamp,
    flapping_over: usize,
) -> Vec<Timestamp> {
    changes.push(change);
    changes.sort_unstable();
    let last = changes.last().copied().unwrap_or(change);
    changes.retain(|at| last.duration_since(*at) < FLAPPING_WINDOW);
    let surplus = changes
        .len()
        .saturating_sub(flapping_over.saturating_add(1));
    changes.drain(..surplus);
    changes
}

/// Time without a change after which a daily check ends the flapping: a day, less four hours by
/// which the schedule and the queue may run one check late and the next early. Without them, a
/// change just after one check would mute the finding until the third.
const STABLE_FOR: SignedDuration = SignedDuration::from_hours(20);

/// True if nothing has changed since about the last daily check.
pub(super) fn is_stable(changes: &[Timestamp], now: Timestamp) -> bool {
    changes
        .iter()
        .all(|at| now.duration_since(*at) >= STABLE_FOR)
}
