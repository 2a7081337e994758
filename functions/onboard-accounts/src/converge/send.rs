//! Sends what a batch leads to: notices to people, retries to the queue, the dashboard's data.

use banto_domain::AccountId;
use banto_domain::policy::OnboardingPolicy;
use banto_lambda::Invocation;
use banto_ports::PortError;

use super::outcome::{Announcement, Converged};
use super::ports::Ports;
use super::{report, retry};
use crate::message::Message;

/// Notifies people of what is new, then sends retries for accounts that are not ready. Returns the
/// accounts whose messages must come again because either failed.
pub async fn notify_and_retry(
    ports: &Ports,
    converged: &[Converged],
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> Vec<AccountId> {
    let now = ports.clock.now();
    let mut come_again = Vec::new();
    for announcement in report::announcements(converged, policy, &invocation.run, now) {
        if !announce(ports, &announcement, invocation).await {
            come_again.extend(announcement.accounts.into_iter().cloned());
        }
    }
    come_again.extend(send_retries(ports, converged).await);
    come_again
}

/// Sends a notice, then saves of each account what people were notified of. In this
/// order, what is marked as notified was sent. Returns false if nobody was told.
async fn announce(ports: &Ports, announcement: &Announcement<'_>, invocation: &Invocation) -> bool {
    let notice = &announcement.notice;
    let sent = ports.notice_sender.send(notice, invocation.remaining());
    if let Err(error) = sent.await {
        tracing::error!(notice.id = notice.id, %error, "notice not sent");
        return false;
    }
    for (account, mark) in &announcement.last_notified {
        if let Err(error) = ports.statuses.save_last_notified(account, mark).await {
            tracing::warn!(account.id = %account, %error, "mark of a sent notice not saved; the notice may be sent again");
        }
    }
    true
}

/// Sends the retries of a batch in one call. Returns the accounts whose own messages come again
/// instead.
async fn send_retries(ports: &Ports, converged: &[Converged]) -> Vec<AccountId> {
    let now = ports.clock.now();
    let (mut accounts, mut messages, mut come_again) = (Vec::new(), Vec::new(), Vec::new());
    for account in converged {
        let Some((request, delay)) = retry::retry(account, now) else {
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
