//! What owners of keys read.
//!
//! Each notice answers, so far as they arise, four questions: what happened, does my key still
//! work, what must I do, until when. The reason why a certificate can't be used is put in as it
//! comes.

use banto_domain::AccessKeyId;
use banto_domain::policy::IdentityAccount;
use banto_domain::record::{Reason, Record, secret_name};
use banto_notice::text::{day, fact, joined};
use banto_notice::{Audience, Notice, Step, Urgency};
use jiff::Timestamp;

use crate::plan::{DisableReason, OwnerNotice};
use crate::snapshot::{SLACK_TAG, User};

/// The part of a notice that differs from one kind to another.
struct Content {
    urgency: Urgency,
    headline: String,
    paragraphs: Vec<String>,
    facts: Vec<(String, String)>,
    steps: Vec<Step>,
}

/// Returns the notice to a user about one of their keys.
pub fn to_owner(
    notice: &OwnerNotice,
    user: &User,
    identity: &IdentityAccount,
    record: Option<&Record>,
) -> Notice {
    let content = content(notice, user, record);
    let mut facts = vec![fact("Account", &identity.id), fact("IAM user", &user.name)];
    facts.extend(content.facts);
    let audience = Audience::Owner {
        account: identity.id.clone(),
        user: user.name.clone(),
        slack: user.tags.get(SLACK_TAG).cloned(),
    };
    let id = notice_id(notice, user, identity, record);
    Notice {
        paragraphs: content.paragraphs,
        facts,
        steps: content.steps,
        envelope: envelope(notice, record),
        ..Notice::new(id, audience, content.urgency, content.headline)
    }
}

/// The notice's id, by which channels tell it from all others. One about a new key names that key,
/// since each rotation has one.
fn notice_id(
    notice: &OwnerNotice,
    user: &User,
    identity: &IdentityAccount,
    record: Option<&Record>,
) -> String {
    let subject = match (notice, new_key(record)) {
        (OwnerNotice::Issued { .. }, Some(key)) => format!("issued:{key}"),
        (other, _) => other.id(),
    };
    format!("rotate-access-keys:{}:{}:{subject}", identity.id, user.name)
}

/// The envelope itself, for an owner who has no working key to fetch it with.
fn envelope(notice: &OwnerNotice, record: Option<&Record>) -> Option<String> {
    let carries_envelope = match notice {
        OwnerNotice::Issued { carry_envelope, .. } => *carry_envelope,
        OwnerNotice::Disabling { reason, .. } => *reason == DisableReason::Deadline,
        _ => false,
    };
    let envelope = record?.envelope.as_ref()?;
    carries_envelope.then(|| envelope.armored.clone())
}

fn new_key(record: Option<&Record>) -> Option<&AccessKeyId> {
    let issued = record?.rotation.as_ref()?.issued.as_ref()?;
    Some(&issued.key)
}

fn content(notice: &OwnerNotice, user: &User, record: Option<&Record>) -> Content {
    match notice {
        OwnerNotice::Warning {
            key,
            rotates_at,
            certificate_problem: None,
            certificate_expires_at,
        } => warning(key, *rotates_at, *certificate_expires_at),
        OwnerNotice::Warning {
            key,
            rotates_at,
            certificate_problem: Some(problem),
            ..
        } => warning_with_problem(key, *rotates_at, problem),
        OwnerNotice::CertificateProblem { key, reason, .. } => {
            certificate_problem(key.as_ref(), reason)
        }
        OwnerNotice::Issued {
            reason,
            old,
            carry_envelope,
        } => issued(*reason, &joined(old, ", "), *carry_envelope, user, record),
        OwnerNotice::WillBeDisabled { key, at } => will_be_disabled(key, *at, user),
        OwnerNotice::Disabling {
            key,
            reason: DisableReason::Deadline,
            restorable_until,
        } => disabling_by_deadline(key, *restorable_until, user),
        OwnerNotice::Disabling {
            key,
            reason,
            restorable_until,
        } => disabling(key, *reason, *restorable_until, user),
        OwnerNotice::Exposed { keys, has_other } => exposed(&joined(keys, ", "), *has_other),
        OwnerNotice::WillBeDeleted { key, at } => will_be_deleted(key, *at, user),
        OwnerNotice::Deleting { key } => deleting(key),
    }
}

fn warning(key: &AccessKeyId, rotates_at: Timestamp, expires_at: Option<Timestamp>) -> Content {
    let mut paragraphs = vec![
        "You need not do anything now. On that day you get a new key, encrypted to your OpenPGP certificate; the old \
         one keeps working until you have used the new one."
            .to_owned(),
    ];
    if let Some(expires_at) = expires_at {
        paragraphs.push(format!(
            "Your OpenPGP certificate expires on {}: extend and register it soon.",
            day(expires_at)
        ));
    }
    Content {
        urgency: Urgency::Information,
        headline: replaced_on(key, rotates_at),
        paragraphs,
        facts: vec![fact("Key", key), fact("Replaced on", day(rotates_at))],
        steps: Vec::new(),
    }
}

fn warning_with_problem(key: &AccessKeyId, rotates_at: Timestamp, problem: &str) -> Content {
    Content {
        urgency: Urgency::Action,
        headline: replaced_on(key, rotates_at),
        paragraphs: vec![format!(
            "Before that, your OpenPGP certificate needs your attention: {problem}"
        )],
        facts: vec![fact("Key", key), fact("Replaced on", day(rotates_at))],
        steps: vec![register_step()],
    }
}

fn replaced_on(key: &AccessKeyId, rotates_at: Timestamp) -> String {
    format!("Your access key {key} is replaced on {}", day(rotates_at))
}

