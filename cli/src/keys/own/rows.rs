//! Rows of a word and a text, as `register` and `status` show them.

use crate::terminal::Screen;

/// Columns of the words before each row.
const COLUMNS: u16 = 13;

/// A row, whose text goes on below itself, without the end of its last line.
pub(super) fn row(screen: &Screen, name: &str, text: &str) -> String {
    let mut row = screen.labelled(COLUMNS, name, text);
    row.pop();
    row
}
