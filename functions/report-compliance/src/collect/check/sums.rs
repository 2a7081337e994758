//! Checks of an account's numbers: what they count is there, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::FindingKey;
use banto_domain::{Region, RuleName};
use jiff::Timestamp;

use super::context::Context;
use crate::evidence::Verdict;
use crate::model::{FindingRow, FindingStatus, RuleMonth, Tally, WORST};

/// A rule's numbers are those of its rows, and no place is there twice.
pub(super) fn rows_add_up(context: &Context<'_>) -> Option<String> {
    let mut left: BTreeMap<(&Region, &RuleName, FindingStatus), u64> = BTreeMap::new();
    for row in &context.collected.findings {
        let status = (&row.key.region, &row.key.rule, row.status);
        *left.entry(status).or_default() += 1;
    }
    for rule in &context.collected.account.rules {
        let told = [
            (FindingStatus::New, rule.tally.new),
            (FindingStatus::Open, rule.tally.open),
            (FindingStatus::Waived, rule.tally.waived),
            (FindingStatus::Fixed, rule.tally.fixed),
            (FindingStatus::Closed, rule.tally.closed),
        ];
        for (status, count) in told {
            let rows = left.remove(&(&rule.region, &rule.rule, status));
            if rows.unwrap_or(0) != count {
                return Some(format!(
                    "{} in {} would have {count} {}, and has {} of them",
                    rule.rule,
                    rule.region,
                    status.as_str(),
                    rows.unwrap_or(0)
                ));
            }
        }
        let unknown = left.remove(&(&rule.region, &rule.rule, FindingStatus::Unknown));
        if unknown.unwrap_or(0) > rule.tally.unknown {
            return Some(format!(
                "{} in {} has more unknown findings than it would count",
                rule.rule, rule.region
            ));
        }
    }
    let ((region, rule, _), _) = left.into_iter().next()?;
    Some(format!(
        "{rule} in {region} has findings, and would not be listed"
    ))
}

/// What counts as compliant or unknown is what the evidence has.
pub(super) fn evaluations_add_up(context: &Context<'_>) -> Option<String> {
    let expected = evaluations(context);
    for rule in &context.collected.account.rules {
        let place = (rule.region.clone(), rule.rule.clone());
        let (compliant, unknown) = expected.get(&place).copied().unwrap_or((0, 0));
        let Tally {
            compliant: told_compliant,
            unknown: told_unknown,
            ..
        } = rule.tally;
        if (told_compliant, told_unknown) != (compliant, unknown) {
            return Some(format!(
                "{} in {} would have {told_compliant} compliant and {told_unknown} unknown, and \
                 has {compliant} and {unknown}",
                rule.rule, rule.region
            ));
        }
    }
    let rules = context.collected.account.rules.iter();
    let listed: BTreeSet<(&Region, &RuleName)> =
        rules.map(|rule| (&rule.region, &rule.rule)).collect();
    let is_listed = |(region, rule): &(Region, RuleName)| listed.contains(&(region, rule));
    let ((region, rule), _) = expected.iter().find(|(place, _)| !is_listed(place))?;
    Some(format!(
        "{rule} in {region} evaluated something, and would not be listed"
    ))
}

/// The compliant and the unknown evaluations of each rule in a region.
fn evaluations(context: &Context<'_>) -> BTreeMap<(Region, RuleName), (u64, u64)> {
    let mut numbers: BTreeMap<(Region, RuleName), (u64, u64)> = BTreeMap::new();
    for (region, rules) in &context.counts {
        for (rule, counts) in rules {
            let place = (region.clone(), rule.clone());
            let (compliant, unknown) = numbers.entry(place).or_default();
            if context.is_known(region) {
                *compliant += counts.compliant;
                *unknown += counts.insufficient_data;
            } else {
                *unknown += counts.compliant + counts.noncompliant + counts.insufficient_data;
            }
        }
    }
    for (key, said) in &context.said {
        if FindingKey::is_global(&key.resource_type) {
            let place = (key.region.clone(), key.rule.clone());
            let (compliant, unknown) = numbers.entry(place).or_default();
            *compliant += u64::from(said.is(Verdict::Compliant));
            let is_unknown = said.is(Verdict::InsufficientData) || said.is_only_stale();
            *unknown += u64::from(is_unknown);
        }
    }
    let unknown = context.collected.findings.iter();
    for row in unknown.filter(|row| row.status == FindingStatus::Unknown) {
        if !is_evaluated(context, row) {
            let place = (row.key.region.clone(), row.key.rule.clone());
            numbers.entry(place).or_default().1 += 1;
        }
    }
    numbers
}

/// True if an evaluation that counts is there, be it too old.
fn is_evaluated(context: &Context<'_>, row: &FindingRow) -> bool {
    let said = context.said.get(&row.key);
    said.is_some_and(|said| said.is(Verdict::InsufficientData) || said.is_only_stale())
}

pub(super) fn the_oldest_and_the_worst_are_open(context: &Context<'_>) -> Option<String> {
    let is_open =
        |row: &&FindingRow| matches!(row.status, FindingStatus::New | FindingStatus::Open);
    let open: Vec<&FindingRow> = (context.collected.findings.iter())
        .filter(is_open)
        .collect();
    let account = &context.collected.account;
    if account.oldest != open.iter().map(|row| row.since).min() {
        return Some(format!(
            "its oldest finding would be of {:?}",
            account.oldest
        ));
    }
    let mut oldest: BTreeMap<(&Region, &RuleName), Timestamp> = BTreeMap::new();
    for row in &open {
        let of_rule = oldest.entry((&row.key.region, &row.key.rule));
        let of_rule = of_rule.or_insert(row.since);
        *of_rule = row.since.min(*of_rule);
    }
    let is_wrong =
        |rule: &&RuleMonth| oldest.get(&(&rule.region, &rule.rule)).copied() != rule.oldest;
    if let Some(rule) = account.rules.iter().find(is_wrong) {
        return Some(format!(
            "the oldest finding of {} would be of {:?}",
            rule.rule, rule.oldest
        ));
    }
    let worst: Vec<&FindingRow> = account.worst.iter().collect();
    let is_whole = worst.len() == open.len().min(WORST);
    let is_sorted = worst.is_sorted_by(|a, b| (b.severity, a.since) <= (a.severity, b.since));
    let least = worst.last().map(|row| row.severity);
    let is_worst = open
        .iter()
        .all(|row| worst.contains(row) || Some(row.severity) <= least);
    let all_open = worst.iter().all(|row| open.contains(row));
    (!is_whole || !is_sorted || !is_worst || !all_open)
        .then(|| "its worst findings would be others".to_owned())
}

pub(super) fn waivers_add_up(context: &Context<'_>) -> Option<String> {
    let rows = context.collected.findings.iter();
    let waived = rows
        .filter(|row| row.status == FindingStatus::Waived)
        .count() as u64;
    let told: u64 = context.collected.account.waived.values().sum();
    (waived != told).then(|| format!("waivers would accept {told} findings, and accept {waived}"))
}
