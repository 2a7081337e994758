//! What owners of keys read.
//!
//! Each notice answers, so far as they arise, four questions: what happened, does my key still
//! work, what must I do, until when. The reason why a certificate can't be used is put in as it
//! comes.

use std::collections::BTreeSet;

use banto_domain::AccessKeyId;
use banto_domain::policy::IdentityAccount;
use banto_domain::record::{Reason, Record, secret_name};
use banto_notice::text::{day, fact, joined};
use banto_notice::{Audience, Notice, Step, Urgency};
use banto_ports::LastUse;
use jiff::Timestamp;

use super::sentence::sentence;
use super::uses::used;
use crate::plan::{DisableReason, OtherKey, OwnerNotice};
use crate::snapshot::{SLACK_TAG, User};

/// The cost of ending the sessions, for whoever has none of the thief's.
const SESSIONS_DENIED: &str = "To lock out whoever had it, your temporary credentials are denied for at least 36 hours: sessions of aws sts \
    get-session-token and of the console do not work, old or new. An active access key works as always, and so do roles \
    that you assume with it.";

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
        OwnerNotice::Exposed { other, .. } => *other == OtherKey::Sealed,
        _ => false,
    };
    let envelope = record?.envelope.as_ref()?;
    carries_envelope.then(|| envelope.armored.clone())
}

fn new_key(record: Option<&Record>) -> Option<&AccessKeyId> {
    let rotation = record?.rotation.as_ref()?;
    Some(&rotation.issued.key)
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
        OwnerNotice::WillBeDisabled { key, at, last_use } => {
            will_be_disabled(key, *at, last_use.as_ref(), user)
        }
        OwnerNotice::WillBeRetired { key, at, last_use } => {
            will_be_retired(key, *at, last_use.as_ref())
        }
        OwnerNotice::Disabling {
            key,
            reason: DisableReason::Deadline,
            restorable_until,
            last_use,
        } => disabling_by_deadline(key, *restorable_until, last_use.as_ref(), user),
        OwnerNotice::Disabling {
            key,
            reason,
            restorable_until,
            last_use,
        } => disabling(key, *reason, *restorable_until, last_use.as_ref(), user),
        OwnerNotice::Exposed { keys, other } => exposed(keys, *other),
        OwnerNotice::SessionExposed { .. } => session_exposed(),
        OwnerNotice::Restored { key } => restored(key),
        OwnerNotice::WillBeDeleted { key, at } => will_be_deleted(key, *at, user, record),
        OwnerNotice::Deleting { key } => deleting(key),
    }
}

