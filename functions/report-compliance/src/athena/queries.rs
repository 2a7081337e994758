//! The queries that Athena is sent, and the days that they are limited to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use banto_domain::compliance::short_hash;
use banto_ports::Query;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::evidence::Period;

/// Days before the period's end in which a snapshot is looked for: those after which a policy may
/// first call one stale, at most. A region that has been silent for longer has none. Each day costs a
/// listing of each account and region, and the bytes of its snapshots.
pub const DAYS: i64 = 31;

/// Days whose objects a query reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Days(pub(super) BTreeSet<Date>);

/// A question, whose answer is sorted by account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Question {
    /// The last snapshot of each account and region.
    Snapshots,
    /// The evaluations that count one by one.
    Evaluations,
    /// The numbers of evaluations.
    Counts,
    /// The numbers of items that were recorded in the month.
    Recorded,
}

impl Question {
    fn template(self) -> &'static str {
        match self {
            Self::Snapshots => include_str!("../../sql/queries/snapshots.sql"),
            Self::Evaluations => include_str!("../../sql/queries/evaluations.sql"),
            Self::Counts => include_str!("../../sql/queries/counts.sql"),
            Self::Recorded => include_str!("../../sql/queries/recorded.sql"),
        }
    }

    /// The question on a period, in SQL that reads the objects of some days.
    pub(super) fn sql(self, period: Period, days: &Days) -> String {
        let end = period.end.strftime("%Y%m%dT%H%M%SZ").to_string();
        self.template()
            .replace("{days}", &days.condition())
            .replace("{end}", &end)
            .replace("{previous}", &period.month.previous().to_string())
            .replace("{year}", &period.month.year().to_string())
            .replace("{month}", &period.month.month().to_string())
    }

    /// The question on a period as Athena is asked it. Athena answers a token that it knows with the
    /// execution that it was first sent with, so that what asks again after a crash pays nothing.
    /// Another day, and another attempt, is another execution: one that failed would be returned
    /// for ever. So is one beside another month `before`, whose findings decide what is answered.
    /// (Athena API reference, `StartQueryExecution`.)
    pub(super) fn asked(
        self,
        period: Period,
        days: &Days,
        before: &str,
        now: Timestamp,
        attempt: u32,
    ) -> Query {
        let sql = self.sql(period, days);
        let today = now.to_zoned_datetime(TimeZone::UTC).date().to_string();
        let token = short_hash(&[&sql, before, &today, &attempt.to_string()]);
        Query { sql, token }
    }
}

impl Days {
    /// The last [`DAYS`] before a moment, and the moment's own.
    pub(super) fn before(end: Timestamp) -> Self {
        // Counted from the last moment that counts, so that a month's end is no day of the next.
        let last = SignedDuration::from_nanos(1);
        let ages = (0..=DAYS).map(|age| SignedDuration::from_hours(24 * age) + last);
        let moments = ages.filter_map(|age| end.checked_sub(age).ok());
        let days = moments.map(|moment| moment.to_zoned_datetime(TimeZone::UTC).date());
        Self(days.collect())
    }

    /// The days as a condition on partitions. Numbers in lists are what Athena prunes them by.
    fn condition(&self) -> String {
        let mut months: BTreeMap<(i16, i8), Vec<String>> = BTreeMap::new();
        for day in &self.0 {
            let days = months.entry((day.year(), day.month())).or_default();
            days.push(day.day().to_string());
        }
        if months.is_empty() {
            return "1 = 0".to_owned();
        }
        let mut condition = String::new();
        for ((year, month), days) in months {
            let or = if condition.is_empty() { "" } else { " OR " };
            let days = days.join(", ");
            // Writing to a String can't fail.
            let _infallible = write!(
                condition,
                "{or}(year = {year} AND month = {month} AND day IN ({days}))"
            )
            .is_ok();
        }
        condition
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn october() -> Period {
        let month: banto_domain::Month = "2026-10".parse().unwrap();
        let end = month.end();
        Period { month, end }
    }

    fn before() -> Days {
        Days::before(october().end)
    }

    const ALL: [Question; 4] = [
        Question::Snapshots,
        Question::Evaluations,
        Question::Counts,
        Question::Recorded,
    ];

    #[test]
    fn a_month_is_asked_for_by_the_numbers_of_its_last_days() {
        let sql = Question::Snapshots.sql(october(), &before());
        let days = "(year = 2026 AND month = 9 AND day IN (30)) \
                    OR (year = 2026 AND month = 10 AND day IN (1, 2, ";
        assert!(sql.contains(days), "{sql}");
        assert!(sql.contains("taken < '20261101T000000Z'"), "{sql}");
    }

    #[test]
    fn a_period_that_begins_with_the_year_looks_into_the_year_before() {
        let end = "2026-01-03T12:00:00Z".parse().unwrap();
        let condition = Days::before(end).condition();
        assert!(condition.starts_with("(year = 2025 AND month = 12 AND day IN (3, 4, "));
        assert!(condition.ends_with(") OR (year = 2026 AND month = 1 AND day IN (1, 2, 3))"));
    }

    #[test]
    fn without_a_day_nothing_is_read() {
        assert_eq!(Days::default().condition(), "1 = 0");
    }

    #[test]
    fn no_question_has_a_placeholder_left() {
        for question in ALL {
            let sql = question.sql(october(), &before());
            assert!(!sql.contains(['{', '}']), "{sql}");
        }
    }

    #[test]
    fn whoever_asks_again_on_the_same_day_asks_by_the_same_token() {
        let morning = "2026-11-02T06:00:00Z".parse().unwrap();
        let noon = "2026-11-02T12:00:00Z".parse().unwrap();
        let tomorrow = "2026-11-03T06:00:00Z".parse().unwrap();
        let mut tokens = BTreeSet::new();
        for question in ALL {
            let asked = question.asked(october(), &before(), "september", morning, 0);
            assert_eq!(
                asked,
                question.asked(october(), &before(), "september", noon, 0)
            );
            // 32 to 128 characters. (Athena API reference, `StartQueryExecution`.)
            assert!((32..=128).contains(&asked.token.len()));
            tokens.insert(asked.token);
            for (month, now, attempt) in [
                ("september", tomorrow, 0),
                ("september", morning, 1),
                ("september, made anew", morning, 0),
            ] {
                let other = question.asked(october(), &before(), month, now, attempt);
                tokens.insert(other.token);
            }
        }
        assert_eq!(tokens.len(), 4 * ALL.len());
    }
}
