//! A digest: many groups in one message.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use banto_domain::RuleName;
use banto_domain::compliance::{Digest, Severity, Tally};
use banto_domain::policy::compliance::{Destination, Route, RuleText};
use banto_notice::text::{count, day_and_time, grouped, sections};
use banto_notice::{Notice, Urgency};

use super::parts::{attributes, notice_on, remedy, runbook, urgency_of};

type Texts = BTreeMap<RuleName, RuleText>;

pub(super) fn notice(digest: &Digest, texts: &Texts, route: &Route) -> Notice {
    let (open, _) = totals(digest);
    let severity = worst(digest);
    let urgency = if open == 0 {
        Urgency::Done
    } else {
        urgency_of(severity)
    };
    let headline = headline(digest, texts);
    let mut notice = notice_on(route, &digest.id, urgency, headline);
    notice.paragraphs.push(explanation(digest, route));
    match only_rule(digest) {
        // Of one rule, the headline has said it all.
        Some((rule, _)) if open > 0 => {
            let text = texts.get(rule);
            notice.steps.extend(text.and_then(remedy));
            notice.links.extend(text.and_then(runbook));
        }
        Some(_) => {}
        None => notice.sections = sections([("By rule", rule_lines(digest, texts))]),
    }
    notice.attributes = attributes(severity, open > 0);
    notice
}

/// Open and resolved findings.
fn totals(digest: &Digest) -> (u32, u32) {
    let (mut open, mut resolved) = (0, 0);
    for tally in digest.rules.values() {
        open += tally.open;
        resolved += tally.resolved;
    }
    (open, resolved)
}

fn worst(digest: &Digest) -> Severity {
    let severities = digest.rules.values().map(|tally| tally.severity);
    severities.max().unwrap_or(Severity::Low)
}

fn only_rule(digest: &Digest) -> Option<(&RuleName, &Tally)> {
    let first = digest.rules.first_key_value();
    first.filter(|_| digest.rules.len() == 1)
}

fn headline(digest: &Digest, texts: &Texts) -> String {
    let (open, resolved) = totals(digest);
    let total = open + resolved;
    let what = match only_rule(digest) {
        Some((rule, tally)) => {
            let resources = count(total, "resource");
            let accounts = count(tally.accounts, "account");
            format!("{}: {resources} in {accounts}", title(texts, rule))
        }
        None => {
            let findings = count(total, "finding");
            format!("{findings} of {}", count(digest.rules.len(), "rule"))
        }
    };
    let severity = worst(digest).as_str();
    match (open, resolved) {
        (0, _) => format!("Resolved: {what}"),
        (_, 0) => format!("[{severity}] {what}"),
        (open, _) => format!("[{severity}] {what}, {} left", grouped(open)),
    }
}

fn explanation(digest: &Digest, route: &Route) -> String {
    let where_to_look = match route.to {
        Destination::Channel(_) => {
            " The accounts are in the thread, and what is resolved is counted here."
        }
        Destination::Webhook(_) | Destination::Topic(_) | Destination::Mail(_) => "",
    };
    let since = day_and_time(digest.since);
    format!("Many at once since {since}, so told together.{where_to_look}")
}

/// The worst first.
fn rule_lines(digest: &Digest, texts: &Texts) -> Vec<String> {
    let mut rules: Vec<(&RuleName, &Tally)> = digest.rules.iter().collect();
    rules.sort_by_key(|(_, tally)| (Reverse(tally.severity), Reverse(tally.open)));
    rules
        .into_iter()
        .map(|(rule, tally)| rule_line(rule, title(texts, rule), tally))
        .collect()
}

fn rule_line(rule: &RuleName, title: &str, tally: &Tally) -> String {
    let mut counts = format!("{} open", grouped(tally.open));
    if tally.resolved > 0 {
        counts.push_str(&format!(", {} resolved", grouped(tally.resolved)));
    }
    let accounts = count(tally.accounts, "account");
    let severity = tally.severity.as_str();
    format!("[{severity}] {title} ({rule}): {counts}, in {accounts}")
}

fn title<'a>(texts: &'a Texts, rule: &'a RuleName) -> &'a str {
    texts.get(rule).map_or(rule.plain(), |text| &text.title)
}
