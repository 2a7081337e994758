//! Decides what a run does: `(Snapshot, RotationPolicy, now) -> Plan`.
//!
//! Pure: no async, no I/O, no clock. Everything that `apply` needs to know is in the plan; one chain
//! per user, in the order in which they are worked off. Planning again after success yields nothing.

use std::collections::BTreeSet;

use banto_domain::policy::RotationPolicy;
use banto_domain::record::{Reason, Record, Rotation};
use banto_domain::{AccessKeyId, AccountId, Fingerprint, UserName};
use jiff::Timestamp;
use serde::Serialize;

use crate::event::Mode;
use crate::snapshot::{Snapshot, User};

mod queue;
#[cfg(test)]
mod tests;
mod user;

/// What a run does to one identity account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The account.
    pub account: AccountId,
    /// What is done, one chain a user; a failure stops its own chain only.
    pub chains: Vec<Chain>,
    /// What people must look at and were not told yet.
    pub findings: Vec<Finding>,
    /// Who waits, and what for.
    pub waiting: Vec<Waiting>,
}

/// What is done for one user, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Chain {
    /// The user.
    pub user: UserName,
    /// The actions; never empty.
    pub actions: Vec<Action>,
}

/// One step of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Action {
    /// Disable an exposed key at once.
    #[serde(rename_all = "camelCase")]
    DisableExposed {
        /// The key.
        key: AccessKeyId,
    },
    /// Delete a key whose secret was lost in a crash before anyone could have it.
    #[serde(rename_all = "camelCase")]
    DiscardOrphan {
        /// The key.
        key: AccessKeyId,
    },
    /// Record the intent, create a key, seal it, store the envelope.
    #[serde(rename_all = "camelCase")]
    Issue {
        /// Why.
        reason: Reason,
        /// Every key that the user has at this moment.
        existing_keys: BTreeSet<AccessKeyId>,
        /// The certificate that the key is sealed to.
        recipient: Fingerprint,
    },
    /// Tell the owner, and record it once that is accepted for delivery.
    NotifyOwner(OwnerNotice),
    /// Disable an old key. Its owner was told.
    #[serde(rename_all = "camelCase")]
    Disable {
        /// The key.
        key: AccessKeyId,
    },
    /// Delete a key that Banto disabled long enough ago. Its owner was told.
    #[serde(rename_all = "camelCase")]
    Delete {
        /// The key.
        key: AccessKeyId,
    },
    /// Note that a person made a disabled key active again; it is left alone from now on.
    #[serde(rename_all = "camelCase")]
    SaveRestored {
        /// The key.
        key: AccessKeyId,
    },
}

/// What an owner is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(
    rename_all = "camelCase",
    tag = "notice",
    rename_all_fields = "camelCase"
)]
pub enum OwnerNotice {
    /// The key nears its end.
    Warning {
        /// The key.
        key: AccessKeyId,
        /// When it is replaced.
        rotates_at: Timestamp,
        /// What is wrong with the certificate, if anything is.
        certificate_problem: Option<String>,
        /// When the certificate expires, if that is soon.
        certificate_expires_at: Option<Timestamp>,
    },
    /// The key should be replaced, but there is no usable certificate.
    CertificateProblem {
        /// The key; `None` if the user has none.
        key: Option<AccessKeyId>,
        /// A stable word for the reason.
        code: String,
        /// What is wrong and what to do about it.
        reason: String,
    },
    /// A new key is ready.
    Issued {
        /// Why there is one.
        reason: Reason,
        /// The old keys that still work.
        old: BTreeSet<AccessKeyId>,
        /// Whether the owner has no working key to fetch the envelope with.
        carry_envelope: bool,
    },
    /// A reminder: the old key will be disabled though the new one was never used.
    WillBeDisabled {
        /// The key.
        key: AccessKeyId,
        /// When.
        at: Timestamp,
    },
    /// The old key is being disabled.
    Disabling {
        /// The key.
        key: AccessKeyId,
        /// Why.
        reason: DisableReason,
        /// WaitReason when it can be restored, at least.
        restorable_until: Timestamp,
    },
    /// An exposed key was disabled.
    Exposed {
        /// The keys.
        keys: BTreeSet<AccessKeyId>,
        /// Whether another key of the user works.
        has_other: bool,
    },
    /// A reminder: the disabled key will be deleted.
    WillBeDeleted {
        /// The key.
        key: AccessKeyId,
        /// When.
        at: Timestamp,
    },
    /// The disabled key is being deleted.
    Deleting {
        /// The key.
        key: AccessKeyId,
    },
}

/// Why an old key is disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DisableReason {
    /// The new key was used.
    NewKeyUsed,
    /// The owner acknowledged the new key.
    Acknowledged,
    /// The policy's hard deadline passed.
    Deadline,
}

