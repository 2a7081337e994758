//! The Organization: its accounts, the StackSet that reaches them, the queue, and the status of
//! each account.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use banto_domain::status::AccountStatus;
use banto_domain::{AccountId, OuId, QueueUrl, Region};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

    /// The policy of the Organization that holds in an account, as JSON; `None` if there is none of
    /// this kind. (Organizations API reference, `DescribeEffectivePolicy`.)
    async fn effective_policy(
        &self,
        account: &AccountId,
        kind: OrgPolicyKind,
    ) -> Result<Option<Value>, PortError>;
}

/// A kind of policy by which an Organization sets what accounts could else set themselves.
/// (Organizations API reference, `EffectivePolicyType`.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrgPolicyKind {
    /// `S3_POLICY`: public access to S3.
    S3,
    /// `DECLARATIVE_POLICY_EC2`: attributes of EC2.
    Ec2,
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
    /// True if it was created in the Organization; an invited one may be of any age.
    #[serde(default)]
    pub was_created: bool,
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
    /// Organizations tells a state that this release does not know.
    Unknown,
}

/// The instances of the one StackSet.
#[async_trait]
pub trait StackInstances: Send + Sync {
    /// An account's instances, by region.
    async fn list(&self, account: &AccountId)
    -> Result<BTreeMap<Region, StackInstance>, PortError>;

    /// Returns true if an operation on the StackSet is queued, runs or is being stopped.
    async fn is_operating(&self) -> Result<bool, PortError>;

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
    /// Deployed as the StackSet says; its resources may have been changed since.
    Current,
    /// Not deployed yet: an operation on it is to come or under way, if one is under way at all.
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
    /// The group whose turn it takes: an account's id, or a route's name. SQS lets no group that
    /// sends much delay the others. (SQS developer guide, "Amazon SQS fair queues".)
    pub group: Option<String>,
}

/// One item per account. Each writer sets its own attributes, so that concurrent writers lose
/// nothing. An item of another version is an error.
#[async_trait]
pub trait AccountStatuses: Send + Sync {
    /// An account's item; an empty one if there is none.
    async fn row(&self, account: &AccountId) -> Result<AccountRow, PortError>;

    /// Adds repairs that are about to be made, in words, to those that people were not told of yet.
    async fn add_repairs(
        &self,
        account: &AccountId,
        repairs: &BTreeSet<String>,
    ) -> Result<(), PortError>;

    /// Replaces an account's status, and returns the item as it was before. Of an account in order
    /// it forgets since when it was not.
    async fn save_status(&self, status: &AccountStatus) -> Result<AccountRow, PortError>;

    /// Remembers since when an account is in the condition that it is in.
    async fn save_held(&self, account: &AccountId, held: &Held) -> Result<(), PortError>;

    /// Remembers that people were told.
    async fn save_told(&self, account: &AccountId, told: &Told) -> Result<(), PortError>;

    /// Deletes an account's item.
    async fn delete(&self, account: &AccountId) -> Result<(), PortError>;

    /// Every status.
    async fn all(&self) -> Result<Vec<AccountStatus>, PortError>;
}

/// The item of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountRow {
    /// Its status.
    pub status: Option<AccountStatus>,
    /// The news that people were last notified of.
    pub last_notified: Option<LastNotified>,
    /// Repairs that people were not told of yet, in words.
    pub repairs: BTreeSet<String>,
    /// The condition that it is in without being in order, and since when. Where a run ended early it
    /// may be another one than the status has, and earlier releases did not save it.
    pub held: Option<Held>,
}

impl AccountRow {
    /// The moment since which the account is in its condition; `None` if it is in order, or nobody
    /// knows.
    pub fn held_since(&self) -> Option<Timestamp> {
        let condition = self.status.as_ref()?.worst().as_str();
        let held = self.held.as_ref();
        held.filter(|held| held.condition == condition)
            .map(|held| held.since)
    }
}

/// A condition of an account as a whole, and since when it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The worst condition of its places, as `Condition::as_str` has it.
    pub condition: String,
    /// When it was first seen.
    pub since: Timestamp,
}

/// The news of an account that people were last notified of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastNotified {
    /// The mark of the news: news with the same mark are the same.
    pub mark: String,
    /// When it was sent.
    pub at: Timestamp,
}

/// The things of an account that people were told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// The news, if there was any.
    pub news: Option<LastNotified>,
    /// Repairs, which are no longer untold.
    pub repairs: BTreeSet<String>,
}

/// The dashboard's data.
#[async_trait]
pub trait Dashboard: Send + Sync {
    /// Publishes the status of all accounts, as JSON.
    async fn publish(&self, document: &str) -> Result<(), PortError>;
}
