//! A token bucket: no more calls a second than an API allows an account.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Lets a burst of calls through at once, and then one each interval. Calls wait in the order in
/// which they come.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    burst: u32,
    /// When the bucket will be full again.
    full_at: Mutex<Option<Instant>>,
}

impl Pace {
    pub(crate) fn per_second(calls: u32, burst: u32) -> Self {
        Self {
            interval: Duration::from_secs(1) / calls,
            burst,
            full_at: Mutex::default(),
        }
    }

    /// Waits for a turn.
    pub(crate) async fn turn(&self) {
        let now = Instant::now();
        let turn = self.next(now);
        if turn > now {
            sleep_until(turn).await;
        }
    }

    /// When the next call may go.
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
    fn a_burst_goes_at_once_and_the_rest_at_the_pace() {
        let pace = Pace::per_second(10, 5);
        let begun = Instant::now() + Duration::from_secs(60);
        let waits = |at: Instant, calls: usize| -> Vec<u128> {
            (0..calls)
                .map(|_| pace.next(at).duration_since(at).as_millis())
                .collect()
        };
        assert_eq!(waits(begun, 8), [0, 0, 0, 0, 0, 100, 200, 300]);
        let rested = begun + Duration::from_secs(10);
        assert_eq!(waits(rested, 6), [0, 0, 0, 0, 0, 100]);
    }
}
