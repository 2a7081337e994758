//! Telling people again of what lasts: owners week by week, operators in one list at the beginning
//! of each week.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::trail_times::RUN_JITTER;

/// Time after which an owner is told again of what waits for them: often enough not to be
/// forgotten, and seldom enough to be read.
pub(super) const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Time for which operators are not told again of what they were just told: what came up at the end
/// of a week is not in the list of the next one.
const JUST_TOLD: SignedDuration = SignedDuration::from_hours(3 * 24);

/// True if an owner is to be told again.
pub(super) fn is_time_for_owner(told_at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(told_at) >= WEEK - RUN_JITTER
}

/// True if operators are to be told again: a week has begun since. All that lasts is then told by
/// the same run, be it on a Tuesday where Monday's failed.
pub(super) fn is_time_for_operators(told_at: Timestamp, now: Timestamp) -> bool {
    let is_of_earlier_week = told_at < beginning_of_week(now);
    is_of_earlier_week && now.duration_since(told_at) >= JUST_TOLD
}

/// Midnight of the last Monday, in UTC.
fn beginning_of_week(now: Timestamp) -> Timestamp {
    let today = now.to_zoned_datetime(TimeZone::UTC);
    let days = today.weekday().since(Weekday::Monday);
    let midnight = today.start_of_day().map(|midnight| midnight.timestamp());
    let midnight = midnight.unwrap_or(now);
    midnight - SignedDuration::from_hours(24 * i64::from(days))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn operators_are_told_again_once_a_week_has_begun() {
        // 1 June 2026 is a Monday.
        let monday = at("2026-06-01T01:00:00Z");
        assert_eq!(beginning_of_week(monday), at("2026-06-01T00:00:00Z"));
        assert_eq!(
            beginning_of_week(at("2026-06-07T23:59:59Z")),
            at("2026-06-01T00:00:00Z")
        );
        for (told, is_time) in [
            ("2026-05-25T01:00:00Z", true),
            ("2026-05-29T01:00:00Z", true),
            ("2026-05-30T01:00:00Z", false),
            ("2026-06-01T00:30:00Z", false),
        ] {
            assert_eq!(is_time_for_operators(at(told), monday), is_time, "{told}");
        }
        assert!(is_time_for_operators(
            at("2026-05-30T01:00:00Z"),
            at("2026-06-02T01:00:00Z")
        ));
    }

    #[test]
    fn an_owner_is_told_again_after_a_week_be_the_run_some_minutes_early() {
        let told = at("2026-06-01T01:10:00Z");
        assert!(is_time_for_owner(told, at("2026-06-08T01:00:00Z")));
        assert!(!is_time_for_owner(told, at("2026-06-07T23:00:00Z")));
    }
}
