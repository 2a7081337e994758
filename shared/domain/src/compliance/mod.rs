//! Compliance: findings of AWS Config, the entries of routes' outboxes, and the messages that
//! people were sent.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{AccountId, OuId, Region, RuleName};

mod catalogue;

pub use catalogue::{Advice, advice};

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Housekeeping.
    Low,
    /// Should be put right in the next days.
    Medium,
    /// Should be put right today.
    High,
    /// Somebody may be getting in right now.
    Critical,
}

impl Severity {
    /// All, the least first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// As the policy and people write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// One resource under one rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingKey {
    /// The account that the resource is in.
    pub account: AccountId,
    /// The region in which the rule looked at it.
    pub region: Region,
    /// The rule, as it is deployed.
    pub rule: RuleName,
    /// The resource's type; any text, since AWS adds types daily and has ones like
    /// `AWS::::Account`.
    pub resource_type: String,
    /// The resource's id in AWS Config; of IAM users and roles their unique id (`AIDA…`), not their
    /// name.
    pub resource_id: String,
}

impl FindingKey {
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
    /// Its compliance.
    pub compliance: Compliance,
    /// When AWS Config recorded it. Only what was recorded later changes it.
    pub recorded_at: Timestamp,
    /// The compliance that people were last told, or are about to be.
    pub last_notified: Compliance,
    /// When it last changed, the latest last: as many times as show whether it flaps.
    pub changes: Vec<Timestamp>,
    /// True if its changes are no longer told, since it flaps.
    pub damped: bool,
}

/// A change that waits to be told on one route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxEntry {
    /// The resource and the rule.
    pub key: FindingKey,
    /// When AWS Config recorded it.
    pub recorded_at: Timestamp,
    /// Its compliance now.
    pub compliance: Compliance,
    /// True if people had been told that it is not compliant. If not, what is resolved was never
    /// counted as open.
    pub was_notified: bool,
    /// The way by which the change came to be known.
    pub source: Source,
    /// The rule's severity.
    pub severity: Severity,
    /// The account's name.
    pub account_name: String,
    /// The account's owner, where its tags tell.
    pub owner: Option<String>,
    /// The rule's own words on the resource.
    pub annotation: Option<String>,
    /// True if further changes are not told for a while.
    pub flapping: bool,
}

/// The way by which a change came to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// An event told it.
    Event,
    /// The rule no longer looks at the resource, most often since it was deleted.
    NoLongerEvaluated,
    /// The daily comparison found it; its event never came, or it was waived or damped until now.
    Reconciliation,
}

impl OutboxEntry {
    /// Names the entry; entries sort by time.
    pub fn id(&self) -> String {
        format!(
            "{:013}#{}",
            self.recorded_at.as_millisecond(),
            self.key.id()
        )
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
    /// The number of resources that were not compliant, and are again.
    pub resolved: u32,
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
    /// Its region.
    pub region: Region,
    /// Its compliance.
    pub compliance: Compliance,
    /// Since when.
    pub since: Timestamp,
    /// The rule's own words on it.
    pub annotation: Option<String>,
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

/// Many groups in one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Digest {
    /// Its id.
    pub id: String,
    /// Its message, where that can be changed.
    pub message: Option<MessageRef>,
    /// When it was begun.
    pub since: Timestamp,
    /// Its counts, by rule.
    pub rules: BTreeMap<RuleName, Tally>,
}

/// The counts of one rule in a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The rule's severity.
    pub severity: Severity,
    /// The number of accounts.
    pub accounts: u32,
    /// The number of resources that are not compliant.
    pub open: u32,
    /// The number of resources that were not compliant, and are again.
    pub resolved: u32,
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
    /// The digest that takes up what else comes, if there is one.
    pub open_digest: Option<OpenDigest>,
    /// When a digest was last sent or extended.
    pub last_digest_at: Option<Timestamp>,
    /// A message that may have been sent by a run that ended before it could say so.
    pub in_flight: Option<InFlight>,
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

/// A message that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// The id that the message carries.
    pub id: String,
    /// When.
    pub at: Timestamp,
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
    /// When Organizations said so.
    pub fetched_at: Timestamp,
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
    fn what_differs_in_any_part_has_another_name() {
        assert_ne!(short_hash(&["ab", "c"]), short_hash(&["a", "bc"]));
        assert_eq!(short_hash(&["a"]).len(), 32);
    }
}
