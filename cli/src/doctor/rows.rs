//! The rows of docs/UNPROVEN.md.

/// The document, as it was when this command was built.
const DOCUMENT: &str = include_str!("../../../docs/UNPROVEN.md");

/// A fact that nobody has seen on AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    /// True if a probe proves it, and not a person.
    pub(crate) by_doctor: bool,
    pub(crate) fact: &'static str,
    pub(crate) how: &'static str,
}

/// All rows, in the document's order.
pub(crate) fn rows() -> Vec<Row> {
    DOCUMENT.lines().filter_map(row).collect()
}

/// A row, of a line that is one.
pub(crate) fn row(line: &'static str) -> Option<Row> {
    let line = line.strip_prefix("| ")?.strip_suffix(" |")?;
    let (id, rest) = line.split_once(" | ")?;
    let (by, rest) = rest.split_once(" | ")?;
    let (rest, how) = rest.rsplit_once(" | ")?;
    let (fact, _) = rest.split_once(" | ")?;
    (id != "id").then_some(Row {
        id,
        by_doctor: by == "doctor",
        fact,
        how,
    })
}
