//! What became of accounts: who is told what, what goes back to the queue, what is counted.

use std::collections::BTreeMap;

use banto_domain::status::{AccountStatus, Condition};
use banto_domain::{AccountId, Place, RoleName};
use banto_lambda::{Invocation, Metrics, Response};
use banto_ports::{Delayed, PortError};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::converge::plan::{Action, Plan, READY_TIMEOUT};
use crate::converge::snapshot::Snapshot;
use crate::converge::{Converged, Rehearsed, backoff};
use crate::converge::{diff, notices};
use crate::event::{Cause, ConvergeRequest, Message};
use crate::fan_out::queued;
use crate::{Onboarder, answer};

/// What is noted once people were told that an account is in order.
const READY: &str = "ready";

/// Something to tell of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewsKind {
    /// A new account is ready to be used.
    Ready,
    /// An account is in order again.
    InOrderAgain,
    /// It is not in place, and waiting won't help, or has not.
    Stuck,
    /// Something differs that is reported only.
    Drifted,
}

/// What is new of an account, and what is noted once people were told; `None` if they know already.
pub fn news(
    status: &AccountStatus,
    work: &ConvergeRequest,
    told: Option<&str>,
    now: Timestamp,
) -> Option<(NewsKind, String)> {
    let reasons = || {
        let kinds = status.reasons().into_iter().map(|(kind, places)| {
            let places: Vec<String> = places.iter().map(|(place, _)| place.to_string()).collect();
            format!("{} {}", kind.as_str(), places.join(" "))
        });
        format!("stuck: {}", kinds.collect::<Vec<_>>().join("; "))
    };
    // An account that is left alone altogether is neither ready nor in trouble.
    if matches!(status.conditions.account, Condition::LeftAlone { .. }) {
        return None;
    }
    let (news, note) = match status.worst() {
        Condition::InPlace | Condition::LeftAlone { .. } => match (told, work.cause) {
            (None, Cause::Joined | Cause::ControlTower) => (NewsKind::Ready, READY.to_owned()),
            (None | Some(READY), _) => return None,
            (Some(_), _) => (NewsKind::InOrderAgain, READY.to_owned()),
        },
        Condition::Drifted { .. } => (
            NewsKind::Drifted,
            format!("drifted: {}", drifted(status).join("; ")),
        ),
        Condition::Failed(_) => (NewsKind::Stuck, reasons()),
        Condition::NotReady(_) if now.duration_since(work.since) >= READY_TIMEOUT => {
            (NewsKind::Stuck, reasons())
        }
        Condition::NotReady(_) => return None,
    };
    (told != Some(note.as_str())).then_some((news, note))
}

/// Everything that is reported only.
pub fn drifted(status: &AccountStatus) -> Vec<String> {
    let items = status
        .conditions
        .iter()
        .filter_map(|(place, condition)| match condition {
            Condition::Drifted { items } => Some((place, items)),
            _ => None,
        });
    items
        .flat_map(|(place, items)| items.iter().map(move |item| of_place(place, item)))
        .collect()
}

/// A line about a place, which names it if it is a region.
fn of_place(place: Place<'_>, line: &str) -> String {
    match place {
        Place::Region(region) => format!("{region}: {line}"),
        Place::Account => line.to_owned(),
    }
}