/// Something a person must look at; never acted on automatically.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The user.
    pub user: UserName,
    /// What was found.
    #[serde(flatten)]
    pub kind: FindingKind,
    /// Whether people were told of it in an earlier run.
    pub notified: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(
    rename_all = "camelCase",
    tag = "finding",
    rename_all_fields = "camelCase"
)]
pub enum FindingKind {
    /// Two active keys, and no rotation of ours made the second.
    TwoActiveKeys {
        /// The keys.
        keys: BTreeSet<AccessKeyId>,
    },
    /// The key should be replaced, but an inactive key that is not ours takes the second place.
    InactiveKeyInTheWay {
        /// The inactive key.
        key: AccessKeyId,
    },
    /// The key should be replaced, but there is no usable certificate.
    NoCertificate {
        /// A stable word for the reason.
        code: String,
        /// What is wrong.
        reason: String,
    },
    /// A person made a key active again that Banto had disabled.
    Restored {
        /// The key.
        key: AccessKeyId,
    },
    /// The new key was made inactive before the old one was retired.
    NewKeyInactive {
        /// The new key.
        key: AccessKeyId,
    },
    /// The new key was delivered two weeks ago and never used, and the policy sets no deadline.
    NewKeyUnused {
        /// The new key.
        key: AccessKeyId,
    },
    /// After an emergency the user has no working key, and there is no room for a new one.
    NoRoomForNewKey {
        /// The keys that take both places.
        keys: BTreeSet<AccessKeyId>,
    },
    /// Keys appeared after an intent, and which of them is the lost one can't be told.
    AmbiguousOrphan {
        /// The keys.
        keys: BTreeSet<AccessKeyId>,
    },
    /// The record can't be read, so nothing is done.
    UnreadableRecord {
        /// Why.
        why: String,
    },
}

/// Who waits, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// The user; `None` where it is everyone.
    pub user: Option<UserName>,
    /// What for.
    #[serde(flatten)]
    pub reason: WaitReason,
}

/// What someone waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(
    rename_all = "camelCase",
    tag = "waitingFor",
    rename_all_fields = "camelCase"
)]
pub enum WaitReason {
    /// The kill switch to be turned back: `rotation.enabled`.
    Enabled,
    /// A change window.
    ChangeWindow,
    /// An exemption to end.
    ExemptionEnds {
        /// When.
        at: Timestamp,
        /// Why there is one.
        reason: String,
    },
    /// Another run, which may still be at work.
    OtherRun,
    /// A later run: this one has issued as many keys as the policy allows.
    NextRun,
    /// The canaries' new keys to be delivered.
    Canaries,
    /// The new key to be used or acknowledged, or its grace to end.
    Proof {
        /// The new key.
        key: AccessKeyId,
    },
    /// A disabled key to be deleted, which takes the second place.
    Deletion {
        /// The disabled key.
        key: AccessKeyId,
    },
    /// IAM to tell whether a key was used.
    Usage {
        /// The key.
        key: AccessKeyId,
    },
    /// The certificate store to answer.
    CertificateStore {
        /// Its failure.
        why: String,
    },
}

/// Plans a run.
pub fn plan(snapshot: &Snapshot, policy: &RotationPolicy, now: Timestamp) -> Plan {
    let mut plan = Plan {
        account: snapshot.account.clone(),
        chains: Vec::new(),
        findings: Vec::new(),
        waiting: Vec::new(),
    };
    if let Some(reason) = closed(policy, snapshot.mode, now) {
        plan.waiting.push(Waiting { user: None, reason });
        return plan;
    }
    for user in &snapshot.users {
        user::plan(
            &mut plan,
            user,
            &user::Context {
                policy,
                snapshot,
                now,
            },
        );
    }
    if snapshot.mode == Mode::Due {
        queue::limit(&mut plan, snapshot, policy, now);
    }
    plan
}

/// What keeps the whole run from acting, if anything does.
pub fn closed(policy: &RotationPolicy, mode: Mode, now: Timestamp) -> Option<WaitReason> {
    if !policy.enabled {
        return Some(WaitReason::Enabled);
    }
    // Whoever forces a rotation, or learns of an exposed key, does not wait for office hours.
    (mode == Mode::Due && !policy.in_window(now)).then_some(WaitReason::ChangeWindow)
}

impl Plan {
    /// Whether nothing is done and nothing new is to be said.
    pub fn is_empty(&self) -> bool {
        self.chains.is_empty() && self.findings.iter().all(|finding| finding.notified)
    }
}

impl OwnerNotice {
    /// Tells this message from all others to the same owner: by it, things are said once.
    pub fn id(&self) -> String {
        match self {
            Self::Warning { key, .. } => format!("warning:{key}"),
            Self::CertificateProblem {
                key: Some(key),
                code,
                ..
            } => format!("certificate:{code}:{key}"),
            Self::CertificateProblem {
                key: None, code, ..
            } => format!("certificate:{code}"),
            Self::Issued { .. } => "issued".to_owned(),
            Self::WillBeDisabled { key, .. } => format!("will-be-disabled:{key}"),
            Self::Disabling { key, .. } => format!("disabling:{key}"),
            Self::Exposed { keys, .. } => format!("exposed:{}", joined(keys)),
            Self::WillBeDeleted { key, .. } => format!("will-be-deleted:{key}"),
            Self::Deleting { key } => format!("deleting:{key}"),
        }
    }
}

impl FindingKind {
    /// Tells this finding from all others about the same user: by it, it is said once.
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
            Self::UnreadableRecord { .. } => "finding:unreadable-record".to_owned(),
        }
    }
}

fn joined(keys: &BTreeSet<AccessKeyId>) -> String {
    keys.iter()
        .map(AccessKeyId::as_str)
        .collect::<Vec<_>>()
        .join(":")
}

/// The rotation that the user's record tells of, if it does.
fn rotation_of(user: &User) -> Option<&Rotation> {
    user.record()
        .and_then(|record: &Record| record.rotation.as_ref())
}
