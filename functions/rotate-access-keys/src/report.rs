//! What became of a run: the answer, the metrics, and the operators' summary.

use anyhow::anyhow;
use banto_domain::{AccountId, Breach};
use banto_lambda::{Invocation, InvocationError, Metrics, Response};
use banto_notice::{Audience, Notice, Section, Urgency};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::apply::{Memory, Outcome, note_said};
use crate::observe::{ObserveError, Observed};
use crate::plan::{Action, Finding, OwnerNotice, Plan, WaitReason};
use crate::snapshot::{Snapshot, Unread};
use crate::{Rotator, words};

/// What became of a run.
#[derive(Debug)]
pub struct Report {
    /// What became of it in each account.
    pub accounts: Vec<AccountReport>,
    /// Whether it stopped at the plan.
    pub dry_run: bool,
    /// Whether users or keys were named.
    pub is_named: bool,
}

/// What became of a run in one account.
#[derive(Debug)]
pub struct AccountReport {
    /// The account.
    pub account: AccountId,
    /// What was planned; nothing if the account could not be looked at.
    pub plan: Option<Plan>,
    /// What was seen, where something was done.
    pub observed: Option<Observed>,
    /// What became of each chain.
    pub outcomes: Vec<Outcome>,
    /// Users who could not be looked at.
    pub unread: Vec<Unread>,
    /// How many users needed no look.
    pub in_order: usize,
    /// When the oldest active key was created.
    pub oldest_key: Option<Timestamp>,
    /// Why nothing was done, where that is an error.
    pub errors: Vec<String>,
}

impl AccountReport {
    fn new(account: AccountId) -> Self {
        Self {
            account,
            plan: None,
            observed: None,
            outcomes: Vec::new(),
            unread: Vec::new(),
            in_order: 0,
            oldest_key: None,
            errors: Vec::new(),
        }
    }

    /// Nothing may be done now.
    pub fn closed(account: AccountId, reason: WaitReason) -> Self {
        let waiting = vec![crate::plan::Waiting { user: None, reason }];
        let plan = Plan {
            account: account.clone(),
            chains: Vec::new(),
            findings: Vec::new(),
            waiting,
        };
        Self {
            plan: Some(plan),
            ..Self::new(account)
        }
    }

    /// The account could not be looked at.
    pub fn unseen(account: AccountId, error: &ObserveError) -> Self {
        tracing::error!(%account, %error, "the account could not be looked at");
        Self {
            errors: vec![error.to_string()],
            ..Self::new(account)
        }
    }

    /// It was planned, but not done: a dry run, or a plan that was refused.
    pub fn not_applied(plan: Plan, snapshot: &Snapshot, breaches: &[Breach]) -> Self {
        for breach in breaches {
            tracing::error!(account = %plan.account, %breach, "the plan would break a promise and is refused");
        }
        Self {
            unread: snapshot.unread.clone(),
            in_order: snapshot.in_order,
            oldest_key: snapshot.oldest_key,
            errors: breaches
                .iter()
                .map(|breach| format!("refused: the plan would break {breach}"))
                .collect(),
            plan: Some(plan.clone()),
            ..Self::new(plan.account)
        }
    }

    /// It was done, as far as it could be.
    pub fn applied(plan: Plan, observed: Observed, outcomes: Vec<Outcome>) -> Self {
        for unread in &observed.snapshot.unread {
            tracing::error!(account = %plan.account, subject = unread.subject, why = unread.why, "could not be looked at");
        }
        Self {
            unread: observed.snapshot.unread.clone(),
            in_order: observed.snapshot.in_order,
            oldest_key: observed.snapshot.oldest_key,
            plan: Some(plan.clone()),
            observed: Some(observed),
            outcomes,
            ..Self::new(plan.account)
        }
    }

    fn done(&self) -> impl Iterator<Item = (&Outcome, &Action)> {
        self.outcomes
            .iter()
            .flat_map(|outcome| outcome.done.iter().map(move |action| (outcome, action)))
    }

    fn new_findings(&self) -> impl Iterator<Item = &Finding> {
        self.plan
            .iter()
            .flat_map(|plan| &plan.findings)
            .filter(|finding| !finding.notified)
    }

    /// One line for everything that went wrong.
    fn failures(&self) -> Vec<String> {
        let failed = self.outcomes.iter().filter_map(|outcome| {
            let (action, error) = outcome.failed.as_ref()?;
            Some(format!(
                "{}: {} failed: {error}",
                outcome.user,
                action.kind()
            ))
        });
        let unread = self
            .unread
            .iter()
            .map(|unread| format!("{}: not looked at: {}", unread.subject, unread.why));
        self.errors
            .iter()
            .cloned()
            .chain(failed)
            .chain(unread)
            .collect()
    }

