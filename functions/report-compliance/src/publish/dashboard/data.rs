//! The data in the page. dashboard/README.md says what is in it.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::Month;
use banto_domain::policy::ReportPolicy;
use jiff::Timestamp;
use serde::Serialize;

use super::cells::CellColumns;
use super::rows::{RowColumns, Rows, reason_name};
use crate::evidence::{EngineUsage, Problem};
use crate::model::{
    AccountLine, CoverageReport, MonthReport, RecordingReport, RuleLine, Tally, TrendPoint,
    WaiverLine,
};
use crate::price;

/// All that the page shows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Data<'a> {
    month: Month,
    end: Timestamp,
    compared_with: Option<Month>,
    made_at: Timestamp,
    engine: EngineUsage,
    /// The template of links into consoles.
    console: Option<&'a str>,
    totals: Tally,
    accounts: Accounts<'a>,
    rules: Vec<Rule<'a>>,
    cells: CellColumns,
    /// The oldest open finding a month before, of all accounts.
    oldest_before: Option<Timestamp>,
    /// `None` if the findings lie in files beside the page.
    rows: Option<RowColumns<'a>>,
    silent: Vec<Silent<'a>>,
    coverage: &'a CoverageReport,
    waivers: &'a [WaiverLine],
    recording: &'a RecordingReport,
    list_price: f64,
    list_price_of: &'static str,
    problems: &'a [Problem],
    problem_count: u64,
    trend: &'a [TrendPoint],
}

/// Accounts, as columns.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Accounts<'a> {
    /// The words of the columns `owner` and `unit`.
    owners: Vec<&'a str>,
    units: Vec<&'a str>,
    id: Vec<&'a str>,
    name: Vec<&'a str>,
    owner: Vec<usize>,
    unit: Vec<usize>,
    /// Seconds of Unix time.
    oldest: Vec<Option<i64>>,
    expected: Vec<u64>,
    known: Vec<u64>,
    recorded: Vec<u64>,
}

/// A rule.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule<'a> {
    name: &'a str,
    title: &'a str,
    severity: &'static str,
    remedy: Option<&'a str>,
    runbook: Option<&'a str>,
    sources: Vec<String>,
    oldest: Option<i64>,
}

/// An account of which something is unknown, since some of its regions say nothing.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Silent<'a> {
    /// The account's place.
    account: usize,
    /// Its regions by why nothing is known.
    regions: BTreeMap<String, Vec<&'a str>>,
    /// The moment since which the first of them says nothing.
    since: Option<Timestamp>,
    onboarding: Option<&'a str>,
}

impl<'a> Data<'a> {
    /// The data of a report.
    pub(super) fn new(
        report: &'a MonthReport,
        before: Option<&'a MonthReport>,
        policy: &'a ReportPolicy,
        rows: &Rows<'a>,
    ) -> Self {
        Self {
            month: report.period.month,
            end: report.period.end,
            compared_with: report.compared_with,
            made_at: report.made_at,
            engine: report.engine,
            console: policy.findings.console.as_deref(),
            totals: report.totals,
            accounts: Accounts::new(&report.accounts),
            rules: report.rules.iter().map(Rule::new).collect(),
            cells: CellColumns::new(report, before),
            oldest_before: before.and_then(|before| before.oldest),
            rows: match rows {
                Rows::Inline(rows) => Some(RowColumns::new(rows)),
                Rows::PerAccount => None,
            },
            silent: silent(&report.accounts),
            coverage: &report.coverage,
            waivers: &report.waivers,
            recording: &report.recording,
            list_price: price::CONFIGURATION_ITEM,
            list_price_of: price::AS_OF,
            problems: &report.problems,
            problem_count: report.problem_count,
            trend: &report.trend,
        }
    }
}

impl<'a> Accounts<'a> {
    fn new(lines: &'a [AccountLine]) -> Self {
        let owners: BTreeSet<&str> = lines.iter().map(owner_of).collect();
        let units: BTreeSet<&str> = lines.iter().map(|line| line.unit.as_str()).collect();
        let mut columns = Self {
            owners: owners.into_iter().collect(),
            units: units.into_iter().collect(),
            ..Self::default()
        };
        for line in lines {
            let owner = columns.owners.binary_search(&owner_of(line));
            let unit = columns.units.binary_search(&line.unit.as_str());
            columns.owner.push(owner.unwrap_or_default());
            columns.unit.push(unit.unwrap_or_default());
            columns.id.push(line.account.as_str());
            columns.name.push(&line.name);
            columns.oldest.push(line.oldest.map(Timestamp::as_second));
            columns.expected.push(line.expected);
            columns.known.push(line.known);
            columns.recorded.push(line.recorded);
        }
        columns
    }
}

/// The owner of an account; empty if it has none.
fn owner_of(line: &AccountLine) -> &str {
    line.owner.as_deref().unwrap_or_default()
}

impl<'a> Rule<'a> {
    fn new(line: &'a RuleLine) -> Self {
        Self {
            name: line.rule.as_str(),
            title: &line.title,
            severity: line.severity.as_str(),
            remedy: line.remedy.as_deref(),
            runbook: line.runbook.as_deref(),
            sources: line.sources.iter().map(ToString::to_string).collect(),
            oldest: line.oldest.map(Timestamp::as_second),
        }
    }
}

/// The accounts of which some region says nothing.
fn silent(lines: &[AccountLine]) -> Vec<Silent<'_>> {
    let mut silent = Vec::new();
    for (account, line) in lines.iter().enumerate() {
        if line.unknown_regions.is_empty() && line.onboarding.is_none() {
            continue;
        }
        let mut regions: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (region, reason) in &line.unknown_regions {
            let of_reason = regions.entry(reason_name(*reason)).or_default();
            of_reason.push(region.as_str());
        }
        silent.push(Silent {
            account,
            regions,
            since: line.silent_since.values().min().copied(),
            onboarding: line.onboarding.as_deref(),
        });
    }
    silent
}
