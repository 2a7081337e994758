//! The outcome of a run as the response to whoever invoked the function, and as metrics.
//!
//! Deliberately absent: the sending of notices (`announce`) and their sentences (`notices`).

use anyhow::anyhow;
use banto_domain::Breach;
use banto_lambda::{InvocationError, Metrics, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::event::Mode;
use crate::notices;
use crate::outcome::{AccountOutcome, ApplyError, ChainOutcome, RunOutcome};
use crate::plan::Action;
use crate::snapshot::Stranger;

/// The kind of a failure that only says that users are to leave whom nobody knows. Operators were
/// told, and to ask again changes nothing.
pub(crate) const NO_SUCH_USER: &str = "NoSuchUser";

/// Returns the reason why the run failed as a whole, if it did: no account could be observed, a
/// plan was refused, or something that was asked for by name is not done. Whoever asked for it
/// learns so, and it is tried again.
///
/// A dry run does not fail for a plan that would be refused, or that waits: it was asked what would
/// happen.
pub fn failure(run: &RunOutcome) -> Option<InvocationError> {
    let failures = failures(run);
    let nothing_seen = run.accounts.iter().all(|account| account.plan.is_none());
    if nothing_seen && !run.accounts.is_empty() {
        return Some(failed("NothingSeen", &failures));
    }
    if !run.dry_run && run.accounts.iter().any(AccountOutcome::is_refused) {
        return Some(failed("PlanRefused", &refusals_and_failures(run)));
    }
    let mut undone = failures;
    if !run.dry_run {
        undone.extend(hindrances(run));
    }
    if run.is_named && !undone.is_empty() {
        return Some(incomplete(&undone));
    }
    let unknown = unknown_leavers(run);
    (!run.dry_run && !unknown.is_empty()).then(|| failed(NO_SUCH_USER, &unknown))
}

/// A line for each user who is to leave and whom the account does not have. A name that is spelt
/// wrong must not look like a user whose keys have ended.
fn unknown_leavers(run: &RunOutcome) -> Vec<String> {
    let mut lines = Vec::new();
    for account in run
        .accounts
        .iter()
        .filter(|account| account.mode == Mode::Leave)
    {
        for stranger in account.strangers() {
            if let Stranger::NoSuchUser { user } = stranger {
                lines.push(format!(
                    "there is no such user in {}: {user}",
                    account.account
                ));
            }
        }
    }
    lines
}

/// Returns whatever keeps a request from its goal without being a failure: actions for which there
/// was no time, and waits that will pass.
fn hindrances(run: &RunOutcome) -> Vec<String> {
    let mut lines = Vec::new();
    if run.left() > 0 {
        lines.push(format!("{} actions are left", run.left()));
    }
    for account in &run.accounts {
        if account.untold {
            lines.push("operators could not be notified".to_owned());
        }
        lines.extend(notices::hindrances(account));
    }
    lines
}

/// Returns the moment at which a request must come again though all of it was done, if it must.
pub fn comes_again_at(run: &RunOutcome) -> Option<Timestamp> {
    if run.dry_run {
        return None;
    }
    let looks = run.accounts.iter().filter_map(AccountOutcome::second_look);
    looks.min()
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
        body: json!({ "dryRun": run.dry_run, "accounts": accounts, "strangers": run.strangers }),
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
        "strangers": outcome.strangers(),
        "outcomes": chains,
        "failures": notices::failures(outcome),
    })
}

fn chain_body(outcome: &ChainOutcome) -> Value {
    json!({
        "user": outcome.user,
        "done": outcome.done,
        "failed": outcome.failed.iter().map(failed_body).collect::<Vec<Value>>(),
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
    let disabled = run.accounts.iter().map(AccountOutcome::keys_disabled);
    metrics.count("KeysDisabled", disabled.sum());
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
    use std::collections::BTreeMap;

    use super::*;
    use crate::event::Asked;
    use crate::plan::Plan;
    use crate::snapshot::{Observed, Snapshot};

    /// A run that ended after the check, since its plan would break a promise.
    fn refused(dry_run: bool) -> RunOutcome {
        let now = "2026-11-24T01:00:00Z".parse().unwrap();
        let account = "111122223333".parse().unwrap();
        let role = "arn:aws:iam::111122223333:role/banto".parse().unwrap();
        let snapshot = Snapshot::empty(account, role, Asked::by("request", now));
        let plan = Plan::empty(snapshot.account.clone());
        let observed = Observed {
            at: now,
            snapshot,
            recipients: BTreeMap::new(),
        };
        let breach = Breach::new("R1", "alice", "would be left without a usable key");
        RunOutcome {
            accounts: vec![AccountOutcome::checked(observed, plan, vec![breach])],
            strangers: Vec::new(),
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
