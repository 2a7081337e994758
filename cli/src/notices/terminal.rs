//! A message for a terminal of 80 columns.

use serde_json::Value;

use super::mrkdwn::{Piece, pieces, plain_text};
use crate::local::slack::Post;

/// Columns of everything that is shown.
const WIDTH: usize = 80;
/// What comes before each line of a message.
const BAR: &str = "  ▌ ";

// What a terminal does with text, as the numbers of its escape sequences (ECMA-48, "SGR").
const BOLD: u8 = 1;
const FAINT: u8 = 2;
const ITALIC: u8 = 3;
const UNDERLINED: u8 = 4;
const STRUCK: u8 = 9;
const RED: u8 = 31;
const CYAN: u8 = 36;

/// A run of characters in one style.
type Run = (Vec<u8>, String);

/// The message, line by line. Commands, envelopes and addresses stay on their lines, however long
/// they are: a terminal wraps them so that they can be copied.
pub fn lines(post: &Post, colour: bool) -> Vec<String> {
    let place = if post.thread.is_some() {
        "thread in "
    } else {
        ""
    };
    let time = post.at.strftime("%-d %b %H:%M");
    let mut lines = vec![vec![(
        vec![FAINT],
        format!("{place}{}, {time}", post.place()),
    )]];
    match post.body.get("blocks").and_then(Value::as_array) {
        Some(blocks) => blocks.iter().for_each(|it| block(it, &mut lines)),
        None => lines.extend(wrapped(&runs(text_of(&post.body, "/text"), &[]), 0)),
    }
    let drawn = lines.iter().map(|line| {
        let text: String = line
            .iter()
            .map(|(style, text)| painted(style, text, colour))
            .collect();
        format!("{}{text}", painted(&[RED], BAR, colour))
            .trim_end()
            .to_owned()
    });
    drawn.collect()
}

fn block(block: &Value, lines: &mut Vec<Vec<Run>>) {
    let list = |name: &str| {
        block
            .get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let fields = list("fields");
    match block.get("type").and_then(Value::as_str) {
        Some("header") => {
            let text = plain_text(text_of(block, "/text/text"));
            lines.extend(wrapped(&[(vec![BOLD], text)], 0));
        }
        Some("divider") => lines.push(vec![(vec![FAINT], "─".repeat(WIDTH - BAR.chars().count()))]),
        Some("context") => {
            for element in list("elements") {
                lines.extend(wrapped(&runs(text_of(&element, "/text"), &[FAINT]), 0));
            }
        }
        _ if fields.is_empty() => text(text_of(block, "/text/text"), lines),
        _ => facts(&fields, lines),
    }
}

/// A text, each of its lines by itself; those of a list hang under their first word.
fn text(text: &str, lines: &mut Vec<Vec<Run>>) {
    let mut line: Vec<Run> = Vec::new();
    for piece in pieces(text) {
        if let Piece::Block(code) = &piece {
            finish(&mut line, lines);
            lines.extend(code.lines().map(|line| vec![(vec![CYAN], line.to_owned())]));
            continue;
        }
        for (style, run) in run(&piece, &[]) {
            for (index, part) in run.split('\n').enumerate() {
                if index > 0 {
                    finish(&mut line, lines);
                }
                line.push((style.clone(), part.to_owned()));
            }
        }
    }
    finish(&mut line, lines);
}

/// Ends a line, unless nothing is on it.
fn finish(line: &mut Vec<Run>, lines: &mut Vec<Vec<Run>>) {
    let line = std::mem::take(line);
    let text: String = line.iter().map(|(_, text)| text.as_str()).collect();
    if !text.trim().is_empty() {
        lines.extend(wrapped(&line, if text.starts_with("• ") { 2 } else { 0 }));
    }
}

/// Facts, label beside value.
fn facts(fields: &[Value], lines: &mut Vec<Vec<Run>>) {
    let split = |field: &Value| {
        let text = text_of(field, "/text").to_owned();
        text.split_once('\n')
            .map_or((String::new(), text.clone()), |(label, value)| {
                (label.to_owned(), value.to_owned())
            })
    };
    let facts: Vec<(String, Vec<Run>)> = fields
        .iter()
        .map(split)
        .map(|(label, value)| {
            let label: String = runs(&label, &[])
                .into_iter()
                .map(|(_, text)| text)
                .collect();
            (label, runs(&value.replace('\n', " "), &[]))
        })
        .collect();
    let widest = facts
        .iter()
        .map(|(label, _)| width(label))
        .max()
        .unwrap_or_default();
    for (label, value) in facts {
        let gap = " ".repeat(widest - width(&label) + 2);
        let line: Vec<Run> = std::iter::once((vec![FAINT], label + &gap))
            .chain(value)
            .collect();
        lines.extend(wrapped(&line, widest + 2));
    }
}

/// A text with Slack's markup, in runs.
fn runs(text: &str, style: &[u8]) -> Vec<Run> {
    pieces(text)
        .iter()
        .flat_map(|piece| run(piece, style))
        .collect()
}

fn run(piece: &Piece, style: &[u8]) -> Vec<Run> {
    let with = |more: u8| style.iter().copied().chain([more]).collect::<Vec<u8>>();
    let inside = |pieces: &[Piece], more: u8| {
        pieces
            .iter()
            .flat_map(|piece| run(piece, &with(more)))
            .collect()
    };
    match piece {
        Piece::Text(text) => vec![(style.to_vec(), text.clone())],
        Piece::Bold(pieces) => inside(pieces, BOLD),
        Piece::Italic(pieces) => inside(pieces, ITALIC),
        Piece::Struck(pieces) => inside(pieces, STRUCK),
        Piece::Code(code) | Piece::Block(code) => vec![(vec![CYAN], code.clone())],
        Piece::Link { url, label } if url == label => vec![(with(UNDERLINED), url.clone())],
        Piece::Link { url, label } => {
            vec![
                (style.to_vec(), format!("{label}: ")),
                (with(UNDERLINED), url.clone()),
            ]
        }
        Piece::Mention(member) => vec![(with(BOLD), format!("@{member}"))],
    }
}

/// Lines that fit, broken between words; lines after the first begin with so many spaces. A word
/// that is too long for any line, like an address, stays whole.
fn wrapped(line: &[Run], indent: usize) -> Vec<Vec<Run>> {
    let room = WIDTH - BAR.chars().count();
    let mut lines: Vec<Vec<Run>> = vec![Vec::new()];
    let mut taken = 0;
    for (style, text) in line {
        for word in text.split_inclusive(' ') {
            let needed = width(word.trim_end());
            if taken + needed > room && taken > indent {
                lines.push(vec![(Vec::new(), " ".repeat(indent))]);
                taken = indent;
            }
            taken += width(word);
            if let Some(line) = lines.last_mut() {
                line.push((style.clone(), word.to_owned()));
            }
        }
    }
    lines
}

fn painted(style: &[u8], text: &str, colour: bool) -> String {
    if !colour || style.is_empty() || text.is_empty() {
        return text.to_owned();
    }
    let codes: Vec<String> = style.iter().map(ToString::to_string).collect();
    format!("\u{1b}[{}m{text}\u{1b}[0m", codes.join(";"))
}

/// Columns that a text takes: East Asian characters and emoji take two, marks that join others
/// none.
fn width(text: &str) -> usize {
    let of = |c: char| match c {
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200d}' | '\u{fe0e}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' => 2,
        '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{1f300}'..='\u{1faff}'
        | '✅'
        | '⚪' => 2,
        _ => 1,
    };
    text.chars().map(of).sum()
}

fn text_of<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
