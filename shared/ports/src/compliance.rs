//! Compliance: what AWS Config's aggregator knows, and what Banto keeps of it and of what it said.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use banto_domain::compliance::{
    AccountInfo, Digest, FindingGroup, FindingKey, FindingState, OutboxEntry, RouteState,
};
use banto_domain::{AccountId, Region, RuleName};
use jiff::Timestamp;

use crate::PortError;

/// One table of what is known and what was said. Every write is conditional, so that runs side by side, and
/// events that come twice, lose nothing and say nothing twice.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// What is known of findings; those that nothing is known of are left out.
    async fn known(
        &self,
        keys: &[FindingKey],
    ) -> Result<BTreeMap<FindingKey, FindingState>, PortError>;

    /// What is known of every finding of an account.
    async fn of_account(&self, account: &AccountId) -> Result<Vec<FindingState>, PortError>;

    /// Notes what is known of a finding, and puts its entries into the routes' outboxes: all of it, or nothing.
    /// [`Conflict`](crate::ErrorKind::Conflict) if the finding is no longer what it was `before`: the time of
    /// its last change, if it was known.
    async fn note(&self, change: &FindingChange) -> Result<(), PortError>;

    /// Accounts that were looked up before.
    async fn facts(
        &self,
        accounts: &BTreeSet<AccountId>,
    ) -> Result<BTreeMap<AccountId, AccountInfo>, PortError>;

    /// Keeps what was looked up of an account.
    async fn save_account(&self, facts: &AccountInfo) -> Result<(), PortError>;

    /// Claims a route for a run until a time, and answers what is kept of it.
    /// [`Conflict`](crate::ErrorKind::Conflict) while another run has it.
    async fn claim(&self, claim: &RouteLease, now: Timestamp) -> Result<RouteState, PortError>;

    /// Keeps something of a route; the run must have it, or it is a [`Conflict`](crate::ErrorKind::Conflict).
    /// A claim until now gives the route back.
    async fn keep(&self, claim: &RouteLease, lane: &RouteState) -> Result<(), PortError>;

    /// When a message is to come that has a route told, as far as is known.
    async fn due(&self, route: &str) -> Result<Option<Timestamp>, PortError>;

    /// Notes that such a message is to come.
    async fn note_due(&self, route: &str, at: Timestamp) -> Result<(), PortError>;

    /// The oldest entries of a route's outbox.
    async fn waiting(&self, route: &str, most: usize) -> Result<Vec<OutboxEntry>, PortError>;

    /// Cases of a route, by id.
    async fn cases(
        &self,
        route: &str,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, FindingGroup>, PortError>;

    /// Summaries of a route, by id.
    async fn digests(
        &self,
        route: &str,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Digest>, PortError>;

    /// Notes what was told, and takes its entries out of the outbox: all of it, or nothing. The run must have
    /// the route, or it is a [`Conflict`](crate::ErrorKind::Conflict).
    async fn commit(&self, claim: &RouteLease, commit: &DeliveryCommit) -> Result<(), PortError>;

    /// When a notice was said, if it was.
    async fn said_at(&self, notice: &str) -> Result<Option<Timestamp>, PortError>;

    /// Notes that a notice was said; that is kept for 30 days at least.
    async fn note_said(&self, notice: &str, now: Timestamp) -> Result<(), PortError>;
}

/// A change of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingChange {
    /// When it had changed before; `None` if nothing was known of it.
    pub before: Option<Timestamp>,
    /// What is known of it now.
    pub after: FindingState,
    /// What waits to be told, by route.
    pub entries: Vec<(String, OutboxEntry)>,
}

/// A run's claim to a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteLease {
    /// The route.
    pub route: String,
    /// The run.
    pub run: String,
    /// Until when.
    pub until: Timestamp,
}

/// What was told, and of what: at most [`DeliveryCommit::MAX_ITEMS`] items in all, which DynamoDB writes at once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeliveryCommit {
    /// Cases, as they are now.
    pub cases: Vec<FindingGroup>,
    /// The summary, as it is now.
    pub digest: Option<Digest>,
    /// The entries that were told.
    pub entries: Vec<OutboxEntry>,
}

impl DeliveryCommit {
    /// Most cases and entries together; a summary and the claim go with them. (DynamoDB developer guide,
    /// "Transactions": 100 items.)
    pub const MAX_ITEMS: usize = 98;
}

/// AWS Config's aggregator, which knows every account.
#[async_trait]
pub trait Aggregator: Send + Sync {
    /// Every rule in an account, by region, and whether it finds anything there.
    async fn rules(
        &self,
        account: &AccountId,
    ) -> Result<BTreeMap<(Region, RuleName), bool>, PortError>;

    /// What a rule finds.
    async fn findings(
        &self,
        account: &AccountId,
        region: &Region,
        rule: &RuleName,
    ) -> Result<Vec<AggregatedFinding>, PortError>;

    /// The names of resources, where AWS Config knows one: of IAM users and roles, whose ids nobody knows.
    async fn names(&self, keys: &[FindingKey]) -> Result<BTreeMap<FindingKey, String>, PortError>;
}

/// A resource that is not as a rule wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregatedFinding {
    /// Which resource, under which rule.
    pub key: FindingKey,
    /// When AWS Config recorded that.
    pub at: Timestamp,
    /// The rule's own words.
    pub annotation: Option<String>,
}
