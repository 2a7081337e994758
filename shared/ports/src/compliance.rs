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
    AccountInfo, Compliance, Digest, FindingGroup, FindingKey, FindingState, Lane, OutboxBatch,
    RouteState,
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

    /// Returns a page of those findings of an account that are not over
    /// ([`FindingState::is_over`]), in no order.
    async fn open_findings(
        &self,
        account: &AccountId,
        after: Option<Cursor>,
    ) -> Result<Page<FindingState>, PortError>;

    /// Saves states of findings together with the batches for outboxes: all of it, or nothing.
    /// [`Conflict`](crate::ErrorKind::Conflict) if a finding's state is no longer the expected one,
    /// or is being changed.
    async fn save_findings(&self, commit: &FindingCommit) -> Result<(), PortError>;

    /// Returns when an account was last compared with the aggregator to the end; `None` if it never
    /// was.
    async fn compared_at(&self, account: &AccountId) -> Result<Option<Timestamp>, PortError>;

    /// Saves that an account was compared to the end.
    async fn save_compared(&self, account: &AccountId, at: Timestamp) -> Result<(), PortError>;
}

/// A place in a listing, which only the listing itself can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub String);

/// Part of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items of this part, which may be none.
    pub items: Vec<T>,
    /// The place of the next part; `None` after the last one.
    pub next: Option<Cursor>,
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
    /// Returns batches of a route's outbox, from a lane on: by lane, and the oldest first. It stops
    /// after the batch with which there are `limit` entries.
    async fn waiting(
        &self,
        route: &str,
        from: Lane,
        limit: usize,
    ) -> Result<Vec<OutboxBatch>, PortError>;

    /// Returns a page of one lane of a route's outbox, in no order.
    async fn lane_page(
        &self,
        route: &str,
        lane: Lane,
        after: Option<Cursor>,
    ) -> Result<Page<OutboxBatch>, PortError>;

    /// Returns a page of those groups of a route in which something is open, in no order.
    async fn open_groups(
        &self,
        route: &str,
        after: Option<Cursor>,
    ) -> Result<Page<FindingGroup>, PortError>;

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

/// The routes that something was ever put into the outbox of. The policy may have dropped one
/// since.
#[async_trait]
pub trait RouteRegistry: Send + Sync {
    /// Returns the names of all of them.
    async fn registered_routes(&self) -> Result<BTreeSet<String>, PortError>;

    /// Adds a route, which may be there.
    async fn register_route(&self, route: &str) -> Result<(), PortError>;

    /// Takes a route out, which the policy has dropped and whose outbox is empty.
    async fn deregister_route(&self, route: &str) -> Result<(), PortError>;
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

/// A change of a finding's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingChange {
    /// `revision` of the state that this follows, and which the table must still have; `None` if
    /// there was none.
    pub expected_revision: Option<u64>,
    /// The state from now on.
    pub after: FindingState,
}

/// Changes of findings and what they put into outboxes, written at once: at most
/// [`FindingCommit::MAX_ITEMS`] findings and batches together, and each finding once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FindingCommit {
    /// The changes.
    pub findings: Vec<FindingChange>,
    /// The batches, each with the name of its route.
    pub batches: Vec<(String, OutboxBatch)>,
}

impl FindingCommit {
    /// Most findings and batches. A transaction of DynamoDB takes 100 items. (DynamoDB developer
    /// guide, "Transactions".)
    pub const MAX_ITEMS: usize = 100;
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
/// batches together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryCommit {
    /// Groups, as they are now.
    pub groups: Vec<FindingGroup>,
    /// The digest, as it is now.
    pub digest: Option<Digest>,
    /// The batches of which something was delivered.
    pub batches: Vec<DeliveredBatch>,
}

/// A batch of which something was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveredBatch {
    /// The batch's id.
    pub id: String,
    /// The batch with the entries that still wait; `None` if none does, and it goes.
    pub left: Option<OutboxBatch>,
}

impl DeliveryCommit {
    /// Most groups and batches. A transaction of DynamoDB takes 100 items, of which the check of
    /// the lease and the digest are two. (DynamoDB developer guide, "Transactions".)
    pub const MAX_ITEMS: usize = 98;
}

/// AWS Config's aggregator, which knows every account.
#[async_trait]
pub trait Aggregator: Send + Sync {
    /// Returns every rule in an account, by region, and its compliance there.
    async fn rules(
        &self,
        account: &AccountId,
    ) -> Result<BTreeMap<(Region, RuleName), RuleCompliance>, PortError>;

    /// Returns a page of the resources in an account and region that have a compliance with a rule,
    /// in no order.
    async fn evaluations(
        &self,
        rule: &AggregatedRule,
        compliance: Compliance,
        after: Option<Cursor>,
    ) -> Result<Page<AggregatedEvaluation>, PortError>;

    /// Returns facts of resources, as far as AWS Config knows them. Each comes with the region in
    /// which AWS Config evaluated it. One that AWS Config does not know is left out.
    async fn resources(
        &self,
        resources: &[(FindingKey, Region)],
    ) -> Result<BTreeMap<FindingKey, ResourceFacts>, PortError>;
}

/// A rule in one account and region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AggregatedRule {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
    /// The rule.
    pub rule: RuleName,
}

/// The compliance of a rule in an account and region. (AWS Config API reference, `Compliance`.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleCompliance {
    /// Every resource is compliant.
    Compliant,
    /// A resource at least is not compliant.
    Noncompliant,
    /// The rule applies to no resource.
    NotApplicable,
    /// AWS Config can't tell yet, or no longer.
    InsufficientData,
}

/// The compliance of a resource, as the aggregator knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregatedEvaluation {
    /// The resource and the rule.
    pub key: FindingKey,
    /// The region in which the rule looked at it.
    pub evaluated_in: Region,
    /// When AWS Config recorded it.
    pub recorded_at: Timestamp,
    /// The rule's own words.
    pub annotation: Option<String>,
}

/// Facts of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceFacts {
    /// Its name, where it has one other than its id.
    pub name: Option<String>,
    /// Its ARN.
    pub arn: Option<String>,
}
