//! A message's blocks taken apart: a header, and rich text. (Slack's Block Kit reference.)

use serde_json::Value;

/// A block, as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Block {
    /// A large line above all else.
    Header(String),
    /// Rich text.
    RichText(Vec<Part>),
}

/// A part of rich text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// A line, or several.
    Line(Vec<Piece>),
    /// A list with a dot before each line.
    List(Vec<Vec<Piece>>),
    /// Code in a block of its own.
    Code(String),
}

/// A piece of a line. Nothing in it is escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// A text as it is.
    Text { text: String, is_bold: bool },
    /// A link, and the words that are shown in place of its address.
    Link { url: String, label: String },
    /// A time, as it reads where the reader's time zone is not known.
    Time(String),
    /// A member or a user group, by its id.
    Mention(String),
}

/// The blocks of a message; its text, where it has none. What is not known is left out.
pub(super) fn blocks(body: &Value) -> Vec<Block> {
    match body.get("blocks").and_then(Value::as_array) {
        Some(blocks) => blocks.iter().filter_map(block).collect(),
        None => {
            let text = Piece::plain(headline(body));
            vec![Block::RichText(vec![Part::Line(vec![text])])]
        }
    }
}

/// Every code of a message that has a block of its own, in their order.
pub(crate) fn codes(body: &Value) -> Vec<String> {
    let mut codes = Vec::new();
    for block in blocks(body) {
        let Block::RichText(parts) = block else {
            continue;
        };
        codes.extend(parts.into_iter().filter_map(|part| match part {
            Part::Code(code) => Some(code),
            Part::Line(_) | Part::List(_) => None,
        }));
    }
    codes
}

/// The text that stands for a message on a lock screen.
pub(super) fn headline(body: &Value) -> String {
    // The ampersand comes last, or an escaped escape would be taken back twice.
    text_of(body, "text")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// True if this begins an address that may be linked to; no other scheme may.
pub(super) fn is_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

impl Piece {
    fn plain(text: String) -> Self {
        Self::Text {
            text,
            is_bold: false,
        }
    }
}

fn block(block: &Value) -> Option<Block> {
    match text_of(block, "type") {
        "header" => {
            let text = block.get("text").map(|text| text_of(text, "text"));
            Some(Block::Header(text.unwrap_or_default().to_owned()))
        }
        "rich_text" => Some(Block::RichText(
            elements(block).iter().filter_map(part).collect(),
        )),
        _ => None,
    }
}

fn part(part: &Value) -> Option<Part> {
    match text_of(part, "type") {
        "rich_text_section" => Some(Part::Line(pieces(part))),
        "rich_text_list" => Some(Part::List(elements(part).iter().map(pieces).collect())),
        "rich_text_preformatted" => {
            let code = elements(part).iter().map(|code| text_of(code, "text"));
            Some(Part::Code(code.collect()))
        }
        _ => None,
    }
}

fn pieces(line: &Value) -> Vec<Piece> {
    elements(line).iter().filter_map(piece).collect()
}

fn piece(element: &Value) -> Option<Piece> {
    let of = |name: &str| text_of(element, name).to_owned();
    match text_of(element, "type") {
        "text" => Some(Piece::Text {
            text: of("text"),
            is_bold: element.pointer("/style/bold") == Some(&Value::Bool(true)),
        }),
        "link" => Some(Piece::Link {
            url: of("url"),
            label: of("text"),
        }),
        "date" => Some(Piece::Time(of("fallback"))),
        "user" => Some(Piece::Mention(of("user_id"))),
        "usergroup" => Some(Piece::Mention(of("usergroup_id"))),
        _ => None,
    }
}

fn elements(value: &Value) -> &[Value] {
    let elements = value.get("elements").and_then(Value::as_array);
    elements.map_or(&[], Vec::as_slice)
}

fn text_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use banto_notice::{Audience, Link, Notice, Section, Step, Urgency, slack};
    use serde_json::json;

    use super::*;

    fn text(text: &str) -> Piece {
        Piece::plain(text.to_owned())
    }

    fn bold(text: &str) -> Piece {
        Piece::Text {
            text: text.to_owned(),
            is_bold: true,
        }
    }

    #[test]
    fn every_part_of_a_message_is_taken_apart() {
        let own = str::to_owned;
        let mut notice = Notice::new(
            own("1"),
            Audience::Route(own("payments")),
            Urgency::Alarm,
            own("*Found* <b>"),
        );
        notice.mentions = vec![own("S0614TZR7")];
        notice.facts = vec![(own("Since"), own("4 Nov 2026 09:05 UTC"))];
        notice.sections = vec![Section {
            title: own("Open"),
            lines: vec![own("website-*")],
        }];
        notice.steps = vec![Step {
            text: own("Look:"),
            command: Some(own("aws s3 ls")),
        }];
        notice.links = vec![Link {
            label: own("Runbook"),
            url: own("https://wiki.example.com/?a&b"),
        }];
        let rich = |parts: &[Part]| Block::RichText(parts.to_vec());
        let line = |pieces: &[Piece]| Part::Line(pieces.to_vec());
        assert_eq!(
            blocks(&slack::message(&notice)),
            [
                Block::Header(own("🚨 *Found* <b>")),
                rich(&[line(&[Piece::Mention(own("S0614TZR7"))])]),
                rich(&[line(&[
                    bold("Since: "),
                    Piece::Time(own("4 Nov 2026 09:05 UTC"))
                ])]),
                rich(&[
                    line(&[bold("Open")]),
                    Part::List(vec![vec![text("website-*")]])
                ]),
                rich(&[line(&[text("Look:")]), Part::Code(own("aws s3 ls"))]),
                rich(&[line(&[Piece::Link {
                    url: own("https://wiki.example.com/?a&b"),
                    label: own("Runbook")
                }])]),
            ]
        );
    }

    #[test]
    fn an_envelope_is_found_in_the_message_that_carries_it() {
        let (id, headline) = ("1".to_owned(), "Your key is gone".to_owned());
        let mut notice = Notice::new(id, Audience::Operators, Urgency::Alarm, headline);
        notice.paragraphs = vec!["It is in -----BEGIN PGP MESSAGE-----".to_owned()];
        notice.envelope = Some("-----BEGIN PGP MESSAGE-----\n\nwV4D\n".to_owned());
        assert_eq!(
            codes(&slack::message(&notice)),
            ["-----BEGIN PGP MESSAGE-----\n\nwV4D"]
        );
    }

    #[test]
    fn a_message_without_blocks_is_its_text_and_what_is_not_known_is_left_out() {
        let body = json!({ "text": "a &amp;lt; b" });
        assert_eq!(
            blocks(&body),
            [Block::RichText(vec![Part::Line(vec![text("a &lt; b")])])]
        );
        let unknown = json!({ "type": "section", "text": { "type": "mrkdwn", "text": "x" } });
        assert_eq!(blocks(&json!({ "text": "x", "blocks": [unknown] })), []);
    }
}
