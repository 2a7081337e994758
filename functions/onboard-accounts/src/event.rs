//! Foreign bytes become our own [`Trigger`]; a shape that nobody expects is an error that says what
//! came.
//!
//! Events of Organizations and Control Tower are hints that an account needs a look; what is known
//! of it is asked for anew. They arrive in the management account only, those of Organizations in
//! us-east-1.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::{AccountId, OuId};
use banto_lambda::event::{EnvelopeError, Event, Invoked, Payload};
use serde::Deserialize;
use serde_json::Value;

use crate::message::{Cause, Message, MessageError, is_message};

/// What a payload asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// Accounts to be looked up and sent to the queue, or planned at once in a dry run.
    FanOut(FanOutRequest),
    /// A message of the queue.
    Message(Message),
    /// An account could not be created; people are told.
    CreationFailed(CreationFailed),
    /// Nothing is to be done.
    Nothing { reason: String },
}

/// Accounts to send to the queue, and what is asked of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FanOutRequest {
    pub scope: Scope,
    pub cause: Cause,
    pub edits: AccountEdits,
    /// True if the response is the plan, and nothing is done.
    pub dry_run: bool,
}

/// The accounts that a fan-out is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All accounts of the Organization.
    AllAccounts,
    /// These accounts; never empty.
    Accounts(BTreeSet<AccountId>),
}

/// The tags and the organizational unit that accounts are to have. Neither belongs to the baseline,
/// so that only a request changes them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountEdits {
    /// Tags to write; others stay.
    pub tags: BTreeMap<String, String>,
    /// The root or unit to move the accounts to.
    pub ou: Option<OuId>,
}

