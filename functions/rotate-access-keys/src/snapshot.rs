//! Everything that was seen of one identity account, as values; "unknown" is a value too.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::policy::UserAttributes;
use banto_domain::record::{Intent, Pin, Record, Rotation};
use banto_domain::{
    AccessKeyId, AccountId, CredentialId, Fingerprint, GroupName, RoleArn, SessionKeyId, UserArn,
    UserId, UserName,
};
use banto_ports::{KeyOwner, LastUse, PortError};
use banto_seal::Recipient;
use jiff::Timestamp;
use serde::Serialize;

use crate::event::{Asked, Mode};

/// The IAM tag by which users pin their certificate's fingerprint.
pub const PIN_TAG: &str = "banto:openpgp";
/// The IAM tag by which users name their Slack member id or channel.
pub const SLACK_TAG: &str = "banto:slack";
/// The IAM tag by which users say that they signed an acknowledgement of a new key: its id. It is
/// no proof, since whoever holds the old key may set it.
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
    /// Banto's own role in the account.
    pub role: RoleArn,
    /// The role that may read and write records besides.
    pub break_glass: Option<RoleArn>,
    pub mode: Mode,
    pub asked: Asked,
    /// The keys that the request names, to be restored or discarded.
    pub named_keys: BTreeSet<AccessKeyId>,
    /// The certificate that the request approves.
    pub approved: Option<Fingerprint>,
    /// The beginning of the exposure, if the run is about one.
    pub exposed_since: Option<Timestamp>,
    /// The keys that are known to be exposed: those that AWS named, and those that were made with
    /// them.
    pub exposed: BTreeSet<AccessKeyId>,
    /// Exposed keys that no user has any more.
    pub gone_keys: BTreeSet<AccessKeyId>,
    /// Users whose session AWS found exposed, or a key that is gone: its sessions may live.
    pub exposed_sessions: BTreeSet<UserName>,
    /// Users who got a closer look, by name.
    pub users: Vec<User>,
    /// Users and keys that could not be looked at, and why. Nothing is planned for them.
    pub not_observed: Vec<NotObserved>,
    /// Things that people must see to themselves, as no user of the account is concerned.
    pub strangers: Vec<Stranger>,
    /// Open records of users who are gone, by the name that the record is kept under.
    pub gone: BTreeSet<UserName>,
    /// The number of users who need no closer look, by the credential report.
    pub users_in_order: usize,
    /// The oldest active key seen, for the alarm on its age.
    pub oldest_key: Option<Timestamp>,
}

/// A key that AWS named, and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contained {
    pub key: AccessKeyId,
    pub owner: Result<KeyOwner, PortError>,
    /// `None` if nothing could be tried, or the run is a dry one.
    pub disabled: Option<Result<(), PortError>>,
}

impl Contained {
    /// The user whose key it is.
    pub fn user(&self) -> Option<&UserName> {
        match &self.owner {
            Ok(KeyOwner::User(user)) => Some(user),
            Ok(KeyOwner::Root) | Err(_) => None,
        }
    }
}

/// A user, or a key's owner, who could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotObserved {
    /// The user's name, or the id of the key whose owner could not be found out.
    pub subject: String,
    pub why: String,
}

/// Something that concerns no user of an identity account, and that people must see to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(
    rename_all = "camelCase",
    tag = "stranger",
    rename_all_fields = "camelCase"
)]
pub enum Stranger {
    /// An exposed credential of an account that is no identity account.
    OtherAccount {
        account: AccountId,
        credential: CredentialId,
    },
    /// An exposed key of the account's root user.
    RootKey { key: AccessKeyId },
    /// An exposed key that no user has: it was deleted, or is of another account.
    NoOwner { key: AccessKeyId },
    /// An exposed session of a role.
    RoleSession {
        session: SessionKeyId,
        role: RoleArn,
    },
    /// An exposed session of which CloudTrail knows nothing.
    UnknownSession { session: SessionKeyId },
    /// Something that an event of AWS Health names, and that is no credential.
    Unknown { code: String, what: String },
    /// An event of AWS Health that names nothing.
    Nameless { code: String },
    /// An exposure that is left alone, since the policy says so.
    LeftAlone { credentials: BTreeSet<String> },
    /// A user whom a request names and whom nobody knows.
    NoSuchUser { user: UserName },
    /// A secret that is marked as an open record and is none.
    NoRecord { secret: String },
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
    /// True if the record's secret is marked as open.
    pub marked_open: bool,
    /// The name under which an older record of the user is still marked as open.
    pub left_open: Option<UserName>,
    pub certificate: Certificate,
    /// All that the pinned certificate has said of itself so far, if it could be read, be it
    /// usable or not.
    pub seen_certificate: Option<Pin>,
    /// The new key, if its owner acknowledged it by a signature of the certificate that it is
    /// sealed to.
    pub acknowledged: Option<AccessKeyId>,
    /// The access keys that CloudTrail saw created for the user around an interrupted issue.
    pub creations: Creations,
    /// All that CloudTrail saw done with exposed credentials of the user.
    pub trail: TrailLook,
}

