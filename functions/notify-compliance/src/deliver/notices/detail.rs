//! What changed of each of many groups, or each finding by name: for a thread, or at the end of a
//! message.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use banto_domain::RuleName;
use banto_domain::compliance::Severity;
use banto_notice::slack::divided;
use banto_notice::text::{and_more, count, sections};
use banto_notice::{Notice, Urgency};

use super::context::Context;
use super::links::report_link;
use super::parts::{attributes, entry_line, entry_name, notice_on, short, tally_of, urgency_of};
use crate::deliver::delivery::{DigestChange, GroupChange, NamedFinding, latest_entries};
use crate::deliver::snapshot::MAX_NAMED;

/// Most lines about groups: as many as people read. The rest are counted.
const MAX_GROUPS: usize = 40;

/// The thread of a digest: its findings by name where they are urgent, else its accounts.
pub(super) fn notices(change: &DigestChange, context: Context<'_>) -> Vec<Notice> {
    let mut parts = Vec::new();
    if !change.named.is_empty() {
        parts.extend(named_parts(change));
    }
    // The names say it all but what is over.
    let names_all = change.resolved + change.closed == 0 && change.named.len() == found(change);
    if (change.digest.lane.is_urgent() || names_all) && !parts.is_empty() {
        return worded(change, parts, context);
    }
    let (title, lines) = group_lines(&change.changes);
    if !lines.is_empty() {
        parts.push((title.to_owned(), lines));
    }
    worded(change, parts, context)
}

/// The findings of one group by name, where its message can't show all.
pub(super) fn of_group(change: &GroupChange, context: Context<'_>) -> Vec<Notice> {
    let group = &change.after;
    let latest = latest_entries(&change.entries).into_iter();
    let mut lines: Vec<String> = latest
        .map(|entry| entry_line(entry_name(group, entry), entry))
        .collect();
    let hidden = lines.len().saturating_sub(MAX_NAMED);
    lines.truncate(MAX_NAMED);
    lines.extend(and_more(hidden));
    let mut notices = Vec::new();
    for lines in divided(lines) {
        let headline = format!(
            "{}: {}",
            change.text.title,
            tally_of(change.found, change.resolved, change.closed)
        );
        let mut notice = notice_on(context.route, &group.id(), Urgency::Information, headline);
        notice.sections = sections([("In detail", lines)]);
        notice.attributes = attributes(group.severity, change.found > 0);
        notices.push(notice);
    }
    notices
}

fn worded(
    change: &DigestChange,
    parts: Vec<(String, Vec<String>)>,
    context: Context<'_>,
) -> Vec<Notice> {
    let severity = severity_of(change);
    let urgency = match (change.found > 0, change.digest.lane.is_urgent()) {
        (true, true) => urgency_of(severity),
        (true, false) => Urgency::Information,
        (false, _) => Urgency::Done,
    };
    let headline = headline(change);
    let unnamed = unnamed(change);
    let mut notices = Vec::new();
    for (title, lines) in parts {
        let mut notice = notice_on(context.route, &change.digest.id, urgency, headline.clone());
        notice.sections = sections([(title.as_str(), lines)]);
        notice.attributes = attributes(severity, change.found > 0);
        notices.push(notice);
    }
    if unnamed > 0
        && let Some(last) = notices.last_mut()
    {
        last.links.extend(report_link(context.policy));
    }
    notices
}

/// The worst severity of what is told.
fn severity_of(change: &DigestChange) -> Severity {
    let named = change.named.iter().map(|named| named.entry.severity);
    let told = change.changes.iter().map(|change| change.after.severity);
    named.chain(told).max().unwrap_or(Severity::Low)
}

/// What is urgent is named in the first line, as far as that takes it.
fn headline(change: &DigestChange) -> String {
    let severity = severity_of(change).as_str();
    match change.named.as_slice() {
        [only] if change.found <= 1 => {
            let title = title_of(change, &only.entry.key.rule);
            let name = short(resource_name(only));
            format!("[{severity}] {title}: {name} in {}", only.account_name)
        }
        [first, ..] => {
            let name = short(resource_name(first));
            let more = change.found.saturating_sub(1);
            let account = &first.account_name;
            let title = title_of_one_rule(change);
            format!("[{severity}] {title}{name} in {account} and {more} more")
        }
        [] => counts(change),
    }
}

