//! Checks of a report's numbers: parts add up to wholes.

use std::collections::BTreeSet;

use banto_domain::compliance::Severity;

use crate::model::{
    AccountLine, Cell, FindingRow, FindingStatus, MAX_CONTRIBUTORS, MonthReport, RuleLine, Tally,
    WORST,
};

/// The totals are the sum over severities, owners, units, sources, accounts and rules.
pub(super) fn parts_add_up(report: &MonthReport) -> Option<String> {
    let parts = [
        ("severities", sum(report.by_severity.values())),
        ("owners", sum(report.by_owner.values())),
        ("units", sum(report.by_unit.values())),
        ("sources", sum(report.by_source.values())),
        (
            "accounts",
            sum(report.accounts.iter().map(|line| &line.tally)),
        ),
        ("rules", sum(report.rules.iter().map(|line| &line.tally))),
        ("cells", sum(report.cells.iter().map(|cell| &cell.tally))),
    ];
    let (name, _) = parts.iter().find(|(_, sum)| *sum != report.totals)?;
    Some(format!("the {name} do not add up to the totals"))
}

fn sum<'a>(tallies: impl Iterator<Item = &'a Tally>) -> Tally {
    tallies.fold(Tally::default(), |mut sum, tally| {
        sum.add(tally);
        sum
    })
}

/// Each account and each rule is there once, in order, and is the sum of its cells.
pub(super) fn cells_add_up(report: &MonthReport) -> Option<String> {
    let accounts: BTreeSet<_> = report.accounts.iter().map(|line| &line.account).collect();
    let rules: BTreeSet<_> = report.rules.iter().map(|line| &line.rule).collect();
    let is_sorted = report.accounts.is_sorted_by_key(|line| &line.account)
        && report.rules.is_sorted_by_key(|line| &line.rule)
        && report
            .cells
            .is_sorted_by_key(|cell| (cell.account, cell.rule));
    let cells: BTreeSet<_> = (report.cells.iter())
        .map(|cell| (cell.account, cell.rule))
        .collect();
    let is_once = accounts.len() == report.accounts.len()
        && rules.len() == report.rules.len()
        && cells.len() == report.cells.len();
    if !is_sorted || !is_once {
        return Some("accounts, rules or cells are not in order".to_owned());
    }
    let of_accounts = by_place(&report.cells, report.accounts.len(), |cell| cell.account);
    let of_rules = by_place(&report.cells, report.rules.len(), |cell| cell.rule);
    let accounts = report.accounts.iter().map(|line: &AccountLine| &line.tally);
    let rules = report.rules.iter().map(|line: &RuleLine| &line.tally);
    if !of_accounts.iter().eq(accounts) {
        return Some("an account is not the sum of its cells".to_owned());
    }
    (!of_rules.iter().eq(rules)).then(|| "a rule is not the sum of its cells".to_owned())
}

/// The sum of cells by the place that they name.
fn by_place(cells: &[Cell], places: usize, place: fn(&Cell) -> u32) -> Vec<Tally> {
    let mut sums = vec![Tally::default(); places];
    for cell in cells {
        if let Some(sum) = sums.get_mut(place(cell) as usize) {
            sum.add(&cell.tally);
        }
    }
    sums
}

pub(super) fn coverage_adds_up(report: &MonthReport) -> Option<String> {
    let coverage = &report.coverage;
    let unknown: u64 = coverage.unknown.values().sum();
    if coverage.known + coverage.missing + unknown != coverage.expected {
        return Some("known, missing and unknown places are not all places".to_owned());
    }
    let expected: u64 = report.accounts.iter().map(|line| line.expected).sum();
    let known: u64 = report.accounts.iter().map(|line| line.known).sum();
    let unknown = (report.accounts.iter())
        .filter(|line| !line.unknown_regions.is_empty())
        .count() as u64;
    let is_whole = expected == coverage.expected
        && known == coverage.known
        && report.accounts.len() as u64 == coverage.accounts
        // An account without any region is unknown, too, and its line names none.
        && (unknown..=coverage.accounts).contains(&coverage.accounts_unknown);
    (!is_whole).then(|| "the accounts' places are not all places".to_owned())
}

/// What to do first is about open findings, and in order.
pub(super) fn first_steps_add_up(report: &MonthReport) -> Option<String> {
    let with_open = (report.rules.iter()).filter(|line| line.tally.all_open() > 0);
    let is_whole = report.first.len() == with_open.count().min(WORST);
    let is_sorted =
        (report.first).is_sorted_by(|a, b| (a.severity, a.open) >= (b.severity, b.open));
    let is_wrong = report.first.iter().any(|step| {
        let line = report.rules.iter().find(|line| line.rule == step.rule);
        line.is_none_or(|line| line.tally.all_open() != step.open || line.severity != step.severity)
    });
    (!is_whole || !is_sorted || is_wrong).then(|| "what to do first is not what is open".to_owned())
}

pub(super) fn recorded_items_add_up(report: &MonthReport) -> Option<String> {
    let recording = &report.recording;
    let by_type: u64 = recording.by_type.values().sum();
    let by_account: u64 = report.accounts.iter().map(|line| line.recorded).sum();
    let named: u64 = recording.contributors.iter().map(|line| line.items).sum();
    let has_all = recording.contributors.len() < MAX_CONTRIBUTORS;
    let is_whole = by_type == recording.items
        && by_account == recording.items
        && (named == recording.items || !has_all && named <= recording.items);
    (!is_whole).then(|| "recorded items do not add up".to_owned())
}

pub(super) fn the_worst_are_open_and_in_order(report: &MonthReport) -> Option<String> {
    let is_open = |row: &FindingRow| matches!(row.status, FindingStatus::New | FindingStatus::Open);
    let order = |row: &FindingRow| (least_first(row.severity), row.since);
    let is_whole = report.worst.len() as u64 == report.totals.all_open().min(WORST as u64);
    let is_sorted = report.worst.is_sorted_by_key(order);
    if !is_whole || !is_sorted || !report.worst.iter().all(is_open) {
        return Some("the worst findings are not the open ones in order".to_owned());
    }
    let worst = report.worst.first().map(|row| row.severity);
    let severest = (report.by_severity.iter().rev())
        .find(|(_, tally)| tally.all_open() > 0)
        .map(|(severity, _)| *severity);
    (worst != severest).then(|| "the worst finding is not of the worst severity".to_owned())
}

fn least_first(severity: Severity) -> usize {
    let worse = Severity::ALL.iter().filter(|other| **other > severity);
    worse.count()
}

pub(super) fn the_trend_ends_with_this_month(report: &MonthReport) -> Option<String> {
    let is_sorted = report.trend.is_sorted_by(|a, b| a.month < b.month);
    let is_last = report.trend.last().is_some_and(|point| {
        point.month == report.period.month
            && point.totals == report.totals
            && point.accounts == report.coverage.accounts
            && point.expected == report.coverage.expected
            && point.known == report.coverage.known
    });
    (!is_sorted || !is_last).then(|| "the trend does not end with this month".to_owned())
}
