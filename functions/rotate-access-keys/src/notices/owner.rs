//! What owners of keys read.
//!
//! Each notice answers, so far as they arise, four questions: what happened, does my key still
//! work, what must I do, until when. The reason why a certificate can't be used is put in as it
//! comes.

use std::collections::BTreeSet;

use banto_domain::record::{Reason, Record};
use banto_domain::{AccessKeyId, AccountId, Fingerprint};
use banto_notice::text::{count, day, fact, joined};
use banto_notice::{Audience, Notice, Step, Urgency};
use banto_ports::LastUse;
use jiff::Timestamp;

use super::commands::{self, Place};
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
    place: Place<'_>,
    record: Option<&Record>,
) -> Notice {
    let content = content(notice, user, place, record);
    let account = &place.identity.id;
    let mut facts = vec![fact("Account", account), fact("IAM user", &user.name)];
    facts.extend(content.facts);
    let audience = Audience::Owner {
        account: account.clone(),
        user: user.name.clone(),
        slack: user.tags.get(SLACK_TAG).cloned(),
    };
    let id = notice_id(notice, user, account, record);
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
    account: &AccountId,
    record: Option<&Record>,
) -> String {
    let subject = match (notice, new_key(record)) {
        (OwnerNotice::Issued { .. }, Some(key)) => format!("issued:{key}"),
        (OwnerNotice::NewCertificate { certificate, .. }, _) => {
            format!("new-certificate:{}", short(certificate))
        }
        (OwnerNotice::CertificateApproved { certificate }, _) => {
            format!("certificate-approved:{}", short(certificate))
        }
        (other, _) => other.id(),
    };
    format!("rotate-access-keys:{account}:{}:{subject}", user.name)
}

/// The end of a fingerprint, by which people tell certificates apart: it fits a line of 80 columns.
fn short(certificate: &Fingerprint) -> &str {
    let digits = certificate.as_str();
    let begins = digits.len().saturating_sub(16);
    digits.get(begins..).unwrap_or(digits)
}

