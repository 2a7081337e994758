//! Accounts in a report, and the cells of accounts by rules.

use std::collections::BTreeMap;

use banto_domain::AccountId;
use banto_domain::policy::ReportPolicy;
use jiff::Timestamp;

use super::rules::RuleIndex;
use crate::model::{
    AccountLine, AccountMonth, Cell, Coverage, RegionMonth, RuleMonth, Tally, UnknownReason,
};

/// An account that was added: its line, and its numbers by rule.
#[derive(Debug)]
pub(super) struct AccountEntry {
    pub(super) line: AccountLine,
    pub(super) cells: BTreeMap<RuleIndex, (Tally, Coverage)>,
}

impl AccountEntry {
    /// The account, with nothing of its rules yet.
    pub(super) fn new(account: &AccountMonth, policy: &ReportPolicy) -> Self {
        let unknown_regions = account
            .regions
            .iter()
            .filter_map(|(region, month)| Some((region.clone(), month.unknown_because?)));
        let silent_since = account
            .regions
            .iter()
            .filter_map(|(region, month)| Some((region.clone(), silent_since(month)?)));
        let line = AccountLine {
            account: account.account.clone(),
            name: account.name.clone(),
            owner: account.owner.clone(),
            unit: policy.unit_of(&account.path),
            tally: Tally::default(),
            oldest: account.oldest,
            snapshot_at: account.regions.values().filter_map(known_at).min(),
            unknown_regions: unknown_regions.collect(),
            silent_since: silent_since.collect(),
            onboarding: account.onboarding.clone(),
            expected: 0,
            known: 0,
            recorded: account.recorded.values().sum(),
        };
        Self {
            line,
            cells: BTreeMap::new(),
        }
    }

    /// Adds one of the account's rules in a region.
    pub(super) fn add(&mut self, rule: RuleIndex, month: &RuleMonth) {
        self.line.tally.add(&month.tally);
        self.line.expected += 1;
        let is_known = matches!(
            month.coverage,
            Coverage::Known | Coverage::NothingToEvaluate
        );
        self.line.known += u64::from(is_known);
        let nothing = (Tally::default(), Coverage::Known);
        let (tally, coverage) = self.cells.entry(rule).or_insert(nothing);
        tally.add(&month.tally);
        if badness(month.coverage) > badness(*coverage) {
            *coverage = month.coverage;
        }
    }
}

/// The order of a cell's places: the worst one is shown.
fn badness(coverage: Coverage) -> (u8, Option<UnknownReason>) {
    match coverage {
        Coverage::Known => (0, None),
        Coverage::NothingToEvaluate => (1, None),
        Coverage::Unknown(reason) => (2, Some(reason)),
        Coverage::Missing => (3, None),
    }
}

/// The time of what is known of a region.
fn known_at(region: &RegionMonth) -> Option<Timestamp> {
    let is_known = region.unknown_because.is_none();
    region
        .snapshot
        .as_ref()
        .filter(|_| is_known)
        .map(|snapshot| snapshot.taken_at)
}

/// Since when a region says nothing. One whose snapshot is current has said nothing of compliance
/// since a time that nobody kept.
fn silent_since(region: &RegionMonth) -> Option<Timestamp> {
    let is_silent = |reason| reason != UnknownReason::NoComplianceItems;
    let snapshot = region.snapshot.as_ref();
    snapshot
        .filter(|_| region.unknown_because.is_some_and(is_silent))
        .map(|snapshot| snapshot.taken_at)
}

/// Returns the cells of all accounts. `order` has the place of each rule among the report's.
pub(super) fn cells(
    accounts: &BTreeMap<AccountId, AccountEntry>,
    order: &BTreeMap<RuleIndex, u32>,
) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (account, entry) in (0..).zip(accounts.values()) {
        let from = cells.len();
        for (index, (tally, coverage)) in &entry.cells {
            cells.extend(order.get(index).map(|rule| Cell {
                account,
                rule: *rule,
                tally: *tally,
                coverage: *coverage,
            }));
        }
        if let Some(own) = cells.get_mut(from..) {
            own.sort_by_key(|cell| cell.rule);
        }
    }
    cells
}
