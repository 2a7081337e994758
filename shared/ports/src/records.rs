//! The things that are kept of each user: certificate and record.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use banto_domain::UserName;
use banto_domain::record::Readers;
use jiff::Timestamp;

use crate::PortError;

/// One record per user, each version written only if nobody wrote that version before.
#[async_trait]
pub trait Records: Send + Sync {
    /// The current version of the user's record; `None` if there is none.
    async fn read(&self, user: &UserName) -> Result<Option<StoredText>, PortError>;

    /// The version that was written under this token; `None` if there is none.
    async fn read_version(
        &self,
        user: &UserName,
        token: &str,
    ) -> Result<Option<StoredText>, PortError>;

    /// Writes the first version under this token, marked as open.
    /// [`Conflict`](crate::ErrorKind::Conflict) if there is a record already.
    async fn create(&self, user: &UserName, text: &str, token: &str) -> Result<(), PortError>;

    /// Lets only these read and write the record, and everyone else not.
    async fn protect(&self, user: &UserName, readers: &Readers) -> Result<(), PortError>;

    /// Writes a later version under this token. Writing the same bytes again changes nothing;
    /// [`Conflict`](crate::ErrorKind::Conflict) if a version of that token exists with other bytes.
    async fn write(&self, user: &UserName, text: &str, token: &str) -> Result<(), PortError>;

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

/// A version of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredText {
    /// The record's text, whoever wrote it.
    pub text: String,
    /// The token that it was written under.
    pub token: String,
    /// The moment at which it was written, as the store has it: no writer can set that.
    pub written_at: Timestamp,
}

/// The records that are marked as open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenRecords {
    /// Their users, by the name that the record is kept under.
    pub users: BTreeSet<UserName>,
    /// The names of secrets that are marked and are no record's.
    pub strangers: BTreeSet<String>,
}

/// The certificates that developers registered, and what they signed with them.
#[async_trait]
pub trait Certificates: Send + Sync {
    /// Everything that was ever stored as the user's certificate, the latest first; empty if there
    /// never was one. The store may keep less, and then each certificate is as old as the last time
    /// that it was stored.
    async fn versions(&self, user: &UserName) -> Result<Vec<CertificateVersion>, PortError>;

    /// One version, in whatever form; `None` if it is gone.
    async fn read_version(
        &self,
        user: &UserName,
        version: &str,
    ) -> Result<Option<Vec<u8>>, PortError>;

    /// The text by which the user acknowledges a new key, signed; `None` if there is none.
    async fn acknowledgement(&self, user: &UserName) -> Result<Option<Vec<u8>>, PortError>;
}

/// A version of what is stored as a user's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateVersion {
    /// The store's name for it; `None` where it is the absence of a certificate, which was deleted.
    pub id: Option<String>,
    /// The moment at which it was stored.
    pub stored_at: Timestamp,
}
