//! One account of a batch: it is looked at and planned, its plan is applied, and it is looked at
//! again.

use std::collections::BTreeSet;
use std::time::Duration;

use banto_domain::policy::OnboardingPolicy;
use banto_domain::status::{AccountStatus, Condition, Reason, ReasonKind};
use banto_domain::{AccountId, Breach, PerPlace};
use banto_lambda::Invocation;
use banto_ports::{AccountClients, ErrorKind, PortError};
use jiff::Timestamp;

use super::actions::{InstanceChanges, Plan};
use super::observe::Observed;
use super::outcome::{Converged, JobOutcome, Outcome, conditions};
use super::ports::Ports;
use super::snapshot::{Job, Snapshot};
use super::times::{FINISH_TIME, LOOK_TIME, LOOK_UP_TIME};
use super::{apply, bounded, check, observe, plan, repairs};
use crate::message::ConvergeRequest;

/// The time that must be left for an account to be begun: a look, and the end of the batch. With
/// less time left the account's message comes again.
const LEAST_TIME: Duration = LOOK_UP_TIME
    .saturating_add(LOOK_TIME)
    .saturating_add(FINISH_TIME);

/// A plan, what it was made of, and the promises that it would break.
#[derive(Debug)]
pub struct Planned {
    pub snapshot: Snapshot,
    pub plan: Plan,
    pub breaches: Vec<Breach>,
    /// When the look began.
    looked_at: Timestamp,
    clients: Option<AccountClients>,
}

/// Why an account was not planned.
#[derive(Debug)]
pub struct NotPlanned {
    pub account: AccountId,
    pub why: String,
}

impl NotPlanned {
    pub fn new(request: &ConvergeRequest, why: impl ToString) -> Self {
        Self {
            account: request.account.id.clone(),
            why: why.to_string(),
        }
    }
}

/// Looks an account up in Organizations, if that answers in time.
async fn look_up(
    ports: &Ports,
    request: &ConvergeRequest,
    policy: &OnboardingPolicy,
) -> Result<Option<Job>, PortError> {
    let now = ports.clock.now();
    let look = observe::look_up(ports, request, policy, now);
    let found = bounded::within(ports.clock.as_ref(), LOOK_UP_TIME, look).await;
    found.unwrap_or_else(|| {
        let call = "organizations:DescribeAccount";
        let message = "Organizations took too long";
        Err(PortError::new(ErrorKind::Unavailable, call, message))
    })
}

/// The common way of a convergence and of its dry run: observe, plan, log, check. A look that takes
/// too long is ended, so that no account holds up the others of its batch.
async fn look_and_plan(
    ports: &Ports,
    job: &Job,
    policy: &OnboardingPolicy,
    clients: Option<AccountClients>,
) -> Planned {
    let looked_at = ports.clock.now();
    let look = observe::observe(ports, job, policy, clients);
    let observed = bounded::within(ports.clock.as_ref(), LOOK_TIME, look).await;
    let observed = observed.unwrap_or_else(|| {
        let detail = format!("a look took more than {} s", LOOK_TIME.as_secs());
        Err(Reason::new(ReasonKind::OutOfTime, detail))
    });
    let Observed { snapshot, clients } = observed.unwrap_or_else(|reason| Observed {
        snapshot: observe::snapshot(job, Some(Err(reason))),
        clients: None,
    });
    let now = ports.clock.now();
    let plan = plan::plan(&snapshot, policy, now);
    tracing::info!(account.id = %plan.account, plan = %serde_json::json!(plan), "account planned");
    let breaches = check::check(&snapshot, &plan, policy, now);
    if !breaches.is_empty() {
        tracing::error!(
            account.id = %plan.account,
            breaches = Breach::join(&breaches),
            "account's plan refused"
        );
    }
    Planned {
        snapshot,
        plan,
        breaches,
        looked_at,
        clients,
    }
}

