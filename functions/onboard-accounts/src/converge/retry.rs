//! The new message with which an account that is not ready is tried again, and its delay.

use std::time::Duration;

use banto_domain::status::Condition;
use jiff::{SignedDuration, Timestamp};

use super::expected::is_in_its_first_day;
use super::outcome::Converged;
use crate::message::ConvergeRequest;

/// The time that an account is waited for before people are told that it is stuck. Most of what
/// passes by itself has passed by then: a new account's role within minutes, a new member's
/// policies within 20.
pub const READY_TIMEOUT: SignedDuration = SignedDuration::from_hours(1);

/// The time for which an account in its first day is tried again. AWS Config gives up its
/// organization rules and conformance packs in a new account that has no recorder after so long.
/// (AWS Config developer guide, "Organization conformance packs".)
const NEW_ACCOUNT_TIMEOUT: SignedDuration = SignedDuration::from_hours(7);

/// The delay before the first retry. Most of what was just made shows within seconds.
const FIRST_DELAY: Duration = Duration::from_secs(15);

/// The longest delay before a retry, which is the most that SQS allows for a message.
pub const LONGEST_DELAY: Duration = Duration::from_mins(15);

/// The request with which an account that is not ready is tried again, and the delay until then;
/// `None` if waiting won't help, or has not: the next daily run looks again.
pub fn retry(account: &Converged, now: Timestamp) -> Option<(ConvergeRequest, Duration)> {
    let request = &account.job.request;
    let is_new = is_in_its_first_day(&request.account, now);
    let timeout = match is_new {
        true => NEW_ACCOUNT_TIMEOUT,
        false => READY_TIMEOUT,
    };
    if now.duration_since(request.requested_at) >= timeout {
        return None;
    }
    let conditions = &account.status.conditions;
    // One that can't be mended by waiting may still have a place that can.
    let may_pass = conditions
        .values()
        .any(|condition| matches!(condition, Condition::NotReady(_)));
    let needs_people = conditions
        .values()
        .any(|condition| matches!(condition, Condition::Failed(_)));
    match (may_pass, needs_people && is_new) {
        (true, _) => Some((request.retry(), backoff(request.attempt))),
        // What people mend in a new account is to be seen before the day is over.
        (false, true) => Some((request.retry(), LONGEST_DELAY)),
        (false, false) => None,
    }
}

/// True if an account was waited for so long that people are told.
pub fn has_timed_out(request: &ConvergeRequest, now: Timestamp) -> bool {
    now.duration_since(request.requested_at) >= READY_TIMEOUT
}

/// The delay before a retry: the first one, then twice as long each time, up to the longest.
pub fn backoff(attempt: u32) -> Duration {
    let times = 2_u32.saturating_pow(attempt);
    FIRST_DELAY.saturating_mul(times).min(LONGEST_DELAY)
}
