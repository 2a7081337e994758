//! Compliance: AWS Config's aggregator, and what Banto keeps of findings, of routes and of what it
//! sent.
//!
//! One table is behind all of these but the aggregator. They are narrow so that each half of
//! notify-compliance holds just those that it uses. Every write that others may contend for is
//! conditional: runs side by side, and events that come twice, lose nothing and notify nobody
//! twice.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use banto_domain::compliance::{
    AccountInfo, Digest, FindingGroup, FindingKey, FindingState, OutboxEntry, RouteState,
};
use banto_domain::{AccountId, Region, RuleName};
use jiff::Timestamp;
use serde::Serialize;

use crate::PortError;

/// The state of findings.
#[async_trait]
pub trait FindingStore: Send + Sync {
    /// Returns the state of findings; a finding without one is left out.
    async fn findings(
        &self,
        keys: &[FindingKey],
    ) -> Result<BTreeMap<FindingKey, FindingState>, PortError>;

    /// Returns the state of every finding of an account.
    async fn findings_of_account(
        &self,
        account: &AccountId,
    ) -> Result<Vec<FindingState>, PortError>;

    /// Saves a finding's state together with its entries in the routes' outboxes: all of it, or
    /// nothing. [`Conflict`](crate::ErrorKind::Conflict) if the finding's state is
    /// no longer the expected one.
    async fn save_change(&self, change: &FindingChange) -> Result<(), PortError>;
}

/// Accounts that were looked up in Organizations.
#[async_trait]
pub trait AccountCache: Send + Sync {
    /// Returns those accounts that are cached. The caller judges how old they may be.
    async fn cached_accounts(
        &self,
        accounts: &BTreeSet<AccountId>,
    ) -> Result<BTreeMap<AccountId, AccountInfo>, PortError>;

    /// Caches an account.
    async fn save_account(&self, account: &AccountInfo) -> Result<(), PortError>;
}

/// One run at a time delivers on a route: the run that holds the route's lease.
#[async_trait]
pub trait RouteLock: Send + Sync {
    /// Takes the lease, and returns the state that its last holder left.
    /// [`Conflict`](crate::ErrorKind::Conflict) while another run holds it.
    async fn lock_route(&self, lease: &RouteLease, now: Timestamp)
    -> Result<RouteState, PortError>;

    /// Saves the route's state and extends the lease. [`Conflict`](crate::ErrorKind::Conflict) if
    /// the run does not hold it. A lease that expires now gives the route back.
    async fn save_route_state(
        &self,
        lease: &RouteLease,
        state: &RouteState,
    ) -> Result<(), PortError>;
}

/// The outboxes of routes, and the groups and digests that were delivered from them.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Returns the oldest entries of a route's outbox.
    async fn waiting(&self, route: &str, limit: usize) -> Result<Vec<OutboxEntry>, PortError>;

    /// Returns groups of a route, by id.
    async fn groups(
        &self,
        route: &str,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, FindingGroup>, PortError>;

    /// Returns digests of a route, by id.
    async fn digests(
        &self,
        route: &str,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Digest>, PortError>;

    /// Saves what was delivered, and takes its entries out of the outbox: all of it, or nothing.
    /// [`Conflict`](crate::ErrorKind::Conflict) if the run does not hold the route's lease.
    async fn commit(&self, lease: &RouteLease, commit: &DeliveryCommit) -> Result<(), PortError>;
}

/// The time for which a delivery on a route is queued, so that a burst of changes queues one.
#[async_trait]
pub trait DeliverySchedule: Send + Sync {
    /// Returns the time of the delivery that was queued last, which may have passed.
    async fn delivery_due(&self, route: &str) -> Result<Option<Timestamp>, PortError>;

    /// Saves the time of a delivery that is queued.
    async fn save_delivery_due(&self, route: &str, at: Timestamp) -> Result<(), PortError>;
}

/// The notices of other functions that were sent, by their ids. (Alertmanager keeps a log of that
/// name.)
#[async_trait]
pub trait NotificationLog: Send + Sync {
    /// Returns when a notice was sent.
    async fn notified_at(&self, notice: &str) -> Result<Option<Timestamp>, PortError>;

    /// Saves that a notice was sent. The log remembers it for 30 days at least.
    async fn save_notified(&self, notice: &str, now: Timestamp) -> Result<(), PortError>;
}

/// A change of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingChange {
    /// `recorded_at` of the state that this follows, and which the table must still have; `None` if
    /// there was none.
    pub expected_recorded_at: Option<Timestamp>,
    /// The state from now on.
    pub after: FindingState,
    /// The entries for outboxes, each with the name of its route.
    pub entries: Vec<(String, OutboxEntry)>,
}

/// A run's exclusive hold on a route. (Kubernetes has leases with a holder and a time, too.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteLease {
    /// The route's name.
    pub route: String,
    /// The id of the run; another attempt at the same event is another run.
    pub holder: String,
    /// From when another run may take it.
    pub expires_at: Timestamp,
}

/// What a delivery changes, written at once: at most [`DeliveryCommit::MAX_ITEMS`] groups and
/// entries together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryCommit {
    /// Groups, as they are now.
    pub groups: Vec<FindingGroup>,
    /// The digest, as it is now.
    pub digest: Option<Digest>,
    /// The entries that were delivered.
    pub entries: Vec<OutboxEntry>,
}

impl DeliveryCommit {
    /// Most groups and entries. A transaction of DynamoDB takes 100 items, of which the check of
    /// the lease and the digest are two. (DynamoDB developer guide, "Transactions".)
    pub const MAX_ITEMS: usize = 98;
}

/// AWS Config's aggregator, which knows every account.
#[async_trait]
pub trait Aggregator: Send + Sync {
    /// Returns every rule in an account, by region, and whether it finds anything there.
    async fn rules(
        &self,
        account: &AccountId,
    ) -> Result<BTreeMap<(Region, RuleName), bool>, PortError>;

    /// Returns what a rule finds in an account and region.
    async fn findings(
        &self,
        account: &AccountId,
        region: &Region,
        rule: &RuleName,
    ) -> Result<Vec<AggregatedFinding>, PortError>;

    /// Returns the names of resources, where AWS Config knows one: of IAM users and roles, whose
    /// ids nobody knows.
    async fn names(&self, keys: &[FindingKey]) -> Result<BTreeMap<FindingKey, String>, PortError>;
}

/// A noncompliant resource, as the aggregator knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregatedFinding {
    /// The resource and the rule.
    pub key: FindingKey,
    /// When AWS Config recorded it.
    pub recorded_at: Timestamp,
    /// The rule's own words.
    pub annotation: Option<String>,
}
