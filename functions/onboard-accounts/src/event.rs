//! Foreign bytes become our own [`Trigger`]; a shape that nobody expects is an error that says what
//! came.
//!
//! Events of Organizations and Control Tower are hints that an account needs a look; what is known
//! of it is asked for anew. They arrive in the management account only, those of Organizations in
//! us-east-1.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::short_hash;
use banto_domain::{AccountId, OuId, UserName};
use banto_lambda::event::{EnvelopeError, Event, Invoked, Payload};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::message::{Cause, FailedRequest, FailedStep, Message, MessageError, is_message};

/// What a payload asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// Accounts to be looked up and sent to the queue, or planned at once in a dry run.
    FanOut(FanOutRequest),
    /// A message of the queue.
    Message(Message),
    /// A request to Organizations or Control Tower failed; people are told.
    Failed(FailedRequest),
    /// A user's sessions are to end in every account.
    Revoke(RevocationAsked),
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

/// An operator's request to end a user's sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationAsked {
    pub user: UserName,
    /// The account in which the user lives.
    pub account: Option<AccountId>,
    /// Sessions that were issued before this moment end; before now if it is not said.
    pub before: Option<Timestamp>,
    /// True if the response says where sessions would end, and nothing is done.
    pub dry_run: bool,
}

/// Why an event was refused, and what it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The wrapping can't be read.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// An event of a source that this function knows nothing of.
    #[error(
        "can't handle {name:?} ({detail_type:?} from {source_name:?}): expected a \"Scheduled Event\", or an event of \
         aws.organizations or aws.controltower"
    )]
    Foreign {
        /// The event's name.
        name: String,
        /// `detail-type` of the event.
        detail_type: String,
        /// `source` of the event.
        source_name: String,
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
    /// A request to end sessions with something wrong in it.
    #[error(
        "{0}; expected {{\"revoke\": \"alice\", \"before\": \"2026-11-27T01:00:00Z\", \"account\": \"111122223333\", \
         \"dryRun\": true | false}}; all but \"revoke\" may be left out"
    )]
    Revocation(String),
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

/// A request to end a user's sessions, as people and other programs send it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RevocationBody {
    revoke: UserName,
    before: Option<Timestamp>,
    account: Option<AccountId>,
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
        Payload::Object(request) if request.get("revoke").is_some() => decode_revocation(request),
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
        "aws.organizations" => Ok(decode_organizations(&name, &event)),
        "aws.controltower" => Ok(decode_control_tower(&name, &event)),
        _ => Err(EventError::Foreign {
            name,
            detail_type: event.detail_type,
            source_name: event.source,
        }),
    }
}

fn decode_organizations(name: &str, event: &Event) -> Trigger {
    let detail = &event.detail;
    if detail.get("errorCode").is_some_and(|code| !code.is_null()) {
        return Trigger::Nothing {
            reason: format!("the call {name} failed"),
        };
    }
    match name {
        "CreateAccountResult" => decode_create_account_result(event),
        "CloseAccountResult" => {
            let status = detail.pointer("/serviceEventDetails/closeAccountStatus");
            fan_out_to(status.and_then(account_in), Cause::Departed)
        }
        "AccountJoinedOrganization" => fan_out_to(account_in(detail), Cause::Joined),
        "AccountDepartedOrganization" => fan_out_to(account_in(detail), Cause::Departed),
        "AcceptHandshake" => decode_accept_handshake(detail),
        "MoveAccount" => {
            let moved = detail.get("requestParameters").and_then(account_in);
            fan_out_to(moved, Cause::Moved)
        }
        _ => needs_nothing(name),
    }
}

fn decode_control_tower(name: &str, event: &Event) -> Trigger {
    match name {
        "CreateManagedAccount" => {
            let status = event
                .detail
                .pointer("/serviceEventDetails/createManagedAccountStatus");
            decode_managed_account(event, status, FailedStep::Enrolment)
        }
        // A retry of a failed creation says Update.
        "UpdateManagedAccount" => {
            let status = event
                .detail
                .pointer("/serviceEventDetails/updateManagedAccountStatus");
            decode_managed_account(event, status, FailedStep::Update)
        }
        // It comes straight from Control Tower, and the shape of its detail is not published.
        // (Control Tower user guide, "Detect and resolve drift".)
        "Drift Detected" => fan_out_to(account_in(&event.detail), Cause::Drift),
        _ => needs_nothing(name),
    }
}

/// An event that names nothing to do for an account, like most of a source that a rule subscribes
/// to as a whole.
fn needs_nothing(name: &str) -> Trigger {
    Trigger::Nothing {
        reason: format!("{name} needs nothing"),
    }
}

