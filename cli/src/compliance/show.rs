//! Open findings as people read them: by rule and account, the most severe first.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::AccountId;
use banto_domain::compliance::Severity;
use banto_domain::policy::CompliancePolicy;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::look::{Finding, Seen};
use crate::dates;
use crate::terminal::{Screen, Tone};

/// Most resources of a group that are named.
const NAMED: usize = 3;

/// Most groups that are shown unless all are asked for: two screens of a terminal.
const SHOWN: usize = 30;

/// The findings of a rule in an account that are alike.
struct Group<'a> {
    severity: Severity,
    since: Timestamp,
    findings: Vec<&'a Finding>,
}

/// Groups, the most severe first, and of one severity the oldest first.
fn groups<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<Group<'a>> {
    let mut found: BTreeMap<_, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        let key = &finding.key;
        let until = finding.waived.as_ref().map(|waived| waived.until);
        let alike = (
            &key.account,
            &key.rule,
            until,
            finding.muted_until.is_some(),
        );
        found.entry(alike).or_default().push(finding);
    }
    let groups = found.into_values().filter_map(|mut findings| {
        findings
            .sort_by(|one, other| (one.since, &one.resource).cmp(&(other.since, &other.resource)));
        let first = findings.first()?;
        Some(Group {
            severity: first.severity,
            since: first.since,
            findings,
        })
    });
    let mut groups: Vec<Group<'_>> = groups.collect();
    groups.sort_by(|one, other| (other.severity, one.since).cmp(&(one.severity, other.since)));
    groups
}

/// Counts, a table, and what could not be read.
pub(super) fn show(
    seen: &Seen,
    policy: &CompliancePolicy,
    all: bool,
    now: Timestamp,
    screen: &Screen,
) -> String {
    let mut parts = vec![screen.wrapped(&counts(seen, all, screen), 0)];
    let shown = seen.findings.iter().filter(|it| all || it.waived.is_none());
    let groups = groups(shown);
    if !groups.is_empty() {
        parts.push(table(&groups, seen, policy, all, now, screen));
    }
    let hidden = groups.len().saturating_sub(SHOWN);
    if hidden > 0 && !all {
        let text = format!(
            "{hidden} more rows are less severe or newer: --all shows them; --account, --rule, \
             --severity and --owner narrow what is shown."
        );
        parts.push(screen.wrapped(&text, 0));
    }
    parts.extend(troubles(seen, screen));
    parts.join("\n\n")
}

fn counts(seen: &Seen, all: bool, screen: &Screen) -> String {
    let count =
        |is_one: &dyn Fn(&Finding) -> bool| seen.findings.iter().filter(|it| is_one(it)).count();
    let open = count(&|finding| finding.waived.is_none());
    let mut by_severity = Vec::new();
    for severity in Severity::ALL.into_iter().rev() {
        let n = count(&|finding| finding.waived.is_none() && finding.severity == severity);
        if n > 0 {
            let text = format!("{n} {}", severity.as_str());
            by_severity.push(screen.paint(tone(severity), &text));
        }
    }
    let mut text = match open {
        0 => "Nothing is open.".to_owned(),
        n => format!("{n} open: {}.", by_severity.join(", ")),
    };
    let waived = seen.findings.len() - open;
    if waived > 0 {
        let more = if all { "" } else { " (--all lists them)" };
        text.push_str(&format!(" {waived} waived{more}."));
    }
    let muted = count(&|finding| finding.muted_until.is_some());
    if muted > 0 {
        text.push_str(&format!(" {muted} muted, since they come and go."));
    }
    text
}

const fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Critical | Severity::High => Tone::Bad,
        Severity::Medium => Tone::Warning,
        Severity::Low => Tone::Faint,
    }
}

fn table(
    groups: &[Group<'_>],
    seen: &Seen,
    policy: &CompliancePolicy,
    all: bool,
    now: Timestamp,
    screen: &Screen,
) -> String {
    let mut table = screen.table(&["severity", "finding", "account", "open", "told"]);
    let most = if all { groups.len() } else { SHOWN };
    for group in groups.iter().take(most) {
        let Some(first) = group.findings.first() else {
            continue;
        };
        let title = policy.findings.rule_text(&first.key.rule).title;
        table.add_row([
            group.severity.as_str().to_owned(),
            format!("{title}\n{}", resources(&group.findings)),
            account(&first.key.account, seen, policy),
            age(group.since, now),
            told(&group.findings, now),
        ]);
    }
    table.to_string()
}

/// For how long it has been open, as in `3 days`.
fn age(since: Timestamp, now: Timestamp) -> String {
    let distance = dates::distance(since, now);
    distance
        .strip_suffix(" ago")
        .map_or_else(|| "now".to_owned(), str::to_owned)
}

/// Resources by name, the first few of them, the oldest first.
fn resources(findings: &[&Finding]) -> String {
    let (named, others) = findings.split_at(NAMED.min(findings.len()));
    let named: Vec<&str> = named
        .iter()
        .map(|finding| finding.resource.as_str())
        .collect();
    match others.len() {
        0 => named.join(", "),
        1 => format!("{} and 1 other", named.join(", ")),
        n => format!("{} and {n} others", named.join(", ")),
    }
}

fn name<'a>(id: &AccountId, seen: &'a Seen) -> &'a str {
    let known = seen.accounts.get(id).map(|account| account.name.as_str());
    known
        .or(seen.names.get(id).map(String::as_str))
        .unwrap_or_default()
}

