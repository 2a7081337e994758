//! Pieces that texts for people are made of: counts, lists, dates, facts.

use std::fmt::Display;

use jiff::Timestamp;

use crate::Section;

/// The words of a text, of which lines are made. A command in backticks is one, so that it can be
/// copied from its line.
///
/// ```
/// use banto_notice::text::words;
/// assert_eq!(words("call `banto keys ack`."), ["call", "`banto keys ack`."]);
/// assert_eq!(words("a ` alone"), ["a", "`", "alone"]);
/// ```
pub fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    for part in text.split_whitespace() {
        match words.last_mut().filter(|_| is_open) {
            Some(command) => {
                command.push(' ');
                command.push_str(part);
            }
            None => words.push(part.to_owned()),
        }
        is_open ^= part.matches('`').count() % 2 == 1;
    }
    if is_open {
        // A backtick alone begins no command.
        return text.split_whitespace().map(str::to_owned).collect();
    }
    words
}

/// A number, its thousands set apart.
///
/// ```
/// use banto_notice::text::grouped;
/// assert_eq!(grouped(999), "999");
/// assert_eq!(grouped(1_234_567), "1,234,567");
/// ```
pub fn grouped(number: impl Display) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of something, in the singular or in the plural.
///
/// ```
/// use banto_notice::text::count;
/// assert_eq!(count(1, "account"), "1 account");
/// assert_eq!(count(0, "account"), "0 accounts");
/// assert_eq!(count(12_345, "account"), "12,345 accounts");
/// ```
pub fn count(number: impl Display, noun: &str) -> String {
    let number = grouped(number);
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Counts of each kind; a kind that there is none of is left out.
///
/// ```
/// use banto_notice::text::tally;
/// assert_eq!(tally([(1_200, "found"), (0, "waived"), (1, "resolved")]), "1,200 found, 1 resolved");
/// ```
pub fn tally<'a>(counts: impl IntoIterator<Item = (usize, &'a str)>) -> String {
    let some = counts.into_iter().filter(|(count, _)| *count > 0);
    joined(
        some.map(|(count, what)| format!("{} {what}", grouped(count))),
        ", ",
    )
}

/// Things in a row, with a separator between each two.
///
/// ```
/// use banto_notice::text::joined;
/// assert_eq!(joined([1, 2, 3], "; "), "1; 2; 3");
/// ```
pub fn joined(items: impl IntoIterator<Item = impl Display>, separator: &str) -> String {
    items
        .into_iter()
        .map(|item| item.to_string())
        .collect::<Vec<_>>()
        .join(separator)
}

/// Things in a row, as a sentence has them.
///
/// ```
/// use banto_notice::text::listed;
/// assert_eq!(listed(["one"]), "one");
/// assert_eq!(listed(["one", "two"]), "one and two");
/// assert_eq!(listed(["one", "two", "three"]), "one, two and three");
/// ```
pub fn listed(items: impl IntoIterator<Item = impl Display>) -> String {
    let mut items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match (items.pop(), items.as_slice()) {
        (None, _) => String::new(),
        (Some(only), []) => only,
        (Some(last), rest) => format!("{} and {last}", rest.join(", ")),
    }
}

/// The last line of a list that does not show everything; `None` of one that does.
///
/// ```
/// use banto_notice::text::and_more;
/// assert_eq!(and_more(1_200).as_deref(), Some("and 1,200 more"));
/// assert_eq!(and_more(0), None);
/// ```
pub fn and_more(hidden: usize) -> Option<String> {
    (hidden > 0).then(|| format!("and {} more", grouped(hidden)))
}

/// A day as people of every country read it, in UTC.
///
/// ```
/// use banto_notice::text::day;
/// assert_eq!(day("2026-11-04T09:05:30Z".parse().unwrap()), "4 Nov 2026");
/// ```
pub fn day(at: Timestamp) -> String {
    at.strftime("%-d %b %Y").to_string()
}

/// A day and the time of day, in UTC.
///
/// ```
/// use banto_notice::text::day_and_time;
/// assert_eq!(day_and_time("2026-11-04T09:05:30Z".parse().unwrap()), "4 Nov 2026 09:05 UTC");
/// ```
pub fn day_and_time(at: Timestamp) -> String {
    at.strftime("%-d %b %Y %H:%M UTC").to_string()
}

/// A fact of a notice: a label and its value.
///
/// ```
/// use banto_notice::text::fact;
/// assert_eq!(fact("Keys", 2), ("Keys".to_owned(), "2".to_owned()));
/// ```
pub fn fact(label: &str, value: impl Display) -> (String, String) {
    (label.to_owned(), value.to_string())
}

/// The sections of a notice; one without lines is left out.
///
/// ```
/// use banto_notice::text::sections;
/// let sections = sections([("Failed", Vec::new()), ("Done", vec!["alice: new key issued".to_owned()])]);
/// assert_eq!(sections.len(), 1);
/// assert_eq!(sections[0].title, "Done");
/// ```
pub fn sections<'a>(sections: impl IntoIterator<Item = (&'a str, Vec<String>)>) -> Vec<Section> {
    let filled = sections.into_iter().filter(|(_, lines)| !lines.is_empty());
    filled
        .map(|(title, lines)| Section {
            title: title.to_owned(),
            lines,
        })
        .collect()
}
