//! A group of findings, as its message looks now.

use banto_domain::compliance::{FindingGroup, OutboxEntry, Resource, ResourceStatus, Source};
use banto_notice::text::{and_more, day_and_time, fact, sections};
use banto_notice::{Notice, Section, Urgency};

use super::context::Context;
use super::links::console_link;
use super::parts::{
    ended, flapping, flaps, group_attributes, has_moved, name, notice_on, over, remedy, resources,
    runbook, still_open, urgency_of, with_annotation,
};
use crate::deliver::delivery::GroupChange;

const FOUND_BY_CHECK: &str = "Found by the daily check (event missed, or waiver expired)";

pub(super) fn notice(change: &GroupChange, context: Context<'_>) -> Notice {
    let GroupChange { after: group, .. } = change;
    let headline = headline(change);
    let mut notice = notice_on(context.route, &group.id(), urgency(group), headline);
    notice.paragraphs = paragraphs(change, context);
    notice.facts = facts(group);
    notice.sections = resource_lists(group);
    if group.open > 0 {
        notice.steps.extend(remedy(&change.text));
    }
    if !has_moved(group) {
        notice.links.extend(console_link(group, context.policy));
        notice.links.extend(runbook(&change.text));
    }
    notice.attributes = group_attributes(group, group.open > 0);
    notice
}

fn headline(change: &GroupChange) -> String {
    let group = &change.after;
    let title = &change.text.title;
    let what = resources(group);
    let (account, severity) = (&group.account_name, group.severity.as_str());
    let flapping = if flaps(&change.entries) {
        " (flapping)"
    } else {
        ""
    };
    match (group.open, over(group)) {
        (0, _) => ended(group, &what, title),
        (_, 0) => format!("[{severity}] {title}: {what} in {account}{flapping}"),
        (open, over) => {
            let open = still_open(open, open + over);
            format!("[{severity}] {title}: {open} in {account}{flapping}")
        }
    }
}

fn urgency(group: &FindingGroup) -> Urgency {
    if group.open == 0 {
        Urgency::Done
    } else {
        urgency_of(group.severity)
    }
}

fn paragraphs(change: &GroupChange, context: Context<'_>) -> Vec<String> {
    let mut paragraphs = Vec::new();
    if has_moved(&change.after) {
        paragraphs.push("This account has moved. Its findings are now reported there.".to_owned());
        return paragraphs;
    }
    if flaps(&change.entries) {
        paragraphs.push(flapping(context.policy));
    }
    if change.entries.iter().any(was_found_by_check) {
        paragraphs.push(FOUND_BY_CHECK.to_owned());
    }
    paragraphs
}

fn was_found_by_check(entry: &OutboxEntry) -> bool {
    !entry.change.closes() && entry.source == Source::DailyCheck
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
    if let Some(region) = common(group, |resource| &resource.evaluated_in) {
        facts.push(fact("Region", region));
    }
    if let Some(resource_type) = common(group, |resource| &resource.resource_type) {
        facts.push(fact("Resource type", resource_type));
    }
    if let [only] = group.resources.as_slice()
        && let Some(arn) = &only.arn
    {
        facts.push(fact("ARN", arn));
    }
    facts
}

fn common<T: PartialEq>(group: &FindingGroup, of: impl Fn(&Resource) -> &T) -> Option<&T> {
    let first = of(group.resources.first()?);
    let is_common = group.resources.iter().all(|resource| of(resource) == first);
    is_common.then_some(first)
}

fn resource_lists(group: &FindingGroup) -> Vec<Section> {
    let (mut open, mut resolved, mut closed) = (Vec::new(), Vec::new(), Vec::new());
    for resource in &group.resources {
        match resource.status {
            ResourceStatus::Open => open.push(resource_line(group, resource)),
            ResourceStatus::Flapping => {
                open.push(format!("{} (flapping)", resource_line(group, resource)));
            }
            ResourceStatus::Resolved => resolved.push(name(resource).to_owned()),
            ResourceStatus::Closed => closed.push(name(resource).to_owned()),
        }
    }
    let total = usize::try_from(group.open).unwrap_or(usize::MAX);
    open.extend(and_more(total.saturating_sub(open.len())));
    let closed_as = if has_moved(group) {
        "Moved"
    } else {
        "No longer evaluated"
    };
    sections([
        ("Not compliant", open),
        ("Resolved", resolved),
        (closed_as, closed),
    ])
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
    if common(group, |resource| &resource.evaluated_in).is_none() {
        parts.push(resource.evaluated_in.to_string());
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
