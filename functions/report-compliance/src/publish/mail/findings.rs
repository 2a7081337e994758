//! Findings by name, and those that are accepted for a while.

use banto_domain::AccountId;
use banto_notice::text::{and_more, count, grouped};
use jiff::SignedDuration;

use super::letter::{Item, Part};
use super::scope::Scope;
use super::{links, words};
use crate::model::{FindingRow, FindingStatus, MonthReport, WaiverLine};

/// The time before a waiver's end from which it is named: the next report comes after it.
const ENDING: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The findings to look at first.
pub(super) fn worst(scope: &Scope<'_>) -> Vec<Part> {
    let report = scope.report;
    let items: Vec<Item> = report
        .worst
        .iter()
        .take(scope.most)
        .map(|row| item(scope, row))
        .collect();
    if items.is_empty() {
        return Vec::new();
    }
    let shown = items.len() as u64;
    let hidden = report.totals.all_open().saturating_sub(shown);
    let mut parts = vec![
        Part::Heading("Worst findings".to_owned()),
        Part::Items(items),
    ];
    if hidden > 0 {
        parts.push(Part::Remark(format!(
            "And {} more that are open, less severe or younger.",
            grouped(hidden)
        )));
    }
    parts
}

fn item(scope: &Scope<'_>, row: &FindingRow) -> Item {
    let report = scope.report;
    let key = &row.key;
    let own = key.rule.own();
    let rule = report.rules.iter().find(|line| line.rule == own);
    let title = rule.map_or(own.as_str(), |line| line.title.as_str());
    let resource = row.name.as_deref().unwrap_or(&key.resource_id);
    let place = format!("{}, {}", words::account(report, &key.account), key.region);
    let since = words::since(row.since, report.period);
    let status = match row.status {
        FindingStatus::New => "new",
        _ => "open",
    };
    Item {
        severity: Some(row.severity),
        title: format!("{}: {}", words::name(title), words::name(resource)),
        url: links::resource(row, scope.policy),
        lines: vec![format!("{place}; {status} since {since}")],
        link: None,
    }
}

/// The waivers that end soon, or have ended within the month.
pub(super) fn waivers(scope: &Scope<'_>) -> Vec<Part> {
    let report = scope.report;
    let mut ending: Vec<&WaiverLine> = report
        .waivers
        .iter()
        .filter(|waiver| is_ending(waiver, report) && is_theirs(waiver, report))
        .collect();
    ending.sort_by_key(|waiver| waiver.note.until);
    if ending.is_empty() {
        return Vec::new();
    }
    let shown = ending.iter().take(scope.most);
    let items = shown.map(|waiver| ending_item(waiver, report)).collect();
    let hidden = ending.len().saturating_sub(scope.most);
    let mut parts = vec![
        Part::Heading("Waivers that end".to_owned()),
        Part::Paragraph(
            "What they accept counts as open from then on, unless somebody renews them.".to_owned(),
        ),
        Part::Items(items),
    ];
    parts.extend(and_more(hidden).map(Part::Remark));
    parts
}

fn is_ending(waiver: &WaiverLine, report: &MonthReport) -> bool {
    let last = report.period.end.saturating_add(ENDING);
    let is_soon = last.is_ok_and(|last| waiver.note.until <= last);
    waiver.has_ended || (is_soon && waiver.note.until >= report.period.end)
}

/// True if a waiver may stand in the mail: an owner's has only what is about their accounts.
fn is_theirs(waiver: &WaiverLine, report: &MonthReport) -> bool {
    let has_account =
        |account: &AccountId| report.accounts.iter().any(|line| line.account == *account);
    report.owner.is_none() || waiver.accepts > 0 || waiver.account.as_ref().is_some_and(has_account)
}

fn ending_item(waiver: &WaiverLine, report: &MonthReport) -> Item {
    let rule = words::name(&waiver.rule);
    let resource = words::name(&waiver.resource);
    let account = match &waiver.account {
        Some(account) => words::account(report, account),
        None => "every account".to_owned(),
    };
    let verb = if waiver.has_ended { "ended" } else { "ends" };
    let day = words::day(waiver.note.until, report.period);
    let accepts = count(waiver.accepts, "finding");
    let owner = words::name(&waiver.note.owner);
    Item {
        title: format!("{rule}: {resource}"),
        lines: vec![
            format!("{account}; {verb} {day}, accepts {accepts}"),
            format!("{owner}: {}", words::sentence(&waiver.note.reason)),
        ],
        ..Item::default()
    }
}
