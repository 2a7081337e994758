//! How a run looks: a bar while accounts are read, and at the end what people need first.

use std::io::IsTerminal as _;
use std::path::Path;

use banto_domain::AccountId;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use report_compliance::model::MonthReport;
use report_compliance::ports::Progress;

use crate::output::line;
use crate::table::table;

/// Most rules that are named as what to do first: the page and the mail have the others.
const FIRST: usize = 5;

/// Shows how many accounts were read, on a terminal.
#[derive(Debug)]
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar that is not there yet.
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        let template = "{bar:30} {pos}/{len} accounts, {eta} left  {wide_msg}";
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(bar)
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}

impl Default for Bar {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress for Bar {
    fn begins(&self, accounts: usize) {
        self.0.reset();
        self.0.set_length(accounts as u64);
    }

    fn account_done(&self, _account: &AccountId, name: &str) {
        self.0.inc(1);
        self.0.set_message(name.to_owned());
    }
}

/// Shows what a month came to, and what to open: the page first, and the folder of the mails.
pub(super) fn outcome(report: &MonthReport, files: &[&Path]) {
    line(&numbers(report));
    if let Some(first) = first(report) {
        line(&first);
    }
    if let Some((page, mails)) = files.split_first() {
        line(&page.display().to_string());
        // An Organization may have hundreds of owners.
        if let Some(folder) = mails.first().and_then(|mail| mail.parent()) {
            line(&format!("{} ({} mails)", folder.display(), mails.len()));
        }
    }
}

/// The six numbers.
fn numbers(report: &MonthReport) -> String {
    let totals = &report.totals;
    let mut table = table(&["compliance", "open", "new", "fixed", "unknown", "oldest"]);
    let compliance = totals
        .compliance()
        .map_or_else(|| "unknown".to_owned(), |percent| format!("{percent:.1} %"));
    let oldest = report.oldest.map_or_else(
        || "none".to_owned(),
        |since| {
            let days = report.period.end.duration_since(since).as_hours() / 24;
            format!("{days} days")
        },
    );
    table.add_row([
        compliance,
        totals.all_open().to_string(),
        totals.new.to_string(),
        totals.fixed.to_string(),
        totals.unknown.to_string(),
        oldest,
    ]);
    let compared = match report.compared_with {
        Some(month) => format!("compared with {month}"),
        None => "with no month to compare with".to_owned(),
    };
    let coverage = &report.coverage;
    format!(
        "{}: {} accounts, {compared}\n{table}\n{} of {} places where rules should be are known; objects that can't be read: {}.",
        report.period.month,
        report.accounts.len(),
        coverage.known,
        coverage.expected,
        report.problem_count
    )
}

/// The first thing to do, if there is anything.
fn first(report: &MonthReport) -> Option<String> {
    if report.first.is_empty() {
        return None;
    }
    let mut table = table(&["to do first", "severity", "open", "accounts"]);
    for step in report.first.iter().take(FIRST) {
        let line = report.rules.iter().find(|line| line.rule == step.rule);
        let title = line.map_or_else(|| step.rule.as_str(), |line| line.title.as_str());
        table.add_row([
            title,
            step.severity.as_str(),
            &step.open.to_string(),
            &step.accounts.to_string(),
        ]);
    }
    Some(table.to_string())
}