fn warning(key: &AccessKeyId, rotates_at: Timestamp, expires_at: Option<Timestamp>) -> Content {
    let mut paragraphs = vec![
        "You need not do anything now. On that day you get a new key, encrypted to your OpenPGP certificate. The old \
         one works on for as long as you need to change over, and the notice of that day says how."
            .to_owned(),
    ];
    if let Some(expires_at) = expires_at {
        paragraphs.push(format!(
            "Your OpenPGP certificate expires on {}: extend it and register it again before that.",
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
            "Your key works on, but before that day your OpenPGP certificate needs your attention. {}",
            sentence(problem)
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
        Some(key) => {
            format!("Your access key {key} can't be replaced: no usable certificate")
        }
        None => "You can't be given an access key: no usable OpenPGP certificate".to_owned(),
    };
    let until_then = match key {
        Some(_) => "Your present key works until then",
        None => "No key of yours works until then",
    };
    let next = format!(
        "Once a usable OpenPGP certificate is registered, the next daily run sends you a new key. {until_then}."
    );
    Content {
        urgency: Urgency::Action,
        headline,
        paragraphs: vec![sentence(reason), next],
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
        Reason::Due => "Your access key is as old as a key may become, so you get a new one.",
        Reason::Forced => "An operator asked for a new access key for you.",
        Reason::Emergency => "This key replaces the one that was exposed.",
    }
}

fn until_used(old: &str) -> &'static str {
    if old.is_empty() {
        "Only you can open the message below; it is safe to forward. It is kept for you in Secrets Manager too."
    } else {
        "Your old key works on for now. It is disabled once you use the new one and nothing has used the old one for a \
         while, so change over wherever you use it. You are told when it is disabled."
    }
}

fn facts_of_new_key(new_key: &str, old: &str, record: Option<&Record>) -> Vec<(String, String)> {
    let mut facts = vec![fact("New key", new_key)];
    if !old.is_empty() {
        facts.push(fact("Old key", old));
    }
    if let Some(rotation) = record.and_then(|record| record.rotation.as_ref()) {
        facts.push(fact("Sealed to", rotation.intent.recipient.as_str()));
    }
    facts
}

fn will_be_disabled(
    key: &AccessKeyId,
    at: Timestamp,
    last_use: Option<&LastUse>,
    user: &User,
) -> Content {
    let what = "A new key was delivered to you. Fetch it, and use it wherever you use the old one, before that day.";
    let mut facts = vec![fact("Old key", key), fact("Disabled on", day(at))];
    facts.extend(last_used(last_use));
    Content {
        urgency: Urgency::Action,
        headline: format!("Your old access key {key} stops working on {}", day(at)),
        paragraphs: vec![what.to_owned()],
        facts,
        steps: fetch_steps(user),
    }
}

fn will_be_retired(key: &AccessKeyId, at: Timestamp, last_use: Option<&LastUse>) -> Content {
    let what = "Nobody has used it for long, so it gets no successor. It works until that day. If something of yours \
                needs it, use it before: then you get a new key instead.";
    let mut facts = vec![fact("Key", key), fact("Disabled on", day(at))];
    facts.extend(last_used(last_use));
    Content {
        urgency: Urgency::Action,
        headline: format!("Your access key {key} stops working on {}", day(at)),
        paragraphs: vec![what.to_owned()],
        facts,
        steps: Vec::new(),
    }
}

/// The last use of a key, so that its owner finds what still needs it.
fn last_used(last_use: Option<&LastUse>) -> Option<(String, String)> {
    last_use.map(|last_use| fact("Last used", used(last_use)))
}

fn disabling(
    key: &AccessKeyId,
    reason: DisableReason,
    restorable_until: Timestamp,
    last_use: Option<&LastUse>,
    user: &User,
) -> Content {
    let why = match reason {
        DisableReason::NewKeyUsed => {
            "Your new key is in use and the old one has rested, so it is not needed any more."
        }
        DisableReason::Acknowledged => {
            "You acknowledged your new key, so the old one is not needed any more."
        }
        DisableReason::Deadline => {
            "The deadline for the change to your new key has passed. The new key is in the message below, which only \
             you can open."
        }
        DisableReason::Unused => "Nobody has used it for long, so it gets no successor.",
    };
    let kind = match reason {
        DisableReason::Unused => "unused",
        DisableReason::NewKeyUsed | DisableReason::Acknowledged | DisableReason::Deadline => "old",
    };
    let until = day(restorable_until);
    let mut facts = vec![fact("Key", key), fact("Restorable until", &until)];
    facts.extend(last_used(last_use));
    Content {
        urgency: Urgency::Information,
        headline: format!("Your {kind} access key {key} stops working now"),
        paragraphs: vec![why.to_owned(), format!("It can be restored until {until}.")],
        facts,
        steps: vec![restore_step(user, key)],
    }
}

fn disabling_by_deadline(
    key: &AccessKeyId,
    restorable_until: Timestamp,
    last_use: Option<&LastUse>,
    user: &User,
) -> Content {
    let reason = DisableReason::Deadline;
    Content {
        urgency: Urgency::Alarm,
        steps: vec![open_step(), restore_step(user, key)],
        ..disabling(key, reason, restorable_until, last_use, user)
    }
}

fn exposed(keys: &BTreeSet<AccessKeyId>, other: OtherKey) -> Content {
    let what = "Someone may have used it. Find out where it was readable, remove it there, and tell the security team.";
    let next = match other {
        OtherKey::None => {
            "No key of yours works now. A new one follows in a separate message, encrypted to your OpenPGP certificate."
        }
        OtherKey::InUse => "Your other key works on.",
        OtherKey::Sealed => {
            "Your new key works. It is in the message below, which only you can open; it is safe to forward."
        }
    };
    let steps = match other {
        OtherKey::Sealed => vec![open_step()],
        OtherKey::None | OtherKey::InUse => Vec::new(),
    };
    let (headline, name) = exposed_names(keys);
    Content {
        urgency: Urgency::Alarm,
        headline,
        paragraphs: vec![what.to_owned(), next.to_owned(), SESSIONS_DENIED.to_owned()],
        facts: vec![fact(name, joined(keys, ", "))],
        steps,
    }
}

fn session_exposed() -> Content {
    let what = "Someone may have used it. Find out where it was readable, remove it there, and tell the security team.";
    Content {
        urgency: Urgency::Alarm,
        headline: "A session of yours was exposed, and all your sessions were ended".to_owned(),
        paragraphs: vec![what.to_owned(), SESSIONS_DENIED.to_owned()],
        facts: Vec::new(),
        steps: Vec::new(),
    }
}

/// The headline about exposed keys, and the name of the fact that lists them.
fn exposed_names(keys: &BTreeSet<AccessKeyId>) -> (String, &'static str) {
    if keys.len() == 1 {
        let key = joined(keys, ", ");
        let headline = format!("Your access key {key} was exposed and is disabled");
        (headline, "Exposed key")
    } else {
        let headline = format!(
            "{} of your access keys were exposed and are disabled",
            keys.len()
        );
        (headline, "Exposed keys")
    }
}

fn restored(key: &AccessKeyId) -> Content {
    let what = "An operator restored it. It is left alone from now on, so disable or delete it yourself once nothing \
                needs it.";
    Content {
        urgency: Urgency::Information,
        headline: format!("Your access key {key} works again"),
        paragraphs: vec![what.to_owned()],
        facts: vec![fact("Restored key", key)],
        steps: Vec::new(),
    }
}

fn will_be_deleted(
    key: &AccessKeyId,
    at: Timestamp,
    user: &User,
    record: Option<&Record>,
) -> Content {
    let is_exposed = record.is_some_and(|record| record.exposed.contains(key));
    let (what, steps) = if is_exposed {
        let what = "It was exposed, so it can't be restored. You need not do anything.";
        (what, Vec::new())
    } else {
        let what = "It does not work any more. If something of yours needs it, have it restored before that day.";
        (what, vec![restore_step(user, key)])
    };
    Content {
        urgency: Urgency::Information,
        headline: format!("Your disabled access key {key} is deleted on {}", day(at)),
        paragraphs: vec![what.to_owned()],
        facts: vec![fact("Disabled key", key), fact("Deleted on", day(at))],
        steps,
    }
}

fn deleting(key: &AccessKeyId) -> Content {
    let what = "It can't be restored any more. You need not do anything.";
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
        text: "If something still needs it, ask an operator to put this into the rotation's queue:"
            .to_owned(),
        command: Some(format!(
            "{{\"account\": \"{}\", \"users\": [\"{}\"], \"mode\": \"restore\", \"keys\": [\"{key}\"]}}",
            user.arn.account(),
            user.name
        )),
    }
}
