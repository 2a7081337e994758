//! What the rotator would do, in words for operators.

use std::collections::BTreeSet;

use banto_domain::record::Reason;
use banto_domain::{AccessKeyId, Fingerprint};
use banto_ports::LastUse;
use jiff::Timestamp;
use rotate_access_keys::plan::{Action, DisableReason, OrphanProof, OwnerNotice};

use crate::dates;

/// What an action does.
pub(crate) fn action(action: &Action, now: Timestamp) -> String {
    match action {
        Action::FollowRename { from } => format!("takes over the record of the name {from}"),
        Action::Reprotect => "sets anew who may read the record".to_owned(),
        Action::DisableExposed(exposed) => format!("disables exposed {}", keys(&exposed.keys)),
        Action::DenySessions { .. } => "ends their own sessions, for 36 hours".to_owned(),
        Action::Revoke => "has onboard-accounts end their sessions in roles".to_owned(),
        Action::AllowSessions => "allows sessions again: the emergency is over".to_owned(),
        Action::SaveLook => "records the second look at CloudTrail".to_owned(),
        Action::Leave(leave) if leave.keys().is_empty() => "records that they left".to_owned(),
        Action::Leave(leave) => format!("disables {}, since they left", keys(&leave.keys())),
        Action::DenyLeaver => "denies their sessions until the leave is taken back".to_owned(),
        Action::TakeBack {
            keys: back,
            allows_sessions,
        } => taken_back(back, *allows_sessions),
        Action::DeleteExposed { key } => format!("deletes exposed {key}, to make room"),
        Action::DiscardOrphan { key, proof } => {
            format!("deletes {key}: {}", orphan(*proof))
        }
        Action::DropIntent => "records that an interrupted issue left nothing behind".to_owned(),
        Action::SaveCertificate => "records what the certificate says of itself".to_owned(),
        Action::Approve { certificate } => format!("lets the certificate {certificate} count"),
        Action::ForgetNews { .. } => "records that a certificate is pinned no more".to_owned(),
        Action::Owe { .. } => "records that a new key is owed".to_owned(),
        Action::Withdraw { .. } => "records that the new key is withdrawn".to_owned(),
        Action::Issue {
            reason, recipient, ..
        } => {
            let recipient = short(recipient);
            format!(
                "issues a new key, {}, sealed to {recipient}",
                issued(*reason)
            )
        }
        Action::NotifyOwner(notice) => format!("tells the owner: {}", told(notice, now)),
        Action::SaveProof { at } => {
            format!(
                "records that the new key is in use since {}",
                dates::day(*at)
            )
        }
        Action::Disable { key, reason, .. } => format!("disables {key}: {}", disabled(*reason)),
        Action::SaveDisabled { key } => format!("records that {key} is disabled"),
        Action::Delete { key } => format!("deletes {key}, which was disabled long enough"),
        Action::SaveRestored { key } => format!("records that a person restored {key}"),
        Action::Restore { key } => format!("makes {key} active again"),
        Action::Close => "closes the record: nothing is left to follow".to_owned(),
        Action::CloseEarlier { from } => format!("closes the record of the name {from}"),
    }
}

/// Characters of a fingerprint that are shown where nothing is decided by it: a long key id.
const FINGERPRINT_CHARS: usize = 16;

/// The beginning of a fingerprint, to tell a team's certificates apart.
pub(crate) fn short(fingerprint: &Fingerprint) -> String {
    let letters = fingerprint.as_str().chars();
    letters.take(FINGERPRINT_CHARS).collect()
}

/// True if an action only keeps the record, and neither a key nor a person is concerned.
pub(crate) fn is_bookkeeping(action: &Action) -> bool {
    matches!(
        action,
        Action::Reprotect
            | Action::SaveLook
            | Action::DropIntent
            | Action::SaveCertificate
            | Action::ForgetNews { .. }
            | Action::SaveProof { .. }
            | Action::SaveDisabled { .. }
            | Action::SaveRestored { .. }
            | Action::Close
            | Action::CloseEarlier { .. }
    )
}