    fn left(&self) -> usize {
        self.outcomes.iter().map(|outcome| outcome.left.len()).sum()
    }
}

impl Report {
    /// The answer to whoever invoked the function.
    pub fn answer(&self, now: Timestamp) -> Result<Response, InvocationError> {
        let nothing_seen = self.accounts.iter().all(|account| account.plan.is_none());
        let failures = || {
            self.accounts
                .iter()
                .flat_map(AccountReport::failures)
                .collect::<Vec<_>>()
                .join("; ")
        };
        if nothing_seen {
            return Err(InvocationError::new("NothingSeen", anyhow!(failures())));
        }
        if self
            .accounts
            .iter()
            .any(|account| account.plan.is_some() && !account.errors.is_empty())
        {
            return Err(InvocationError::new("PlanRefused", anyhow!(failures())));
        }
        // Whoever asked for something named learns that it was not done; Lambda tries an event again.
        if self.is_named && !failures().is_empty() {
            return Err(InvocationError::new("Incomplete", anyhow!(failures())));
        }
        let accounts: Vec<Value> = self
            .accounts
            .iter()
            .map(|account| self.account_answer(account))
            .collect();
        Ok(Response {
            body: json!({ "dryRun": self.dry_run, "accounts": accounts }),
            metrics: self.metrics(now),
        })
    }

    fn account_answer(&self, account: &AccountReport) -> Value {
        let outcomes: Vec<Value> = (account.outcomes.iter())
            .map(|outcome| {
                json!({
                    "user": outcome.user,
                    "done": outcome.done,
                    "failed": outcome.failed.as_ref().map(|(action, error)| json!({
                        "action": action,
                        "error": error.to_string(),
                    })),
                    "left": outcome.left,
                })
            })
            .collect();
        json!({
            "account": account.account,
            "usersInOrder": account.in_order,
            "plan": account.plan,
            "outcomes": outcomes,
            "failures": account.failures(),
        })
    }

    /// How many actions were left, since the time was over.
    pub(crate) fn left(&self) -> usize {
        self.accounts.iter().map(AccountReport::left).sum()
    }

    /// What is counted.
    pub(crate) fn metrics(&self, now: Timestamp) -> Metrics {
        let mut metrics = Metrics::default();
        let done = |is: fn(&Action) -> bool| {
            self.accounts
                .iter()
                .flat_map(AccountReport::done)
                .filter(|(_, action)| is(action))
                .count()
        };
        let sum = |of: fn(&AccountReport) -> usize| self.accounts.iter().map(of).sum::<usize>();
        metrics.count(
            "KeysIssued",
            done(|action| matches!(action, Action::Issue { .. })),
        );
        metrics.count(
            "KeysDisabled",
            done(|action| {
                matches!(
                    action,
                    Action::Disable { .. } | Action::DisableExposed { .. }
                )
            }),
        );
        metrics.count(
            "KeysDeleted",
            done(|action| matches!(action, Action::Delete { .. })),
        );
        metrics.count(
            "OrphansDiscarded",
            done(|action| matches!(action, Action::DiscardOrphan { .. })),
        );
        metrics.count(
            "NoticesToOwners",
            done(|action| matches!(action, Action::NotifyOwner(_))),
        );
        metrics.count(
            "Findings",
            sum(|account| account.plan.as_ref().map_or(0, |plan| plan.findings.len())),
        );
        metrics.count("Failures", sum(|account| account.failures().len()));
        metrics.count("ActionsLeft", self.left());
        if let Some(oldest) = self
            .accounts
            .iter()
            .filter_map(|account| account.oldest_key)
            .min()
        {
            metrics.seconds("OldestKeyAge", now.duration_since(oldest).as_secs_f64());
        }
        metrics
    }
}

impl Rotator {
    /// Tells operators what was done and found, and notes the findings so that they are said once.
    pub async fn announce(&self, report: &Report, invocation: &Invocation) {
        for account in &report.accounts {
            let Some(notice) = summary(account, &invocation.run) else {
                continue;
            };
            if let Err(error) = self
                .notice_sender
                .send(&notice, invocation.remaining())
                .await
            {
                // Findings are not noted, so that the next run says them again.
                tracing::error!(account = %account.account, %error, "operators could not be told");
                continue;
            }
            self.note_findings(account, invocation).await;
        }
    }

