//! The first screen: what changed since the month before, and what to do first.

use std::collections::BTreeMap;

use banto_domain::compliance::Severity;
use banto_notice::text::{count, grouped, joined};

use super::letter::{Item, Link, Number, Part, Tone};
use super::scope::Scope;
use super::{links, words};
use crate::model::{FirstStep, MonthReport, Tally};

/// Most things to do first: more than five are no longer first.
const MOST_STEPS: usize = 5;

/// The subject: the month's news, in one line.
pub(super) fn subject(scope: &Scope<'_>) -> String {
    let report = scope.report;
    let owner = report.owner.as_deref();
    let owner = owner.map_or(String::new(), |owner| format!(", {}", words::name(owner)));
    let period = words::period(report.period);
    let totals = &report.totals;
    let Some(share) = totals.compliance() else {
        return format!("AWS compliance {period}{owner}: {}", nothing_known(report));
    };
    let change = change(report).map_or(String::new(), |change| format!(" ({change})"));
    let mut news = vec![format!("{}{change}", words::percent(share))];
    if report.compared_with.is_some() {
        news.push(format!("{} new", grouped(totals.new)));
        news.push(format!("{} fixed", grouped(totals.fixed)));
    } else {
        news.push(format!("{} open", grouped(totals.all_open())));
    }
    let unknown = report.coverage.accounts_unknown;
    if unknown > 0 {
        news.push(format!("{} unknown", count(unknown, "account")));
    }
    format!("AWS compliance {period}{owner}: {}", news.join(", "))
}

/// The small line above the headline: what the mail is about.
pub(super) fn kicker(scope: &Scope<'_>) -> String {
    let report = scope.report;
    let accounts = count(report.coverage.accounts, "account");
    let whose = match &report.owner {
        Some(owner) => format!("{} · {accounts}", words::name(owner)),
        None => accounts,
    };
    format!(
        "AWS compliance · {} · {whose}",
        words::period(report.period)
    )
}

/// The headline.
pub(super) fn headline(scope: &Scope<'_>) -> String {
    let report = scope.report;
    match (report.totals.compliance(), change(report)) {
        (Some(share), Some(change)) => {
            let share = words::percent(share);
            let month = report.compared_with.map_or(String::new(), words::month);
            match change.as_str() {
                words::UNCHANGED => format!("{share} compliant, as in {month}"),
                _ => format!("{share} compliant, {change} since {month}"),
            }
        }
        (Some(share), None) => format!("{} compliant", words::percent(share)),
        (None, _) => capital(&nothing_known(report)),
    }
}

