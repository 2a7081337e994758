//! Numbers, dates and names, as people read them.

use banto_domain::{AccountId, Month};
use banto_notice::text::{count, grouped};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};

use crate::evidence::Period;
use crate::model::{MonthReport, Tally, TrendPoint, UnknownReason};

/// Most characters of a name that others gave: two lines of the mail. Resource ids have up to 768.
/// (AWS Config API reference, `ResourceId`.)
const LONGEST_NAME: usize = 120;

/// Most characters of a sentence that others wrote.
const LONGEST_SENTENCE: usize = 300;

/// A name that others gave, in one line and no longer than a mail has room for.
pub(super) fn name(text: &str) -> String {
    shortened(text, LONGEST_NAME)
}

/// A sentence that others wrote, in one line and no longer than a mail has room for.
pub(super) fn sentence(text: &str) -> String {
    shortened(text, LONGEST_SENTENCE)
}

fn shortened(text: &str, most: usize) -> String {
    let line = one_line(text);
    if line.chars().count() <= most {
        return line;
    }
    let kept: String = line.chars().take(most - 1).collect();
    format!("{}…", kept.trim_end())
}

/// A text as one line of visible characters: a line break would begin another header in a subject,
/// and signs that turn the direction of writing would make a name look like another.
pub(super) fn one_line(text: &str) -> String {
    let visible: String = text.chars().filter(|c| is_visible(*c)).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// (Unicode Standard, section 23.2, "Layout Controls".)
fn is_visible(sign: char) -> bool {
    let turns = matches!(
        sign,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    );
    !turns && (sign.is_whitespace() || !sign.is_control())
}

/// A share of two numbers, rounded down as [`Tally::compliance`] is.
pub(super) fn share(part: u64, whole: u64) -> Option<f64> {
    let tally = Tally {
        compliant: part,
        open: whole.saturating_sub(part),
        ..Tally::default()
    };
    tally.compliance()
}

/// A percentage.
pub(super) fn percent(share: f64) -> String {
    format!("{share:.1} %")
}

/// A compliance; `otherwise`, where nothing is known.
pub(super) fn compliance(tally: &Tally, otherwise: &str) -> String {
    tally
        .compliance()
        .map_or_else(|| otherwise.to_owned(), percent)
}

/// The change of a percentage that is the same as before.
pub(super) const UNCHANGED: &str = "unchanged";

/// The change of a percentage, in points; `None` if one of both is not known.
pub(super) fn change(now: Option<f64>, before: Option<f64>) -> Option<String> {
    // Both have one decimal, which their difference need not have.
    let tenths = ((now? - before?) * 10.0).round();
    let points = tenths.abs() / 10.0;
    Some(if tenths > 0.0 {
        format!("up {points:.1}")
    } else if tenths < 0.0 {
        format!("down {points:.1}")
    } else {
        UNCHANGED.to_owned()
    })
}

/// The month that a report is compared with.
pub(super) fn before(report: &MonthReport) -> Option<&TrendPoint> {
    let month = report.compared_with?;
    report.trend.iter().find(|point| point.month == month)
}

/// A month, as in `October 2026`.
pub(super) fn month(month: Month) -> String {
    month.start().strftime("%B %Y").to_string()
}

/// A period, as in `October 2026`; of a month that lasts still, with the last day that counts.
pub(super) fn period(period: Period) -> String {
    let name = month(period.month);
    if period.end >= period.month.end() {
        return name;
    }
    format!("{name} until {}", period.end.strftime("%-d %B %H:%M UTC"))
}

/// A day, with its year unless it is the period's own.
pub(super) fn day(at: Timestamp, period: Period) -> String {
    let is_near = date(at).year() == period.month.year();
    let format = if is_near { "%-d %B" } else { "%-d %B %Y" };
    at.strftime(format).to_string()
}

/// A day and the time from it to the period's end, as in `12 March (7 months)`.
pub(super) fn since(at: Timestamp, period: Period) -> String {
    format!("{} ({})", day(at, period), age(at, period))
}

/// The time from a moment to the period's end: in days up to two months, in months up to two years.
pub(super) fn age(at: Timestamp, period: Period) -> String {
    let between = |unit| date(at).until((unit, date(period.end))).unwrap_or_default();
    match between(Unit::Month).get_months() {
        ..2 => count(between(Unit::Day).get_days().max(0), "day"),
        months @ 2..24 => count(months, "month"),
        months => count(months / 12, "year"),
    }
}

fn date(at: Timestamp) -> Date {
    at.to_zoned_datetime(TimeZone::UTC).date()
}

/// An account by name and id; one whose name is not known by id alone.
pub(super) fn account(report: &MonthReport, id: &AccountId) -> String {
    let found = report
        .accounts
        .binary_search_by(|line| line.account.cmp(id))
        .ok()
        .and_then(|place| report.accounts.get(place));
    match found {
        Some(line) if line.name != id.as_str() => format!("{} ({id})", name(&line.name)),
        _ => id.to_string(),
    }
}

/// Open findings, and those among them that are new.
pub(super) fn open(open: u64, new: u64) -> String {
    let new = match new {
        0 => String::new(),
        new => format!(" ({} new)", grouped(new)),
    };
    format!("{} open{new}", grouped(open))
}

/// Findings by what became of them; a kind that there is none of is left out.
pub(super) fn findings(tally: &Tally) -> String {
    let open = match tally.all_open() {
        0 => "nothing open".to_owned(),
        all => open(all, tally.new),
    };
    let others = [
        (tally.fixed, "fixed"),
        (tally.waived, "waived"),
        (tally.unknown, "unknown"),
    ];
    let others = others.into_iter().filter(|(count, _)| *count > 0);
    let others = others.map(|(count, what)| format!(", {} {what}", grouped(count)));
    others.fold(open, |told, other| told + &other)
}

/// US dollars, in cents below ten.
pub(super) fn dollars(amount: f64) -> String {
    if amount < 10.0 {
        return format!("{amount:.2} USD");
    }
    format!("{} USD", grouped(format!("{amount:.0}")))
}

/// The reason for which something can't be said, behind the name of what it is about.
pub(super) fn because(reason: UnknownReason) -> &'static str {
    match reason {
        UnknownReason::StoppedDelivering => "stopped delivering",
        UnknownReason::NeverDelivered => "never delivered",
        UnknownReason::Unreadable => "snapshots can't be read",
        UnknownReason::NoComplianceItems => "no compliance recorded",
        UnknownReason::RuleNotSeen => "rule not seen",
        UnknownReason::InsufficientData => "AWS Config has too little data",
    }
}

