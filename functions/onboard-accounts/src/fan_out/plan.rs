//! Decides what a request leads to: statuses to delete, tags and units to change, messages to send.

use std::collections::BTreeMap;
use std::time::Duration;

use banto_domain::{AccountId, OuId};
use jiff::Timestamp;
use serde::Serialize;

use super::snapshot::{ListedAccount, Snapshot};
use crate::event::{AccountEdits, Scope};
use crate::message::{Cause, ConvergeRequest, Message};

/// The time until the dashboard's data is published after all accounts were sent to the queue: the
/// longest delay that SQS allows. A dashboard that is published earlier shows some of yesterday's
/// rows.
const PUBLISH_AFTER_ALL: Duration = Duration::from_mins(15);

/// The time until the dashboard's data is published after a few accounts were sent to the queue:
/// one batch of them takes about a minute.
const PUBLISH_AFTER_FEW: Duration = Duration::from_mins(2);

/// The steps of a fan-out, in the order of the fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Accounts that are not in the Organization, whose statuses are deleted.
    pub delete_statuses: Vec<AccountId>,
    pub edits: Vec<Edit>,
    pub messages: Vec<PlannedMessage>,
}

/// A change of an account's tags or of its organizational unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Edit {
    pub account: AccountId,
    pub change: EditChange,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum EditChange {
    /// Write these tags; others stay.
    Tag(BTreeMap<String, String>),
    /// Move the account to another root or unit.
    Move { from: OuId, to: OuId },
}

/// A message, and the delay after which the function sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedMessage {
    pub message: Message,
    pub delay: Duration,
}

/// Decides what a request leads to.
pub fn plan(snapshot: &Snapshot, now: Timestamp) -> Plan {
    let request = &snapshot.request;
    let (mut edits, mut messages) = (Vec::new(), Vec::new());
    for listed in &snapshot.accounts {
        edits.extend(tag_edit(&request.edits, listed));
        edits.extend(move_edit(&request.edits, listed));
        messages.push(converge_message(listed, request.cause, now));
    }
    messages.push(publish_message(&request.scope));
    Plan {
        delete_statuses: snapshot.not_found.clone(),
        edits,
        messages,
    }
}

fn converge_message(listed: &ListedAccount, cause: Cause, now: Timestamp) -> PlannedMessage {
    PlannedMessage {
        message: Message::Converge(ConvergeRequest {
            account: listed.account.clone(),
            cause,
            requested_at: now,
            attempt: 0,
        }),
        delay: Duration::ZERO,
    }
}

fn publish_message(scope: &Scope) -> PlannedMessage {
    PlannedMessage {
        message: Message::PublishDashboard,
        delay: match scope {
            Scope::AllAccounts => PUBLISH_AFTER_ALL,
            Scope::Accounts(_) => PUBLISH_AFTER_FEW,
        },
    }
}

/// The tags that an account lacks or has with another value.
fn tag_edit(edits: &AccountEdits, listed: &ListedAccount) -> Option<Edit> {
    let mut differing = edits.tags.clone();
    differing.retain(|key, value| listed.tags.get(key) != Some(value));
    if differing.is_empty() {
        return None;
    }
    Some(Edit {
        account: listed.account.id.clone(),
        change: EditChange::Tag(differing),
    })
}

/// The move of an account that is in another root or unit.
fn move_edit(edits: &AccountEdits, listed: &ListedAccount) -> Option<Edit> {
    let (from, to) = (listed.ou.as_ref()?, edits.ou.as_ref()?);
    if from == to {
        return None;
    }
    Some(Edit {
        account: listed.account.id.clone(),
        change: EditChange::Move {
            from: from.clone(),
            to: to.clone(),
        },
    })
}

impl Plan {
    /// The accounts to converge, as their messages name them.
    pub fn converge_requests(&self) -> impl Iterator<Item = &ConvergeRequest> {
        self.messages
            .iter()
            .filter_map(|planned| match &planned.message {
                Message::Converge(request) => Some(request),
                Message::PublishDashboard => None,
            })
    }
}
