//! What people read. The first line alone must be enough on a lock screen.

use std::collections::BTreeMap;

use banto_domain::compliance::{
    Compliance, Digest, FindingGroup, OutboxEntry, Resource, Severity, Source, advice,
};
use banto_domain::policy::CompliancePolicy;
use banto_domain::policy::compliance::{Destination, Route, RuleText, Waiver};
use banto_domain::{Region, RuleName, percent_encoded};
use banto_notice::text::{and_more, count, day_and_time, fact, grouped, sections, tally};
use banto_notice::{Audience, Link, Notice, Step, Urgency};
use jiff::{SignedDuration, Timestamp};

/// Most lines that a thread gets at once; the rest are counted.
const DETAIL: usize = 40;
/// Most characters of a resource's name in a headline.
const HEADLINE_NAME: usize = 48;

/// A case, as its message looks now.
pub fn case(
    case: &FindingGroup,
    entries: &[&OutboxEntry],
    route: &Route,
    policy: &CompliancePolicy,
) -> Notice {
    let words = policy.rule_text(&case.rule);
    let (title, total, place) = (&words.title, case.open + case.resolved, &case.account_name);
    let what = match case.resources.as_slice() {
        [only] if total <= 1 => short(name(only)),
        _ => count(total, "resource"),
    };
    let headline = match (case.open, case.resolved) {
        (0, _) => format!("Resolved: {what} in {place} ({title})"),
        (_, 0) => format!("[{}] {title}: {what} in {place}", case.severity.as_str()),
        (open, _) => format!(
            "[{}] {title}: {open} of {what} left in {place}",
            case.severity.as_str()
        ),
    };
    let headline = if flaps(entries) {
        format!("{headline}, keeps changing")
    } else {
        headline
    };
    let mut notice = notice(&case.id(), route, urgency(case), headline);
    notice
        .paragraphs
        .extend(flaps(entries).then(|| FLAPS.to_owned()));
    if entries
        .iter()
        .any(|entry| entry.source == Source::Reconciliation)
    {
        notice.paragraphs.push(RECONCILED.to_owned());
    }
    notice.facts = vec![
        fact(
            "Account",
            format!("{} ({})", case.account_name, case.account),
        ),
        fact("Rule", &case.rule),
        fact("Since", day_and_time(case.since)),
    ];
    notice
        .facts
        .extend(case.owner.as_ref().map(|owner| fact("Owner", owner)));
    // What all resources have in common is said once.
    let (kind, region) = (
        common(case, |resource| &resource.resource_type),
        common(case, |resource| &resource.region),
    );
    notice
        .facts
        .extend(region.map(|region| fact("Region", region)));
    notice
        .facts
        .extend(kind.map(|kind| fact("Resource type", kind)));
    let of = |compliance| {
        case.resources
            .iter()
            .filter(move |resource| resource.compliance == compliance)
    };
    let line = |open| resource_line(open, kind.is_none(), region.is_none(), case.since);
    let mut open: Vec<String> = of(Compliance::Noncompliant).map(line).collect();
    let hidden = usize::try_from(case.open)
        .unwrap_or(usize::MAX)
        .saturating_sub(open.len());
    open.extend(and_more(hidden));
    let resolved: Vec<String> = of(Compliance::Compliant)
        .map(|resource| name(resource).to_owned())
        .collect();
    notice.sections = sections([("Not compliant", open), ("Resolved", resolved)]);
    if case.open > 0 {
        notice.steps.extend(words.remedy.clone().map(|remedy| Step {
            text: remedy,
            command: None,
        }));
    }
    notice.links = links(case, &words);
    notice.attributes = attributes(case.severity, Some(&case.rule), case.open > 0);
    notice
        .attributes
        .insert("account".to_owned(), case.account.to_string());
    notice
}

fn flaps(entries: &[&OutboxEntry]) -> bool {
    entries.iter().any(|entry| entry.flapping)
}

const FLAPS: &str =
    "It keeps changing. Further changes are not told until it has kept still for a day.";
