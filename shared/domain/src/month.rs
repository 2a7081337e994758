//! A month of the calendar, in UTC: AWS Config's keys have UTC's days.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A month, written as in `2026-10`.
///
/// ```
/// use banto_domain::Month;
/// let october: Month = "2026-10".parse().unwrap();
/// assert_eq!(october.previous().to_string(), "2026-09");
/// assert_eq!(october.end().to_string(), "2026-11-01T00:00:00Z");
/// assert!("2026-1".parse::<Month>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// Its first day.
    first: Date,
}

/// A text that is no month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not a month: expected year and month, like 2026-10")]
pub struct MonthError {
    found: String,
}

impl Month {
    /// The month in which a moment lies, in UTC.
    pub fn of(moment: Timestamp) -> Self {
        let first = moment
            .to_zoned_datetime(TimeZone::UTC)
            .date()
            .first_of_month();
        Self { first }
    }

    /// The year.
    pub fn year(self) -> i16 {
        self.first.year()
    }

    /// The month of the year, from 1 on.
    pub fn month(self) -> i8 {
        self.first.month()
    }

    /// The month before; the first month of all times has none, and is its own.
    #[must_use]
    pub fn previous(self) -> Self {
        Self {
            first: self.first.checked_sub(1.month()).unwrap_or(self.first),
        }
    }

    /// The month after; the last month of all times has none, and is its own.
    #[must_use]
    pub fn next(self) -> Self {
        Self {
            first: self.first.checked_add(1.month()).unwrap_or(self.first),
        }
    }

    /// Its first moment.
    pub fn start(self) -> Timestamp {
        midnight(self.first)
    }

    /// The first moment after it.
    pub fn end(self) -> Timestamp {
        self.next().start()
    }
}

/// Midnight of a day in UTC.
fn midnight(day: Date) -> Timestamp {
    let midnight = TimeZone::UTC.to_timestamp(day.to_datetime(jiff::civil::Time::midnight()));
    midnight.unwrap_or(Timestamp::MIN)
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.month())
    }
}

impl FromStr for Month {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Self, MonthError> {
        let parsed = || {
            let (year, month) = text.split_once('-')?;
            let is_padded = year.len() == 4 && month.len() == 2;
            let digits = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
            let (year, month) = (year.parse().ok()?, month.parse().ok()?);
            let is_month = is_padded && digits && (1970..=9998).contains(&year);
            (is_month && (1..=12).contains(&month)).then(|| date(year, month, 1))
        };
        let found = || text.chars().take(20).collect();
        let first = parsed().ok_or_else(|| MonthError { found: found() })?;
        Ok(Self { first })
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
