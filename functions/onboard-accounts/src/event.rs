//! Foreign bytes become our own [`Trigger`]; a shape that nobody expects is an error that says what came.
//!
//! Events of Organizations and Control Tower are hints that an account needs a look; what is known of it
//! is asked for anew. They arrive in the management account only, those of Organizations in us-east-1.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::{AccountId, OuId};
use banto_lambda::event::{EnvelopeError, Event, Invoked, Payload};
use banto_ports::OrgAccount;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fan_out::edits::AccountEdits;

/// What a payload asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// Accounts to be looked up and sent to the queue, or planned at once in a dry run.
    Survey {
        /// Which.
        scope: Scope,
        /// Why.
        cause: Cause,
        /// What else is asked of them.
        placement: AccountEdits,
        /// Whether to stop at the plans.
        dry_run: bool,
    },
    /// A message of the queue.
    Message(Message),
    /// An account could not be created; people are told.
    CreationFailed(CreationFailed),
    /// Nothing is to be done.
    Nothing {
        /// The reason.
        because: String,
    },
}

/// Which accounts a survey is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of the Organization's.
    Everyone,
    /// These; never empty.
    Accounts(BTreeSet<AccountId>),
}

/// Why an account is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    /// The daily schedule.
    Schedule,
    /// Somebody asked.
    Asked,
    /// It was created, or joined the Organization.
    Joined,
    /// Control Tower has finished with it.
    ControlTower,
    /// It was moved to another organizational unit.
    Moved,
    /// It was closed, or left the Organization.
    Departed,
}

impl Cause {
    /// How much it says: that Control Tower has finished, more than that an account is new, and that more than
    /// all else.
    pub(crate) fn weight(self) -> u8 {
        match self {
            Self::ControlTower => 2,
            Self::Joined => 1,
            Self::Schedule | Self::Asked | Self::Moved | Self::Departed => 0,
        }
    }
}

/// An account that could not be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreationFailed {
    /// The request's id, or the account's where Control Tower failed to enrol one.
    pub subject: String,
    /// AWS's own reason: a code of Organizations, or a sentence of Control Tower.
    pub reason: String,
}

/// What a message of the queue says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase")]
pub enum Message {
    /// Bring an account to its baseline.
    Converge(ConvergeRequest),
    /// Publish the status of all accounts for the dashboard.
    Publish,
}

/// An account to bring to its baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConvergeRequest {
    /// The account, as it was when the message was first sent.
    pub account: OrgAccount,
    /// Why it is looked at.
    pub cause: Cause,
    /// When it was first sent.
    pub since: Timestamp,
    /// How often it was put back.
    pub attempt: u32,
}

/// An event that is none of ours, and what it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The wrapping can't be read.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// An event of EventBridge that this function does not handle.
    #[error(
        "can't handle {name:?} ({detail_type:?} from {source_name:?}): expected a \"Scheduled Event\"; CreateAccountResult, \
         CloseAccountResult, AccountJoinedOrganization, AccountDepartedOrganization, AcceptHandshake or MoveAccount of \
         aws.organizations; CreateManagedAccount or UpdateManagedAccount of aws.controltower"
    )]
    Foreign {
        /// The event's name.
        name: String,
        /// `detail-type` of the event.
        detail_type: String,
        /// `source` of the event.
        source_name: String,
    },
    /// An event of ours that lacks what it must have.
    #[error("the event {name} can't be acted on: it lacks {lacks}")]
    Lacking {
        /// The event's name.
        name: String,
        /// What it lacks.
        lacks: &'static str,
    },
    /// A message of the queue with something wrong in it.
    #[error("the message can't be read: {0}")]
    Message(String),
    /// A request of our own shape with something wrong in it.
    #[error(
        "{0}; expected {{\"accounts\": [\"111122223333\"], \"dryRun\": true | false}}; without \"accounts\", all of them; with \
         them, \"tags\": {{\"key\": \"value\"}} and \"ou\": \"ou-ab12-cdef3456\" too"
    )]
    Request(String),
}

