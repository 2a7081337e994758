//! Decides what a request leads to: statuses to delete, tags and units to change, messages to send.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use banto_domain::{AccountId, OuId};
use banto_ports::OrgAccount;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::snapshot::{ListedAccount, Snapshot};
use crate::event::{AccountEdits, FanOutRequest, Scope};
use crate::message::{Cause, ConvergeRequest, FindRequest, Message};

/// The time until the dashboard's data is published after all accounts were sent to the queue: the
/// longest delay that SQS allows. A dashboard that is published earlier shows some of yesterday's
/// rows.
const PUBLISH_AFTER_ALL: Duration = Duration::from_mins(15);

/// The time until the dashboard's data is published after a few accounts were sent to the queue:
/// one batch of them takes about a minute.
const PUBLISH_AFTER_FEW: Duration = Duration::from_mins(2);

/// The age up to which an account may be the one that an event is about which does not say so: the
/// 24 hours for which EventBridge tries to deliver an event. (EventBridge user guide, "Retry policy
/// and using dead-letter queues".)
const JUST_JOINED: SignedDuration = SignedDuration::from_hours(24);

/// The steps of a fan-out, in the order of the fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub edits: Vec<Edit>,
    pub messages: Vec<PlannedMessage>,
    /// Accounts that are not in the Organization, whose statuses are deleted. They come last: a
    /// deletion that fails holds no account up.
    pub delete_statuses: Vec<AccountId>,
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

/// Decides what an event about some accounts leads to: each is looked up when its message comes. An
/// event must not be lost, and Organizations can be out of reach for longer than Lambda tries.
pub fn plan_event(accounts: &BTreeSet<AccountId>, cause: Cause, now: Timestamp) -> Plan {
    let mut messages = Vec::new();
    for account in accounts {
        messages.push(PlannedMessage {
            message: Message::Find(FindRequest {
                account: account.clone(),
                cause,
                requested_at: now,
                attempt: 0,
            }),
            delay: Duration::ZERO,
        });
    }
    messages.push(publish_message(PUBLISH_AFTER_FEW));
    Plan {
        edits: Vec::new(),
        messages,
        delete_statuses: Vec::new(),
    }
}

/// Decides what a request leads to.
pub fn plan(snapshot: &Snapshot, now: Timestamp) -> Plan {
    let request = &snapshot.request;
    let (mut edits, mut messages) = (Vec::new(), Vec::new());
    for listed in &snapshot.accounts {
        edits.extend(tag_edit(&request.edits, listed));
        edits.extend(move_edit(&request.edits, listed));
        messages.push(converge_message(request, &listed.account, now));
    }
    messages.push(publish_message(match request.scope {
        Scope::AllAccounts => PUBLISH_AFTER_ALL,
        Scope::Accounts(_) => PUBLISH_AFTER_FEW,
    }));
    Plan {
        edits,
        messages,
        delete_statuses: snapshot.departed.clone(),
    }
}

fn converge_message(
    request: &FanOutRequest,
    account: &OrgAccount,
    now: Timestamp,
) -> PlannedMessage {
    PlannedMessage {
        message: Message::Converge(ConvergeRequest {
            account: account.clone(),
            cause: cause_of(request, account, now),
            requested_at: now,
            attempt: 0,
        }),
        delay: Duration::ZERO,
    }
}

/// The cause of one account's convergence. An event about a new account that does not say which is
/// about one of those that just joined; all others are looked at as by the schedule.
fn cause_of(request: &FanOutRequest, account: &OrgAccount, now: Timestamp) -> Cause {
    let is_about_new = matches!(request.cause, Cause::Joined | Cause::ControlTower);
    let joined = account.joined_at.map(|joined| now.duration_since(joined));
    let just_joined = joined.is_some_and(|age| age < JUST_JOINED);
    match request.scope {
        Scope::AllAccounts if is_about_new && !just_joined => Cause::Schedule,
        Scope::AllAccounts | Scope::Accounts(_) => request.cause,
    }
}

fn publish_message(delay: Duration) -> PlannedMessage {
    PlannedMessage {
        message: Message::PublishDashboard,
        delay,
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
                _ => None,
            })
    }

    /// The accounts that are looked up when their message comes.
    pub fn looked_up_later(&self) -> impl Iterator<Item = &AccountId> {
        self.messages
            .iter()
            .filter_map(|planned| match &planned.message {
                Message::Find(request) => Some(&request.account),
                _ => None,
            })
    }
}
