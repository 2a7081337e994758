//! What a run does: chains of actions, one chain a user, and the notices to owners among them.
//!
//! Deliberately absent: the sentences of the notices, which `notices` makes from this data. Only
//! the reason why a certificate can't be used comes as a sentence, from `observe`.

use std::collections::BTreeSet;

use banto_domain::record::Reason;
use banto_domain::{AccessKeyId, AccountId, Fingerprint, UserName};
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
    /// Disable an exposed key at once.
    #[serde(rename_all = "camelCase")]
    DisableExposed { key: AccessKeyId },
    /// Delete an orphan: a key whose secret was lost in a crash before anyone could have it.
    #[serde(rename_all = "camelCase")]
    DiscardOrphan { key: AccessKeyId },
    /// Record the intent, create a key, seal it, store the envelope.
    #[serde(rename_all = "camelCase")]
    Issue {
        reason: Reason,
        /// Every key that the user has at this moment.
        existing_keys: BTreeSet<AccessKeyId>,
        /// The certificate that the key is sealed to.
        recipient: Fingerprint,
    },
    /// Notify the owner, and record that once the notice was accepted for delivery.
    NotifyOwner(OwnerNotice),
    /// Disable an old key. Its owner was notified.
    #[serde(rename_all = "camelCase")]
    Disable { key: AccessKeyId },
    /// Delete a key that Banto disabled long enough ago. Its owner was notified.
    #[serde(rename_all = "camelCase")]
    Delete { key: AccessKeyId },
    /// Record that a person made a disabled key active again; it is left alone from now on.
    #[serde(rename_all = "camelCase")]
    SaveRestored { key: AccessKeyId },
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
    },
    /// A reminder: the old key will be disabled though the new one was never used.
    WillBeDisabled { key: AccessKeyId, at: Timestamp },
    /// The old key is being disabled.
    Disabling {
        key: AccessKeyId,
        reason: DisableReason,
        /// The key can be restored until then at least.
        restorable_until: Timestamp,
    },
    /// An exposed key was disabled.
    Exposed {
        keys: BTreeSet<AccessKeyId>,
        /// True if another key of the user works.
        has_other: bool,
    },
    /// A reminder: the disabled key will be deleted.
    WillBeDeleted { key: AccessKeyId, at: Timestamp },
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
            Self::DisableExposed { .. } => "disableExposed",
            Self::DiscardOrphan { .. } => "discardOrphan",
            Self::Issue { .. } => "issue",
            Self::NotifyOwner(_) => "notifyOwner",
            Self::Disable { .. } => "disable",
            Self::Delete { .. } => "delete",
            Self::SaveRestored { .. } => "saveRestored",
        }
    }

    /// The action once it is done, for logs.
    pub fn past(&self) -> &'static str {
        match self {
            Self::DisableExposed { .. } => "exposed access key disabled",
            Self::DiscardOrphan { .. } => "orphaned access key discarded",
            Self::Issue { .. } => "access key issued",
            Self::NotifyOwner(_) => "owner notified",
            Self::Disable { .. } => "access key disabled",
            Self::Delete { .. } => "access key deleted",
            Self::SaveRestored { .. } => "access key recorded as restored",
        }
    }

    /// The one existing key that the action changes.
    pub fn key(&self) -> Option<&AccessKeyId> {
        match self {
            Self::DisableExposed { key }
            | Self::DiscardOrphan { key }
            | Self::Disable { key }
            | Self::Delete { key }
            | Self::SaveRestored { key } => Some(key),
            Self::Issue { .. } | Self::NotifyOwner(_) => None,
        }
    }

    pub fn is_issue(&self) -> bool {
        matches!(self, Self::Issue { .. })
    }

    /// True if the action disables a key, old or exposed.
    pub fn is_disabling(&self) -> bool {
        matches!(self, Self::Disable { .. } | Self::DisableExposed { .. })
    }

    /// True if the action deletes a key at its end; an orphan is discarded.
    pub fn is_deletion(&self) -> bool {
        matches!(self, Self::Delete { .. })
    }

    pub fn is_discard(&self) -> bool {
        matches!(self, Self::DiscardOrphan { .. })
    }

    pub fn is_notice(&self) -> bool {
        matches!(self, Self::NotifyOwner(_))
    }
}

impl OwnerNotice {
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
            Self::WillBeDisabled { key, .. } => format!("will-be-disabled:{key}"),
            Self::Disabling { key, .. } => format!("disabling:{key}"),
            Self::Exposed { keys, .. } => format!("exposed:{}", joined(keys)),
            Self::WillBeDeleted { key, .. } => format!("will-be-deleted:{key}"),
            Self::Deleting { key } => format!("deleting:{key}"),
        }
    }
}
