//! Pieces that the messages of a route share.

use std::collections::BTreeMap;

use banto_domain::compliance::{Compliance, FindingGroup, OutboxEntry, Resource, Severity, Source};
use banto_domain::policy::compliance::{Route, RuleText};
use banto_domain::{Region, RuleName, percent_encoded};
use banto_notice::text::tally;
use banto_notice::{Audience, Link, Notice, Step, Urgency};

/// Most characters of a resource's name in a headline: with rule and account it then fits the two
/// lines, some 110 characters, that a lock screen shows.
const HEADLINE_NAME: usize = 48;

pub(super) const FLAPS: &str =
    "It keeps changing. Further changes are not told until it has kept still for a day.";

pub(super) fn notice_on(route: &Route, id: &str, urgency: Urgency, headline: String) -> Notice {
    let id = format!("notify-compliance:{}:{id}", route.name);
    Notice::new(id, Audience::Route(route.name.clone()), urgency, headline)
}

pub(super) fn urgency_of(severity: Severity) -> Urgency {
    match severity {
        Severity::Critical | Severity::High => Urgency::Alarm,
        Severity::Medium => Urgency::Action,
        Severity::Low => Urgency::Information,
    }
}

/// Attributes that subscribers of a topic filter by.
pub(super) fn attributes(severity: Severity, is_open: bool) -> BTreeMap<String, String> {
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
    entries.iter().any(|entry| entry.flapping)
}

/// A headline, and what is wrong besides with a resource that flaps.
pub(super) fn with_flapping(headline: String, entries: &[OutboxEntry]) -> String {
    if flaps(entries) {
        format!("{headline}, keeps changing")
    } else {
        headline
    }
}

pub(super) fn entry_line(group: &FindingGroup, entry: &OutboxEntry) -> String {
    let name = entry_name(group, entry);
    match (entry.compliance, entry.source) {
        (Compliance::Noncompliant, _) => {
            let place = format!("{}, {}", entry.key.resource_type, entry.key.region);
            with_annotation(format!("{name} ({place})"), entry.annotation.as_ref())
        }
        (Compliance::Compliant, Source::NoLongerEvaluated) => {
            format!("{name}: the rule no longer looks at it, most often since it was deleted")
        }
        (Compliance::Compliant, Source::Reconciliation) => {
            format!("{name}: AWS Config no longer finds it, as the daily comparison shows")
        }
        (Compliance::Compliant, Source::Event) => name.to_owned(),
    }
}

/// A line with the rule's own words at its end.
pub(super) fn with_annotation(line: String, annotation: Option<&String>) -> String {
    match annotation {
        Some(words) => format!("{line}: {words}"),
        None => line,
    }
}

/// Counts entries that were found, and entries that were resolved.
pub(super) fn found_and_resolved<'a>(
    entries: impl Iterator<Item = &'a OutboxEntry>,
) -> (usize, usize) {
    let (mut found, mut resolved) = (0, 0);
    for entry in entries {
        match entry.compliance {
            Compliance::Noncompliant => found += 1,
            Compliance::Compliant => resolved += 1,
        }
    }
    (found, resolved)
}

pub(super) fn tally_of((found, resolved): (usize, usize)) -> String {
    tally([(found, "found"), (resolved, "resolved")])
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

/// The page of AWS Config that shows most of a group: the only resource, or the rule.
pub(super) fn console_link(group: &FindingGroup) -> Option<Link> {
    let url = match group.resources.as_slice() {
        [only] => resource_page(only),
        [first, ..] => rule_page(&group.rule, &first.region),
        [] => return None,
    };
    Some(Link {
        label: "Open in AWS Config".to_owned(),
        url,
    })
}

fn config_page(region: &Region) -> String {
    format!("{}/config/home?region={region}#", region.console())
}

fn resource_page(resource: &Resource) -> String {
    let page = config_page(&resource.region);
    let id = percent_encoded(&resource.id);
    let resource_type = percent_encoded(&resource.resource_type);
    format!("{page}/resources/timeline?resourceId={id}&resourceType={resource_type}")
}

fn rule_page(rule: &RuleName, region: &Region) -> String {
    let page = config_page(region);
    let rule = percent_encoded(rule.as_str());
    format!("{page}/rules/details?configRuleName={rule}")
}
