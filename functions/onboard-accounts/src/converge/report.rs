//! Makes of the results of a batch what people are told and what is counted, and of all statuses
//! the dashboard's data.
//!
//! Deliberately absent: sending, which `send.rs` does.

use std::collections::BTreeMap;

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
    run: &str,
    now: Timestamp,
) -> Vec<Announcement<'a>> {
    let (mut announcements, mut told, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for saved in saved {
        let (status, request) = (&saved.account.status, &saved.account.job.request);
        let news = news(status, request, saved.last_notified.as_ref(), now);
        let (kind, mark) = news.unzip();
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
        let notice = notices::accounts(&others, run);
        announcements.push(Announcement { notice, told });
    }
    announcements
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
