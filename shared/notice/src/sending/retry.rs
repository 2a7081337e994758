//! Decides when a message that was not taken is tried again.

use std::time::Duration;

use banto_ports::{ErrorKind, PortError};

/// How often a message is tried, and with which pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Most attempts, the first among them.
    pub attempts: u32,
    /// The pause after the first attempt. Each further one doubles it.
    pub first_pause: Duration,
    /// The longest pause that is waited for.
    pub longest_pause: Duration,
}

/// A decision after an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Try again after this pause.
    Again(Duration),
    /// The pause is longer than is waited for; another run may try after it.
    Later(Duration),
    /// A further attempt would not help. The channel rests for this long.
    GiveUp(Duration),
}

impl Retry {
    /// Decides what follows the attempt of this number, counted from one.
    ///
    /// However long the service wants to be left alone, it is.
    pub fn decide(&self, attempt: u32, error: &PortError) -> Decision {
        if !matches!(error.kind, ErrorKind::Throttled | ErrorKind::Unavailable) {
            return Decision::GiveUp(Duration::ZERO);
        }
        let backoff = self
            .first_pause
            .saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
        let pause = error.retry_after.unwrap_or(backoff);
        if pause > self.longest_pause {
            Decision::Later(pause)
        } else if attempt >= self.attempts {
            Decision::GiveUp(pause)
        } else {
            Decision::Again(pause)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry {
        attempts: 4,
        first_pause: Duration::from_secs(2),
        longest_pause: Duration::from_secs(30),
    };

    fn error(kind: ErrorKind, retry_after: Option<u64>) -> PortError {
        PortError::new(kind, "slack:post", "refused")
            .retry_after(retry_after.map(Duration::from_secs))
    }

    #[test]
    fn pauses_double_until_the_attempts_are_used_up() {
        for kind in [ErrorKind::Throttled, ErrorKind::Unavailable] {
            let decide = |attempt| RETRY.decide(attempt, &error(kind, None));
            let seconds = Duration::from_secs;
            assert_eq!(
                [1, 2, 3].map(decide),
                [2, 4, 8].map(|pause| Decision::Again(seconds(pause)))
            );
            assert_eq!(decide(4), Decision::GiveUp(seconds(16)));
        }
    }

    #[test]
    fn the_services_own_pause_is_kept_to_whichever_attempt_it_was() {
        for attempt in [1, 4] {
            let decision = RETRY.decide(attempt, &error(ErrorKind::Throttled, Some(31)));
            assert_eq!(decision, Decision::Later(Duration::from_secs(31)));
        }
        let decision = RETRY.decide(1, &error(ErrorKind::Throttled, Some(30)));
        assert_eq!(decision, Decision::Again(Duration::from_secs(30)));
    }

    #[test]
    fn what_would_be_refused_again_is_not_tried_again() {
        for kind in [
            ErrorKind::Invalid,
            ErrorKind::Denied,
            ErrorKind::Missing,
            ErrorKind::Conflict,
        ] {
            assert_eq!(
                RETRY.decide(1, &error(kind, Some(1))),
                Decision::GiveUp(Duration::ZERO)
            );
        }
    }

    #[test]
    fn no_number_of_attempts_is_too_large() {
        let patient = Retry {
            attempts: u32::MAX,
            longest_pause: Duration::MAX,
            ..RETRY
        };
        let decision = patient.decide(u32::MAX, &error(ErrorKind::Unavailable, None));
        assert!(matches!(decision, Decision::GiveUp(_)), "{decision:?}");
    }
}
