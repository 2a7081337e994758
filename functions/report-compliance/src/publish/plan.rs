//! Adds accounts up to a month's report: pure. Accounts come one at a time, and none is kept whole.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::Severity;
use banto_domain::policy::ReportPolicy;
use banto_domain::{AccountId, Month, Region, RuleName};
use jiff::Timestamp;

use crate::evidence::{EngineUsage, Period, Problem};
use crate::model::{
    AccountMonth, Coverage, CoverageReport, FindingRow, MAX_PROBLEMS, MonthReport, Tally,
    TrendPoint, VERSION, worst_of,
};

mod first;
mod lines;
mod recording;
mod rules;
mod summary;
mod waivers;

use lines::AccountEntry;
use recording::Recording;
use rules::Rules;
pub use summary::summary;

/// A report that accounts are added to, in any order.
#[derive(Debug)]
pub struct ReportBuilder<'a> {
    policy: &'a ReportPolicy,
    period: Period,
    owner: Option<String>,
    compared_with: Option<Month>,
    totals: Tally,
    by_severity: BTreeMap<Severity, Tally>,
    by_owner: BTreeMap<String, Tally>,
    by_unit: BTreeMap<String, Tally>,
    by_source: BTreeMap<String, Tally>,
    accounts: BTreeMap<AccountId, AccountEntry>,
    rules: Rules<'a>,
    organization_rules: BTreeSet<(Region, RuleName)>,
    coverage: CoverageReport,
    worst: Vec<FindingRow>,
    waived: BTreeMap<String, u64>,
    recording: Recording,
    problems: Vec<Problem>,
    problem_count: u64,
}

impl<'a> ReportBuilder<'a> {
    /// A report on all accounts, or on those of an owner.
    pub fn new(
        policy: &'a ReportPolicy,
        period: Period,
        owner: Option<String>,
        compared_with: Option<Month>,
    ) -> Self {
        Self {
            policy,
            period,
            owner,
            compared_with,
            totals: Tally::default(),
            by_severity: BTreeMap::new(),
            by_owner: BTreeMap::new(),
            by_unit: BTreeMap::new(),
            by_source: BTreeMap::new(),
            accounts: BTreeMap::new(),
            rules: Rules::new(&policy.findings),
            organization_rules: BTreeSet::new(),
            coverage: CoverageReport::default(),
            worst: Vec::new(),
            waived: BTreeMap::new(),
            recording: Recording::default(),
            problems: Vec::new(),
            problem_count: 0,
        }
    }

    /// Adds an account. One of another owner is left out, and so is one that was added before.
    pub fn add(&mut self, account: &AccountMonth) {
        let is_other = self.owner.is_some() && self.owner != account.owner;
        if is_other || self.accounts.contains_key(&account.account) {
            return;
        }
        let mut entry = AccountEntry::new(account, self.policy);
        for rule in &account.rules {
            let at = self.rules.add(rule);
            entry.add(at, rule);
            self.add_coverage(rule.coverage);
            self.totals.add(&rule.tally);
            let severity = self.rules.severity(at);
            add_to(&mut self.by_severity, severity, &rule.tally);
            let source = rule.rule.source();
            add_to(&mut self.by_source, source.to_string(), &rule.tally);
        }
        self.organization_rules.extend(account.organization_rules());
        self.rules.add_account(&account.account, &entry.cells);
        let tally = &entry.line.tally;
        let owner = account.owner.clone().unwrap_or_default();
        add_to(&mut self.by_owner, owner, tally);
        add_to(&mut self.by_unit, entry.line.unit.clone(), tally);
        self.coverage.accounts += 1;
        let is_unknown = account.regions.is_empty() || !entry.line.unknown_regions.is_empty();
        self.coverage.accounts_unknown += u64::from(is_unknown);
        for (waiver, count) in &account.waived {
            *self.waived.entry(waiver.clone()).or_default() += count;
        }
        self.recording.add(&account.account, &account.recorded);
        self.add_problems(&account.problems);
        self.worst = worst_of(self.worst.iter().chain(&account.worst).collect());
        self.accounts.insert(account.account.clone(), entry);
    }

    /// Returns the rules that some account has as organization rules, by region and own name: the
    /// next month expects them there in every account.
    pub fn organization_rules(&self) -> &BTreeSet<(Region, RuleName)> {
        &self.organization_rules
    }

    /// Ends the report. `trend` has months before this one, in any order.
    pub fn finish(
        self,
        trend: Vec<TrendPoint>,
        made_at: Timestamp,
        engine: EngineUsage,
    ) -> MonthReport {
        let (order, rules) = self.rules.lines();
        let cells = lines::cells(&self.accounts, &order);
        let first = first::steps(&self.rules);
        let waivers = waivers::lines(
            self.policy,
            self.period,
            &self.waived,
            self.owner.is_some().then_some(&self.accounts),
        );
        let accounts: Vec<_> = (self.accounts.into_values())
            .map(|entry| entry.line)
            .collect();
        let point = TrendPoint {
            month: self.period.month,
            totals: self.totals,
            accounts: self.coverage.accounts,
            expected: self.coverage.expected,
            known: self.coverage.known,
        };
        MonthReport {
            version: VERSION,
            period: self.period,
            owner: self.owner,
            compared_with: self.compared_with,
            made_at,
            engine,
            totals: self.totals,
            by_severity: self.by_severity,
            by_owner: self.by_owner,
            by_unit: self.by_unit,
            by_source: self.by_source,
            oldest: accounts.iter().filter_map(|line| line.oldest).min(),
            accounts,
            rules,
            cells,
            coverage: self.coverage,
            worst: self.worst,
            first,
            waivers,
            recording: self.recording.report(self.policy.history),
            problems: self.problems,
            problem_count: self.problem_count,
            trend: summary::trend(trend, point, self.policy.trend_months),
        }
    }

    fn add_coverage(&mut self, coverage: Coverage) {
        self.coverage.expected += 1;
        match coverage {
            Coverage::Known | Coverage::NothingToEvaluate => self.coverage.known += 1,
            Coverage::Missing => self.coverage.missing += 1,
            Coverage::Unknown(reason) => {
                *self.coverage.unknown.entry(reason).or_default() += 1;
            }
        }
    }

    fn add_problems(&mut self, problems: &[Problem]) {
        self.problem_count += problems.len() as u64;
        self.problems.extend_from_slice(problems);
        self.problems.sort();
        self.problems.truncate(MAX_PROBLEMS);
    }
}

fn add_to<K: Ord>(tallies: &mut BTreeMap<K, Tally>, key: K, tally: &Tally) {
    tallies.entry(key).or_default().add(tally);
}

#[cfg(test)]
pub(crate) mod tests;
