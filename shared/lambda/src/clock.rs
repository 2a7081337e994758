//! The system's clock.

use std::time::Duration;

use async_trait::async_trait;
use banto_ports::Clock;
use jiff::{SignedDuration, Timestamp};

/// How far a simulated clock is ahead of the system's, in seconds; may be negative.
const OFFSET: &str = "BANTO_CLOCK_OFFSET_SECONDS";
/// Where AWS is, if not where it really is.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// The system's clock; for `banto demo` and tests, one that is a fixed time ahead of it or behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemClock {
    offset: SignedDuration,
}

/// A simulated clock that was asked for and refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// The offset is no number.
    #[error("{OFFSET} is {0:?}: expected a whole number of seconds")]
    NotSeconds(String),
    /// Real keys would be rotated by an invented clock.
    #[error(
        "{OFFSET} is set, but {ENDPOINT} does not point to this machine: a simulated clock is for a local AWS only"
    )]
    NotLocal,
}

impl SystemClock {
    /// Reads the environment.
    pub fn from_env() -> Result<Self, ClockError> {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    /// Reads variables by name.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, ClockError> {
        let Some(offset) = var(OFFSET) else {
            return Ok(Self {
                offset: SignedDuration::ZERO,
            });
        };
        let seconds = offset.parse().map_err(|_| ClockError::NotSeconds(offset))?;
        if !var(ENDPOINT).is_some_and(|url| is_loopback(&url)) {
            return Err(ClockError::NotLocal);
        }
        Ok(Self {
            offset: SignedDuration::from_secs(seconds),
        })
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now() + self.offset
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

fn is_loopback(url: &str) -> bool {
    let authority = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split('/').next());
    authority.is_some_and(|authority| {
        let address = authority.parse::<std::net::SocketAddr>();
        address.is_ok_and(|address| address.ip().is_loopback())
            || authority == "localhost"
            || authority
                .strip_prefix("localhost:")
                .is_some_and(|port| port.parse::<u16>().is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(vars: &[(&str, &str)]) -> Result<SystemClock, ClockError> {
        SystemClock::from_vars(|name| {
            vars.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_clock_is_the_systems_unless_told_otherwise() {
        let ahead = clock(&[]).unwrap().now().duration_since(Timestamp::now());
        assert!(ahead.abs() < SignedDuration::from_secs(5));
    }

    #[test]
    fn a_simulated_clock_is_for_a_local_aws_only() {
        for local in [
            "http://127.0.0.1:5000",
            "http://localhost:5000/",
            "http://localhost",
            "http://[::1]:5000",
        ] {
            let clock = clock(&[(OFFSET, "-86400"), (ENDPOINT, local)]).unwrap();
            let ahead = clock.now().duration_since(Timestamp::now());
            assert!(
                (ahead + SignedDuration::from_hours(24)).abs() < SignedDuration::from_secs(5),
                "{local}"
            );
        }
        for foreign in [
            "https://iam.amazonaws.com",
            "http://localhost.example.com",
            "http://localhost:80@example.com",
            "http://127.0.0.1:80@example.com",
            "http://10.0.0.1:5000",
            "",
        ] {
            assert_eq!(
                clock(&[(OFFSET, "1"), (ENDPOINT, foreign)]),
                Err(ClockError::NotLocal),
                "{foreign}"
            );
        }
        assert_eq!(clock(&[(OFFSET, "1")]), Err(ClockError::NotLocal));
    }

    #[test]
    fn an_offset_that_is_no_number_is_an_error_that_names_the_variable() {
        let error = clock(&[(OFFSET, "a day"), (ENDPOINT, "http://127.0.0.1:5000")])
            .unwrap_err()
            .to_string();
        assert!(error.contains(OFFSET) && error.contains("a day"), "{error}");
    }
}
