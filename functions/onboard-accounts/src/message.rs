//! The messages that the function sends itself: an account to converge, or the dashboard to
//! publish.
//!
//! Deliberately absent: the queue. Fan-out and convergence both send, each through its own ports.

use std::time::Duration;

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
}

impl Cause {
    /// Ranks causes where several messages are about one account. That Control Tower has finished
    /// says more than that the account is new, and that says more than all else.
    pub fn precedence(self) -> u8 {
        match self {
            Self::ControlTower => 2,
            Self::Joined => 1,
            Self::Schedule | Self::Asked | Self::Moved | Self::Departed => 0,
        }
    }
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
        serde_json::from_value(value).map_err(|error| MessageError::Malformed(error.to_string()))
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
        })
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
}
