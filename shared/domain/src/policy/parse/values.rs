//! Values of the policy, read from TOML: each says what is wrong with it, and what would be right.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use toml::de::DeValue;

use crate::compliance::Severity;
use crate::policy::ChangeWindow;
use crate::policy::onboarding::AccountSelector;
use crate::policy::section::Section;

/// Hours of the week, of which rotation has change windows and routes have quiet hours.
pub(super) fn window(mut section: Section<'_, '_>) -> Option<ChangeWindow> {
    let days = section.read_each("days", weekday);
    if days.is_empty() {
        section.problem("`days` must name at least one day, as in [\"mon\", \"tue\"]");
    }
    let from = section.require("from", time);
    let to = section.require("to", time);
    let time_zone = section.require("time_zone", time_zone);
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        section.problem(format_args!(
            "`from` ({from}) must be before `to` ({to}); a window past midnight is two windows"
        ));
    }
    section.finish();
    Some(ChangeWindow {
        days,
        from: from?,
        to: to?,
        time_zone: time_zone?,
    })
}

/// The accounts that an entry is for, by any of `accounts`, `ous` and `tag`.
pub(super) fn account_selectors(section: &mut Section<'_, '_>) -> Vec<AccountSelector> {
    let accounts = section.read_each("accounts", parsed).into_iter();
    let mut selectors: Vec<AccountSelector> = accounts.map(AccountSelector::Account).collect();
    let units = section.read_each("ous", parsed).into_iter();
    selectors.extend(units.map(AccountSelector::Ou));
    if let Some(value) = section.take("tag") {
        let mut tag = section.of("tag", value);
        let (key, value) = (tag.require("key", words), tag.require("value", text));
        tag.finish();
        let tag = key.zip(value);
        selectors.extend(tag.map(|(key, value)| AccountSelector::Tag { key, value }));
    }
    selectors
}

pub(super) fn set<T: FromStr<Err: Display> + Ord>(
    section: &mut Section<'_, '_>,
    key: &'static str,
) -> BTreeSet<T> {
    section.read_each(key, parsed).into_iter().collect()
}

pub(super) fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

pub(super) fn boolean(value: &DeValue<'_>) -> Result<bool, String> {
    value
        .as_bool()
        .ok_or_else(|| format!("must be true or false, but is {}", value.type_str()))
}

pub(super) fn integer(value: &DeValue<'_>, range: RangeInclusive<i64>) -> Result<i64, String> {
    let found = value
        .as_integer()
        .and_then(|integer| i64::from_str_radix(integer.as_str(), integer.radix()).ok());
    let expected = || {
        format!(
            "must be a whole number from {} to {}",
            range.start(),
            range.end()
        )
    };
    match found {
        Some(number) if range.contains(&number) => Ok(number),
        Some(number) => Err(format!("{}, but is {number}", expected())),
        None => Err(format!("{}, but is {}", expected(), value.type_str())),
    }
}

pub(super) fn text(value: &DeValue<'_>) -> Result<String, String> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("must be a text in quotes, but is {}", value.type_str()))
}

pub(super) fn words(value: &DeValue<'_>) -> Result<String, String> {
    text(value).and_then(|text| {
        if text.trim().is_empty() {
            Err("must not be empty".to_owned())
        } else {
            Ok(text)
        }
    })
}

pub(super) fn parsed<T: FromStr<Err: Display>>(value: &DeValue<'_>) -> Result<T, String> {
    text(value)?
        .parse()
        .map_err(|error| format!("is wrong: {error}"))
}

pub(super) fn path(value: &DeValue<'_>) -> Result<String, String> {
    let path = text(value)?;
    if path.starts_with('/') && path.ends_with('/') {
        Ok(path)
    } else {
        Err(format!("must begin and end with `/`, but is {path:?}"))
    }
}

pub(super) fn bucket(value: &DeValue<'_>) -> Result<String, String> {
    let bucket = text(value)?;
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    if (3..=63).contains(&bucket.len()) && bucket.bytes().all(allowed) {
        Ok(bucket)
    } else {
        Err(format!(
            "must be a bucket's name (3 to 63 small letters, digits, dots and hyphens), but is {bucket:?}"
        ))
    }
}

pub(super) fn prefix(value: &DeValue<'_>) -> Result<String, String> {
    let prefix = text(value)?;
    if prefix.is_empty() || (prefix.ends_with('/') && !prefix.starts_with('/')) {
        Ok(prefix)
    } else {
        Err(format!(
            "must end with `/` and not begin with it, as in \"certs/\", but is {prefix:?}"
        ))
    }
}

