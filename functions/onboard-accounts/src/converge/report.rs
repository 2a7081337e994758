//! Makes of the results of a batch what people are told, what is counted, and what waits for a
//! retry.
//!
//! Deliberately absent: sending, which `send.rs` does.

use std::collections::BTreeMap;
use std::time::Duration;

use banto_domain::policy::OnboardingPolicy;
use banto_domain::status::{AccountStatus, Condition, Reason, ReasonKind};
use banto_domain::{PerPlace, Place, RoleName};
use banto_lambda::Metrics;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::actions::{Action, Plan};
use super::notices;
use super::outcome::{AccountNews, Announcement, Converged, NewsKind, Outcome};
use crate::message::{Cause, ConvergeRequest};

/// The time that an account is waited for before people are told that it is stuck. Most of what
/// passes by itself has passed by then: a new account's role within minutes, a new member's
/// policies within 20.
pub const READY_TIMEOUT: SignedDuration = SignedDuration::from_hours(1);

/// The version of the dashboard's data.
pub const DASHBOARD_VERSION: u64 = 1;

/// The mark of an account that people know to be in order.
const READY: &str = "ready";

/// The conditions of an account after its last plan. A place where something is still to do has it
/// because an action failed, or because what was done does not show yet.
pub fn conditions(plan: &Plan, outcomes: &PerPlace<Outcome>) -> PerPlace<Condition> {
    plan.chains.map(|place, chain| {
        if chain.actions.is_empty() {
            return chain.condition.clone();
        }
        let failed = outcomes.get(place).and_then(|it| it.failed.clone());
        let reason = failed.unwrap_or_else(|| propagating(&chain.actions));
        reason.condition()
    })
}

/// The reason of a place whose actions were done and do not show yet.
fn propagating(actions: &[Action]) -> Reason {
    let left: Vec<&str> = actions.iter().map(Action::kind).collect();
    Reason::new(ReasonKind::Propagating, left.join(", "))
}

/// The news of an account and its mark; `None` if people know already.
pub fn news(
    status: &AccountStatus,
    request: &ConvergeRequest,
    last_notified: Option<&str>,
    now: Timestamp,
) -> Option<(NewsKind, String)> {
    // An account that is left alone altogether is neither ready nor in trouble.
    if matches!(status.conditions.account, Condition::LeftAlone { .. }) {
        return None;
    }
    let (kind, mark) = match status.worst() {
        Condition::InPlace | Condition::LeftAlone { .. } => (
            in_place_news(request.cause, last_notified)?,
            READY.to_owned(),
        ),
        Condition::Drifted { .. } => {
            let drift = notices::drifted(status).join("; ");
            (NewsKind::Drifted, format!("drifted: {drift}"))
        }
        Condition::Failed(_) => (NewsKind::Stuck, stuck_mark(status)),
        Condition::NotReady(_) if waited(request, now) >= READY_TIMEOUT => {
            (NewsKind::Stuck, stuck_mark(status))
        }
        Condition::NotReady(_) => return None,
    };
    match last_notified == Some(mark.as_str()) {
        true => None,
        false => Some((kind, mark)),
    }
}

fn in_place_news(cause: Cause, last_notified: Option<&str>) -> Option<NewsKind> {
    match (last_notified, cause) {
        (None, Cause::Joined | Cause::ControlTower) => Some(NewsKind::Ready),
        (None | Some(READY), _) => None,
        (Some(_), _) => Some(NewsKind::InOrderAgain),
    }
}

/// The mark of an account that is stuck: each kind of reason with its places, without the details,
/// which differ from call to call.
fn stuck_mark(status: &AccountStatus) -> String {
    let mut kinds = Vec::new();
    for (kind, places) in status.reasons() {
        let places: Vec<String> = places.iter().map(|(place, _)| place.to_string()).collect();
        kinds.push(format!("{} {}", kind.as_str(), places.join(" ")));
    }
    format!("stuck: {}", kinds.join("; "))
}

/// The time since the account's first message.
fn waited(request: &ConvergeRequest, now: Timestamp) -> SignedDuration {
    now.duration_since(request.requested_at)
}

/// The changes that brought an account back to its baseline: whatever was done where all was in
/// place before, and elsewhere each change to what others had set up.
pub fn repairs(account: &Converged) -> Vec<(Place<'_>, &Action)> {
    let mut repairs = Vec::new();
    for (place, outcome) in account.outcomes.iter() {
        for action in &outcome.done {
            if was_in_place(account, place) || changes_others(account, action) {
                repairs.push((place, action));
            }
        }
    }
    repairs
}

fn was_in_place(account: &Converged, place: Place<'_>) -> bool {
    let previous = account.previous.status.as_ref();
    let condition = previous.and_then(|status| status.conditions.get(place));
    matches!(
        condition,
        Some(Condition::InPlace | Condition::Drifted { .. })
    )
}

