//! The times that an invocation reckons with, at the worst.

use std::time::Duration;

/// The time of one call with all its attempts: somewhat more than the limit that every client has.
pub(super) const CALL_TIME: Duration = Duration::from_secs(30);

/// The time of a look at an account. No call waits for more than nine others: the role is assumed,
/// the regions are listed, AWS Config answers, six calls tell what uses a default VPC, and a policy
/// of the Organization is asked for.
pub(super) const LOOK_TIME: Duration = CALL_TIME.saturating_mul(10);

/// The time to look an account up in Organizations: the account, its parents where its path is not
/// told with it, and its tags. A path of more than four units may take longer at the worst; then
/// the account's message comes again.
pub(super) const LOOK_UP_TIME: Duration = CALL_TIME.saturating_mul(6);

/// The time that is kept for the end of a batch: the statuses, the notices, what was told and the
/// retries, each side by side.
pub(super) const FINISH_TIME: Duration = CALL_TIME.saturating_mul(4);
