//! Looks at an account's month a second time: a table of checks, each of which derives its promise
//! anew instead of trusting the planner.

use banto_domain::Breach;
use banto_domain::policy::ReportPolicy;

use super::plan::Collected;
use super::snapshot::Snapshot;

mod context;
mod coverage;
mod findings;
mod sums;

use context::Context;

/// Returns what is wrong with an account's month, if something is.
type Check = fn(&Context<'_>) -> Option<String>;

/// The promises of docs/SEMANTICS.md, each with the check that finds a breach of it.
const CHECKS: &[(&str, Check)] = &[
    ("C2", findings::each_is_there_once),
    ("C2", findings::are_of_the_account),
    ("C2", findings::open_ones_are_seen_as_not_compliant),
    ("C2", findings::what_is_seen_as_not_compliant_is_open),
    ("C2", findings::are_over_only_if_something_says_so),
    ("C2", findings::are_new_only_if_they_were_not_open),
    ("C2", findings::what_was_open_is_accounted_for),
    ("C2", findings::are_as_old_as_they_were),
    ("C2", findings::unknown_ones_have_a_reason),
    ("C2", findings::are_waived_only_by_a_waiver),
    ("C1", coverage::silent_regions_say_nothing),
    ("C1", coverage::rules_are_known_only_by_evaluations),
    ("C1", coverage::expected_rules_are_listed),
    ("C3", sums::rows_add_up),
    ("C3", sums::evaluations_add_up),
    ("C3", sums::the_oldest_and_the_worst_are_open),
    ("C3", sums::waivers_add_up),
];

/// Returns the promises that an account's month would break.
pub fn check(snapshot: &Snapshot, collected: &Collected, policy: &ReportPolicy) -> Vec<Breach> {
    let context = Context::new(snapshot, collected, policy);
    let breaches = CHECKS.iter().filter_map(|(promise, check)| {
        let what = check(&context)?;
        Some(Breach::new(promise, &collected.account.account, what))
    });
    breaches.collect()
}

#[cfg(test)]
mod tests;
