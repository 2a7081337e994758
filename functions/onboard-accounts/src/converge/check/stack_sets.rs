//! Holds an operation on the StackSet against O1: rules for each account that it reaches.

use banto_domain::policy::onboarding::{Expected, OnboardingPolicy, Way};
use banto_domain::{AccountId, Breach, Region};
use banto_ports::StackInstance;
use jiff::{SignedDuration, Timestamp};

use super::context::{Verdict, must};
use crate::converge::operations::Operation;
use crate::converge::snapshot::Job;
use crate::message::Cause;

/// An operation, one of its accounts, and what it is held against.
struct Context<'a> {
    operation: &'a Operation,
    job: &'a Job,
    policy: &'a OnboardingPolicy,
    now: Timestamp,
}

type Rule = fn(&Context<'_>) -> Verdict;

/// The rules for each account of an operation, by the promise that they hold.
const RULES: &[(&str, Rule)] = &[
    ("O1", kill_switch_is_on),
    ("O1", account_is_active),
    ("O1", account_gets_its_baseline_by_stack_set),
    ("O1", control_tower_sets_up_first),
    ("O1", regions_are_in_the_baseline),
    ("O1", instances_are_as_the_operation_says),
];

/// The time that Control Tower has for a new account. The planner's own limit is not used here.
const CONTROL_TOWER_TIME: SignedDuration = SignedDuration::from_hours(1);

/// Returns the promises that an operation would break; none, unless the planner errs or the kill
/// switch is off.
pub fn check_operation(
    jobs: &[Job],
    operation: &Operation,
    policy: &OnboardingPolicy,
    now: Timestamp,
) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for account in operation.accounts() {
        if let Err((promise, what)) = check_account(jobs, account, operation, policy, now) {
            breaches.push(Breach::new(promise, account, what));
        }
    }
    breaches
}

/// Returns the first rule that an account of an operation breaks.
fn check_account(
    jobs: &[Job],
    account: &AccountId,
    operation: &Operation,
    policy: &OnboardingPolicy,
    now: Timestamp,
) -> Result<(), (&'static str, String)> {
    let Some(job) = jobs.iter().find(|job| job.request.account.id == *account) else {
        return Err(("O1", "the account was not looked up".to_owned()));
    };
    let context = Context {
        operation,
        job,
        policy,
        now,
    };
    for (promise, rule) in RULES {
        rule(&context).map_err(|what| (*promise, what))?;
    }
    Ok(())
}

fn kill_switch_is_on(context: &Context<'_>) -> Verdict {
    must(context.policy.enabled, "the kill switch is off")
}

fn account_is_active(context: &Context<'_>) -> Verdict {
    let is_active = context.job.request.account.is_active();
    must(is_active, "the account is not active")
}

fn account_gets_its_baseline_by_stack_set(context: &Context<'_>) -> Verdict {
    let is_management = context.job.request.account.id == context.policy.management_account;
    let by_stack_set = matches!(context.policy.way, Way::StackSet(_)) && !is_management;
    must(by_stack_set, "the StackSet does not reach the account")
}

/// A new account belongs to Control Tower for an hour.
fn control_tower_sets_up_first(context: &Context<'_>) -> Verdict {
    let request = &context.job.request;
    let age = context.now.duration_since(request.requested_at);
    let is_new = request.cause == Cause::Joined && age < CONTROL_TOWER_TIME;
    let is_ahead = context.policy.control_tower && is_new;
    must(!is_ahead, "Control Tower has not set the account up yet")
}

fn regions_are_in_the_baseline(context: &Context<'_>) -> Verdict {
    let account = &context.job.request.account;
    let expected = context
        .policy
        .expected_for(&account.id, &account.path, &context.job.tags);
    let Expected::Baseline(baseline) = expected else {
        return Err("the account is to be left alone".to_owned());
    };
    let listed = baseline.regions.as_ref();
    let is_listed = |region: &Region| listed.is_some_and(|listed| listed.contains(region));
    must(
        context.operation.regions().iter().all(is_listed),
        "a region is not in the baseline",
    )
}

/// Only what is absent is made, and only what failed is deployed anew.
fn instances_are_as_the_operation_says(context: &Context<'_>) -> Verdict {
    let Some(Ok(instances)) = &context.job.instances else {
        return Err("its instances were not seen".to_owned());
    };
    for region in context.operation.regions() {
        match (context.operation, instances.get(region)) {
            (Operation::Create { .. }, None)
            | (Operation::Update { .. }, Some(StackInstance::Failed(_))) => {}
            (Operation::Create { .. }, Some(_)) => return Err(format!("{region} has an instance")),
            (Operation::Update { .. }, _) => {
                return Err(format!("the instance in {region} did not fail"));
            }
        }
    }
    Ok(())
}