/// What was brought back to the baseline: whatever was done where all was in place before, and elsewhere
/// each change to what others had set up.
pub fn repairs(account: &Converged) -> Vec<String> {
    let before = account.before.status.as_ref();
    let was_in_place = |place| {
        let before = before.and_then(|before| before.conditions.get(place));
        matches!(before, Some(Condition::InPlace | Condition::Drifted { .. }))
    };
    let done = || {
        account
            .outcomes
            .iter()
            .flat_map(|(place, part)| part.done.iter().map(move |action| (place, action)))
    };
    let is_made_now = |name: &RoleName| {
        done().any(
            |(_, action)| matches!(action, Action::CreateRole { name: made, .. } if made == name),
        )
    };
    let changes_others = |action: &Action| match action {
        Action::ChangeRole { name, .. } => !is_made_now(name),
        Action::SetPasswordPolicy { replaces, .. } => replaces.is_some(),
        Action::BlockPublicAccess { replaces } => replaces.is_some(),
        Action::SetContact { replaces, .. } => replaces.is_some(),
        Action::PutRecorder { replaces, .. } => replaces.is_some(),
        Action::PutChannel { replaces, .. } => replaces.is_some(),
        Action::CreateConfigRole
        | Action::CreateRole { .. }
        | Action::StartRecorder { .. }
        | Action::EncryptEbs
        | Action::DeleteVpcPart(_) => false,
    };
    let told = done().filter(|(place, action)| was_in_place(*place) || changes_others(action));
    let lines = told.filter_map(|(place, action)| {
        let line = diff::lines(action).into_iter().next()?;
        Some(of_place(
            place,
            line.trim_start_matches(['+', '~', '-', ' ']),
        ))
    });
    lines.collect()
}

impl Onboarder {
    /// Tells people what is new, then puts back what is not ready. Returns the messages that must come again
    /// because either failed.
    pub(crate) async fn settle(
        &self,
        converged: &[Converged],
        invocation: &Invocation,
    ) -> Vec<String> {
        let mut back = self.tell(converged, invocation).await;
        let (mut ids, mut messages) = (Vec::new(), Vec::new());
        for account in converged {
            match self.again(account) {
                Ok(None) => {}
                Ok(Some(message)) => {
                    ids.push(account.id.clone());
                    messages.push(message);
                }
                Err(error) => {
                    tracing::error!(
                        error = format!("{error:#}"),
                        "the message goes back to the queue"
                    );
                    back.push(account.id.clone());
                }
            }
        }
        if !messages.is_empty()
            && let Err(error) = self.queue.send(&messages).await
        {
            tracing::error!(%error, "accounts that are not ready go back to the queue as they came");
            back.extend(ids);
        }
        back.sort();
        back.dedup();
        back
    }

    /// The message with which an account that is not ready waits for its next turn.
    fn again(&self, account: &Converged) -> anyhow::Result<Option<Delayed>> {
        let waited = self.clock.now().duration_since(account.work.since);
        // One that can't be mended by waiting may still have a place that can.
        let may_pass = account
            .status
            .conditions
            .values()
            .any(|condition| matches!(condition, Condition::NotReady(_)));
        if !may_pass || waited >= READY_TIMEOUT {
            return Ok(None);
        }
        let work = ConvergeRequest {
            attempt: account.work.attempt + 1,
            ..account.work.clone()
        };
        queued(&Message::Converge(work), backoff(account.work.attempt)).map(Some)
    }

    /// One notice for each account that is ready, and one for all that need people.
    async fn tell(&self, converged: &[Converged], invocation: &Invocation) -> Vec<String> {
        let now = self.clock.now();
        let mut back = Vec::new();
        let mut troubles = Vec::new();
        for account in converged {
            let news = news(
                &account.status,
                &account.work,
                account.before.last_notified.as_deref(),
                now,
            );
            let repairs = repairs(account);
            match news {
                Some((NewsKind::Ready, note)) => {
                    let notice = notices::ready(account, &self.policy, &repairs);
                    if !self.send(&notice, &[(account, note)], invocation).await {
                        back.push(account.id.clone());
                    }
                }
                Some((news, note)) => troubles.push((account, Some((news, note)), repairs)),
                None if !repairs.is_empty() => troubles.push((account, None, repairs)),
                None => {}
            }
        }
        if troubles.is_empty() {
            return back;
        }
        let told: Vec<notices::AccountNews<'_>> = (troubles.iter())
            .map(|(account, news, repairs)| notices::AccountNews {
                status: &account.status,
                news: news.as_ref().map(|(news, _)| news),
                repairs,
            })
            .collect();
        let notice = notices::troubles(&told, &invocation.run);
        let notes: Vec<(&Converged, String)> = troubles
            .iter()
            .filter_map(|(account, news, _)| Some((*account, news.as_ref()?.1.clone())))
            .collect();
        if !self.send(&notice, &notes, invocation).await {
            back.extend(troubles.iter().map(|(account, _, _)| account.id.clone()));
        }
        back
    }

