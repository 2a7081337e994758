//! Ingest: observations of AWS Config become states of findings, and entries in the outboxes of
//! routes.
//!
//! Deliberately absent: sentences for people, which are made when an entry is delivered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use banto_domain::Breach;
use banto_domain::compliance::{FindingKey, FindingState, Lane, Source};
use banto_domain::policy::CompliancePolicy;
use banto_lambda::Invocation;
use banto_ports::{ErrorKind, PortError};
use jiff::SignedDuration;

mod apply;
pub mod check;
mod observe;
pub mod plan;
pub mod ports;
pub mod reconcile;
pub(crate) mod report;
pub mod snapshot;
#[cfg(test)]
mod tests;

pub use ports::Registered;
pub(crate) use reconcile::dry_run;

use crate::event::{Observation, Verdict};
use apply::{ChainOutcome, Unsaved};
use plan::{Chain, Plan};
use ports::Ports;
use report::Ingested;
use snapshot::{Job, Snapshot};

/// Number of times that a finding is planned, since another run may change it first. Each conflict
/// means that another run got on, so that three in a row are rare; after them the record comes
/// again by the queue.
const ATTEMPTS: usize = 3;

/// Longest time that a call of AWS's SDK takes with all its attempts, 25 s, and some to spare.
/// Nothing is begun without it.
const CALL_TIME: Duration = Duration::from_secs(30);

/// Longest time that an urgent entry waits for others to be told with it. N6 promises two minutes
/// from event to message, of which the way to the function and the delivery need the other half.
const URGENT_WINDOW: SignedDuration = SignedDuration::from_secs(60);

/// Time in which a plan is saved, as long as nothing is throttled: a delivery that is queued ahead
/// comes after it. One that comes earlier all the same is queued once more when the plan is saved.
const SAVED_WITHIN: SignedDuration = SignedDuration::from_secs(30);

/// Ingests observations: observe, plan, check, apply; then queues deliveries on the routes that
/// have something new.
pub async fn ingest(
    ports: &Ports,
    policy: &CompliancePolicy,
    observations: Vec<Observation>,
    invocation: &Invocation,
) -> Ingested {
    let mut ingested = Ingested::default();
    let mut to_plan = observations;
    for attempt in 1..=ATTEMPTS {
        if to_plan.is_empty() {
            break;
        }
        let conflicts = attempt_at(ports, policy, &to_plan, &mut ingested, invocation).await;
        if attempt == ATTEMPTS {
            ingested.fail(conflicts, "other runs kept changing it first");
            break;
        }
        to_plan.retain(|observation| conflicts.contains(&observation.key));
    }
    queue_deliveries(ports, &mut ingested).await;
    ingested
}

/// Compares the routes of findings with those that were told, and puts what differs into outboxes.
/// A finding without a state is nothing.
///
/// # Errors
/// If the table can't be read.
pub(crate) async fn recheck(
    ports: &Ports,
    policy: &CompliancePolicy,
    keys: Vec<FindingKey>,
    invocation: &Invocation,
) -> Result<Ingested, PortError> {
    let states = ports.findings.findings(&keys).await?;
    queue_on_routes_of_today(ports, policy, &keys).await?;
    let observations = states
        .values()
        .map(|state| as_known(state, Source::Event))
        .collect();
    Ok(ingest(ports, policy, observations, invocation).await)
}

/// Queues deliveries where findings are about to be moved. If the run ended after the move and before
/// that, nobody would look there until the next day: the old route knows of the findings no longer.
async fn queue_on_routes_of_today(
    ports: &Ports,
    policy: &CompliancePolicy,
    keys: &[FindingKey],
) -> Result<(), PortError> {
    let accounts = keys.iter().map(|key| key.account.clone()).collect();
    let infos = ports.accounts.look_up(policy, &accounts).await?.infos;
    let mut deliveries = BTreeMap::new();
    for key in keys {
        let info = infos.get(&key.account);
        let routes = info.map(|info| policy.routes_of(&key.rule, info));
        for route in routes.unwrap_or_default() {
            deliveries.insert(route.name, policy.window.min(URGENT_WINDOW));
        }
    }
    ports.delivery_queue.queue_deliveries(&deliveries).await
}

/// An observation of nothing new. It has the state's time, as one that is repeated: its routes are
/// delivered on, for an earlier run may have ended before it queued that.
fn as_known(state: &FindingState, source: Source) -> Observation {
    Observation {
        key: state.key.clone(),
        evaluated_in: state.evaluated_in.clone(),
        verdict: Verdict::AsKnown,
        was: None,
        recorded_at: state.recorded_at,
        source,
        annotation: None,
    }
}

/// One attempt at observations. Returns the findings that another run changed first.
async fn attempt_at(
    ports: &Ports,
    policy: &CompliancePolicy,
    observations: &[Observation],
    ingested: &mut Ingested,
    invocation: &Invocation,
) -> BTreeSet<FindingKey> {
    if !invocation.has_time_for(CALL_TIME) {
        ingested.held_up.extend(keys_of(observations));
        return BTreeSet::new();
    }
    let (snapshot, mut plan) = match planned(ports, policy, observations).await {
        Ok(planned) => planned,
        Err(error) if error.kind == ErrorKind::Unreadable && keys_of(observations).len() > 1 => {
            // What another release wrote of one finding holds up no other.
            let mut conflicts = BTreeSet::new();
            for half in halves(observations) {
                let half = Box::pin(attempt_at(ports, policy, &half, ingested, invocation));
                conflicts.extend(half.await);
            }
            return conflicts;
        }
        Err(error) => {
            for key in keys_of(observations) {
                ingested.add_error(key, &error);
            }
            return BTreeSet::new();
        }
    };
    ingested.add_plan(&snapshot, &plan);
    refuse(&snapshot, &mut plan, policy, ports, ingested);
    note_deliveries(&plan.chains, policy, ingested);
    if observations.iter().any(comes_once) && !queue_ahead(ports, ingested).await {
        ingested.held_up.extend(keys_of(observations));
        return BTreeSet::new();
    }
    let outcomes = apply::apply(ports, policy, &plan.chains, invocation).await;
    add_outcomes(outcomes, ingested)
}

