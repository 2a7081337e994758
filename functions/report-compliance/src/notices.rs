//! What operators are told.

use banto_domain::Month;
use banto_domain::compliance::short_hash;
use banto_notice::text::{fact, grouped, sections};
use banto_notice::{Audience, Link, Notice, Step, Urgency};

use crate::evidence::Problem;
use crate::publish::outcome::{MailOutcome, MailState};
use crate::report::{Made, is_in_doubt};

/// Most objects that a notice names; the report has more of them.
const MAX_OBJECTS: usize = 10;

/// A report was made, and what became of its mails.
pub fn made(made: &Made) -> Notice {
    let report = &made.report;
    let month = report.period.month;
    let totals = &report.totals;
    let share = totals.compliance();
    let share = share.map_or("nothing known".to_owned(), |share| format!("{share:.1} %"));
    // A subject of SNS has 100 characters.
    let headline = format!(
        "Compliance of {month}: {share}, {} new, {} fixed",
        grouped(totals.new),
        grouped(totals.fixed)
    );
    let urgency = if needs_action(made) {
        Urgency::Action
    } else {
        Urgency::Information
    };
    let mut notice = Notice::new(String::new(), Audience::Operators, urgency, headline);
    notice.facts = vec![
        fact("Accounts", grouped(report.accounts.len())),
        fact("Open", grouped(totals.all_open())),
        fact("Unknown", grouped(totals.unknown)),
        fact(
            "Accounts unknown",
            grouped(report.coverage.accounts_unknown),
        ),
    ];
    notice.sections = sections([
        ("Mails in doubt", mails(&made.mails, in_doubt)),
        ("Mails refused", mails(&made.mails, refused)),
        ("Owners without an address", mails(&made.mails, no_address)),
        (
            "Objects not understood",
            objects(&report.problems, report.problem_count),
        ),
    ]);
    notice.steps = steps(made);
    let page = made.page.iter();
    notice.links.extend(page.map(|url| Link {
        label: "Dashboard".to_owned(),
        url: url.clone(),
    }));
    notice.id = id_of(month, &notice);
    notice
}

/// A run ended before the month was whole.
pub fn out_of_time(month: Month) -> Notice {
    let headline = format!("Compliance of {month}: not done within 15 minutes");
    let id = format!("report-compliance:{month}:out-of-time");
    let mut notice = Notice::new(id, Audience::Operators, Urgency::Information, headline);
    notice.paragraphs = vec![
        "Whatever was read, written and sent is kept, and the next run goes on with the rest."
            .to_owned(),
    ];
    notice.steps = vec![
        Step {
            text:
                "The schedule goes on with the last full month. To go on with another one, invoke \
                   the function with:"
                    .to_owned(),
            command: Some(serde_json::json!({ "month": month }).to_string()),
        },
        Step {
            text: "If it takes more than a few runs, give the function more memory, or let Athena \
                   read the archive ([report.athena])."
                .to_owned(),
            command: None,
        },
    ];
    notice
}

/// The id of a notice: another one whenever it says something else.
fn id_of(month: Month, notice: &Notice) -> String {
    let mut parts = vec![notice.headline.as_str()];
    parts.extend(notice.facts.iter().map(|(_, value)| value.as_str()));
    for section in &notice.sections {
        parts.push(&section.title);
        parts.extend(section.lines.iter().map(String::as_str));
    }
    format!("report-compliance:{month}:made:{}", short_hash(&parts))
}

/// True if an operator has to do something.
pub fn needs_action(made: &Made) -> bool {
    let is_wrong = |state: &MailState| {
        matches!(
            state,
            MailState::InDoubt { .. } | MailState::Refused { .. } | MailState::NoAddress
        )
    };
    made.report.problem_count > 0 || made.mails.iter().any(|mail| is_wrong(&mail.state))
}

fn mails(mails: &[MailOutcome], line: fn(&MailOutcome) -> Option<String>) -> Vec<String> {
    mails.iter().filter_map(line).collect()
}

fn in_doubt(mail: &MailOutcome) -> Option<String> {
    match &mail.state {
        MailState::InDoubt { because: None } => Some(mail.name.clone()),
        MailState::InDoubt {
            because: Some(because),
        } => Some(format!("{}: {because}", mail.name)),
        _ => None,
    }
}

fn refused(mail: &MailOutcome) -> Option<String> {
    match &mail.state {
        MailState::Refused { because } => Some(format!("{}: {because}", mail.name)),
        _ => None,
    }
}

fn no_address(mail: &MailOutcome) -> Option<String> {
    (mail.state == MailState::NoAddress).then(|| mail.name.clone())
}

fn objects(problems: &[Problem], count: u64) -> Vec<String> {
    let shown = problems.iter().take(MAX_OBJECTS);
    let mut lines: Vec<String> = shown
        .map(|problem| format!("{}: {}", problem.key, problem.what))
        .collect();
    let hidden = count.saturating_sub(lines.len() as u64);
    if hidden > 0 {
        lines.push(format!("and {} more", grouped(hidden)));
    }
    lines
}

fn steps(made: &Made) -> Vec<Step> {
    let month = made.report.period.month;
    let resent = |mail: &&MailOutcome| {
        is_in_doubt(&mail.state) || matches!(mail.state, MailState::Refused { .. })
    };
    let names: Vec<&str> = made
        .mails
        .iter()
        .filter(resent)
        .map(|mail| mail.name.as_str())
        .collect();
    let mut steps = Vec::new();
    if !names.is_empty() {
        let payload = serde_json::json!({ "month": month, "resend": names });
        steps.push(Step {
            text: "Ask the receivers whether they have the mail. If not, put right what SES says, \
                   and have it sent again by invoking the function with:"
                .to_owned(),
            command: Some(payload.to_string()),
        });
    }
    if made.count(|state| *state == MailState::NoAddress) > 0 {
        steps.push(Step {
            text: "Add the owners' addresses to [report.mail.owners].".to_owned(),
            command: None,
        });
    }
    steps
}