/// All that CloudTrail saw done with exposed credentials of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrailLook {
    /// No credential is exposed, or what was done with it is known for good.
    NotAsked,
    /// The answer did not come, and why.
    Unknown(String),
    Seen {
        /// The access keys that were made with them, and whose they are.
        made: BTreeMap<AccessKeyId, UserName>,
        /// The roles that were assumed with them.
        assumed: BTreeSet<RoleArn>,
        /// False if there was more than was read.
        is_complete: bool,
    },
}

/// The keys that CloudTrail saw created for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Creations {
    /// No interrupted issue was to be explained.
    NotAsked,
    /// The answer did not come, and why.
    Unknown(String),
    /// Each key, and the role whose session created it, if it was one.
    Seen(BTreeMap<AccessKeyId, Option<RoleArn>>),
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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
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
    /// The user's own record, which is kept under an earlier name.
    Renamed {
        from: UserName,
        record: Record,
        /// The number of the latest version under the new name, be it a former user's; `None` if
        /// there is no record under it.
        sequence: Option<u64>,
    },
    /// There is a record, but it can't be read or is not believed, and why.
    Unreadable(String),
    /// Banto is denied to read the record, in these words: its policy names an earlier role.
    Denied(String),
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
        /// True if the certificate that counts as the user's certified this one.
        certified: bool,
        /// The moment since which it has been stored without a break, if nobody vouches for it.
        stored_since: Option<Timestamp>,
    },
}

impl Snapshot {
    /// A snapshot of a scheduled run in which nobody was looked at yet.
    pub fn empty(account: AccountId, role: RoleArn, asked: Asked) -> Self {
        Self {
            account,
            role,
            break_glass: None,
            mode: Mode::Due,
            asked,
            named_keys: BTreeSet::new(),
            approved: None,
            exposed_since: None,
            exposed: BTreeSet::new(),
            gone_keys: BTreeSet::new(),
            exposed_sessions: BTreeSet::new(),
            users: Vec::new(),
            not_observed: Vec::new(),
            strangers: Vec::new(),
            gone: BTreeSet::new(),
            users_in_order: 0,
            oldest_key: None,
        }
    }

    /// The user of this name, if it was observed.
    pub fn user(&self, name: &UserName) -> Option<&User> {
        self.users.iter().find(|user| user.name == *name)
    }
}

impl StoredRecord {
    /// The record, if it is the user's own.
    pub fn own(&self) -> Option<&Record> {
        match self {
            Self::Own(record) | Self::Renamed { record, .. } => Some(record),
            Self::Absent | Self::FormerUser(_) | Self::Unreadable(_) | Self::Denied(_) => None,
        }
    }
}

impl User {
    /// A user of whom nothing else was seen yet.
    pub fn new(name: UserName, id: UserId, arn: UserArn, path: &str) -> Self {
        Self {
            name,
            id,
            arn,
            path: path.to_owned(),
            tags: BTreeMap::new(),
            groups: BTreeSet::new(),
            keys: Vec::new(),
            record: StoredRecord::Absent,
            marked_open: false,
            left_open: None,
            certificate: Certificate::NotAsked,
            seen_certificate: None,
            acknowledged: None,
            creations: Creations::NotAsked,
            trail: TrailLook::NotAsked,
        }
    }

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

    /// The intent in the user's own record.
    pub fn intent(&self) -> Option<&Intent> {
        self.record()?.intent.as_ref()
    }

    /// The key of this id, if the user has it.
    pub fn key(&self, id: &AccessKeyId) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == *id)
    }
}
