//! The deeds of a run: chains of actions, one chain a user, and the notices to owners among them.
//!
//! Deliberately absent: the sentences of the notices, which `notices` makes from this data. Only
//! the reason why a certificate can't be used comes as a sentence, from `observe`.

use std::collections::BTreeSet;

use banto_domain::record::{Reason, Record};
use banto_domain::{AccessKeyId, AccountId, Fingerprint, UserName};
use banto_ports::LastUse;
use jiff::Timestamp;
use serde::Serialize;

use super::finding::{Finding, Waiting, joined};

/// Everything that a run does to one identity account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub account: AccountId,
    /// One chain a user; a failure stops its own chain only.
    pub chains: Vec<Chain>,
    /// Everything that people must look at; they know those that are `notified`.
    pub findings: Vec<Finding>,
    pub waiting: Vec<Waiting>,
}

/// The actions for one user, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Chain {
    pub user: UserName,
    /// Never empty.
    pub actions: Vec<Action>,
}

/// One step of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Action {
    /// Take over the record that is kept under an earlier name of the user.
    FollowRename { from: UserName },
    /// Let the user read the record under the present ARN, and Banto under its present role.
    Reprotect,
    /// Disable exposed keys at once.
    DisableExposed(Exposed),
    /// End the user's own sessions, for as long as the longest of them can last.
    #[serde(rename_all = "camelCase")]
    DenySessions {
        request: String,
        asked_at: Timestamp,
        since: Timestamp,
    },
    /// Have onboard-accounts end the user's sessions in roles. It comes after what ends the keys
    /// and the user's own sessions, with which more sessions could be begun until then.
    Revoke,
    /// Let the user have sessions again: the emergency is over.
    AllowSessions,
    /// Record that CloudTrail was asked what was done with the exposed keys.
    SaveLook,
    /// Record that the user left, then disable their keys.
    Leave(Leave),
    /// Deny the sessions of a user who left, until the leave is taken back.
    DenyLeaver,
    /// Take a leave back: these keys work again, and nothing says any more that the user left.
    #[serde(rename_all = "camelCase")]
    TakeBack {
        keys: BTreeSet<AccessKeyId>,
        /// True if the user may have sessions again; false while an emergency denies them.
        allows_sessions: bool,
    },
    /// Delete an exposed key at once, to make room for a new one.
    #[serde(rename_all = "camelCase")]
    DeleteExposed { key: AccessKeyId },
    /// Delete an orphan: a key whose secret was lost before anyone could have it.
    #[serde(rename_all = "camelCase")]
    DiscardOrphan {
        key: AccessKeyId,
        proof: OrphanProof,
    },
    /// Record that an interrupted issue left nothing behind.
    DropIntent,
    /// Record what the certificate says of itself by now, so that an older copy does not unsay it.
    SaveCertificate,
    /// Record that a new certificate counts as the user's, since an operator says so.
    #[serde(rename_all = "camelCase")]
    Approve { certificate: Fingerprint },
    /// Forget that people were told of certificates that the user pins no more.
    #[serde(rename_all = "camelCase")]
    ForgetNews { ids: BTreeSet<String> },
    /// Record that the user is to get a new key as soon as that is possible.
    #[serde(rename_all = "camelCase")]
    Owe {
        reason: Reason,
        request: String,
        asked_at: Timestamp,
    },
    /// Record that the new key is withdrawn, and that the user is to get another one instead.
    #[serde(rename_all = "camelCase")]
    Withdraw {
        reason: Reason,
        request: String,
        asked_at: Timestamp,
    },
    /// Record the intent, create a key, seal it, store the envelope.
    #[serde(rename_all = "camelCase")]
    Issue {
        reason: Reason,
        /// The request that the key answers, if it answers one.
        request: Option<String>,
        /// Every key that the user has at this moment.
        existing_keys: BTreeSet<AccessKeyId>,
        /// The certificate that the key is sealed to.
        recipient: Fingerprint,
    },
    /// Notify the owner, and record that once the notice was accepted for delivery.
    NotifyOwner(OwnerNotice),
    /// Record that the new key was used, or acknowledged.
    #[serde(rename_all = "camelCase")]
    SaveProof { at: Timestamp },
    /// Disable an old key. Its owner was notified.
    #[serde(rename_all = "camelCase")]
    Disable {
        key: AccessKeyId,
        /// The new key that stands in for it; `None` if nobody uses the old one, and it is retired.
        stand_in: Option<AccessKeyId>,
        reason: DisableReason,
    },
    /// Record that a key is disabled, of which its owner was notified: the run that disabled it
    /// ended before it could.
    #[serde(rename_all = "camelCase")]
    SaveDisabled { key: AccessKeyId },
    /// Delete a key that Banto disabled long enough ago. Its owner was notified.
    #[serde(rename_all = "camelCase")]
    Delete { key: AccessKeyId },
    /// Record that a person made a disabled key active again; it is left alone from now on.
    #[serde(rename_all = "camelCase")]
    SaveRestored { key: AccessKeyId },
    /// Make a key active again that Banto disabled.
    #[serde(rename_all = "camelCase")]
    Restore { key: AccessKeyId },
    /// Record that nothing is left to follow: no scheduled run looks at the user any more.
    Close,
    /// Take the mark off a record that is kept under an earlier name.
    #[serde(rename_all = "camelCase")]
    CloseEarlier { from: UserName },
}

