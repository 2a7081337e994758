//! The messages of the function's queue. The function sends them itself; rotate-access-keys sends
//! [`Message::Revoke`] too.
//!
//! Deliberately absent: the queue. Each folder sends through its own ports.

use std::collections::BTreeSet;
use std::time::Duration;

use banto_domain::{AccountId, RoleName, UserName};
use banto_ports::{Delayed, OrgAccount};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The version of a message's shape. A message waits 15 minutes at most before it is first seen, so
/// that this release reads no older version: one that was sent just before a release, or that is
/// redriven from the dead letter queue after it, may be refused.
pub const VERSION: u64 = 1;

/// A message of the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Message {
    /// Bring an account to its baseline.
    Converge(ConvergeRequest),
    /// Publish the status of all accounts for the dashboard.
    PublishDashboard,
    /// Tell people of a request that failed.
    Failed(FailedRequest),
    /// Look up an account that Organizations does not show yet.
    Find(FindRequest),
    /// End a user's sessions in every account.
    Revoke(Revocation),
    /// Tell people of a revocation that has begun.
    RevocationBegun(BegunRevocation),
    /// End a user's sessions in one account.
    RevokeIn(RevokeRequest),
}

/// An account to bring to its baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConvergeRequest {
    /// The account, as it was last looked up in Organizations before the message was sent.
    pub account: OrgAccount,
    pub cause: Cause,
    /// The time at which the first message for this account was sent; retries keep it.
    pub requested_at: Timestamp,
    /// The number of retries so far.
    pub attempt: u32,
}

/// A request to Organizations or Control Tower that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedRequest {
    pub step: FailedStep,
    /// The id of the event that said so, or a text made of its words and its time: another failure
    /// of the same account is another notice.
    pub event: String,
    /// The request's id of a creation, or else the account.
    pub subject: String,
    /// AWS's own reason: a code of Organizations, or a sentence of Control Tower.
    pub reason: String,
}

/// The step that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FailedStep {
    /// Organizations could not create an account.
    Creation,
    /// Control Tower could not create or enrol an account.
    Enrolment,
    /// Control Tower could not update an account that exists.
    Update,
}

/// An account to look up until Organizations shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FindRequest {
    pub account: AccountId,
    pub cause: Cause,
    /// The time at which the account was first asked for; its convergence keeps it.
    pub requested_at: Timestamp,
    /// The number of looks so far that came after the first.
    pub attempt: u32,
}

/// A user whose sessions end in every account. rotate-access-keys sends it in an emergency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revocation {
    /// The account in which the user lives, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    pub user: UserName,
    /// Sessions that were issued before this moment end.
    pub before: Timestamp,
    /// The number of attempts so far that could not reach the accounts.
    #[serde(default, skip_serializing_if = "is_first")]
    pub attempt: u32,
}

/// A revocation that was sent to the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BegunRevocation {
    pub revocation: Revocation,
    /// The number of accounts.
    pub accounts: usize,
}

/// A user whose sessions end in one account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokeRequest {
    /// The account, as it was listed when the revocation began.
    pub account: OrgAccount,
    pub user: UserName,
    /// Sessions that were issued before this moment end.
    pub before: Timestamp,
    /// The time at which the first message for this account was sent; retries keep it.
    pub requested_at: Timestamp,
    /// The number of retries so far.
    pub attempt: u32,
    /// The moment of the next visit, where it is further away than SQS delays a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// The roles in which sessions can't be ended and of which operators were told; `None` stands
    /// for the account as a whole.
    #[serde(default)]
    pub told: BTreeSet<Option<RoleName>>,
}

/// Why an account is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    /// The daily schedule.
    Schedule,
    /// A person or a program asked for it.
    Asked,
    /// It was created, or joined the Organization.
    Joined,
    /// Control Tower has finished its own set-up.
    ControlTower,
    /// Control Tower has found that it drifted.
    Drift,
    /// It was moved to another organizational unit.
    Moved,
    /// It was closed, or left the Organization.
    Departed,
}

/// A message that this release can't read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    #[error("the message has {found}; this Banto reads version {VERSION}")]
    Version { found: String },
    #[error("the message can't be read: {0}")]
    Malformed(String),
    #[error("the message that ends {user}'s sessions can't be read: {why}")]
    Revocation { user: UserName, why: String },
}

impl Cause {
    /// Ranks causes where several messages are about one account. That Control Tower has finished
    /// says more than that the account is new, and that says more than all else.
    pub fn precedence(self) -> u8 {
        match self {
            Self::ControlTower => 2,
            Self::Joined => 1,
            Self::Schedule | Self::Asked | Self::Drift | Self::Moved | Self::Departed => 0,
        }
    }

    /// True if it says that the account is in the Organization: one that Organizations does not
    /// show yet will show soon. (Organizations is eventually consistent; Organizations user guide,
    /// "Changes that I make aren't always immediately visible".)
    pub fn says_that_it_is_there(self) -> bool {
        match self {
            Self::Joined | Self::ControlTower | Self::Drift => true,
            Self::Schedule | Self::Asked | Self::Moved | Self::Departed => false,
        }
    }
}

fn is_first(attempt: &u32) -> bool {
    *attempt == 0
}

impl ConvergeRequest {
    /// The request's next attempt.
    pub fn retry(&self) -> Self {
        Self {
            attempt: self.attempt + 1,
            ..self.clone()
        }
    }
}