const RECONCILED: &str = "The daily comparison with AWS Config found it: its event never came, or it was waived until now.";

/// What changed of a case, for the thread of its message.
pub fn reply(
    case: &FindingGroup,
    entries: &[&OutboxEntry],
    (found, resolved): (u32, u32),
    route: &Route,
    policy: &CompliancePolicy,
) -> Notice {
    let title = policy.rule_text(&case.rule).title;
    let latest = latest(entries);
    let of = |compliance| {
        latest
            .iter()
            .filter(move |entry| entry.compliance == compliance)
            .copied()
    };
    let one = |compliance| {
        of(compliance)
            .next()
            .map(|entry| short(&shown_name(case, entry)))
            .unwrap_or_default()
    };
    let (place, severity) = (&case.account_name, case.severity.as_str());
    let left = if case.open > 0 {
        format!(", {} left", case.open)
    } else {
        String::new()
    };
    let headline = match (found, resolved) {
        (1, 0) => format!(
            "[{severity}] {title}: {} in {place}, too",
            one(Compliance::Noncompliant)
        ),
        (found, 0) => format!("[{severity}] {title}: {found} more in {place}"),
        (0, 1) => format!(
            "Resolved: {} in {place}{left} ({title})",
            one(Compliance::Compliant)
        ),
        (0, resolved) => format!(
            "Resolved: {} in {place}{left} ({title})",
            count(resolved, "resource")
        ),
        (found, resolved) => {
            format!("[{severity}] {title}: {found} more, {resolved} resolved in {place}{left}")
        }
    };
    let headline = if flaps(entries) {
        format!("{headline}, keeps changing")
    } else {
        headline
    };
    let urgency = if found > 0 {
        urgency(case)
    } else {
        Urgency::Done
    };
    let mut notice = notice(&case.id(), route, urgency, headline);
    notice
        .paragraphs
        .extend(flaps(entries).then(|| FLAPS.to_owned()));
    // Of one resource, the headline has said the name.
    let is_news = |line: &String| latest.len() > 1 || *line != one(Compliance::Compliant);
    let lines = |compliance| {
        of(compliance)
            .map(|entry| entry_line(case, entry))
            .filter(is_news)
            .collect::<Vec<_>>()
    };
    notice.sections = sections([
        ("Found", lines(Compliance::Noncompliant)),
        ("Resolved", lines(Compliance::Compliant)),
    ]);
    notice.attributes = attributes(case.severity, Some(&case.rule), found > 0);
    notice
        .attributes
        .insert("account".to_owned(), case.account.to_string());
    notice
}

