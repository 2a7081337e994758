//! Decides what follows from a visit to one account: what operators are told, and the next visit.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::outcome::Outcome;
use super::plan::Failure;
use crate::converge::retry::{LONGEST_DELAY, backoff};
use crate::message::RevokeRequest;

/// The time after which operators are told of what may pass by itself. Most of it passes within
/// seconds, and whoever holds the sessions must not have much longer.
const TOLD_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// The time between two visits to an account in which only a person can do something, who was told.
/// Each visit takes a handful of calls, and of a thousand accounts one each quarter of an hour
/// would throttle what else is done there.
const AFTER_TOLD: SignedDuration = SignedDuration::from_hours(2);

/// A visit to one account.
#[derive(Debug, Clone, PartialEq)]
pub struct Visit {
    pub request: RevokeRequest,
    pub outcome: Outcome,
    /// The failures that operators are to be told of now.
    pub due: Vec<Failure>,
    pub now: Timestamp,
}

impl Visit {
    /// A visit that ended so. Operators are told of permanent failures at once, of others after a
    /// while, and of each once, since a day later every session is over.
    pub fn new(request: RevokeRequest, outcome: Outcome, now: Timestamp) -> Self {
        let lasts = now.duration_since(request.requested_at) >= TOLD_AFTER;
        let mut due = outcome.failures.clone();
        due.retain(|failure| {
            (failure.is_permanent || lasts) && !request.told.contains(&failure.role)
        });
        Self {
            request,
            outcome,
            due,
            now,
        }
    }

    /// A visit that came before its time, and did nothing.
    pub fn early(request: RevokeRequest, now: Timestamp) -> Self {
        Self::new(request, Outcome::default(), now)
    }

    /// The request for the next visit, and the delay until then: 30 seconds, then twice as long
    /// each time, up to 15 minutes. `None` once a visit found nothing to do. A visit that wrote a
    /// denial is followed by another, which sees if somebody else overwrote it meanwhile.
    pub fn next(&self, is_told: bool) -> Option<(RevokeRequest, Duration)> {
        let mut next = self.request.clone();
        if let Some(at) = next.not_before.filter(|at| *at > self.now) {
            return Some((next, self.delay_until(at)));
        }
        let Outcome { written, failures } = &self.outcome;
        if *written == 0 && failures.is_empty() {
            return None;
        }
        next.attempt += 1;
        next.not_before = None;
        if is_told {
            let told = self.due.iter().map(|failure| failure.role.clone());
            next.told.extend(told);
        }
        let waits_for_people = |it: &Failure| it.is_permanent && next.told.contains(&it.role);
        if *written > 0 || !failures.iter().all(waits_for_people) {
            let delay = backoff(next.attempt);
            return Some((next, delay));
        }
        let at = self.now + AFTER_TOLD;
        next.not_before = Some(at);
        Some((next, self.delay_until(at)))
    }

    /// The delay until a moment, as far as SQS goes.
    fn delay_until(&self, at: Timestamp) -> Duration {
        let delay = Duration::try_from(at.duration_since(self.now));
        delay.unwrap_or_default().min(LONGEST_DELAY)
    }
}
