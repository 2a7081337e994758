//! Reads `banto.toml`. Each function describes one section; `docs/policy.md` says the same for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use toml::de::{DeTable, DeValue};

use super::section::{PolicyProblems, Problems, Section};
use super::{
    ChangeWindow, Exemption, IdentityAccount, Machines, NoticePolicy, Policy, RotationPolicy,
    RotationTimings, Selector, SlackPolicy,
};
use crate::{AccountId, RoleArn, UserName};

mod compliance;
mod onboarding;

/// Largest policy that is read, in bytes: far more than any policy needs, and parsed within milliseconds.
const MAX_BYTES: usize = 256 * 1024;
/// Fewest and most days of any timing. Ten years are as good as never, and dates this far off can be counted.
const DAYS: RangeInclusive<i64> = 1..=3_650;
/// Fewest and most users that a run may be allowed to issue a key: IAM allows 5,000 users an account.
const USERS_PER_RUN: RangeInclusive<i64> = 1..=5_000;

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
        rotation.and_then(rotation_policy),
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

fn rotation_policy(mut section: Section<'_, '_>) -> Option<RotationPolicy> {
    let enabled = section.read("enabled", boolean).unwrap_or(true);
    let timings = timings(&mut section, &RotationTimings::default());
    let max_users_per_run = section
        .read("max_users_per_run", |value| integer(value, USERS_PER_RUN))
        .unwrap_or(25);
    let canaries = set(&mut section, "canaries");
    let machines = section
        .take("machines")
        .map(|value| machines(section.of("machines", value), &timings));
    let accounts = accounts(&mut section);
    let windows = windows(&mut section);
    let exemptions = exemptions(&mut section);
    refuse_exempt_canaries(&section, &canaries, &exemptions);
    section.finish();
    let max_users_per_run = usize::try_from(max_users_per_run).ok()?;
    Some(RotationPolicy {
        enabled,
        accounts,
        timings,
        machines,
        max_users_per_run,
        canaries,
        windows,
        exemptions,
    })
}

fn windows(section: &mut Section<'_, '_>) -> Vec<ChangeWindow> {
    let mut windows = Vec::new();
    for value in section.each("windows") {
        windows.extend(window(section.of("windows", value)));
    }
    windows
}

fn exemptions(section: &mut Section<'_, '_>) -> Vec<Exemption> {
    let mut exemptions = Vec::new();
    for value in section.each("exemptions") {
        exemptions.extend(exemption(section.of("exemptions", value)));
    }
    exemptions
}

fn refuse_exempt_canaries(
    section: &Section<'_, '_>,
    canaries: &BTreeSet<UserName>,
    exemptions: &[Exemption],
) {
    for exemption in exemptions {
        if let Selector::User(user) = &exemption.who
            && canaries.contains(user)
        {
            section.problem(format_args!(
                "{user} is a canary and exempt; a canary must be rotated first"
            ));
        }
    }
}

impl Default for RotationTimings {
    fn default() -> Self {
        Self {
            rotate_after: days(90),
            warn_before: days(7),
            grace: days(1),
            deadline: None,
            remind_before: days(2),
            recovery: days(10),
        }
    }
}

/// The timings that a section gives, on top of others.
fn timings(section: &mut Section<'_, '_>, otherwise: &RotationTimings) -> RotationTimings {
    let mut read = |key| section.read(key, |value| integer(value, DAYS)).map(days);
    let timings = RotationTimings {
        rotate_after: read("rotate_after_days").unwrap_or(otherwise.rotate_after),
        warn_before: read("warn_before_days").unwrap_or(otherwise.warn_before),
        grace: read("grace_days").unwrap_or(otherwise.grace),
        deadline: read("deadline_days").or(otherwise.deadline),
        remind_before: read("remind_before_days").unwrap_or(otherwise.remind_before),
        recovery: read("recovery_days").unwrap_or(otherwise.recovery),
    };
    for (contradicts, problem) in CONTRADICTIONS {
        if contradicts(&timings) {
            section.problem(problem);
        }
    }
    timings
}

/// True if timings contradict each other.
type Contradiction = fn(&RotationTimings) -> bool;

