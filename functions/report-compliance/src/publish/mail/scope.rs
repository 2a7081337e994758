//! A mail's subject matter: the report, the policy, the list of findings.

use banto_domain::policy::ReportPolicy;

use crate::model::MonthReport;

/// The list of every finding that a mail is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Csv {
    /// The file itself, at most [`MOST_ATTACHED`](super::MOST_ATTACHED) bytes.
    Attached(Vec<u8>),
    /// The address at which it lies; where that is not one of the web, as text.
    Link(String),
}

/// A mail that is to be written.
pub(super) struct Scope<'a> {
    pub(super) report: &'a MonthReport,
    pub(super) policy: &'a ReportPolicy,
    pub(super) csv: &'a Csv,
    /// Most entries of a list.
    pub(super) most: usize,
}

/// The name of the attached file: the same for every owner, since a mail server may refuse names
/// that are not in ASCII.
pub(super) fn file_name(report: &MonthReport) -> String {
    format!("findings-{}.csv", report.period.month)
}
