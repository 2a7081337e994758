//! How long a delivery may wait on the queue.

use std::time::Duration;

use jiff::SignedDuration;

/// Time by which the message of a delivery comes later than its saved due time. Whoever reads,
/// before that time, that a delivery is due then need not queue another: its entry is in the outbox
/// before the message comes.
pub(crate) const AFTER_DUE: Duration = Duration::from_secs(1);

/// Longest delay of a delivery: SQS delays a message by 15 minutes at most, of which [`AFTER_DUE`]
/// takes a second. A route that has to wait for longer is looked at again in between.
pub(crate) const LONGEST_DELAY: SignedDuration = SignedDuration::from_secs(15 * 60 - 1);
