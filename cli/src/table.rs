//! Tables as every command shows them.

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};

/// Lines below the header and at the end, and nothing else.
const STYLE: TableStyle = TableStyle::new()
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .bottom_border(LineStyle::none().fill('─').junction('─'));

/// Columns of everything that is shown: those of a terminal that nobody made wider.
const WIDTH: u16 = 80;

/// A table without rows.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(WIDTH).set_header(header.to_vec());
    table
}
