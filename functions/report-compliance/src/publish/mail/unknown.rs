//! The gaps: accounts that deliver nothing, rules that are missing, objects that can't be read.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use banto_domain::Region;
use banto_notice::text::{and_more, count, grouped, joined};
use jiff::Timestamp;

use super::letter::{Column, Item, Part, Table};
use super::scope::Scope;
use super::words;
use crate::model::{AccountLine, Coverage, MonthReport, Tally, UnknownReason};

/// Most regions that are named of an account; AWS has more than thirty.
const MOST_REGIONS: usize = 4;

/// Most rules and objects that are named.
const MOST_NAMED: usize = 5;

/// The accounts of which something is unknown: first those that fell silent last.
pub(super) fn accounts(scope: &Scope<'_>) -> Vec<Part> {
    let report = scope.report;
    let mut silent: Vec<&AccountLine> = report
        .accounts
        .iter()
        .filter(|line| is_unknown(line))
        .collect();
    silent.sort_by_key(|line| Reverse(line.silent_since.values().max()));
    if silent.is_empty() {
        return Vec::new();
    }
    let shown: Vec<&AccountLine> = silent.iter().take(scope.most).copied().collect();
    let reasons: BTreeSet<UnknownReason> = shown.iter().flat_map(|line| reasons(line)).collect();
    let remedies = reasons.into_iter().map(remedy).collect();
    let mut parts = vec![
        Part::Heading("Accounts of which something is unknown".to_owned()),
        Part::Items(shown.iter().map(|line| item(line, report)).collect()),
    ];
    parts.extend(and_more(silent.len() - shown.len()).map(Part::Remark));
    parts.push(Part::Paragraph("What to do, by reason:".to_owned()));
    parts.push(Part::Items(remedies));
    parts
}

/// True if an account has a region of which nothing is known, or the archive has nothing of it at
/// all.
fn is_unknown(line: &AccountLine) -> bool {
    !line.unknown_regions.is_empty() || is_absent(line)
}

fn is_absent(line: &AccountLine) -> bool {
    line.unknown_regions.is_empty()
        && line.snapshot_at.is_none()
        && line.expected == 0
        && line.tally == Tally::default()
}

fn reasons(line: &AccountLine) -> Vec<UnknownReason> {
    if is_absent(line) {
        return vec![UnknownReason::NeverDelivered];
    }
    line.unknown_regions.values().copied().collect()
}

fn remedy(reason: UnknownReason) -> Item {
    let mut because = words::because(reason).to_owned();
    if let Some(first) = because.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Item {
        title: because,
        lines: vec![words::remedy(reason).to_owned()],
        ..Item::default()
    }
}

fn item(line: &AccountLine, report: &MonthReport) -> Item {
    let mut by_reason: BTreeMap<UnknownReason, Vec<&Region>> = BTreeMap::new();
    for (region, reason) in &line.unknown_regions {
        by_reason.entry(*reason).or_default().push(region);
    }
    let mut lines: Vec<String> = by_reason
        .iter()
        .map(|(reason, regions)| told(*reason, regions, line, report))
        .collect();
    if is_absent(line) {
        lines.push("the archive has nothing of it".to_owned());
    }
    let onboarding = line.onboarding.as_deref().map(words::sentence);
    lines.extend(onboarding.map(|told| format!("onboard-accounts: {told}")));
    Item {
        title: words::account(report, &line.account),
        lines,
        ..Item::default()
    }
}

fn told(
    reason: UnknownReason,
    regions: &[&Region],
    line: &AccountLine,
    report: &MonthReport,
) -> String {
    let mut named: Vec<String> = regions
        .iter()
        .take(MOST_REGIONS)
        .map(ToString::to_string)
        .collect();
    named.extend(and_more(regions.len().saturating_sub(MOST_REGIONS)));
    let since: Option<Timestamp> = regions
        .iter()
        .filter_map(|region| line.silent_since.get(*region))
        .min()
        .copied();
    let since = since.map_or(String::new(), |at| {
        format!(" since {}", words::since(at, report.period))
    });
    format!("{}: {}{since}", joined(named, ", "), words::because(reason))
}

/// The coverage: the places that should have a rule, and those of which the compliance is known.
pub(super) fn coverage(scope: &Scope<'_>) -> Vec<Part> {
    let report = scope.report;
    let coverage = &report.coverage;
    let Some(share) = words::share(coverage.known, coverage.expected) else {
        return Vec::new();
    };
    let mut parts = vec![
        Part::Heading("Coverage".to_owned()),
        Part::Paragraph(format!(
            "{} of the places that should have a rule are known: {} of {}. A place is a rule in a \
             region of an account.",
            words::percent(share),
            grouped(coverage.known),
            grouped(coverage.expected)
        )),
    ];
    let missing = [("rule is missing", coverage.missing)];
    let unknown = coverage.unknown.iter();
    let unknown = unknown.map(|(reason, places)| (words::because(*reason), *places));
    let all = missing
        .into_iter()
        .chain(unknown)
        .filter(|(_, places)| *places > 0);
    let rows: Vec<Vec<String>> = all
        .map(|(why, places)| vec![why.to_owned(), grouped(places)])
        .collect();
    if !rows.is_empty() {
        let columns = vec![Column::text("Not known, because"), Column::number("Places")];
        parts.push(Part::Table(Table { columns, rows }));
    }
    parts.extend(missing_rules(report));
    parts
}

/// The rules that are missing in most accounts.
fn missing_rules(report: &MonthReport) -> Option<Part> {
    let mut accounts: BTreeMap<u32, u64> = BTreeMap::new();
    for cell in &report.cells {
        if cell.coverage == Coverage::Missing {
            *accounts.entry(cell.rule).or_default() += 1;
        }
    }
    let mut missing: Vec<(u32, u64)> = accounts.into_iter().collect();
    missing.sort_by_key(|(_, accounts)| Reverse(*accounts));
    let name = |place: u32| {
        let line = usize::try_from(place)
            .ok()
            .and_then(|place| report.rules.get(place));
        line.map_or("", |line| line.rule.as_str())
    };
    let shown = missing.iter().take(MOST_NAMED);
    let mut told: Vec<String> = shown
        .map(|(rule, accounts)| format!("{} in {}", name(*rule), count(accounts, "account")))
        .collect();
    told.extend(and_more(missing.len().saturating_sub(MOST_NAMED)));
    (!told.is_empty()).then(|| Part::Remark(format!("Missing: {}.", joined(told, "; "))))
}

/// The objects that could not be understood.
pub(super) fn problems(scope: &Scope<'_>) -> Vec<Part> {
    let report = scope.report;
    let shown: Vec<Item> = report
        .problems
        .iter()
        .take(MOST_NAMED)
        .map(|problem| Item {
            title: words::sentence(&problem.key),
            lines: vec![words::sentence(&problem.what)],
            ..Item::default()
        })
        .collect();
    if shown.is_empty() {
        return Vec::new();
    }
    let hidden = report.problem_count.saturating_sub(shown.len() as u64);
    let mut parts = vec![
        Part::Heading("Objects that can't be read".to_owned()),
        Part::Items(shown),
    ];
    parts.extend(and_more(usize::try_from(hidden).unwrap_or(usize::MAX)).map(Part::Remark));
    parts
}
