//! What people are told, in words.
//!
//! Each owner's notice answers four questions in its first lines: what happened, does my key still
//! work, what must I do, until when.

use std::collections::BTreeMap;

use banto_domain::policy::IdentityAccount;
use banto_domain::record::{Reason, Record};
use banto_notice::text::{day, fact, joined};
use banto_notice::{Audience, Notice, Step, Urgency};
use jiff::Timestamp;

use crate::plan::{DisableReason, FindingKind, OwnerNotice, WaitReason};
use crate::snapshot::{SLACK_TAG, User};

/// What a notice says; the rest of it follows from whom it is to.
struct Words {
    urgency: Urgency,
    headline: String,
    paragraphs: Vec<String>,
    facts: Vec<(String, String)>,
    steps: Vec<Step>,
    carry_envelope: bool,
}

/// The notice to a user about one of their keys.
pub fn to_owner(
    message: &OwnerNotice,
    user: &User,
    account: &IdentityAccount,
    record: Option<&Record>,
) -> Notice {
    let words = words(message, user, record);
    let mut facts = vec![fact("Account", &account.id), fact("IAM user", &user.name)];
    facts.extend(words.facts);
    let new_key = record.and_then(|record| record.rotation.as_ref()?.issued.as_ref());
    let subject = match (message, new_key) {
        (OwnerNotice::Issued { .. }, Some(issued)) => format!("issued:{}", issued.key),
        (other, _) => other.id(),
    };
    let envelope = record
        .and_then(|record| record.envelope.as_ref())
        .filter(|_| words.carry_envelope);
    Notice {
        id: format!("rotate-access-keys:{}:{}:{subject}", account.id, user.name),
        audience: Audience::Owner {
            account: account.id.clone(),
            user: user.name.clone(),
            slack: user.tags.get(SLACK_TAG).cloned(),
        },
        urgency: words.urgency,
        headline: words.headline,
        paragraphs: words.paragraphs,
        facts,
        steps: words.steps,
        sections: Vec::new(),
        envelope: envelope.map(|envelope| envelope.armored.clone()),
        links: Vec::new(),
        attributes: BTreeMap::new(),
    }
}

fn words(message: &OwnerNotice, user: &User, record: Option<&Record>) -> Words {
    match message {
        OwnerNotice::Warning { key, rotates_at, certificate_problem, certificate_expires_at } => {
            warning(key.as_str(), *rotates_at, certificate_problem.as_deref(), *certificate_expires_at)
        }
        OwnerNotice::CertificateProblem { key, reason, .. } => {
            certificate_problem(key.as_ref().map(|key| key.as_str()), reason)
        }
        OwnerNotice::Issued { reason, old, carry_envelope } => {
            issued(*reason, &joined(old, ", "), *carry_envelope, user, record)
        }
        OwnerNotice::WillBeDisabled { key, at } => Words {
            urgency: Urgency::Action,
            headline: format!("Your old access key {key} stops working on {}", day(*at)),
            paragraphs: vec![
                "Your new key was delivered, but nobody has used it yet. Fetch and use it before that day.".to_owned(),
            ],
            facts: vec![fact("Old key", key.as_str()), fact("Disabled on", day(*at))],
            steps: fetch_steps(user),
            carry_envelope: false,
        },
        OwnerNotice::Disabling { key, reason, restorable_until } => {
            disabling(key.as_str(), *reason, *restorable_until, user)
        }
        OwnerNotice::Exposed { keys, has_other } => exposed(&joined(keys, ", "), *has_other),
        OwnerNotice::WillBeDeleted { key, at } => Words {
            urgency: Urgency::Information,
            headline: format!("Your disabled access key {key} is deleted on {}", day(*at)),
            paragraphs: vec![
                "If something of yours stopped working, have the key restored before that day.".to_owned(),
            ],
            facts: vec![fact("Disabled key", key.as_str()), fact("Deleted on", day(*at))],
            steps: vec![restore_step(user, key.as_str())],
            carry_envelope: false,
        },
        OwnerNotice::Deleting { key } => Words {
            urgency: Urgency::Information,
            headline: format!("Your disabled access key {key} is deleted now"),
            paragraphs: vec!["It can't be restored any more. The rotation is complete.".to_owned()],
            facts: vec![fact("Deleted key", key.as_str())],
            steps: Vec::new(),
            carry_envelope: false,
        },
    }
}

