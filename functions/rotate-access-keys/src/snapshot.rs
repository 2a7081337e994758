//! Everything that was seen of one identity account, as values; "unknown" is a value too.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::policy::UserAttributes;
use banto_domain::record::{Record, Rotation};
use banto_domain::{AccessKeyId, AccountId, Fingerprint, GroupName, UserArn, UserId, UserName};
use banto_ports::LastUse;
use banto_seal::Recipient;
use jiff::Timestamp;

use crate::event::Mode;

/// The IAM tag by which users pin their certificate's fingerprint.
pub const PIN_TAG: &str = "banto:openpgp";
/// The IAM tag by which users name their Slack member id or channel.
pub const SLACK_TAG: &str = "banto:slack";
/// The IAM tag by which users acknowledge a new key: its id.
pub const ACKNOWLEDGED_TAG: &str = "banto:acknowledged";

/// A snapshot, and the certificates that new keys can be sealed to.
#[derive(Debug)]
pub struct Observed {
    /// The moment at which looking at the account began.
    pub at: Timestamp,
    pub snapshot: Snapshot,
    /// The recipients of the users whose certificate is usable.
    pub recipients: BTreeMap<UserName, Recipient>,
}

/// All that was seen of one identity account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub account: AccountId,
    pub mode: Mode,
    /// The keys that the event named as exposed; empty if it named users, or nobody.
    pub named_exposed: BTreeSet<AccessKeyId>,
    /// Users who got a closer look, by name.
    pub users: Vec<User>,
    /// Users and keys that could not be looked at, and why. Nothing is planned for them.
    pub not_observed: Vec<NotObserved>,
    /// The number of users who need no closer look, by the credential report.
    pub users_in_order: usize,
    /// The oldest active key seen, for the alarm on its age.
    pub oldest_key: Option<Timestamp>,
}

/// A user, or a key's owner, who could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotObserved {
    /// The user's name, or the id of the key whose owner could not be found out.
    pub subject: String,
    pub why: String,
}

/// A user as seen by live calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub name: UserName,
    pub id: UserId,
    pub arn: UserArn,
    pub path: String,
    pub tags: BTreeMap<String, String>,
    /// Those of the groups named in the policy that the user is in.
    pub groups: BTreeSet<GroupName>,
    /// The user's keys, oldest first.
    pub keys: Vec<Key>,
    pub record: StoredRecord,
    pub certificate: Certificate,
}

/// An access key as seen by live calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub id: AccessKeyId,
    pub active: bool,
    pub created_at: Timestamp,
    pub used: Used,
}

/// The use of a key, as far as it is known. Not knowing is never taken for "never".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Used {
    /// Nobody asked, or the answer did not come.
    Unknown,
    /// IAM has seen no use.
    Never,
    Last(LastUse),
}

/// The record that is stored of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredRecord {
    /// Nothing was ever written.
    Absent,
    Own(Record),
    /// The record of a former user of the same name; this user starts afresh after it.
    FormerUser(Record),
    /// There is a record, but it can't be read, and why.
    Unreadable(String),
}

/// A user's certificate, so far as it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificate {
    /// No new key and no warning was in sight, so nobody looked.
    NotAsked,
    /// It could not be fetched, and why.
    Unknown(String),
    /// The user registered none, or it can't be used.
    Refused {
        /// A stable word for the reason, by which it is told once.
        code: String,
        /// The problem, and what to do about it.
        reason: String,
    },
    /// A new key can be sealed to it.
    Usable {
        /// The certificate's fingerprint, equal to the pinned one.
        fingerprint: Fingerprint,
        /// The end of the certificate, if that is soon.
        expires_soon: Option<Timestamp>,
    },
}

impl Snapshot {
    /// The user of this name, if it was observed.
    pub fn user(&self, name: &UserName) -> Option<&User> {
        self.users.iter().find(|user| user.name == *name)
    }
}

impl StoredRecord {
    /// The record, if it is the user's own.
    pub fn own(&self) -> Option<&Record> {
        match self {
            Self::Own(record) => Some(record),
            Self::Absent | Self::FormerUser(_) | Self::Unreadable(_) => None,
        }
    }
}

impl User {
    /// The attributes that the policy's selectors are matched against.
    pub fn attributes(&self) -> UserAttributes<'_> {
        UserAttributes {
            user: &self.name,
            path: &self.path,
            tags: &self.tags,
            groups: &self.groups,
        }
    }

    /// The record that is the user's own.
    pub fn record(&self) -> Option<&Record> {
        self.record.own()
    }

    /// The latest rotation in the user's own record, finished or not.
    pub fn rotation(&self) -> Option<&Rotation> {
        self.record()?.rotation.as_ref()
    }

    /// The key of this id, if the user has it.
    pub fn key(&self, id: &AccessKeyId) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == *id)
    }
}