/// The envelope itself, for an owner who has no working key to fetch it with.
fn envelope(notice: &OwnerNotice, record: Option<&Record>) -> Option<String> {
    let carries_envelope = match notice {
        OwnerNotice::Issued { carry_envelope, .. } => *carry_envelope,
        OwnerNotice::Disabling { reason, .. } => *reason == DisableReason::Deadline,
        OwnerNotice::NotFetched { old, .. } => old.is_empty(),
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

fn content(
    notice: &OwnerNotice,
    user: &User,
    place: Place<'_>,
    record: Option<&Record>,
) -> Content {
    match notice {
        OwnerNotice::Warning {
            key,
            rotates_at,
            certificate,
            certificate_problem: None,
            certificate_expires_at,
        } => warning(
            key,
            *rotates_at,
            certificate.as_ref(),
            *certificate_expires_at,
        ),
        OwnerNotice::Warning {
            key,
            rotates_at,
            certificate_problem: Some(problem),
            ..
        } => warning_with_problem(key, *rotates_at, problem, user, place),
        OwnerNotice::CertificateProblem { key, reason, .. } => {
            certificate_problem(key.as_ref(), reason, user, place)
        }
        OwnerNotice::Issued {
            carry_envelope: is_carried,
            reason,
            old,
            deadline_days,
        } => Content {
            steps: steps_to_open(*is_carried, user, place),
            ..issued(*reason, old, *is_carried, *deadline_days, record)
        },
        OwnerNotice::NotFetched { key, old } => Content {
            steps: steps_of_reminder(old.is_empty(), user, place),
            ..not_fetched(key, &joined(old, ", "), record)
        },
        OwnerNotice::NewCertificate {
            certificate,
            replaces,
            counts_from,
        } => new_certificate(certificate, replaces.as_ref(), *counts_from),
        OwnerNotice::CertificateApproved { certificate } => certificate_approved(certificate),
        OwnerNotice::WillBeDisabled {
            key, at, last_use, ..
        } => will_be_disabled(key, *at, last_use.as_ref(), user, place),
        OwnerNotice::WillBeRetired {
            key, at, last_use, ..
        } => will_be_retired(key, *at, last_use.as_ref()),
        OwnerNotice::WillEndUnregistered {
            key, at, reason, ..
        } => will_end_unregistered(key, *at, reason, user, place),
        OwnerNotice::Disabling {
            key,
            reason,
            restorable_until: until,
            last_use,
        } => disabled(key, *reason, *until, last_use.as_ref(), user),
        OwnerNotice::Exposed { keys, other } => exposed(keys, *other),
        OwnerNotice::SessionExposed { .. } => session_exposed(),
        OwnerNotice::Restored { key } => restored(key),
        OwnerNotice::WillBeDeleted { key, at, .. } => will_be_deleted(key, *at, user, record),
        OwnerNotice::Deleting { key } => deleting(key),
    }
}

fn warning(
    key: &AccessKeyId,
    rotates_at: Timestamp,
    certificate: Option<&Fingerprint>,
    expires_at: Option<Timestamp>,
) -> Content {
    let mut paragraphs = vec![
        "You need not do anything now. On that day you get a new key, encrypted to your OpenPGP certificate. The old \
         one works on while you change over, and the notice of that day says how."
            .to_owned(),
    ];
    let mut facts = vec![fact("Key", key), fact("Replaced on", day(rotates_at))];
    if let Some(certificate) = certificate {
        facts.push(fact("Certificate", certificate));
        paragraphs.push(
            "If the certificate below is not yours, tell the security team at once.".to_owned(),
        );
    }
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
        facts,
        steps: Vec::new(),
    }
}

fn warning_with_problem(
    key: &AccessKeyId,
    rotates_at: Timestamp,
    problem: &str,
    user: &User,
    place: Place<'_>,
) -> Content {
    Content {
        urgency: Urgency::Action,
        headline: replaced_on(key, rotates_at),
        paragraphs: vec![format!(
            "Your key works on, but before that day your OpenPGP certificate needs your attention. {}",
            sentence(problem)
        )],
        facts: vec![fact("Key", key), fact("Replaced on", day(rotates_at))],
        steps: commands::register(user, place),
    }
}

fn replaced_on(key: &AccessKeyId, rotates_at: Timestamp) -> String {
    format!("Your access key {key} is replaced on {}", day(rotates_at))
}

fn certificate_problem(
    key: Option<&AccessKeyId>,
    reason: &str,
    user: &User,
    place: Place<'_>,
) -> Content {
    let headline = match key {
        Some(key) => {
            format!("Your access key {key} can't be replaced: no usable certificate")
        }
        None => "You can't be given an access key: no usable OpenPGP certificate".to_owned(),
    };
    let until_then = match key {
        Some(_) => "Your present key works for now",
        None => "No key of yours works until then",
    };
    let next = format!(
        "Once a usable OpenPGP certificate is registered and counts, you get a new key. {until_then}."
    );
    Content {
        urgency: Urgency::Action,
        headline,
        paragraphs: vec![sentence(reason), next],
        facts: key.map(|key| fact("Key", key)).into_iter().collect(),
        steps: commands::register(user, place),
    }
}

fn new_certificate(
    certificate: &Fingerprint,
    replaces: Option<&Fingerprint>,
    counts_from: Timestamp,
) -> Content {
    let mut facts = vec![
        fact("New certificate", certificate),
        fact("Counts from", day(counts_from)),
    ];
    facts.extend(replaces.map(|replaces| fact("Former certificate", replaces)));
    let vouch = match replaces {
        Some(_) => {
            "If it was you, you need not do anything. To let it count at once, certify it with your former key \
             (docs/openpgp.md says how), or ask an operator to approve it (`banto keys approve`)."
        }
        None => {
            "If it was you, you need not do anything. To let it count at once, ask an operator to approve it \
             (`banto keys approve`)."
        }
    };
    Content {
        urgency: Urgency::Alarm,
        headline: "A new OpenPGP certificate was registered for you".to_owned(),
        paragraphs: vec![
            "If it was not you, tell the security team at once. Somebody else has your access key, and would get \
             the next one."
                .to_owned(),
            vouch.to_owned(),
        ],
        facts,
        steps: Vec::new(),
    }
}

fn certificate_approved(certificate: &Fingerprint) -> Content {
    Content {
        urgency: Urgency::Action,
        headline: "An operator approved your new OpenPGP certificate".to_owned(),
        paragraphs: vec![
            "If you did not ask for it, tell the security team at once. Your next access key is encrypted to this \
             certificate."
                .to_owned(),
        ],
        facts: vec![fact("New certificate", certificate)],
        steps: Vec::new(),
    }
}

fn issued(
    reason: Reason,
    old: &BTreeSet<AccessKeyId>,
    carry_envelope: bool,
    deadline_days: Option<i64>,
    record: Option<&Record>,
) -> Content {
    let old = joined(old, ", ");
    let new_key = new_key(record)
        .map(AccessKeyId::to_string)
        .unwrap_or_default();
    let urgency = if carry_envelope {
        Urgency::Alarm
    } else {
        Urgency::Action
    };
    let mut paragraphs = vec![why_issued(reason).to_owned(), until_used(&old).to_owned()];
    if let (Some(days), false) = (deadline_days, old.is_empty()) {
        paragraphs.push(format!(
            "Once it is known that you have this message, the old key stops working after {}. You are reminded before.",
            count(days, "day")
        ));
    }
    Content {
        urgency,
        headline: format!("Your new access key {new_key} is ready to fetch"),
        paragraphs,
        facts: facts_of_new_key(&new_key, &old, record),
        steps: Vec::new(),
    }
}

fn not_fetched(key: &AccessKeyId, old: &str, record: Option<&Record>) -> Content {
    let what = "Nobody has used it yet. Fetch it, and use it wherever you use the old one.";
    let only = "Nobody has used it yet, and no other key of yours works. It is in the message below, which only you \
                can open.";
    let lost = "If you can't open it, register a new OpenPGP certificate. Once that counts, you get another key.";
    let what = if old.is_empty() { only } else { what };
    Content {
        urgency: Urgency::Action,
        headline: format!("Your new access key {key} still waits for you"),
        paragraphs: vec![what.to_owned(), lost.to_owned()],
        facts: facts_of_new_key(key.as_str(), old, record),
        steps: Vec::new(),
    }
}

/// The steps to a new key: out of the message, where no other key works to fetch it with.
fn steps_to_open(is_carried: bool, user: &User, place: Place<'_>) -> Vec<Step> {
    if is_carried {
        commands::open()
    } else {
        commands::fetch(user, place)
    }
}

/// The steps of a reminder: whoever has the key already and can't use it yet says that it arrived.
fn steps_of_reminder(is_carried: bool, user: &User, place: Place<'_>) -> Vec<Step> {
    let mut steps = steps_to_open(is_carried, user, place);
    if !is_carried {
        steps.push(commands::acknowledge());
    }
    steps
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
    place: Place<'_>,
) -> Content {
    let what = "A new key was delivered to you. Fetch it, and use it wherever you use the old one, before that day.";
    let mut facts = vec![fact("Old key", key), fact("Disabled on", day(at))];
    facts.extend(last_used(last_use));
    Content {
        urgency: Urgency::Action,
        headline: format!("Your old access key {key} stops working on {}", day(at)),
        paragraphs: vec![what.to_owned()],
        facts,
        steps: commands::fetch(user, place),
    }
}

fn will_end_unregistered(
    key: &AccessKeyId,
    at: Timestamp,
    reason: &str,
    user: &User,
    place: Place<'_>,
) -> Content {
    let what = "It is older than a key may become, and can't be replaced without a usable OpenPGP certificate. \
                Register one before that day: then you get a new key instead.";
    Content {
        urgency: Urgency::Alarm,
        headline: format!("Your access key {key} stops working on {}", day(at)),
        paragraphs: vec![what.to_owned(), sentence(reason)],
        facts: vec![fact("Key", key), fact("Disabled on", day(at))],
        steps: commands::register(user, place),
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
        DisableReason::Unregistered => {
            "It is older than a key may become, and no usable OpenPGP certificate was registered to replace it. Once \
             you have registered one, ask an operator for a new key (`banto keys rotate`)."
        }
        DisableReason::Replaced => "It is encrypted to your former OpenPGP certificate.",
    };
    let kind = match reason {
        DisableReason::Unused => "unused",
        DisableReason::Unregistered => "overdue",
        DisableReason::Replaced => "new",
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
        steps: vec![commands::restore(user, key)],
    }
}

/// The end of a key that was not exposed.
fn disabled(
    key: &AccessKeyId,
    reason: DisableReason,
    restorable_until: Timestamp,
    last_use: Option<&LastUse>,
    user: &User,
) -> Content {
    match reason {
        DisableReason::Replaced => withdrawing(key),
        DisableReason::Deadline => disabling_by_deadline(key, restorable_until, last_use, user),
        _ => disabling(key, reason, restorable_until, last_use, user),
    }
}

fn withdrawing(key: &AccessKeyId) -> Content {
    let what = "It is encrypted to your former OpenPGP certificate, and nobody has used it. Another one follows, \
                encrypted to your new certificate. If you opened it already, wait for that one all the same.";
    Content {
        urgency: Urgency::Information,
        headline: format!("Your new access key {key} is withdrawn"),
        paragraphs: vec![what.to_owned()],
        facts: vec![fact("Withdrawn key", key)],
        steps: Vec::new(),
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
        steps: [commands::open(), vec![commands::restore(user, key)]].concat(),
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
        OtherKey::Sealed => commands::open(),
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
        (what, vec![commands::restore(user, key)])
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
