//! A notice as a Slack message: Block Kit blocks, within Slack's limits before anything is sent.
//! (Slack's Block Kit reference and the limits listed by [`check`].)

mod limits;

use serde_json::{Value, json};

pub use limits::check;
use limits::{FIELDS, HEADER, SECTION};

use crate::{Audience, Link, Notice, Section, Step, Urgency};

// What each part of a notice may take, so that the whole always fits: 4 x 500 for paragraphs, 10 x
// 200 for facts, 5 x 500 for steps, 3,000 for the envelope or as much for longer lists and links,
// 2,400 for lists, and some 900 for the rest.
const PARAGRAPHS: usize = 4;
const PARAGRAPH: usize = 500;
const LABEL: usize = 36;
const VALUE: usize = 160;
const STEPS: usize = 5;
const STEP: usize = 500;
const STEP_TEXT: usize = 150;
const LISTS: usize = 2_400;
const HEADLINE: usize = 500;
const FOOTER: usize = 200;
const LINKS: usize = 3;
const URL: usize = 700;

/// The message to post to an incoming webhook.
pub fn message(notice: &Notice) -> Value {
    let mut blocks = vec![header(notice)];
    blocks.extend(mention(notice).map(|mention| section(&mention)));
    blocks.extend(
        notice
            .paragraphs
            .iter()
            .take(PARAGRAPHS)
            .map(|text| section(&escaped(text, PARAGRAPH))),
    );
    blocks.extend(facts(&notice.facts));
    // A notice without an envelope has that much more room for lists.
    let links = links(&notice.links);
    let taken = links.as_ref().map_or(0, |(_, length)| *length);
    let room = LISTS
        + if notice.envelope.is_some() {
            0
        } else {
            SECTION
        }
        - taken;
    blocks.extend(lists(&notice.sections, room));
    // One step alone needs no number.
    let number = |index: usize| (notice.steps.len() > 1).then_some(index + 1);
    blocks.extend(
        notice
            .steps
            .iter()
            .take(STEPS)
            .enumerate()
            .map(|(index, step)| step_block(number(index), step)),
    );
    blocks.extend(notice.envelope.as_deref().map(envelope_block));
    blocks.extend(links.map(|(block, _)| block));
    let footer = format!("Banto · {}", escaped(&notice.id, FOOTER));
    blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": footer }] }));
    let mention = mention(notice).map_or_else(String::new, |mention| format!("{mention} "));
    json!({ "text": mention + &escaped(&notice.headline, HEADLINE), "blocks": blocks })
}

/// The message to post to a member by a bot. It mentions nobody: whoever reads it is alone there.
pub fn direct_message(notice: &Notice, member: &str) -> Value {
    let mut unaddressed = notice.clone();
    if let Audience::Owner { slack, .. } = &mut unaddressed.audience {
        *slack = None;
    }
    let mut body = message(&unaddressed);
    if let Some(fields) = body.as_object_mut() {
        fields.insert("channel".to_owned(), member.into());
    }
    body
}

/// The member whom an owner's tag names; `None` if it names a channel, or nothing.
pub fn member(audience: &Audience) -> Option<&str> {
    match audience {
        Audience::Owner {
            slack: Some(id), ..
        } if is_member_id(id) => Some(id),
        Audience::Owner { .. } | Audience::Operators | Audience::Route(_) => None,
    }
}

/// The channel that an owner's tag names; `None` if it names a person, or nothing.
pub fn channel(audience: &Audience) -> Option<&str> {
    match audience {
        Audience::Owner {
            slack: Some(name), ..
        } if !is_member_id(name) => Some(name),
        Audience::Owner { .. } | Audience::Operators | Audience::Route(_) => None,
    }
}

fn header(notice: &Notice) -> Value {
    let mark = match (notice.urgency, &notice.audience) {
        (Urgency::Done, _) => ":white_check_mark:",
        (Urgency::Information, Audience::Route(_)) => ":white_circle:",
        (Urgency::Information, _) => ":information_source:",
        (Urgency::Action, Audience::Owner { .. }) => ":key:",
        (Urgency::Action, _) => ":large_orange_circle:",
        (Urgency::Alarm, _) => ":rotating_light:",
    };
    // Plain text, so nothing is escaped.
    let text = shortened(&format!("{mark} {}", notice.headline), HEADER);
    json!({ "type": "header", "text": { "type": "plain_text", "text": text, "emoji": true } })
}

