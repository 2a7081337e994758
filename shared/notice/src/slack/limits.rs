//! What Slack refuses: a second look at a message before it is sent, without the code that rendered
//! it.

use serde::Deserialize;
use serde_json::Value;

/// Most characters of a header block's text. (Slack's Block Kit reference, "Header block".)
pub(super) const HEADER: usize = 150;
/// Most characters of a text of any other kind. Slack documents no limit for those of rich text; it
/// is that of its text object.
pub(super) const TEXT: usize = 3_000;
/// Most blocks of a message. (Slack's Block Kit reference, "Blocks".)
const BLOCKS: usize = 50;
/// Most characters of all blocks of a message together, as JSON. Slack documents no such limit,
/// and answers `msg_blocks_too_long`. Its people speak of 12,000 characters of text with a buffer
/// for what contains them (slackapi/bolt-js#2509); of messages with rich text, one of 15,561
/// characters of JSON was taken, and one of 17,694 was not (slackapi/bolt-js#2867).
pub(super) const MESSAGE: usize = 12_000;

/// The length of a block as JSON, with the comma that follows it.
pub(super) fn length(block: &Value) -> usize {
    block.to_string().chars().count() + 1
}

/// The rules, each of which names what it finds wrong.
const RULES: [fn(&Seen<'_>, &mut Vec<String>); 6] = [
    has_blocks,
    has_known_blocks,
    has_texts_that_fit,
    has_good_references,
    has_plain_text,
    fits_in_all,
];

/// Finds what would make Slack refuse a message, cut it, or read a part of it as markup: blocks
/// that are none of those used here, texts and counts beyond Slack's limits, mentions of channels,
/// and a text that is not plain. Empty if all is well. (Slack's Block Kit reference of header and
/// rich text blocks; npm's `@slack/types` 3.2; "Formatting text for app surfaces".)
pub fn check(message: &Value) -> Vec<String> {
    let seen = Seen::of(message);
    let mut problems = Vec::new();
    for rule in RULES {
        rule(&seen, &mut problems);
    }
    problems
}

/// A message as the rules see it.
struct Seen<'a> {
    message: &'a Value,
    blocks: &'a [Value],
    /// Blocks that are not as Slack wants them, and why.
    unknown: Vec<String>,
    texts: Vec<SeenText>,
    /// Ids and addresses that are none.
    references: Vec<String>,
}

/// A text, and what Slack wants of it where it is.
struct SeenText {
    place: &'static str,
    most: usize,
    text: String,
}

impl<'a> Seen<'a> {
    fn of(message: &'a Value) -> Self {
        let blocks = message.get("blocks").and_then(Value::as_array);
        let blocks = blocks.map_or(&[][..], Vec::as_slice);
        let mut seen = Self {
            message,
            blocks,
            unknown: Vec::new(),
            texts: Vec::new(),
            references: Vec::new(),
        };
        seen.text("the fall-back text", TEXT, headline(message).to_owned());
        for block in blocks {
            match Block::deserialize(block) {
                Ok(Block::Header {
                    text: PlainText::PlainText { text, .. },
                }) => seen.text("a header", HEADER, text),
                Ok(Block::RichText { elements }) => seen.parts(elements),
                Err(error) => seen.unknown.push(error.to_string()),
            }
        }
        seen
    }

    fn text(&mut self, place: &'static str, most: usize, text: String) {
        self.texts.push(SeenText { place, most, text });
    }

    fn parts(&mut self, parts: Vec<Part>) {
        self.has_some("a block of rich text", &parts);
        for part in parts {
            match part {
                Part::RichTextSection { elements } => self.elements("a section", elements),
                Part::RichTextPreformatted { elements } => {
                    self.has_some("a preformatted text", &elements);
                    for Code::Text { text } in elements {
                        self.text("a preformatted text", TEXT, text);
                    }
                }
                Part::RichTextList { elements, .. } => {
                    self.has_some("a list", &elements);
                    for Line::RichTextSection { elements } in elements {
                        self.elements("a list's line", elements);
                    }
                }
            }
        }
    }