/// A summary of many cases.
pub fn digest(digest: &Digest, route: &Route, policy: &CompliancePolicy) -> Notice {
    let open: u32 = digest.rules.values().map(|tally| tally.open).sum();
    let resolved: u32 = digest.rules.values().map(|tally| tally.resolved).sum();
    let severity = digest
        .rules
        .values()
        .map(|tally| tally.severity)
        .max()
        .unwrap_or(Severity::Low);
    let one_rule = if digest.rules.len() == 1 {
        digest.rules.first_key_value()
    } else {
        None
    };
    let said = match one_rule {
        Some((rule, tally)) => {
            let (resources, accounts) = (
                count(open + resolved, "resource"),
                count(tally.accounts, "account"),
            );
            format!(
                "{}: {resources} in {accounts}",
                policy.rule_text(rule).title
            )
        }
        None => format!(
            "{} of {}",
            count(open + resolved, "finding"),
            count(digest.rules.len(), "rule")
        ),
    };
    let headline = match (open, resolved) {
        (0, _) => format!("Resolved: {said}"),
        (_, 0) => format!("[{}] {said}", severity.as_str()),
        (open, _) => format!("[{}] {said}, {} left", severity.as_str(), grouped(open)),
    };
    let urgency = if open == 0 {
        Urgency::Done
    } else {
        urgency_of(severity)
    };
    let mut notice = notice(&digest.id, route, urgency, headline);
    let has_thread = matches!(route.to, Destination::Channel(_));
    let rest = if has_thread {
        " The accounts are in the thread, and what is resolved is counted here."
    } else {
        ""
    };
    notice.paragraphs.push(format!(
        "Many at once since {}, so told together.{rest}",
        day_and_time(digest.since)
    ));
    let mut rules: Vec<_> = digest.rules.iter().collect();
    rules.sort_by_key(|(_, tally)| {
        (
            std::cmp::Reverse(tally.severity),
            std::cmp::Reverse(tally.open),
        )
    });
    let line = |(rule, tally): &(&RuleName, &banto_domain::compliance::Tally)| {
        let (title, accounts) = (
            policy.rule_text(rule).title,
            count(tally.accounts, "account"),
        );
        let resolved =
            (tally.resolved > 0).then(|| format!(", {} resolved", grouped(tally.resolved)));
        let counts = format!(
            "{} open{}",
            grouped(tally.open),
            resolved.unwrap_or_default()
        );
        format!(
            "[{}] {title} ({rule}): {counts}, in {accounts}",
            tally.severity.as_str()
        )
    };
    // Of one rule, the headline has said it all.
    let lines = if one_rule.is_some() {
        Vec::new()
    } else {
        rules.iter().map(line).collect()
    };
    notice.sections = sections([("By rule", lines)]);
    if let Some((rule, _)) = one_rule.filter(|_| open > 0) {
        let words = policy.rule_text(rule);
        notice.steps.extend(words.remedy.clone().map(|remedy| Step {
            text: remedy,
            command: None,
        }));
        notice.links.extend(runbook(&words));
    }
    notice.attributes = attributes(severity, None, open > 0);
    notice
}

/// What a summary's thread or a long case's thread says.
pub fn detail(
    id: &str,
    cases: &[(&FindingGroup, &[&OutboxEntry])],
    route: &Route,
    policy: &CompliancePolicy,
) -> Notice {
    let entries: Vec<&OutboxEntry> = cases
        .iter()
        .flat_map(|(_, entries)| entries.iter().copied())
        .collect();
    let of = |compliance| {
        entries
            .iter()
            .filter(|entry| entry.compliance == compliance)
            .count()
    };
    let (found, resolved) = (of(Compliance::Noncompliant), of(Compliance::Compliant));
    let said = tally([(found, "found"), (resolved, "resolved")]);
    let severity = entries
        .iter()
        .map(|entry| entry.severity)
        .max()
        .unwrap_or(Severity::Low);
    let urgency = if found > 0 {
        Urgency::Information
    } else {
        Urgency::Done
    };
    let accounts: BTreeMap<_, usize> = cases
        .iter()
        .map(|(case, entries)| (&case.account, entries.len()))
        .collect();
    let first = cases.first().map(|(case, _)| &case.rule);
    // One rule is named once; of several, each line names its own.
    let one_rule = first.filter(|first| cases.iter().all(|(case, _)| case.rule == **first));
    let title = one_rule.map_or_else(String::new, |rule| {
        format!("{}: ", policy.rule_text(rule).title)
    });
    let headline = format!("{title}{said} in {}", count(accounts.len(), "account"));
    let mut notice = notice(id, route, urgency, headline);
    let mut lines: Vec<String> = match cases {
        [(case, entries)] => latest(entries)
            .into_iter()
            .map(|entry| entry_line(case, entry))
            .collect(),
        cases => {
            let rules_of = one_rule.is_none().then_some(policy);
            // Where there is most to do comes first.
            let mut cases: Vec<&(&FindingGroup, &[&OutboxEntry])> = cases.iter().collect();
            cases.sort_by_key(|(case, entries)| {
                (std::cmp::Reverse(entries.len()), &case.account_name)
            });
            cases
                .into_iter()
                .map(|(case, entries)| case_line(case, entries, rules_of))
                .collect()
        }
    };
    let hidden = lines.len().saturating_sub(DETAIL);
    lines.truncate(DETAIL);
    lines.extend(and_more(hidden));
    let title = if accounts.len() > 1 {
        "By account"
    } else {
        "In detail"
    };
    notice.sections = sections([(title, lines)]);
    notice.attributes = attributes(severity, None, found > 0);
    notice
}

