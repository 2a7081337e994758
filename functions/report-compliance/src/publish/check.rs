//! Looks at a report a second time: a table of checks, each of which adds up anew.

use std::collections::BTreeMap;

use banto_domain::Breach;

use crate::model::MonthReport;

mod owners;
mod sums;

/// Returns what is wrong with one report, if something is.
type Check = fn(&MonthReport) -> Option<String>;

/// The promises of docs/SEMANTICS.md that each report keeps, with the check that finds a breach of it.
const CHECKS: &[(&str, Check)] = &[
    ("C3", sums::parts_add_up),
    ("C3", sums::cells_add_up),
    ("C3", sums::coverage_adds_up),
    ("C3", sums::first_steps_add_up),
    ("C3", sums::recorded_items_add_up),
    ("C3", sums::the_worst_are_open_and_in_order),
    ("C3", sums::the_trend_ends_with_this_month),
    ("C4", owners::all_is_of_the_owner),
];

/// Returns the promises that a report on all accounts would break, and those that the owners'
/// reports would, by owner.
pub fn check(report: &MonthReport, owners: &BTreeMap<String, MonthReport>) -> Vec<Breach> {
    let mut breaches = check_report("all accounts", report);
    for (owner, of_owner) in owners {
        breaches.extend(check_report(owner, of_owner));
        let what = owners::is_part_of(owner, of_owner, report);
        breaches.extend(what.map(|what| Breach::new("C4", owner, what)));
    }
    breaches
}

fn check_report(subject: &str, report: &MonthReport) -> Vec<Breach> {
    let breaches = CHECKS.iter().filter_map(|(promise, check)| {
        let what = check(report)?;
        Some(Breach::new(promise, subject, what))
    });
    breaches.collect()
}

#[cfg(test)]
mod tests;