/// Exposed keys, and the emergency that they belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exposed {
    pub keys: BTreeSet<AccessKeyId>,
    /// True if nobody named the keys: they appeared beside an exposed one. They are recorded first,
    /// since a concurrent run may be storing one of them.
    pub is_beside: bool,
    pub request: String,
    pub asked_at: Timestamp,
    /// The beginning of the exposure.
    pub since: Timestamp,
    /// True if no key of the user works after it.
    pub owed: bool,
}

/// The keys of a user who leaves, whoever made them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Leave {
    /// Those that work.
    pub worked: BTreeSet<AccessKeyId>,
    /// Those that others made inactive.
    pub inactive: BTreeSet<AccessKeyId>,
    /// The certificate that the user's tag pins.
    pub certificate: Option<Fingerprint>,
}

/// Whatever proves that a key is an orphan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum OrphanProof {
    /// CloudTrail saw Banto's role create it.
    Trail,
    /// An operator says so.
    Operator,
    /// It is sealed to a certificate that another one has replaced, and was withdrawn: IAM shows no
    /// use of it though it must by now.
    Replaced,
}

/// The key that an owner has besides exposed ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum OtherKey {
    None,
    /// One that was used.
    InUse,
    /// The new one, which nobody has used: it is in the envelope.
    Sealed,
}