fn warning(
    key: &str,
    rotates_at: Timestamp,
    problem: Option<&str>,
    expires_at: Option<Timestamp>,
) -> Words {
    let mut paragraphs = match problem {
        None => vec![
            "You need not do anything now. On that day you get a new key, encrypted to your OpenPGP certificate; the \
             old one keeps working until you have used the new one."
                .to_owned(),
        ],
        Some(problem) => vec![format!("Before that, your OpenPGP certificate needs your attention: {problem}")],
    };
    if let Some(expires_at) = expires_at {
        paragraphs.push(format!(
            "Your OpenPGP certificate expires on {}: extend and register it soon.",
            day(expires_at)
        ));
    }
    Words {
        urgency: if problem.is_some() {
            Urgency::Action
        } else {
            Urgency::Information
        },
        headline: format!("Your access key {key} is replaced on {}", day(rotates_at)),
        paragraphs,
        facts: vec![fact("Key", key), fact("Replaced on", day(rotates_at))],
        steps: if problem.is_some() {
            vec![register_step()]
        } else {
            Vec::new()
        },
        carry_envelope: false,
    }
}

fn certificate_problem(key: Option<&str>, reason: &str) -> Words {
    let headline = match key {
        Some(key) => format!(
            "Your access key {key} can't be replaced: your OpenPGP certificate can't be used"
        ),
        None => {
            "You can't be given an access key: your OpenPGP certificate can't be used".to_owned()
        }
    };
    Words {
        urgency: Urgency::Action,
        headline,
        paragraphs: vec![
            reason.to_owned(),
            "As soon as a usable certificate is registered, the next run sends you a new key."
                .to_owned(),
        ],
        facts: key.map(|key| fact("Key", key)).into_iter().collect(),
        steps: vec![register_step()],
        carry_envelope: false,
    }
}

fn issued(
    reason: Reason,
    old: &str,
    carry_envelope: bool,
    user: &User,
    record: Option<&Record>,
) -> Words {
    let rotation = record.and_then(|record| record.rotation.as_ref());
    let new_key = rotation
        .and_then(|rotation| rotation.issued.as_ref())
        .map(|issued| issued.key.to_string());
    let new_key = new_key.unwrap_or_default();
    let why = match reason {
        Reason::Due => "Your access key reached its age, so you get a new one.",
        Reason::Forced => "An operator asked for a new access key for you.",
        Reason::Emergency => "This key replaces the one that was exposed.",
    };
    let then = if old.is_empty() {
        "Only you can open the message below; it is safe to forward. It is kept for you in Secrets Manager too."
    } else {
        "Your old key keeps working until you have used the new one for the first time, and at least a day more."
    };
    let mut facts = vec![fact("New key", &new_key)];
    if !old.is_empty() {
        facts.push(fact("Old key", old));
    }
    if let Some(rotation) = rotation {
        facts.push(fact("Sealed to", rotation.recipient.as_str()));
    }
    Words {
        urgency: if carry_envelope {
            Urgency::Alarm
        } else {
            Urgency::Action
        },
        headline: format!("Your new access key {new_key} is ready to fetch"),
        paragraphs: vec![why.to_owned(), then.to_owned()],
        facts,
        steps: if carry_envelope {
            vec![open_step()]
        } else {
            fetch_steps(user)
        },
        carry_envelope,
    }
}

fn disabling(key: &str, reason: DisableReason, restorable_until: Timestamp, user: &User) -> Words {
    let by_deadline = reason == DisableReason::Deadline;
    let why = match reason {
        DisableReason::NewKeyUsed => {
            "Your new key is in use, so the old one is not needed any more."
        }
        DisableReason::Acknowledged => {
            "You acknowledged your new key, so the old one is not needed any more."
        }
        DisableReason::Deadline => {
            "Nobody has used your new key, and the deadline has passed. The new key is in the message below, which only \
             you can open."
        }
    };
    let mut steps = if by_deadline {
        vec![open_step()]
    } else {
        Vec::new()
    };
    steps.push(restore_step(user, key));
    Words {
        urgency: if by_deadline {
            Urgency::Alarm
        } else {
            Urgency::Information
        },
        headline: format!("Your old access key {key} stops working now"),
        paragraphs: vec![
            why.to_owned(),
            format!("It can be restored until {}.", day(restorable_until)),
        ],
        facts: vec![
            fact("Old key", key),
            fact("Restorable until", day(restorable_until)),
        ],
        steps,
        carry_envelope: by_deadline,
    }
}

