//! Ends the work on accounts: saves their statuses, tells people what is new, sends retries to the
//! queue; and publishes the dashboard's data.

use std::collections::BTreeSet;

use banto_domain::AccountId;
use banto_domain::policy::OnboardingPolicy;
use banto_domain::status::AccountStatus;
use banto_lambda::{Invocation, Metrics};
use banto_ports::{AccountRow, PortError, Told};
use futures_util::future::join_all;
use jiff::Timestamp;

use super::outcome::{Announcement, Converged, Saved};
use super::ports::Ports;
use super::times::CALL_TIME;
use super::{news, report, retry};
use crate::message::Message;

/// Accounts that are finished.
#[derive(Debug, Default)]
pub struct Finished {
    /// The accounts whose messages come again.
    pub come_again: Vec<AccountId>,
    pub metrics: Metrics,
}

/// Saves the statuses of accounts, then tells people what is new, then sends retries for those that
/// are not ready.
pub async fn finish(
    ports: &Ports,
    mut accounts: Vec<Converged>,
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> Finished {
    let mut finished = Finished::default();
    accounts.sort_by(|one, other| one.status.account.cmp(&other.status.account));
    let mut saved = Vec::new();
    for result in join_all(accounts.into_iter().map(|account| save(ports, account))).await {
        match result {
            Ok(account) => saved.push(account),
            Err(account) => finished.come_again.push(account),
        }
    }
    finished.metrics = report::metrics(&saved);
    let now = ports.clock.now();
    let announcements = report::announcements(&saved, policy, now);
    let announced = announcements
        .iter()
        .map(|announcement| announce(ports, announcement, invocation));
    for (announcement, is_told) in announcements.iter().zip(join_all(announced).await) {
        if !is_told {
            let accounts = announcement.told.iter().map(|(account, _)| *account);
            finished.come_again.extend(accounts.cloned());
        }
    }
    mark_quietly(ports, &saved, now).await;
    // A message that comes again is a retry by itself: a second one would double with each round.
    saved.retain(|saved| !finished.come_again.contains(&saved.account.status.account));
    let unsent = send_retries(ports, &saved).await;
    finished.come_again.extend(unsent);
    finished
}

/// Marks accounts that are in order and of which there is nothing to tell: what is done there after
/// a look that failed is a repair nonetheless.
async fn mark_quietly(ports: &Ports, saved: &[Saved], now: Timestamp) {
    let marks = saved.iter().map(async |saved| {
        let (status, request) = (&saved.account.status, &saved.account.job.request);
        let news = news::quiet_mark(status, request, saved.last_notified.as_ref(), now);
        let told = Told {
            news,
            repairs: BTreeSet::new(),
        };
        if told.news.is_some()
            && let Err(error) = ports.statuses.save_told(&status.account, &told).await
        {
            tracing::warn!(account.id = %status.account, %error, "mark of an account in order not saved; the next run saves it");
        }
    });
    join_all(marks).await;
}

/// Saves the status of an account. Returns the account's id if that fails.
async fn save(ports: &Ports, account: Converged) -> Result<Saved, AccountId> {
    match ports.statuses.save_status(&account.status).await {
        Ok(before) => {
            save_held(ports, &account.status, &before).await;
            let repairs = untold_repairs(&account, &before);
            Ok(Saved {
                account,
                last_notified: before.last_notified,
                repairs,
            })
        }
        Err(error) => {
            let id = account.status.account;
            tracing::error!(account.id = %id, %error, "status not saved; account's message comes again");
            Err(id)
        }
    }
}

/// Saves since when an account is not in order, for people who look. Where that fails nobody knows
/// until the next run, which takes the last look for the beginning: a status in order has taken away
/// the moment of an earlier trouble.
async fn save_held(ports: &Ports, status: &AccountStatus, before: &AccountRow) {
    if let Some(held) = news::held(status, before)
        && let Err(error) = ports.statuses.save_held(&status.account, &held).await
    {
        tracing::warn!(account.id = %status.account, %error, "time since which account is not in order not saved; the next run saves it");
    }
}

/// The saved repairs that are known to be made: the last plan no longer asks for them, and this run
/// made them, or every place was seen. What an earlier run saved and may not have made stays saved
/// until then: an answer that was lost, or another run, may have made it.
fn untold_repairs(account: &Converged, before: &AccountRow) -> BTreeSet<String> {
    let is_seen = is_seen(&account.status);
    let made = before.repairs.iter().filter(|repair| {
        let is_made = is_seen || account.made.contains(*repair);
        is_made && !account.still_planned.contains(*repair)
    });
    made.cloned().collect()
}

/// True if every place of an account was seen, and found as it is to be or reported.
fn is_seen(status: &AccountStatus) -> bool {
    !status.conditions.regions.is_empty() && status.worst().reason().is_none()
}

/// Sends a notice, then saves of each account what people were told. In this order, what is marked
/// as told was sent. Returns false if nobody was told.
async fn announce(ports: &Ports, announcement: &Announcement<'_>, invocation: &Invocation) -> bool {
    let notice = &announcement.notice;
    // What is told and the retries are still to be saved after it.
    let time = invocation
        .remaining()
        .saturating_sub(CALL_TIME.saturating_mul(2));
    let sent = ports.notice_sender.send(notice, time);
    if let Err(error) = sent.await {
        tracing::error!(notice.id = notice.id, %error, "notice not sent");
        return false;
    }
    let saves = announcement.told.iter().map(async |(account, told)| {
        if let Err(error) = ports.statuses.save_told(account, told).await {
            tracing::warn!(account.id = %account, %error, "mark of a sent notice not saved; the notice may be sent again");
        }
    });
    join_all(saves).await;
    true
}

/// Sends the retries of accounts in one call. Returns the accounts whose own messages come again
/// instead.
async fn send_retries(ports: &Ports, saved: &[Saved]) -> Vec<AccountId> {
    let now = ports.clock.now();
    let (mut accounts, mut messages, mut come_again) = (Vec::new(), Vec::new(), Vec::new());
    for saved in saved {
        let Some((request, delay)) = retry::retry(&saved.account, now) else {
            continue;
        };
        let id = request.account.id.clone();
        match Message::Converge(request).delayed(delay) {
            Ok(message) => {
                accounts.push(id);
                messages.push(message);
            }
            Err(error) => {
                tracing::error!(account.id = %id, %error, "retry not written as JSON");
                come_again.push(id);
            }
        }
    }
    if !messages.is_empty()
        && let Err(error) = ports.queue.send(&messages).await
    {
        tracing::error!(%error, "retries not sent; the accounts' messages come again as they are");
        come_again.extend(accounts);
    }
    come_again
}

/// Publishes the status of all accounts for the dashboard.
pub async fn publish_dashboard(ports: &Ports) -> Result<(), PortError> {
    let mut accounts = ports.statuses.all().await?;
    accounts.sort_by(|one, other| one.account.cmp(&other.account));
    let document = report::dashboard(&accounts, ports.clock.now());
    ports.dashboard.publish(&document.to_string()).await
}
