//! Applies a fan-out's plan, step by step. The first failure ends it: nothing that was asked is
//! lost, since whoever asked learns of it, or the event comes again.

use anyhow::Context as _;
use banto_domain::AccountId;
use banto_lambda::{Invocation, InvocationError};
use banto_notice::Notice;
use banto_ports::{Delayed, ErrorKind, PortError};

use super::plan::{Edit, EditChange, Plan, PlannedMessage};
use super::ports::Ports;

/// Edits accounts, then sends messages, then deletes statuses.
pub async fn apply(ports: &Ports, plan: &Plan) -> Result<(), InvocationError> {
    for edit in &plan.edits {
        edit_account(ports, edit)
            .await
            .map_err(|error| InvocationError::new("EditFailed", error))?;
        tracing::info!(account.id = %edit.account, edit = ?edit.change, "account edited");
    }
    send_messages(ports, &plan.messages).await?;
    for account in &plan.delete_statuses {
        delete_status(ports, account).await?;
    }
    Ok(())
}

/// Deletes the status of an account that is not in the Organization.
pub async fn delete_status(ports: &Ports, account: &AccountId) -> Result<(), InvocationError> {
    ports
        .statuses
        .delete(account)
        .await
        .map_err(|error| InvocationError::new("StatusNotDeleted", error))?;
    tracing::info!(account.id = %account, "status deleted of an account that is not in the Organization");
    Ok(())
}

async fn edit_account(ports: &Ports, edit: &Edit) -> Result<(), PortError> {
    let organization = ports.organization.as_ref();
    match &edit.change {
        EditChange::Tag(tags) => organization.tag(&edit.account, tags).await,
        EditChange::Move { from, to } => {
            match organization.move_to(&edit.account, from, to).await {
                // Another caller moved it there meanwhile.
                Err(error) if error.kind == ErrorKind::Conflict => Ok(()),
                moved => moved,
            }
        }
    }
}

/// Sends messages to the function's own queue.
pub async fn send_messages(
    ports: &Ports,
    messages: &[PlannedMessage],
) -> Result<(), InvocationError> {
    let messages = delayed_messages(messages)
        .map_err(|error| InvocationError::new("MessageNotWritten", error))?;
    ports
        .queue
        .send(&messages)
        .await
        .map_err(|error| InvocationError::new("QueueUnreachable", error))
}

fn delayed_messages(messages: &[PlannedMessage]) -> anyhow::Result<Vec<Delayed>> {
    let mut delayed = Vec::new();
    for planned in messages {
        let message = planned.message.delayed(planned.delay);
        delayed.push(message.context("a message can't be written as JSON")?);
    }
    Ok(delayed)
}

/// Tells people.
pub async fn tell(
    ports: &Ports,
    notice: &Notice,
    invocation: &Invocation,
) -> Result<(), InvocationError> {
    let sent = ports.notice_sender.send(notice, invocation.remaining());
    sent.await
        .map(drop)
        .map_err(|error| InvocationError::new("NobodyTold", error))
}
