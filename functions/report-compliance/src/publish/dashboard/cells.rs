//! The numbers of accounts by rules, as columns: names once rather than in each cell, and long runs
//! of equal numbers, which gzip makes short.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{AccountLine, Cell, Coverage, MonthReport, RuleLine, Tally};

/// Cells by account and then by rule.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CellColumns {
    /// Places of accounts and of rules.
    account: Vec<u32>,
    rule: Vec<u32>,
    /// [Codes](coverage_code) of what is known.
    coverage: Vec<u8>,
    now: TallyColumns,
    /// The same at the end of the month before, where its report is at hand.
    before: Option<TallyColumns>,
}

/// Tallies, a column a number.
#[derive(Debug, Default, Serialize)]
struct TallyColumns {
    compliant: Vec<u64>,
    new: Vec<u64>,
    open: Vec<u64>,
    waived: Vec<u64>,
    unknown: Vec<u64>,
    fixed: Vec<u64>,
    closed: Vec<u64>,
}

impl TallyColumns {
    fn push(&mut self, tally: &Tally) {
        self.compliant.push(tally.compliant);
        self.new.push(tally.new);
        self.open.push(tally.open);
        self.waived.push(tally.waived);
        self.unknown.push(tally.unknown);
        self.fixed.push(tally.fixed);
        self.closed.push(tally.closed);
    }
}

/// The code of a cell that was there a month before, and is not any more.
const GONE: u8 = 3;

/// The code of a cell of which something is known, or why nothing is: the page has the same codes.
fn coverage_code(coverage: Coverage) -> u8 {
    match coverage {
        Coverage::Known => 0,
        Coverage::NothingToEvaluate => 1,
        Coverage::Missing => 2,
        Coverage::Unknown(_) => 4,
    }
}

/// A cell, now and a month before.
#[derive(Default)]
struct Pair {
    now: Option<Cell>,
    before: Tally,
}

impl CellColumns {
    /// The cells of a report, and of the one before.
    pub(super) fn new(report: &MonthReport, before: Option<&MonthReport>) -> Self {
        let mut pairs: BTreeMap<(u32, u32), Pair> = BTreeMap::new();
        for cell in &report.cells {
            pairs.entry((cell.account, cell.rule)).or_default().now = Some(*cell);
        }
        for (place, tally) in before
            .map(|before| earlier(report, before))
            .unwrap_or_default()
        {
            pairs.entry(place).or_default().before = tally;
        }
        let mut columns = Self {
            before: before.map(|_| TallyColumns::default()),
            ..Self::default()
        };
        for ((account, rule), pair) in pairs {
            columns.account.push(account);
            columns.rule.push(rule);
            let code = pair.now.map_or(GONE, |now| coverage_code(now.coverage));
            columns.coverage.push(code);
            let now = pair.now.map(|now| now.tally).unwrap_or_default();
            columns.now.push(&now);
            if let Some(column) = &mut columns.before {
                column.push(&pair.before);
            }
        }
        columns
    }
}

/// The numbers of the month before, by the places that accounts and rules have now. An account or
/// a rule that is gone has none: no filter finds it.
fn earlier(report: &MonthReport, before: &MonthReport) -> Vec<((u32, u32), Tally)> {
    let accounts = places(&report.accounts, &before.accounts, account_name);
    let rules = places(&report.rules, &before.rules, rule_name);
    let mut cells = Vec::with_capacity(before.cells.len());
    for cell in &before.cells {
        let account = accounts.get(cell.account as usize).copied().flatten();
        let rule = rules.get(cell.rule as usize).copied().flatten();
        if let (Some(account), Some(rule)) = (account, rule) {
            cells.push(((account, rule), cell.tally));
        }
    }
    cells
}

fn account_name(line: &AccountLine) -> &str {
    line.account.as_str()
}

fn rule_name(line: &RuleLine) -> &str {
    line.rule.as_str()
}

/// For each of the earlier lines, its place among those of now.
fn places<Line>(now: &[Line], before: &[Line], name: fn(&Line) -> &str) -> Vec<Option<u32>> {
    let known: BTreeMap<&str, u32> = (0..).zip(now).map(|(at, line)| (name(line), at)).collect();
    before
        .iter()
        .map(|line| known.get(name(line)).copied())
        .collect()
}
