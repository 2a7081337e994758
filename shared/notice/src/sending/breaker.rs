//! Keeps messages from a channel that fails again and again.

use jiff::{SignedDuration, Timestamp};

/// So many failures in a row are no accident. Each of them has cost all attempts of a message.
const OPENS_AFTER: u32 = 3;
/// Long enough that a channel that is away costs little, short enough that people miss few messages
/// in it.
const OPEN_FOR: SignedDuration = SignedDuration::from_mins(10);

/// A circuit breaker: after a few failures in a row it is open, and nothing is tried for a while.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Breaker {
    /// Failures in a row since the last success, or since the breaker was last opened.
    pub failures: u32,
    /// The time until which nothing is tried.
    pub open_until: Option<Timestamp>,
}

impl Breaker {
    /// Says whether nothing is to be tried now.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.open_until.is_some_and(|until| until > now)
    }

    /// Records that a message was taken.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Records that a message was not taken in all its attempts.
    pub fn failed(&mut self, now: Timestamp) {
        self.failures += 1;
        if self.failures >= OPENS_AFTER {
            *self = Self {
                failures: 0,
                open_until: Some(now + OPEN_FOR),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn the_third_failure_in_a_row_opens_it_for_ten_minutes() {
        let mut breaker = Breaker::default();
        breaker.failed(NOW);
        breaker.failed(NOW);
        assert!(!breaker.is_open(NOW));
        breaker.failed(NOW);
        assert!(breaker.is_open(NOW + SignedDuration::from_secs(599)));
        assert!(!breaker.is_open(NOW + SignedDuration::from_secs(600)));
    }

    #[test]
    fn a_success_begins_the_count_anew() {
        let mut breaker = Breaker::default();
        breaker.failed(NOW);
        breaker.failed(NOW);
        breaker.succeeded();
        breaker.failed(NOW);
        breaker.failed(NOW);
        assert!(!breaker.is_open(NOW));
    }

    #[test]
    fn after_it_was_open_it_takes_three_failures_again() {
        let mut breaker = Breaker {
            failures: 0,
            open_until: Some(NOW),
        };
        breaker.failed(NOW);
        breaker.failed(NOW);
        assert!(!breaker.is_open(NOW));
        breaker.failed(NOW);
        assert!(breaker.is_open(NOW));
    }
}
