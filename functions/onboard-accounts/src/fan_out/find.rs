//! Looks for an account that an event named, until Organizations shows it.

use banto_domain::policy::OnboardingPolicy;
use banto_lambda::{Invocation, InvocationError};
use banto_ports::ErrorKind;
use jiff::SignedDuration;

use super::apply::{delete_status, send_messages, tell};
use super::notices;
use super::plan::PlannedMessage;
use super::ports::Ports;
use crate::converge::retry::backoff;
use crate::message::{ConvergeRequest, FindRequest, Message};

/// The time for which an account is looked for. Organizations shows a change within minutes; after
/// an hour people are told, and the daily run takes the account up once it shows.
const FIND_TIMEOUT: SignedDuration = SignedDuration::from_hours(1);

/// Looks for an account once. Returns the request to converge it if Organizations shows it. If not,
/// and the event says that it is there, the next look is asked for, or people are told; else it has
/// left, and its status goes.
///
/// # Errors
/// If the queue or the table can't be reached, if nobody could be told, or if Organizations could
/// not be reached for the whole time.
pub async fn find(
    ports: &Ports,
    request: FindRequest,
    policy: &OnboardingPolicy,
    invocation: &Invocation,
) -> Result<Option<ConvergeRequest>, InvocationError> {
    if !policy.enabled {
        tracing::warn!(account.id = %request.account, "account not looked for: [onboarding] enabled is false");
        return Ok(None);
    }
    let error = match ports.organization.account(&request.account).await {
        Ok(account) => return Ok(Some(request.found(account))),
        Err(error) => error,
    };
    let is_missing = error.kind == ErrorKind::Missing;
    if is_missing && !request.cause.says_that_it_is_there() {
        delete_status(ports, &request.account).await?;
        return Ok(None);
    }
    let waited = ports.clock.now().duration_since(request.requested_at);
    if waited >= FIND_TIMEOUT {
        return match is_missing {
            true => {
                tell(ports, &notices::not_shown(&request), invocation).await?;
                Ok(None)
            }
            false => Err(InvocationError::new("OrganizationUnreachable", error)),
        };
    }
    tracing::info!(account.id = %request.account, %error, "account not found yet");
    let delay = backoff(request.attempt);
    let message = Message::Find(request.retry());
    send_messages(ports, &[PlannedMessage { message, delay }]).await?;
    Ok(None)
}
