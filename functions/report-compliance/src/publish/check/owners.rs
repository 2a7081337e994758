//! Checks of owners' reports: each has only what is the owner's, and all of it.

use std::collections::BTreeSet;

use banto_domain::AccountId;

use crate::model::{MonthReport, Tally};

/// An owner's report names accounts of the owner only, wherever it names one.
pub(super) fn all_is_of_the_owner(report: &MonthReport) -> Option<String> {
    let Some(owner) = &report.owner else {
        return None;
    };
    if let Some(other) = report
        .accounts
        .iter()
        .find(|line| line.owner.as_ref() != Some(owner))
    {
        return Some(format!("{} is not the owner's", other.account));
    }
    if let Some(other) = report.by_owner.keys().find(|other| *other != owner) {
        return Some(format!("has numbers of {other:?}"));
    }
    let own: BTreeSet<&AccountId> = report.accounts.iter().map(|line| &line.account).collect();
    let other = accounts(report).find(|account| !own.contains(account))?;
    Some(format!("names {other}, which is not the owner's"))
}

/// All accounts that a report names outside its list of accounts.
fn accounts(report: &MonthReport) -> impl Iterator<Item = &AccountId> {
    let worst = report.worst.iter().map(|row| &row.key.account);
    let first = report.first.iter().map(|step| &step.most_in);
    let recorded = report.recording.contributors.iter();
    let waived = report
        .waivers
        .iter()
        .filter_map(|line| line.account.as_ref());
    worst
        .chain(first)
        .chain(recorded.map(|line| &line.account))
        .chain(waived)
}

/// An owner's report has the numbers that the report on all accounts has of the owner.
pub(super) fn is_part_of(owner: &str, part: &MonthReport, all: &MonthReport) -> Option<String> {
    if part.owner.as_deref() != Some(owner) {
        return Some("the report is of somebody else".to_owned());
    }
    let nothing = Tally::default();
    let totals = all.by_owner.get(owner).unwrap_or(&nothing);
    if *totals != part.totals {
        return Some("the report has other numbers than the report on all accounts".to_owned());
    }
    let of_owner = all
        .accounts
        .iter()
        .filter(|line| line.owner.as_deref() == Some(owner));
    (!of_owner.eq(&part.accounts))
        .then(|| "the report has other accounts than the report on all accounts".to_owned())
}
