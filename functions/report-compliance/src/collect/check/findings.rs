//! Checks of findings: what they were, what is seen of them, and what they are said to be.

use std::collections::BTreeSet;

use banto_domain::compliance::FindingKey;
use banto_domain::policy::compliance::Waiver;

use super::context::{Context, Said};
use super::coverage;
use crate::collect::snapshot::Previous;
use crate::evidence::Verdict;
use crate::model::{FindingRow, FindingStatus};

pub(super) fn each_is_there_once(context: &Context<'_>) -> Option<String> {
    let mut seen = BTreeSet::new();
    let again = rows(context).find(|row| !seen.insert(&row.key))?;
    Some(format!("{} would be listed twice", named(again)))
}

pub(super) fn are_of_the_account(context: &Context<'_>) -> Option<String> {
    let account = &context.snapshot.account.id;
    let other = rows(context).find(|row| row.key.account != *account)?;
    Some(format!("{} is of another account", named(other)))
}

pub(super) fn open_ones_are_seen_as_not_compliant(context: &Context<'_>) -> Option<String> {
    let is_seen = |row: &FindingRow| says(context, &row.key, Verdict::Noncompliant);
    let wrong = rows(context).find(|row| is_noncompliant(row) && !is_seen(row))?;
    Some(format!(
        "{} would be {}, and nothing says that it is not compliant",
        named(wrong),
        wrong.status.as_str()
    ))
}

pub(super) fn what_is_seen_as_not_compliant_is_open(context: &Context<'_>) -> Option<String> {
    let open: BTreeSet<&FindingKey> = rows(context)
        .filter(|row| is_noncompliant(row))
        .map(|row| &row.key)
        .collect();
    let unknown: BTreeSet<&FindingKey> = rows(context)
        .filter(|row| row.status == FindingStatus::Unknown)
        .map(|row| &row.key)
        .collect();
    for (key, said) in &context.said {
        let is_lost = said.is(Verdict::Noncompliant) && !open.contains(key);
        let is_stale = said.is_only_stale() && said.stale.contains(&Verdict::Noncompliant);
        let was_lost = is_stale && !unknown.contains(key);
        if is_lost || was_lost {
            return Some(format!(
                "{} of {} would not be told, and is not compliant",
                key.resource_id, key.rule
            ));
        }
    }
    None
}

/// What was open is fixed only if a snapshot says that it is compliant, and closed only where
/// something is known of its region and of its rule, which has it no more.
pub(super) fn are_over_only_if_something_says_so(context: &Context<'_>) -> Option<String> {
    let nothing = Said::default();
    for row in rows(context) {
        let said = context.said.get(&row.key).unwrap_or(&nothing);
        let is_gone = said.known.is_empty() && said.stale.is_empty();
        let may_be_over = match row.status {
            FindingStatus::Fixed => said.is(Verdict::Compliant),
            FindingStatus::Closed if is_gone => coverage::would_be_seen(context, &row.key),
            FindingStatus::Closed => said.is(Verdict::NotApplicable),
            FindingStatus::New
            | FindingStatus::Open
            | FindingStatus::Waived
            | FindingStatus::Unknown => true,
        };
        if !may_be_over {
            return Some(format!(
                "{} would be {}, and nothing says so",
                named(row),
                row.status.as_str()
            ));
        }
    }
    None
}

pub(super) fn are_new_only_if_they_were_not_open(context: &Context<'_>) -> Option<String> {
    let is_first = context.snapshot.previous == Previous::NoMonth;
    let start = context.snapshot.period.month.start();
    for row in rows(context) {
        let was_open = context.before.contains_key(&row.key) || is_first && row.since < start;
        let fits = match row.status {
            FindingStatus::New => !was_open,
            FindingStatus::Open | FindingStatus::Fixed | FindingStatus::Closed => was_open,
            FindingStatus::Waived | FindingStatus::Unknown => true,
        };
        if !fits {
            let was = if was_open { "was" } else { "was not" };
            return Some(format!(
                "{} would be {}, and {was} open before",
                named(row),
                row.status.as_str()
            ));
        }
    }
    None
}

pub(super) fn what_was_open_is_accounted_for(context: &Context<'_>) -> Option<String> {
    let told: BTreeSet<&FindingKey> = rows(context).map(|row| &row.key).collect();
    let lost = (context.before.values()).find(|row| !told.contains(&row.key))?;
    Some(format!(
        "nothing would be said of {}, which was open",
        named(lost)
    ))
}

pub(super) fn are_as_old_as_they_were(context: &Context<'_>) -> Option<String> {
    let end = context.snapshot.period.end;
    for row in rows(context) {
        let before = context.before.get(&row.key);
        let is_later = row.since > end || row.seen_at > end;
        if is_later || before.is_some_and(|before| before.since != row.since) {
            return Some(format!("{} would be open since {}", named(row), row.since));
        }
    }
    None
}

pub(super) fn unknown_ones_have_a_reason(context: &Context<'_>) -> Option<String> {
    let is_unknown = |row: &FindingRow| row.status == FindingStatus::Unknown;
    let wrong = rows(context).find(|row| is_unknown(row) != row.unknown_because.is_some())?;
    Some(format!(
        "{} would be {}, unknown because {:?}",
        named(wrong),
        wrong.status.as_str(),
        wrong.unknown_because
    ))
}

pub(super) fn are_waived_only_by_a_waiver(context: &Context<'_>) -> Option<String> {
    for row in rows(context).filter(|row| is_noncompliant(row)) {
        let waivers = &context.policy.findings.waivers;
        let accepts = |waiver: &&Waiver| {
            waiver.until > context.snapshot.period.end
                && waiver.covers(&row.key, row.name.as_deref())
        };
        let is_covered = waivers.iter().any(|waiver| accepts(&waiver));
        let is_its_own = row.waiver.as_ref().is_none_or(|note| {
            let mut covering = waivers.iter().filter(accepts);
            covering.any(|waiver| waiver.until == note.until && waiver.owner == note.owner)
        });
        let is_waived = row.status == FindingStatus::Waived;
        if is_waived != is_covered || is_waived != row.waiver.is_some() || !is_its_own {
            return Some(format!(
                "{} would be {}, and its waiver is {:?}",
                named(row),
                row.status.as_str(),
                row.waiver
            ));
        }
    }
    None
}

fn rows<'a>(context: &Context<'a>) -> impl Iterator<Item = &'a FindingRow> {
    context.collected.findings.iter()
}

fn says(context: &Context<'_>, key: &FindingKey, verdict: Verdict) -> bool {
    (context.said.get(key)).is_some_and(|said| said.is(verdict))
}

fn is_noncompliant(row: &FindingRow) -> bool {
    match row.status {
        FindingStatus::New | FindingStatus::Open | FindingStatus::Waived => true,
        FindingStatus::Unknown | FindingStatus::Fixed | FindingStatus::Closed => false,
    }
}

fn named(row: &FindingRow) -> String {
    format!("{} of {}", row.key.resource_id, row.key.rule)
}
