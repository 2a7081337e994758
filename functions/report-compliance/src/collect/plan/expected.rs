//! The rules that should be in an account, whether they are seen or not.

use std::collections::BTreeSet;

use banto_domain::compliance::AccountInfo;
use banto_domain::policy::ReportPolicy;
use banto_domain::policy::onboarding::AccountSelector;
use banto_domain::policy::report::ExpectedRules;
use banto_domain::{Region, RuleName};

use crate::collect::snapshot::{Previous, Snapshot};
use crate::model::{Coverage, UnknownReason};

/// The rules that should be in an account, by region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    /// Those that somebody expects: the policy, or the Organization. They have their own names.
    pub(super) demanded: BTreeSet<(Region, RuleName)>,
    /// Those that were there at the end of the month before, as deployed.
    pub(super) carried: BTreeSet<(Region, RuleName)>,
}

impl Expected {
    pub(super) fn new(snapshot: &Snapshot, policy: &ReportPolicy) -> Self {
        let delivering = delivering(snapshot, policy);
        let organization_rules = snapshot.organization_rules.iter();
        let mut demanded: BTreeSet<(Region, RuleName)> = organization_rules
            .filter(|(region, _)| delivering.contains(region))
            .cloned()
            .collect();
        for rules in &policy.expected {
            if !is_for(rules, &snapshot.account) {
                continue;
            }
            let regions = if rules.regions.is_empty() {
                &delivering
            } else {
                &rules.regions
            };
            // A policy that was read has names that are rules' names.
            for rule in rules.rules.iter().filter_map(|rule| rule.parse().ok()) {
                insert(&mut demanded, regions, &rule);
            }
        }
        Self {
            demanded,
            carried: carried(&snapshot.previous),
        }
    }

    /// True if somebody expects the rule in the region.
    pub(super) fn demands(&self, region: &Region, rule: &RuleName) -> bool {
        self.demanded.contains(&(region.clone(), rule.own()))
    }

    /// True if somebody expects the rule in any region.
    pub(super) fn demands_anywhere(&self, rule: &RuleName) -> bool {
        let own = rule.own();
        self.demanded.iter().any(|(_, demanded)| *demanded == own)
    }
}

/// The regions from which the account should deliver: those of the policy, else those from which it
/// ever did.
pub(super) fn delivering(snapshot: &Snapshot, policy: &ReportPolicy) -> BTreeSet<Region> {
    if !policy.regions.is_empty() {
        return policy.regions.clone();
    }
    let mut regions: BTreeSet<Region> = snapshot.evidence.regions.keys().cloned().collect();
    if let Previous::Known { account, .. } = &snapshot.previous {
        regions.extend(account.regions.keys().cloned());
    }
    regions
}

fn insert(
    demanded: &mut BTreeSet<(Region, RuleName)>,
    regions: &BTreeSet<Region>,
    rule: &RuleName,
) {
    let own = rule.own();
    for region in regions {
        demanded.insert((region.clone(), own.clone()));
    }
}

fn is_for(rules: &ExpectedRules, account: &AccountInfo) -> bool {
    let is_one = |who: &AccountSelector| match who {
        AccountSelector::Account(id) => *id == account.id,
        AccountSelector::Ou(ou) => account.path.contains(ou),
        AccountSelector::Tag { key, value } => account.tags.get(key) == Some(value),
    };
    rules.accounts.is_empty() || rules.accounts.iter().any(is_one)
}

/// A rule that was known is expected for one more month. One whose region went silent stays
/// expected for as long as that lasts: otherwise silence would mend the coverage.
fn carried(previous: &Previous) -> BTreeSet<(Region, RuleName)> {
    let Previous::Known { account, .. } = previous else {
        return BTreeSet::new();
    };
    let was_there = |coverage: Coverage| match coverage {
        Coverage::Known => true,
        Coverage::Unknown(reason) => reason != UnknownReason::RuleNotSeen,
        Coverage::NothingToEvaluate | Coverage::Missing => false,
    };
    let rules = account.rules.iter();
    rules
        .filter(|rule| was_there(rule.coverage))
        .map(|rule| (rule.region.clone(), rule.rule.clone()))
        .collect()
}
