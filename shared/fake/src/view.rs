//! What a test sees of the world.

use std::collections::BTreeMap;

use banto_domain::{AccessKeyId, TopicArn, UserArn, UserName};
use banto_ports::{LastUse, Mail, TopicMessage};
use jiff::Timestamp;

use crate::iam::{DENY_POLICY, Key, User};
use crate::records::Secret;
use crate::releases::downgraded;
use crate::world::{State, World};

/// A call that had its effect, or was refused by the world itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The call, in the words of an IAM policy: `iam:CreateAccessKey`.
    pub name: &'static str,
    /// The user or thing that it was about; empty if none.
    pub subject: String,
    /// When.
    pub at: Timestamp,
}

impl Call {
    /// The name of what a watcher is told after a person acted between two calls.
    pub const PERSON: &'static str = "person";
}

/// Something that people were sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// To a Slack webhook: its body.
    Slack(String),
    /// To a member of Slack's workspace, directly: the member's id, and the body.
    Direct(String, String),
    /// To an SNS topic.
    Topic(TopicArn, TopicMessage),
    /// By mail.
    Mail(Mail),
    /// To an endpoint of somebody else's.
    Endpoint {
        /// The id of the message.
        id: String,
        /// Its body.
        body: String,
    },
}

/// What can be seen of the world.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The time.
    pub now: Timestamp,
    /// Every user.
    pub users: BTreeMap<UserName, UserView>,
    /// Everything that people were sent, in order.
    pub sent: Vec<Sent>,
}

/// What can be seen of a user.
#[derive(Debug, Clone, PartialEq)]
pub struct UserView {
    /// The keys, by id.
    pub keys: BTreeMap<AccessKeyId, KeyView>,
    /// The user's IAM tags.
    pub tags: BTreeMap<String, String>,
    /// The current text of the user's record.
    pub record: Option<String>,
    /// Whom the record's resource policy lets read it besides Banto.
    pub record_reader: Option<UserArn>,
    /// True if the record is marked as open.
    pub record_is_open: bool,
    /// True if every temporary credential of the user is denied.
    pub sessions_denied: bool,
}

/// What can be seen of a key.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyView {
    /// Whether it works.
    pub active: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// Its last use.
    pub used: Option<LastUse>,
    /// Its secret, which only tests see.
    pub secret: String,
    /// Whether it was created through the port, and not by the test.
    pub by_banto: bool,
}

impl World {
    /// Everything that can be seen now.
    pub fn view(&self) -> View {
        View::of(&self.state())
    }
}

impl View {
    fn of(state: &State) -> Self {
        let users = state.iam.users.iter().map(|(name, user)| {
            let secret = state.records.of_user(name, state.now);
            (name.clone(), UserView::of(user, secret))
        });
        Self {
            now: state.now,
            users: users.collect(),
            sent: state.sent.clone(),
        }
    }
}

impl UserView {
    fn of(user: &User, secret: Option<&Secret>) -> Self {
        let keys = (user.keys.iter()).map(|key| (key.id.clone(), KeyView::of(key)));
        Self {
            keys: keys.collect(),
            tags: user.tags.clone(),
            // Whichever release wrote it: the promises are both's.
            record: secret.and_then(Secret::text).map(downgraded),
            record_reader: secret
                .and_then(|secret| secret.readers.clone())
                .map(|readers| readers.owner),
            record_is_open: secret.is_some_and(Secret::is_open),
            sessions_denied: user.policies.contains(DENY_POLICY),
        }
    }
}

impl KeyView {
    fn of(key: &Key) -> Self {
        Self {
            active: key.active,
            created_at: key.created_at,
            used: key.used.clone(),
            secret: key.secret.clone(),
            by_banto: key.by_banto,
        }
    }
}
