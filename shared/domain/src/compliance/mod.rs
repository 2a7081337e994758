//! Compliance: findings of AWS Config, the entries of routes' outboxes, and the messages that
//! people were sent.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::str::FromStr as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{AccountId, OuId, Region, RuleName};

mod catalogue;
mod severity;

pub use catalogue::{Advice, advice, catalogued};
pub use severity::Severity;

/// One resource under one rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingKey {
    /// The account that the resource is in.
    pub account: AccountId,
    /// The region that the resource is in. Of IAM's it is the one that IAM itself is in, wherever
    /// the rule looked at it: a user is one user in all regions.
    pub region: Region,
    /// The rule, as it is deployed; of IAM's resources by the name that it has whatever deployed
    /// it, since Security Hub and conformance packs give it another one in each region.
    pub rule: RuleName,
    /// The resource's type; any text, since AWS adds types daily and has ones like
    /// `AWS::::Account`.
    pub resource_type: String,
    /// The resource's id in AWS Config; of IAM users and roles their unique id (`AIDA…`), not their
    /// name.
    pub resource_id: String,
}

impl FindingKey {
    /// The finding of a rule that looked at a resource in a region.
    pub fn new(
        account: AccountId,
        evaluated_in: &Region,
        rule: RuleName,
        resource_type: String,
        resource_id: String,
    ) -> Self {
        let (region, rule) = if Self::is_global(&resource_type) {
            (evaluated_in.of_iam(), rule.own())
        } else {
            (evaluated_in.clone(), rule)
        };
        Self {
            account,
            region,
            rule,
            resource_type,
            resource_id,
        }
    }

    /// True if the resource exists once for all regions, and each region's AWS Config may evaluate
    /// it. (AWS Config developer guide, "Recording global resource types".)
    pub fn is_global(resource_type: &str) -> bool {
        resource_type.starts_with("AWS::IAM::")
    }

    /// Names the finding in 32 hexadecimal digits.
    pub fn id(&self) -> String {
        let Self {
            account,
            region,
            rule,
            resource_type,
            resource_id,
        } = self;
        short_hash(&[
            account.as_str(),
            region.as_str(),
            rule.as_str(),
            resource_type,
            resource_id,
        ])
    }
}

/// Names something by its parts, in 32 hexadecimal digits: the first half of their SHA-256.
pub fn short_hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize()
        .iter()
        .take(16)
        .fold(String::with_capacity(32), |mut text, byte| {
            // Writing to a String can't fail.
            let _infallible = write!(text, "{byte:02x}").is_ok();
            text
        })
}

/// The compliance of a resource with a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Compliance {
    /// Compliant, or no longer evaluated.
    Compliant,
    /// Not compliant.
    Noncompliant,
}

/// The state of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingState {
    /// The resource and the rule.
    pub key: FindingKey,
    /// The region in which the rule looked at it last.
    pub evaluated_in: Region,
    /// Its compliance.
    pub compliance: Compliance,
    /// When AWS Config recorded that. Only what was recorded later changes it.
    pub recorded_at: Timestamp,
    /// The routes that were told that it is open, or are about to be, and not yet that it is over.
    pub told: BTreeSet<String>,
    /// When it last changed, the latest last: as many times as show whether it flaps.
    pub changes: Vec<Timestamp>,
    /// True if its changes are muted, since it flaps. Until it is stable it counts as open.
    pub flapping: bool,
    /// When the daily check first contradicted this state. Only a second check, a day later, is
    /// believed.
    pub doubted_at: Option<Timestamp>,
    /// When AWS Config last recorded that it can't tell. For a week from then on, an open finding
    /// that the aggregator does not list stays open.
    #[serde(default)]
    pub unknown_since: Option<Timestamp>,
    /// Counts the changes of this state, from the time in milliseconds at which it began: never
    /// anew. A change is saved only if no other one came between.
    pub revision: u64,
}

impl FindingState {
    /// True if there is nothing left to do about the finding, or to tell of it.
    pub fn is_over(&self) -> bool {
        self.compliance == Compliance::Compliant && self.told.is_empty() && !self.flapping
    }
}

/// The order in which a route's outbox is worked: by severity, and what a first comparison found
/// last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Lane {
    /// Findings of critical severity.
    Critical,
    /// Findings of high severity.
    High,
    /// Findings of medium severity.
    Medium,
    /// Findings of low severity.
    Low,
    /// Findings of any severity that were open before Banto knew the account.
    Takeover,
}