/// What people and other programs send.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Request {
    accounts: Option<BTreeSet<AccountId>>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    ou: Option<OuId>,
    #[serde(default)]
    dry_run: bool,
}

/// Reads an event, whatever it is wrapped in.
///
/// ```
/// use banto_lambda::event::Invoked;
/// use onboard_accounts::event::{Scope, Trigger, decode};
/// let invoked = decode(br#"{"dryRun": true}"#).unwrap();
/// assert!(matches!(invoked, Invoked::Direct(Trigger::Survey { scope: Scope::Everyone, dry_run: true, .. })));
/// ```
pub fn decode(event: &[u8]) -> Result<Invoked<Trigger>, EventError> {
    banto_lambda::event::decode(event, trigger)
}

fn trigger(payload: Payload) -> Result<Trigger, EventError> {
    match payload {
        Payload::EventBridge(event) => decode_eventbridge(event),
        Payload::Object(message) if message.get("do").is_some() => serde_json::from_value(message)
            .map(Trigger::Message)
            .map_err(|error| EventError::Message(error.to_string())),
        Payload::Object(request) => decode_request(request),
        Payload::Text => Err(EnvelopeError::text().into()),
        Payload::Subscription(subscription) => Ok(Trigger::Nothing {
            because: subscription.to_string(),
        }),
    }
}

fn decode_eventbridge(event: Event) -> Result<Trigger, EventError> {
    let Event {
        source,
        detail_type,
        detail,
        ..
    } = event;
    // The newest events may come under their own name instead of CloudTrail's.
    let name = detail
        .get("eventName")
        .and_then(Value::as_str)
        .unwrap_or(&detail_type)
        .to_owned();
    match (source.as_str(), name.as_str()) {
        ("aws.events" | "aws.scheduler", "Scheduled Event") => {
            Ok(survey(Scope::Everyone, Cause::Schedule))
        }
        ("aws.organizations", _) if detail.get("errorCode").is_some_and(|code| !code.is_null()) => {
            Ok(Trigger::Nothing {
                because: format!("the call {name} failed"),
            })
        }
        ("aws.organizations", "CreateAccountResult") => created(&name, &detail),
        ("aws.organizations", "CloseAccountResult") => {
            let status = detail.pointer("/serviceEventDetails/closeAccountStatus");
            one(&name, status.and_then(account_in), Cause::Departed)
        }
        ("aws.organizations", "AccountJoinedOrganization") => {
            one(&name, account_in(&detail), Cause::Joined)
        }
        ("aws.organizations", "AccountDepartedOrganization") => {
            one(&name, account_in(&detail), Cause::Departed)
        }
        ("aws.organizations", "AcceptHandshake") => accepted(&name, &detail),
        ("aws.organizations", "MoveAccount") => one(
            &name,
            detail.get("requestParameters").and_then(account_in),
            Cause::Moved,
        ),
        ("aws.controltower", "CreateManagedAccount") => {
            managed(&name, &detail, "createManagedAccountStatus")
        }
        // A retry of a failed creation says Update.
        ("aws.controltower", "UpdateManagedAccount") => {
            managed(&name, &detail, "updateManagedAccountStatus")
        }
        _ => Err(EventError::Foreign {
            name,
            detail_type,
            source_name: source,
        }),
    }
}

/// `CreateAccountResult`: without an account id where it failed. Its `accountName` is masked, and its dates
/// are US-English text, so neither is used.
fn created(name: &str, detail: &Value) -> Result<Trigger, EventError> {
    let lacking = |lacks| EventError::Lacking {
        name: name.to_owned(),
        lacks,
    };
    let status = detail
        .pointer("/serviceEventDetails/createAccountStatus")
        .ok_or_else(|| lacking("its status"))?;
    match text(status, "state") {
        Some("SUCCEEDED") => one(name, account_in(status), Cause::Joined),
        Some("FAILED") => Ok(Trigger::CreationFailed(CreationFailed {
            subject: text(status, "id").unwrap_or("an account").to_owned(),
            reason: text(status, "failureReason")
                .unwrap_or("no reason given")
                .to_owned(),
        })),
        _ => Err(lacking("a state that is SUCCEEDED or FAILED")),
    }
}

