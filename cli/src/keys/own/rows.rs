//! Rows of a word and a text, as `register` and `status` show them.

use crate::terminal::Screen;

/// Columns of the words before each row.
const INDENT: usize = 13;

/// A row, whose text goes on below itself.
pub(super) fn row(screen: &Screen, name: &str, text: &str) -> String {
    let indent = u16::try_from(INDENT).unwrap_or_default();
    let inner = Screen {
        width: screen.width.saturating_sub(indent),
        colour: screen.colour,
    };
    let text = inner.wrapped(text, 0);
    let text = text.replace('\n', &format!("\n{:INDENT$}", ""));
    format!("{name:<INDENT$}{text}")
}
