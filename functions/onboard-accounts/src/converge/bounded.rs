//! Ends what takes too long.

use std::time::Duration;

use banto_ports::Clock;
use futures_util::future::{Either, select};

/// The result of a future, or `None` if it takes longer than the limit. A future that is ended so
/// stops at whichever call it is waiting for: only for looks, which change nothing.
pub(super) async fn within<T>(
    clock: &dyn Clock,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    let (work, limit) = (Box::pin(work), clock.sleep(limit));
    match select(work, limit).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(((), _)) => None,
    }
}
