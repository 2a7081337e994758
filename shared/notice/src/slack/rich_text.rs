//! The pieces of Slack's rich text blocks. Nothing in them is markup, so that no text needs an
//! escape. (Slack's Block Kit reference, "Rich text block".)

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::text::day_and_time;

/// The way in which a time is shown in the reader's own time zone: `today at 09:05`. A date element
/// begins with a capital letter, also within a sentence, unless its format begins with a character
/// that has none; the zero-width space is not seen. (Slack::BlockKit's documentation.)
const DATE: &str = "\u{200b}{date_short_pretty} at {time}";

/// The two lengths of what [`day_and_time`] writes: a day has two digits or one.
const TIME_LENGTHS: [usize; 2] = ["14 Nov 2026 09:05 UTC".len(), "4 Nov 2026 09:05 UTC".len()];
/// What a time ends with.
const ZONE: &str = " UTC";

/// A rich text block.
pub(super) fn block(parts: Vec<Value>) -> Value {
    json!({ "type": "rich_text", "elements": parts })
}

/// A line, or several.
pub(super) fn section(elements: Vec<Value>) -> Value {
    json!({ "type": "rich_text_section", "elements": elements })
}

/// A list with a dot before each item.
pub(super) fn list(sections: Vec<Value>) -> Value {
    json!({ "type": "rich_text_list", "style": "bullet", "elements": sections })
}

/// A text that is shown as it is, to be copied.
pub(super) fn preformatted(code: &str) -> Value {
    json!({ "type": "rich_text_preformatted", "elements": [text(code)] })
}

pub(super) fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

pub(super) fn bold(text: &str) -> Value {
    json!({ "type": "text", "text": text, "style": { "bold": true } })
}

pub(super) fn link(url: &str, label: &str) -> Value {
    json!({ "type": "link", "url": url, "text": label })
}

/// The elements of a text: its times as dates, so that people read them in their own time zone, and
/// all else as it is. A time in somebody else's words is the same time.
pub(super) fn elements(whole: &str) -> Vec<Value> {
    let mut elements = Vec::new();
    let mut rest = whole;
    while let Some((before, at, after)) = first_time(rest) {
        elements.extend((!before.is_empty()).then(|| text(before)));
        elements.push(date(at));
        rest = after;
    }
    if !rest.is_empty() || elements.is_empty() {
        elements.push(text(rest));
    }
    elements
}

fn date(at: Timestamp) -> Value {
    json!({ "type": "date", "timestamp": at.as_second(), "format": DATE, "fallback": day_and_time(at) })
}

/// The first time in a text, and the texts before and after it.
fn first_time(text: &str) -> Option<(&str, Timestamp, &str)> {
    let ends = text
        .match_indices(ZONE)
        .map(|(index, zone)| index + zone.len());
    for end in ends {
        let (until, after) = text.split_at_checked(end)?;
        if after.starts_with(char::is_alphanumeric) {
            continue;
        }
        for length in TIME_LENGTHS {
            let parts = end
                .checked_sub(length)
                .and_then(|start| until.split_at_checked(start));
            if let Some((before, written)) = parts
                && !before.ends_with(char::is_alphanumeric)
                && let Some(at) = time(written)
            {
                return Some((before, at, after));
            }
        }
    }
    None
}

/// A time that is written exactly as [`day_and_time`] writes it.
fn time(written: &str) -> Option<Timestamp> {
    let civil = DateTime::strptime("%d %b %Y %H:%M UTC", written).ok()?;
    let at = TimeZone::UTC.to_timestamp(civil).ok()?;
    (at.as_second() > 0 && day_and_time(at) == written).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let shown = elements(text);
        shown
            .iter()
            .map(|element| match element["type"].as_str() {
                Some("date") => format!("[{}]", element["timestamp"]),
                _ => element["text"].as_str().unwrap().to_owned(),
            })
            .collect()
    }

    #[test]
    fn a_time_becomes_the_readers_own_wherever_it_stands() {
        for (text, expected) in [
            ("4 Nov 2026 09:05 UTC", vec!["[1793783100]"]),
            (
                "since 14 Nov 2026 23:59 UTC, in payments",
                vec!["since ", "[1794700740]", ", in payments"],
            ),
            (
                "(4 Nov 2026 09:05 UTC–4 Nov 2026 09:06 UTC)",
                vec!["(", "[1793783100]", "–", "[1793783160]", ")"],
            ),
            (
                "09:05 UTC or 4 Nov 2026 09:05 UTC",
                vec!["09:05 UTC or ", "[1793783100]"],
            ),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn a_date_says_the_same_time_where_it_cant_be_shown() {
        let date = &elements("4 Nov 2026 09:05 UTC")[0];
        assert_eq!(date["fallback"], "4 Nov 2026 09:05 UTC");
    }

    #[test]
    fn what_only_looks_like_a_time_stays_text() {
        for text in [
            "",
            "34 Nov 2026 09:05 UTC",
            "30 Feb 2026 09:05 UTC",
            "4 Nov 2026 24:05 UTC",
            "04 Nov 2026 09:05 UTC",
            "4 nov 2026 09:05 UTC",
            "x4 Nov 2026 09:05 UTC",
            "é4 Nov 2026 09:05 UTC",
            "4 Nov 2026 09:05 UTCX",
            "4 Nov 1926 09:05 UTC",
            "4 Nov -026 09:05 UTC",
            "日日日日日日 UTC",
            " UTC UTC UTC",
            "{date} <!date^1^x|y> 4 Nov 2026",
        ] {
            assert_eq!(shown(text), [text]);
        }
    }
}
