//! The outcome of a run as the response to whoever invoked the function, and as metrics.
//!
//! Deliberately absent: the sending of notices (`announce`) and their sentences (`notices`).

use anyhow::anyhow;
use banto_lambda::{InvocationError, Metrics, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::notices;
use crate::outcome::{AccountOutcome, ApplyError, ChainOutcome, RunOutcome};
use crate::plan::Action;

/// Returns the response to whoever invoked the function.
///
/// The run as a whole fails if no account could be observed, if a plan was refused, or if something
/// that was named could not be done: whoever asked for it learns so, and Lambda tries an event
/// again.
pub fn respond(run: &RunOutcome, now: Timestamp) -> Result<Response, InvocationError> {
    let failures = failures(run);
    if run.accounts.iter().all(|account| account.plan.is_none()) {
        return Err(failed("NothingSeen", &failures));
    }
    if run.accounts.iter().any(AccountOutcome::is_refused) {
        return Err(failed("PlanRefused", &failures));
    }
    if run.is_named && !failures.is_empty() {
        return Err(failed("Incomplete", &failures));
    }
    let accounts: Vec<Value> = run.accounts.iter().map(account_body).collect();
    Ok(Response {
        body: json!({ "dryRun": run.dry_run, "accounts": accounts }),
        metrics: metrics(run, now),
    })
}

/// Returns the response to an event that asks for nothing.
pub fn respond_nothing(reason: &str) -> Response {
    Response {
        body: json!({ "nothing": reason }),
        metrics: Metrics::default(),
    }
}

fn failures(run: &RunOutcome) -> Vec<String> {
    run.accounts.iter().flat_map(notices::failures).collect()
}

fn failed(kind: &'static str, failures: &[String]) -> InvocationError {
    InvocationError::new(kind, anyhow!(failures.join("; ")))
}

fn account_body(outcome: &AccountOutcome) -> Value {
    let chains: Vec<Value> = outcome.chains.iter().map(chain_body).collect();
    json!({
        "account": outcome.account,
        "usersInOrder": outcome.users_in_order(),
        "plan": outcome.plan,
        "outcomes": chains,
        "failures": notices::failures(outcome),
    })
}

fn chain_body(outcome: &ChainOutcome) -> Value {
    json!({
        "user": outcome.user,
        "done": outcome.done,
        "failed": outcome.failed.as_ref().map(failed_body),
        "left": outcome.left,
    })
}

fn failed_body((action, error): &(Action, ApplyError)) -> Value {
    json!({ "action": action, "error": error.to_string() })
}

/// Returns the metrics of a run.
pub fn metrics(run: &RunOutcome, now: Timestamp) -> Metrics {
    let mut metrics = Metrics::default();
    metrics.count("KeysIssued", count_done(run, Action::is_issue));
    metrics.count("KeysDisabled", count_done(run, Action::is_disabling));
    metrics.count("KeysDeleted", count_done(run, Action::is_deletion));
    metrics.count("OrphansDiscarded", count_done(run, Action::is_discard));
    metrics.count("NoticesToOwners", count_done(run, Action::is_notice));
    metrics.count("Findings", count_findings(run));
    metrics.count("Failures", failures(run).len());
    metrics.count("ActionsLeft", run.left());
    let oldest = run.accounts.iter().filter_map(AccountOutcome::oldest_key);
    if let Some(oldest) = oldest.min() {
        metrics.seconds("OldestKeyAge", now.duration_since(oldest).as_secs_f64());
    }
    metrics
}

fn count_done(run: &RunOutcome, is: fn(&Action) -> bool) -> usize {
    let mut count = 0;
    for account in &run.accounts {
        count += account.count_done(is);
    }
    count
}

fn count_findings(run: &RunOutcome) -> usize {
    let mut count = 0;
    for account in &run.accounts {
        count += account.findings().len();
    }
    count
}
