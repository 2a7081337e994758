//! Applies a fan-out's plan, step by step. The first failure ends it: nothing that was asked is
//! lost, since whoever asked learns of it, or the event comes again.

use anyhow::Context as _;
use banto_lambda::InvocationError;
use banto_ports::{Delayed, ErrorKind, PortError};

use super::plan::{Edit, EditChange, Plan};
use super::ports::Ports;

/// Deletes statuses, then edits accounts, then sends messages.
pub async fn apply(ports: &Ports, plan: &Plan) -> Result<(), InvocationError> {
    delete_statuses(ports, plan).await?;
    for edit in &plan.edits {
        edit_account(ports, edit)
            .await
            .map_err(|error| InvocationError::new("EditFailed", error))?;
        tracing::info!(account.id = %edit.account, edit = ?edit.change, "account edited");
    }
    send_messages(ports, plan).await
}

async fn delete_statuses(ports: &Ports, plan: &Plan) -> Result<(), InvocationError> {
    for account in &plan.delete_statuses {
        ports
            .statuses
            .delete(account)
            .await
            .map_err(|error| InvocationError::new("StatusNotDeleted", error))?;
        tracing::info!(account.id = %account, "status deleted of an account that is not in the Organization");
    }
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

async fn send_messages(ports: &Ports, plan: &Plan) -> Result<(), InvocationError> {
    let messages =
        delayed_messages(plan).map_err(|error| InvocationError::new("MessageNotWritten", error))?;
    ports
        .queue
        .send(&messages)
        .await
        .map_err(|error| InvocationError::new("QueueUnreachable", error))
}

fn delayed_messages(plan: &Plan) -> anyhow::Result<Vec<Delayed>> {
    let mut messages = Vec::new();
    for planned in &plan.messages {
        let message = planned.message.delayed(planned.delay);
        messages.push(message.context("a message can't be written as JSON")?);
    }
    Ok(messages)
}
