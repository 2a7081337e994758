//! Fan-out: an event, the schedule or a request becomes messages on the queue, one for each
//! account.
//!
//! It also edits the tags and the organizational unit of accounts, on request only, and deletes the
//! status of accounts that have left the Organization. An account that an event names is looked up
//! when its message comes, in [`find`], until Organizations shows it. Its steps are those of
//! `converge`; they have no argument that they don't use: the look needs no time, and the plan no
//! policy.

use std::time::Duration;

use anyhow::anyhow;
use banto_domain::policy::OnboardingPolicy;
use banto_domain::{AccountId, Breach};
use banto_lambda::{Invocation, InvocationError, Response};
use serde_json::json;

use crate::event::{FanOutRequest, Scope};
use crate::message::{Cause, FailedRequest, Message};

pub mod apply;
pub mod check;
pub mod diff;
pub mod find;
pub mod notices;
pub mod observe;
pub mod plan;
pub mod ports;
pub mod report;
pub mod snapshot;

use self::plan::{Plan, PlannedMessage};
use self::ports::Ports;

/// A plan, and what speaks against it. With anything, nothing of the plan is applied.
#[derive(Debug)]
pub struct Planned {
    pub plan: Plan,
    /// Accounts that a person named and that are not in the Organization: whoever asked learns of
    /// the mistake before anything is done.
    pub unknown: Vec<AccountId>,
    pub breaches: Vec<Breach>,
}

/// Sends a message for each account of a request.
///
/// # Errors
/// If Organizations or the queue can't be reached, if the plan is refused, or if a step of it
/// fails.
pub async fn fan_out(
    ports: &Ports,
    request: &FanOutRequest,
    policy: &OnboardingPolicy,
) -> Result<Response, InvocationError> {
    if !policy.enabled {
        return Ok(report::response(
            json!({ "nothing": "[onboarding] enabled is false" }),
        ));
    }
    if is_unresolved(request) {
        tracing::warn!(
            cause = %json!(request.cause),
            "event without a readable account or state; all accounts are looked at"
        );
    }
    if let (Scope::Accounts(accounts), true) = (&request.scope, request.cause != Cause::Asked) {
        let plan = plan::plan_event(accounts, request.cause, ports.clock.now());
        apply::apply(ports, &plan).await?;
        return Ok(report::report(&plan));
    }
    let planned = look_and_plan(ports, request, policy).await?;
    planned.refuse()?;
    apply::apply(ports, &planned.plan).await?;
    Ok(report::report(&planned.plan))
}

/// True if an event about one account did not say which.
fn is_unresolved(request: &FanOutRequest) -> bool {
    let is_about_all = matches!(request.cause, Cause::Schedule | Cause::Asked);
    request.scope == Scope::AllAccounts && !is_about_all
}

/// The common way of a fan-out and of its dry run: observe, plan, log, check.
///
/// # Errors
/// If Organizations can't be reached.
pub async fn look_and_plan(
    ports: &Ports,
    request: &FanOutRequest,
    policy: &OnboardingPolicy,
) -> Result<Planned, InvocationError> {
    let snapshot = observe::observe(ports, request)
        .await
        .map_err(|error| InvocationError::new("OrganizationUnreachable", error))?;
    let plan = plan::plan(&snapshot, ports.clock.now());
    // Not the messages: of 10,000 accounts they are more than CloudWatch Logs takes in one line.
    tracing::info!(
        cause = %json!(request.cause),
        edits = %json!(plan.edits),
        not_found = %json!(snapshot.not_found),
        departed = %json!(snapshot.departed),
        messages = plan.messages.len(),
        "fan-out planned"
    );
    let planned = Planned {
        unknown: check::unknown_accounts(&snapshot),
        breaches: check::check(&snapshot, &plan, policy),
        plan,
    };
    planned.log_refusals();
    Ok(planned)
}

/// Sends what must not be lost to the queue: Lambda gives up on an event that it was handed
/// asynchronously after two retries. (Lambda developer guide, "How Lambda handles errors and
/// retries with asynchronous invocation".)
///
/// # Errors
/// If the queue can't be reached.
pub async fn send_to_queue(ports: &Ports, message: Message) -> Result<Response, InvocationError> {
    let planned = PlannedMessage {
        message,
        delay: Duration::ZERO,
    };
    apply::send_messages(ports, &[planned]).await?;
    Ok(report::response(json!({ "queued": 1 })))
}

/// Tells people of a request that failed.
///
/// # Errors
/// If nobody could be told.
pub async fn tell_failed(
    ports: &Ports,
    failed: &FailedRequest,
    invocation: &Invocation,
) -> Result<Response, InvocationError> {
    let notice = notices::failed(failed);
    apply::tell(ports, &notice, invocation).await?;
    Ok(report::response(json!({ "told": notice.headline })))
}

impl Planned {
    /// Everything that a real run refuses, a line each.
    pub fn refusals(&self) -> Vec<String> {
        let mut refusals = Vec::new();
        for account in &self.unknown {
            refusals.push(format!("{account}: not in the Organization"));
        }
        refusals.extend(self.breaches.iter().map(Breach::to_string));
        refusals
    }

    fn log_refusals(&self) {
        let refusals = self.refusals();
        if !refusals.is_empty() {
            tracing::error!(refusals = refusals.join("; "), "fan-out plan refused");
        }
    }

    /// The error of a plan that something speaks against.
    fn refuse(&self) -> Result<(), InvocationError> {
        if !self.breaches.is_empty() {
            let breaches = Breach::join(&self.breaches);
            let error = anyhow!("the plan would break {breaches}");
            return Err(InvocationError::new("PlanRefused", error));
        }
        if !self.unknown.is_empty() {
            let names: Vec<&str> = self.unknown.iter().map(AccountId::as_str).collect();
            let error = anyhow!("not in the Organization: {}", names.join(", "));
            return Err(InvocationError::new("UnknownAccount", error));
        }
        Ok(())
    }
}
