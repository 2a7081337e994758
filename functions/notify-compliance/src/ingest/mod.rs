//! Ingest: observations of AWS Config become states of findings, and entries in the outboxes of
//! routes.
//!
//! Deliberately absent: sentences for people, which are made when an entry is delivered.

use banto_domain::Breach;
use banto_domain::compliance::FindingKey;
use banto_domain::policy::CompliancePolicy;
use banto_lambda::Invocation;
use banto_ports::PortError;

mod account_memory;
mod accounts;
mod apply;
pub mod check;
mod observe;
pub mod plan;
pub mod ports;
pub mod reconcile;
pub(crate) mod report;
pub mod snapshot;

pub use account_memory::AccountMemory;

use crate::event::{Observation, Scope};
use plan::Plan;
use ports::Ports;
use report::{DryRun, Ingested};
use snapshot::{Job, Snapshot};

/// How often a finding is planned, since another run may change it first. Each conflict means that
/// another run got on, so that three in a row are rare; after them the record comes again by the
/// queue.
const ATTEMPTS: usize = 3;

/// Ingests observations: observe, plan, check, apply; then queues deliveries on the routes that
/// have something new.
pub async fn ingest(
    ports: &Ports,
    policy: &CompliancePolicy,
    observations: Vec<Observation>,
) -> Ingested {
    let mut ingested = Ingested::default();
    let mut to_plan = observations;
    for attempt in 1..=ATTEMPTS {
        if to_plan.is_empty() {
            break;
        }
        let Some((snapshot, plan)) = planned(ports, policy, &to_plan).await else {
            ingested.failed.extend(keys_of(&to_plan));
            break;
        };
        ingested.add_plan(&snapshot, &plan);
        let is_last = attempt == ATTEMPTS;
        let conflicts = ingested.add_outcomes(apply::apply(ports, &plan).await, is_last);
        to_plan.retain(|observation| conflicts.contains(&observation.key));
    }
    queue_deliveries(ports, policy, &mut ingested).await;
    ingested
}

/// Plans what observations and the comparison of accounts would change, and ends after `check`.
pub(crate) async fn dry_run(
    ports: &Ports,
    policy: &CompliancePolicy,
    mut observations: Vec<Observation>,
    scope: Scope,
    invocation: &Invocation,
) -> Result<DryRun, PortError> {
    let not_compared =
        reconcile::observe_accounts(ports, scope, &mut observations, invocation).await?;
    let (snapshot, plan, refused) = checked(ports, policy, &observations).await?;
    Ok(DryRun {
        plan,
        refused,
        not_compared,
        unknown_accounts: snapshot.unknown_accounts(),
    })
}

/// The plan, if it can be made and `check` does not refuse it.
async fn planned(
    ports: &Ports,
    policy: &CompliancePolicy,
    observations: &[Observation],
) -> Option<(Snapshot, Plan)> {
    match checked(ports, policy, observations).await {
        Ok((snapshot, plan, breaches)) if breaches.is_empty() => Some((snapshot, plan)),
        Ok((_, _, breaches)) => {
            tracing::error!(breaches = Breach::join(&breaches), "findings' plan refused");
            None
        }
        Err(error) => {
            tracing::error!(%error, "findings could not be observed");
            None
        }
    }
}

/// The way that a dry run and a real one share: observe, plan, log, check.
async fn checked(
    ports: &Ports,
    policy: &CompliancePolicy,
    observations: &[Observation],
) -> Result<(Snapshot, Plan, Vec<Breach>), PortError> {
    let now = ports.clock.now();
    let job = Job {
        observations,
        policy,
    };
    let snapshot = observe::observe(ports, &job, now).await?;
    let plan = plan::plan(&snapshot, policy, now);
    tracing::debug!(plan = %serde_json::json!(plan), "findings planned");
    let breaches = check::check(&snapshot, &plan, policy, now);
    Ok((snapshot, plan, breaches))
}

/// Queues deliveries. (A change goes on in `lib.rs`, where their messages come to `deliver_on`.) If
/// that fails, all findings of this time have failed: whoever brings them again has their routes
/// queued again.
async fn queue_deliveries(ports: &Ports, policy: &CompliancePolicy, ingested: &mut Ingested) {
    let queued = ports
        .delivery_queue
        .queue_deliveries(&ingested.routes, policy.window)
        .await;
    if let Err(error) = queued {
        tracing::error!(routes = ?ingested.routes, %error, "deliveries could not be queued");
        ingested.failed.append(&mut ingested.awaiting_delivery);
    }
}

fn keys_of(observations: &[Observation]) -> impl Iterator<Item = FindingKey> {
    observations
        .iter()
        .map(|observation| observation.key.clone())
}
