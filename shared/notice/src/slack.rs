//! A notice as a Slack message: a header, and blocks of rich text, within Slack's limits before
//! anything is sent. (Slack's Block Kit reference and the limits listed by [`check`].)
//!
//! Deliberately absent: mrkdwn, in which a name or an annotation with `*`, `_`, `~` or a backtick
//! would be markup.

mod limits;
mod rich_text;

use serde_json::{Value, json};

pub use limits::check;
use limits::{HEADER, MESSAGE, TEXT, length};

use crate::text::and_more;
use crate::{Audience, Link, Notice, Section, Step, Urgency};

// Most of each part of a notice that is shown. Together they could still be more than a message
// takes, so that each takes its room in order of its weight; see `message`.
const PARAGRAPHS: usize = 4;
const PARAGRAPH: usize = 500;
const FACTS: usize = 10;
const LABEL: usize = 36;
const VALUE: usize = 300;
const STEPS: usize = 5;
const STEP: usize = 500;
const STEP_TEXT: usize = 150;
const LISTS: usize = 10;
const LINE: usize = 500;
const HEADLINE: usize = 500;
const MENTIONS: usize = 10;
const LINKS: usize = 3;
const URL: usize = 1_000;
/// The length of a list's block without its title and lines, but with the line that counts those
/// which do not fit, is some 220 characters as JSON.
const FRAME: usize = 250;
/// The room of a list's lines in a message with little else: a headline, ten mentions, a title and
/// the frame take some 1,300 characters as JSON, and a paragraph as many at most.
const LIST_ROOM: usize = MESSAGE - 2_600;

/// The message to post to an incoming webhook.
///
/// Where a notice is too long, people get what they can act on: the envelope, steps and links
/// before facts and paragraphs, and of lists as many lines as there is room for.
pub fn message(notice: &Notice) -> Value {
    let mut room = Room(MESSAGE);
    let header = room.take(header(notice));
    let mentions = mentions(notice).and_then(|block| room.take(block));
    let envelope = notice.envelope.as_deref();
    let envelope = envelope.and_then(|envelope| room.take(envelope_block(envelope)));
    let steps = room.take_each(steps(&notice.steps));
    let links = links(&notice.links).and_then(|block| room.take(block));
    let facts = facts(&notice.facts, room.0).and_then(|block| room.take(block));
    let paragraphs = notice.paragraphs.iter().take(PARAGRAPHS);
    let paragraphs = room.take_each(paragraphs.map(|text| paragraph(text)));
    let lists = lists(&notice.sections, &mut room);
    let blocks: Vec<Value> = header
        .into_iter()
        .chain(mentions)
        .chain(paragraphs)
        .chain(facts)
        .chain(lists)
        .chain(steps)
        .chain(envelope)
        .chain(links)
        .collect();
    json!({ "text": escaped(&notice.headline, HEADLINE), "mrkdwn": false, "blocks": blocks })
}

/// The room that is left in a message, in characters of its blocks as JSON.
struct Room(usize);

impl Room {
    /// Takes the room of a block, if there is as much.
    fn take(&mut self, block: Value) -> Option<Value> {
        self.0 = self.0.checked_sub(length(&block))?;
        Some(block)
    }

    /// Takes the room of the first blocks, as far as it reaches.
    fn take_each(&mut self, blocks: impl IntoIterator<Item = Value>) -> Vec<Value> {
        blocks
            .into_iter()
            .map_while(|block| self.take(block))
            .collect()
    }
}

/// The message to post to a member by a bot. It mentions nobody: whoever reads it is alone there.
pub fn direct_message(notice: &Notice, member: &str) -> Value {
    let mut unaddressed = notice.clone();
    unaddressed.mentions.clear();
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
        (Urgency::Done, _) => "✅",
        (Urgency::Information, Audience::Route(_)) => "⚪",
        (Urgency::Information, _) => "ℹ️",
        (Urgency::Action, Audience::Owner { .. }) => "🔑",
        (Urgency::Action, _) => "🟠",
        (Urgency::Alarm, _) => "🚨",
    };
    let text = shortened(&format!("{mark} {}", notice.headline), HEADER);
    // In an ARN, `:iam:` may be a workspace's emoji.
    json!({ "type": "header", "text": { "type": "plain_text", "text": text, "emoji": false } })
}

/// The members and user groups who are mentioned, in one line. An id comes from a tag or from the
/// policy; whatever is none is left out.
fn mentions(notice: &Notice) -> Option<Value> {
    let owner = member(&notice.audience);
    let others = notice.mentions.iter().map(String::as_str);
    let mut ids: Vec<&str> = Vec::new();
    for id in owner.into_iter().chain(others).take(MENTIONS) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let mut elements = Vec::new();
    for mention in ids.into_iter().filter_map(mention) {
        elements.extend((!elements.is_empty()).then(|| rich_text::text(" ")));
        elements.push(mention);
    }
    (!elements.is_empty()).then(|| rich_text::block(vec![rich_text::section(elements)]))
}

fn mention(id: &str) -> Option<Value> {
    if is_member_id(id) {
        Some(json!({ "type": "user", "user_id": id }))
    } else if is_group_id(id) {
        Some(json!({ "type": "usergroup", "usergroup_id": id }))
    } else {
        None
    }
}

/// A member id as Slack gives them: `U` or `W`, then capital letters and digits.
pub(crate) fn is_member_id(text: &str) -> bool {
    is_id(text, &['U', 'W'])
}

/// A user group's id as Slack gives them, as in `S0614TZR7`.
fn is_group_id(text: &str) -> bool {
    is_id(text, &['S'])
}

fn is_id(text: &str, first: &[char]) -> bool {
    text.strip_prefix(first).is_some_and(|rest| {
        (8..=20).contains(&rest.len())
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    })
}

