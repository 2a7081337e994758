//! The findings of a run, which people must look at, and the users who wait. Nothing is done about
//! them.

use std::collections::BTreeSet;

use banto_domain::record::Left;
use banto_domain::{AccessKeyId, Fingerprint, GroupName, RoleArn, UserName};
use banto_ports::LastUse;
use jiff::Timestamp;
use serde::Serialize;

use crate::snapshot::Used;

/// Something a person must look at; never acted on automatically.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub user: UserName,
    #[serde(flatten)]
    pub kind: FindingKind,
    /// True if an earlier run told people, and it is not time to tell them again.
    pub notified: bool,
    /// True if an earlier run told people, be it weeks ago.
    pub again: bool,
    /// True if the user is a machine, which needs no access key at all.
    pub machine: bool,
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
    /// The new key was delivered two weeks ago and never used.
    NewKeyUnused {
        key: AccessKeyId,
        /// True if another key of the user works.
        has_old_key: bool,
        /// The end of the old key, if its owner was reached and the policy sets a deadline.
        old_key_ends: Option<Timestamp>,
        /// False if nothing shows that the owner was reached.
        reached: bool,
    },
    /// A certificate was pinned that does not count yet.
    NewCertificate {
        certificate: Fingerprint,
        replaces: Option<Fingerprint>,
        stored_since: Timestamp,
        counts_from: Timestamp,
    },
    /// A certificate was to be approved, but it is not the one that the user pinned and stored.
    NothingToApprove {
        certificate: Fingerprint,
        why: String,
    },
    /// After an emergency the user has no working key, and there is no room for a new one.
    NoRoomForNewKey {
        /// The keys that take both places.
        keys: BTreeSet<AccessKeyId>,
    },
    /// Keys appeared after an intent, and CloudTrail does not show that Banto's role created them.
    UnprovenOrphan { keys: BTreeSet<AccessKeyId> },
    /// Banto's role created the key in an issue that was interrupted, and somebody uses it.
    OrphanInUse { key: AccessKeyId },
    /// The new key is in use, and so is the old one.
    OldKeyInUse {
        key: AccessKeyId,
        /// Its last use.
        last_use: LastUse,
    },
    /// The key is exposed; somebody must find out where it was readable, and what was done with it.
    ExposedKey { key: AccessKeyId },
    /// Roles were assumed with an exposed key; their sessions live on.
    RolesAssumed {
        roles: BTreeSet<RoleArn>,
        /// False if CloudTrail had more than was read.
        is_complete: bool,
    },
    /// The key was to be restored, but it is exposed.
    ExposedNotRestored { key: AccessKeyId },
    /// The key was to be restored, but Banto did not disable it.
    NothingToRestore { key: AccessKeyId },
    /// The key was to be discarded, but no interrupted issue explains it.
    NothingToDiscard { key: AccessKeyId },
    /// The user left, and this is what they had. It is told once all of it has ended.
    Left {
        at: Timestamp,
        keys: Vec<LeftKey>,
        /// Those of the groups named in the policy that the user is in.
        groups: BTreeSet<GroupName>,
        /// The certificate that the user pinned, and where it is stored.
        certificate: Option<(Fingerprint, String)>,
        /// True if the end of the user's sessions in roles is handed on.
        revokes: bool,
    },
    /// The record can't be read, so nothing is done.
    UnreadableRecord { why: String },
}

/// A key of a user who left.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftKey {
    pub key: AccessKeyId,
    pub created_at: Timestamp,
    pub used: Used,
    /// True if it worked until the user left.
    pub worked: bool,
    /// The earliest date at which it is deleted.
    pub deleted_at: Timestamp,
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
    /// The switch of emergencies to be taken back: `rotation.emergencies` is false.
    EmergencySwitch,
    /// A change window.
    ChangeWindow,
    /// An exemption to end.
    ExemptionEnds { at: Timestamp, reason: String },
    /// The policy to cover the user.
    NotCovered,
    /// Another run, which may still be at work.
    OtherRun,
    /// IAM to show what was done: the key may be there, or be gone.
    Iam { key: AccessKeyId },
    /// CloudTrail to answer.
    Trail { why: String },
    /// CloudTrail to show who created a key.
    Creation { keys: BTreeSet<AccessKeyId> },
    /// Keys to end that were made with exposed ones.
    MadeKeys { keys: BTreeSet<AccessKeyId> },
    /// CloudTrail to show all that was done with exposed keys.
    SecondLook { at: Timestamp },
    /// The longest session that was made with an exposed key to be over.
    SessionsEnd { at: Timestamp },
    /// The date of which the owner was reminded, at which the key ends.
    Reminded { key: AccessKeyId, at: Timestamp },
    /// The old key to rest.
    Rest {
        key: AccessKeyId,
        last_use: Option<LastUse>,
    },
    /// The rotation before it to come to its end, since a user has room for two keys.
    EarlierRotation { key: AccessKeyId },
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
    /// IAM to show if a withdrawn key was used, or another certificate to count.
    Withdrawn { key: AccessKeyId },
    /// A new certificate to count.
    PinGrace {
        certificate: Fingerprint,
        until: Timestamp,
    },
    /// The record to be read: it was protected anew, since Banto was denied to.
    Record { why: String },
    /// The leave to be taken back: whoever left gets no key.
    Left { at: Timestamp },
}

impl FindingKind {
    /// The beginning of the ids of findings of a new certificate; its fingerprint follows.
    pub const NEW_CERTIFICATE: &str = "finding:new-certificate:";

    /// True if the finding answers a request. It is told whenever it is asked for.
    pub fn is_answer(&self) -> bool {
        matches!(
            self,
            Self::ExposedNotRestored { .. }
                | Self::NothingToRestore { .. }
                | Self::NothingToDiscard { .. }
                | Self::NothingToApprove { .. }
        )
    }

