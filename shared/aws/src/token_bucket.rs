//! A token bucket: no more calls a second than an API allows an account.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Lets a burst of calls through at once, and then one each interval. Calls wait in the order in
/// which they come.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    interval: Duration,
    burst: u32,
    /// When the bucket will be full again.
    full_at: Mutex<Option<Instant>>,
}

impl TokenBucket {
    pub(crate) fn per_second(calls: u32, burst: u32) -> Self {
        Self {
            interval: Duration::from_secs(1) / calls,
            burst,
            full_at: Mutex::default(),
        }
    }

    /// Waits until the next call may go.
    pub(crate) async fn acquire(&self) {
        let now = Instant::now();
        let free_at = self.next(now);
        if free_at > now {
            sleep_until(free_at).await;
        }
    }

    /// Takes a token; returns when its call may go.
    fn next(&self, now: Instant) -> Instant {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full = full_at.unwrap_or(now).max(now) + self.interval;
        *full_at = Some(full);
        full.checked_sub(self.interval * self.burst)
            .unwrap_or(now)
            .max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let bucket = TokenBucket::per_second(10, 5);
        let begun = Instant::now() + Duration::from_secs(60);
        let waits = |at: Instant, calls: usize| -> Vec<u128> {
            (0..calls)
                .map(|_| bucket.next(at).duration_since(at).as_millis())
                .collect()
        };
        assert_eq!(waits(begun, 8), [0, 0, 0, 0, 0, 100, 200, 300]);
        let rested = begun + Duration::from_secs(10);
        assert_eq!(waits(rested, 6), [0, 0, 0, 0, 0, 100]);
    }
}
