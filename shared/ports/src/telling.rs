//! The ways to reach people.

use std::collections::BTreeMap;

use async_trait::async_trait;
use banto_domain::{SecretArn, TopicArn};
use secrecy::SecretString;

use crate::PortError;

/// Values that the policy names by ARN, like a webhook's URL.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The secret's current value.
    async fn value(&self, secret: &SecretArn) -> Result<SecretString, PortError>;
}

/// Posts JSON to webhooks.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// Posts a JSON body once, without retrying. Only a 2xx answer is success; a 429 is
    /// [`Throttled`](crate::ErrorKind::Throttled), a 4xx [`Invalid`](crate::ErrorKind::Invalid),
    /// all else [`Unavailable`](crate::ErrorKind::Unavailable). No error repeats the URL.
    async fn post(&self, url: &SecretString, body: String) -> Result<(), PortError>;
}

/// Publishes to SNS.
#[async_trait]
pub trait Topics: Send + Sync {
    /// Publishes one message.
    async fn publish(&self, topic: &TopicArn, message: &TopicMessage) -> Result<(), PortError>;
}

/// A message to an SNS topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicMessage {
    /// At most 100 printable ASCII characters (SNS API reference, `Publish`).
    pub subject: String,
    /// Plain text, at most 256 KiB.
    pub body: String,
    /// What subscribers filter by.
    pub attributes: BTreeMap<String, String>,
}
