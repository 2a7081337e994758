//! Makes of a run's outcome the response and the metrics.

use banto_domain::{AccountId, Breach, Month};
use banto_lambda::{Metrics, Response};
use serde_json::{Value, json};

use crate::model::MonthReport;
use crate::publish::outcome::{MailOutcome, MailState};

/// The outcome of a run that did not fail.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The kill switch is off.
    Disabled,
    /// The month was whole already, and nothing else was asked for.
    Whole { month: Month },
    /// A report was made, or its mails sent again.
    Made(Box<Made>),
}

/// A report that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    pub report: MonthReport,
    /// Accounts that were read from the archive in this run.
    pub read: usize,
    /// Accounts that were not active at the month's end and delivered nothing, and so are not in the
    /// report.
    pub left_out: Vec<AccountId>,
    pub mails: Vec<MailOutcome>,
    /// The address of the month's page, where the policy says where people find it.
    pub page: Option<String>,
    /// What a dry run found; `None` if it was none.
    pub dry_run: Option<DryRun>,
}

/// What a dry run would do.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DryRun {
    /// The objects that it would write, besides two for each account that was read, and mails'.
    pub writes: Vec<String>,
    /// The promises that it would break; a real run would fail.
    pub refused: Vec<Breach>,
    /// The month before, which would be collected first.
    pub baseline: Option<Month>,
}

impl Made {
    /// The mails in a state.
    pub fn count(&self, is: fn(&MailState) -> bool) -> usize {
        self.mails.iter().filter(|mail| is(&mail.state)).count()
    }
}

/// True for a mail of which nobody knows whether it was sent.
pub fn is_in_doubt(state: &MailState) -> bool {
    matches!(state, MailState::InDoubt { .. })
}

/// Responds with what was made.
pub fn response(outcome: &Outcome) -> Response {
    let body = match outcome {
        Outcome::Disabled => json!({ "nothing": "[report] enabled is false" }),
        Outcome::Whole { month } => {
            json!({ "nothing": format!("the report of {month} is there already; \"again\" makes it anew") })
        }
        Outcome::Made(made) => body(made),
    };
    let mut metrics = Metrics::default();
    if let Outcome::Made(made) = outcome
        && made.dry_run.is_none()
    {
        metrics = counts(made);
    }
    Response { body, metrics }
}

fn body(made: &Made) -> Value {
    let Made {
        report,
        read,
        left_out,
        mails,
        page,
        dry_run,
    } = made;
    let mut body = json!({
        "month": report.period.month,
        "until": report.period.end,
        "comparedWith": report.compared_with,
        "accounts": report.accounts.len(),
        "accountsRead": read,
        "accountsLeftOut": left_out,
        "compliance": report.totals.compliance(),
        "totals": report.totals,
        "coverage": { "expected": report.coverage.expected, "known": report.coverage.known },
        "objectsUnreadable": report.problem_count,
        "engine": report.engine,
        "mails": mails,
        "page": page,
    });
    if let (Some(dry_run), Some(fields)) = (dry_run, body.as_object_mut()) {
        let refused = dry_run.refused.iter().map(Breach::to_string);
        fields.insert("dryRun".to_owned(), true.into());
        fields.insert("writes".to_owned(), json!(dry_run.writes));
        fields.insert("refused".to_owned(), json!(refused.collect::<Vec<_>>()));
        fields.insert("baseline".to_owned(), json!(dry_run.baseline));
    }
    body
}

fn counts(made: &Made) -> Metrics {
    let report = &made.report;
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let mut metrics = Metrics::default();
    metrics.count("AccountsReported", report.accounts.len());
    metrics.count("AccountsCollected", made.read);
    metrics.count("AccountsUnknown", number(report.coverage.accounts_unknown));
    metrics.count("OpenFindings", number(report.totals.all_open()));
    metrics.count("NewFindings", number(report.totals.new));
    metrics.count("FixedFindings", number(report.totals.fixed));
    metrics.count("UnknownEvaluations", number(report.totals.unknown));
    metrics.count("ObjectsUnreadable", number(report.problem_count));
    metrics.count("MailsSent", made.count(|state| *state == MailState::Sent));
    metrics.count("MailsInDoubt", made.count(is_in_doubt));
    metrics.count(
        "MailsRefused",
        made.count(|state| matches!(state, MailState::Refused { .. })),
    );
    metrics.count(
        "OwnersWithoutAddress",
        made.count(|state| *state == MailState::NoAddress),
    );
    metrics
}
