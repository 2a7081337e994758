//! What changed of each of many groups, or of each of many resources: for a thread, or at the end
//! of a message.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use banto_domain::compliance::{OutboxEntry, Severity};
use banto_domain::policy::compliance::Route;
use banto_notice::text::{and_more, count, sections};
use banto_notice::{Notice, Urgency};

use super::parts::{attributes, entry_line, found_and_resolved, notice_on, tally_of};
use crate::deliver::delivery::{GroupChange, latest_entries};

/// Most lines: as many as people read. The rest are counted.
const MAX_LINES: usize = 40;

pub(super) fn notice(id: &str, changes: &[GroupChange], route: &Route) -> Notice {
    let counts = found_and_resolved(entries(changes));
    let (found, _) = counts;
    let severities = entries(changes).map(|entry| entry.severity);
    let severity = severities.max().unwrap_or(Severity::Low);
    let urgency = if found > 0 {
        Urgency::Information
    } else {
        Urgency::Done
    };
    let accounts: BTreeSet<_> = changes.iter().map(|change| &change.after.account).collect();
    let headline = format!(
        "{}{} in {}",
        title_of_one_rule(changes),
        tally_of(counts),
        count(accounts.len(), "account")
    );
    let mut notice = notice_on(route, id, urgency, headline);
    let title = if accounts.len() > 1 {
        "By account"
    } else {
        "In detail"
    };
    notice.sections = sections([(title, limited(lines(changes)))]);
    notice.attributes = attributes(severity, found > 0);
    notice
}

fn entries(changes: &[GroupChange]) -> impl Iterator<Item = &OutboxEntry> {
    changes.iter().flat_map(|change| &change.entries)
}

/// One rule is named once; of several, each line names its own.
fn title_of_one_rule(changes: &[GroupChange]) -> String {
    match changes.first() {
        Some(first) if is_of_one_rule(changes) => format!("{}: ", first.text.title),
        _ => String::new(),
    }
}

fn is_of_one_rule(changes: &[GroupChange]) -> bool {
    let rules: BTreeSet<_> = changes.iter().map(|change| &change.after.rule).collect();
    rules.len() == 1
}

fn lines(changes: &[GroupChange]) -> Vec<String> {
    if let [only] = changes {
        let latest = latest_entries(&only.entries).into_iter();
        return latest.map(|entry| entry_line(&only.after, entry)).collect();
    }
    let names_rules = !is_of_one_rule(changes);
    let mut changes: Vec<&GroupChange> = changes.iter().collect();
    // Where there is most to do comes first.
    changes.sort_by_key(|change| (Reverse(change.entries.len()), &change.after.account_name));
    changes
        .into_iter()
        .map(|change| group_line(change, names_rules))
        .collect()
}

fn group_line(change: &GroupChange, names_rule: bool) -> String {
    let group = &change.after;
    let counts = tally_of(found_and_resolved(change.entries.iter()));
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
    let hidden = lines.len().saturating_sub(MAX_LINES);
    lines.truncate(MAX_LINES);
    lines.extend(and_more(hidden));
    lines
}
