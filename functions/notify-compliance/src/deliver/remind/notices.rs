//! Words a reminder.

use banto_domain::compliance::FindingGroup;
use banto_domain::policy::CompliancePolicy;
use banto_domain::policy::compliance::Route;
use banto_notice::text::{and_more, count, sections};
use banto_notice::{Audience, Notice};
use jiff::Timestamp;

use super::plan::Reminder;
use crate::deliver::notices::{links, parts};

/// Most groups that are named: as many as people read.
const MAX_GROUPS: usize = 40;

/// Most resources of a group that are named.
const MAX_RESOURCES: usize = 3;

/// The message of a reminder.
pub fn notice(reminder: &Reminder, route: &Route, policy: &CompliancePolicy) -> Notice {
    let open = reminder.groups.iter().map(|group| u64::from(group.open));
    let findings = count(open.sum::<u64>(), "finding");
    let oldest = reminder.groups.first();
    let oldest = oldest.map_or_else(String::new, |group| age(group.since, reminder.now));
    let severity = reminder.severity.as_str();
    let mut notice = Notice::new(
        format!("notify-compliance:{}:{}", route.name, reminder.id),
        Audience::Route(route.name.clone()),
        parts::urgency_of(reminder.severity),
        format!("[{severity}] {findings} still open, the oldest for {oldest}"),
    );
    let mut lines: Vec<String> = reminder
        .groups
        .iter()
        .take(MAX_GROUPS)
        .map(|group| line(group, reminder.now, policy))
        .collect();
    lines.extend(and_more(reminder.groups.len().saturating_sub(lines.len())));
    notice.sections = sections([("Still open", lines)]);
    notice.links.extend(links::report_link(policy));
    notice.attributes = parts::attributes(reminder.severity, true);
    notice
}

fn line(group: &FindingGroup, now: Timestamp, policy: &CompliancePolicy) -> String {
    let title = policy.findings.rule_text(&group.rule).title;
    let owner = match &group.owner {
        Some(owner) => format!(", {owner}"),
        None => String::new(),
    };
    let age = age(group.since, now);
    let what = names(group);
    format!(
        "{title}: {what} in {} ({}{owner}), for {age}",
        group.account_name, group.account
    )
}

fn names(group: &FindingGroup) -> String {
    let open = group.resources.iter();
    let mut names: Vec<String> = open
        .filter(|resource| resource.status.is_open())
        .take(MAX_RESOURCES)
        .map(|resource| resource.name.as_ref().unwrap_or(&resource.id).clone())
        .collect();
    let total = usize::try_from(group.open).unwrap_or(usize::MAX);
    names.extend(and_more(total.saturating_sub(names.len())));
    names.join(", ")
}

/// An age in whole days, or in hours on the first day.
fn age(since: Timestamp, now: Timestamp) -> String {
    let hours = now.duration_since(since).as_hours().max(0);
    if hours >= 24 {
        count(hours / 24, "day")
    } else {
        count(hours, "hour")
    }
}