/// A notice to the owner of a key, as data; `notices` makes its sentences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(
    rename_all = "camelCase",
    tag = "notice",
    rename_all_fields = "camelCase"
)]
pub enum OwnerNotice {
    /// The key nears its end.
    Warning {
        key: AccessKeyId,
        /// The date at which the key is replaced.
        rotates_at: Timestamp,
        /// The certificate that the new key is sealed to, if one can be used.
        certificate: Option<Fingerprint>,
        /// The reason why the certificate can't be used, if it can't.
        certificate_problem: Option<String>,
        /// The end of the certificate, if that is soon.
        certificate_expires_at: Option<Timestamp>,
    },
    /// The key should be replaced, but there is no usable certificate.
    CertificateProblem {
        /// `None` if no key of the user works.
        key: Option<AccessKeyId>,
        /// A stable word for the reason, by which it is told once.
        code: String,
        /// The problem, and what to do about it.
        reason: String,
    },
    /// A new key is ready.
    Issued {
        reason: Reason,
        /// The old keys that still work.
        old: BTreeSet<AccessKeyId>,
        /// True if the owner has no working key to fetch the envelope with.
        carry_envelope: bool,
        /// The days after which the old keys end, whatever still uses them.
        deadline_days: Option<i64>,
    },
    /// The new key waits, and nobody has used it. Told week by week.
    NotFetched {
        key: AccessKeyId,
        /// The old keys that still work.
        old: BTreeSet<AccessKeyId>,
    },
    /// A certificate was pinned that does not count yet.
    NewCertificate {
        certificate: Fingerprint,
        /// The certificate that counts until then.
        replaces: Option<Fingerprint>,
        counts_from: Timestamp,
    },
    /// An operator let a new certificate count at once.
    CertificateApproved { certificate: Fingerprint },
    /// A reminder: the old key will be disabled, whatever still uses it.
    WillBeDisabled {
        key: AccessKeyId,
        at: Timestamp,
        /// The days that are left then, by which each reminder is told once.
        days: i64,
        /// The key's last use, as far as it is known.
        last_use: Option<LastUse>,
    },
    /// A reminder: the key will be disabled, since nobody uses it.
    WillBeRetired {
        key: AccessKeyId,
        at: Timestamp,
        days: i64,
        last_use: Option<LastUse>,
    },
    /// A reminder: the key will be disabled, since no certificate is registered by which it could
    /// be replaced.
    WillEndUnregistered {
        key: AccessKeyId,
        at: Timestamp,
        days: i64,
        /// The reason why there is no usable certificate, and what to do about it.
        reason: String,
    },
    /// The old key is being disabled.
    Disabling {
        key: AccessKeyId,
        reason: DisableReason,
        /// The key can be restored until then at least.
        restorable_until: Timestamp,
        /// The key's last use, as far as it is known.
        last_use: Option<LastUse>,
    },
    /// Exposed keys were disabled.
    Exposed {
        keys: BTreeSet<AccessKeyId>,
        other: OtherKey,
    },
    /// A session of the user was exposed, and all of them were ended.
    SessionExposed { request: String },
    /// A disabled key was made active again.
    Restored { key: AccessKeyId },
    /// A reminder: the disabled key will be deleted.
    WillBeDeleted {
        key: AccessKeyId,
        at: Timestamp,
        days: i64,
    },
    /// The disabled key is being deleted.
    Deleting { key: AccessKeyId },
}

/// The reason why an old key is disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DisableReason {
    /// The new key was used.
    NewKeyUsed,
    /// The owner acknowledged the new key.
    Acknowledged,
    /// The policy's hard deadline passed.
    Deadline,
    /// Nobody has used the key for as long as the policy says.
    Unused,
    /// The key was due long ago, and its owner has registered no usable certificate.
    Unregistered,
    /// The new key is sealed to a certificate that another one has replaced.
    Replaced,
}

