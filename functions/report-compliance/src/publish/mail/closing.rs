//! The end of a mail: what recording costs, where the findings are, what the words mean.

use banto_notice::text::{count, day_and_time, grouped};

use super::letter::{Column, Item, Link, Part, Table};
use super::scope::{Csv, Scope, file_name};
use super::{links, words};
use crate::model::MonthReport;
use crate::price::{AS_OF, CONFIGURATION_ITEM, SCANNED_TERABYTE};

/// Most lines of what recording costs.
const MOST_CONTRIBUTORS: usize = 5;

/// The configuration items that were recorded, and an estimate of what they cost.
pub(super) fn recording(scope: &Scope<'_>) -> Vec<Part> {
    let report = scope.report;
    let recording = &report.recording;
    if !recording.is_known || recording.contributors.is_empty() {
        return Vec::new();
    }
    let shown = recording.contributors.iter().take(MOST_CONTRIBUTORS);
    let rows = shown.map(|line| {
        vec![
            words::account(report, &line.account),
            words::name(&line.resource_type),
            grouped(line.items),
            words::dollars(price(line.items)),
        ]
    });
    let columns = vec![
        Column::text("Account"),
        Column::text("Type"),
        Column::number("Items"),
        Column::number("Estimate"),
    ];
    vec![
        Part::Heading("What recording costs".to_owned()),
        Part::Paragraph(format!(
            "{} recorded in {}: about {}. That is AWS Config's list price of {CONFIGURATION_ITEM} USD \
             an item (us-east-1, continuous recording, as of {AS_OF}), without evaluations of rules. \
             Those who record most:",
            count(recording.items, "configuration item"),
            words::month(report.period.month),
            words::dollars(price(recording.items))
        )),
        Part::Table(Table {
            columns,
            rows: rows.collect(),
        }),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn price(items: u64) -> f64 {
    items as f64 * CONFIGURATION_ITEM
}

/// The links to everything, and what the words mean.
pub(super) fn parts(scope: &Scope<'_>) -> Vec<Part> {
    let report = scope.report;
    if report.coverage.accounts == 0 {
        return vec![Part::Remark(made(report))];
    }
    let mut parts = vec![Part::Heading("All findings".to_owned())];
    parts.extend(links::dashboard(scope).map(Part::Link));
    parts.extend(file(scope));
    parts.push(Part::Heading("What the words mean".to_owned()));
    parts.push(Part::Items(glossary(report)));
    parts.push(Part::Remark(made(report)));
    parts
}

fn file(scope: &Scope<'_>) -> Vec<Part> {
    match scope.csv {
        Csv::Attached(_) => vec![Part::Paragraph(format!(
            "Every finding is in the attached file {}.",
            file_name(scope.report)
        ))],
        Csv::Link(address) => {
            let told = "The list of every finding is too large for a mail.";
            let Some(url) = links::safe(address.clone()) else {
                let address = words::sentence(address);
                return vec![Part::Paragraph(format!("{told} It is in {address}"))];
            };
            let label = "List of every finding (CSV)".to_owned();
            vec![
                Part::Paragraph(told.to_owned()),
                Part::Link(Link { label, url }),
            ]
        }
    }
}

fn glossary(report: &MonthReport) -> Vec<Item> {
    let new = if report.compared_with.is_some() {
        "Not compliant at the month's end, and not so at the end of the month before."
    } else {
        "Not compliant at the month's end, and recorded within the month."
    };
    let entries = [
        (
            "Compliance",
            "The compliant evaluations among those that are known and not waived, rounded down.",
        ),
        (
            "Open",
            "Not compliant at the month's end and not waived; new ones are among them.",
        ),
        ("New", new),
        (
            "Fixed",
            "Open at the end of the month before, and compliant now.",
        ),
        (
            "Closed",
            "Open at the end of the month before, and no longer evaluated: most often the resource \
             or the rule is gone.",
        ),
        (
            "Waived",
            "Not compliant, and accepted by a waiver in the policy.",
        ),
        (
            "Unknown",
            "Nobody can say, for one of the reasons above. It is never taken for compliance.",
        ),
    ];
    let entry = |(title, meaning): (&str, &str)| Item {
        title: title.to_owned(),
        lines: vec![meaning.to_owned()],
        ..Item::default()
    };
    entries.map(entry).into()
}

fn made(report: &MonthReport) -> String {
    let made = day_and_time(report.made_at);
    let usage = &report.engine;
    #[expect(
        clippy::cast_precision_loss,
        reason = "an archive is far below 2^52 bytes"
    )]
    let gigabytes = usage.bytes as f64 / 1e9;
    let read = if usage.by_athena {
        let price = words::dollars(gigabytes / 1000.0 * SCANNED_TERABYTE);
        format!("Athena scanned {gigabytes:.1} GB of AWS Config's snapshots, for about {price}")
    } else {
        let objects = count(usage.objects, "object");
        format!("from {objects} ({gigabytes:.1} GB) of AWS Config's snapshots and history")
    };
    format!("Made by report-compliance on {made}: {read}.")
}