    fn elements(&mut self, place: &'static str, elements: Vec<Element>) {
        self.has_some(place, &elements);
        for element in elements {
            match element {
                Element::Text { text, .. } => self.text(place, TEXT, text),
                Element::Link { url, text } => {
                    self.refers(&url, url.starts_with("https://"));
                    self.text("a link's address", TEXT, url);
                    self.text("a link", TEXT, text);
                }
                Element::Date {
                    timestamp,
                    format,
                    fallback,
                } => {
                    self.refers("a date", timestamp > 0);
                    self.text("a date's format", TEXT, format);
                    self.text("a date", TEXT, fallback);
                }
                Element::User { user_id } => self.refers(&user_id, user_id.starts_with(['U', 'W'])),
                Element::Usergroup { usergroup_id } => {
                    self.refers(&usergroup_id, usergroup_id.starts_with('S'));
                }
            }
        }
    }

    /// Slack refuses what is empty.
    fn has_some<T>(&mut self, place: &str, elements: &[T]) {
        if elements.is_empty() {
            self.unknown.push(format!("{place} is empty"));
        }
    }

    fn refers(&mut self, to: &str, is_good: bool) {
        if !is_good {
            self.references.push(to.to_owned());
        }
    }
}

fn headline(message: &Value) -> &str {
    message
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn has_blocks(seen: &Seen<'_>, problems: &mut Vec<String>) {
    let count = seen.blocks.len();
    if count == 0 || count > BLOCKS {
        problems.push(format!("the message has {count} blocks, not 1 to {BLOCKS}"));
    }
}

fn has_known_blocks(seen: &Seen<'_>, problems: &mut Vec<String>) {
    for why in &seen.unknown {
        problems.push(format!("a block is not as Slack wants it: {why}"));
    }
}

fn has_texts_that_fit(seen: &Seen<'_>, problems: &mut Vec<String>) {
    for SeenText { place, most, text } in &seen.texts {
        let length = text.chars().count();
        if length == 0 || length > *most {
            problems.push(format!("{place} has {length} characters, not 1 to {most}"));
        }
    }
}

fn has_good_references(seen: &Seen<'_>, problems: &mut Vec<String>) {
    for reference in &seen.references {
        problems.push(format!("{reference} is no id, address or time"));
    }
}

/// The text that stands for the blocks where they can't be shown is read as markup unless that is
/// switched off, and `&`, `<` and `>` are Slack's own all the same.
fn has_plain_text(seen: &Seen<'_>, problems: &mut Vec<String>) {
    if seen.message.get("mrkdwn") != Some(&Value::Bool(false)) {
        problems.push("the fall-back text is read as markup".to_owned());
    }
    if has_raw_markup(headline(seen.message)) {
        problems.push("the fall-back text has an &, < or > that is not escaped".to_owned());
    }
}

fn fits_in_all(seen: &Seen<'_>, problems: &mut Vec<String>) {
    let total: usize = seen.blocks.iter().map(length).sum();
    if total > MESSAGE {
        problems.push(format!("the message has {total} characters in all"));
    }
}

/// The blocks that messages are made of, and nothing else.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Block {
    Header { text: PlainText },
    RichText { elements: Vec<Part> },
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum PlainText {
    PlainText {
        text: String,
        #[serde(rename = "emoji")]
        _emoji: bool,
    },
}

/// The parts of a rich text block.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[expect(
    clippy::enum_variant_names,
    reason = "they are called as Slack calls them"
)]
enum Part {
    RichTextSection {
        elements: Vec<Element>,
    },
    RichTextList {
        elements: Vec<Line>,
        #[serde(rename = "style")]
        _style: ListStyle,
    },
    RichTextPreformatted {
        elements: Vec<Code>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ListStyle {
    Bullet,
}

/// A line of a list.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    RichTextSection { elements: Vec<Element> },
}

/// What stands in a line. Mentions of channels, or of everybody, are not among it.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Element {
    Text {
        text: String,
        #[serde(rename = "style")]
        _style: Option<Style>,
    },
    Link {
        url: String,
        text: String,
    },
    Date {
        timestamp: i64,
        format: String,
        fallback: String,
    },
    User {
        user_id: String,
    },
    Usergroup {
        usergroup_id: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Style {
    #[serde(rename = "bold")]
    _bold: bool,
}

/// What stands in a preformatted text.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Code {
    Text { text: String },
}

/// True if a text has an `&` that begins no escape, or a `<` or `>`.
fn has_raw_markup(text: &str) -> bool {
    let is_escape = |rest: &str| {
        ["amp;", "lt;", "gt;"]
            .iter()
            .any(|escape| rest.starts_with(escape))
    };
    text.contains(['<', '>']) || text.split('&').skip(1).any(|rest| !is_escape(rest))
}
