//! What a plan is made of: messages as data, before anybody words them.

use std::collections::BTreeMap;

use banto_domain::RuleName;
use banto_domain::compliance::{
    Compliance, Digest, FindingGroup, FindingKey, MessageRef, OutboxEntry,
};
use banto_domain::policy::compliance::RuleText;
use banto_ports::DeliveryCommit;
use serde::Serialize;

/// A message, and what is saved when it was sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The id that the message carries. A run that takes up what another one left makes the same
    /// one.
    pub id: String,
    pub target: Target,
    pub subject: Subject,
    /// What is saved in the end, piece by piece.
    pub commits: Vec<DeliveryCommit>,
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    /// To the route's destination, as a message of its own.
    New,
    /// Into the thread of a message in the channel.
    Thread {
        message: MessageRef,
        /// Whether the channel sees it too.
        broadcast: bool,
    },
}

impl Target {
    /// The message above the thread, if the target is one.
    pub fn thread(&self) -> Option<&MessageRef> {
        match self {
            Self::New => None,
            Self::Thread { message, .. } => Some(message),
        }
    }
}

/// What a message tells.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    /// One group: in the channel as it is now, in a thread what changed of it.
    Group(Box<GroupChange>),
    /// Many groups: in the channel their counts, in a thread what changed of each.
    Digest {
        /// The digest, as it is after this.
        digest: Digest,
        changes: Vec<GroupChange>,
        /// The words about each rule of the digest.
        texts: BTreeMap<RuleName, RuleText>,
    },
}

/// What the entries of an outbox change of one group.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupChange {
    /// The entries, the oldest first.
    pub entries: Vec<OutboxEntry>,
    /// The group as it was told, if it was.
    pub before: Option<FindingGroup>,
    pub after: FindingGroup,
    /// Resources that are noncompliant in the end.
    pub found: u32,
    /// Resources that are compliant in the end.
    pub resolved: u32,
    pub text: RuleText,
}

impl GroupChange {
    /// The group that this goes on from. One that was resolved is over: what is found again opens a
    /// new one.
    pub fn base(&self) -> Option<&FindingGroup> {
        base_of(self.before.as_ref(), &self.entries)
    }

    /// True if it ends with open findings while the group that was told had none: it needs a
    /// message of its own.
    pub fn opens_again(&self) -> bool {
        let was_resolved = self.before.as_ref().is_some_and(|group| group.open == 0);
        was_resolved && self.found > 0
    }
}

/// The group that entries go on from, as [`GroupChange::base`] says.
pub(super) fn base_of<'a>(
    before: Option<&'a FindingGroup>,
    entries: &[OutboxEntry],
) -> Option<&'a FindingGroup> {
    let opens = entries
        .iter()
        .any(|entry| entry.compliance == Compliance::Noncompliant);
    before.filter(|group| group.open > 0 || !opens)
}

/// The last of each finding's entries, in the order of findings.
pub(super) fn latest_entries(entries: &[OutboxEntry]) -> Vec<&OutboxEntry> {
    let latest: BTreeMap<&FindingKey, &OutboxEntry> =
        entries.iter().map(|entry| (&entry.key, entry)).collect();
    latest.into_values().collect()
}