impl Plan {
    /// A plan of nothing yet.
    pub fn empty(account: AccountId) -> Self {
        Self {
            account,
            chains: Vec::new(),
            findings: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// The plan as JSON, for a log line.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self)
            .unwrap_or_else(|error| serde_json::Value::String(error.to_string()))
    }

    /// True if nothing is done and nobody is told anything new.
    pub fn is_empty(&self) -> bool {
        self.chains.is_empty() && self.findings.iter().all(|finding| finding.notified)
    }
}

impl Action {
    /// The action's kind, for logs; the same word as `kind` in the plan's JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::FollowRename { .. } => "followRename",
            Self::Reprotect => "reprotect",
            Self::DisableExposed(_) => "disableExposed",
            Self::DenySessions { .. } => "denySessions",
            Self::Revoke => "revoke",
            Self::AllowSessions => "allowSessions",
            Self::SaveLook => "saveLook",
            Self::Leave(_) => "leave",
            Self::DenyLeaver => "denyLeaver",
            Self::TakeBack { .. } => "takeBack",
            Self::DeleteExposed { .. } => "deleteExposed",
            Self::DiscardOrphan { .. } => "discardOrphan",
            Self::DropIntent => "dropIntent",
            Self::SaveCertificate => "saveCertificate",
            Self::Approve { .. } => "approve",
            Self::ForgetNews { .. } => "forgetNews",
            Self::Owe { .. } => "owe",
            Self::Withdraw { .. } => "withdraw",
            Self::Issue { .. } => "issue",
            Self::NotifyOwner(_) => "notifyOwner",
            Self::SaveProof { .. } => "saveProof",
            Self::Disable { .. } => "disable",
            Self::SaveDisabled { .. } => "saveDisabled",
            Self::Delete { .. } => "delete",
            Self::SaveRestored { .. } => "saveRestored",
            Self::Restore { .. } => "restore",
            Self::Close => "close",
            Self::CloseEarlier { .. } => "closeEarlier",
        }
    }

    /// The action once it is done, for logs.
    pub fn past(&self) -> &'static str {
        match self {
            Self::FollowRename { .. } => "record taken over from an earlier name",
            Self::Reprotect => "record's readers set anew",
            Self::DisableExposed(_) => "exposed access keys disabled",
            Self::DenySessions { .. } => "sessions denied",
            Self::Revoke => "revocation of roles' sessions handed on",
            Self::AllowSessions => "sessions allowed again",
            Self::SaveLook => "second look at CloudTrail recorded",
            Self::Leave(_) => "access keys of a user who left disabled",
            Self::DenyLeaver => "sessions of a user who left denied",
            Self::TakeBack { .. } => "leave taken back",
            Self::DeleteExposed { .. } => "exposed access key deleted",
            Self::DiscardOrphan { .. } => "orphaned access key discarded",
            Self::DropIntent => "intent dropped",
            Self::SaveCertificate => "certificate recorded",
            Self::Approve { .. } => "certificate approved",
            Self::ForgetNews { .. } => "news of former pins forgotten",
            Self::Owe { .. } => "new access key owed",
            Self::Withdraw { .. } => "new access key to be withdrawn",
            Self::Issue { .. } => "access key issued",
            Self::NotifyOwner(_) => "owner notified",
            Self::SaveProof { .. } => "use of the new access key recorded",
            Self::Disable { .. } => "access key disabled",
            Self::SaveDisabled { .. } => "access key recorded as disabled",
            Self::Delete { .. } => "access key deleted",
            Self::SaveRestored { .. } => "access key recorded as restored",
            Self::Restore { .. } => "access key restored",
            Self::Close | Self::CloseEarlier { .. } => "record closed",
        }
    }

    /// The existing keys that the action changes.
    pub fn keys(&self) -> BTreeSet<AccessKeyId> {
        match self {
            Self::DisableExposed(exposed) => exposed.keys.clone(),
            Self::Leave(leave) => leave.keys(),
            Self::TakeBack { keys, .. } => keys.clone(),
            Self::DeleteExposed { key }
            | Self::DiscardOrphan { key, .. }
            | Self::Disable { key, .. }
            | Self::Delete { key }
            | Self::SaveRestored { key }
            | Self::Restore { key } => BTreeSet::from([key.clone()]),
            _ => BTreeSet::new(),
        }
    }

    /// True if the rest of the chain goes on where the action fails: no record, session or notice
    /// stands between an exposed key's end and what follows from it. A new certificate of which its
    /// owner could not be told does not count, and needs nothing else to wait. Of a user who left
    /// all ends that can.
    pub fn may_be_passed_over(&self) -> bool {
        matches!(
            self,
            Self::DisableExposed(_)
                | Self::DenySessions { .. }
                | Self::Revoke
                | Self::Leave(_)
                | Self::DenyLeaver
                | Self::NotifyOwner(
                    OwnerNotice::Exposed { .. }
                        | OwnerNotice::SessionExposed { .. }
                        | OwnerNotice::NewCertificate { .. }
                )
        )
    }

    pub fn is_issue(&self) -> bool {
        matches!(self, Self::Issue { .. })
    }

    /// True if the action disables a key: an old one, an exposed one, or one of a user who left.
    pub fn is_disabling(&self) -> bool {
        matches!(
            self,
            Self::Disable { .. } | Self::DisableExposed(_) | Self::Leave(_)
        )
    }

    /// True if the action deletes a key at its end; an orphan is discarded.
    pub fn is_deletion(&self) -> bool {
        matches!(self, Self::Delete { .. } | Self::DeleteExposed { .. })
    }

    pub fn is_discard(&self) -> bool {
        matches!(self, Self::DiscardOrphan { .. })
    }

    pub fn is_notice(&self) -> bool {
        matches!(self, Self::NotifyOwner(_))
    }
}

