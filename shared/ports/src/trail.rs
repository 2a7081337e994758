//! CloudTrail's history of access keys, in one account.

use async_trait::async_trait;
use banto_domain::{AccessKeyId, CredentialId, RoleArn, UserName};
use jiff::Timestamp;

use crate::PortError;

/// CloudTrail's history of the last 90 days, in the region in which IAM's own events are kept.
/// Events show minutes late. (CloudTrail user guide, "Viewing CloudTrail event history".)
#[async_trait]
pub trait Trail: Send + Sync {
    /// The access keys that were created in this time, by whomever.
    async fn key_creations(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<KeyCreation>, PortError>;

    /// The activity of a credential since then, the latest first.
    async fn activity(
        &self,
        credential: &CredentialId,
        since: Timestamp,
    ) -> Result<Activity, PortError>;
}

/// The creation of an access key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyCreation {
    /// The key that was created.
    pub key: AccessKeyId,
    /// The user whose key it is.
    pub user: UserName,
    /// The moment of its creation.
    pub at: Timestamp,
    /// The role whose session created it; `None` if it was no session of a role.
    pub by_role: Option<RoleArn>,
}

/// The activity of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Activity {
    /// The IAM user who used it; `None` if nothing was seen, or if it was a role's session.
    pub user: Option<UserName>,
    /// The role whose session it is, if it is one.
    pub role: Option<RoleArn>,
    /// The access keys that were created with it.
    pub created: Vec<KeyCreation>,
    /// The roles that were assumed with it, in whatever account.
    pub assumed: Vec<RoleArn>,
    /// False if there was more than was read.
    pub is_complete: bool,
}