/// A waiver that ends soon.
pub fn waiver_ends(id: String, waiver: &Waiver, now: Timestamp) -> Notice {
    let days = (waiver.until.duration_since(now).as_hours() + 23) / 24;
    let days = count(days.max(0), "day");
    let account = waiver
        .account
        .as_ref()
        .map_or_else(|| "any account".to_owned(), ToString::to_string);
    let (rule, resource) = (
        advice(&waiver.rule).map_or(&waiver.rule, |advice| &advice.title),
        &waiver.resource,
    );
    let headline = format!("A waiver ends in {days}: {rule} for {resource} in {account}");
    let mut notice = Notice::new(id, Audience::Operators, Urgency::Action, headline);
    notice.facts = vec![
        fact("Rule", &waiver.rule),
        fact("Owner", &waiver.owner),
        fact("Ends", day_and_time(waiver.until)),
        fact("Reason", &waiver.reason),
    ];
    let text = "Put it right before then, or have its owner renew the waiver in banto.toml; else its findings are told.";
    notice.steps = vec![Step {
        text: text.to_owned(),
        command: None,
    }];
    notice
}

// --- Parts -------------------------------------------------------------------------------------

fn notice(id: &str, route: &Route, urgency: Urgency, headline: String) -> Notice {
    let id = format!("notify-compliance:{}:{id}", route.name);
    Notice::new(id, Audience::Route(route.name.clone()), urgency, headline)
}

fn urgency(case: &FindingGroup) -> Urgency {
    if case.open == 0 {
        Urgency::Done
    } else {
        urgency_of(case.severity)
    }
}

fn urgency_of(severity: Severity) -> Urgency {
    match severity {
        Severity::Critical | Severity::High => Urgency::Alarm,
        Severity::Medium => Urgency::Action,
        Severity::Low => Urgency::Information,
    }
}

fn name(resource: &Resource) -> &str {
    resource.name.as_deref().unwrap_or(&resource.id)
}

/// A name for a headline: of a long one, as ARNs are, its end.
fn short(name: &str) -> String {
    let length = name.chars().count();
    if length <= HEADLINE_NAME {
        return name.to_owned();
    }
    ['…']
        .into_iter()
        .chain(name.chars().skip(length + 1 - HEADLINE_NAME))
        .collect()
}

/// An entry's resource by the name that the case shows it with.
fn shown_name(case: &FindingGroup, entry: &OutboxEntry) -> String {
    let shown = case
        .resources
        .iter()
        .find(|resource| resource.id == entry.key.resource_id);
    shown
        .map_or(entry.key.resource_id.as_str(), name)
        .to_owned()
}

/// What all resources of a case have in common.
fn common<T: PartialEq>(case: &FindingGroup, of: impl Fn(&Resource) -> &T) -> Option<&T> {
    let first = of(case.resources.first()?);
    case.resources
        .iter()
        .all(|resource| of(resource) == first)
        .then_some(first)
}