impl FindRequest {
    /// The next look for the account.
    pub fn retry(&self) -> Self {
        Self {
            attempt: self.attempt + 1,
            ..self.clone()
        }
    }

    /// The request to converge the account, now that Organizations shows it.
    pub fn found(self, account: OrgAccount) -> ConvergeRequest {
        ConvergeRequest {
            account,
            cause: self.cause,
            requested_at: self.requested_at,
            attempt: 0,
        }
    }
}

impl Revocation {
    fn group(&self) -> String {
        match &self.account {
            Some(account) => account.to_string(),
            None => self.user.to_string(),
        }
    }
}

impl Message {
    /// Reads a message, and refuses one of another version.
    pub fn decode(mut value: Value) -> Result<Self, MessageError> {
        let version = value.as_object_mut().and_then(|it| it.remove("version"));
        if version != Some(json!(VERSION)) {
            let found = version.map_or_else(
                || "no version".to_owned(),
                |version| format!("version {version}"),
            );
            return Err(MessageError::Version { found });
        }
        let user = revoked_user(&value);
        serde_json::from_value(value).map_err(|error| MessageError::new(error, user))
    }

    /// Writes the message with its version, to be seen by the function after a delay.
    pub fn delayed(&self, delay: Duration) -> Result<Delayed, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        if let Some(fields) = value.as_object_mut() {
            fields.insert("version".to_owned(), json!(VERSION));
        }
        Ok(Delayed {
            body: value.to_string(),
            delay,
            group: self.group(),
        })
    }

    /// The group of the queue that the message belongs to: an account's id, so that no account with
    /// many messages delays the others; of a revocation as a whole, the user's account, or the user
    /// where that is not known. (SQS developer guide, "Amazon SQS fair queues".)
    fn group(&self) -> Option<String> {
        match self {
            Self::Converge(request) => Some(request.account.id.to_string()),
            Self::Find(request) => Some(request.account.to_string()),
            Self::RevokeIn(request) => Some(request.account.id.to_string()),
            Self::Revoke(revocation) => Some(revocation.group()),
            Self::RevocationBegun(begun) => Some(begun.revocation.group()),
            Self::PublishDashboard | Self::Failed(_) => None,
        }
    }
}

impl MessageError {
    /// Names the user whose sessions the message would have ended: whoever reads it can end them by
    /// hand.
    fn new(error: serde_json::Error, revoked_user: Option<UserName>) -> Self {
        let why = error.to_string();
        match revoked_user {
            Some(user) => Self::Revocation { user, why },
            None => Self::Malformed(why),
        }
    }
}

/// The user of a message that ends sessions, if the message has one.
fn revoked_user(message: &Value) -> Option<UserName> {
    match message.get("kind")?.as_str()? {
        "revoke" | "revokeIn" => message.get("user")?.as_str()?.parse().ok(),
        _ => None,
    }
}

/// Tells a message of the queue from a request, which has no such field.
pub fn is_message(value: &Value) -> bool {
    value.get("kind").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_keeps_its_shape_and_one_of_another_version_is_refused_by_name() {
        let sent = Message::PublishDashboard.delayed(Duration::ZERO).unwrap();
        let value: Value = serde_json::from_str(&sent.body).unwrap();
        assert_eq!(value, json!({ "version": 1, "kind": "publishDashboard" }));
        assert_eq!(Message::decode(value), Ok(Message::PublishDashboard));
        for (version, says) in [
            (
                json!({ "version": 2 }),
                "has version 2; this Banto reads version 1",
            ),
            (json!({}), "has no version"),
        ] {
            let mut message = version;
            message["kind"] = json!("publishDashboard");
            let error = Message::decode(message).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn messages_about_an_account_wait_in_its_group_and_no_revocation_in_that_of_another_user() {
        let group = |message: Value| {
            let mut message = message;
            message["version"] = json!(VERSION);
            let message = Message::decode(message).unwrap();
            message.delayed(Duration::ZERO).unwrap().group
        };
        let revocation =
            json!({ "kind": "revoke", "user": "alice", "before": "2026-11-27T01:00:00Z" });
        let mut of_account = revocation.clone();
        of_account["account"] = json!("111122223333");
        let begun = json!({ "kind": "revocationBegun", "revocation": of_account, "accounts": 2 });
        let find = json!({
            "kind": "find",
            "account": "444455556666",
            "cause": "joined",
            "requestedAt": "2026-11-27T01:00:00Z",
            "attempt": 0,
        });
        for (message, expected) in [
            (find, Some("444455556666")),
            (revocation, Some("alice")),
            (of_account, Some("111122223333")),
            (begun, Some("111122223333")),
            (json!({ "kind": "publishDashboard" }), None),
        ] {
            assert_eq!(group(message.clone()).as_deref(), expected, "{message}");
        }
    }

    #[test]
    fn a_revocation_that_cant_be_read_names_its_user_and_nothing_else_of_it() {
        let revoke = |user: &str| json!({ "version": 1, "kind": "revoke", "user": user, "before": "soon", "note": "private" });
        let error = Message::decode(revoke("alice")).unwrap_err().to_string();
        assert!(error.contains("ends alice's sessions"), "{error}");
        assert!(!error.contains("private"), "{error}");
        let error = Message::decode(revoke("no user")).unwrap_err().to_string();
        assert!(error.starts_with("the message can't be read"), "{error}");
    }
}