/// An invited account has accepted.
fn accepted(name: &str, detail: &Value) -> Result<Trigger, EventError> {
    let handshake = detail.pointer("/responseElements/handshake");
    if handshake.and_then(|handshake| text(handshake, "state")) != Some("ACCEPTED") {
        return Ok(Trigger::Nothing {
            because: "the handshake is not accepted".to_owned(),
        });
    }
    let parties = handshake.and_then(|handshake| handshake.get("parties")?.as_array());
    let party = parties
        .into_iter()
        .flatten()
        .find(|party| text(party, "type") == Some("ACCOUNT"));
    one(
        name,
        party.and_then(|party| text(party, "id")?.parse().ok()),
        Cause::Joined,
    )
}

fn managed(name: &str, detail: &Value, key: &str) -> Result<Trigger, EventError> {
    let lacking = |lacks| EventError::Lacking {
        name: name.to_owned(),
        lacks,
    };
    let status = detail
        .pointer(&format!("/serviceEventDetails/{key}"))
        .ok_or_else(|| lacking("its status"))?;
    let account = status.get("account").and_then(account_in);
    match text(status, "state") {
        Some("SUCCEEDED") => one(name, account, Cause::ControlTower),
        Some("FAILED") => Ok(Trigger::CreationFailed(CreationFailed {
            subject: account.map_or_else(|| "an account".to_owned(), |account| account.to_string()),
            reason: text(status, "message")
                .unwrap_or("no reason given")
                .to_owned(),
        })),
        _ => Err(lacking("a state that is SUCCEEDED or FAILED")),
    }
}

fn one(name: &str, account: Option<AccountId>, cause: Cause) -> Result<Trigger, EventError> {
    let account = account.ok_or_else(|| EventError::Lacking {
        name: name.to_owned(),
        lacks: "an account id",
    })?;
    Ok(survey(Scope::Accounts([account].into()), cause))
}

/// A survey that nobody asked for.
fn survey(scope: Scope, cause: Cause) -> Trigger {
    Trigger::Survey {
        scope,
        cause,
        placement: AccountEdits::default(),
        dry_run: false,
    }
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

/// The account that something is about, wherever it says so: under `accountId`, or `id` of an `account`.
/// The account that the event was sent to, and those of whoever caused it, are other fields.
fn account_in(value: &Value) -> Option<AccountId> {
    let fields = value.as_object()?;
    let own = fields
        .get("accountId")
        .or_else(|| fields.get("account")?.get("id"));
    let own = own.or_else(|| fields.get("account").filter(|account| account.is_string()));
    if let Some(account) = own.and_then(Value::as_str).and_then(|id| id.parse().ok()) {
        return Some(account);
    }
    let others = fields
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "userIdentity" | "recipientAccountId"));
    others.map(|(_, field)| field).find_map(account_in)
}

fn decode_request(event: Value) -> Result<Trigger, EventError> {
    let Request {
        accounts,
        tags,
        ou,
        dry_run,
    } = serde_json::from_value(event).map_err(|error| EventError::Request(error.to_string()))?;
    let placement = AccountEdits { tags, ou };
    let scope = match accounts {
        Some(accounts) if accounts.is_empty() => {
            return Err(EventError::Request("\"accounts\" is empty".into()));
        }
        Some(accounts) => Scope::Accounts(accounts),
        None if !placement.is_empty() => {
            return Err(EventError::Request(
                "\"tags\" and \"ou\" need \"accounts\"".into(),
            ));
        }
        None => Scope::Everyone,
    };
    Ok(Trigger::Survey {
        scope,
        cause: Cause::Asked,
        placement,
        dry_run,
    })
}

#[cfg(test)]
mod tests;
