//! The routes that are to know that a finding is open, and the news of each: pure.

use std::collections::BTreeSet;

use banto_domain::compliance::{Change, Compliance, FindingKey, FindingState};

use super::Context;
use crate::event::Verdict;

/// A change of what routes are to know.
pub(super) struct Rerouting<'a> {
    /// The routes that were told that the finding is open.
    pub(super) told: &'a BTreeSet<String>,
    /// The state from now on, in which `told` is what they are to know.
    pub(super) after: &'a FindingState,
    /// True if it flaps from now on.
    pub(super) begins_to_flap: bool,
    /// The verdict of the observation that makes the change.
    pub(super) verdict: Verdict,
}

/// The names of the routes on which a finding belongs today.
pub(super) fn routes_today(key: &FindingKey, context: &Context<'_>) -> BTreeSet<String> {
    let routes = context.policy.routes_of(&key.rule, context.account);
    routes.into_iter().map(|route| route.name).collect()
}

/// The routes that are to know that a finding is open. A waiver keeps it from those that do not
/// know yet.
pub(super) fn wanted(state: &FindingState, context: &Context<'_>) -> BTreeSet<String> {
    if !counts_as_open(state) {
        return BTreeSet::new();
    }
    let today = routes_today(&state.key, context);
    if context.is_waived {
        return today.intersection(&state.told).cloned().collect();
    }
    today
}

/// The news of each route, by name.
pub(super) fn news(rerouting: &Rerouting<'_>, context: &Context<'_>) -> Vec<(String, Change)> {
    let Rerouting { told, after, .. } = rerouting;
    let mut news = Vec::new();
    for route in told.union(&after.told) {
        let (knew, knows) = (told.contains(route), after.told.contains(route));
        let change = match (knew, knows) {
            (false, _) => Some(beginning(after)),
            (true, false) => Some(ending(rerouting, context)),
            (true, true) if rerouting.begins_to_flap && !context.is_waived => {
                Some(Change::Flapping { was_open: true })
            }
            (true, true) => None,
        };
        news.extend(change.map(|change| (route.clone(), change)));
    }
    news
}

fn counts_as_open(state: &FindingState) -> bool {
    state.compliance == Compliance::Noncompliant || state.flapping
}

fn beginning(after: &FindingState) -> Change {
    if after.flapping {
        Change::Flapping { was_open: false }
    } else {
        Change::Found
    }
}

/// Only what AWS Config calls compliant is resolved.
fn ending(rerouting: &Rerouting<'_>, context: &Context<'_>) -> Change {
    if counts_as_open(rerouting.after) {
        let to = routes_today(&rerouting.after.key, context);
        return Change::Moved {
            to: to.into_iter().collect(),
        };
    }
    match rerouting.verdict {
        Verdict::Compliant => Change::Resolved,
        Verdict::Noncompliant
        | Verdict::NotEvaluated
        | Verdict::Unknown
        | Verdict::Absent
        | Verdict::AsKnown => Change::Closed,
    }
}