/// The words in place of a compliance that nobody knows.
fn nothing_known(report: &MonthReport) -> String {
    let accounts = count(report.coverage.accounts, "account");
    match (report.coverage.accounts, report.totals.unknown) {
        (0, _) => "no accounts".to_owned(),
        (_, 0) if report.coverage.accounts_unknown == 0 => {
            format!("nothing to evaluate in {accounts}")
        }
        _ => format!("nothing known of {accounts}"),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn change(report: &MonthReport) -> Option<String> {
    let before = words::before(report)?.totals.compliance();
    words::change(report.totals.compliance(), before)
}

/// The parts of the first screen.
pub(super) fn parts(scope: &Scope<'_>) -> Vec<Part> {
    let report = scope.report;
    if report.coverage.accounts == 0 {
        let told = "Neither AWS Organizations nor the log archive has an account to report on.";
        return vec![Part::Paragraph(told.to_owned())];
    }
    let mut parts = Vec::new();
    if report.totals.compliance().is_some() {
        parts.push(Part::Paragraph(summary(report)));
    }
    parts.extend(unknown(report).map(Part::Paragraph));
    parts.push(Part::Numbers(numbers(report)));
    parts.extend(links::dashboard(scope).map(Part::Link));
    parts.extend(first_steps(scope));
    parts
}

fn summary(report: &MonthReport) -> String {
    let totals = &report.totals;
    if report.compared_with.is_none() {
        return format!(
            "This is the first report, so nothing can be compared yet: new is what AWS Config \
             recorded in {}.",
            words::month(report.period.month)
        );
    }
    let changes = [
        count(totals.new, "new finding"),
        format!("{} fixed", grouped(totals.fixed)),
        format!("{} closed (no longer evaluated)", grouped(totals.closed)),
        format!("{} still open", grouped(totals.open)),
    ];
    format!("{}.", joined(changes, ", "))
}

fn unknown(report: &MonthReport) -> Option<String> {
    let coverage = &report.coverage;
    (coverage.accounts_unknown > 0).then(|| {
        format!(
            "Unknown in whole or in part: {} of {}. What is unknown counts neither as compliant nor \
             as open.",
            grouped(coverage.accounts_unknown),
            count(coverage.accounts, "account")
        )
    })
}

fn numbers(report: &MonthReport) -> Vec<Number> {
    let totals = &report.totals;
    let evaluated = totals.compliant + totals.all_open();
    let unknown = report.accounts.iter();
    let unknown = unknown.filter(|line| line.tally.unknown > 0).count();
    let oldest = |told: fn(_, _) -> String| report.oldest.map(|at| told(at, report.period));
    let is_known = totals.compliance().is_some();
    let number = |tone, label, value, note| Number {
        tone: if is_known { tone } else { Tone::Unsure },
        label,
        value,
        note,
    };
    vec![
        number(
            Tone::Good,
            "Compliance",
            words::compliance(totals, "unknown"),
            format!("{} of {}", grouped(totals.compliant), grouped(evaluated)),
        ),
        number(
            Tone::Bad,
            "Open",
            grouped(totals.all_open()),
            severities(report, Tally::all_open),
        ),
        number(
            Tone::Bad,
            "New",
            grouped(totals.new),
            severities(report, |tally| tally.new),
        ),
        number(
            Tone::Good,
            "Fixed",
            grouped(totals.fixed),
            match report.compared_with {
                Some(_) => format!("{} closed", grouped(totals.closed)),
                None => "not yet compared".to_owned(),
            },
        ),
        number(
            Tone::Unsure,
            "Unknown",
            grouped(totals.unknown),
            format!(
                "in {}; coverage {} of {}",
                count(unknown, "account"),
                grouped(report.coverage.known),
                grouped(report.coverage.expected)
            ),
        ),
        number(
            Tone::Unsure,
            "Oldest open",
            oldest(words::age).unwrap_or_else(|| "none".to_owned()),
            oldest(words::day).map_or(String::new(), |day| format!("since {day}")),
        ),
    ]
}

/// The two most severe kinds of findings, of those that there are.
fn severities(report: &MonthReport, count: fn(&Tally) -> u64) -> String {
    let counts = |by: &BTreeMap<Severity, Tally>| {
        let some = by
            .iter()
            .rev()
            .map(|(severity, tally)| (severity, count(tally)));
        let some = some.filter(|(_, count)| *count > 0).take(2);
        some.map(|(severity, count)| format!("{} {}", grouped(count), severity.as_str()))
            .collect::<Vec<_>>()
    };
    joined(counts(&report.by_severity), ", ")
}

fn first_steps(scope: &Scope<'_>) -> Vec<Part> {
    let report = scope.report;
    let most = scope.most.min(MOST_STEPS);
    let steps: Vec<Item> = report
        .first
        .iter()
        .take(most)
        .map(|step| item(scope, step))
        .collect();
    if !steps.is_empty() {
        return vec![
            Part::Heading("Do this first".to_owned()),
            Part::Steps(steps),
        ];
    }
    let is_done = report.totals.compliance().is_some() && report.totals.all_open() == 0;
    let done = || Part::Paragraph("Nothing is open: there is nothing to do.".to_owned());
    is_done.then(done).into_iter().collect()
}

fn item(scope: &Scope<'_>, step: &FirstStep) -> Item {
    let report = scope.report;
    let rule = report.rules.iter().find(|line| line.rule == step.rule);
    let title = rule.map_or(step.rule.as_str(), |line| line.title.as_str());
    let most_in = words::account(report, &step.most_in);
    let place = match step.accounts {
        1 => most_in,
        accounts => format!("{}, most in {most_in}", count(accounts, "account")),
    };
    let open = words::open(step.open, step.new);
    let age = |at| format!("; oldest {}", words::age(at, report.period));
    let oldest = step.oldest.map_or(String::new(), age);
    let remedy = rule.and_then(|line| line.remedy.as_deref());
    let mut lines = vec![format!("{open} in {place}{oldest}")];
    lines.extend(remedy.map(words::sentence));
    let runbook = rule.and_then(|line| line.runbook.clone());
    Item {
        severity: Some(step.severity),
        title: words::name(title),
        url: links::filtered(scope, "rule", step.rule.as_str()),
        lines,
        link: runbook.and_then(links::safe).map(|url| Link {
            label: "Runbook".to_owned(),
            url,
        }),
    }
}
