//! A mail as plain text of at most 78 columns, apart from addresses and names that are longer.
//! (RFC 5322, section 2.1.1, recommends 78.)

use banto_notice::text::joined;

use super::letter::{Bar, Item, Letter, Number, Part, Shares, Table};
use super::words;

const WIDTH: usize = 78;

/// Columns of a bar.
const BAR: usize = 20;

/// The gap between two columns of a table.
const GAP: &str = "  ";

/// The whole text.
pub(super) fn render(letter: &Letter) -> String {
    let mut text = Text::default();
    text.wrapped("", &letter.kicker);
    text.wrapped("", &letter.headline);
    text.line(&"=".repeat(WIDTH));
    for part in &letter.parts {
        text.part(part);
    }
    text.lines
}

/// The lines so far.
#[derive(Default)]
struct Text {
    lines: String,
}

impl Text {
    fn line(&mut self, line: &str) {
        self.lines.push_str(line.trim_end());
        self.lines.push('\n');
    }

    /// Adds a text in as many lines as it needs, each of which begins with the indent; the first
    /// one has the text's own beginning in its place.
    fn hanging(&mut self, first: &str, indent: &str, text: &str) {
        let mut line = first.to_owned();
        let mut is_empty = true;
        for word in words::one_line(text).split(' ') {
            let longer = width(&line) + usize::from(!is_empty) + width(word);
            if longer > WIDTH && !is_empty {
                self.line(&line);
                indent.clone_into(&mut line);
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        self.line(&line);
    }

    fn wrapped(&mut self, indent: &str, text: &str) {
        self.hanging(indent, indent, text);
    }

    fn part(&mut self, part: &Part) {
        self.line("");
        match part {
            Part::Heading(text) => {
                self.line("");
                self.wrapped("", text);
                self.line(&"-".repeat(width(text)));
            }
            Part::Paragraph(text) | Part::Remark(text) => self.wrapped("", text),
            Part::Numbers(all) => self.numbers(all),
            Part::Steps(items) => {
                for (place, item) in items.iter().enumerate() {
                    self.item(&format!("{}. ", place + 1), item);
                }
            }
            Part::Items(items) => items.iter().for_each(|item| self.item("*  ", item)),
            Part::Bars(all) => self.bars(all),
            Part::Table(table) => self.table(table),
            Part::Link(link) => {
                self.wrapped("", &format!("{}:", link.label));
                self.line(&link.url);
            }
        }
    }

    fn numbers(&mut self, all: &[Number]) {
        for Number {
            label, value, note, ..
        } in all
        {
            self.line(&format!("{label:<14}{value:>12}   {note}"));
        }
    }

    fn item(&mut self, bullet: &str, item: &Item) {
        let severity = item.severity.map_or(String::new(), |severity| {
            format!("[{}] ", severity.as_str())
        });
        self.hanging(bullet, "   ", &format!("{severity}{}", item.title));
        for line in &item.lines {
            self.wrapped("   ", line);
        }
        if let Some(url) = &item.url {
            self.line(&format!("   {url}"));
        }
        if let Some(link) = &item.link {
            self.line(&format!("   {}: {}", link.label, link.url));
        }
    }

    fn bars(&mut self, all: &[Bar]) {
        for bar in all {
            self.wrapped("", &bar.label);
            let drawn = format!("  {:>8}  {}  ", bar.value, drawing(bar.shares));
            self.hanging(&drawn, &" ".repeat(width(&drawn)), &bar.note);
        }
        self.line("");
        self.line("# compliant  ! open  ? waived or unknown");
    }

    fn table(&mut self, table: &Table) {
        let titles = table.columns.iter().map(|column| column.title.to_owned());
        let titles: Vec<String> = titles.collect();
        let widths = column_widths(table, &titles);
        self.row(table, &widths, &titles);
        let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        self.row(table, &widths, &rules);
        for row in &table.rows {
            self.row(table, &widths, row);
        }
    }

    /// Adds a row in as many lines as its longest cell needs.
    fn row(&mut self, table: &Table, widths: &[usize], row: &[String]) {
        let cells = row.iter().zip(widths);
        let cells: Vec<Vec<String>> = cells.map(|(text, width)| cut(text, *width)).collect();
        let lines = cells.iter().map(Vec::len).max().unwrap_or(0);
        for place in 0..lines {
            let columns = cells.iter().zip(widths).zip(&table.columns);
            let parts = columns.map(|((cell, &width), column)| {
                let part = cell.get(place).map_or("", String::as_str);
                if column.is_number {
                    format!("{part:>width$}")
                } else {
                    format!("{part:<width$}")
                }
            });
            self.line(&joined(parts, GAP));
        }
    }
}

/// Each column is as wide as its widest cell; the widest of them gives way until all fit.
fn column_widths(table: &Table, titles: &[String]) -> Vec<usize> {
    let mut widths: Vec<usize> = titles.iter().map(|title| width(title)).collect();
    for row in &table.rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = width(cell).max(*widest);
        }
    }
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    let mut over = (widths.iter().sum::<usize>() + gaps).saturating_sub(WIDTH);
    while over > 0 {
        let Some(widest) = widths.iter_mut().max() else {
            break;
        };
        *widest = widest.saturating_sub(1);
        over -= 1;
    }
    widths
}

/// Cuts a text into lines between its words; a word that is longer than a line anywhere.
fn cut(text: &str, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let letters: Vec<char> = word.chars().collect();
        for piece in letters.chunks(most.max(1)) {
            let Some(line) = lines.last_mut() else {
                continue;
            };
            let gap = usize::from(!line.is_empty());
            if width(line) + gap + piece.len() > most {
                lines.push(piece.iter().collect());
            } else {
                line.push_str(if gap > 0 { " " } else { "" });
                line.extend(piece);
            }
        }
    }
    lines
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// The parts of a bar, none of which is lost for being small.
fn drawing(shares: Shares) -> String {
    let part = |share: u64| (usize::try_from(share).unwrap_or(0) * BAR).div_ceil(100);
    let open = part(shares.open);
    let rest = part(shares.rest).min(BAR.saturating_sub(open));
    let compliant = match shares.compliant {
        0 => 0,
        _ => BAR.saturating_sub(open + rest).max(1),
    };
    let drawn = ["#".repeat(compliant), "!".repeat(open), "?".repeat(rest)].concat();
    format!("[{drawn:<BAR$}]")
}