    /// Sends a notice, and notes of each account that it was told: in this order, so that nothing is noted
    /// that nobody was told. Whether both succeeded.
    async fn send(
        &self,
        notice: &banto_notice::Notice,
        notes: &[(&Converged, String)],
        invocation: &Invocation,
    ) -> bool {
        if let Err(error) = self
            .notice_sender
            .send(notice, invocation.remaining())
            .await
        {
            tracing::error!(notice = notice.id, %error, "nobody was told");
            return false;
        }
        for (account, note) in notes {
            if let Err(error) = self
                .statuses
                .save_last_notified(&account.status.account, note)
                .await
            {
                tracing::warn!(account = %account.status.account, %error, "this will be told again");
            }
        }
        true
    }

    /// Publishes the status of all accounts for the dashboard.
    pub(crate) async fn publish(&self) -> Result<(), PortError> {
        let mut accounts = self.statuses.all().await?;
        accounts.sort_by(|one, other| one.account.cmp(&other.account));
        self.dashboard
            .publish(&dashboard(&accounts, self.clock.now()).to_string())
            .await
    }
}

/// `accounts.json`: `{"generatedAt": …, "counts": {"in place": 3, …}, "accounts": [AccountStatus, …]}`.
pub fn dashboard(accounts: &[AccountStatus], now: Timestamp) -> Value {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for account in accounts {
        *counts.entry(account.worst().as_str()).or_default() += 1;
    }
    json!({ "generatedAt": now, "counts": counts, "accounts": accounts })
}

/// What was planned, with nothing done.
pub(crate) fn rehearsal(plans: &[Rehearsed], gone: &[AccountId], placed: &[String]) -> Response {
    let planned: Vec<(Snapshot, Plan)> = plans
        .iter()
        .filter_map(|plan| plan.as_ref().ok().cloned())
        .collect();
    let missing: Vec<Value> = plans
        .iter()
        .filter_map(|plan| plan.as_ref().err())
        .map(|(account, why)| json!({ "account": account, "why": why }))
        .collect();
    let accounts: Vec<Value> = planned.iter().map(|(_, plan)| plan_json(plan)).collect();
    let placed: String = placed.iter().map(|line| format!("{line}\n")).collect();
    let diff = format!("{placed}{}", crate::converge::text(&planned));
    answer(
        json!({ "dryRun": true, "diff": diff, "accounts": accounts, "notPlanned": missing, "gone": gone }),
    )
}

/// A plan as JSON: each place, its actions in lines, and where it stands once they are done.
pub(crate) fn plan_json(plan: &Plan) -> Value {
    let parts: Vec<Value> = (plan.parts.iter())
        .map(|(place, part)| {
            let actions: Vec<Value> = (part.actions.iter())
                .map(|action| json!({ "action": action.name(), "diff": diff::lines(action) }))
                .collect();
            json!({ "place": place.to_string(), "actions": actions, "then": part.condition })
        })
        .collect();
    json!({ "account": plan.account, "parts": parts })
}

/// What is counted of a batch.
pub(crate) fn metrics(converged: &[Converged], back: usize) -> Metrics {
    let mut metrics = Metrics::default();
    let count = |name: &str| {
        converged
            .iter()
            .filter(|account| account.status.worst().as_str() == name)
            .count()
    };
    metrics.count("AccountsInPlace", count("in place"));
    metrics.count("AccountsLeftAlone", count("left alone"));
    metrics.count("AccountsDrifted", count("drifted"));
    metrics.count("AccountsNotReady", count("not ready"));
    metrics.count("AccountsFailed", count("failed"));
    metrics.count(
        "ActionsDone",
        converged
            .iter()
            .map(|account| {
                account
                    .outcomes
                    .values()
                    .map(|part| part.done.len())
                    .sum::<usize>()
            })
            .sum(),
    );
    metrics.count("MessagesBack", back);
    metrics
}
