//! What changed of a group, for the thread of its message.

use banto_domain::compliance::{Compliance, OutboxEntry};
use banto_domain::policy::compliance::Route;
use banto_notice::text::{count, sections};
use banto_notice::{Notice, Section, Urgency};

use super::parts::{
    FLAPS, entry_line, entry_name, flaps, group_attributes, notice_on, short, urgency_of,
    with_flapping,
};
use crate::deliver::delivery::{GroupChange, latest_entries};

pub(super) fn notice(change: &GroupChange, route: &Route) -> Notice {
    let group = &change.after;
    let headline = with_flapping(headline(change), &change.entries);
    let mut notice = notice_on(route, &group.id(), urgency(change), headline);
    if flaps(&change.entries) {
        notice.paragraphs.push(FLAPS.to_owned());
    }
    notice.sections = entry_lists(change);
    notice.attributes = group_attributes(group, change.found > 0);
    notice
}

fn headline(change: &GroupChange) -> String {
    let group = &change.after;
    let (title, account) = (&change.text.title, &group.account_name);
    let severity = group.severity.as_str();
    let left = match group.open {
        0 => String::new(),
        open => format!(", {open} left"),
    };
    match (change.found, change.resolved) {
        (1, 0) => {
            let found = only_name(change, Compliance::Noncompliant);
            format!("[{severity}] {title}: {found} in {account}, too")
        }
        (found, 0) => format!("[{severity}] {title}: {found} more in {account}"),
        (0, 1) => {
            let resolved = only_name(change, Compliance::Compliant);
            format!("Resolved: {resolved} in {account}{left} ({title})")
        }
        (0, resolved) => {
            let resolved = count(resolved, "resource");
            format!("Resolved: {resolved} in {account}{left} ({title})")
        }
        (found, resolved) => {
            format!("[{severity}] {title}: {found} more, {resolved} resolved in {account}{left}")
        }
    }
}

fn urgency(change: &GroupChange) -> Urgency {
    match (change.found, change.after.open) {
        (0, _) | (_, 0) => Urgency::Done,
        _ => urgency_of(change.after.severity),
    }
}

/// The name of the one resource that is so.
fn only_name(change: &GroupChange, compliance: Compliance) -> String {
    let latest = latest_entries(&change.entries);
    let entry = latest.iter().find(|entry| entry.compliance == compliance);
    entry
        .map(|entry| short(entry_name(&change.after, entry)))
        .unwrap_or_default()
}

fn entry_lists(change: &GroupChange) -> Vec<Section> {
    let latest = latest_entries(&change.entries);
    sections([
        ("Found", lines(change, &latest, Compliance::Noncompliant)),
        ("Resolved", lines(change, &latest, Compliance::Compliant)),
    ])
}

/// A line for each resource, unless the headline has said as much of the only one.
fn lines(change: &GroupChange, latest: &[&OutboxEntry], compliance: Compliance) -> Vec<String> {
    let said = only_name(change, Compliance::Compliant);
    let mut lines = Vec::new();
    for entry in latest {
        if entry.compliance == compliance {
            let line = entry_line(&change.after, entry);
            if latest.len() > 1 || line != said {
                lines.push(line);
            }
        }
    }
    lines
}
