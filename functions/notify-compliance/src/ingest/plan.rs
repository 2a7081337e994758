//! Plans what observations change, and on which routes people are notified: pure.

use std::collections::BTreeMap;

use banto_domain::compliance::{AccountInfo, FindingKey, FindingState};
use banto_domain::policy::CompliancePolicy;
use banto_ports::FindingChange;
use jiff::Timestamp;
use serde::Serialize;

use super::snapshot::Snapshot;
use crate::event::Observation;

#[cfg(test)]
mod tests;
mod transition;

pub use transition::Skipped;
use transition::{Context, transition};

/// A chain for each finding that changes, in the order of findings.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub chains: Vec<Chain>,
    /// How many observations change nothing, by reason.
    pub skipped: BTreeMap<Skipped, usize>,
}

/// The changes of one finding, in their order.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Chain {
    pub key: FindingKey,
    /// Empty where only its routes are to be delivered on.
    pub changes: Vec<FindingChange>,
    /// Routes whose outbox may hold an entry of an earlier run that ended before it queued the
    /// delivery.
    pub redeliver: Vec<String>,
}

pub fn plan(snapshot: &Snapshot, policy: &CompliancePolicy, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    for (key, observations) in by_finding(&snapshot.observations) {
        let Some(account) = snapshot.accounts.get(&key.account) else {
            continue;
        };
        let name = snapshot.names.get(key).map(String::as_str);
        let context = Context {
            policy,
            account,
            is_waived: policy.waiver_of(key, name, now).is_some(),
            now,
        };
        let state = snapshot.findings.get(key);
        let chain = plan_chain(key, state, &observations, &context, &mut plan.skipped);
        if !chain.changes.is_empty() || !chain.redeliver.is_empty() {
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
    state: Option<&FindingState>,
    observations: &[&Observation],
    context: &Context<'_>,
    skipped: &mut BTreeMap<Skipped, usize>,
) -> Chain {
    let mut state = state.cloned();
    let mut chain = Chain {
        key: key.clone(),
        changes: Vec::new(),
        redeliver: Vec::new(),
    };
    for observation in observations {
        match transition(state.as_ref(), observation, context) {
            Ok(change) => {
                state = Some(change.after.clone());
                chain.changes.push(change);
            }
            Err(reason) => {
                *skipped.entry(reason).or_default() += 1;
                if may_be_repeated(state.as_ref(), observation) {
                    let routes = routes_of(key, context.policy, context.account);
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

fn routes_of(key: &FindingKey, policy: &CompliancePolicy, account: &AccountInfo) -> Vec<String> {
    let routes = policy.routes_of(&key.rule, account);
    routes.into_iter().map(|route| route.name.clone()).collect()
}