/// True if an action changed what others had set up.
fn changes_others(account: &Converged, action: &Action) -> bool {
    match action {
        Action::ChangeRole { name, .. } => !was_created(account, name),
        Action::SetPasswordPolicy { replaces, .. } => replaces.is_some(),
        Action::BlockPublicAccess { replaces } => replaces.is_some(),
        Action::SetContact { replaces, .. } => replaces.is_some(),
        Action::PutRecorder { replaces, .. } => replaces.is_some(),
        Action::PutChannel { replaces, .. } => replaces.is_some(),
        Action::CreateConfigRole
        | Action::CreateRole { .. }
        | Action::StartRecorder { .. }
        | Action::EncryptEbs
        | Action::DeleteVpcPart { .. } => false,
    }
}

/// True if this run made the role.
fn was_created(account: &Converged, role: &RoleName) -> bool {
    let mut done = account.outcomes.values().flat_map(|it| &it.done);
    done.any(|action| matches!(action, Action::CreateRole { name, .. } if name == role))
}

/// The notices of a batch: one for each account that is ready, and one for all that need people.
pub fn announcements<'a>(
    converged: &'a [Converged],
    policy: &OnboardingPolicy,
    run: &str,
    now: Timestamp,
) -> Vec<Announcement<'a>> {
    let (mut announcements, mut others) = (Vec::new(), Vec::new());
    for account in converged {
        let last_notified = account.previous.last_notified.as_deref();
        let news = news(&account.status, &account.job.request, last_notified, now);
        let repairs = repairs(account);
        match news {
            Some((NewsKind::Ready, mark)) => {
                announcements.push(ready(account, policy, &repairs, mark));
            }
            None if repairs.is_empty() => {}
            news => others.push((account, news, repairs)),
        }
    }
    if !others.is_empty() {
        announcements.push(summary(others, run));
    }
    announcements
}

/// The notice that an account is ready.
fn ready<'a>(
    account: &'a Converged,
    policy: &OnboardingPolicy,
    repairs: &[(Place<'_>, &Action)],
    mark: String,
) -> Announcement<'a> {
    let id = &account.status.account;
    Announcement {
        notice: notices::ready(account, policy, repairs),
        accounts: vec![id],
        last_notified: vec![(id, mark)],
    }
}

/// An account, what is new of it, and what was repaired.
type Other<'a> = (
    &'a Converged,
    Option<(NewsKind, String)>,
    Vec<(Place<'a>, &'a Action)>,
);

/// One notice for all accounts that need people or were repaired.
fn summary<'a>(others: Vec<Other<'a>>, run: &str) -> Announcement<'a> {
    let (mut accounts, mut last_notified, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for (account, news, repairs) in others {
        let (kind, mark) = news.unzip();
        let id = &account.status.account;
        accounts.push(id);
        last_notified.extend(mark.map(|mark| (id, mark)));
        all.push(AccountNews {
            status: &account.status,
            kind,
            repairs,
        });
    }
    Announcement {
        notice: notices::accounts(&all, run),
        accounts,
        last_notified,
    }
}

/// The request with which an account that is not ready is tried again, and the delay until then;
/// `None` if waiting won't help, or has not.
pub fn retry(account: &Converged, now: Timestamp) -> Option<(ConvergeRequest, Duration)> {
    let request = &account.job.request;
    // One that can't be mended by waiting may still have a place that can.
    let may_pass = account
        .status
        .conditions
        .values()
        .any(|condition| matches!(condition, Condition::NotReady(_)));
    if !may_pass || waited(request, now) >= READY_TIMEOUT {
        return None;
    }
    Some((request.retry(), backoff(request.attempt)))
}

/// The delay before a retry: 15 seconds at first, twice as long each time. 900 seconds is the most
/// that SQS allows.
pub fn backoff(attempt: u32) -> Duration {
    Duration::from_secs(15_u64.saturating_mul(1 << attempt.min(6)).min(900))
}

/// `accounts.json`: `{"version": 1, "generatedAt": …, "counts": {"in place": 3, …}, "accounts":
/// [AccountStatus, …]}`.
pub fn dashboard(accounts: &[AccountStatus], now: Timestamp) -> Value {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for account in accounts {
        *counts.entry(account.worst().as_str()).or_default() += 1;
    }
    json!({ "version": DASHBOARD_VERSION, "generatedAt": now, "counts": counts, "accounts": accounts })
}

/// Counts a batch's accounts by their worst condition, and the actions that were done.
pub fn metrics(converged: &[Converged]) -> Metrics {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut done = 0;
    for account in converged {
        *counts.entry(account.status.worst().as_str()).or_default() += 1;
        for outcome in account.outcomes.values() {
            done += outcome.done.len();
        }
    }
    let mut metrics = Metrics::default();
    for (name, condition) in [
        ("AccountsInPlace", "in place"),
        ("AccountsLeftAlone", "left alone"),
        ("AccountsDrifted", "drifted"),
        ("AccountsNotReady", "not ready"),
        ("AccountsFailed", "failed"),
    ] {
        metrics.count(name, counts.get(condition).copied().unwrap_or(0));
    }
    metrics.count("ActionsDone", done);
    metrics
}
