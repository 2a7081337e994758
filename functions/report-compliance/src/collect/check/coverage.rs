//! Checks of what is absent: it is never compliant, and never left out.

use std::collections::BTreeSet;

use banto_domain::compliance::FindingKey;
use banto_domain::policy::onboarding::AccountSelector;
use banto_domain::policy::report::ExpectedRules;
use banto_domain::{Region, RuleName};

use super::context::Context;
use crate::collect::snapshot::Aggregated;
use crate::model::{Coverage, RuleMonth};

/// A region is known only by a snapshot that is young enough, and nothing of one that is not known
/// counts as compliant.
pub(super) fn silent_regions_say_nothing(context: &Context<'_>) -> Option<String> {
    let account = &context.collected.account;
    for (region, month) in &account.regions {
        let evidence = context.snapshot.evidence.regions.get(region);
        let taken = evidence.and_then(|evidence| evidence.snapshot.as_ref());
        let is_young = taken.is_some_and(|taken| {
            let age = context.snapshot.period.end.duration_since(taken.taken_at);
            age <= context.policy.stale_after
        });
        if month.unknown_because.is_none() && !is_young {
            return Some(format!("{region} would be known, and has gone silent"));
        }
    }
    let unknown: BTreeSet<&Region> = (account.regions.iter())
        .filter(|(_, month)| month.unknown_because.is_some())
        .map(|(region, _)| region)
        .collect();
    let is_wrong = |rule: &&RuleMonth| {
        unknown.contains(&rule.region)
            && !is_known_at_iam(context, rule)
            && (rule.tally.compliant > 0 || rule.coverage == Coverage::Known)
    };
    let wrong = account.rules.iter().find(is_wrong)?;
    Some(format!(
        "{} in {} would be compliant, and the region has gone silent",
        wrong.rule, wrong.region
    ))
}

pub(super) fn rules_are_known_only_by_evaluations(context: &Context<'_>) -> Option<String> {
    let account = &context.collected.account;
    let known = account.rules.iter();
    for rule in known.filter(|rule| rule.coverage == Coverage::Known) {
        let counts = context.counts.get(&rule.region);
        let of_rule = counts.and_then(|counts| counts.get(&rule.rule));
        let is_counted = context.is_known(&rule.region)
            && of_rule.is_some_and(|counts| counts.compliant + counts.noncompliant > 0);
        if !is_counted && !is_known_at_iam(context, rule) {
            return Some(format!(
                "{} in {} would be known, and evaluated nothing",
                rule.rule, rule.region
            ));
        }
    }
    None
}

fn is_known_at_iam(context: &Context<'_>, rule: &RuleMonth) -> bool {
    let place = (rule.region.clone(), rule.rule.clone());
    context.known_at_iam.contains(&place)
}

/// True if a finding that no region has would be seen if it were there: its region is known, and its
/// rule evaluates something there, is gone, or is nobody's expectation. One at IAM would be seen in
/// any region that looks there.
pub(super) fn would_be_seen(context: &Context<'_>, key: &FindingKey) -> bool {
    let own = key.rule.own();
    let is_global = FindingKey::is_global(&key.resource_type);
    let is_misread = (context.snapshot.evidence.regions.iter())
        .any(|(region, evidence)| evidence.has_odd_items && (is_global || *region == key.region));
    if is_misread {
        return false;
    }
    let is_seen = if is_global {
        context.seen_at_iam.contains(&own)
    } else {
        let place = (key.region.clone(), own.clone());
        context.is_known(&key.region) && context.seen.contains(&place)
    };
    let is_region_known = if is_global {
        let mut regions = context.snapshot.evidence.regions.iter();
        regions.all(|(region, evidence)| {
            context.is_known(region)
                || !evidence.counts.is_empty()
                || !evidence.evaluations.is_empty()
        })
    } else {
        context.is_known(&key.region)
    };
    let delivering = delivering(context);
    let organization_rules = &context.snapshot.organization_rules;
    let is_organizations = if is_global {
        let mut rules = organization_rules.iter();
        rules.any(|(region, rule)| *rule == own && delivering.contains(region))
    } else {
        let place = (key.region.clone(), own.clone());
        organization_rules.contains(&place) && delivering.contains(&key.region)
    };
    let is_expected = is_organizations
        || (context.policy.expected.iter()).any(|expected| {
            let regions = regions_of(expected, context);
            is_about(expected, context)
                && expected.rules.contains(own.as_str())
                && (is_global || regions.contains(&key.region))
        });
    let is_answered = matches!(context.snapshot.aggregated, Aggregated::Known { .. });
    is_seen || is_region_known && (!is_expected || is_answered)
}

/// Each rule that the policy expects is listed where it should be, or once if it looks at nothing
/// but IAM.
pub(super) fn expected_rules_are_listed(context: &Context<'_>) -> Option<String> {
    let account = &context.collected.account;
    let listed: BTreeSet<(&Region, RuleName)> = (account.rules.iter())
        .map(|rule| (&rule.region, rule.rule.own()))
        .collect();
    let of_iam: BTreeSet<&RuleName> = (account.rules.iter())
        .filter(|rule| rule.of_iam)
        .map(|rule| &rule.rule)
        .collect();
    for expected in &context.policy.expected {
        if !is_about(expected, context) {
            continue;
        }
        let regions = regions_of(expected, context);
        for name in expected.rules.iter().filter_map(|name| name.parse().ok()) {
            let own = RuleName::own(&name);
            for region in &regions {
                if !of_iam.contains(&own) && !listed.contains(&(*region, own.clone())) {
                    return Some(format!("{own} in {region} is expected, and not listed"));
                }
            }
        }
    }
    None
}

fn regions_of<'a>(expected: &'a ExpectedRules, context: &Context<'a>) -> BTreeSet<&'a Region> {
    if !expected.regions.is_empty() {
        return expected.regions.iter().collect();
    }
    delivering(context)
}

/// The regions from which the account should deliver.
fn delivering<'a>(context: &Context<'a>) -> BTreeSet<&'a Region> {
    if context.policy.regions.is_empty() {
        context.snapshot.evidence.regions.keys().collect()
    } else {
        context.policy.regions.iter().collect()
    }
}

fn is_about(expected: &ExpectedRules, context: &Context<'_>) -> bool {
    let account = &context.snapshot.account;
    let mut accounts = expected.accounts.iter();
    expected.accounts.is_empty()
        || accounts.any(|who| match who {
            AccountSelector::Account(id) => *id == account.id,
            AccountSelector::Ou(ou) => account.path.iter().any(|unit| unit == ou),
            AccountSelector::Tag { key, value } => {
                account.tags.get(key).is_some_and(|tag| tag == value)
            }
        })
}
