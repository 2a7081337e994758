//! One account of a batch: it is looked at and planned, its plan is applied, and its status is
//! saved.

use std::time::Duration;

use banto_domain::policy::OnboardingPolicy;
use banto_domain::status::{AccountStatus, Condition, Reason, ReasonKind};
use banto_domain::{AccountId, Breach, PerPlace};
use banto_lambda::Invocation;
use banto_ports::{AccountClients, PortError};

use super::actions::Plan;
use super::observe::Observed;
use super::outcome::{Converged, JobOutcome, Outcome, conditions};
use super::ports::Ports;
use super::snapshot::{Job, Snapshot};
use super::{apply, check, observe, plan};
use crate::message::ConvergeRequest;

/// The time that must be left for an account to be begun. An estimate: two looks, with regions side
/// by side, and two chains of some 20 calls, most of which take a second. With less time left the
/// account's message comes again. A chain that takes longer stops by itself before the time is up.
const ACCOUNT_TIME: Duration = Duration::from_secs(150);

/// A plan, what it was made of, and the promises that it would break.
#[derive(Debug)]
pub struct Planned {
    pub snapshot: Snapshot,
    pub plan: Plan,
    pub breaches: Vec<Breach>,
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

/// The common way of a convergence and of its dry run: observe, plan, log, check.
async fn look_and_plan(
    ports: &Ports,
    job: &Job,
    policy: &OnboardingPolicy,
    clients: Option<AccountClients>,
) -> Planned {
    let observed = observe::observe(ports, job, policy, clients).await;
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
        clients,
    }
}

/// Plans an account for a dry run, if there is time for it.
pub async fn plan_in_time(
    ports: &Ports,
    job: Job,
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> Result<Planned, NotPlanned> {
    if !invocation.has_time_for(ACCOUNT_TIME) {
        return Err(NotPlanned::new(&job.request, "no time was left"));
    }
    Ok(look_and_plan(ports, &job, policy, None).await)
}

/// Converges an account and saves its status.
pub async fn converge_and_save(
    ports: &Ports,
    job: Job,
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> JobOutcome {
    let account = job.account();
    if !invocation.has_time_for(ACCOUNT_TIME) {
        tracing::warn!(account.id = %account.id, "no time is left; account's message comes again");
        return JobOutcome::ComesAgain(account.id.clone());
    }
    let (conditions, outcomes) = converge_account(ports, &job, policy, invocation).await;
    let status = AccountStatus {
        account: account.id.clone(),
        name: account.name.clone(),
        checked_at: ports.clock.now(),
        conditions,
    };
    match ports.statuses.save_status(&status).await {
        Ok(previous) => JobOutcome::Converged(Box::new(Converged {
            job,
            status,
            outcomes,
            previous,
        })),
        Err(error) => comes_again(&account.id, &error),
    }
}

/// Plans and applies, then looks and plans again: an account's conditions are those of its last
/// plan. In steady state the first plan is empty and nothing is looked at twice.
async fn converge_account(
    ports: &Ports,
    job: &Job,
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> (PerPlace<Condition>, PerPlace<Outcome>) {
    let nothing = PerPlace::default();
    let first = look_and_plan(ports, job, policy, None).await;
    if !first.breaches.is_empty() {
        return (refused(&first.breaches), nothing);
    }
    if first.plan.is_empty() {
        return (conditions(&first.plan, &nothing), nothing);
    }
    // A plan has actions only where the account's role was assumed.
    let Some(clients) = first.clients else {
        return (conditions(&first.plan, &nothing), nothing);
    };
    let outcomes = apply::apply(&clients, &first.plan, invocation).await;
    if outcomes.values().all(|outcome| outcome.done.is_empty()) {
        return (conditions(&first.plan, &outcomes), outcomes);
    }
    let second = look_and_plan(ports, job, policy, Some(clients)).await;
    match second.breaches.is_empty() {
        true => (conditions(&second.plan, &outcomes), outcomes),
        false => (refused(&second.breaches), outcomes),
    }
}

/// The condition of an account whose plan is refused.
fn refused(breaches: &[Breach]) -> PerPlace<Condition> {
    let reason = Reason::new(ReasonKind::PlanRefused, Breach::join(breaches));
    PerPlace::of_account(reason.condition())
}

/// Deletes the status of an account that has left the Organization.
pub async fn delete_departed(ports: &Ports, request: &ConvergeRequest) -> JobOutcome {
    let account = &request.account.id;
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
