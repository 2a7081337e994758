//! What changed of a group, for the thread of its message.

use banto_domain::compliance::OutboxEntry;
use banto_notice::slack::divided;
use banto_notice::text::{and_more, count, sections};
use banto_notice::{Notice, Section, Urgency};

use super::context::Context;
use super::parts::{
    ended, ending, entry_line, entry_name, flapping, flaps, group_attributes, has_moved, notice_on,
    section_of_over, short, tally_of, urgency_of,
};
use crate::deliver::delivery::{GroupChange, latest_entries};
use crate::deliver::snapshot::MAX_NAMED;

/// As many messages as the changes need; the first says what matters.
pub(super) fn notices(change: &GroupChange, context: Context<'_>) -> Vec<Notice> {
    let group = &change.after;
    let mut notice = notice_on(
        context.route,
        &group.id(),
        urgency(change),
        headline(change),
    );
    if flaps(&change.entries) {
        notice.paragraphs.push(flapping(context.policy));
    }
    notice.attributes = group_attributes(group, change.found > 0);
    let mut parts = parts(change).into_iter();
    notice.sections = parts.next().unwrap_or_default();
    let mut notices = vec![notice];
    for sections in parts {
        let more = format!("{} in {}, continued", change.text.title, group.account_name);
        let mut part = notice_on(context.route, &group.id(), urgency(change), more);
        part.sections = sections;
        part.attributes = group_attributes(group, change.found > 0);
        notices.push(part);
    }
    notices
}

/// What changed, divided into as many messages as it needs: most often one.
fn parts(change: &GroupChange) -> Vec<Vec<Section>> {
    let found = lines(change, |entry| !entry.change.closes());
    let over = lines(change, |entry| entry.change.closes());
    let title = section_of_over(change);
    if divided([found.clone(), over.clone()].concat()).len() <= 1 {
        return vec![sections([("New", found), (title, over)])];
    }
    let found = divided(found).into_iter().map(|lines| ("New", lines));
    let over = divided(over).into_iter().map(|lines| (title, lines));
    let parts = found.chain(over);
    parts.map(|part| sections([part])).collect()
}

fn headline(change: &GroupChange) -> String {
    let group = &change.after;
    let (title, account) = (&change.text.title, &group.account_name);
    let severity = group.severity.as_str();
    let open = match group.open {
        0 => String::new(),
        open => format!(" ({open} open)"),
    };
    let flapping = if flaps(&change.entries) {
        " (flapping)"
    } else {
        ""
    };
    match (change.found, change.resolved + change.closed) {
        (1, 0) => {
            let found = only_name(change);
            format!("[{severity}] {title}: {found} in {account}{open}{flapping}")
        }
        (found, 0) => {
            format!("[{severity}] {title}: {found} more in {account}{open}{flapping}")
        }
        (0, _) if has_moved(group) => {
            let what = super::parts::resources(group);
            ended(group, &what, title)
        }
        (0, over) => {
            let what = if over == 1 {
                only_name(change)
            } else {
                count(over, "resource")
            };
            let how = ending(change.resolved, change.closed);
            format!("{how}: {what} in {account} ({title}){open}")
        }
        (found, _) => {
            let tally = tally_of(found, change.resolved, change.closed);
            format!("[{severity}] {title}: {tally} in {account}{open}")
        }
    }
}

fn urgency(change: &GroupChange) -> Urgency {
    match (change.found, change.after.open) {
        (0, _) | (_, 0) => Urgency::Done,
        _ => urgency_of(change.after.severity),
    }
}

/// The name of the one resource that changed.
fn only_name(change: &GroupChange) -> String {
    let latest = latest_entries(&change.entries);
    latest
        .first()
        .map(|entry| short(entry_name(&change.after, entry)))
        .unwrap_or_default()
}

/// A line for each resource, unless the headline has said as much of the only one. Of very many the
/// first are named.
fn lines(change: &GroupChange, are: impl Fn(&OutboxEntry) -> bool) -> Vec<String> {
    let latest = latest_entries(&change.entries);
    let said = only_name(change);
    let mut lines = Vec::new();
    for entry in &latest {
        if are(entry) {
            let line = entry_line(entry_name(&change.after, entry), entry);
            if latest.len() > 1 || line != said {
                lines.push(line);
            }
        }
    }
    let hidden = lines.len().saturating_sub(MAX_NAMED);
    lines.truncate(MAX_NAMED);
    lines.extend(and_more(hidden));
    lines
}
