//! The dashboard: one HTML page that has its data, its style and its script in it.
//!
//! The page lies in `functions/report-compliance/dashboard/`, and its README says how it is made.
//! Deliberately absent: requests to anywhere, and HTML made of data: the script sets texts only.

use banto_domain::policy::ReportPolicy;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde_json::json;

use crate::model::{AccountMonth, FindingRow, MonthReport};

mod cells;
mod data;
mod page;
mod rows;

use data::Data;
use rows::RowColumns;
pub use rows::Rows;

/// Most findings that the page has in it, of whatever status. They take 40 bytes each, so that with
/// more of them the page would be over 5 MB, which a browser takes longer than a second for.
pub const MAX_INLINE_ROWS: usize = 50_000;

/// The dashboard of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dashboard {
    /// The page.
    pub page: String,
}

/// Makes the dashboard of a month. Its numbers of the month before are those of the trend: they are
/// not shown where a filter is set.
pub fn render(report: &MonthReport, policy: &ReportPolicy, rows: Rows<'_>) -> Dashboard {
    render_beside(report, None, policy, rows)
}

/// Makes the dashboard of a month, with the report of the month before: whatever the filter, the
/// page says what its numbers were then.
pub fn render_beside(
    report: &MonthReport,
    before: Option<&MonthReport>,
    policy: &ReportPolicy,
    rows: Rows<'_>,
) -> Dashboard {
    let data = Data::new(report, before, policy, &rows);
    let loads_files = matches!(rows, Rows::PerAccount);
    let page = page::filled(report.period.month, &packed(&data), loads_files);
    Dashboard { page }
}

/// Makes the file of an account's findings, and its name beside the page.
///
/// It is a script, since a page that was opened from a folder may load scripts from beside it, and
/// nothing else. (HTML Standard, "Fetch classic script": no CORS; `fetch` refuses `file:`.)
pub fn account_file(account: &AccountMonth, rows: &[FindingRow]) -> (String, Vec<u8>) {
    let id = &account.account;
    let columns = packed(&RowColumns::new(rows));
    let call = format!("bantoRows({}, \"{columns}\");\n", json!(id.as_str()));
    (format!("rows/{id}.js"), call.into_bytes())
}

/// Data as gzipped JSON in Base64, which needs no escaping in HTML and in scripts. It is a quarter
/// of the size of bare JSON.
fn packed(data: &impl Serialize) -> String {
    let mut zipped = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to a Vec can't fail, and no map here has keys other than texts.
    let _infallible = serde_json::to_writer(&mut zipped, data).is_ok();
    STANDARD.encode(zipped.finish().unwrap_or_default())
}
