//! Pieces that the messages of a route share.

use std::collections::BTreeMap;

use banto_domain::compliance::{Change, FindingGroup, OutboxEntry, Resource, Severity};
use banto_domain::policy::CompliancePolicy;
use banto_domain::policy::compliance::{Route, RuleText};
use banto_notice::text::{count, grouped, listed, tally};
use banto_notice::{Audience, Link, Notice, Step, Urgency};

use crate::deliver::delivery::GroupChange;

/// Most characters of a resource's name in a headline: with rule and account it then fits the two
/// lines, some 110 characters, that a lock screen shows.
const HEADLINE_NAME: usize = 48;

pub(super) fn notice_on(route: &Route, id: &str, urgency: Urgency, headline: String) -> Notice {
    let id = format!("notify-compliance:{}:{id}", route.name);
    Notice::new(id, Audience::Route(route.name.clone()), urgency, headline)
}

pub(crate) fn urgency_of(severity: Severity) -> Urgency {
    match severity {
        Severity::Critical | Severity::High => Urgency::Alarm,
        Severity::Medium => Urgency::Action,
        Severity::Low => Urgency::Information,
    }
}

/// Attributes that subscribers of a topic filter by.
pub(crate) fn attributes(severity: Severity, is_open: bool) -> BTreeMap<String, String> {
    let state = if is_open { "open" } else { "resolved" };
    BTreeMap::from([
        ("severity".to_owned(), severity.as_str().to_owned()),
        ("state".to_owned(), state.to_owned()),
    ])
}

pub(super) fn group_attributes(group: &FindingGroup, is_open: bool) -> BTreeMap<String, String> {
    let mut attributes = attributes(group.severity, is_open);
    attributes.insert("rule".to_owned(), group.rule.plain().to_owned());
    attributes.insert("account".to_owned(), group.account.to_string());
    attributes
}

pub(super) fn name(resource: &Resource) -> &str {
    resource.name.as_deref().unwrap_or(&resource.id)
}

/// The name of an entry's resource, as the group shows it.
pub(super) fn entry_name<'a>(group: &'a FindingGroup, entry: &'a OutboxEntry) -> &'a str {
    group
        .shown(&entry.key)
        .map_or(entry.key.resource_id.as_str(), name)
}

/// A name for a headline: of a long one, as ARNs are, its end.
pub(super) fn short(name: &str) -> String {
    let length = name.chars().count();
    if length <= HEADLINE_NAME {
        return name.to_owned();
    }
    let end: String = name.chars().skip(length + 1 - HEADLINE_NAME).collect();
    format!("…{end}")
}

pub(super) fn flaps(entries: &[OutboxEntry]) -> bool {
    let is_flapping = |entry: &OutboxEntry| matches!(entry.change, Change::Flapping { .. });
    entries.iter().any(is_flapping)
}

/// A sentence about a resource that flaps. A finding flaps with the first change beyond what the
/// policy allows a day.
pub(super) fn flapping(policy: &CompliancePolicy) -> String {
    let changes = policy.flapping_over + 1;
    format!("Flapping ({changes} changes in 24 h). Muted until stable for 24 h.")
}

/// True if a group's account belongs to other routes now.
pub(super) fn has_moved(group: &FindingGroup) -> bool {
    group.open == 0 && !group.moved_to.is_empty()
}

/// A route as people know it: by its channel, where tags name that.
fn shown_route(name: &str) -> String {
    match name.split_once(':') {
        Some((_, channel)) => format!("#{channel}"),
        None => name.to_owned(),
    }
}

/// The word for an end, by how many were resolved, and how many are no longer evaluated.
pub(super) fn ending(resolved: u32, closed: u32) -> &'static str {
    match (resolved, closed) {
        (_, 0) => "Resolved",
        (0, _) => "Closed",
        _ => "Resolved or closed",
    }
}

/// The headline of a group that is over for the route; `what` are its resources.
pub(super) fn ended(group: &FindingGroup, what: &str, title: &str) -> String {
    let account = &group.account_name;
    if has_moved(group) {
        let to = listed(group.moved_to.iter().map(|route| shown_route(route)));
        return format!("Moved to {to}: {what} in {account} ({title})");
    }
    let how = ending(group.resolved, group.closed);
    format!("{how}: {what} in {account} ({title})")
}

pub(super) fn entry_line(name: &str, entry: &OutboxEntry) -> String {
    match &entry.change {
        Change::Found => {
            let place = format!("{}, {}", entry.key.resource_type, entry.evaluated_in);
            with_annotation(format!("{name} ({place})"), entry.annotation.as_ref())
        }
        Change::Flapping { .. } => format!("{name}: flapping, muted until stable for 24 h"),
        Change::Resolved => name.to_owned(),
        Change::Closed => format!("{name}: no longer evaluated (usually because it was deleted)"),
        Change::Moved { to } => {
            let to = listed(to.iter().map(|route| shown_route(route)));
            format!("{name}: moved to {to}")
        }
    }
}

/// A line with the rule's own words at its end.
pub(super) fn with_annotation(line: String, annotation: Option<&String>) -> String {
    match annotation {
        Some(words) => format!("{line}: {words}"),
        None => line,
    }
}

pub(super) fn tally_of(found: u32, resolved: u32, closed: u32) -> String {
    let number = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    tally([
        (number(found), "new"),
        (number(resolved), "resolved"),
        (number(closed), "closed"),
    ])
}

/// So many of so many still open.
pub(super) fn still_open(open: u32, total: u32) -> String {
    format!("{} of {} still open", grouped(open), grouped(total))
}

/// The number of a group's resources that are over.
pub(super) fn over(group: &FindingGroup) -> u32 {
    group.resolved + group.closed
}

/// The resources of a group in a headline: the only one by name, or their number.
pub(super) fn resources(group: &FindingGroup) -> String {
    let total = group.open + over(group);
    match group.resources.as_slice() {
        [only] if total <= 1 => short(name(only)),
        _ => count(total, "resource"),
    }
}

/// What became of resources in a reply: "Resolved", or what else it is.
pub(super) fn section_of_over(change: &GroupChange) -> &'static str {
    if has_moved(&change.after) {
        return "Moved";
    }
    match (change.resolved, change.closed) {
        (_, 0) => "Resolved",
        (0, _) => "No longer evaluated",
        _ => "Resolved, or no longer evaluated",
    }
}

pub(super) fn remedy(text: &RuleText) -> Option<Step> {
    let text = text.remedy.clone()?;
    Some(Step {
        text,
        command: None,
    })
}

pub(super) fn runbook(text: &RuleText) -> Option<Link> {
    let url = text.runbook.clone()?;
    Some(Link {
        label: "Runbook".to_owned(),
        url,
    })
}
