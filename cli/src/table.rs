//! Tables as every command shows them.

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};

/// Columns where nobody says how many there are: those of a terminal that nobody made wider.
pub(crate) const WIDTH: u16 = 80;

/// Lines below the header and at the end, and nothing else.
const STYLE: TableStyle = TableStyle::new()
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .bottom_border(LineStyle::none().fill('─').junction('─'));

/// A table without rows, of the usual width.
pub(crate) fn table(header: &[&str]) -> Table {
    of_width(WIDTH, header)
}

/// A table without rows, of this many columns.
pub(crate) fn of_width(width: u16, header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width).set_header(header.to_vec());
    table
}