fn owner<'a>(id: &AccountId, seen: &'a Seen, policy: &CompliancePolicy) -> Option<&'a String> {
    policy.findings.owner_of(seen.accounts.get(id)?)
}

fn account(id: &AccountId, seen: &Seen, policy: &CompliancePolicy) -> String {
    let owner = owner(id, seen, policy).map(|owner| format!("\nof {owner}"));
    format!("{}\n{id}{}", name(id, seen), owner.unwrap_or_default())
}

/// Names who was told, or says why nobody is.
fn told(findings: &[&Finding], now: Timestamp) -> String {
    let Some(first) = findings.first() else {
        return String::new();
    };
    if let Some(waived) = &first.waived {
        return format!(
            "waived by {} until {}",
            waived.owner,
            last_day(waived.until)
        );
    }
    let routes: BTreeSet<&str> = findings
        .iter()
        .flat_map(|it| &it.told)
        .map(String::as_str)
        .collect();
    let mut text = routes.into_iter().collect::<Vec<_>>().join(", ");
    if text.is_empty() {
        text.push_str("nobody yet");
    }
    let until = findings.iter().filter_map(|it| it.muted_until).max();
    if let Some(until) = until {
        let when = if until > now {
            dates::distance(until, now)
        } else {
            "soon".to_owned()
        };
        text.push_str(&format!("; comes and goes: told again {when} if stable"));
    }
    text
}

/// The last day on which a waiver holds: one until a date ends as the next one begins.
pub(super) fn last_day(until: Timestamp) -> String {
    dates::day(until - jiff::SignedDuration::from_secs(1))
}

fn troubles(seen: &Seen, screen: &Screen) -> Vec<String> {
    let mut lines = Vec::new();
    for (account, why) in &seen.unread {
        lines.push(format!(
            "{} ({account}) could not be read to its end: {why}",
            name(account, seen)
        ));
    }
    if seen.is_cut {
        lines.push(
            "There are more findings than this command keeps: narrow what is shown.".to_owned(),
        );
    }
    if let Some(why) = &seen.nameless {
        lines.push(format!(
            "Resources go by their ids, and waivers by name do not count: {why}"
        ));
    }
    let lines = lines.iter().map(|line| {
        let wrapped = screen.wrapped(line, 2);
        let painted: Vec<String> = wrapped
            .lines()
            .map(|it| screen.paint(Tone::Bad, it))
            .collect();
        painted.join("\n")
    });
    lines.collect()
}

/// One JSON document: docs/operators.md has its shape.
pub(super) fn as_json(seen: &Seen, policy: &CompliancePolicy, now: Timestamp) -> Value {
    let mut counts: BTreeMap<&str, usize> = Severity::ALL.map(|it| (it.as_str(), 0)).into();
    counts.extend([("waived", 0), ("muted", 0)]);
    let mut add = |name: &str, one: bool| {
        if let Some(count) = counts.get_mut(name).filter(|_| one) {
            *count += 1;
        }
    };
    for finding in &seen.findings {
        add(finding.severity.as_str(), finding.waived.is_none());
        add("waived", finding.waived.is_some());
        add("muted", finding.muted_until.is_some());
    }
    let groups = groups(seen.findings.iter());
    let findings = groups.iter().flat_map(|group| &group.findings);
    let findings = findings.map(|finding| one_as_json(finding, seen, policy));
    let unread = seen.unread.iter();
    let unread = unread.map(|(account, why)| json!({ "account": account, "why": why }));
    json!({
        "version": 1,
        "checkedAt": now,
        "counts": counts,
        "findings": findings.collect::<Vec<_>>(),
        "unread": unread.collect::<Vec<_>>(),
        "isCut": seen.is_cut,
    })
}

fn one_as_json(finding: &Finding, seen: &Seen, policy: &CompliancePolicy) -> Value {
    let key = &finding.key;
    let text = policy.findings.rule_text(&key.rule);
    let waiver = finding.waived.as_ref();
    json!({
        "severity": finding.severity,
        "title": text.title,
        "remedy": text.remedy,
        "runbook": text.runbook,
        "rule": key.rule,
        "account": key.account,
        "accountName": name(&key.account, seen),
        "owner": owner(&key.account, seen, policy),
        "region": key.region,
        "resourceType": key.resource_type,
        "resourceId": key.resource_id,
        "resource": finding.resource,
        "openSince": finding.since,
        "told": finding.told,
        "mutedUntil": finding.muted_until,
        "waiver": waiver.map(|it| json!({ "until": it.until, "owner": it.owner, "reason": it.reason })),
    })
}