fn resource_line(
    resource: &Resource,
    with_type: bool,
    with_region: bool,
    case_since: Timestamp,
) -> String {
    let parts = [
        resource.name.as_ref().map(|_| resource.id.clone()),
        with_type.then(|| resource.resource_type.clone()),
        with_region.then(|| resource.region.to_string()),
        (resource.at != case_since).then(|| format!("since {}", day_and_time(resource.at))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let parts = if parts.is_empty() {
        String::new()
    } else {
        format!(" ({})", parts.join(", "))
    };
    let annotation = resource
        .annotation
        .as_ref()
        .map_or_else(String::new, |annotation| format!(": {annotation}"));
    format!("{}{parts}{annotation}", name(resource))
}

fn entry_line(case: &FindingGroup, entry: &OutboxEntry) -> String {
    let name = shown_name(case, entry);
    match (entry.compliance, entry.source) {
        (Compliance::Noncompliant, _) => {
            let annotation = entry
                .annotation
                .as_ref()
                .map_or_else(String::new, |words| format!(": {words}"));
            format!(
                "{name} ({}, {}){annotation}",
                entry.key.resource_type, entry.key.region
            )
        }
        (Compliance::Compliant, Source::NoLongerEvaluated) => {
            format!("{name}: the rule no longer looks at it, most often since it was deleted")
        }
        (Compliance::Compliant, Source::Reconciliation) => {
            format!("{name}: AWS Config no longer finds it, as the daily comparison shows")
        }
        (Compliance::Compliant, Source::Event) => name,
    }
}

/// What changed of a case, with its rule where there are several.
fn case_line(
    case: &FindingGroup,
    entries: &[&OutboxEntry],
    rules_of: Option<&CompliancePolicy>,
) -> String {
    let of = |compliance| {
        entries
            .iter()
            .filter(|entry| entry.compliance == compliance)
            .count()
    };
    let counts = tally([
        (of(Compliance::Noncompliant), "found"),
        (of(Compliance::Compliant), "resolved"),
    ]);
    let owner = case
        .owner
        .as_ref()
        .map_or_else(String::new, |owner| format!(", {owner}"));
    let title = rules_of.map_or_else(String::new, |policy| {
        format!("{}, ", policy.rule_text(&case.rule).title)
    });
    format!(
        "{} ({}{owner}): {title}{counts}",
        case.account_name, case.account
    )
}

/// The last of each resource's entries, in their order.
fn latest<'a>(entries: &[&'a OutboxEntry]) -> Vec<&'a OutboxEntry> {
    let last: BTreeMap<_, &OutboxEntry> =
        entries.iter().map(|entry| (&entry.key, *entry)).collect();
    last.into_values().collect()
}

fn links(case: &FindingGroup, words: &RuleText) -> Vec<Link> {
    let console = match case.resources.as_slice() {
        [only] => Some(resource_link(only)),
        [first, ..] => Some(rule_link(&case.rule, &first.region)),
        [] => None,
    };
    let console = console.map(|url| Link {
        label: "Open in AWS Config".to_owned(),
        url,
    });
    console.into_iter().chain(runbook(words)).collect()
}

fn runbook(words: &RuleText) -> Option<Link> {
    words.runbook.as_ref().map(|url| Link {
        label: "Runbook".to_owned(),
        url: url.clone(),
    })
}

/// The page of AWS Config in a region's console.
fn config_page(region: &Region) -> String {
    format!("{}/config/home?region={region}#", region.console())
}

fn resource_link(resource: &Resource) -> String {
    let (id, kind) = (
        percent_encoded(&resource.id),
        percent_encoded(&resource.resource_type),
    );
    format!(
        "{}/resources/timeline?resourceId={id}&resourceType={kind}",
        config_page(&resource.region)
    )
}

fn rule_link(rule: &RuleName, region: &Region) -> String {
    format!(
        "{}/rules/details?configRuleName={}",
        config_page(region),
        percent_encoded(rule.as_str())
    )
}

fn attributes(
    severity: Severity,
    rule: Option<&RuleName>,
    is_open: bool,
) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::from([
        ("severity".to_owned(), severity.as_str().to_owned()),
        (
            "state".to_owned(),
            if is_open { "open" } else { "resolved" }.to_owned(),
        ),
    ]);
    attributes.extend(rule.map(|rule| ("rule".to_owned(), rule.plain().to_owned())));
    attributes
}

/// How long people have to act before a waiver ends, the longest first.
pub const WAIVER_WARNINGS: [SignedDuration; 2] = [
    SignedDuration::from_hours(7 * 24),
    SignedDuration::from_hours(24),
];
