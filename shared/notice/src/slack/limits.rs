//! What Slack refuses: a second look at a message before it is sent, without the code that rendered
//! it.

use serde::Deserialize;
use serde_json::Value;

/// Most characters of a header block's text. (Slack's Block Kit reference, as the limits below.)
pub(super) const HEADER: usize = 150;
/// Most characters of a section block's text.
pub(super) const SECTION: usize = 3_000;
/// Most fields of a section block.
pub(super) const FIELDS: usize = 10;
/// Most characters of a field.
const FIELD: usize = 2_000;
/// Most elements of a context block.
const ELEMENTS: usize = 10;
/// Most blocks of a message.
const BLOCKS: usize = 50;
/// Most characters of all texts of a message together. Slack documents no such limit, and answers
/// `msg_blocks_too_long` from about this many on.
const MESSAGE: usize = 13_200;

/// The rules, each of which names what it finds wrong.
const RULES: [fn(&Seen<'_>, &mut Vec<String>); 5] = [
    has_blocks,
    has_known_blocks,
    has_texts_that_fit,
    has_escaped_texts,
    fits_in_all,
];

/// Finds what would make Slack refuse a message, cut it, or read a part of it as markup: blocks
/// that are none of those used here, texts and counts beyond Slack's limits, and `&`, `<` and `>`
/// that are not escaped. Empty if all is well. (Slack's Block Kit reference of header, section and
/// context blocks; "Formatting text for app surfaces".)
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
    blocks: &'a [Value],
    /// Blocks that are not as Slack wants them, and why.
    unknown: Vec<String>,
    texts: Vec<SeenText>,
}

/// A text, and what Slack wants of it where it is.
struct SeenText {
    place: &'static str,
    most: usize,
    text: Text,
}

impl<'a> Seen<'a> {
    fn of(message: &'a Value) -> Self {
        let blocks = message.get("blocks").and_then(Value::as_array);
        let blocks = blocks.map_or(&[][..], Vec::as_slice);
        let mut seen = Self {
            blocks,
            unknown: Vec::new(),
            texts: Vec::new(),
        };
        let headline = message.get("text").and_then(Value::as_str);
        let text = headline.unwrap_or_default().to_owned();
        seen.text("the fall-back text", SECTION, Text::Mrkdwn { text });
        for block in blocks {
            match Block::deserialize(block) {
                Ok(block) => seen.block(block),
                Err(error) => seen.unknown.push(error.to_string()),
            }
        }
        seen
    }

    fn text(&mut self, place: &'static str, most: usize, text: Text) {
        self.texts.push(SeenText { place, most, text });
    }

    fn block(&mut self, block: Block) {
        match block {
            Block::Header { text } => self.text("a header", HEADER, text),
            Block::Section {
                text: Some(text),
                fields: None,
            } => {
                self.text("a section", SECTION, text);
            }
            Block::Section {
                text: None,
                fields: Some(fields),
            } if (1..=FIELDS).contains(&fields.len()) => {
                for field in fields {
                    self.text("a field", FIELD, field);
                }
            }
            Block::Section { .. } => self.unknown.push(format!(
                "a section has neither a text nor 1 to {FIELDS} fields"
            )),
            Block::Context { elements } if (1..=ELEMENTS).contains(&elements.len()) => {
                for element in elements {
                    self.text("a context", SECTION, element);
                }
            }
            Block::Context { .. } => self
                .unknown
                .push(format!("a context has not 1 to {ELEMENTS} elements")),
        }
    }
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
        let length = text.length();
        if length == 0 || length > *most {
            problems.push(format!("{place} has {length} characters, not 1 to {most}"));
        }
        let is_plain = matches!(text, Text::PlainText { .. });
        if is_plain != (*place == "a header") {
            problems.push(format!("{place} has a text of another kind"));
        }
    }
}

fn has_escaped_texts(seen: &Seen<'_>, problems: &mut Vec<String>) {
    for SeenText { place, text, .. } in &seen.texts {
        // Nothing is escaped in plain text.
        if let Text::Mrkdwn { text } = text
            && has_raw_markup(text)
        {
            problems.push(format!("{place} has an &, < or > that is not escaped"));
        }
    }
}

fn fits_in_all(seen: &Seen<'_>, problems: &mut Vec<String>) {
    let total: usize = seen.texts.iter().map(|seen| seen.text.length()).sum();
    if total > MESSAGE {
        problems.push(format!("the message has {total} characters in all"));
    }
}

/// The blocks that messages are made of, and nothing else.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Block {
    Header {
        text: Text,
    },
    Section {
        text: Option<Text>,
        fields: Option<Vec<Text>>,
    },
    Context {
        elements: Vec<Text>,
    },
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Text {
    PlainText {
        text: String,
        #[serde(rename = "emoji")]
        _emoji: bool,
    },
    Mrkdwn {
        text: String,
    },
}

impl Text {
    fn length(&self) -> usize {
        match self {
            Self::PlainText { text, .. } | Self::Mrkdwn { text } => text.chars().count(),
        }
    }
}

/// True if a text has an `&` that begins no escape, or a `<` that begins neither a link nor a
/// mention.
fn has_raw_markup(text: &str) -> bool {
    let after = |mark: char| text.split(mark).skip(1);
    let is_open = |rest: &str| {
        !(rest.starts_with("https://") || rest.starts_with("@U") || rest.starts_with("@W"))
    };
    after('&').any(|rest| {
        !["amp;", "lt;", "gt;"]
            .iter()
            .any(|escape| rest.starts_with(escape))
    }) || after('<').any(is_open)
        || text.matches('<').count() != text.matches('>').count()
}