fn keys(keys: &BTreeSet<AccessKeyId>) -> String {
    let keys: Vec<&str> = keys.iter().map(AccessKeyId::as_str).collect();
    keys.join(" and ")
}

fn taken_back(back: &BTreeSet<AccessKeyId>, allows_sessions: bool) -> String {
    let which = if back.is_empty() {
        "no key works again".to_owned()
    } else {
        format!("{} active again", keys(back))
    };
    let sessions = if allows_sessions {
        "sessions allowed"
    } else {
        "sessions denied until an emergency is over"
    };
    format!("takes the leave back: {which}, {sessions}")
}

fn orphan(proof: OrphanProof) -> &'static str {
    match proof {
        OrphanProof::Trail => "lost in an interrupted issue, as CloudTrail shows",
        OrphanProof::Operator => "lost in an interrupted issue, as an operator says",
        OrphanProof::Replaced => "it is sealed to a certificate that was replaced",
    }
}

fn issued(reason: Reason) -> &'static str {
    match reason {
        Reason::Due => "since the old one is due",
        Reason::Forced => "as asked",
        Reason::Emergency => "in place of the exposed one",
    }
}

fn disabled(reason: DisableReason) -> &'static str {
    match reason {
        DisableReason::NewKeyUsed => "the new key is in use",
        DisableReason::Acknowledged => "the new key is acknowledged",
        DisableReason::Deadline => "the deadline is over",
        DisableReason::Unused => "nobody uses it",
        DisableReason::Unregistered => "it is overdue, and no usable certificate is registered",
        DisableReason::Replaced => "it is sealed to a certificate that was replaced",
    }
}

/// The notice to an owner, in short.
fn told(notice: &OwnerNotice, now: Timestamp) -> String {
    let when = |at: &Timestamp| dates::in_words(*at, now);
    match notice {
        OwnerNotice::Warning {
            key, rotates_at, ..
        } => format!("{key} is replaced {}", when(rotates_at)),
        OwnerNotice::CertificateProblem { .. } => "a usable certificate is needed".to_owned(),
        OwnerNotice::Issued { .. } => "a new key is ready".to_owned(),
        OwnerNotice::NotFetched { key, .. } => format!("the new key {key} waits"),
        OwnerNotice::NewCertificate { counts_from, .. } => {
            format!("a new certificate counts {}", when(counts_from))
        }
        OwnerNotice::CertificateApproved { .. } => "a certificate was approved".to_owned(),
        OwnerNotice::WillBeDisabled {
            key, at, last_use, ..
        } => format!(
            "{key} is disabled {}{}",
            when(at),
            used(last_use.as_ref(), now)
        ),
        OwnerNotice::WillBeRetired { key, at, .. } => {
            format!("{key}, which nobody uses, is disabled {}", when(at))
        }
        OwnerNotice::WillEndUnregistered { key, at, .. } => {
            format!(
                "{key} is disabled {} unless a certificate is registered",
                when(at)
            )
        }
        OwnerNotice::Disabling { key, .. } => format!("{key} is disabled"),
        OwnerNotice::Exposed { keys: exposed, .. } => format!("{} was exposed", keys(exposed)),
        OwnerNotice::SessionExposed { .. } => "a session was exposed".to_owned(),
        OwnerNotice::Restored { key } => format!("{key} works again"),
        OwnerNotice::WillBeDeleted { key, at, .. } => format!("{key} is deleted {}", when(at)),
        OwnerNotice::Deleting { key } => format!("{key} is deleted"),
    }
}

/// Where and when a key was last used.
pub(crate) fn used(last: Option<&LastUse>, now: Timestamp) -> String {
    last.map_or_else(String::new, |last| {
        let ago = dates::distance(last.at, now);
        format!("; last used {ago} for {} in {}", last.service, last.region)
    })
}
