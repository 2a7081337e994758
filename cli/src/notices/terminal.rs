//! A message for a terminal of 80 columns.

use std::collections::BTreeMap;

use super::rich_text::{self, Block, Part, Piece};
use crate::local::slack::Post;

/// Columns of everything that is shown.
const WIDTH: usize = 80;
/// What comes before each line of a message.
const BAR: &str = "  ▌ ";

// What a terminal does with text, as the numbers of its escape sequences (ECMA-48, "SGR").
const BOLD: u8 = 1;
const FAINT: u8 = 2;
const UNDERLINED: u8 = 4;
const RED: u8 = 31;
const CYAN: u8 = 36;

/// A run of characters in one style.
type Run = (Vec<u8>, String);

/// Names of Slack's members and channels, by their ids.
type Names = BTreeMap<String, String>;

/// The message, line by line. Commands, envelopes and addresses stay on their lines, however long
/// they are: a terminal wraps them so that they can be copied.
pub fn lines(post: &Post, names: &Names, colour: bool) -> Vec<String> {
    let thread = if post.thread.is_some() {
        "thread in "
    } else {
        ""
    };
    let time = post.at.strftime("%-d %b %H:%M");
    let mut lines = vec![vec![(
        vec![FAINT],
        format!("{thread}{}, {time}", place(post, names)),
    )]];
    for block in rich_text::blocks(&post.body) {
        match block {
            Block::Header(text) => lines.extend(wrapped(&[(vec![BOLD], text)], 0)),
            Block::RichText(parts) => parts.iter().for_each(|it| part(it, names, &mut lines)),
        }
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

/// The place of a message as people call it: `#payments`, or `@alice` for a direct message.
pub(crate) fn place(post: &Post, names: &Names) -> String {
    let place = post.place();
    match (place.get(..1), place.get(1..).and_then(|id| names.get(id))) {
        (Some(sign), Some(name)) => format!("{sign}{name}"),
        _ => place,
    }
}

/// The text that stands for a message on a lock screen.
pub(crate) fn headline(post: &Post) -> String {
    rich_text::headline(&post.body)
}

fn part(part: &Part, names: &Names, lines: &mut Vec<Vec<Run>>) {
    match part {
        Part::Line(pieces) => lines.extend(written("", pieces, names)),
        Part::List(each) => {
            lines.extend(each.iter().flat_map(|pieces| written("• ", pieces, names)));
        }
        Part::Code(code) => {
            lines.extend(code.lines().map(|line| vec![(vec![CYAN], line.to_owned())]));
        }
    }
}

/// A text, each of its lines by itself; those after the first hang under its first word.
fn written(mark: &str, pieces: &[Piece], names: &Names) -> Vec<Vec<Run>> {
    let mut lines: Vec<Vec<Run>> = Vec::new();
    let mut line: Vec<Run> = vec![(Vec::new(), mark.to_owned())];
    for (style, text) in pieces.iter().flat_map(|piece| run(piece, names)) {
        for (index, part) in text.split('\n').enumerate() {
            if index > 0 {
                lines.push(std::mem::take(&mut line));
            }
            line.push((style.clone(), part.to_owned()));
        }
    }
    lines.push(line);
    let indent = width(mark);
    lines
        .iter()
        .flat_map(|line| wrapped(line, indent))
        .collect()
}

fn run(piece: &Piece, names: &Names) -> Vec<Run> {
    match piece {
        Piece::Text {
            text,
            is_bold: true,
        } => vec![(vec![BOLD], text.clone())],
        Piece::Text { text, .. } | Piece::Time(text) => vec![(Vec::new(), text.clone())],
        Piece::Link { url, label } => vec![
            (Vec::new(), format!("{label}: ")),
            (vec![UNDERLINED], url.clone()),
        ],
        Piece::Mention(id) => vec![(vec![BOLD], format!("@{}", names.get(id).unwrap_or(id)))],
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
