//! Fan-out: an event, the schedule or a request becomes messages on the queue, one for each account.
//!
//! It also edits the tags and the organizational unit of accounts, on request only, and deletes the status
//! of accounts that have left the Organization.

use banto_domain::Breach;
use banto_domain::policy::OnboardingPolicy;
use banto_lambda::{InvocationError, Response};
use jiff::Timestamp;

pub mod apply;
pub mod check;
pub mod notices;
pub mod observe;
pub mod plan;
pub mod ports;
pub mod report;
pub mod snapshot;

use crate::event::FanOutRequest;

/// The common way of a fan-out and of its dry run: observe, plan, log, check.
pub async fn plan_request(
    ports: &ports::Ports,
    request: &FanOutRequest,
    policy: &OnboardingPolicy,
    now: Timestamp,
) -> Result<(plan::Plan, Vec<Breach>), InvocationError> {
    let snapshot = observe::observe(ports, request, now)
        .await
        .map_err(|error| InvocationError::new("OrganizationUnreachable", error))?;
    let plan = plan::plan(&snapshot, policy, now);
    tracing::info!(
        cause = ?request.cause,
        accounts = snapshot.accounts.len(),
        departed = snapshot.departed.len(),
        edits = %serde_json::json!(plan.edits),
        "fan-out planned"
    );
    let breaches = check::check(&snapshot, &plan, policy, now);
    Ok((plan, breaches))
}

/// Applies a plan that no promise speaks against, and answers.
pub async fn apply_plan(
    ports: &ports::Ports,
    plan: &plan::Plan,
    breaches: &[Breach],
) -> Result<Response, InvocationError> {
    if !breaches.is_empty() {
        let breaches = Breach::join(breaches);
        tracing::error!(breaches, "fan-out plan refused");
        let error = anyhow::anyhow!("the plan would break {breaches}");
        return Err(InvocationError::new("PlanRefused", error));
    }
    apply::apply(ports, plan).await?;
    let response = report::report(plan);
    tracing::info!(response = %response.body, "accounts sent to the queue");
    Ok(response)
}