fn certificate_problem(key: Option<&AccessKeyId>, reason: &str) -> Content {
    let headline = match key {
        Some(key) => format!(
            "Your access key {key} can't be replaced: your OpenPGP certificate can't be used"
        ),
        None => {
            "You can't be given an access key: your OpenPGP certificate can't be used".to_owned()
        }
    };
    let next = "As soon as a usable certificate is registered, the next run sends you a new key.";
    Content {
        urgency: Urgency::Action,
        headline,
        paragraphs: vec![reason.to_owned(), next.to_owned()],
        facts: key.map(|key| fact("Key", key)).into_iter().collect(),
        steps: vec![register_step()],
    }
}

fn issued(
    reason: Reason,
    old: &str,
    carry_envelope: bool,
    user: &User,
    record: Option<&Record>,
) -> Content {
    let new_key = new_key(record)
        .map(AccessKeyId::to_string)
        .unwrap_or_default();
    let (urgency, steps) = if carry_envelope {
        (Urgency::Alarm, vec![open_step()])
    } else {
        (Urgency::Action, fetch_steps(user))
    };
    Content {
        urgency,
        headline: format!("Your new access key {new_key} is ready to fetch"),
        paragraphs: vec![why_issued(reason).to_owned(), until_used(old).to_owned()],
        facts: facts_of_new_key(&new_key, old, record),
        steps,
    }
}

fn why_issued(reason: Reason) -> &'static str {
    match reason {
        Reason::Due => "Your access key reached its age, so you get a new one.",
        Reason::Forced => "An operator asked for a new access key for you.",
        Reason::Emergency => "This key replaces the one that was exposed.",
    }
}

fn until_used(old: &str) -> &'static str {
    if old.is_empty() {
        "Only you can open the message below; it is safe to forward. It is kept for you in Secrets Manager too."
    } else {
        "Your old key keeps working until you have used the new one for the first time, and at least a day more."
    }
}

fn facts_of_new_key(new_key: &str, old: &str, record: Option<&Record>) -> Vec<(String, String)> {
    let mut facts = vec![fact("New key", new_key)];
    if !old.is_empty() {
        facts.push(fact("Old key", old));
    }
    if let Some(rotation) = record.and_then(|record| record.rotation.as_ref()) {
        facts.push(fact("Sealed to", rotation.recipient.as_str()));
    }
    facts
}

fn will_be_disabled(key: &AccessKeyId, at: Timestamp, user: &User) -> Content {
    let what =
        "Your new key was delivered, but nobody has used it yet. Fetch and use it before that day.";
    Content {
        urgency: Urgency::Action,
        headline: format!("Your old access key {key} stops working on {}", day(at)),
        paragraphs: vec![what.to_owned()],
        facts: vec![fact("Old key", key), fact("Disabled on", day(at))],
        steps: fetch_steps(user),
    }
}

fn disabling(
    key: &AccessKeyId,
    reason: DisableReason,
    restorable_until: Timestamp,
    user: &User,
) -> Content {
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
    let until = day(restorable_until);
    Content {
        urgency: Urgency::Information,
        headline: format!("Your old access key {key} stops working now"),
        paragraphs: vec![why.to_owned(), format!("It can be restored until {until}.")],
        facts: vec![fact("Old key", key), fact("Restorable until", until)],
        steps: vec![restore_step(user, key)],
    }
}

fn disabling_by_deadline(key: &AccessKeyId, restorable_until: Timestamp, user: &User) -> Content {
    Content {
        urgency: Urgency::Alarm,
        steps: vec![open_step(), restore_step(user, key)],
        ..disabling(key, DisableReason::Deadline, restorable_until, user)
    }
}

fn exposed(keys: &str, has_other: bool) -> Content {
    let what = "Someone may have used it. Find out where it was readable, remove it there, and tell the security team.";
    let next = if has_other {
        "Your other key keeps working."
    } else {
        "A new key follows in a separate message, encrypted to your OpenPGP certificate."
    };
    Content {
        urgency: Urgency::Alarm,
        headline: format!("Your access key {keys} was exposed and is disabled"),
        paragraphs: vec![what.to_owned(), next.to_owned()],
        facts: vec![fact("Exposed key", keys)],
        steps: Vec::new(),
    }
}

fn will_be_deleted(key: &AccessKeyId, at: Timestamp, user: &User) -> Content {
    let what = "If something of yours stopped working, have the key restored before that day.";
    Content {
        urgency: Urgency::Information,
        headline: format!("Your disabled access key {key} is deleted on {}", day(at)),
        paragraphs: vec![what.to_owned()],
        facts: vec![fact("Disabled key", key), fact("Deleted on", day(at))],
        steps: vec![restore_step(user, key)],
    }
}

fn deleting(key: &AccessKeyId) -> Content {
    let what = "It can't be restored any more. The rotation is complete.";
    Content {
        urgency: Urgency::Information,
        headline: format!("Your disabled access key {key} is deleted now"),
        paragraphs: vec![what.to_owned()],
        facts: vec![fact("Deleted key", key)],
        steps: Vec::new(),
    }
}

fn fetch_steps(user: &User) -> Vec<Step> {
    vec![
        Step {
            text: "Fetch and open it with the key that you have now:".to_owned(),
            command: Some(format!(
                "aws secretsmanager get-secret-value --secret-id {} --query SecretString --output text | gpg --decrypt",
                secret_name(&user.name)
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

fn restore_step(user: &User, key: &AccessKeyId) -> Step {
    Step {
        text: "If something still needs the old key, ask an operator to run:".to_owned(),
        command: Some(format!(
            "aws iam update-access-key --user-name {} --access-key-id {key} --status Active",
            user.name
        )),
    }
}
