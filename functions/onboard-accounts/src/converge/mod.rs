//! Convergence: each message's account is looked at, brought to its baseline, and looked at again.
//! Its status is saved and people are told what is new; an account that is not ready is tried
//! again.
//!
//! Deliberately absent: waiting. An account that is not ready is asked for anew, by a message that
//! the queue gives out later.

use banto_domain::policy::OnboardingPolicy;
use banto_domain::status::{Reason, ReasonKind};
use banto_domain::{AccountId, Breach};
use banto_lambda::{Invocation, Metrics};
use banto_ports::PortError;
use futures_util::{StreamExt as _, stream};

pub mod account;
pub mod actions;
pub mod apply;
pub mod check;
pub mod diff;
pub mod expected;
pub mod notices;
pub mod observe;
pub mod operations;
pub mod outcome;
pub mod plan;
pub mod ports;
mod reasons;
pub mod report;
pub mod retry;
pub mod send;
pub mod snapshot;
pub mod stack_sets;

use self::account::{NotPlanned, Planned};
use self::operations::Operation;
use self::outcome::JobOutcome;
use self::ports::Ports;
use self::snapshot::Job;
use crate::message::ConvergeRequest;

/// The number of accounts that are worked on at once. A batch has ten messages; each account makes
/// calls in every region side by side, so that more would only meet the pace of STS and
/// Organizations.
const CONCURRENT_ACCOUNTS: usize = 8;

/// Converges a batch of accounts: first Organizations and the StackSet for all of them, then each
/// account by itself, then the notices and retries of all. Returns the accounts whose messages come
/// again, and the metrics.
pub async fn converge(
    ports: &Ports,
    requests: Vec<ConvergeRequest>,
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> (Vec<AccountId>, Metrics) {
    let (mut jobs, mut outcomes) = (Vec::new(), Vec::new());
    for (request, looked_up) in look_up(ports, requests, policy).await {
        match looked_up {
            Ok(Some(job)) => jobs.push(job),
            Ok(None) => outcomes.push(account::delete_departed(ports, &request).await),
            Err(error) => outcomes.push(account::comes_again(&request.account.id, &error)),
        }
    }
    let operations = look_and_plan_operations(ports, &mut jobs, policy).await;
    let operations = without_refused(operations, &mut jobs);
    stack_sets::apply(ports, &operations, &mut jobs).await;
    let work = jobs
        .into_iter()
        .map(|job| account::converge_and_save(ports, job, policy, invocation));
    let work = stream::iter(work).buffer_unordered(CONCURRENT_ACCOUNTS);
    outcomes.extend(work.collect::<Vec<_>>().await);
    let (converged, mut come_again) = by_outcome(outcomes);
    come_again.extend(send::notify_and_retry(ports, &converged, policy, invocation).await);
    (come_again, report::metrics(&converged))
}

/// The accounts that were worked on, in the order of their ids, and those whose messages come
/// again.
fn by_outcome(outcomes: Vec<JobOutcome>) -> (Vec<outcome::Converged>, Vec<AccountId>) {
    let (mut converged, mut come_again) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            JobOutcome::Converged(account) => converged.push(*account),
            JobOutcome::Departed => {}
            JobOutcome::ComesAgain(account) => come_again.push(account),
        }
    }
    converged.sort_by(|one, other| one.status.account.cmp(&other.status.account));
    (converged, come_again)
}

/// The plans of a dry run, in the order of the accounts' ids, and the StackSet's operations.
pub type DryRunPlans = (Vec<Result<Planned, NotPlanned>>, Vec<PlannedOperation>);

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
            Ok(None) => plans.push(Err(NotPlanned::new(
                &request,
                "it has left the Organization",
            ))),
            Err(error) => plans.push(Err(NotPlanned::new(&request, error))),
        }
    }
    let operations = look_and_plan_operations(ports, &mut jobs, policy).await;
    let looks = jobs
        .into_iter()
        .map(|job| account::plan_in_time(ports, job, policy, invocation));
    let looks = stream::iter(looks).buffer_unordered(CONCURRENT_ACCOUNTS);
    plans.extend(looks.collect::<Vec<_>>().await);
    plans.sort_by(|one, other| account_of(one).cmp(account_of(other)));
    (plans, operations)
}

fn account_of(planned: &Result<Planned, NotPlanned>) -> &AccountId {
    match planned {
        Ok(planned) => &planned.plan.account,
        Err(not_planned) => &not_planned.account,
    }
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

/// An operation on the StackSet, and the promises that it would break.
#[derive(Debug)]
pub struct PlannedOperation {
    pub operation: Operation,
    pub breaches: Vec<Breach>,
}

/// The common way of the StackSet's operations and of their dry run: observe, plan, log, check.
async fn look_and_plan_operations(
    ports: &Ports,
    jobs: &mut [Job],
    policy: &OnboardingPolicy,
) -> Vec<PlannedOperation> {
    stack_sets::observe(ports, jobs, policy).await;
    let now = ports.clock.now();
    let mut planned = Vec::new();
    for operation in operations::plan(jobs, policy, now) {
        tracing::info!(operation = %serde_json::json!(operation), "StackSet operation planned");
        let breaches = check::check_operation(jobs, &operation, policy, now);
        if !breaches.is_empty() {
            let breaches = Breach::join(&breaches);
            tracing::error!(breaches, "StackSet operation refused");
        }
        planned.push(PlannedOperation {
            operation,
            breaches,
        });
    }
    planned
}

/// The operations that break no promise. The accounts of the others learn why theirs is refused.
fn without_refused(planned: Vec<PlannedOperation>, jobs: &mut [Job]) -> Vec<Operation> {
    let mut operations = Vec::new();
    for PlannedOperation {
        operation,
        breaches,
    } in planned
    {
        if breaches.is_empty() {
            operations.push(operation);
        } else {
            let reason = Reason::new(ReasonKind::PlanRefused, Breach::join(&breaches));
            stack_sets::refuse(jobs, operation.accounts(), &reason);
        }
    }
    operations
}
