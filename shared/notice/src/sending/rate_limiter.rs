//! The pace of a channel.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Slack takes one message a second in a channel, and refuses what comes faster. (Slack's "Rate
/// limits".)
const INTERVAL: Duration = Duration::from_secs(1);

/// One message a second in a channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimiter {
    /// The time from which the next message may be sent; none, if none was sent yet.
    pub next_at: Option<Timestamp>,
}

impl RateLimiter {
    /// The time until the next message may be sent.
    pub fn wait(&self, now: Timestamp) -> Duration {
        let wait = self
            .next_at
            .map_or(SignedDuration::ZERO, |at| at.duration_since(now));
        wait.max(SignedDuration::ZERO).unsigned_abs()
    }

    /// Records that a message was sent now.
    pub fn sent(&mut self, now: Timestamp) {
        self.pause(now, INTERVAL);
    }

    /// Leaves the channel alone for this long, and for the usual interval at least.
    pub fn pause(&mut self, now: Timestamp, pause: Duration) {
        // A pause that ends after all time that can be told ends with it.
        let pause = SignedDuration::try_from(pause.max(INTERVAL)).unwrap_or(SignedDuration::MAX);
        self.next_at = Some(now.saturating_add(pause).unwrap_or(Timestamp::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_first_message_waits_for_nothing() {
        assert_eq!(RateLimiter::default().wait(at(0)), Duration::ZERO);
    }

    #[test]
    fn between_two_messages_is_a_second() {
        let mut limiter = RateLimiter::default();
        limiter.sent(at(10));
        assert_eq!(limiter.wait(at(10)), Duration::from_secs(1));
        assert_eq!(limiter.wait(at(11)), Duration::ZERO);
        assert_eq!(limiter.wait(at(500)), Duration::ZERO);
    }

    #[test]
    fn a_pause_is_never_shorter_than_the_interval_nor_longer_than_time() {
        let mut limiter = RateLimiter::default();
        limiter.pause(at(10), Duration::from_secs(30));
        assert_eq!(limiter.wait(at(10)), Duration::from_secs(30));
        limiter.pause(at(10), Duration::ZERO);
        assert_eq!(limiter.wait(at(10)), Duration::from_secs(1));
        limiter.pause(at(10), Duration::MAX);
        assert_eq!(limiter.next_at, Some(Timestamp::MAX));
    }
}
