//! Dates as people read them.

use jiff::{SignedDuration, Timestamp};

/// Hours from which on a time is told in days.
const HOURS_OF_A_DAY: i64 = 24;

/// A date, as in `30 Nov 2026`, in UTC as all of Banto's dates.
pub fn day(at: Timestamp) -> String {
    at.strftime("%-d %b %Y").to_string()
}

/// A date with its distance from now, as in `in 3 days (30 Nov 2026)`, `2 hours ago (27 Nov 2026)`.
/// Whole days and hours that have passed count; less than an hour is told in minutes.
pub fn in_words(at: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", distance(at, now), day(at))
}

/// The distance alone, as in `in 3 days`, `2 hours ago`, `now`.
pub fn distance(at: Timestamp, now: Timestamp) -> String {
    let apart = at.duration_since(now);
    match length(apart.abs()) {
        None => "now".to_owned(),
        Some(length) if apart.is_negative() => format!("{length} ago"),
        Some(length) => format!("in {length}"),
    }
}

/// A length of time in its greatest unit, as in `3 days`; nothing of less than a minute.
pub fn length(apart: SignedDuration) -> Option<String> {
    let (hours, minutes) = (apart.as_hours(), apart.as_mins());
    let (count, unit) = if hours >= HOURS_OF_A_DAY {
        (hours / HOURS_OF_A_DAY, "day")
    } else if hours >= 1 {
        (hours, "hour")
    } else if minutes >= 1 {
        (minutes, "minute")
    } else {
        return None;
    };
    let plural = if count == 1 { "" } else { "s" };
    Some(format!("{count} {unit}{plural}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_told_with_its_distance() {
        let now: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        let told = |at: &str| in_words(at.parse().unwrap(), now);
        assert_eq!(told("2026-11-30T13:00:00Z"), "in 3 days (30 Nov 2026)");
        assert_eq!(told("2026-11-26T12:00:00Z"), "1 day ago (26 Nov 2026)");
        assert_eq!(told("2026-11-27T10:30:00Z"), "1 hour ago (27 Nov 2026)");
        assert_eq!(told("2026-11-27T12:02:59Z"), "in 2 minutes (27 Nov 2026)");
        assert_eq!(told("2026-11-27T12:00:59Z"), "now (27 Nov 2026)");
    }
}