fn exposed(keys: &str, has_other: bool) -> Words {
    let next = if has_other {
        "Your other key keeps working."
    } else {
        "A new key follows in a separate message, encrypted to your OpenPGP certificate."
    };
    Words {
        urgency: Urgency::Alarm,
        headline: format!("Your access key {keys} was exposed and is disabled"),
        paragraphs: vec![
            "Someone may have used it. Find out where it was readable, remove it there, and tell the security team."
                .to_owned(),
            next.to_owned(),
        ],
        facts: vec![fact("Exposed key", keys)],
        steps: Vec::new(),
        carry_envelope: false,
    }
}

fn fetch_steps(user: &User) -> Vec<Step> {
    vec![
        Step {
            text: "Fetch and open it with the key that you have now:".to_owned(),
            command: Some(format!(
                "aws secretsmanager get-secret-value --secret-id banto/access-keys/{} --query SecretString --output text | gpg --decrypt",
                user.name
            )),
        },
        Step {
            text: "Put the new key into ~/.aws/credentials, and use it once:".to_owned(),
            command: Some("aws sts get-caller-identity".to_owned()),
        },
    ]
}

fn open_step() -> Step {
    Step {
        text: "Copy the whole message, from BEGIN to END, and open it:".to_owned(),
        command: Some("gpg --decrypt".to_owned()),
    }
}

fn register_step() -> Step {
    Step {
        text: "Mend or make a certificate (docs/openpgp.md says how) and register it:".to_owned(),
        command: Some(
            "gpg --export --armor --export-options export-minimal YOUR-FINGERPRINT".to_owned(),
        ),
    }
}

fn restore_step(user: &User, key: &str) -> Step {
    Step {
        text: "If something still needs the old key, ask an operator to run:".to_owned(),
        command: Some(format!(
            "aws iam update-access-key --user-name {} --access-key-id {key} --status Active",
            user.name
        )),
    }
}

/// A finding, in one line for operators.
pub fn finding(found: &FindingKind) -> String {
    match found {
        FindingKind::TwoActiveKeys { keys } => {
            format!(
                "has two active keys ({}) that Banto did not make; delete the one that is not needed",
                joined(keys, ", ")
            )
        }
        FindingKind::InactiveKeyInTheWay { key } => {
            format!(
                "is due, but the inactive key {key} takes the second place; delete it if it is not needed"
            )
        }
        FindingKind::NoCertificate { reason, .. } => format!("can't be given a key: {reason}"),
        FindingKind::Restored { key } => {
            format!("has {key} back, which Banto had disabled; it is left alone from now on")
        }
        FindingKind::NewKeyInactive { key } => {
            format!(
                "has the new key {key} switched off before the old one was retired; the old one is kept"
            )
        }
        FindingKind::NewKeyUnused { key } => {
            format!("has not used the new key {key} for two weeks; the old one is kept")
        }
        FindingKind::NoRoomForNewKey { keys } => {
            format!(
                "has no working key, and {} take both places; restore or delete one",
                joined(keys, ", ")
            )
        }
        FindingKind::AmbiguousOrphan { keys } => {
            format!(
                "has keys ({}) of which one was lost in a crash; delete the one nobody has",
                joined(keys, ", ")
            )
        }
        FindingKind::UnreadableRecord { why } => format!("is left alone: {why}"),
    }
}

/// What someone waits for, in words.
pub fn waiting(until: &WaitReason) -> String {
    match until {
        WaitReason::Enabled => {
            "rotation is switched off in the policy (rotation.enabled)".to_owned()
        }
        WaitReason::ChangeWindow => "outside the change windows".to_owned(),
        WaitReason::ExemptionEnds { at, reason } => format!("exempt until {}: {reason}", day(*at)),
        WaitReason::OtherRun => "another run may be issuing a key".to_owned(),
        WaitReason::NextRun => "this run has issued as many keys as the policy allows".to_owned(),
        WaitReason::Canaries => "the canaries' new keys come first".to_owned(),
        WaitReason::Proof { key } => {
            format!("the new key {key} must be used, and its grace be over")
        }
        WaitReason::Deletion { key } => format!("the disabled key {key} must be deleted first"),
        WaitReason::Usage { key } => format!("IAM does not tell whether {key} was used"),
        WaitReason::CertificateStore { why } => {
            format!("the certificate could not be fetched: {why}")
        }
    }
}
