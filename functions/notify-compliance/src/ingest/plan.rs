//! Plans what observations change, and on which routes people are told: pure.

use std::collections::BTreeMap;

use banto_domain::compliance::{AccountInfo, FindingKey, FindingState, OutboxEntry};
use banto_domain::policy::CompliancePolicy;
use banto_ports::FindingChange;
use jiff::Timestamp;
use serde::Serialize;

use super::snapshot::Snapshot;
use crate::event::Observation;

mod flapping;
mod judgement;
mod routing;
#[cfg(test)]
mod tests;
mod transition;

pub use judgement::Skipped;
pub(crate) use judgement::{is_due, is_unsure};
use transition::{Transition, transition};

/// A chain for each finding that changes, in the order of findings.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub chains: Vec<Chain>,
    /// The number of observations that change nothing, by reason.
    pub skipped: BTreeMap<Skipped, usize>,
}

/// The change of one finding. Several observations of it make one change of its state, and entries
/// in the order of what was observed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Chain {
    pub key: FindingKey,
    /// `None` where only its routes are to be delivered on.
    pub change: Option<FindingChange>,
    /// Entries with the names of the routes whose outboxes they go into.
    pub entries: Vec<(String, OutboxEntry)>,
    /// Routes whose outbox may hold an entry of an earlier run that ended before it queued the
    /// delivery.
    pub redeliver: Vec<String>,
}

/// Everything that a plan for one finding depends on besides its state and its observations.
struct Context<'a> {
    policy: &'a CompliancePolicy,
    account: &'a AccountInfo,
    is_waived: bool,
    now: Timestamp,
}

pub fn plan(snapshot: &Snapshot, policy: &CompliancePolicy, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    for (key, observations) in by_finding(&snapshot.observations) {
        let Some(account) = snapshot.accounts.get(&key.account) else {
            continue;
        };
        if snapshot.nameless.contains(key) {
            continue;
        }
        let context = Context {
            policy,
            account,
            is_waived: policy
                .findings
                .waiver_of(key, snapshot.name_of(key), now)
                .is_some(),
            now,
        };
        let state = snapshot.findings.get(key);
        let chain = plan_chain(key, state, &observations, &context, &mut plan.skipped);
        if chain.change.is_some() || !chain.redeliver.is_empty() {
            plan.chains.push(chain);
        }
    }
    plan
}

/// Observations of each finding, the oldest first.
fn by_finding(observations: &[Observation]) -> BTreeMap<&FindingKey, Vec<&Observation>> {
    let mut by_finding: BTreeMap<&FindingKey, Vec<&Observation>> = BTreeMap::new();
    for observation in observations {
        by_finding
            .entry(&observation.key)
            .or_default()
            .push(observation);
    }
    for observations in by_finding.values_mut() {
        observations.sort_by_key(|observation| observation.recorded_at);
    }
    by_finding
}

/// Each observation meets the state that the one before it left.
fn plan_chain(
    key: &FindingKey,
    before: Option<&FindingState>,
    observations: &[&Observation],
    context: &Context<'_>,
    skipped: &mut BTreeMap<Skipped, usize>,
) -> Chain {
    let mut chain = Chain {
        key: key.clone(),
        change: None,
        entries: Vec::new(),
        redeliver: Vec::new(),
    };
    for observation in observations {
        let state = chain.change.as_ref().map(|change| &change.after).or(before);
        match transition(state, observation, context) {
            Ok(Transition { after, entries }) => {
                chain.entries.extend(entries);
                chain.change = Some(FindingChange {
                    expected_revision: before.map(|before| before.revision),
                    after,
                });
            }
            Err(reason) => {
                *skipped.entry(reason).or_default() += 1;
                if may_be_repeated(state, observation) {
                    let mut routes = routing::routes_today(key, context);
                    routes.extend(state.into_iter().flat_map(|state| state.told.clone()));
                    chain.redeliver.extend(routes);
                }
            }
        }
    }
    chain
}

/// True if the observation may have been ingested before: it has the state's time. Whoever did so
/// may have ended before it queued the delivery.
fn may_be_repeated(state: Option<&FindingState>, observation: &Observation) -> bool {
    state.is_some_and(|state| state.recorded_at == observation.recorded_at)
}
