//! The outcome of a run as the response to whoever invoked the function, and as metrics.
//!
//! Deliberately absent: the sending of notices (`announce`) and their sentences (`notices`).

use anyhow::anyhow;
use banto_domain::Breach;
use banto_lambda::{InvocationError, Metrics, Response};
use serde_json::{Value, json};

use crate::notices;
use crate::outcome::{AccountOutcome, ApplyError, ChainOutcome, RunOutcome};
use crate::plan::Action;

/// Returns the reason why the run failed as a whole, if it did: no account could be observed, a
/// plan was refused, or something that was named could not be done. Whoever asked for it learns so,
/// and Lambda tries an event again.
///
/// A dry run does not fail for a plan that would be refused: it was asked what would happen.
pub fn failure(run: &RunOutcome) -> Option<InvocationError> {
    if run.accounts.iter().all(|account| account.plan.is_none()) {
        return Some(failed("NothingSeen", &failures(run)));
    }
    if !run.dry_run && run.accounts.iter().any(AccountOutcome::is_refused) {
        return Some(failed("PlanRefused", &refusals_and_failures(run)));
    }
    let failures = failures(run);
    (run.is_named && !failures.is_empty()).then(|| incomplete(&failures))
}

/// Returns the reason why a message of a queue comes again, if it does: the run failed, or its time
/// was over before everything was done. Whoever sent the message does not ask again.
pub fn failure_of_message(run: &RunOutcome) -> Option<InvocationError> {
    failure(run).or_else(|| {
        let left = run.left();
        (left > 0).then(|| incomplete(&[format!("{left} actions are left")]))
    })
}

fn failures(run: &RunOutcome) -> Vec<String> {
    run.accounts.iter().flat_map(notices::failures).collect()
}

fn refusals_and_failures(run: &RunOutcome) -> Vec<String> {
    let mut lines = Vec::new();
    for account in &run.accounts {
        lines.extend(notices::refusals(account));
        lines.extend(notices::failures(account));
    }
    lines
}

fn incomplete(failures: &[String]) -> InvocationError {
    failed("Incomplete", failures)
}

fn failed(kind: &'static str, failures: &[String]) -> InvocationError {
    InvocationError::new(kind, anyhow!(failures.join("; ")))
}

/// Returns the response to whoever invoked the function, for a run that did not fail.
pub fn respond(run: &RunOutcome) -> Response {
    let accounts: Vec<Value> = run.accounts.iter().map(account_body).collect();
    Response {
        body: json!({ "dryRun": run.dry_run, "accounts": accounts }),
        metrics: metrics(run),
    }
}

/// Returns the response to an event that asks for nothing.
pub fn respond_nothing(reason: &str) -> Response {
    Response {
        body: json!({ "nothing": reason }),
        metrics: Metrics::default(),
    }
}

fn account_body(outcome: &AccountOutcome) -> Value {
    let chains: Vec<Value> = outcome.chains.iter().map(chain_body).collect();
    let refused: Vec<String> = outcome.breaches.iter().map(Breach::to_string).collect();
    json!({
        "account": outcome.account,
        "usersInOrder": outcome.users_in_order(),
        "plan": outcome.plan,
        "refused": refused,
        "waiting": notices::waiting_lines(outcome),
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
pub fn metrics(run: &RunOutcome) -> Metrics {
    let mut metrics = Metrics::default();
    metrics.count("KeysIssued", count_done(run, Action::is_issue));
    metrics.count("KeysDisabled", count_done(run, Action::is_disabling));
    metrics.count("KeysDeleted", count_done(run, Action::is_deletion));
    metrics.count("OrphansDiscarded", count_done(run, Action::is_discard));
    metrics.count("NoticesToOwners", count_done(run, Action::is_notice));
    metrics.count("Findings", count_findings(run));
    metrics.count("Failures", refusals_and_failures(run).len());
    metrics.count("ActionsLeft", run.left());
    let ages = run
        .accounts
        .iter()
        .filter_map(AccountOutcome::oldest_key_age);
    if let Some(oldest) = ages.max() {
        metrics.seconds("OldestKeyAge", oldest.as_secs_f64());
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::event::Mode;
    use crate::plan::Plan;
    use crate::snapshot::{Observed, Snapshot};

    /// A run that ended after the check, since its plan would break a promise.
    fn refused(dry_run: bool) -> RunOutcome {
        let snapshot = Snapshot {
            account: "111122223333".parse().unwrap(),
            mode: Mode::Due,
            named_exposed: BTreeSet::new(),
            users: Vec::new(),
            not_observed: Vec::new(),
            users_in_order: 0,
            oldest_key: None,
        };
        let plan = Plan::empty(snapshot.account.clone());
        let observed = Observed {
            at: "2026-11-24T01:00:00Z".parse().unwrap(),
            snapshot,
            recipients: BTreeMap::new(),
        };
        let breach = Breach::new("R1", "alice", "would be left without a usable key");
        RunOutcome {
            accounts: vec![AccountOutcome::checked(observed, plan, vec![breach])],
            dry_run,
            is_named: true,
        }
    }

    #[test]
    fn a_dry_run_answers_with_the_plan_that_would_be_refused_and_why() {
        let run = refused(true);
        assert!(failure(&run).is_none());
        let body = respond(&run).body;
        let account = &body["accounts"][0];
        assert_eq!(account["plan"]["account"], "111122223333");
        assert_eq!(
            account["refused"],
            json!(["R1: alice: would be left without a usable key"])
        );
    }

    #[test]
    fn a_real_run_fails_if_its_plan_is_refused() {
        let error = failure(&refused(false)).unwrap();
        assert_eq!(error.kind, "PlanRefused");
        assert!(
            error.to_string().contains("would break R1: alice"),
            "{error}"
        );
    }
}
