//! The return of messages to the queue, and what is told meanwhile. Everything but the schedule
//! comes by the queue: a request comes again until its goal is reached.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use banto_lambda::InvocationError;
use banto_lambda::event::Record;
use jiff::{SignedDuration, Timestamp};

use crate::event::{Asked, Request, Trigger};
use crate::outcome::Failures;

/// Time after which a request that failed comes again; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(30);

/// The longest of these pauses: a fault that lasts is not mended faster by asking more often, and
/// an exposed key must not outlive it by more than this.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// Time after which operators are told what stands in the way of a request. Most faults of AWS are
/// over by then.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// Time after which they are told again, if it still does.
const TOLD_AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// Most requests of which a process remembers what it told. Their ids take less than a megabyte; a
/// process that knows more forgets all of them, and tells once more.
const REMEMBERED: usize = 1_000;

/// The requests of which this process told operators, and when. A new process tells once more.
#[derive(Debug, Default)]
pub struct Told(Mutex<BTreeMap<String, Timestamp>>);

impl Told {
    /// True if operators were told of the request within the last day.
    pub(crate) fn knows(&self, request: &str, now: Timestamp) -> bool {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.get(request)
            .is_some_and(|at| now.duration_since(*at) < TOLD_AGAIN_AFTER)
    }

    /// Remembers that operators were told of the request.
    pub(crate) fn add(&self, request: &str, now: Timestamp) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= REMEMBERED {
            told.clear();
        }
        told.insert(request.to_owned(), now);
    }
}

/// The end of a message's turn.
pub(crate) enum End {
    Done,
    /// All was done that can be done now; it comes again to look once more.
    LooksAgain(Timestamp),
}

/// Returns what tells a request from all others: the event's ARN, or else the id of what brought
/// it, and the moment at which it was made.
pub(crate) fn asked_by(
    request: &Request,
    id: &str,
    at: Option<Timestamp>,
    now: Timestamp,
) -> Asked {
    let exposure = request.scope.exposure();
    let id = match exposure.map(|exposure| exposure.event.as_str()) {
        Some(event) if !event.is_empty() => event,
        _ => id,
    };
    Asked::by(id, at.unwrap_or(now).min(now))
}

/// Returns the failures of a request that are told now: they are told once it has lasted, and then
/// once a day.
pub(crate) fn failures_to_tell(asked: &Asked, told: &Told, now: Timestamp) -> Failures {
    if now.duration_since(asked.at) < PATIENCE || told.knows(&asked.id, now) {
        Failures::Withheld
    } else {
        Failures::Told
    }
}

/// Returns the time for which a message is hidden; `None` if it is done.
pub(crate) fn pause(
    message: &Record<Trigger>,
    handled: Result<End, InvocationError>,
    now: Timestamp,
) -> Option<Duration> {
    match handled {
        Ok(End::Done) => None,
        Ok(End::LooksAgain(at)) => {
            let left = Duration::try_from(at.duration_since(now)).unwrap_or_default();
            Some(left.clamp(FIRST_PAUSE, LONGEST_PAUSE))
        }
        Err(error) => {
            tracing::error!(message.id = message.id, error.kind = error.kind, %error,
                "the message failed and goes back to the queue");
            Some(pause_after(message.delivery.count))
        }
    }
}

/// The pause after a message was received for the nth time.
fn pause_after(count: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(count.saturating_sub(1).min(16));
    FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_fails_comes_again_after_thirty_seconds_and_then_ever_later_up_to_fifteen_minutes()
     {
        let pauses: Vec<u64> = (1..=8).map(|count| pause_after(count).as_secs()).collect();
        assert_eq!(pauses, [30, 60, 120, 240, 480, 900, 900, 900]);
        assert_eq!(pause_after(u32::MAX), LONGEST_PAUSE);
    }

    #[test]
    fn what_was_told_is_told_again_after_a_day() {
        let told = Told::default();
        let now = Timestamp::UNIX_EPOCH;
        assert!(!told.knows("request", now));
        told.add("request", now);
        assert!(told.knows("request", now + SignedDuration::from_hours(23)));
        assert!(!told.knows("request", now + SignedDuration::from_hours(24)));
    }
}
