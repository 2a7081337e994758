//! What is true of the archive, as the generator knows it: no reader was asked.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::FindingKey;
use banto_domain::{AccountId, Month, Region, RuleName};
use jiff::Timestamp;

use crate::archive::{Archive, Taken};
use crate::channel::{Channel, Verdict};
use crate::history;

/// What is true of an account at a month's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// The account.
    pub account: AccountId,
    /// Its regions; none if it never delivered.
    pub regions: BTreeMap<Region, RegionTruth>,
    /// Items that its history files of the month have, by type.
    pub recorded: BTreeMap<String, u64>,
}

/// What the last snapshot of a region that can be read says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RegionTruth {
    /// When it was taken; `None` if there is none.
    pub taken_at: Option<Timestamp>,
    /// Its key.
    pub key: Option<String>,
    /// Its resources.
    pub resources: u64,
    /// The findings that are open, waived or not, and since when.
    pub open: BTreeMap<FindingKey, Timestamp>,
    /// The numbers of compliant evaluations, by rule as deployed; IAM's resources under the region
    /// that evaluated them.
    pub compliant: BTreeMap<RuleName, u64>,
    /// What AWS Config can't tell.
    pub insufficient_data: BTreeSet<FindingKey>,
    /// What rules say nothing about.
    pub not_applicable: BTreeSet<FindingKey>,
    /// The rules that evaluated anything, as deployed.
    pub rules: BTreeSet<RuleName>,
}

impl Archive {
    /// What is true of the account at this place in the list, at a month's end.
    pub fn truth(&self, account: usize, month: Month) -> Option<Truth> {
        let mut truth = Truth {
            account: self.shape.accounts.get(account)?.id.clone(),
            regions: BTreeMap::new(),
            recorded: BTreeMap::new(),
        };
        for region in 0..self.shape.regions.len() {
            let channel = self.channel(account, region)?;
            let snapshots = self.snapshots(&channel);
            if snapshots.is_empty() {
                continue;
            }
            let last = snapshots
                .iter()
                .rfind(|taken| taken.month <= month && taken.is_readable());
            let found = last.map(|taken| region_truth(&channel, taken));
            truth
                .regions
                .insert(channel.region.clone(), found.unwrap_or_default());
            if self.shape.history && self.delivering_months(&channel).contains(&month) {
                for ((_, type_name), items) in history::recorded(&channel, month) {
                    *truth.recorded.entry(type_name.to_owned()).or_default() += items.len() as u64;
                }
            }
        }
        Some(truth)
    }
}

fn region_truth(channel: &Channel<'_>, taken: &Taken) -> RegionTruth {
    let mut truth = RegionTruth {
        taken_at: Timestamp::from_second(taken.at).ok(),
        key: Some(taken.key(channel)),
        ..RegionTruth::default()
    };
    if channel.is_last() && channel.has(crate::Oddity::NoItems) {
        return truth;
    }
    for resource in channel.resources().filter(|found| found.exists(taken.at)) {
        truth.resources += 1;
        let Some(evaluations) = channel.evaluations(&resource, taken.at) else {
            continue;
        };
        let recorded = Timestamp::from_second(evaluations.recorded).unwrap_or_default();
        for evaluated in &evaluations.by_rule {
            let rule = &evaluated.rule.name;
            truth.rules.insert(rule.clone());
            let key = FindingKey::new(
                channel.account.id.clone(),
                channel.region,
                rule.clone(),
                resource.kind.type_name().to_owned(),
                resource.id.clone(),
            );
            match evaluated.verdict {
                Verdict::Compliant => *truth.compliant.entry(rule.clone()).or_default() += 1,
                Verdict::Noncompliant => {
                    truth.open.insert(key, recorded);
                }
                Verdict::InsufficientData => {
                    truth.insufficient_data.insert(key);
                }
                Verdict::NotApplicable => {
                    truth.not_applicable.insert(key);
                }
            }
        }
    }
    if channel.has(crate::Oddity::HugeItem) {
        truth.resources += 1;
    }
    truth
}