/// True if no queue brings the observation again once it was saved: it is then as known.
fn comes_once(observation: &Observation) -> bool {
    observation.source != Source::Event || observation.verdict == Verdict::AsKnown
}

/// Queues deliveries of what is about to be saved, late enough to come after that. Returns false if
/// that fails.
async fn queue_ahead(ports: &Ports, ingested: &Ingested) -> bool {
    let mut ahead = ingested.deliveries.clone();
    for after in ahead.values_mut() {
        *after = SAVED_WITHIN.max(*after);
    }
    let queued = ports.delivery_queue.queue_deliveries(&ahead).await;
    if let Err(error) = &queued {
        tracing::error!(%error, "deliveries could not be queued, so that nothing is saved");
    }
    queued.is_ok()
}

/// The way that a dry run and a real one share: observe, plan, log.
async fn planned(
    ports: &Ports,
    policy: &CompliancePolicy,
    observations: &[Observation],
) -> Result<(Snapshot, Plan), PortError> {
    let job = Job {
        observations,
        policy,
    };
    let snapshot = observe::observe(ports, &job).await?;
    let plan = plan::plan(&snapshot, policy, ports.clock.now());
    tracing::debug!(plan = %serde_json::json!(plan), "findings planned");
    Ok((snapshot, plan))
}

/// Takes the chains out of a plan that break a promise: a failure stops its own chain only.
fn refuse(
    snapshot: &Snapshot,
    plan: &mut Plan,
    policy: &CompliancePolicy,
    ports: &Ports,
    ingested: &mut Ingested,
) {
    let now = ports.clock.now();
    plan.chains.retain(|chain| {
        let breaches = check::check_chain(chain, snapshot, policy, now);
        if breaches.is_empty() {
            return true;
        }
        let breaches = Breach::join(&breaches).to_string();
        tracing::error!(breaches, "a finding's plan was refused");
        ingested.failed.insert(chain.key.clone(), breaches);
        false
    });
}

/// Notes the routes of all chains, whatever becomes of them: an answer may be lost of what was
/// saved, and a delivery that finds nothing does no harm.
fn note_deliveries(chains: &[Chain], policy: &CompliancePolicy, ingested: &mut Ingested) {
    let window = |lane: Lane| {
        if lane.is_urgent() {
            policy.window.min(URGENT_WINDOW)
        } else {
            policy.window
        }
    };
    for chain in chains {
        for (route, entry) in &chain.entries {
            ingested.add_delivery(route, window(entry.lane()));
        }
        let lane = Lane::of(policy.findings.severity_of(&chain.key.rule), Source::Event);
        for route in &chain.redeliver {
            ingested.add_delivery(route, window(lane));
        }
        ingested.awaiting_delivery.insert(chain.key.clone());
    }
}

fn add_outcomes(outcomes: Vec<ChainOutcome>, ingested: &mut Ingested) -> BTreeSet<FindingKey> {
    let mut conflicts = BTreeSet::new();
    for ChainOutcome { key, saved } in outcomes {
        match saved {
            Ok(entries) => {
                ingested.saved += 1;
                ingested.queued += entries;
            }
            Err(Unsaved::Conflict) => {
                conflicts.insert(key);
            }
            Err(Unsaved::NoTime) => {
                ingested.held_up.insert(key);
            }
            Err(Unsaved::Failed(error)) => ingested.add_error(key, &error),
        }
    }
    conflicts
}

/// Queues deliveries. (A change goes on in `lib.rs`, where their messages come to `deliver_on`.) If
/// that fails, all findings of this time are held up: whoever brings them again has their routes
/// queued again.
async fn queue_deliveries(ports: &Ports, ingested: &mut Ingested) {
    let queued = ports
        .delivery_queue
        .queue_deliveries(&ingested.deliveries)
        .await;
    if let Err(error) = queued {
        let routes: Vec<&String> = ingested.deliveries.keys().collect();
        tracing::error!(?routes, %error, "deliveries could not be queued");
        let awaiting = std::mem::take(&mut ingested.awaiting_delivery);
        let awaiting = awaiting.into_iter();
        let not_failed = awaiting.filter(|key| !ingested.failed.contains_key(key));
        ingested.held_up.extend(not_failed);
    }
}

/// Observations in two parts, all of one finding in the same.
fn halves(observations: &[Observation]) -> [Vec<Observation>; 2] {
    let keys = keys_of(observations);
    let middle = keys.iter().nth(keys.len() / 2);
    let (first, second) = observations
        .iter()
        .cloned()
        .partition(|observation| middle.is_some_and(|middle| observation.key < *middle));
    [first, second]
}

fn keys_of(observations: &[Observation]) -> BTreeSet<FindingKey> {
    let keys = observations
        .iter()
        .map(|observation| observation.key.clone());
    keys.collect()
}
