//! The mails: one with everything for those who run the accounts, and one for each owner with only
//! theirs.
//!
//! Each is a letter without form first, and then both HTML and plain text. Lists are bounded, so
//! that a mail of a thousand accounts is as long as one of ten.
//!
//! Deliberately absent: images and style sheets, which some mail programs drop, and any colour of
//! text or background, so that each program's dark mode is as readable as its light one.

mod closing;
mod findings;
mod html;
mod letter;
mod links;
mod news;
mod places;
mod scope;
mod text;
mod unknown;
mod words;

use banto_domain::policy::ReportPolicy;
use banto_ports::Attachment;

use crate::model::MonthReport;
use letter::Letter;
use scope::{Scope, file_name};

pub use scope::Csv;

/// Most bytes of an attached file: many mail servers refuse mails above 10 MB, and base64 adds a
/// third. SES itself takes 40 MB. (SES developer guide, "Working with email attachments".)
pub const MOST_ATTACHED: usize = 7_000_000;

/// Most bytes of HTML: Gmail cuts a mail off at 102 KB.
pub const MOST_HTML: usize = 100_000;

/// Most characters of a subject. Mail programs show some 80; 200 keep its line, as it is encoded,
/// below the 998 bytes that RFC 5322, section 2.1.1, allows.
const MOST_SUBJECT: usize = 200;

/// Entries of a list: more of each is on the dashboard.
const LENGTH: usize = 10;

/// Entries of a list in a mail whose HTML would be too long. With names as long as can be, the last
/// of these always fits.
const SHORTER: [usize; 2] = [5, 2];

/// A mail, apart from who gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailContent {
    /// One line.
    pub subject: String,
    /// The body for programs that show no HTML.
    pub text: String,
    /// The body for all others.
    pub html: String,
    /// The list of findings, unless it is too large.
    pub attachments: Vec<Attachment>,
}

/// The mail on all accounts.
pub fn all(report: &MonthReport, policy: &ReportPolicy, csv: Csv) -> MailContent {
    content(report, policy, csv)
}

/// The mail on the accounts of one owner, from the report on these.
pub fn of_owner(report: &MonthReport, policy: &ReportPolicy, csv: Csv) -> MailContent {
    content(report, policy, csv)
}

fn content(report: &MonthReport, policy: &ReportPolicy, csv: Csv) -> MailContent {
    let written = |most| {
        let letter = letter(report, policy, &csv, most);
        let html = html::render(&letter);
        (letter, html)
    };
    let (mut letter, mut html) = written(LENGTH);
    for most in SHORTER {
        if html.len() <= MOST_HTML {
            break;
        }
        (letter, html) = written(most);
    }
    MailContent {
        text: text::render(&letter),
        html,
        attachments: attachments(report, csv),
        subject: letter.subject,
    }
}

fn letter(report: &MonthReport, policy: &ReportPolicy, csv: &Csv, most: usize) -> Letter {
    let scope = &Scope {
        report,
        policy,
        csv,
        most,
    };
    let sections = [
        news::parts(scope),
        places::parts(scope),
        findings::worst(scope),
        unknown::accounts(scope),
        unknown::coverage(scope),
        findings::waivers(scope),
        closing::recording(scope),
        places::trend(scope),
        unknown::problems(scope),
        closing::parts(scope),
    ];
    let subject = words::one_line(&news::subject(scope));
    Letter {
        subject: subject.chars().take(MOST_SUBJECT).collect(),
        kicker: news::kicker(scope),
        headline: news::headline(scope),
        parts: sections.into_iter().flatten().collect(),
    }
}

fn attachments(report: &MonthReport, csv: Csv) -> Vec<Attachment> {
    match csv {
        Csv::Attached(body) => vec![Attachment {
            name: file_name(report),
            media_type: "text/csv",
            body,
            content_id: None,
        }],
        Csv::Link(_) => Vec::new(),
    }
}