impl Lane {
    /// All, the first to be worked first.
    pub const ALL: [Self; 5] = [
        Self::Critical,
        Self::High,
        Self::Medium,
        Self::Low,
        Self::Takeover,
    ];

    /// The lane of an entry.
    pub fn of(severity: Severity, source: Source) -> Self {
        match (source, severity) {
            (Source::Takeover, _) => Self::Takeover,
            (_, Severity::Critical) => Self::Critical,
            (_, Severity::High) => Self::High,
            (_, Severity::Medium) => Self::Medium,
            (_, Severity::Low) => Self::Low,
        }
    }

    /// True if its findings are told within two minutes, each by name.
    pub fn is_urgent(self) -> bool {
        matches!(self, Self::Critical | Self::High)
    }

    /// Its place in the order, from 0 on, as sort keys begin with it.
    pub fn rank(self) -> u8 {
        match self {
            Self::Critical => 0,
            Self::High => 1,
            Self::Medium => 2,
            Self::Low => 3,
            Self::Takeover => 4,
        }
    }
}

/// A change that waits to be told on one route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxEntry {
    /// The resource and the rule.
    pub key: FindingKey,
    /// The region in which the rule looked at it.
    pub evaluated_in: Region,
    /// The number of the change among those of the finding: entries of one finding are told in its
    /// order.
    pub revision: u64,
    /// When AWS Config recorded it; of what AWS Config does not tell, when Banto noticed it.
    pub recorded_at: Timestamp,
    /// The news.
    pub change: Change,
    /// The way by which the change came to be known.
    pub source: Source,
    /// The rule's severity.
    pub severity: Severity,
    /// The rule's own words on the resource.
    pub annotation: Option<String>,
}

/// News of a finding, as one route is told it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// It is open, and the route was not told so yet.
    Found,
    /// AWS Config says that it is compliant.
    Resolved,
    /// The rule no longer evaluates it, most often since the resource was deleted.
    Closed,
    /// Its account belongs to other routes now.
    Moved {
        /// The names of those routes.
        to: Vec<String>,
    },
    /// It changes so often that further changes are muted; until it is stable it counts as open.
    Flapping {
        /// True if the route was told before that it is open.
        was_open: bool,
    },
}

impl Change {
    /// True if the finding is over for the route.
    pub fn closes(&self) -> bool {
        matches!(self, Self::Resolved | Self::Closed | Self::Moved { .. })
    }
}

/// The way by which a change came to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// An event told it, or a new tag, unit or policy.
    Event,
    /// The daily check found it; its event never came, or it was waived or muted until now.
    DailyCheck,
    /// The first check of an account found it open.
    Takeover,
}

impl OutboxEntry {
    /// Names the entry among those of a route.
    pub fn id(&self) -> String {
        format!("{}#{}", self.key.id(), self.revision)
    }

    /// The lane in which it waits.
    pub fn lane(&self) -> Lane {
        Lane::of(self.severity, self.source)
    }
}

/// Entries of one lane that one run put into a route's outbox together, as one item. It is only
/// ever made, shortened and deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxBatch {
    /// Its id: batches sort by lane, then by the time at which they were put there.
    pub id: String,
    /// The lane of all of its entries.
    pub lane: Lane,
    /// Its entries.
    pub entries: Vec<OutboxEntry>,
}

impl OutboxBatch {
    /// Most entries. Each may be of another group, and a delivery writes a batch together with all
    /// of its groups in one transaction of DynamoDB, which takes 100 items.
    pub const MAX_ENTRIES: usize = 90;

    /// A batch that is put into the outbox now.
    pub fn new(lane: Lane, entries: Vec<OutboxEntry>, now: Timestamp) -> Self {
        let ids: Vec<String> = entries.iter().map(OutboxEntry::id).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        Self {
            id: format!(
                "{}#{:013}#{}",
                lane.rank(),
                now.as_millisecond(),
                short_hash(&ids)
            ),
            lane,
            entries,
        }
    }
}

impl OutboxBatch {
    /// When it was put into the outbox, as its id says.
    pub fn saved_at(&self) -> Option<Timestamp> {
        let milliseconds = self.id.split('#').nth(1)?.parse().ok()?;
        Timestamp::from_millisecond(milliseconds).ok()
    }
}

/// A message that can be changed later.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MessageRef {
    /// Slack's id of the channel.
    pub channel: String,
    /// Slack's id of the message in it.
    pub ts: String,
}

