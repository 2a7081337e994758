//! Adds accounts up, one after the other: for all, and for each owner.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::policy::ReportPolicy;
use banto_domain::{AccountId, Month, Region, RuleName};
use jiff::Timestamp;

use super::plan::{self, ReportBuilder};
use crate::evidence::{EngineUsage, Period};
use crate::model::{AccountMonth, MonthReport, MonthSummary, TrendPoint};

/// The reports of a month, as far as its accounts were added.
#[derive(Debug)]
pub struct ReportsBuilder<'a> {
    policy: &'a ReportPolicy,
    period: Period,
    compared_with: Option<Month>,
    all: ReportBuilder<'a>,
    by_owner: BTreeMap<String, ReportBuilder<'a>>,
    accounts: Vec<(AccountId, Option<String>)>,
}

/// The reports of a month.
#[derive(Debug, Clone, PartialEq)]
pub struct Reports {
    pub all: MonthReport,
    /// By owner.
    pub owners: BTreeMap<String, MonthReport>,
    /// Each account, with its owner, in ascending order.
    pub accounts: Vec<(AccountId, Option<String>)>,
    /// The rules that some account has as organization rules, by region and own name.
    pub organization_rules: BTreeSet<(Region, RuleName)>,
}

impl<'a> ReportsBuilder<'a> {
    /// The reports of a month, without an account so far.
    pub fn new(policy: &'a ReportPolicy, period: Period, compared_with: Option<Month>) -> Self {
        Self {
            policy,
            period,
            compared_with,
            all: ReportBuilder::new(policy, period, None, compared_with),
            by_owner: BTreeMap::new(),
            accounts: Vec::new(),
        }
    }

    /// Adds an account. Accounts come in ascending order.
    pub fn add(&mut self, account: &AccountMonth) {
        self.all.add(account);
        if let Some(owner) = &account.owner {
            let new = || {
                let owner = Some(owner.clone());
                ReportBuilder::new(self.policy, self.period, owner, self.compared_with)
            };
            self.by_owner
                .entry(owner.clone())
                .or_insert_with(new)
                .add(account);
        }
        self.accounts
            .push((account.account.clone(), account.owner.clone()));
    }

    /// The reports, with the trend so far of all accounts (`None`) and of each owner.
    pub fn finish(
        self,
        trend: impl Fn(Option<&str>) -> Vec<TrendPoint>,
        made_at: Timestamp,
        usage: EngineUsage,
    ) -> Reports {
        let mut owners = BTreeMap::new();
        for (owner, builder) in self.by_owner {
            let report = builder.finish(trend(Some(&owner)), made_at, usage);
            owners.insert(owner, report);
        }
        let organization_rules = self.all.organization_rules().clone();
        Reports {
            all: self.all.finish(trend(None), made_at, usage),
            owners,
            accounts: self.accounts,
            organization_rules,
        }
    }
}

impl Reports {
    /// What later months need of this one.
    pub fn summary(&self) -> MonthSummary {
        plan::summary(&self.all, &self.owners, &self.organization_rules)
    }

    /// The accounts of an owner, or all.
    pub fn accounts_of<'a>(
        &'a self,
        owner: Option<&'a str>,
    ) -> impl Iterator<Item = &'a AccountId> + Send {
        let is_theirs = move |of: &Option<String>| owner.is_none() || of.as_deref() == owner;
        let accounts = self.accounts.iter();
        accounts.filter_map(move |(account, of)| is_theirs(of).then_some(account))
    }
}