/// Looks an account up and plans it for a dry run, if there is time for it.
pub async fn plan_in_time(
    ports: &Ports,
    request: ConvergeRequest,
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> Result<Planned, NotPlanned> {
    if !invocation.has_time_for(LEAST_TIME) {
        return Err(NotPlanned::new(&request, "no time was left"));
    }
    match look_up(ports, &request, policy).await {
        Ok(Some(job)) => Ok(look_and_plan(ports, &job, policy, None).await),
        Ok(None) => Err(NotPlanned::new(&request, "it has left the Organization")),
        Err(error) => Err(NotPlanned::new(&request, error)),
    }
}

/// Converges an account.
pub async fn converge(
    ports: &Ports,
    request: ConvergeRequest,
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> JobOutcome {
    let account = &request.account.id;
    if !invocation.has_time_for(LEAST_TIME) {
        tracing::warn!(account.id = %account, "no time is left; account's message comes again");
        return JobOutcome::ComesAgain(account.clone());
    }
    match look_up(ports, &request, policy).await {
        Ok(Some(job)) => match converge_job(ports, job, policy, invocation).await {
            Ok(converged) => JobOutcome::Converged(Box::new(converged)),
            Err(error) => comes_again(account, &error),
        },
        Ok(None) => delete_departed(ports, account).await,
        Err(error) => comes_again(account, &error),
    }
}

/// Plans and applies, then looks and plans again: an account's conditions are those of its last
/// plan. In steady state the first plan is empty and nothing is looked at twice.
///
/// # Errors
/// If the account's item can't be read or written before anything is repaired.
async fn converge_job(
    ports: &Ports,
    job: Job,
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> Result<Converged, PortError> {
    let first = look_and_plan(ports, &job, policy, None).await;
    let (true, true) = (first.breaches.is_empty(), first.plan.changes_account()) else {
        return Ok(converged(job, first, &PerPlace::default()));
    };
    let row = ports.statuses.row(&job.account().id).await?;
    let repairs = repairs::planned(&first.plan, &row, first.looked_at);
    if !repairs.is_empty() {
        ports
            .statuses
            .add_repairs(&job.account().id, &repairs)
            .await?;
    }
    // A plan has actions only where the account's role was assumed.
    let outcomes = match &first.clients {
        Some(clients) => apply::apply(clients, &first.plan, invocation).await,
        None => PerPlace::default(),
    };
    let is_unchanged = outcomes.values().all(|outcome| outcome.done.is_empty());
    let last = match is_unchanged || !invocation.has_time_for(LEAST_TIME) {
        true => first,
        false => look_and_plan(ports, &job, policy, first.clients.clone()).await,
    };
    Ok(converged(job, last, &outcomes))
}

/// The actions that were done, in the words of repairs.
fn made(outcomes: &PerPlace<Outcome>) -> BTreeSet<String> {
    let mut made = BTreeSet::new();
    for (place, outcome) in outcomes.iter() {
        made.extend(
            outcome
                .done
                .iter()
                .map(|action| repairs::line(place, action)),
        );
    }
    made
}

/// The account after its last plan.
fn converged(job: Job, last: Planned, outcomes: &PerPlace<Outcome>) -> Converged {
    let is_refused = !last.breaches.is_empty();
    let conditions = match is_refused {
        true => refused(&last.breaches),
        false => conditions(&last.plan, outcomes),
    };
    let account = job.account();
    Converged {
        status: AccountStatus {
            account: account.id.clone(),
            name: account.name.clone(),
            checked_at: last.looked_at,
            conditions,
        },
        instances: match is_refused {
            true => InstanceChanges::default(),
            false => last.plan.instances.clone(),
        },
        made: made(outcomes),
        still_planned: repairs::all(&last.plan),
        job,
    }
}

/// The condition of an account whose plan is refused.
fn refused(breaches: &[Breach]) -> PerPlace<Condition> {
    let reason = Reason::new(ReasonKind::PlanRefused, Breach::join(breaches));
    PerPlace::of_account(reason.condition())
}

/// Deletes the status of an account that has left the Organization.
async fn delete_departed(ports: &Ports, account: &AccountId) -> JobOutcome {
    match ports.statuses.delete(account).await {
        Ok(()) => JobOutcome::Departed,
        Err(error) => comes_again(account, &error),
    }
}

/// Leaves an account's message to SQS, which gives it out again.
pub fn comes_again(account: &AccountId, error: &PortError) -> JobOutcome {
    tracing::error!(account.id = %account, %error, "account's message comes again");
    JobOutcome::ComesAgain(account.clone())
}
