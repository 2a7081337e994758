//! What observations change, and on which routes that is to be told: pure.

use std::collections::BTreeMap;

use banto_domain::AccountId;
use banto_domain::compliance::{
    AccountInfo, Compliance, FindingKey, FindingState, OutboxEntry, Source,
};
use banto_domain::policy::CompliancePolicy;
use banto_ports::FindingChange;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::event::Observation;

#[cfg(test)]
mod tests;

/// How long changes count for whether a finding flaps.
const FLAPPING: SignedDuration = SignedDuration::from_hours(24);

/// What is known before a plan is made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// The findings that are known.
    pub known: BTreeMap<FindingKey, FindingState>,
    /// The accounts; one that can't be looked up is left out, and nothing is planned of it.
    pub accounts: BTreeMap<AccountId, AccountInfo>,
    /// The names of those resources that a waiver may name.
    pub names: BTreeMap<FindingKey, String>,
}

/// What is to be noted, a chain for each finding, in the order of findings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// The chains.
    pub chains: Vec<Chain>,
    /// What is not noted, and why.
    pub silent: BTreeMap<Skipped, usize>,
}

/// The changes of one finding, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// The finding.
    pub key: FindingKey,
    /// Its changes; none where only its routes are to be seen to.
    pub changes: Vec<FindingChange>,
    /// Routes that may have something waiting from an earlier, interrupted run.
    pub again: Vec<String>,
}

/// Why an observation changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Skipped {
    /// It is known already, or later news is.
    Outdated,
    /// Nothing has changed.
    Unchanged,
    /// AWS Config can't tell.
    InsufficientData,
}

/// Plans what observations change.
pub fn plan(
    observations: &[Observation],
    snapshot: &Snapshot,
    policy: &CompliancePolicy,
    now: Timestamp,
) -> Plan {
    let mut by_key: BTreeMap<&FindingKey, Vec<&Observation>> = BTreeMap::new();
    for observation in observations {
        by_key
            .entry(&observation.key)
            .or_default()
            .push(observation);
    }
    let mut plan = Plan::default();
    for (key, mut observations) in by_key {
        let Some(facts) = snapshot.accounts.get(&key.account) else {
            continue;
        };
        observations.sort_by_key(|observation| observation.at);
        let mut known = snapshot.known.get(key).cloned();
        let mut chain = Chain {
            key: key.clone(),
            changes: Vec::new(),
            again: Vec::new(),
        };
        for observation in observations {
            let is_waived = policy
                .waiver_of(key, snapshot.names.get(key).map(String::as_str), now)
                .is_some();
            match step(known.as_ref(), observation, is_waived, policy, facts, now) {
                Ok(change) => {
                    known = Some(change.after.clone());
                    chain.changes.push(change);
                }
                Err(silence) => {
                    *plan.silent.entry(silence).or_default() += 1;
                    // Seen before: whoever noted it may have ended before anybody was to tell it.
                    if known
                        .as_ref()
                        .is_some_and(|known| known.at == observation.at)
                    {
                        let routes = policy
                            .routes_of(&key.rule, facts)
                            .into_iter()
                            .map(|route| route.name.clone());
                        chain.again.extend(routes);
                    }
                }
            }
        }
        if !chain.changes.is_empty() || !chain.again.is_empty() {
            plan.chains.push(chain);
        }
    }
    plan
}

/// What one observation changes of what is known.
fn step(
    known: Option<&FindingState>,
    observation: &Observation,
    is_waived: bool,
    policy: &CompliancePolicy,
    facts: &AccountInfo,
    now: Timestamp,
) -> Result<FindingChange, Skipped> {
    let compliance = observation.compliance.ok_or(Skipped::InsufficientData)?;
    let is_comparison = observation.source == Source::Reconciliation;
    if known.is_some_and(|known| {
        observation.at < known.at || (observation.at == known.at && !is_comparison)
    }) {
        return Err(Skipped::Outdated);
    }
    // What nobody knew was in order, unless the event itself says that it was not.
    let unknown = match (compliance, observation.was) {
        (Compliance::Compliant, Some(Compliance::Noncompliant)) => Compliance::Noncompliant,
        _ => Compliance::Compliant,
    };
    let stood = known.map_or(unknown, |known| known.compliance);
    let said = known.map_or(unknown, |known| known.last_notified);
    let has_changed = compliance != stood;
    let mut changes: Vec<Timestamp> = known.map_or_else(Vec::new, |known| known.changes.clone());
    changes.extend(has_changed.then_some(observation.at));
    // What the daily comparison finds unchanged has kept still since.
    let seen_at = if is_comparison { now } else { observation.at };
    changes.retain(|at| seen_at.duration_since(*at) < FLAPPING);
    let flaps = changes.len() > policy.flapping_over;
    changes.drain(..changes.len().saturating_sub(policy.flapping_over + 1));
    let was_damped = known.is_some_and(|known| known.damped);
    let is_accepted = is_waived && compliance == Compliance::Noncompliant;
    let is_told = compliance != said && !is_accepted && !(was_damped && flaps);
    // It was otherwise before: what changed it first is still to come, and will be late then.
    let is_ahead = observation.was.is_some_and(|was| was != stood);
    if !has_changed && !is_told && !is_ahead {
        return Err(Skipped::Unchanged);
    }
    let after = FindingState {
        key: observation.key.clone(),
        compliance,
        at: observation.at,
        last_notified: if is_told { compliance } else { said },
        changes,
        damped: flaps,
    };
    let entry = OutboxEntry {
        key: observation.key.clone(),
        at: observation.at,
        compliance,
        was_notified: known.is_some_and(|known| known.last_notified == Compliance::Noncompliant),
        source: observation.source,
        severity: policy.severity_of(&observation.key.rule),
        account_name: facts.name.clone(),
        owner: policy
            .owner_tag
            .as_ref()
            .and_then(|tag| facts.tags.get(tag))
            .cloned(),
        annotation: observation.annotation.clone(),
        flapping: flaps,
    };
    let routes = if is_told {
        policy.routes_of(&observation.key.rule, facts)
    } else {
        Vec::new()
    };
    let entries = routes
        .into_iter()
        .map(|route| (route.name.clone(), entry.clone()))
        .collect();
    Ok(FindingChange {
        before: known.map(|known| known.at),
        after,
        entries,
    })
}
