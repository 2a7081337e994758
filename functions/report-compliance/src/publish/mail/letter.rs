//! A mail's parts, whichever form they take: HTML and plain text are made of the same ones, so that
//! both say the same.

use banto_domain::compliance::Severity;

/// A mail before it has a form.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Letter {
    pub(super) subject: String,
    /// The small line above the headline.
    pub(super) kicker: String,
    pub(super) headline: String,
    pub(super) parts: Vec<Part>,
}

/// A part of a mail.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    Heading(String),
    Paragraph(String),
    /// A paragraph in small type.
    Remark(String),
    Numbers(Vec<Number>),
    /// Things to be done, in this order.
    Steps(Vec<Item>),
    Items(Vec<Item>),
    Bars(Vec<Bar>),
    Table(Table),
    Link(Link),
}

/// A number that stands by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) tone: Tone,
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) note: String,
}

/// The tone of a number, which is for the eye alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Bad,
    Unsure,
}

/// A thing, with lines beneath it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Item {
    pub(super) severity: Option<Severity>,
    pub(super) title: String,
    /// The page that the title leads to.
    pub(super) url: Option<String>,
    pub(super) lines: Vec<String>,
    pub(super) link: Option<Link>,
}

/// A compliance, as a bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) label: String,
    /// The page that the label leads to.
    pub(super) url: Option<String>,
    pub(super) value: String,
    pub(super) note: String,
    pub(super) shares: Shares,
}

/// The parts of a bar in percent, none of which is lost for being small. All are 0 where nothing is
/// evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Shares {
    pub(super) compliant: u64,
    /// New and open ones.
    pub(super) open: u64,
    /// Waived ones, and those of which nobody can say.
    pub(super) rest: u64,
}

/// A table of facts; its first column names the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<String>>,
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) title: &'static str,
    /// True if numbers are in it, which stand at the right.
    pub(super) is_number: bool,
}

impl Column {
    pub(super) const fn text(title: &'static str) -> Self {
        Self {
            title,
            is_number: false,
        }
    }

    pub(super) const fn number(title: &'static str) -> Self {
        Self {
            title,
            is_number: true,
        }
    }
}

/// A link; its address is one that is [safe](super::links::safe).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) label: String,
    pub(super) url: String,
}
