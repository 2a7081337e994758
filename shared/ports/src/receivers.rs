//! The integrations that deliver messages to people; Alertmanager calls them receivers.

use std::collections::BTreeMap;

use async_trait::async_trait;
use banto_domain::TopicArn;
use banto_domain::compliance::MessageRef;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

use crate::PortError;

/// Posts JSON to webhooks.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// Posts a JSON body once, without retrying. Only Slack's own `ok` is success; a 429 is
    /// [`Throttled`](crate::ErrorKind::Throttled), a 4xx and a 2xx that says anything else
    /// [`Invalid`](crate::ErrorKind::Invalid), all else
    /// [`Unavailable`](crate::ErrorKind::Unavailable). No error repeats the URL.
    async fn post(&self, url: &SecretString, body: String) -> Result<(), PortError>;
}

/// Posts signed JSON to addresses of anybody's.
#[async_trait]
pub trait Endpoints: Send + Sync {
    /// Posts a body once, without retrying, under the id of its message. Any 2xx answer is success;
    /// errors are as those of [`Webhooks`]. `secret` is JSON with the address and the key.
    async fn post(&self, secret: &SecretString, id: &str, body: String) -> Result<(), PortError>;
}

/// Slack by a bot token: messages that can be found and changed again, and go to people, too. A
/// message whose `channel` is a member's id goes to that member directly. Nothing is retried here;
/// errors are as those of [`Webhooks`], and [`Missing`](crate::ErrorKind::Missing) where the
/// message or channel is gone.
#[async_trait]
pub trait Chat: Send + Sync {
    /// Posts a message, which carries an id by which [`Chat::find`] finds it.
    async fn post(
        &self,
        token: &SecretString,
        id: &str,
        body: &Value,
    ) -> Result<MessageRef, PortError>;

    /// Replaces a message's text and blocks. Nobody is notified of that.
    async fn update(
        &self,
        token: &SecretString,
        message: &MessageRef,
        body: &Value,
    ) -> Result<(), PortError>;

    /// The message in a channel that carries an id, if there is one since then; in the thread
    /// beneath a message, if one is given.
    async fn find(
        &self,
        token: &SecretString,
        channel: &str,
        thread: Option<&MessageRef>,
        id: &str,
        since: Timestamp,
    ) -> Result<Option<MessageRef>, PortError>;

    /// The state of a workspace's member, by the id that Slack gave them;
    /// [`Missing`](crate::ErrorKind::Missing) if there is none of that id.
    async fn member(&self, token: &SecretString, id: &str) -> Result<MemberState, PortError>;
}

/// The state of whoever has a member's id in Slack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberState {
    /// A person who can sign in, guests included.
    Active,
    /// A person who can't sign in any more.
    Deactivated,
    /// A person who was invited and has not come yet, or one of another workspace whom the bot
    /// shares no channel with.
    Outside,
    /// A program: an app, a workflow, or Slack's own Slackbot.
    Bot,
}

/// Sends mail to people's addresses.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Sends one mail. Accepted is all that is known; what bounces comes back to the sender's
    /// address.
    async fn send(&self, mail: &Mail) -> Result<(), PortError>;
}

/// A mail in both of its forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The sender's address, verified with the mail service.
    pub from: String,
    /// The receivers' addresses, who see each other.
    pub to: Vec<String>,
    /// One line without breaks, which would begin another header.
    pub subject: String,
    /// The body for programs that show no HTML.
    pub text: String,
    /// The body for all others.
    pub html: String,
    /// Files that come with it.
    pub attachments: Vec<Attachment>,
    /// The configuration set of SES by which bounces are told, where there is one.
    pub configuration_set: Option<String>,
}

/// A file that comes with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, in ASCII.
    pub name: String,
    /// Its media type, as in `text/csv`.
    pub media_type: &'static str,
    /// Its bytes.
    pub body: Vec<u8>,
    /// The id by which the HTML shows it, as in `<img src="cid:…">`; `None` if it doesn't.
    pub content_id: Option<String>,
}

/// Publishes to SNS topics.
#[async_trait]
pub trait Topics: Send + Sync {
    /// Publishes a message; success means that SNS accepted it, not that a subscriber did.
    async fn publish(&self, topic: &TopicArn, message: &TopicMessage) -> Result<(), PortError>;
}

/// A message to an SNS topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicMessage {
    /// At most 100 printable ASCII characters (SNS API reference, `Publish`).
    pub subject: String,
    /// Plain text, at most 256 KiB.
    pub body: String,
    /// Text attributes that subscriptions filter by.
    pub attributes: BTreeMap<String, String>,
}