impl Leave {
    /// All keys that it disables.
    pub fn keys(&self) -> BTreeSet<AccessKeyId> {
        self.worked.union(&self.inactive).cloned().collect()
    }
}

impl OwnerNotice {
    /// True if the notice goes to every address that is known: whoever holds the user's key may
    /// have changed the one in the tag.
    pub fn goes_everywhere(&self, record: Option<&Record>) -> bool {
        let counts_none = record.is_none_or(|record| record.pinned().is_none());
        match self {
            Self::NewCertificate { .. } | Self::CertificateApproved { .. } => true,
            // It names the first certificate that will count.
            Self::Warning { certificate, .. } => certificate.is_some() && counts_none,
            _ => false,
        }
    }

    /// The beginning of the ids of notices of a new certificate; its fingerprint follows.
    pub const NEW_CERTIFICATE: &str = "new-certificate:";

    /// The beginning of the ids of notices of an exposure; the keys follow.
    pub const EXPOSED: &str = "exposed:";

    /// The id under which the notice is recorded: no other notice to the same owner has it, so each
    /// is sent once. That of a new key is recorded as its rotation's delivery instead.
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
            Self::NotFetched { key, .. } => format!("not-fetched:{key}"),
            Self::NewCertificate { certificate, .. } => {
                format!("{}{certificate}", Self::NEW_CERTIFICATE)
            }
            Self::CertificateApproved { certificate } => {
                format!("certificate-approved:{certificate}")
            }
            Self::WillBeDisabled { key, days, .. } => format!("will-end:{key}:{days}"),
            Self::WillBeRetired { key, days, .. } => format!("will-be-retired:{key}:{days}"),
            Self::WillEndUnregistered { key, days, .. } => {
                format!("will-end-unregistered:{key}:{days}")
            }
            Self::Disabling { key, .. } => format!("disabling:{key}"),
            Self::Exposed { keys, .. } => format!("{}{}", Self::EXPOSED, joined(keys)),
            Self::SessionExposed { request } => format!("session-exposed:{request}"),
            Self::Restored { key } => format!("restored:{key}"),
            Self::WillBeDeleted { key, days, .. } => format!("will-be-deleted:{key}:{days}"),
            Self::Deleting { key } => format!("deleting:{key}"),
        }
    }

    /// The keys that an owner knows of once the notice has reached them: those that it names, but
    /// the new key of the rotation where it says that one is ready, or that the old one ends soon
    /// and the new one is to be used.
    pub fn keys(&self, record: &Record) -> BTreeSet<AccessKeyId> {
        match self {
            Self::Issued { .. } | Self::WillBeDisabled { .. } => {
                let rotation = record.rotation.iter();
                rotation
                    .map(|rotation| rotation.issued.key.clone())
                    .collect()
            }
            Self::Exposed { keys, .. } => keys.clone(),
            Self::CertificateProblem { key, .. } => key.iter().cloned().collect(),
            Self::SessionExposed { .. }
            | Self::NewCertificate { .. }
            | Self::CertificateApproved { .. } => BTreeSet::new(),
            Self::Warning { key, .. }
            | Self::NotFetched { key, .. }
            | Self::WillEndUnregistered { key, .. }
            | Self::WillBeRetired { key, .. }
            | Self::Disabling { key, .. }
            | Self::Restored { key }
            | Self::WillBeDeleted { key, .. }
            | Self::Deleting { key } => BTreeSet::from([key.clone()]),
        }
    }
}
