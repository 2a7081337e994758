//! What later months need of a month.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::{Region, RuleName};

use crate::model::{MonthReport, MonthSummary, TrendPoint, VERSION};

/// Returns what later months need of a report and of its owners' reports, by owner.
pub fn summary(
    report: &MonthReport,
    owners: &BTreeMap<String, MonthReport>,
    organization_rules: &BTreeSet<(Region, RuleName)>,
) -> MonthSummary {
    let by_owner = owners.iter();
    MonthSummary {
        version: VERSION,
        made_at: report.made_at,
        all: point(report),
        by_owner: by_owner
            .map(|(owner, report)| (owner.clone(), point(report)))
            .collect(),
        accounts: report
            .accounts
            .iter()
            .map(|line| line.account.clone())
            .collect(),
        organization_rules: organization_rules.iter().cloned().collect(),
    }
}

/// A report's own place in the trend.
fn point(report: &MonthReport) -> TrendPoint {
    TrendPoint {
        month: report.period.month,
        totals: report.totals,
        accounts: report.coverage.accounts,
        expected: report.coverage.expected,
        known: report.coverage.known,
    }
}

/// Puts a month behind those before it, and keeps the last ones. A month that is made anew may have
/// later ones, which are no part of it.
pub(super) fn trend(before: Vec<TrendPoint>, this: TrendPoint, most: usize) -> Vec<TrendPoint> {
    let points = before.into_iter().filter(|point| point.month < this.month);
    let mut by_month: BTreeMap<_, _> = points.map(|point| (point.month, point)).collect();
    by_month.insert(this.month, this);
    let surplus = by_month.len().saturating_sub(most.max(1));
    by_month.into_values().skip(surplus).collect()
}
