//! The findings of a run, which people must look at, and the users who wait. Nothing is done about
//! them.

use std::collections::BTreeSet;

use banto_domain::{AccessKeyId, UserName};
use jiff::Timestamp;
use serde::Serialize;

/// Something a person must look at; never acted on automatically.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub user: UserName,
    #[serde(flatten)]
    pub kind: FindingKind,
    /// True if an earlier run told people.
    pub notified: bool,
}

/// The kind of a finding, with the keys and reasons that it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(
    rename_all = "camelCase",
    tag = "finding",
    rename_all_fields = "camelCase"
)]
pub enum FindingKind {
    /// Two active keys, and no rotation of ours made the second.
    TwoActiveKeys { keys: BTreeSet<AccessKeyId> },
    /// The key should be replaced, but an inactive key that is not ours takes the second place.
    InactiveKeyInTheWay { key: AccessKeyId },
    /// The key should be replaced, but there is no usable certificate.
    NoCertificate {
        /// A stable word for the reason, by which it is told once.
        code: String,
        reason: String,
    },
    /// A person made a key active again that Banto had disabled.
    Restored { key: AccessKeyId },
    /// The new key was made inactive before the old one was retired.
    NewKeyInactive { key: AccessKeyId },
    /// The new key was delivered two weeks ago and never used, and the policy sets no deadline.
    NewKeyUnused { key: AccessKeyId },
    /// After an emergency the user has no working key, and there is no room for a new one.
    NoRoomForNewKey {
        /// The keys that take both places.
        keys: BTreeSet<AccessKeyId>,
    },
    /// Keys appeared after an intent, and which of them is the orphan can't be told.
    AmbiguousOrphan { keys: BTreeSet<AccessKeyId> },
    /// The record can't be read, so nothing is done.
    UnreadableRecord { why: String },
}

/// A user who waits, or everyone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// `None` where everyone waits.
    pub user: Option<UserName>,
    #[serde(flatten)]
    pub reason: WaitReason,
}

/// The thing that someone waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(
    rename_all = "camelCase",
    tag = "waitingFor",
    rename_all_fields = "camelCase"
)]
pub enum WaitReason {
    /// The kill switch to be taken back: `rotation.enabled` is false.
    KillSwitch,
    /// A change window.
    ChangeWindow,
    /// An exemption to end.
    ExemptionEnds { at: Timestamp, reason: String },
    /// Another run, which may still be at work.
    OtherRun,
    /// A later run: this one has issued as many keys as the policy allows.
    NextRun,
    /// The canaries' new keys to be delivered.
    Canaries,
    /// The new key to be used or acknowledged, or its grace to end.
    Proof { key: AccessKeyId },
    /// A disabled key to be deleted, which takes the second place.
    Deletion { key: AccessKeyId },
    /// IAM to tell whether a key was used.
    Usage { key: AccessKeyId },
    /// The certificate store to answer.
    CertificateStore { why: String },
}

impl FindingKind {
    /// The finding's id: no other finding about the same user has it, so each is told once.
    pub fn id(&self) -> String {
        match self {
            Self::TwoActiveKeys { keys } => format!("finding:two-active-keys:{}", joined(keys)),
            Self::InactiveKeyInTheWay { key } => format!("finding:inactive-key-in-the-way:{key}"),
            Self::NoCertificate { code, .. } => format!("finding:no-certificate:{code}"),
            Self::Restored { key } => format!("finding:restored:{key}"),
            Self::NewKeyInactive { key } => format!("finding:new-key-inactive:{key}"),
            Self::NewKeyUnused { key } => format!("finding:new-key-unused:{key}"),
            Self::NoRoomForNewKey { keys } => format!("finding:no-room:{}", joined(keys)),
            Self::AmbiguousOrphan { keys } => format!("finding:ambiguous-orphan:{}", joined(keys)),
            // Never recorded as told, since nothing can be written into an unreadable record: every
            // run tells it.
            Self::UnreadableRecord { .. } => "finding:unreadable-record".to_owned(),
        }
    }
}

/// The keys in one text, as a part of an id.
pub(super) fn joined(keys: &BTreeSet<AccessKeyId>) -> String {
    keys.iter()
        .map(AccessKeyId::as_str)
        .collect::<Vec<_>>()
        .join(":")
}
