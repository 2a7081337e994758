//! Rules in a report, over all accounts and deployments.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::Severity;
use banto_domain::policy::compliance::{FindingPolicy, RuleText};
use banto_domain::{AccountId, RuleName, RuleSource};
use jiff::Timestamp;

use crate::model::{Coverage, RuleLine, RuleMonth, Tally};

/// The number of a rule, in the order in which rules came.
pub(super) type RuleIndex = u32;

/// The rules of a report. Each name is kept once, whatever the number of accounts that have it.
#[derive(Debug)]
pub(super) struct Rules<'a> {
    policy: &'a FindingPolicy,
    /// The number of each rule, as it is deployed: finding the own name of one takes a while.
    indices: BTreeMap<RuleName, RuleIndex>,
    own: BTreeMap<RuleName, RuleIndex>,
    entries: Vec<RuleEntry>,
}

/// A rule by its own name.
#[derive(Debug)]
pub(super) struct RuleEntry {
    pub(super) rule: RuleName,
    pub(super) text: RuleText,
    sources: BTreeSet<RuleSource>,
    pub(super) tally: Tally,
    pub(super) oldest: Option<Timestamp>,
    /// Accounts in which it has open findings.
    pub(super) accounts: u64,
    /// The account with the most of them, and their number.
    pub(super) most_in: Option<(AccountId, u64)>,
}

impl<'a> Rules<'a> {
    pub(super) fn new(policy: &'a FindingPolicy) -> Self {
        Self {
            policy,
            indices: BTreeMap::new(),
            own: BTreeMap::new(),
            entries: Vec::new(),
        }
    }

    /// Adds a rule in a region of an account, and returns its number.
    pub(super) fn add(&mut self, month: &RuleMonth) -> RuleIndex {
        let index = self.index(&month.rule);
        if let Some(entry) = self.entries.get_mut(index as usize) {
            entry.tally.add(&month.tally);
            entry.oldest = earliest(entry.oldest, month.oldest);
        }
        index
    }

    /// Adds the numbers of an account, in which each rule comes once.
    pub(super) fn add_account(
        &mut self,
        account: &AccountId,
        cells: &BTreeMap<RuleIndex, (Tally, Coverage)>,
    ) {
        for (index, (tally, _)) in cells {
            let open = tally.all_open();
            let Some(entry) = self.entries.get_mut(*index as usize) else {
                continue;
            };
            if open == 0 {
                continue;
            }
            entry.accounts += 1;
            // Of accounts with as many, the one with the first id is named, in whichever order
            // they came.
            let is_more = (entry.most_in.as_ref())
                .is_none_or(|(other, most)| open > *most || open == *most && account < other);
            if is_more {
                entry.most_in = Some((account.clone(), open));
            }
        }
    }

    pub(super) fn severity(&self, index: RuleIndex) -> Severity {
        let entry = self.entries.get(index as usize);
        entry.map_or(Severity::Medium, |entry| entry.text.severity)
    }

    pub(super) fn entries(&self) -> &[RuleEntry] {
        &self.entries
    }

    /// Returns the report's lines, by own name, and the place of each rule among them.
    pub(super) fn lines(&self) -> (BTreeMap<RuleIndex, u32>, Vec<RuleLine>) {
        let mut order = BTreeMap::new();
        let mut lines = Vec::new();
        for (place, index) in (0..).zip(self.own.values()) {
            order.insert(*index, place);
            lines.extend(self.entries.get(*index as usize).map(RuleEntry::line));
        }
        (order, lines)
    }

    fn index(&mut self, rule: &RuleName) -> RuleIndex {
        if let Some(index) = self.indices.get(rule) {
            return *index;
        }
        let own = rule.own();
        let index = match self.own.get(&own) {
            Some(index) => *index,
            None => self.insert(own),
        };
        if let Some(entry) = self.entries.get_mut(index as usize) {
            entry.sources.insert(rule.source());
        }
        self.indices.insert(rule.clone(), index);
        index
    }

    fn insert(&mut self, own: RuleName) -> RuleIndex {
        // An account has at most 1,000 rules in a region, so there are never as many as 2^32.
        let index = RuleIndex::try_from(self.entries.len()).unwrap_or(RuleIndex::MAX);
        self.entries.push(RuleEntry {
            text: self.policy.rule_text(&own),
            rule: own.clone(),
            sources: BTreeSet::new(),
            tally: Tally::default(),
            oldest: None,
            accounts: 0,
            most_in: None,
        });
        self.own.insert(own, index);
        index
    }
}

impl RuleEntry {
    fn line(&self) -> RuleLine {
        RuleLine {
            rule: self.rule.clone(),
            title: self.text.title.clone(),
            severity: self.text.severity,
            remedy: self.text.remedy.clone(),
            runbook: self.text.runbook.clone(),
            sources: self.sources.iter().cloned().collect(),
            tally: self.tally,
            oldest: self.oldest,
        }
    }
}

fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}
