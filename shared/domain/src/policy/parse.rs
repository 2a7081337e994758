//! Reads `banto.toml`. Each function describes one section; `docs/policy.md` says the same for
//! people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use toml::de::{DeTable, DeValue};

use super::section::{PolicyProblems, Problems, Section};
use super::{ChangeWindow, NoticePolicy, Policy, SlackPolicy};

mod compliance;
mod onboarding;
mod rotation;

/// Largest policy that is read, in bytes: far more than any policy needs, and parsed within
/// milliseconds.
const MAX_BYTES: usize = 256 * 1024;
impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// Every problem at once, each with its line: what is wrong, and what would be right.
    ///
    /// ```
    /// use banto_domain::policy::Policy;
    /// let problems = Policy::parse("[rotation]\nrotate_after_day = 90").unwrap_err().to_string();
    /// assert!(problems.contains("banto.toml:2: `rotation.rotate_after_day` is unknown; did you mean `rotate_after_days`?"));
    /// ```
    pub fn parse(text: &str) -> Result<Self, PolicyProblems> {
        let problems = Problems::in_text(text);
        if text.len() > MAX_BYTES {
            problems.add(
                &(0..0),
                format!(
                    "the file has {} bytes, more than the {MAX_BYTES} allowed",
                    text.len()
                ),
            );
            return problems.or(None);
        }
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            problems.add(&error.span().unwrap_or_default(), error.message());
        }
        if !errors.is_empty() {
            return problems.or(None);
        }
        let policy = policy(Section::root(&problems, &document));
        problems.or(policy)
    }
}

fn policy(mut root: Section<'_, '_>) -> Option<Policy> {
    let rotation = root
        .take("rotation")
        .map(|value| root.of("rotation", value));
    let notices = root.take("notices").map(|value| root.of("notices", value));
    let onboarding = root
        .take("onboarding")
        .map(|value| onboarding::onboarding_policy(root.of("onboarding", value)));
    for (name, section) in [("rotation", &rotation), ("notices", &notices)] {
        if section.is_none() {
            root.problem(format_args!("the section [{name}] is missing"));
        }
    }
    let (rotation, notices) = (
        rotation.and_then(rotation::rotation_policy),
        notices.and_then(notice_policy),
    );
    let waivers = root
        .each("waivers")
        .into_iter()
        .filter_map(|value| compliance::waiver(root.of("waivers", value)));
    let waivers: Vec<_> = waivers.collect();
    let operators_topic = notices.as_ref().map(|notices| &notices.operators_topic);
    let compliance = root.take("compliance").map(|value| {
        compliance::compliance_policy(root.of("compliance", value), waivers, operators_topic)
    });
    root.finish();
    Some(Policy {
        rotation: rotation?,
        onboarding: onboarding.flatten(),
        compliance: compliance.flatten(),
        notices: notices?,
    })
}

fn notice_policy(mut section: Section<'_, '_>) -> Option<NoticePolicy> {
    let operators_topic = section.require("operators_topic", parsed);
    let owners_topic = section.require("owners_topic", parsed);
    let slack = section
        .take("slack")
        .map(|value| slack_policy(section.of("slack", value)));
    let queue = section.read("queue", parsed);
    section.finish();
    Some(NoticePolicy {
        operators_topic: operators_topic?,
        owners_topic: owners_topic?,
        slack: slack.flatten(),
        queue,
    })
}

fn slack_policy(mut section: Section<'_, '_>) -> Option<SlackPolicy> {
    let operators = section.require("operators", parsed);
    let owners = section.require("owners", parsed);
    let mut channels = BTreeMap::new();
    for (name, value) in section.entries("channels") {
        // An IAM tag's value can't hold `#`, so nobody could name such a channel.
        if name.is_empty() || name.starts_with('#') {
            section.problem(format_args!(
                "the channel {name:?} must be named without `#`"
            ));
        }
        match parsed(value.get_ref()) {
            Ok(secret) => drop(channels.insert(name.to_owned(), secret)),
            Err(why) => section.problem(format_args!("the channel {name:?} {why}")),
        }
    }
    section.finish();
    Some(SlackPolicy {
        operators: operators?,
        owners: owners?,
        channels,
    })
}

// --- Values ------------------------------------------------------------------------------------

/// Hours of the week, of which rotation has change windows and routes have quiet hours.
fn window(mut section: Section<'_, '_>) -> Option<ChangeWindow> {
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

fn set<T: FromStr<Err: Display> + Ord>(
    section: &mut Section<'_, '_>,
    key: &'static str,
) -> BTreeSet<T> {
    section.read_each(key, parsed).into_iter().collect()
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

fn boolean(value: &DeValue<'_>) -> Result<bool, String> {
    value
        .as_bool()
        .ok_or_else(|| format!("must be true or false, but is {}", value.type_str()))
}

fn integer(value: &DeValue<'_>, range: RangeInclusive<i64>) -> Result<i64, String> {
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

fn text(value: &DeValue<'_>) -> Result<String, String> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("must be a text in quotes, but is {}", value.type_str()))
}

fn words(value: &DeValue<'_>) -> Result<String, String> {
    text(value).and_then(|text| {
        if text.trim().is_empty() {
            Err("must not be empty".to_owned())
        } else {
            Ok(text)
        }
    })
}

fn parsed<T: FromStr<Err: Display>>(value: &DeValue<'_>) -> Result<T, String> {
    text(value)?
        .parse()
        .map_err(|error| format!("is wrong: {error}"))
}

fn path(value: &DeValue<'_>) -> Result<String, String> {
    let path = text(value)?;
    if path.starts_with('/') && path.ends_with('/') {
        Ok(path)
    } else {
        Err(format!("must begin and end with `/`, but is {path:?}"))
    }
}

fn bucket(value: &DeValue<'_>) -> Result<String, String> {
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

fn prefix(value: &DeValue<'_>) -> Result<String, String> {
    let prefix = text(value)?;
    if prefix.is_empty() || (prefix.ends_with('/') && !prefix.starts_with('/')) {
        Ok(prefix)
    } else {
        Err(format!(
            "must end with `/` and not begin with it, as in \"certs/\", but is {prefix:?}"
        ))
    }
}

fn weekday(value: &DeValue<'_>) -> Result<Weekday, String> {
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

fn time(value: &DeValue<'_>) -> Result<Time, String> {
    let found = text(value)?;
    found
        .parse()
        .map_err(|_| format!("must be a time of day, as in \"09:00\", but is {found:?}"))
}

fn time_zone(value: &DeValue<'_>) -> Result<TimeZone, String> {
    let name = text(value)?;
    TimeZone::get(&name).map_err(|_| {
        format!("must be a time zone's IANA name, as in \"Asia/Tokyo\", but is {name:?}")
    })
}

/// A date lasts until its end in UTC; a moment with an offset is taken as it is.
fn until(value: &DeValue<'_>) -> Result<Timestamp, String> {
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
