//! Makes of the results of a batch what people are told and what is counted, and of all statuses
//! the dashboard's data.
//!
//! Deliberately absent: sending, which `send.rs` does.

use std::collections::BTreeMap;

use banto_domain::policy::OnboardingPolicy;
use banto_domain::status::{AccountStatus, Condition};
use banto_domain::{Place, RoleName};
use banto_lambda::Metrics;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::actions::Action;
use super::notices;
use super::outcome::{AccountNews, Announcement, Converged, NewsKind};
use super::retry::has_timed_out;
use crate::message::{Cause, ConvergeRequest};

/// The version of the dashboard's data.
pub const DASHBOARD_VERSION: u64 = 1;

/// The mark of an account that people know to be in order.
const READY: &str = "ready";

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
        Condition::Drifted { .. } => (NewsKind::Drifted, drifted_mark(status)),
        Condition::Failed(_) => (NewsKind::Stuck, stuck_mark(status)),
        Condition::NotReady(_) if has_timed_out(request, now) => {
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

/// The mark of an account that differs: each difference with its place.
fn drifted_mark(status: &AccountStatus) -> String {
    let mut differences = Vec::new();
    for (place, condition) in status.conditions.iter() {
        if let Condition::Drifted { items } = condition {
            differences.push(format!("{place} {}", items.join(", ")));
        }
    }
    format!("drifted: {}", differences.join("; "))
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

/// The changes that brought an account back to its baseline: whatever was done where all was in
/// place before, and elsewhere each change to what others had set up.
pub fn repairs(account: &Converged) -> Vec<(Place<'_>, &Action)> {
    let mut repairs = Vec::new();
    for (place, outcome) in account.outcomes.iter() {
        for action in &outcome.done {
            if was_set_up(account, place) || changes_others(account, action) {
                repairs.push((place, action));
            }
        }
    }
    repairs
}

/// True if an earlier run found the place in place, or with drift that is only reported: whatever
/// is done there since is a repair.
fn was_set_up(account: &Converged, place: Place<'_>) -> bool {
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
        let other = AccountReport {
            account,
            news: news(&account.status, &account.job.request, last_notified, now),
            repairs: repairs(account),
        };
        match &other.news {
            Some((NewsKind::Ready, mark)) => {
                announcements.push(ready(account, policy, &other.repairs, mark.clone()));
            }
            None if other.repairs.is_empty() => {}
            _ => others.push(other),
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

/// An account, what is new of it with the news' mark, and what was repaired.
struct AccountReport<'a> {
    account: &'a Converged,
    news: Option<(NewsKind, String)>,
    repairs: Vec<(Place<'a>, &'a Action)>,
}

/// One notice for all accounts that need people or were repaired.
fn summary<'a>(others: Vec<AccountReport<'a>>, run: &str) -> Announcement<'a> {
    let (mut accounts, mut last_notified, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for AccountReport {
        account,
        news,
        repairs,
    } in others
    {
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
