//! One invocation: what a function is told of it, and what it answers.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lambda_events::sqs::SqsBatchResponse;
use serde_json::json;

use crate::Metrics;

/// Longest time that Lambda gives an invocation. (Lambda developer guide, "Lambda quotas".)
pub const LONGEST: Duration = Duration::from_mins(15);

/// One invocation, as a function sees it.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Tells this attempt from all others, those of the same event among them: 32 hexadecimal
    /// digits; a record of a batch has its number besides.
    pub run: String,
    /// The request's id in Lambda; a retried event has the same one again.
    pub request_id: String,
    ends_at: Instant,
}

/// A function's response to an invocation that succeeded.
#[derive(Debug)]
pub struct Response {
    /// The JSON that Lambda hands to whoever invoked the function.
    pub body: serde_json::Value,
    /// Counts and durations of the invocation.
    pub metrics: Metrics,
}

/// An invocation that failed as a whole.
#[derive(Debug)]
pub struct InvocationError {
    /// The `errorType` that Lambda reports and people branch on.
    pub kind: &'static str,
    /// The error and its causes.
    pub error: anyhow::Error,
}

impl Invocation {
    /// An invocation that Lambda ends at a deadline, in milliseconds since 1970.
    pub(crate) fn new(request_id: String, deadline: u64) -> Result<Self, getrandom::Error> {
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random)?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let left = Duration::from_millis(deadline).saturating_sub(now);
        Ok(Self {
            run: hex(&random),
            request_id,
            ends_at: Instant::now() + left,
        })
    }

    /// An invocation that a person starts by hand, without Lambda, with so much time.
    ///
    /// # Errors
    /// If the machine has no randomness.
    pub fn by_hand(request_id: &str, time: Duration) -> Result<Self, getrandom::Error> {
        let mut invocation = Self::new(request_id.to_owned(), 0)?;
        invocation.ends_at = Instant::now() + time;
        Ok(invocation)
    }

    /// An invocation with so much time left, for tests.
    pub fn for_tests(run: &str, left: Duration) -> Self {
        Self {
            run: run.to_owned(),
            request_id: run.to_owned(),
            ends_at: Instant::now() + left,
        }
    }

    /// The part of a batch's invocation that works on one record, by the record's number in the
    /// batch.
    pub fn of_record(&self, number: usize) -> Self {
        Self {
            run: format!("{}-{number}", self.run),
            ..self.clone()
        }
    }

    /// The time left until Lambda ends the invocation.
    pub fn remaining(&self) -> Duration {
        self.ends_at.saturating_duration_since(Instant::now())
    }

    /// True if something that takes so long can be finished.
    pub fn has_time_for(&self, duration: Duration) -> bool {
        self.remaining() >= duration
    }
}

impl Response {
    /// The answer to a batch of SQS: the records with these ids come again, and all others are
    /// done. (Lambda developer guide, "Implementing partial batch responses".)
    pub fn of_batch(failed: impl IntoIterator<Item = String>, metrics: Metrics) -> Self {
        let mut response = SqsBatchResponse::default();
        response.set_failures(failed);
        Self {
            body: json!(response),
            metrics,
        }
    }
}

impl InvocationError {
    /// An error of this kind.
    pub fn new(kind: &'static str, error: impl Into<anyhow::Error>) -> Self {
        Self {
            kind,
            error: error.into(),
        }
    }
}

/// The error and its causes, in one line.
impl fmt::Display for InvocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String can't fail.
            let _infallible = write!(text, "{byte:02x}").is_ok();
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attempt_has_a_run_of_its_own_even_for_the_same_request() {
        let [one, other] =
            [0, 1].map(|_| Invocation::new("request".into(), u64::MAX / 2_000).unwrap());
        assert_eq!(one.request_id, other.request_id);
        assert_ne!(one.run, other.run);
        assert_eq!(one.run.len(), 32);
    }

    #[test]
    fn each_record_of_a_batch_has_a_run_of_its_own_and_the_batchs_deadline() {
        let batch = Invocation::for_tests("run", Duration::from_secs(60));
        let [first, second] = [1, 2].map(|number| batch.of_record(number));
        assert_ne!(first.run, second.run);
        assert_eq!(
            (&first.request_id, first.ends_at),
            (&batch.request_id, batch.ends_at)
        );
    }

    #[test]
    fn a_batch_is_answered_with_the_records_that_come_again() {
        let response = |failed: &[&str]| {
            Response::of_batch(failed.iter().map(|id| (*id).to_owned()), Metrics::default())
                .body
                .to_string()
        };
        assert_eq!(response(&[]), r#"{"batchItemFailures":[]}"#);
        assert_eq!(
            response(&["1", "2"]),
            r#"{"batchItemFailures":[{"itemIdentifier":"1"},{"itemIdentifier":"2"}]}"#
        );
    }

    #[test]
    fn a_person_has_as_much_time_as_lambda_gives() {
        let invocation = Invocation::by_hand("request", LONGEST).unwrap();
        assert_eq!(invocation.request_id, "request");
        assert!(invocation.has_time_for(LONGEST - Duration::from_secs(60)));
        assert!(!invocation.has_time_for(LONGEST + Duration::from_secs(1)));
    }

    #[test]
    fn a_deadline_that_has_passed_leaves_no_time() {
        let late = Invocation::new("request".into(), 0).unwrap();
        assert_eq!(late.remaining(), Duration::ZERO);
        assert!(!late.has_time_for(Duration::from_millis(1)));
        assert!(
            Invocation::for_tests("run", Duration::from_secs(60))
                .has_time_for(Duration::from_secs(50))
        );
    }
}
