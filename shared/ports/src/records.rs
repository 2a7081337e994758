//! The things that are kept of each user: certificate and record.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use banto_domain::record::Record;
use banto_domain::{UserArn, UserName};
use jiff::Timestamp;

use crate::PortError;

/// One record per user, each version written only if nobody wrote that version before.
#[async_trait]
pub trait Records: Send + Sync {
    /// The current version of the user's record; `None` if there is none.
    async fn read(&self, user: &UserName) -> Result<Option<StoredText>, PortError>;

    /// Writes the first version, marked as open, readable by the owner and Banto's role only.
    /// [`Conflict`](crate::ErrorKind::Conflict) if there is a record already.
    async fn create(&self, user: &UserName, record: &Record) -> Result<(), PortError>;

    /// Lets only the owner and Banto's role read the record, and everyone else not.
    async fn protect(&self, user: &UserName, owner: &UserArn) -> Result<(), PortError>;

    /// Writes a later version under this token. Writing the same bytes again changes nothing;
    /// [`Conflict`](crate::ErrorKind::Conflict) if a version of that token exists with other bytes.
    async fn write(&self, user: &UserName, record: &Record, token: &str) -> Result<(), PortError>;

    /// The tokens of the versions that the store still knows, each with the moment at which it was
    /// written.
    async fn versions(&self, user: &UserName) -> Result<BTreeMap<String, Timestamp>, PortError>;

    /// The users whose record is marked as open. A mark whose user can't be read is passed over and
    /// counted.
    async fn open(&self) -> Result<OpenRecords, PortError>;

    /// Marks the record as open, so that every scheduled run looks at its user.
    async fn mark_open(&self, user: &UserName) -> Result<(), PortError>;

    /// Takes the mark off.
    async fn mark_closed(&self, user: &UserName) -> Result<(), PortError>;
}

/// The current version of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredText {
    /// The record's text, whoever wrote it.
    pub text: String,
    /// The token that it was written under.
    pub token: String,
}

/// The records that are marked as open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenRecords {
    /// Their users, by the name that the record is kept under.
    pub users: BTreeSet<UserName>,
    /// The names of secrets that are marked and are no record's.
    pub strangers: BTreeSet<String>,
}

/// The certificates that developers registered.
#[async_trait]
pub trait Certificates: Send + Sync {
    /// The user's certificate as it was registered, armored or binary; `None` if there is none.
    async fn read(&self, user: &UserName) -> Result<Option<Vec<u8>>, PortError>;
}