fn paragraph(text: &str) -> Value {
    let text = shortened(text, PARAGRAPH);
    rich_text::block(vec![rich_text::section(rich_text::elements(&text))])
}

/// The facts that there is room for, each on a line of its own.
fn facts(facts: &[(String, String)], room: usize) -> Option<Value> {
    let mut room = Room(room.checked_sub(FRAME)?);
    let lines = room.take_each(facts.iter().take(FACTS).map(fact));
    (!lines.is_empty()).then(|| rich_text::block(lines))
}

fn fact((label, value): &(String, String)) -> Value {
    let label = format!("{}: ", shortened(label, LABEL));
    let mut elements = vec![rich_text::bold(&label)];
    elements.extend(rich_text::elements(&shortened(value, VALUE)));
    rich_text::section(elements)
}

/// Each list as a block. Room that one does not need is left to the next.
fn lists(sections: &[Section], room: &mut Room) -> Vec<Value> {
    let count = sections.len().min(LISTS);
    let mut blocks = Vec::new();
    for (index, list) in sections.iter().take(count).enumerate() {
        let fair = room.0 / (count - index);
        blocks.extend(list_block(list, fair).and_then(|block| room.take(block)));
    }
    blocks
}

/// A list under its title; lines that do not fit are counted rather than shown.
fn list_block(list: &Section, room: usize) -> Option<Value> {
    let title = shortened(&list.title, LABEL);
    let title = rich_text::section(vec![rich_text::bold(&title)]);
    let mut room = Room(room.checked_sub(length(&title) + FRAME)?);
    let lines = room.take_each(list.lines.iter().map(|line| list_line(line)));
    let rest = and_more(list.lines.len() - lines.len());
    let mut parts = vec![title];
    parts.extend((!lines.is_empty()).then(|| rich_text::list(lines)));
    parts.extend(rest.map(|rest| rich_text::section(vec![rich_text::text(&format!("… {rest}"))])));
    Some(rich_text::block(parts))
}

fn list_line(line: &str) -> Value {
    rich_text::section(rich_text::elements(&shortened(line, LINE)))
}

/// Divides the lines of a list among messages, so that none goes uncounted or unnamed: each message
/// shows the whole of its part in one section, beside a headline, mentions and a paragraph.
pub fn divided(lines: Vec<String>) -> Vec<Vec<String>> {
    let mut parts: Vec<Vec<String>> = Vec::new();
    let mut room = 0;
    for line in lines {
        let length = length(&list_line(&line));
        match parts.last_mut() {
            Some(part) if length <= room => part.push(line),
            _ => {
                parts.push(vec![line]);
                room = LIST_ROOM;
            }
        }
        room = room.saturating_sub(length);
    }
    parts
}

/// The steps, with a number each; one step alone needs none.
fn steps(steps: &[Step]) -> Vec<Value> {
    let numbered = steps.iter().take(STEPS).enumerate();
    let number = |index: usize| (steps.len() > 1).then_some(index + 1);
    numbered
        .map(|(index, step)| step_block(number(index), step))
        .collect()
}

/// A command is shown whole or not at all: half a command does harm. Its text must leave room for
/// it.
fn step_block(number: Option<usize>, step: &Step) -> Value {
    let most = if step.command.is_some() {
        STEP_TEXT
    } else {
        STEP
    };
    let text = shortened(&step.text, most);
    let number = number.map(|number| rich_text::bold(&format!("{number}. ")));
    let elements = number.into_iter().chain(rich_text::elements(&text));
    let mut parts = vec![rich_text::section(elements.collect())];
    let taken = text.chars().count();
    let fits = |command: &&str| !command.is_empty() && taken + command.chars().count() <= STEP;
    let command = step.command.as_deref().filter(fits);
    parts.extend(command.map(rich_text::preformatted));
    rich_text::block(parts)
}

/// Links in one line. A link is shown whole or not at all.
fn links(links: &[Link]) -> Option<Value> {
    let is_clean = |url: &str| !url.contains(|c: char| c.is_whitespace() || c.is_control());
    let fits = |link: &&Link| {
        let is_https = link.url.starts_with("https://");
        is_https && is_clean(&link.url) && link.url.chars().count() <= URL
    };
    let mut elements = Vec::new();
    for link in links.iter().filter(fits).take(LINKS) {
        elements.extend((!elements.is_empty()).then(|| rich_text::text("  ·  ")));
        elements.push(rich_text::link(&link.url, &shortened(&link.label, LABEL)));
    }
    (!elements.is_empty()).then(|| rich_text::block(vec![rich_text::section(elements)]))
}

/// An envelope is shown whole or not at all.
fn envelope_block(envelope: &str) -> Value {
    let envelope = envelope.trim_end();
    if (1..=TEXT).contains(&envelope.chars().count()) {
        rich_text::block(vec![rich_text::preformatted(envelope)])
    } else {
        paragraph(
            "The encrypted key is too long for Slack. An operator can send it to you; only you can open it.",
        )
    }
}

/// Escapes what Slack reads as its own in a message's text: `&`, `<` and `>`, and nothing else.
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

/// The text, or as much of its beginning as fits with an ellipsis.
fn shortened(text: &str, most: usize) -> String {
    let text = visible(text);
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// The text without control characters, which nobody sees; Slack refuses an empty one.
fn visible(text: &str) -> String {
    let seen = |c: char| match c {
        '\n' => Some(c),
        '\t' => Some(' '),
        c => (!c.is_control()).then_some(c),
    };
    let text: String = text.chars().filter_map(seen).collect();
    if text.trim().is_empty() {
        return "–".to_owned();
    }
    text
}