impl AccountEdits {
    /// True if nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty() && self.ou.is_none()
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

/// Why an event was refused, and what it was.
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
    /// A message of the queue that this release can't read.
    #[error(transparent)]
    Message(#[from] MessageError),
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
/// use onboard_accounts::event::{FanOutRequest, Scope, Trigger, decode};
/// let invoked = decode(br#"{"dryRun": true}"#).unwrap();
/// assert!(matches!(invoked, Invoked::Direct(Trigger::FanOut(FanOutRequest { scope: Scope::AllAccounts, dry_run: true, .. }))));
/// ```
pub fn decode(event: &[u8]) -> Result<Invoked<Trigger>, EventError> {
    banto_lambda::event::decode(event, trigger)
}

fn trigger(payload: Payload) -> Result<Trigger, EventError> {
    match payload {
        Payload::EventBridge(event) => decode_eventbridge(event),
        Payload::Object(message) if is_message(&message) => {
            Ok(Trigger::Message(Message::decode(message)?))
        }
        Payload::Object(request) => decode_request(request),
        Payload::Text => Err(EnvelopeError::text().into()),
        Payload::Subscription(subscription) => Ok(Trigger::Nothing {
            reason: subscription.to_string(),
        }),
    }
}

fn decode_eventbridge(event: Event) -> Result<Trigger, EventError> {
    // Most come through CloudTrail and are named in the detail. The newest ones may come from the
    // service directly: then their name is the detail type.
    let name = text(&event.detail, "eventName")
        .unwrap_or(&event.detail_type)
        .to_owned();
    match event.source.as_str() {
        "aws.events" | "aws.scheduler" if name == "Scheduled Event" => {
            Ok(fan_out_unasked(Scope::AllAccounts, Cause::Schedule))
        }
        "aws.organizations" => decode_organizations(&name, &event),
        "aws.controltower" => decode_control_tower(&name, &event),
        _ => Err(foreign(&name, &event)),
    }
}

fn decode_organizations(name: &str, event: &Event) -> Result<Trigger, EventError> {
    let detail = &event.detail;
    if detail.get("errorCode").is_some_and(|code| !code.is_null()) {
        return Ok(Trigger::Nothing {
            reason: format!("the call {name} failed"),
        });
    }
    match name {
        "CreateAccountResult" => decode_create_account_result(name, detail),
        "CloseAccountResult" => {
            let status = detail.pointer("/serviceEventDetails/closeAccountStatus");
            fan_out_to(name, status.and_then(account_in), Cause::Departed)
        }
        "AccountJoinedOrganization" => fan_out_to(name, account_in(detail), Cause::Joined),
        "AccountDepartedOrganization" => fan_out_to(name, account_in(detail), Cause::Departed),
        "AcceptHandshake" => decode_accept_handshake(name, detail),
        "MoveAccount" => {
            let moved = detail.get("requestParameters").and_then(account_in);
            fan_out_to(name, moved, Cause::Moved)
        }
        _ => Err(foreign(name, event)),
    }
}

fn decode_control_tower(name: &str, event: &Event) -> Result<Trigger, EventError> {
    match name {
        "CreateManagedAccount" => {
            decode_managed_account(name, &event.detail, "createManagedAccountStatus")
        }
        // A retry of a failed creation says Update.
        "UpdateManagedAccount" => {
            decode_managed_account(name, &event.detail, "updateManagedAccountStatus")
        }
        _ => Err(foreign(name, event)),
    }
}

fn foreign(name: &str, event: &Event) -> EventError {
    EventError::Foreign {
        name: name.to_owned(),
        detail_type: event.detail_type.clone(),
        source_name: event.source.clone(),
    }
}

/// `CreateAccountResult`: without an account id where it failed. Its `accountName` is masked, and
/// its dates are US-English text, so neither is used.
fn decode_create_account_result(name: &str, detail: &Value) -> Result<Trigger, EventError> {
    let status = detail
        .pointer("/serviceEventDetails/createAccountStatus")
        .ok_or_else(|| lacking(name, "its status"))?;
    match text(status, "state") {
        Some("SUCCEEDED") => fan_out_to(name, account_in(status), Cause::Joined),
        Some("FAILED") => Ok(creation_failed(
            text(status, "id").unwrap_or("an account"),
            text(status, "failureReason"),
        )),
        _ => Err(lacking(name, "a state that is SUCCEEDED or FAILED")),
    }
}

/// An invited account has accepted.
fn decode_accept_handshake(name: &str, detail: &Value) -> Result<Trigger, EventError> {
    let handshake = detail
        .pointer("/responseElements/handshake")
        .filter(|handshake| text(handshake, "state") == Some("ACCEPTED"));
    match handshake {
        Some(handshake) => fan_out_to(name, party_of(handshake), Cause::Joined),
        None => Ok(Trigger::Nothing {
            reason: "the handshake is not accepted".to_owned(),
        }),
    }
}

/// The account among the parties of a handshake; the other party is the Organization.
fn party_of(handshake: &Value) -> Option<AccountId> {
    for party in handshake.get("parties")?.as_array()? {
        if text(party, "type") == Some("ACCOUNT") {
            return text(party, "id")?.parse().ok();
        }
    }
    None
}

/// An event of Control Tower, whose status lies under a key of its own.
fn decode_managed_account(name: &str, detail: &Value, key: &str) -> Result<Trigger, EventError> {
    let status = detail
        .pointer(&format!("/serviceEventDetails/{key}"))
        .ok_or_else(|| lacking(name, "its status"))?;
    let account = status.get("account").and_then(account_in);
    match text(status, "state") {
        Some("SUCCEEDED") => fan_out_to(name, account, Cause::ControlTower),
        Some("FAILED") => Ok(creation_failed(
            account.as_ref().map_or("an account", AccountId::as_str),
            text(status, "message"),
        )),
        _ => Err(lacking(name, "a state that is SUCCEEDED or FAILED")),
    }
}

fn creation_failed(subject: &str, reason: Option<&str>) -> Trigger {
    Trigger::CreationFailed(CreationFailed {
        subject: subject.to_owned(),
        reason: reason.unwrap_or("no reason given").to_owned(),
    })
}

fn lacking(name: &str, lacks: &'static str) -> EventError {
    EventError::Lacking {
        name: name.to_owned(),
        lacks,
    }
}

/// A fan-out to one account.
fn fan_out_to(name: &str, account: Option<AccountId>, cause: Cause) -> Result<Trigger, EventError> {
    let account = account.ok_or_else(|| lacking(name, "an account id"))?;
    Ok(fan_out_unasked(Scope::Accounts([account].into()), cause))
}

/// A fan-out that an event leads to: no edits, and no dry run.
fn fan_out_unasked(scope: Scope, cause: Cause) -> Trigger {
    Trigger::FanOut(FanOutRequest {
        scope,
        cause,
        edits: AccountEdits::default(),
        dry_run: false,
    })
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

/// The first account that something names, at any depth: as `accountId`, as `account`, or as `id`
/// of an `account`. Passed over are `recipientAccountId`, the account that the event was sent to,
/// and all of `userIdentity`, whoever caused it. The whole tree is searched so that nothing rests
/// on how the newest events (joined, departed) nest it.
fn account_in(value: &Value) -> Option<AccountId> {
    let fields = value.as_object()?;
    if let Some(account) = account_of(value) {
        return Some(account);
    }
    for (key, field) in fields {
        if matches!(key.as_str(), "userIdentity" | "recipientAccountId") {
            continue;
        }
        if let Some(account) = account_in(field) {
            return Some(account);
        }
    }
    None
}

/// The account that an object names in a field of its own.
fn account_of(value: &Value) -> Option<AccountId> {
    let account = value.get("account");
    let id = value
        .get("accountId")
        .or_else(|| account?.get("id"))
        .or(account)?;
    id.as_str()?.parse().ok()
}

fn decode_request(event: Value) -> Result<Trigger, EventError> {
    let Request {
        accounts,
        tags,
        ou,
        dry_run,
    } = serde_json::from_value(event).map_err(|error| EventError::Request(error.to_string()))?;
    let edits = AccountEdits { tags, ou };
    let scope = match accounts {
        Some(accounts) if accounts.is_empty() => {
            return Err(EventError::Request("\"accounts\" is empty".into()));
        }
        Some(accounts) => Scope::Accounts(accounts),
        None if !edits.is_empty() => {
            return Err(EventError::Request(
                "\"tags\" and \"ou\" need \"accounts\"".into(),
            ));
        }
        None => Scope::AllAccounts,
    };
    Ok(Trigger::FanOut(FanOutRequest {
        scope,
        cause: Cause::Asked,
        edits,
        dry_run,
    }))
}

#[cfg(test)]
mod tests;
