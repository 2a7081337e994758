//! A notice as an SNS message, which most people read as a mail.

use std::collections::BTreeMap;

use banto_ports::TopicMessage;

use crate::text::words;
use crate::{Audience, Notice, Urgency};

/// Most characters of a subject (SNS API reference, `Publish`).
const SUBJECT: usize = 100;
/// Most bytes of a body; SNS allows 256 KiB for the whole message.
const BODY: usize = 200 * 1024;
/// Where lines of prose are broken.
const WIDTH: usize = 78;

/// The message to publish. Subscribers filter by the attributes `audience` (`operators`, `owner` or
/// `route`), `urgency`, `user`, `account`, `route`, and those of the notice itself; `id` tells a
/// message that comes twice.
pub fn message(notice: &Notice) -> TopicMessage {
    TopicMessage {
        subject: subject(notice),
        body: body(notice),
        attributes: attributes(notice),
    }
}

/// The mark that a subject begins with. A headline about compliance needs none: it begins with its
/// severity, or says that it is resolved.
pub(crate) fn mark(notice: &Notice) -> &'static str {
    match notice.urgency {
        _ if matches!(notice.audience, Audience::Route(_)) => "",
        Urgency::Done => "[resolved] ",
        Urgency::Information => "",
        Urgency::Action => "[action] ",
        Urgency::Alarm => "[alarm] ",
    }
}

fn subject(notice: &Notice) -> String {
    let mark = mark(notice);
    // Printable ASCII only, no line breaks, and a letter or digit first.
    let ascii = notice
        .headline
        .chars()
        .map(|c| if c.is_ascii_graphic() { c } else { ' ' });
    let words: Vec<String> = ascii
        .collect::<String>()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let subject = format!("Banto: {mark}{}", words.join(" "));
    subject
        .chars()
        .take(SUBJECT)
        .collect::<String>()
        .trim_end()
        .to_owned()
}

/// The notice as plain text, for mails too.
pub(crate) fn body(notice: &Notice) -> String {
    let mut parts = vec![wrap(&notice.headline, "")];
    parts.extend(
        notice
            .paragraphs
            .iter()
            .map(|paragraph| wrap(paragraph, "")),
    );
    let width = notice
        .facts
        .iter()
        .map(|(label, _)| label.chars().count())
        .max()
        .unwrap_or_default();
    let facts: Vec<String> = notice
        .facts
        .iter()
        .map(|(label, value)| format!("{label:<width$}  {value}"))
        .collect();
    if !facts.is_empty() {
        parts.push(facts.join("\n"));
    }
    parts.extend(notice.sections.iter().map(|section| {
        let lines: Vec<String> = section
            .lines
            .iter()
            .map(|line| format!("- {}", wrap(line, "  ")))
            .collect();
        format!("{}:\n{}", section.title, lines.join("\n"))
    }));
    parts.extend(notice.steps.iter().enumerate().map(|(index, step)| {
        // Commands stay on one line, so that they can be copied.
        let command = step
            .command
            .as_ref()
            .map_or(String::new(), |command| format!("\n\n    {command}"));
        match notice.steps.len() {
            1 => format!("{}{command}", wrap(&step.text, "")),
            _ => format!("{}. {}{command}", index + 1, wrap(&step.text, "   ")),
        }
    }));
    parts.extend(
        notice
            .links
            .iter()
            .map(|link| format!("{}: {}", link.label, link.url)),
    );
    let mut text = parts.join("\n\n");
    if text.len() > BODY {
        text.truncate(text.floor_char_boundary(BODY));
        text.push_str("\n…");
    }
    if let Some(envelope) = &notice.envelope {
        text.push_str(&format!("\n\n{}", envelope.trim_end()));
    }
    text + "\n"
}

fn attributes(notice: &Notice) -> BTreeMap<String, String> {
    let mut attributes = vec![
        ("id", notice.id.clone()),
        ("urgency", notice.urgency.as_str().to_owned()),
    ];
    match &notice.audience {
        Audience::Operators => attributes.push(("audience", "operators".to_owned())),
        Audience::Route(route) => {
            attributes.extend([("audience", "route".to_owned()), ("route", route.clone())]);
        }
        Audience::Owner { account, user, .. } => attributes.extend([
            ("audience", "owner".to_owned()),
            ("account", account.to_string()),
            ("user", user.to_string()),
        ]),
    }
    let attributes = attributes
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    attributes
        .chain(notice.attributes.clone())
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// Breaks a text into lines of at most [`WIDTH`] characters, words and commands whole.
fn wrap(text: &str, indent: &str) -> String {
    let mut lines = vec![String::new()];
    for word in words(text) {
        let Some(line) = lines.last_mut() else { break };
        let room = WIDTH - indent.len();
        if line.is_empty() {
            line.push_str(&word);
        } else if line.chars().count() + 1 + word.chars().count() <= room {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines.join(&format!("\n{indent}"))
}
