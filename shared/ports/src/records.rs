//! What is kept of each user: their certificate and their record.

use async_trait::async_trait;
use banto_domain::record::Record;
use banto_domain::{UserArn, UserName};

use crate::PortError;

/// One record per user, each version written only if nobody wrote that version before.
#[async_trait]
pub trait Records: Send + Sync {
    /// The current text of the user's record; `None` if there is none.
    async fn read(&self, user: &UserName) -> Result<Option<String>, PortError>;

    /// Writes the first version, readable by the owner and Banto's role only.
    /// [`Conflict`](crate::ErrorKind::Conflict) if there is a record already.
    async fn create(&self, user: &UserName, record: &Record) -> Result<(), PortError>;

    /// Lets only the owner and Banto's role read the record, and everyone else not.
    async fn protect(&self, user: &UserName, owner: &UserArn) -> Result<(), PortError>;

    /// Writes a later version. Writing the same bytes again changes nothing;
    /// [`Conflict`](crate::ErrorKind::Conflict) if that version exists with other bytes.
    async fn write(&self, user: &UserName, record: &Record) -> Result<(), PortError>;
}

/// The certificates that developers registered.
#[async_trait]
pub trait Certificates: Send + Sync {
    /// The user's certificate as it was registered, armored or binary; `None` if there is none.
    async fn read(&self, user: &UserName) -> Result<Option<Vec<u8>>, PortError>;
}