/// The contradictions, each with the words for it.
const CONTRADICTIONS: &[(Contradiction, &str)] = &[
    (
        warns_before_birth,
        "`warn_before_days` must be less than `rotate_after_days`",
    ),
    (
        reminds_before_disabling,
        "`remind_before_days` must be less than `recovery_days`",
    ),
    (
        deadline_within_grace,
        "`deadline_days` must be more than `grace_days`",
    ),
    (
        reminds_before_delivery,
        "`deadline_days` must be more than `remind_before_days`",
    ),
    (
        next_warning_before_deletion,
        "an old key must be gone before the next warning: `deadline_days` (or `grace_days`) and `recovery_days` together \
         must be less than `rotate_after_days` less `warn_before_days`",
    ),
];

fn warns_before_birth(timings: &RotationTimings) -> bool {
    timings.warn_before >= timings.rotate_after
}

fn reminds_before_disabling(timings: &RotationTimings) -> bool {
    timings.remind_before >= timings.recovery
}

fn deadline_within_grace(timings: &RotationTimings) -> bool {
    let deadline = timings.deadline;
    deadline.is_some_and(|deadline| deadline <= timings.grace)
}

fn reminds_before_delivery(timings: &RotationTimings) -> bool {
    let deadline = timings.deadline;
    deadline.is_some_and(|deadline| deadline <= timings.remind_before)
}

fn next_warning_before_deletion(timings: &RotationTimings) -> bool {
    let disabled = timings.deadline.unwrap_or(timings.grace);
    disabled + timings.recovery >= timings.warning_age()
}

fn machines(mut section: Section<'_, '_>, people: &RotationTimings) -> Machines {
    let mut who = Vec::new();
    for value in section.each("who") {
        let mut entry = section.of("who", value);
        who.extend(selector(&mut entry));
        entry.finish();
    }
    if who.is_empty() {
        section.problem("`who` must name at least one user, path, tag or group");
    }
    let timings = timings(&mut section, people);
    section.finish();
    Machines { who, timings }
}

fn accounts(section: &mut Section<'_, '_>) -> Vec<IdentityAccount> {
    let values = section.each("accounts");
    if values.is_empty() {
        section
            .problem("`accounts` must hold at least one identity account: [[rotation.accounts]]");
    }
    let mut accounts = Vec::new();
    for value in values {
        accounts.extend(account(section.of("accounts", value), &accounts));
    }
    accounts
}

/// One identity account, after the earlier ones of the list.
fn account(mut section: Section<'_, '_>, earlier: &[IdentityAccount]) -> Option<IdentityAccount> {
    let id: Option<AccountId> = section.require("id", parsed);
    let role: Option<RoleArn> = section.require("role", parsed);
    let assume = section.read("assume", boolean).unwrap_or(true);
    let certificate_bucket = section.require("certificate_bucket", bucket);
    let certificate_prefix = section
        .read("certificate_prefix", prefix)
        .unwrap_or_else(|| "certs/".to_owned());
    if let (Some(id), Some(role)) = (&id, &role) {
        if role.account() != id.as_str() {
            let account = role.account();
            section.problem(format_args!("`role` is in account {account}, not in {id}"));
        }
        if earlier.iter().any(|account| account.id == *id) {
            section.problem(format_args!("{id} is listed twice"));
        }
    }
    section.finish();
    Some(IdentityAccount {
        id: id?,
        role: role?,
        assume,
        certificate_bucket: certificate_bucket?,
        certificate_prefix,
    })
}

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

fn exemption(mut section: Section<'_, '_>) -> Option<Exemption> {
    let who = selector(&mut section);
    let until = section.require("until", until);
    let reason = section.require("reason", words);
    section.finish();
    Some(Exemption {
        who: who?,
        until: until?,
        reason: reason?,
    })
}

/// Exactly one of `user`, `path`, `tag` and `group`.
fn selector(section: &mut Section<'_, '_>) -> Option<Selector> {
    let mut given = 0;
    for key in ["user", "path", "tag", "group"] {
        given += usize::from(section.take(key).is_some());
    }
    let user = section.read("user", parsed).map(Selector::User);
    let path = section.read("path", path).map(Selector::Path);
    let group = section.read("group", parsed).map(Selector::Group);
    let tag = section
        .take("tag")
        .and_then(|value| tag(section.of("tag", value)));
    if given != 1 {
        section.problem("must have exactly one of `user`, `path`, `tag` and `group`");
    }
    user.or(path).or(tag).or(group)
}

fn tag(mut section: Section<'_, '_>) -> Option<Selector> {
    let (key, value) = (
        section.require("key", words),
        section.require("value", text),
    );
    section.finish();
    Some(Selector::Tag {
        key: key?,
        value: value?,
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