pub(super) fn weekday(value: &DeValue<'_>) -> Result<Weekday, String> {
    let day = text(value)?;
    match day.as_str() {
        "mon" => Ok(Weekday::Monday),
        "tue" => Ok(Weekday::Tuesday),
        "wed" => Ok(Weekday::Wednesday),
        "thu" => Ok(Weekday::Thursday),
        "fri" => Ok(Weekday::Friday),
        "sat" => Ok(Weekday::Saturday),
        "sun" => Ok(Weekday::Sunday),
        _ => Err(format!(
            "must be one of mon, tue, wed, thu, fri, sat, sun, but is {day:?}"
        )),
    }
}

pub(super) fn time(value: &DeValue<'_>) -> Result<Time, String> {
    let found = text(value)?;
    found
        .parse()
        .map_err(|_| format!("must be a time of day, as in \"09:00\", but is {found:?}"))
}

pub(super) fn time_zone(value: &DeValue<'_>) -> Result<TimeZone, String> {
    let name = text(value)?;
    TimeZone::get(&name).map_err(|_| {
        format!("must be a time zone's IANA name, as in \"Asia/Tokyo\", but is {name:?}")
    })
}

/// A moment with an offset, in quotes or not.
pub(super) fn moment(value: &DeValue<'_>) -> Result<Timestamp, String> {
    let expected = "must be a moment with an offset, as in \"2026-12-01T00:00:00Z\"";
    let found = match (value.as_str(), value.as_datetime()) {
        (Some(text), _) => text.to_owned(),
        (None, Some(datetime)) => datetime.to_string(),
        (None, None) => return Err(format!("{expected}, but is {}", value.type_str())),
    };
    found
        .parse()
        .map_err(|_| format!("{expected}, but is {found:?}"))
}

/// A date lasts until its end in UTC; a moment with an offset is taken as it is.
pub(super) fn until(value: &DeValue<'_>) -> Result<Timestamp, String> {
    let expected = || "must be a date, as in 2027-01-31, or a moment with an offset".to_owned();
    let found = value
        .as_datetime()
        .ok_or_else(|| format!("{}, but is {}", expected(), value.type_str()))?
        .to_string();
    if let Ok(moment) = found.parse::<Timestamp>() {
        return Ok(moment);
    }
    let date = found
        .parse::<Date>()
        .map_err(|_| format!("{}, but is {found}", expected()))?;
    let next = date
        .tomorrow()
        .and_then(|next| next.to_zoned_datetime(TimeZone::UTC));
    next.map(|next| next.timestamp()).map_err(|_| expected())
}

/// One of a few words.
pub(super) fn one_of<T: Copy>(
    value: &DeValue<'_>,
    known: &[(&'static str, T)],
) -> Result<T, String> {
    let found = text(value)?;
    let names = || {
        known
            .iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let matching = known
        .iter()
        .find(|(name, _)| *name == found)
        .map(|(_, value)| *value);
    matching.ok_or_else(|| format!("must be one of {}, but is {found:?}", names()))
}

/// A text of at most so many characters.
pub(super) fn at_most(most: usize, text: String) -> Result<String, String> {
    match text.chars().count() {
        count if count <= most => Ok(text),
        count => Err(format!(
            "has {count} characters, more than the {most} that AWS allows"
        )),
    }
}

/// A severity, as the policy and people write it.
pub(super) fn severity(value: &DeValue<'_>) -> Result<Severity, String> {
    let found = text(value)?;
    let known = Severity::ALL
        .into_iter()
        .find(|severity| severity.as_str() == found);
    known.ok_or_else(|| format!("must be one of low, medium, high, critical, but is {found:?}"))
}

/// A mail address.
pub(super) fn address(value: &DeValue<'_>) -> Result<String, String> {
    let found = text(value)?;
    let is_plain = |part: &str| {
        !part.is_empty()
            && !part.contains(|c: char| c.is_whitespace() || c.is_control() || ",;<>\"".contains(c))
    };
    match found.split_once('@') {
        Some((name, host)) if is_plain(name) && is_plain(host) && !host.contains('@') => Ok(found),
        _ => Err(format!(
            "must be a mail address, as in \"alice@example.com\", but is {found:?}"
        )),
    }
}

/// A link by HTTPS, without characters that end one in Slack or HTML.
pub(super) fn link(value: &DeValue<'_>) -> Result<String, String> {
    let found = text(value)?;
    let is_clean = found.starts_with("https://")
        && !found.contains(|c: char| c.is_whitespace() || "<>|\"".contains(c));
    if is_clean {
        Ok(found)
    } else {
        Err(format!(
            "must be a link that begins with https://, but is {found:?}"
        ))
    }
}
