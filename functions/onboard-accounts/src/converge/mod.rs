//! Convergence: each message's account is looked at, brought to its baseline, and looked at again.
//! Its status is saved and people are told what is new; an account that is not ready is tried
//! again.
//!
//! Deliberately absent: waiting. An account that is not ready goes back to the queue.

use std::time::Duration;

use banto_domain::policy::OnboardingPolicy;
use banto_domain::status::{AccountStatus, Condition, Reason, ReasonKind};
use banto_domain::{AccountId, Breach, PerPlace};
use banto_lambda::Invocation;
use banto_ports::{AccountClients, PortError};
use futures_util::{StreamExt as _, stream};

pub mod actions;
pub mod apply;
pub mod check;
pub mod diff;
pub mod notices;
pub mod observe;
pub mod outcome;
pub mod plan;
pub mod ports;
mod reasons;
pub mod report;
pub mod send;
pub mod snapshot;
pub mod stack_sets;

use self::actions::Plan;
use self::observe::Observed;
use self::outcome::{Converged, JobOutcome, Outcome};
use self::ports::Ports;
use self::snapshot::{Job, Snapshot};
use crate::message::ConvergeRequest;

/// The number of accounts that are worked on at once. A batch has ten messages; each account makes
/// calls in every region side by side, so that more would only meet the pace of STS and
/// Organizations.
const CONCURRENT_ACCOUNTS: usize = 8;

/// The time that an account takes at the worst. With less time left its message comes again, so
/// that Lambda does not end the function in the middle of a chain.
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

/// The common way of a convergence and of its dry run: observe, plan, log, check.
async fn plan_account(
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

/// Converges a batch of accounts: first Organizations and the StackSet for all of them, then each
/// account by itself.
pub async fn converge(
    ports: &Ports,
    requests: Vec<ConvergeRequest>,
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> Vec<JobOutcome> {
    let (mut jobs, mut outcomes) = (Vec::new(), Vec::new());
    for (request, looked_up) in look_up(ports, requests, policy).await {
        match looked_up {
            Ok(Some(job)) => jobs.push(job),
            Ok(None) => outcomes.push(delete_departed(ports, request).await),
            Err(error) => outcomes.push(comes_again(&request.account.id, &error)),
        }
    }
    stack_sets::observe(ports, &mut jobs, policy).await;
    let operations = stack_sets::plan(&jobs, policy);
    stack_sets::apply(ports, &operations, &mut jobs).await;
    let work = jobs
        .into_iter()
        .map(|job| converge_and_save(ports, job, policy, invocation));
    let work = stream::iter(work).buffer_unordered(CONCURRENT_ACCOUNTS);
    outcomes.extend(work.collect::<Vec<_>>().await);
    outcomes
}

/// The plans of a dry run, in the order of the accounts' ids, and the StackSet's operations.
pub type DryRunPlans = (Vec<Result<Planned, NotPlanned>>, Vec<stack_sets::Operation>);

/// Plans accounts and the StackSet's operations without touching anything.
pub async fn dry_run(
    ports: &Ports,
    requests: Vec<ConvergeRequest>,
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> DryRunPlans {
    let (mut jobs, mut plans) = (Vec::new(), Vec::new());
    for (request, looked_up) in look_up(ports, requests, policy).await {
        match looked_up {
            Ok(Some(job)) => jobs.push(job),
            Ok(None) => plans.push(not_planned(&request, "it has left the Organization")),
            Err(error) => plans.push(not_planned(&request, &error.to_string())),
        }
    }
    stack_sets::observe(ports, &mut jobs, policy).await;
    let operations = stack_sets::plan(&jobs, policy);
    let looks = jobs
        .into_iter()
        .map(|job| plan_in_time(ports, job, policy, invocation));
    let looks = stream::iter(looks).buffer_unordered(CONCURRENT_ACCOUNTS);
    plans.extend(looks.collect::<Vec<_>>().await);
    plans.sort_by(|one, other| account_of(one).cmp(account_of(other)));
    (plans, operations)
}

fn not_planned(request: &ConvergeRequest, why: &str) -> Result<Planned, NotPlanned> {
    Err(NotPlanned {
        account: request.account.id.clone(),
        why: why.to_owned(),
    })
}

fn account_of(planned: &Result<Planned, NotPlanned>) -> &AccountId {
    match planned {
        Ok(planned) => &planned.plan.account,
        Err(not_planned) => &not_planned.account,
    }
}

async fn plan_in_time(
    ports: &Ports,
    job: Job,
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> Result<Planned, NotPlanned> {
    if !invocation.has_time_for(ACCOUNT_TIME) {
        return not_planned(&job.request, "no time was left");
    }
    Ok(plan_account(ports, &job, policy, None).await)
}

/// Looks all accounts up in Organizations.
async fn look_up(
    ports: &Ports,
    requests: Vec<ConvergeRequest>,
    policy: &OnboardingPolicy,
) -> Vec<(ConvergeRequest, Result<Option<Job>, PortError>)> {
    let now = ports.clock.now();
    let looks = requests.into_iter().map(async |request| {
        let looked_up = observe::look_up(ports, &request, policy, now).await;
        (request, looked_up)
    });
    stream::iter(looks)
        .buffer_unordered(CONCURRENT_ACCOUNTS)
        .collect()
        .await
}

/// Deletes the status of an account that has left the Organization.
async fn delete_departed(ports: &Ports, request: ConvergeRequest) -> JobOutcome {
    let account = &request.account.id;
    match ports.statuses.delete(account).await {
        Ok(()) => JobOutcome::Departed,
        Err(error) => comes_again(account, &error),
    }
}

/// Leaves an account's message to SQS, which gives it out again.
fn comes_again(account: &AccountId, error: &PortError) -> JobOutcome {
    tracing::error!(account.id = %account, %error, "account's message comes again");
    JobOutcome::ComesAgain(account.clone())
}

/// Converges an account and saves its status.
async fn converge_and_save(
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
    let first = plan_account(ports, job, policy, None).await;
    if !first.breaches.is_empty() {
        return (refused(&first.breaches), nothing);
    }
    let Some(clients) = first.clients.filter(|_| !first.plan.is_empty()) else {
        return (report::conditions(&first.plan, &nothing), nothing);
    };
    let outcomes = apply::apply(&clients, &first.plan, invocation).await;
    if outcomes.values().all(|outcome| outcome.done.is_empty()) {
        return (report::conditions(&first.plan, &outcomes), outcomes);
    }
    let second = plan_account(ports, job, policy, Some(clients)).await;
    match second.breaches.is_empty() {
        true => (report::conditions(&second.plan, &outcomes), outcomes),
        false => (refused(&second.breaches), outcomes),
    }
}

/// The condition of an account whose plan is refused.
fn refused(breaches: &[Breach]) -> PerPlace<Condition> {
    let reason = Reason::new(ReasonKind::PlanRefused, Breach::join(breaches));
    PerPlace::of_account(reason.condition())
}
