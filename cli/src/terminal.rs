//! Where a command shows what it has to say: how wide that is, and whether it has colours.

use std::io::IsTerminal as _;

use banto_notice::text;
use comfy_table::Table;
use console::Term;

use crate::table::{self, WIDTH};

/// Fewest columns that are kept to: a table of five columns has no narrower shape.
const NARROWEST: u16 = 60;
/// Most columns that are used: longer lines are hard to read.
const WIDEST: u16 = 160;

/// Where something is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Columns of a line.
    pub width: u16,
    /// Whether it shows colours.
    pub colour: bool,
}

/// A meaning that a colour has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// All is well.
    Good,
    /// Somebody should look.
    Warning,
    /// Something is wrong.
    Bad,
    /// Less important than what is around it.
    Faint,
    /// A title.
    Strong,
}

impl Screen {
    /// Standard output: as wide as its terminal, in colours if it is one and `NO_COLOR` is not set
    /// (no-color.org).
    pub fn of_output() -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        let width = Term::stdout()
            .size_checked()
            .filter(|_| is_terminal)
            .map_or(WIDTH, |(_, columns)| columns);
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            width: width.clamp(NARROWEST, WIDEST),
            colour: is_terminal && !no_colour,
        }
    }

    /// Standard error, where questions are: as wide as its terminal, without colours.
    pub fn of_questions() -> Self {
        let width = Term::stderr()
            .size_checked()
            .map_or(WIDTH, |(_, columns)| columns);
        Self::plain(width.clamp(NARROWEST, WIDEST))
    }

    /// A screen of this width without colours, as snapshots have it.
    pub const fn plain(width: u16) -> Self {
        Self {
            width,
            colour: false,
        }
    }

    /// A text in the colour that its meaning has, or as it is.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        // Select Graphic Rendition. (ECMA-48, 8.3.117.)
        let code = match tone {
            Tone::Good => "32",
            Tone::Warning => "33",
            Tone::Bad => "31",
            Tone::Faint => "2",
            Tone::Strong => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// A table without rows, as wide as the screen.
    pub(crate) fn table(&self, header: &[&str]) -> Table {
        table::of_width(self.width, header)
    }

    /// A text in lines that the screen holds, broken at spaces; each after the first is indented by
    /// this many columns. A command in backticks is one word, so that it can be copied. A word that is
    /// longer than a line, as an ARN, stays whole.
    pub fn wrapped(&self, text: &str, indent: usize) -> String {
        let width = usize::from(self.width);
        let mut lines: Vec<String> = Vec::new();
        for paragraph in text.split('\n') {
            let mut line = String::new();
            for word in text::words(paragraph) {
                let length =
                    console::measure_text_width(&line) + console::measure_text_width(&word);
                if !line.trim().is_empty() && length + 1 > width {
                    lines.push(std::mem::take(&mut line));
                }
                if line.is_empty() && !lines.is_empty() {
                    line = " ".repeat(indent);
                } else if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(&word);
            }
            lines.push(line);
        }
        lines.join("\n")
    }
}

impl Screen {
    /// A text beside a label of so many columns, in as many lines as it needs.
    pub fn labelled(&self, columns: u16, label: &str, text: &str) -> String {
        let beside = Self {
            width: self.width.saturating_sub(columns),
            ..*self
        };
        let columns = usize::from(columns);
        let text = beside.wrapped(text, 0);
        let text = text.replace('\n', &format!("\n{:columns$}", ""));
        format!("{label:<columns$}{text}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_to_the_screen_and_long_words_stay_whole() {
        let screen = Screen::plain(20);
        let arn = "arn:aws:iam::111122223333:role/rotator";
        let text = screen.wrapped(&format!("one two three four five {arn} six"), 2);
        assert_eq!(text, format!("one two three four\n  five\n  {arn}\n  six"));
    }

    #[test]
    fn a_command_in_backticks_is_never_broken() {
        let screen = Screen::plain(20);
        for (text, lines) in [
            ("now call `banto keys ack`.", "now call\n`banto keys ack`."),
            ("call `a b`, `c d` or more", "call `a b`, `c d` or\nmore"),
            ("a `lonely tick in a text", "a `lonely tick in a\ntext"),
        ] {
            assert_eq!(screen.wrapped(text, 0), lines);
        }
    }

    #[test]
    fn colours_are_on_terminals_only() {
        assert_eq!(Screen::plain(80).paint(Tone::Bad, "no"), "no");
        let colour = Screen {
            width: 80,
            colour: true,
        };
        assert_eq!(colour.paint(Tone::Bad, "no"), "\u{1b}[31mno\u{1b}[0m");
    }
}