/// `CreateAccountResult`: without an account id where it failed. Its `accountName` is masked, and
/// its dates are US-English text, so neither is used.
fn decode_create_account_result(event: &Event) -> Trigger {
    let status = event
        .detail
        .pointer("/serviceEventDetails/createAccountStatus");
    if state(status) == Some("FAILED") {
        let subject = status.and_then(|status| text(status, "id"));
        let subject = subject.unwrap_or("an account").to_owned();
        let reason = status.and_then(|status| text(status, "failureReason"));
        return failed(FailedStep::Creation, event, subject, reason);
    }
    // A state that is neither is not a failure that anybody could be told of.
    let created = status.filter(|_| state(status) == Some("SUCCEEDED"));
    fan_out_to(created.and_then(account_in), Cause::Joined)
}

/// An invited account has accepted.
fn decode_accept_handshake(detail: &Value) -> Trigger {
    let handshake = detail
        .pointer("/responseElements/handshake")
        .filter(|handshake| text(handshake, "state") == Some("ACCEPTED"));
    match handshake {
        Some(handshake) => fan_out_to(party_of(handshake), Cause::Joined),
        None => Trigger::Nothing {
            reason: "the handshake is not accepted".to_owned(),
        },
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

/// An event of Control Tower about one account, by its status.
fn decode_managed_account(event: &Event, status: Option<&Value>, step: FailedStep) -> Trigger {
    let account = status.and_then(|status| status.get("account"));
    let id = account.and_then(account_in);
    if state(status) == Some("FAILED") {
        let subject = subject_of(account.and_then(|it| text(it, "accountName")), id.as_ref());
        let reason = status.and_then(|status| text(status, "message"));
        return failed(step, event, subject, reason);
    }
    let managed = id.filter(|_| state(status) == Some("SUCCEEDED"));
    fan_out_to(managed, Cause::ControlTower)
}

/// An account in the words of people: by name and id as far as they are known.
fn subject_of(name: Option<&str>, id: Option<&AccountId>) -> String {
    match (name, id) {
        (Some(name), Some(id)) => format!("{name} ({id})"),
        (Some(name), None) => name.to_owned(),
        (None, Some(id)) => id.to_string(),
        (None, None) => "an account".to_owned(),
    }
}

fn state(status: Option<&Value>) -> Option<&str> {
    text(status?, "state")
}

fn failed(step: FailedStep, event: &Event, subject: String, reason: Option<&str>) -> Trigger {
    let reason = reason.unwrap_or("no reason given").to_owned();
    let named = event.id.clone();
    Trigger::Failed(FailedRequest {
        step,
        event: named.unwrap_or_else(|| unnamed(event, &subject, &reason)),
        subject,
        reason,
    })
}

/// Names a failure whose event has no id by its words and its time.
fn unnamed(event: &Event, subject: &str, reason: &str) -> String {
    let time = event.time.map(|time| time.to_string()).unwrap_or_default();
    short_hash(&[subject, reason, &time])
}

/// A fan-out to one account; to all of them if the event does not say which: a hint that can't be
/// resolved is a hint all the same.
fn fan_out_to(account: Option<AccountId>, cause: Cause) -> Trigger {
    let scope = match account {
        Some(account) => Scope::Accounts([account].into()),
        None => Scope::AllAccounts,
    };
    fan_out_unasked(scope, cause)
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
/// of an `account`, whatever the case of the letters. Passed over are `recipientAccountId`, the
/// account that the event was sent to, and all of `userIdentity`, whoever caused it. The whole tree
/// is searched so that nothing rests on how the newest events (joined, departed, drift) nest it.
fn account_in(value: &Value) -> Option<AccountId> {
    if let Some(elements) = value.as_array() {
        return elements.iter().find_map(account_in);
    }
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
    let account = field(value, "account");
    let id = field(value, "accountId")
        .or_else(|| field(account?, "id"))
        .or(account)?;
    id.as_str()?.parse().ok()
}

/// A field of an object: Control Tower's notifications of drift write `AccountId`.
fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let mut fields = value.as_object()?.iter();
    let found = fields.find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, field)| field)
}

fn decode_revocation(event: Value) -> Result<Trigger, EventError> {
    let RevocationBody {
        revoke,
        before,
        account,
        dry_run,
    } = serde_json::from_value(event).map_err(|error| EventError::Revocation(error.to_string()))?;
    Ok(Trigger::Revoke(RevocationAsked {
        user: revoke,
        account,
        before,
        dry_run,
    }))
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