fn mention(notice: &Notice) -> Option<String> {
    member(&notice.audience).map(|id| format!("<@{id}>"))
}

/// A member id as Slack gives them: `U` or `W`, then capital letters and digits.
pub(crate) fn is_member_id(text: &str) -> bool {
    let rest = text.strip_prefix('U').or_else(|| text.strip_prefix('W'));
    rest.is_some_and(|rest| {
        (8..=20).contains(&rest.len())
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

fn facts(facts: &[(String, String)]) -> Option<Value> {
    let field = |(label, value): &(String, String)| {
        let text = format!("*{}*\n{}", escaped(label, LABEL), escaped(value, VALUE));
        json!({ "type": "mrkdwn", "text": text })
    };
    let fields: Vec<Value> = facts.iter().take(FIELDS).map(field).collect();
    (!fields.is_empty()).then(|| json!({ "type": "section", "fields": fields }))
}

/// Each list as a block; lines that do not fit are counted rather than shown.
fn lists(sections: &[Section], room: usize) -> Vec<Value> {
    let shown = sections.iter().take(PARAGRAPHS);
    let room = (room / shown.len().max(1)).min(SECTION);
    shown.map(|list| section(&list_text(list, room))).collect()
}

fn list_text(list: &Section, room: usize) -> String {
    let mut text = format!("*{}*", escaped(&list.title, LABEL));
    let mut length = text.chars().count();
    for (index, line) in list.lines.iter().enumerate() {
        let line = format!("\n• {}", escaped(line, PARAGRAPH));
        let rest = format!("\n… and {} more", list.lines.len() - index);
        length += line.chars().count();
        if length + rest.chars().count() > room {
            return text + &rest;
        }
        text.push_str(&line);
    }
    text
}

/// A command is shown whole or not at all: half a command does harm.
fn step_block(number: Option<usize>, step: &Step) -> Value {
    // A command is never cut, so that its text must leave room for it.
    let room = if step.command.is_some() {
        STEP_TEXT
    } else {
        STEP - "*9.* ".len()
    };
    let number = number.map_or_else(String::new, |number| format!("*{number}.* "));
    let text = format!("{number}{}", escaped(&step.text, room));
    let with_command = step
        .command
        .as_ref()
        .map(|command| format!("{text}\n```{}```", escape(command)));
    section(
        with_command
            .as_deref()
            .filter(|text| text.chars().count() <= STEP)
            .unwrap_or(&text),
    )
}

/// Links in one line, and their length. A link is shown whole or not at all, and only if Slack
/// can't take a part of its address for markup.
fn links(links: &[Link]) -> Option<(Value, usize)> {
    let is_clean = |url: &str| {
        !url.contains(|c: char| c.is_whitespace() || c.is_control() || "<>|".contains(c))
    };
    let fits = |link: &&Link| {
        link.url.starts_with("https://")
            && is_clean(&link.url)
            && escape(&link.url).chars().count() <= URL
    };
    let shown = links.iter().filter(fits).take(LINKS);
    let shown: Vec<String> = shown
        .map(|link| format!("<{}|{}>", escape(&link.url), escaped(&link.label, LABEL)))
        .collect();
    let text = shown.join("  ·  ");
    let length = text.chars().count();
    (length > 0).then(|| (section(&text), length))
}

/// An envelope is shown whole or not at all.
fn envelope_block(envelope: &str) -> Value {
    let code = format!("```{}```", escape(envelope.trim_end()));
    if code.chars().count() <= SECTION {
        section(&code)
    } else {
        section(
            "The encrypted key is too long for Slack. An operator can send it to you; only you can open it.",
        )
    }
}

/// Escapes what Slack's mrkdwn reads as its own: `&`, `<` and `>`, and nothing else.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The text escaped, or as much of its beginning as fits with an ellipsis; never half an escape.
fn escaped(text: &str, most: usize) -> String {
    let mut parts: Vec<String> = visible(text)
        .chars()
        .map(|c| escape(c.encode_utf8(&mut [0; 4])))
        .collect();
    let mut length: usize = parts.iter().map(|part| part.chars().count()).sum();
    if length > most {
        while length >= most {
            length -= parts.pop().map_or(length, |part| part.chars().count());
        }
        parts.push("…".to_owned());
    }
    parts.concat()
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// Slack refuses an empty text.
fn visible(text: &str) -> &str {
    if text.trim().is_empty() { "–" } else { text }
}
