//! The Organization: its accounts, the StackSet that reaches them, the queue, and the status of
//! each account.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use banto_domain::status::AccountStatus;
use banto_domain::{AccountId, OuId, QueueUrl, Region};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::PortError;

/// The accounts of the Organization.
#[async_trait]
pub trait Organization: Send + Sync {
    /// Every account, whatever its state.
    async fn accounts(&self) -> Result<Vec<OrgAccount>, PortError>;

    /// One account. [`Missing`](crate::ErrorKind::Missing) if it is not, or no longer, in the
    /// Organization.
    async fn account(&self, account: &AccountId) -> Result<OrgAccount, PortError>;

    /// The root or unit that an account or unit is in; `None` of a root.
    async fn parent(&self, child: &str) -> Result<Option<OuId>, PortError>;

    /// An account's tags.
    async fn tags(&self, account: &AccountId) -> Result<BTreeMap<String, String>, PortError>;

    /// Writes tags of an account; others stay.
    async fn tag(
        &self,
        account: &AccountId,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), PortError>;

    /// Moves an account from one root or unit to another. [`Conflict`](crate::ErrorKind::Conflict)
    /// if it is there already.
    async fn move_to(&self, account: &AccountId, from: &OuId, to: &OuId) -> Result<(), PortError>;
}

/// The root and the units that an account is in, the root first: asked for one by one, where
/// Organizations does not tell them with the account.
pub async fn path_of(
    organization: &dyn Organization,
    account: &OrgAccount,
) -> Result<Vec<OuId>, PortError> {
    if !account.path.is_empty() {
        return Ok(account.path.clone());
    }
    let mut path = Vec::new();
    let mut child = account.id.to_string();
    while let Some(parent) = organization.parent(&child).await? {
        child = parent.to_string();
        path.insert(0, parent);
    }
    Ok(path)
}

/// An account as Organizations tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrgAccount {
    /// The account's id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Where it is in its life.
    pub state: AccountState,
    /// The root and the units that it is in, the root first; empty where that is not told.
    #[serde(default)]
    pub path: Vec<OuId>,
    /// When it became part of the Organization.
    pub joined_at: Option<Timestamp>,
}

impl OrgAccount {
    /// True if anything can be done in the account at all.
    pub fn is_active(&self) -> bool {
        self.state == AccountState::Active
    }
}

/// Where an account is in its life. (Organizations API reference, `Account`, field `State`.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AccountState {
    /// Created, and not yet activated.
    PendingActivation,
    /// In use.
    Active,
    /// Suspended by AWS, or closed less than 90 days ago.
    Suspended,
    /// Being closed.
    PendingClosure,
    /// Closed for good.
    Closed,
}

/// The instances of the one StackSet.
#[async_trait]
pub trait StackInstances: Send + Sync {
    /// An account's instances, by region.
    async fn list(&self, account: &AccountId)
    -> Result<BTreeMap<Region, StackInstance>, PortError>;

    /// Makes instances for several accounts, in one operation.
    /// [`NotReady`](crate::ErrorKind::NotReady) while another operation is under way.
    async fn create(&self, accounts: &[AccountId], regions: &[Region]) -> Result<(), PortError>;

    /// Deploys existing instances anew, in one operation.
    /// [`NotReady`](crate::ErrorKind::NotReady) while another operation is under way.
    async fn update(&self, accounts: &[AccountId], regions: &[Region]) -> Result<(), PortError>;
}

/// An instance of the StackSet, in one account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StackInstance {
    /// As the StackSet says.
    Current,
    /// CloudFormation found its resources changed by somebody else.
    Drifted,
    /// An operation on it is to come or under way.
    Pending,
    /// The last operation on it failed, for this reason.
    Failed(String),
    /// It needs a person: an earlier deletion or import failed.
    Inoperable(String),
}

/// The queue of accounts that wait.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends messages, each visible after its delay of at most 15 minutes. All are sent, or the
    /// error says that some may not have been.
    async fn send(&self, messages: &[Delayed]) -> Result<(), PortError>;
}

/// Messages that a queue has handed over and that are not done.
#[async_trait]
pub trait ReceivedMessages: Send + Sync {
    /// Hides a message for this time, at most 12 hours; then the queue hands it over again.
    async fn hide(&self, message: &Received, time: Duration) -> Result<(), PortError>;
}

/// A message that a queue has handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The queue that it came from.
    pub queue: QueueUrl,
    /// The handle of this one receipt.
    pub receipt: String,
}

/// A message, and when it is to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delayed {
    /// The message, as JSON.
    pub body: String,
    /// The time until it is seen; SQS allows 15 minutes at most.
    pub delay: Duration,
}

/// One item per account: its status, and the mark of the news that people were last notified of. An
/// item of another version is an error.
#[async_trait]
pub trait AccountStatuses: Send + Sync {
    /// Replaces an account's status, and returns the previous one. The mark of the last notice
    /// stays, so that concurrent writers lose nothing.
    async fn save_status(&self, status: &AccountStatus) -> Result<PreviousStatus, PortError>;

    /// Replaces the mark of the news that people were last notified of.
    async fn save_last_notified(
        &self,
        account: &AccountId,
        notified: &str,
    ) -> Result<(), PortError>;

    /// Deletes an account's item.
    async fn delete(&self, account: &AccountId) -> Result<(), PortError>;

    /// Every status.
    async fn all(&self) -> Result<Vec<AccountStatus>, PortError>;
}

/// The item of an account before its status was saved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PreviousStatus {
    /// Its status.
    pub status: Option<AccountStatus>,
    /// The mark of the news that people were last notified of.
    pub last_notified: Option<String>,
}

/// The dashboard's data.
#[async_trait]
pub trait Dashboard: Send + Sync {
    /// Publishes the status of all accounts, as JSON.
    async fn publish(&self, document: &str) -> Result<(), PortError>;
}
