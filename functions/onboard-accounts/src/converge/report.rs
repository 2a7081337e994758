//! Makes of the results of a batch what people are told and what is counted, and of all statuses
//! the dashboard's data.
//!
//! Deliberately absent: sending, which `send.rs` does.

use std::collections::BTreeMap;

use banto_domain::compliance::short_hash;
use banto_domain::policy::OnboardingPolicy;
use banto_domain::status::AccountStatus;
use banto_lambda::Metrics;
use banto_ports::{LastNotified, Told};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::news::news;
use super::notices;
use super::outcome::{AccountNews, Announcement, NewsKind, Saved};

/// The version of the dashboard's data.
pub const DASHBOARD_VERSION: u64 = 1;

/// The notices of a batch: one for each account that is ready, and one for all others that have
/// news or were repaired.
pub fn announcements<'a>(
    saved: &'a [Saved],
    policy: &OnboardingPolicy,
    now: Timestamp,
) -> Vec<Announcement<'a>> {
    let (mut announcements, mut told, mut others) = (Vec::new(), Vec::new(), Vec::new());
    let mut ids = Vec::new();
    for saved in saved {
        let (status, request) = (&saved.account.status, &saved.account.job.request);
        let news = news(status, request, saved.last_notified.as_ref(), now);
        let (kind, mark) = news.unzip();
        let id = news_id(saved, mark.as_deref());
        let remembered = Told {
            news: mark.map(|mark| LastNotified { mark, at: now }),
            repairs: saved.repairs.clone(),
        };
        match kind {
            Some(NewsKind::Ready) => announcements.push(Announcement {
                notice: notices::ready(&saved.account.job, status, &saved.repairs, policy),
                told: vec![(&status.account, remembered)],
            }),
            None if saved.repairs.is_empty() => {}
            _ => {
                ids.push(id);
                told.push((&status.account, remembered));
                others.push(AccountNews {
                    status,
                    kind,
                    repairs: saved.repairs.clone(),
                });
            }
        }
    }
    if !others.is_empty() {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let notice = notices::accounts(&others, &short_hash(&ids));
        announcements.push(Announcement { notice, told });
    }
    announcements
}

/// Names the news of an account. A message that comes again tells the same news under the same
/// name. A later one names another request, or another attempt at it.
fn news_id(saved: &Saved, mark: Option<&str>) -> String {
    let request = &saved.account.job.request;
    let requested_at = request.requested_at.to_string();
    let attempt = request.attempt.to_string();
    let last = saved.last_notified.as_ref();
    let told_at = last.map(|last| last.at.to_string()).unwrap_or_default();
    let mut parts = vec![
        request.account.id.as_str(),
        &requested_at,
        &attempt,
        &told_at,
        mark.unwrap_or_default(),
    ];
    parts.extend(saved.repairs.iter().map(String::as_str));
    short_hash(&parts)
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
pub fn metrics(saved: &[Saved]) -> Metrics {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut done = 0;
    for Saved { account, .. } in saved {
        *counts.entry(account.status.worst().as_str()).or_default() += 1;
        done += account.made.len();
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use banto_domain::PerPlace;
    use banto_domain::status::Condition;
    use banto_ports::{AccountState, OrgAccount};

    use super::super::outcome::Converged;
    use super::super::snapshot::Job;
    use super::*;
    use crate::message::{Cause, ConvergeRequest};

    fn saved() -> Saved {
        let account = OrgAccount {
            id: "444455556666".parse().unwrap(),
            name: "payments".into(),
            state: AccountState::Active,
            path: Vec::new(),
            joined_at: None,
            was_created: true,
        };
        let status = AccountStatus {
            account: account.id.clone(),
            name: account.name.clone(),
            checked_at: Timestamp::UNIX_EPOCH,
            conditions: PerPlace::of_account(Condition::InPlace),
        };
        let request = ConvergeRequest {
            account,
            cause: Cause::Schedule,
            requested_at: Timestamp::UNIX_EPOCH,
            attempt: 0,
        };
        Saved {
            account: Converged {
                job: Job {
                    request,
                    tags: BTreeMap::new(),
                },
                status,
                instances: Default::default(),
                made: BTreeSet::new(),
                still_planned: BTreeSet::new(),
            },
            last_notified: None,
            repairs: BTreeSet::from(["password policy".to_owned()]),
        }
    }

    #[test]
    fn news_of_a_message_that_comes_again_keeps_its_name_and_any_later_news_has_another() {
        let first = saved();
        let id = |saved: &Saved| news_id(saved, None);
        let mut again = saved();
        again.account.status.checked_at = "2026-11-24T01:00:00Z".parse().unwrap();
        assert_eq!(id(&first), id(&again));

        let mut next_day = saved();
        next_day.account.job.request.requested_at = "2026-11-24T01:00:00Z".parse().unwrap();
        let mut next_attempt = saved();
        next_attempt.account.job.request.attempt = 1;
        let mut reminder = saved();
        reminder.last_notified = Some(LastNotified {
            mark: String::new(),
            at: Timestamp::UNIX_EPOCH,
        });
        let mut other_account = saved();
        other_account.account.job.request.account.id = "111122223333".parse().unwrap();
        let mut other_repair = saved();
        other_repair.repairs = BTreeSet::from(["recorder".to_owned()]);
        for other in [
            next_day,
            next_attempt,
            reminder,
            other_account,
            other_repair,
        ] {
            assert_ne!(id(&first), id(&other), "{other:?}");
        }
        assert_ne!(id(&first), news_id(&first, Some("stuck: Denied account")));
    }
}
