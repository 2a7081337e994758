//! A digest: many groups in one message.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use banto_domain::RuleName;
use banto_domain::compliance::{Digest, Lane, Severity, Tally};
use banto_domain::policy::compliance::{Destination, RuleText};
use banto_notice::text::{count, day_and_time, grouped, sections};
use banto_notice::{Notice, Urgency};

use super::context::Context;
use super::detail::first_lines;
use super::links::report_link;
use super::parts::{attributes, ending, notice_on, remedy, runbook, still_open, urgency_of};
use crate::deliver::delivery::DigestChange;

type Texts = BTreeMap<RuleName, RuleText>;

/// Findings that the message itself names, besides its thread: as many as are read at a glance.
const MAX_FIRST: usize = 10;

pub(super) fn notice(change: &DigestChange, context: Context<'_>) -> Notice {
    let DigestChange { digest, texts, .. } = change;
    let open = totals(digest).open;
    let severity = worst(digest);
    let urgency = if open == 0 {
        Urgency::Done
    } else {
        urgency_of(severity)
    };
    let headline = headline(digest, texts);
    let mut notice = notice_on(context.route, &digest.id, urgency, headline);
    notice.paragraphs.push(explanation(change, context));
    let rules = match only_rule(digest) {
        // Of one rule, the headline has said it all.
        Some((rule, _)) => {
            let text = texts.get(rule).filter(|_| open > 0);
            notice.steps.extend(text.and_then(remedy));
            notice.links.extend(text.and_then(runbook));
            Vec::new()
        }
        None => rule_lines(digest, texts),
    };
    let named = if has_thread(context) {
        first_lines(change, MAX_FIRST)
    } else {
        Vec::new()
    };
    notice.sections = sections([("By name", named), ("By rule", rules)]);
    notice.links.extend(report_link(context.policy));
    notice.attributes = attributes(severity, open > 0);
    notice
}

fn has_thread(context: Context<'_>) -> bool {
    matches!(
        context.route.to,
        Destination::Channel(_) | Destination::ChannelOf(_)
    )
}

/// The counts of all rules.
fn totals(digest: &Digest) -> Tally {
    let mut totals = Tally {
        severity: worst(digest),
        open: 0,
        resolved: 0,
        closed: 0,
    };
    for tally in digest.rules.values() {
        totals.open += tally.open;
        totals.resolved += tally.resolved;
        totals.closed += tally.closed;
    }
    totals
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
    let Tally {
        open,
        resolved,
        closed,
        ..
    } = totals(digest);
    let over = resolved + closed;
    let total = open + over;
    let accounts = count(digest.accounts.len(), "account");
    if digest.lane == Lane::Takeover {
        let open = open_of(open, over);
        let findings = count(total, "open finding");
        return format!("{findings} taken over in {accounts}{open}");
    }
    let what = match only_rule(digest) {
        Some((rule, _)) => {
            let resources = count(total, "resource");
            format!("{}: {resources} in {accounts}", title(texts, rule))
        }
        None => {
            let findings = count(total, "finding");
            format!("{findings} across {}", count(digest.rules.len(), "rule"))
        }
    };
    let severity = worst(digest).as_str();
    match open {
        0 => format!("{}: {what}", ending(resolved, closed)),
        open => format!("[{severity}] {what}{}", open_of(open, over)),
    }
}

fn open_of(open: u32, over: u32) -> String {
    if over == 0 {
        String::new()
    } else {
        format!(", {}", still_open(open, open + over))
    }
}

fn explanation(change: &DigestChange, context: Context<'_>) -> String {
    let digest = &change.digest;
    let since = day_and_time(digest.since);
    let first = if digest.lane == Lane::Takeover {
        "These were already open when Banto first checked.".to_owned()
    } else {
        format!("Many findings since {since}, grouped here.")
    };
    let is_flood = change.changes.is_empty();
    let then = match (has_thread(context), is_flood) {
        (true, false) => " Details are in the thread; what is resolved is counted here.",
        (true, true) if !change.named.is_empty() => {
            " The urgent ones are in the thread; what is resolved is told by itself."
        }
        (_, true) => " What is resolved is told by itself.",
        (false, false) => "",
    };
    format!("{first}{then}")
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
    for (number, what) in [(tally.resolved, "resolved"), (tally.closed, "closed")] {
        if number > 0 {
            counts.push_str(&format!(", {} {what}", grouped(number)));
        }
    }
    let severity = tally.severity.as_str();
    format!("[{severity}] {title} ({rule}): {counts}")
}

fn title<'a>(texts: &'a Texts, rule: &'a RuleName) -> &'a str {
    texts.get(rule).map_or(rule.plain(), |text| &text.title)
}