    /// True if the finding stays until somebody does something about it. It is told again each
    /// week.
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::TwoActiveKeys { .. }
            | Self::InactiveKeyInTheWay { .. }
            | Self::NoCertificate { .. }
            | Self::Restored { .. }
            | Self::NewKeyInactive { .. }
            | Self::NewKeyUnused { .. }
            | Self::NoRoomForNewKey { .. }
            | Self::UnprovenOrphan { .. }
            | Self::OrphanInUse { .. }
            | Self::OldKeyInUse { .. }
            | Self::UnreadableRecord { .. } => true,
            Self::NewCertificate { .. }
            | Self::ExposedKey { .. }
            | Self::RolesAssumed { .. }
            | Self::Left { .. }
            | Self::ExposedNotRestored { .. }
            | Self::NothingToRestore { .. }
            | Self::NothingToDiscard { .. }
            | Self::NothingToApprove { .. } => false,
        }
    }

    /// The moment before which nobody can have been told of the finding: it came up then, be it for
    /// the second time.
    pub fn came_up_at(&self) -> Option<Timestamp> {
        match self {
            Self::NewCertificate { stored_since, .. } => Some(*stored_since),
            _ => None,
        }
    }

    /// True if the finding would not be there if the user had no access key.
    pub fn is_about_rotation(&self) -> bool {
        matches!(
            self,
            Self::TwoActiveKeys { .. }
                | Self::NoCertificate { .. }
                | Self::NewKeyUnused { .. }
                | Self::OldKeyInUse { .. }
        )
    }

    /// The finding's id: no other finding about the same user has it, so each is told once.
    pub fn id(&self) -> String {
        match self {
            Self::TwoActiveKeys { keys } => format!("finding:two-active-keys:{}", joined(keys)),
            Self::InactiveKeyInTheWay { key } => format!("finding:inactive-key-in-the-way:{key}"),
            Self::NoCertificate { code, .. } => format!("finding:no-certificate:{code}"),
            Self::Restored { key } => format!("finding:restored:{key}"),
            Self::NewKeyInactive { key } => format!("finding:new-key-inactive:{key}"),
            Self::NewKeyUnused { key, .. } => format!("finding:new-key-unused:{key}"),
            Self::NewCertificate { certificate, .. } => {
                format!("{}{certificate}", Self::NEW_CERTIFICATE)
            }
            Self::NothingToApprove { certificate, .. } => {
                format!("finding:nothing-to-approve:{certificate}")
            }
            Self::NoRoomForNewKey { keys } => format!("finding:no-room:{}", joined(keys)),
            Self::UnprovenOrphan { keys } => format!("finding:unproven-orphan:{}", joined(keys)),
            Self::ExposedKey { key } => format!("finding:exposed:{key}"),
            Self::OrphanInUse { key } => format!("finding:orphan-in-use:{key}"),
            Self::OldKeyInUse { key, .. } => format!("finding:old-key-in-use:{key}"),
            Self::RolesAssumed { roles, is_complete } => {
                format!("finding:roles:{}:{is_complete}", digest(roles))
            }
            Self::ExposedNotRestored { key } => format!("finding:exposed-not-restored:{key}"),
            Self::NothingToRestore { key } => format!("finding:nothing-to-restore:{key}"),
            Self::NothingToDiscard { key } => format!("finding:nothing-to-discard:{key}"),
            Self::Left { .. } => Left::REPORTED.to_owned(),
            // Never recorded as told, since nothing can be written into an unreadable record: every
            // run tells it.
            Self::UnreadableRecord { .. } => "finding:unreadable-record".to_owned(),
        }
    }
}

/// The roles in one text, as a part of an id: as many as an emergency may have would be too long.
fn digest(roles: &BTreeSet<RoleArn>) -> String {
    let mut number = 0_u64;
    for byte in roles.iter().flat_map(|role| role.as_str().bytes()) {
        number = number.wrapping_mul(31).wrapping_add(u64::from(byte));
    }
    format!("{number:016x}")
}

impl WaitReason {
    /// True if it is a fault that people must mend if it lasts.
    pub fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::Trail { .. }
                | Self::Usage { .. }
                | Self::CertificateStore { .. }
                | Self::Record { .. }
        )
    }

    /// True if it is the answer to whoever asked for something that is not done.
    pub fn answers_a_request(&self) -> bool {
        matches!(
            self,
            Self::KillSwitch
                | Self::ExemptionEnds { .. }
                | Self::NotCovered
                | Self::EarlierRotation { .. }
                | Self::Deletion { .. }
                | Self::Left { .. }
                | Self::PinGrace { .. }
        )
    }

    /// True if a request is not done while someone waits for this: what hinders it will pass, and
    /// nobody else sees to it.
    pub fn hinders(&self) -> bool {
        match self {
            Self::OtherRun
            | Self::Iam { .. }
            | Self::Trail { .. }
            | Self::Creation { .. }
            | Self::MadeKeys { .. }
            | Self::Usage { .. }
            | Self::CertificateStore { .. }
            | Self::Record { .. } => true,
            Self::KillSwitch
            | Self::EmergencySwitch
            | Self::ChangeWindow
            | Self::ExemptionEnds { .. }
            | Self::NotCovered
            | Self::SecondLook { .. }
            | Self::SessionsEnd { .. }
            | Self::Reminded { .. }
            | Self::Rest { .. }
            | Self::EarlierRotation { .. }
            | Self::NextRun
            | Self::Canaries
            | Self::Proof { .. }
            | Self::PinGrace { .. }
            | Self::Withdrawn { .. }
            | Self::Left { .. }
            | Self::Deletion { .. } => false,
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