/// The findings of one rule in one account, as a route was told of them: from the first finding
/// until all are resolved. (Alertmanager's word is an alert group.)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingGroup {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub account_name: String,
    /// The account's owner, where its tags tell.
    pub owner: Option<String>,
    /// The rule.
    pub rule: RuleName,
    /// The rule's severity.
    pub severity: Severity,
    /// The message that told it.
    pub notified_in: NotifiedIn,
    /// When it was first told.
    pub since: Timestamp,
    /// The number of resources that are not compliant.
    pub open: u32,
    /// The number of resources that were not compliant, and are now.
    pub resolved: u32,
    /// The number of resources that the rule no longer evaluates.
    pub closed: u32,
    /// The routes that its account belongs to now, once it belongs to others.
    pub moved_to: Vec<String>,
    /// The first of its resources, as they are shown.
    pub resources: Vec<Resource>,
}

/// The message that told people of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NotifiedIn {
    /// A message of its own, which can be changed.
    Message(MessageRef),
    /// A digest of many groups, by its id.
    Digest(String),
    /// One that can't be changed: by webhook, SNS or mail.
    Untracked,
}

/// A resource, as a message shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Its type.
    pub resource_type: String,
    /// Its id.
    pub id: String,
    /// Its name, where one is known and other than its id.
    pub name: Option<String>,
    /// Its ARN, where AWS Config tells it.
    pub arn: Option<String>,
    /// Its region.
    pub region: Region,
    /// The region in which the rule looked at it.
    pub evaluated_in: Region,
    /// What the route was last told of it.
    pub status: ResourceStatus,
    /// Since when.
    pub since: Timestamp,
    /// The rule's own words on it.
    pub annotation: Option<String>,
}

/// What a route was last told of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ResourceStatus {
    /// It is not compliant.
    Open,
    /// It flaps, and counts as open.
    Flapping,
    /// It is compliant again.
    Resolved,
    /// The rule no longer evaluates it.
    Closed,
}

impl ResourceStatus {
    /// True if there is still something to do about it.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Flapping)
    }
}

impl FindingGroup {
    /// The id of the group of a rule in an account.
    pub fn id_of(account: &AccountId, rule: &RuleName) -> String {
        short_hash(&[account.as_str(), rule.as_str()])
    }

    /// The group's id on its route.
    pub fn id(&self) -> String {
        Self::id_of(&self.account, &self.rule)
    }

    /// The resource of a finding, if it is among those that are shown.
    pub fn shown(&self, key: &FindingKey) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.is_of(key))
    }
}

impl Resource {
    /// True if this is the resource of a finding.
    pub fn is_of(&self, key: &FindingKey) -> bool {
        let known = (&self.id, &self.resource_type, &self.region);
        known == (&key.resource_id, &key.resource_type, &key.region)
    }
}

/// Many findings of one lane in one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Digest {
    /// Its id.
    pub id: String,
    /// The lane of all of its findings.
    pub lane: Lane,
    /// Its message, where that can be changed.
    pub message: Option<MessageRef>,
    /// When it was begun.
    pub since: Timestamp,
    /// Its counts, by rule.
    pub rules: BTreeMap<RuleName, Tally>,
    /// The accounts of its findings.
    pub accounts: BTreeSet<AccountId>,
}

impl Digest {
    /// Most rules that are counted by name. With 100 bytes each, and the accounts of a whole
    /// Organization, a digest fits an item of DynamoDB, which takes 400 KB. (DynamoDB developer
    /// guide, "Service quotas".)
    const MAX_RULES: usize = 1_000;

    /// The counts of a rule, which goes by its own name: what deployments put around it differs by
    /// account. Very many rules count as one.
    pub fn tally(&mut self, rule: &RuleName, severity: Severity) -> &mut Tally {
        let own = rule.own();
        let is_known = self.rules.contains_key(&own) || self.rules.len() < Self::MAX_RULES;
        let other = RuleName::from_str("other-rules");
        let name = if is_known { own } else { other.unwrap_or(own) };
        self.rules.entry(name).or_insert(Tally {
            severity,
            open: 0,
            resolved: 0,
            closed: 0,
        })
    }
}

/// The counts of one rule in a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The rule's severity.
    pub severity: Severity,
    /// The number of resources that are not compliant.
    pub open: u32,
    /// The number of resources that were not compliant, and are now.
    pub resolved: u32,
    /// The number of resources that are no longer evaluated, or are other routes' now.
    pub closed: u32,
}

impl Tally {
    /// Counts news of a finding.
    pub fn count(&mut self, change: &Change) {
        match change {
            Change::Found | Change::Flapping { was_open: false } => self.open += 1,
            Change::Flapping { was_open: true } => {}
            Change::Resolved => self.resolved += 1,
            Change::Closed | Change::Moved { .. } => self.closed += 1,
        }
        if change.closes() {
            self.open = self.open.saturating_sub(1);
        }
    }
}

