//! What a plan is made of: messages as data, before anybody words them.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::RuleName;
use banto_domain::compliance::{
    Change, Digest, FindingGroup, FindingKey, MessageRef, OutboxEntry, ResourceStatus,
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
    /// Nowhere: the entries are dropped, for the route has nothing to say of them.
    Nowhere,
}

impl Target {
    /// The message above the thread, if the target is one.
    pub fn thread(&self) -> Option<&MessageRef> {
        match self {
            Self::New | Self::Nowhere => None,
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
    Digest(Box<DigestChange>),
    Nothing,
}

/// What the entries of an outbox change of one group.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupChange {
    /// The entries that are told, by finding, and of each finding the oldest first.
    pub entries: Vec<OutboxEntry>,
    /// The ids of those entries that end a finding which the group never counted, or open one that
    /// it counts already.
    pub out_of_order: BTreeSet<String>,
    /// The group as it was told, if it was.
    pub before: Option<FindingGroup>,
    pub after: FindingGroup,
    /// Resources that are open in the end.
    pub found: u32,
    /// Resources that are compliant in the end.
    pub resolved: u32,
    /// Resources that are no longer evaluated in the end, or are other routes'.
    pub closed: u32,
    pub text: RuleText,
    /// Slack ids of those who are mentioned.
    pub mentions: Vec<String>,
}

/// What is added to a digest.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DigestChange {
    /// The digest, as it is after this.
    pub digest: Digest,
    /// The changes of each group; none of a flood, whose groups nobody could read.
    pub changes: Vec<GroupChange>,
    /// The findings that are named, the most severe first.
    pub named: Vec<NamedFinding>,
    /// Findings that are open in the end, that are compliant, and that are no longer evaluated or
    /// are other routes'.
    pub found: u32,
    pub resolved: u32,
    pub closed: u32,
    /// The words about each rule of the digest.
    pub texts: BTreeMap<RuleName, RuleText>,
}

/// A finding that a digest names.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedFinding {
    pub entry: OutboxEntry,
    pub account_name: String,
    pub owner: Option<String>,
    /// The resource's name, where it has one other than its id.
    pub name: Option<String>,
}

/// How urgent a message is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Haste {
    /// Its lane is urgent: it is told within two minutes, each finding by name.
    pub(super) is_urgent: bool,
    /// It is urgent, and has waited so long that the fall-back takes what its route does not take
    /// now.
    pub(super) is_overdue: bool,
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
        let was_over = self.before.as_ref().is_some_and(|group| group.open == 0);
        was_over && self.found > 0
    }
}

/// The group that entries go on from, as [`GroupChange::base`] says.
pub(super) fn base_of<'a>(
    before: Option<&'a FindingGroup>,
    entries: &[OutboxEntry],
) -> Option<&'a FindingGroup> {
    let opens = entries.iter().any(|entry| !entry.change.closes());
    before.filter(|group| group.open > 0 || !opens)
}

/// The last of each finding's entries, in the order of findings.
pub(super) fn latest_entries(entries: &[OutboxEntry]) -> Vec<&OutboxEntry> {
    let mut latest: BTreeMap<&FindingKey, &OutboxEntry> = BTreeMap::new();
    for entry in entries {
        let last = latest.entry(&entry.key).or_insert(entry);
        if last.revision <= entry.revision {
            *last = entry;
        }
    }
    latest.into_values().collect()
}

/// The status of a resource after a change.
pub(super) fn status_after(change: &Change) -> ResourceStatus {
    match change {
        Change::Found => ResourceStatus::Open,
        Change::Flapping { .. } => ResourceStatus::Flapping,
        Change::Resolved => ResourceStatus::Resolved,
        Change::Closed | Change::Moved { .. } => ResourceStatus::Closed,
    }
}

/// True if a text is a channel's id; else it is the channel's name, and Slack knows its id.
pub(super) fn is_channel_id(text: &str) -> bool {
    text.starts_with(['C', 'G'])
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}
