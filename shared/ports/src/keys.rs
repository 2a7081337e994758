//! IAM users and their access keys, in one account.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use banto_domain::{AccessKeyId, GroupName, UserArn, UserId, UserName};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::Serialize;

use crate::PortError;

/// IAM users and their access keys, in one account.
#[async_trait]
pub trait AccessKeys: Send + Sync {
    /// Asks for a credential report; IAM makes a new one if the last is 4 hours old.
    async fn request_report(&self) -> Result<ReportState, PortError>;

    /// The credential report as CSV. [`NotReady`](crate::ErrorKind::NotReady) while it is being
    /// made, [`Missing`](crate::ErrorKind::Missing) if there is none or it has expired.
    async fn report(&self) -> Result<Vec<u8>, PortError>;

    /// One user; names that differ in case only are one name to IAM.
    /// [`Missing`](crate::ErrorKind::Missing) if there is none of that name.
    async fn user(&self, user: &UserName) -> Result<LiveUser, PortError>;

    /// The members of a group, all of them.
    async fn members(&self, group: &GroupName) -> Result<BTreeSet<UserName>, PortError>;

    /// The user's access keys, active or not, in any order. A key, and a change of its status, may
    /// show seconds late.
    async fn keys(&self, user: &UserName) -> Result<Vec<LiveKey>, PortError>;

    /// When a key was last used, which may show hours late, and whose it is.
    /// [`Missing`](crate::ErrorKind::Missing) if the key no longer exists.
    async fn usage(&self, key: &AccessKeyId) -> Result<Usage, PortError>;

    /// Creates a key. Asked once, never retried beneath: the call has no idempotency token, and an
    /// answer that was lost leaves a key behind.
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) if the user has two.
    async fn create(&self, user: &UserName) -> Result<CreatedKey, PortError>;

    /// Makes a key active or inactive, whatever it was.
    async fn set_active(
        &self,
        user: &UserName,
        key: &AccessKeyId,
        active: bool,
    ) -> Result<(), PortError>;

    /// Deletes a key. [`Missing`](crate::ErrorKind::Missing) if it is gone already.
    async fn delete(&self, user: &UserName, key: &AccessKeyId) -> Result<(), PortError>;
}

/// The progress of the credential report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportState {
    /// Being made.
    InProgress,
    /// Ready to be read.
    Complete,
}

/// An IAM user as IAM tells it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveUser {
    /// The user's name, in the letters that IAM keeps it in.
    pub name: UserName,
    /// The user's unique id.
    pub id: UserId,
    /// The user's ARN.
    pub arn: UserArn,
    /// The user's path; begins and ends with `/`.
    pub path: String,
    /// The user's tags.
    pub tags: BTreeMap<String, String>,
}

/// An access key as IAM tells it now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LiveKey {
    /// The key's id.
    pub id: AccessKeyId,
    /// True if requests can be signed with it.
    pub active: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

/// The use of a key, as IAM knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The key's owner.
    pub owner: KeyOwner,
    /// The last use; `None` if IAM has seen none.
    pub last: Option<LastUse>,
}

/// The owner of an access key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyOwner {
    /// An IAM user.
    User(UserName),
    /// The account's root user, whose keys no call for users reaches.
    Root,
}

/// The last use of a key; IAM tells it to a quarter of an hour.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LastUse {
    /// When.
    pub at: Timestamp,
    /// The service that was called, as in `s3`.
    pub service: String,
    /// The region that was called.
    pub region: String,
}

/// A key that was just created: the one moment at which its secret is told.
#[derive(Debug)]
pub struct CreatedKey {
    /// The key's id.
    pub id: AccessKeyId,
    /// Its secret.
    pub secret: SecretString,
    /// When IAM created it.
    pub created_at: Timestamp,
}

/// The end of a user's own sessions, in one account: those of `GetSessionToken`, of
/// `GetFederationToken` and of the console. Sessions of roles that the user assumed are not reached
/// so, since a role's session has the role's policies.
#[async_trait]
pub trait UserSessions: Send + Sync {
    /// Denies every temporary credential of the user, by attaching the policy that Terraform put
    /// there for it. Doing so again changes nothing.
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) if the user has as many policies attached
    /// as IAM allows, [`Missing`](crate::ErrorKind::Missing) if the user or the policy is not
    /// there.
    async fn deny(&self, user: &UserName) -> Result<(), PortError>;

    /// Takes the denial off; success if it is off already.
    async fn allow(&self, user: &UserName) -> Result<(), PortError>;
}