/// The state of a route, which outlives a run. Only the run that holds the route changes it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteState {
    /// From when the next message may be sent.
    pub next_at: Option<Timestamp>,
    /// The number of messages in a row that could not be sent.
    pub failures: u32,
    /// The end of the time in which the route is not tried, and the fall-back takes its messages.
    pub breaker_open_until: Option<Timestamp>,
    /// The digests of each lane.
    pub lanes: BTreeMap<Lane, LaneState>,
    /// A message that may have been sent by a run that ended before it could say so.
    pub in_flight: Option<InFlight>,
    /// When people were last reminded of what stays open, by severity.
    pub reminded_at: BTreeMap<Severity, Timestamp>,
}

/// The digests of one lane of a route.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LaneState {
    /// The digest that takes up what else comes, if there is one.
    pub open_digest: Option<OpenDigest>,
    /// When a digest was last sent or extended.
    pub last_digest_at: Option<Timestamp>,
}

/// A digest that takes up what else comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenDigest {
    /// The digest's id.
    pub id: String,
    /// When its message was sent.
    pub opened_at: Timestamp,
}

/// A message that is about to be sent, or that was sent and whose entries are still to be saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// The id that the message carries.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// What the message said, as a hash, once it was sent: the same is not said again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

/// An account, as far as messages and routes need to know it of Organizations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountInfo {
    /// The account.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// The root and the organizational units that it is in.
    pub path: Vec<OuId>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When it joined the Organization, where that is told.
    pub joined_at: Option<Timestamp>,
    /// When Organizations said so.
    pub fetched_at: Timestamp,
    /// The facts that Organizations was asked for. The others are unknown, rather than empty.
    #[serde(default)]
    pub asked_for: AskedFor,
    /// True if it is suspended, closed or no longer in the Organization.
    #[serde(default)]
    pub is_closed: bool,
}

/// Facts of an account that not every policy needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AskedFor {
    /// Its root and organizational units.
    pub path: bool,
    /// Its tags.
    pub tags: bool,
}

impl AskedFor {
    /// True if these facts answer all that the others are about.
    pub fn covers(self, needed: Self) -> bool {
        (self.path || !needed.path) && (self.tags || !needed.tags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rules_own_name_is_found_whatever_deployed_it() {
        for (deployed, plain) in [
            ("access-keys-rotated", "access-keys-rotated"),
            (
                "securityhub-s3-bucket-ssl-requests-only-1a2b3c4d",
                "s3-bucket-ssl-requests-only",
            ),
            (
                "OrgConfigRule-iam-user-mfa-enabled-abcd1234",
                "iam-user-mfa-enabled",
            ),
            (
                "encrypted-volumes-conformance-pack-wxyz98765",
                "encrypted-volumes",
            ),
            (
                "OrgConfigRule-encrypted-volumes-conformance-pack-wxyz98765",
                "encrypted-volumes",
            ),
            // A word of eight letters is no suffix where nothing says that there is one.
            ("team-approved", "team-approved"),
            ("ec2-instance-no-public-ip", "ec2-instance-no-public-ip"),
            ("plain", "plain"),
        ] {
            assert_eq!(deployed.parse::<RuleName>().unwrap().plain(), plain);
        }
    }

    #[test]
    fn a_user_counts_once_whatever_the_regions_deployments_call_the_rule() {
        let key = |region: &str, rule: &str, resource_type: &str| {
            FindingKey::new(
                "111122223333".parse().unwrap(),
                &region.parse().unwrap(),
                rule.parse().unwrap(),
                resource_type.into(),
                "AIDAEXAMPLE".into(),
            )
        };
        let (here, there) = (
            "securityhub-access-keys-rotated-dcc5e306",
            "securityhub-access-keys-rotated-774aa6c9",
        );
        let user = key("eu-west-1", here, "AWS::IAM::User");
        assert_eq!(user, key("us-east-1", there, "AWS::IAM::User"));
        assert_eq!(user.rule.as_str(), "access-keys-rotated");
        let bucket = key("eu-west-1", here, "AWS::S3::Bucket");
        assert_ne!(bucket.id(), key("eu-west-1", there, "AWS::S3::Bucket").id());
    }

    #[test]
    fn what_differs_in_any_part_has_another_name() {
        assert_ne!(short_hash(&["ab", "c"]), short_hash(&["a", "bc"]));
        assert_eq!(short_hash(&["a"]).len(), 32);
    }
}
