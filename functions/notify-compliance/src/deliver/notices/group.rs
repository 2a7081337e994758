//! A group of findings, as its message looks now.

use banto_domain::compliance::{Compliance, FindingGroup, OutboxEntry, Resource, Source};
use banto_domain::policy::compliance::Route;
use banto_notice::text::{and_more, count, day_and_time, fact, sections};
use banto_notice::{Notice, Section, Urgency};

use super::parts::{
    FLAPS, console_link, flaps, group_attributes, name, notice_on, remedy, runbook, short,
    urgency_of, with_annotation, with_flapping,
};
use crate::deliver::delivery::GroupChange;

const RECONCILED: &str = "The daily comparison with AWS Config found it: its event never came, or it was waived until now.";

pub(super) fn notice(change: &GroupChange, route: &Route) -> Notice {
    let GroupChange {
        after: group,
        entries,
        text,
        ..
    } = change;
    let headline = with_flapping(headline(group, &text.title), entries);
    let mut notice = notice_on(route, &group.id(), urgency(group), headline);
    notice.paragraphs = paragraphs(entries);
    notice.facts = facts(group);
    notice.sections = resource_lists(group);
    if group.open > 0 {
        notice.steps.extend(remedy(text));
    }
    notice.links.extend(console_link(group));
    notice.links.extend(runbook(text));
    notice.attributes = group_attributes(group, group.open > 0);
    notice
}

fn headline(group: &FindingGroup, title: &str) -> String {
    let total = group.open + group.resolved;
    let what = match group.resources.as_slice() {
        [only] if total <= 1 => short(name(only)),
        _ => count(total, "resource"),
    };
    let (account, severity) = (&group.account_name, group.severity.as_str());
    match (group.open, group.resolved) {
        (0, _) => format!("Resolved: {what} in {account} ({title})"),
        (_, 0) => format!("[{severity}] {title}: {what} in {account}"),
        (open, _) => format!("[{severity}] {title}: {open} of {what} left in {account}"),
    }
}

fn urgency(group: &FindingGroup) -> Urgency {
    if group.open == 0 {
        Urgency::Done
    } else {
        urgency_of(group.severity)
    }
}

fn paragraphs(entries: &[OutboxEntry]) -> Vec<String> {
    let mut paragraphs = Vec::new();
    if flaps(entries) {
        paragraphs.push(FLAPS.to_owned());
    }
    if entries.iter().any(was_found_by_comparison) {
        paragraphs.push(RECONCILED.to_owned());
    }
    paragraphs
}

fn was_found_by_comparison(entry: &OutboxEntry) -> bool {
    entry.compliance == Compliance::Noncompliant && entry.source == Source::Reconciliation
}

/// Facts of the group, and of its resources where all have them in common.
fn facts(group: &FindingGroup) -> Vec<(String, String)> {
    let account = format!("{} ({})", group.account_name, group.account);
    let mut facts = vec![
        fact("Account", account),
        fact("Rule", &group.rule),
        fact("Since", day_and_time(group.since)),
    ];
    if let Some(owner) = &group.owner {
        facts.push(fact("Owner", owner));
    }
    if let Some(region) = common(group, |resource| &resource.region) {
        facts.push(fact("Region", region));
    }
    if let Some(resource_type) = common(group, |resource| &resource.resource_type) {
        facts.push(fact("Resource type", resource_type));
    }
    facts
}

fn common<T: PartialEq>(group: &FindingGroup, of: impl Fn(&Resource) -> &T) -> Option<&T> {
    let first = of(group.resources.first()?);
    let is_common = group.resources.iter().all(|resource| of(resource) == first);
    is_common.then_some(first)
}

fn resource_lists(group: &FindingGroup) -> Vec<Section> {
    let (mut open, mut resolved) = (Vec::new(), Vec::new());
    for resource in &group.resources {
        match resource.compliance {
            Compliance::Noncompliant => open.push(resource_line(group, resource)),
            Compliance::Compliant => resolved.push(name(resource).to_owned()),
        }
    }
    let total = usize::try_from(group.open).unwrap_or(usize::MAX);
    open.extend(and_more(total.saturating_sub(open.len())));
    sections([("Not compliant", open), ("Resolved", resolved)])
}

/// A resource by name, with what tells it from the others.
fn resource_line(group: &FindingGroup, resource: &Resource) -> String {
    let mut parts = Vec::new();
    if resource.name.is_some() {
        parts.push(resource.id.clone());
    }
    if common(group, |resource| &resource.resource_type).is_none() {
        parts.push(resource.resource_type.clone());
    }
    if common(group, |resource| &resource.region).is_none() {
        parts.push(resource.region.to_string());
    }
    if resource.since != group.since {
        parts.push(format!("since {}", day_and_time(resource.since)));
    }
    let line = if parts.is_empty() {
        name(resource).to_owned()
    } else {
        format!("{} ({})", name(resource), parts.join(", "))
    };
    with_annotation(line, resource.annotation.as_ref())
}