/// The way to know again what can't be said.
pub(super) fn remedy(reason: UnknownReason) -> &'static str {
    match reason {
        UnknownReason::StoppedDelivering => {
            "See in the account that the recorder runs and that the delivery channel may still \
             write to the log archive: aws configservice \
             describe-delivery-channel-status."
        }
        UnknownReason::NeverDelivered => {
            "Set AWS Config up in the account, with onboard-accounts or by hand, and deliver to \
             the log archive."
        }
        UnknownReason::Unreadable => {
            "See the objects named below; the next month is known again once whole ones arrive."
        }
        UnknownReason::NoComplianceItems => {
            "Have the recorder record AWS::Config::ResourceCompliance, or name an aggregator in \
             the policy, which is asked instead."
        }
        UnknownReason::RuleNotSeen => {
            "See whether the rule is there; an aggregator in the policy answers that from now on."
        }
        UnknownReason::InsufficientData => {
            "Open the rule in AWS Config: most often it lacks a permission, or has not run yet."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn october() -> Period {
        let month: Month = "2026-10".parse().unwrap();
        Period {
            month,
            end: month.end(),
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_age_is_told_in_days_then_months_then_years() {
        for (day, told) in [
            ("2026-10-31T23:59:59Z", "31 October (1 day)"),
            ("2026-09-02T00:00:00Z", "2 September (60 days)"),
            ("2026-09-01T00:00:00Z", "1 September (2 months)"),
            ("2026-03-12T08:00:00Z", "12 March (7 months)"),
            ("2024-12-01T00:00:00Z", "1 December 2024 (23 months)"),
            ("2024-11-01T00:00:00Z", "1 November 2024 (2 years)"),
            ("2022-12-31T00:00:00Z", "31 December 2022 (3 years)"),
        ] {
            assert_eq!(since(at(day), october()), told);
        }
    }

    #[test]
    fn nearly_all_is_never_told_as_all() {
        assert_eq!(share(99_999, 100_000).map(percent).unwrap(), "99.9 %");
        assert_eq!(share(100_000, 100_000).map(percent).unwrap(), "100.0 %");
        assert_eq!(share(0, 0), None);
    }

    #[test]
    fn a_change_is_in_points_with_one_decimal() {
        let told = |now, before| change(Some(now), Some(before)).unwrap();
        assert_eq!(told(91.4, 90.2), "up 1.2");
        assert_eq!(told(90.2, 91.4), "down 1.2");
        assert_eq!(told(91.4, 91.4), UNCHANGED);
        assert_eq!(change(None, Some(91.4)), None);
    }

    #[test]
    fn a_name_is_one_line_of_visible_characters_and_not_too_long() {
        assert_eq!(name("a\r\n\tb\u{202e}c\u{0}"), "a bc");
        let long = name(&"n".repeat(500));
        assert_eq!(long.chars().count(), LONGEST_NAME);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn dollars_have_cents_only_where_they_matter() {
        assert_eq!(dollars(2.7), "2.70 USD");
        assert_eq!(dollars(1_234.5), "1,234 USD");
    }
}