    async fn note_findings(&self, report: &AccountReport, invocation: &Invocation) {
        let Some(observed) = &report.observed else {
            return;
        };
        let Some(account) = self
            .accounts
            .iter()
            .find(|account| account.identity.id == report.account)
        else {
            return;
        };
        for user in &observed.snapshot.users {
            let new = report
                .new_findings()
                .filter(|finding| finding.user == user.name);
            let ids: Vec<String> = new.map(|finding| finding.kind.id()).collect();
            if ids.is_empty() {
                continue;
            }
            let outcome = report
                .outcomes
                .iter()
                .find(|outcome| outcome.user == user.name);
            let memory = outcome.map_or_else(|| Memory::of(user), |outcome| outcome.memory.clone());
            let noted = note_said(
                account,
                user,
                memory,
                &ids,
                self.clock.as_ref(),
                &invocation.run,
            )
            .await;
            if let Err(error) = noted {
                tracing::warn!(account = %report.account, user = %user.name, %error, "a finding will be said again");
            }
        }
    }
}

/// The operators' summary; `None` if there is nothing new to say.
fn summary(account: &AccountReport, run: &str) -> Option<Notice> {
    let failures = account.failures();
    let findings: Vec<String> = account
        .new_findings()
        .map(|finding| format!("{} {}", finding.user, words::finding(&finding.kind)))
        .collect();
    let done: Vec<String> = account
        .done()
        .filter_map(|(outcome, action)| line(outcome, action))
        .collect();
    if failures.is_empty() && findings.is_empty() && done.is_empty() {
        return None;
    }
    let count = |is: fn(&Action) -> bool| account.done().filter(|(_, action)| is(action)).count();
    let counts = [
        (
            count(|action| matches!(action, Action::Issue { .. })),
            "issued",
        ),
        (
            count(|action| {
                matches!(
                    action,
                    Action::Disable { .. } | Action::DisableExposed { .. }
                )
            }),
            "disabled",
        ),
        (
            count(|action| matches!(action, Action::Delete { .. })),
            "deleted",
        ),
        (findings.len(), "to look at"),
        (failures.len(), "failed"),
    ];
    let said: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let said = if said.is_empty() {
        "owners were told".to_owned()
    } else {
        said.join(", ")
    };
    let section = |title: &str, lines: Vec<String>| Section {
        title: title.to_owned(),
        lines,
    };
    let sections = [
        section("Failed", failures.clone()),
        section("To look at", findings.clone()),
        section("Done", done),
    ];
    let mut facts = vec![("Account".to_owned(), account.account.to_string())];
    if account.left() > 0 {
        facts.push((
            "Left for the next run".to_owned(),
            format!("{} actions", account.left()),
        ));
    }
    let urgency = match (failures.is_empty(), findings.is_empty()) {
        (false, _) => Urgency::Alarm,
        (true, false) => Urgency::Action,
        (true, true) => Urgency::Information,
    };
    let id = format!("rotate-access-keys:{}:summary:{run}", account.account);
    let headline = format!("Access keys in {}: {said}", account.account);
    let sections = sections
        .into_iter()
        .filter(|section| !section.lines.is_empty())
        .collect();
    Some(Notice {
        facts,
        sections,
        ..Notice::new(id, Audience::Operators, urgency, headline)
    })
}

/// What was done, in one line for operators; telling of a deed is not told beside the deed.
fn line(outcome: &Outcome, action: &Action) -> Option<String> {
    let user = &outcome.user;
    Some(match action {
        Action::DisableExposed { key } => format!("{user}: exposed key {key} disabled"),
        Action::DiscardOrphan { key } => format!("{user}: key {key}, lost in a crash, discarded"),
        Action::Issue { recipient, .. } => format!("{user}: new key issued, sealed to {recipient}"),
        Action::Disable { key } => format!("{user}: old key {key} disabled"),
        Action::Delete { key } => format!("{user}: disabled key {key} deleted"),
        Action::SaveRestored { key } => format!("{user}: key {key} was restored by a person"),
        Action::NotifyOwner(OwnerNotice::Warning { key, .. }) => {
            format!("{user}: warned that {key} nears its end")
        }
        Action::NotifyOwner(OwnerNotice::WillBeDisabled { key, .. }) => {
            format!("{user}: reminded that {key} will be disabled")
        }
        Action::NotifyOwner(OwnerNotice::WillBeDeleted { key, .. }) => {
            format!("{user}: reminded that {key} will be deleted")
        }
        Action::NotifyOwner(OwnerNotice::CertificateProblem { .. }) => {
            format!("{user}: asked for a usable certificate")
        }
        Action::NotifyOwner(
            OwnerNotice::Issued { .. }
            | OwnerNotice::Disabling { .. }
            | OwnerNotice::Exposed { .. }
            | OwnerNotice::Deleting { .. },
        ) => return None,
    })
}

/// Any value as JSON, for a log line.
pub(crate) fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_else(|error| Value::String(error.to_string()))
}