/// One rule is named once; of several, each line names its own.
fn title_of_one_rule(change: &DigestChange) -> String {
    match change.digest.rules.keys().next() {
        Some(rule) if change.digest.rules.len() == 1 => format!("{}: ", title_of(change, rule)),
        _ => String::new(),
    }
}

/// The title of a rule, which a digest knows by its own name.
fn title_of<'a>(change: &'a DigestChange, rule: &'a RuleName) -> &'a str {
    let mut texts = change.texts.iter();
    let text = texts.find(|(known, _)| known.plain() == rule.plain());
    text.map_or(rule.plain(), |(_, text)| &text.title)
}

fn resource_name(named: &NamedFinding) -> &str {
    named.name.as_ref().unwrap_or(&named.entry.key.resource_id)
}

fn counts(change: &DigestChange) -> String {
    let tally = tally_of(change.found, change.resolved, change.closed);
    let title = title_of_one_rule(change);
    let accounts: BTreeSet<_> = change
        .changes
        .iter()
        .map(|change| &change.after.account)
        .collect();
    if accounts.is_empty() {
        format!("{title}{tally}")
    } else {
        format!("{title}{tally} in {}", count(accounts.len(), "account"))
    }
}

/// Findings by name, divided into as many parts as they need; the last one counts the rest.
fn named_parts(change: &DigestChange) -> Vec<(String, Vec<String>)> {
    let mut lines: Vec<String> = change.named.iter().map(named_line).collect();
    lines.extend(and_more(unnamed(change)));
    divided(lines)
        .into_iter()
        .map(|lines| ("By name".to_owned(), lines))
        .collect()
}

/// Findings that should have been named, and are too many.
fn unnamed(change: &DigestChange) -> usize {
    if !change.digest.lane.is_urgent() {
        return 0;
    }
    found(change).saturating_sub(change.named.len())
}

fn found(change: &DigestChange) -> usize {
    usize::try_from(change.found).unwrap_or(usize::MAX)
}

fn named_line(named: &NamedFinding) -> String {
    let NamedFinding { entry, .. } = named;
    let name = resource_name(named);
    let severity = entry.severity.as_str();
    let owner = match &named.owner {
        Some(owner) => format!(", {owner}"),
        None => String::new(),
    };
    format!(
        "[{severity}] {name} in {} ({}{owner}, {}): {}",
        named.account_name,
        entry.key.account,
        entry.evaluated_in,
        entry.key.rule.plain()
    )
}

fn group_lines(changes: &[GroupChange]) -> (&'static str, Vec<String>) {
    if let [only] = changes {
        let latest = latest_entries(&only.entries).into_iter();
        let lines = latest.map(|entry| entry_line(entry_name(&only.after, entry), entry));
        return ("In detail", limited(lines.collect()));
    }
    let rules: BTreeSet<_> = changes.iter().map(|change| &change.after.rule).collect();
    let mut changes: Vec<&GroupChange> = changes.iter().collect();
    // Where there is most to do comes first.
    changes.sort_by_key(|change| (Reverse(change.entries.len()), &change.after.account_name));
    let lines = changes.into_iter();
    let lines = lines.map(|change| group_line(change, rules.len() > 1));
    ("By account", limited(lines.collect()))
}

fn group_line(change: &GroupChange, names_rule: bool) -> String {
    let group = &change.after;
    let counts = tally_of(change.found, change.resolved, change.closed);
    let mut account = group.account.to_string();
    if let Some(owner) = &group.owner {
        account.push_str(&format!(", {owner}"));
    }
    let title = if names_rule {
        format!("{}, ", change.text.title)
    } else {
        String::new()
    };
    format!("{} ({account}): {title}{counts}", group.account_name)
}

fn limited(mut lines: Vec<String>) -> Vec<String> {
    let hidden = lines.len().saturating_sub(MAX_GROUPS);
    lines.truncate(MAX_GROUPS);
    lines.extend(and_more(hidden));
    lines
}

/// A named finding, for the first lines of a digest.
pub(super) fn first_lines(change: &DigestChange, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = change.named.iter().take(most).map(named_line).collect();
    let hidden = change.named.len() - lines.len() + unnamed(change);
    lines.extend(and_more(hidden));
    lines
}
