//! Where each user stands, as values: pure.

use banto_domain::policy::{RotationPolicy, RotationTimings};
use banto_domain::record::Record;
use banto_domain::{Fingerprint, UserName};
use jiff::Timestamp;
use rotate_access_keys::notices;
use rotate_access_keys::plan::WaitReason;
use rotate_access_keys::snapshot::{Certificate, Key, PIN_TAG, StoredRecord, User};
use serde::Serialize;

use super::look::Looked;
use super::words;
use crate::dates;

/// The need of a user, the most pressing first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Need {
    /// Nothing goes on until a person does something.
    Person,
    /// A key is older than the policy lets it become.
    Late,
    /// A rotation is under way.
    Moving,
    /// Nothing is to be done.
    Fine,
}

/// Where one user stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    pub(crate) user: UserName,
    pub(crate) need: Need,
    /// Each key with its age, and whether it works.
    pub(crate) keys: Vec<KeyRow>,
    pub(crate) state: String,
    pub(crate) next: String,
    pub(crate) certificate: String,
}

/// A key of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyRow {
    pub(crate) id: String,
    pub(crate) active: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) days: i64,
}

/// A row for each user who was looked at, those who need a person first.
pub(crate) fn rows(looked: &Looked, policy: &RotationPolicy) -> Vec<Row> {
    let users = looked.observed.snapshot.users.iter();
    let mut rows: Vec<Row> = users.map(|user| row(looked, user, policy)).collect();
    rows.sort_by(|one, other| (one.need, &one.user).cmp(&(other.need, &other.user)));
    rows
}

fn row(looked: &Looked, user: &User, policy: &RotationPolicy) -> Row {
    let now = looked.now;
    let timings = policy.timings_for(user.attributes());
    let days = |key: &Key| now.duration_since(key.created_at).as_hours() / 24;
    let keys = user.keys.iter().map(|key| KeyRow {
        id: key.id.to_string(),
        active: key.active,
        created_at: key.created_at,
        days: days(key),
    });
    Row {
        user: user.name.clone(),
        need: need(looked, user, timings),
        keys: keys.collect(),
        state: state(user, timings, now),
        next: next(looked, user, timings),
        certificate: certificate(user, now),
    }
}

/// The oldest key that works.
fn oldest(user: &User) -> Option<&Key> {
    user.keys.iter().find(|key| key.active)
}

fn need(looked: &Looked, user: &User, timings: &RotationTimings) -> Need {
    let mut findings = looked.plan.findings.iter();
    let is_unknown = matches!(
        user.record,
        StoredRecord::Unreadable(_) | StoredRecord::Denied(_)
    );
    if is_unknown || findings.any(|finding| finding.user == user.name) {
        return Need::Person;
    }
    let is_due = oldest(user)
        .is_some_and(|key| looked.now.duration_since(key.created_at) > timings.rotate_after);
    let record = user.record();
    let is_moving = record.is_some_and(|record| record.open);
    match (is_due, user.rotation()) {
        (true, None) => Need::Late,
        (true, Some(rotation)) if rotation.delivered_at.is_none() => Need::Late,
        (true, Some(_)) => Need::Moving,
        (false, _) if is_moving || !looked_deeds(looked, user).is_empty() => Need::Moving,
        (false, _) => Need::Fine,
    }
}

/// What is the matter, in a few words.
fn state(user: &User, timings: &RotationTimings, now: Timestamp) -> String {
    match &user.record {
        StoredRecord::Denied(_) => return "record not readable to you".to_owned(),
        StoredRecord::Unreadable(_) => return "record not believed".to_owned(),
        _ => {}
    }
    let ago = |at: Timestamp| dates::distance(at, now);
    if let Some(record) = user.record() {
        if let Some(left) = &record.left {
            return format!("left {}", ago(left.at));
        }
        if let Some(emergency) = &record.emergency {
            return format!("exposed, ended {}", ago(emergency.contained_at));
        }
        if let Some(owed) = &record.owed {
            return format!("is owed a new key, asked for {}", ago(owed.asked_at));
        }
        if let Some(state) = rotation_state(user, record, now) {
            return state;
        }
    }
    let Some(key) = oldest(user) else {
        return "no key works".to_owned();
    };
    let age = now.duration_since(key.created_at);
    if age >= timings.rotate_after {
        "due".to_owned()
    } else if age >= timings.warning_age() {
        "due soon".to_owned()
    } else {
        "in order".to_owned()
    }
}

/// The step that a rotation is at, unless it is over.
fn rotation_state(user: &User, record: &Record, now: Timestamp) -> Option<String> {
    let rotation = record.rotation.as_ref()?;
    let new = user.key(&rotation.issued.key)?;
    if rotation.withdrawn_at.is_some() {
        return Some("new key withdrawn".to_owned());
    }
    if !new.active {
        return None;
    }
    let old = |key: &&Key| rotation.intent.existing_keys.contains(&key.id);
    let mut olds = user.keys.iter().filter(old);
    match (rotation.delivered_at, rotation.proven_at) {
        (None, _) => Some("new key made, not delivered".to_owned()),
        (Some(at), None) => {
            let since = dates::distance(at, now);
            Some(format!("new key delivered {since}, unused"))
        }
        (Some(_), Some(_)) if olds.clone().any(|key| key.active) => {
            Some("new key in use, old one rests".to_owned())
        }
        (Some(_), Some(_)) => olds.next().map(|_| "old key disabled".to_owned()),
    }
}

/// The deeds of the next run for a user, in words: what concerns keys or people.
fn looked_deeds(looked: &Looked, user: &User) -> Vec<String> {
    let mut chains = looked.plan.chains.iter();
    let chain = chains.find(|chain| chain.user == user.name);
    let actions = chain.iter().flat_map(|chain| &chain.actions);
    let deeds = actions.filter(|action| !words::is_bookkeeping(action));
    deeds
        .map(|action| words::action(action, looked.now))
        .collect()
}

/// What happens next, and when: what a person must see to, then the next run's deeds, then what is
/// waited for, then dates.
fn next(looked: &Looked, user: &User, timings: &RotationTimings) -> String {
    if matches!(user.record, StoredRecord::Denied(_)) {
        return "look with Banto's role (--assume) or the one for break-glass".to_owned();
    }
    let mut findings = looked.plan.findings.iter();
    if let Some(finding) = findings.find(|finding| finding.user == user.name) {
        return notices::finding(&user.name, &finding.kind);
    }
    let deeds = looked_deeds(looked, user);
    if let Some(first) = deeds.first() {
        let more = deeds.len() - 1;
        return match more {
            0 => format!("the next run {first}"),
            _ => format!("the next run {first}, and {more} more"),
        };
    }
    let mut waiting = looked.plan.waiting.iter();
    if let Some(waiting) = waiting.find(|waiting| waiting.user.as_ref() == Some(&user.name)) {
        let end = end_of_old(user, timings).filter(|_| is_for_proof(&waiting.reason));
        let end = end.map(|at| format!("; the old one ends {}", dates::in_words(at, looked.now)));
        let words = notices::waiting(&waiting.reason);
        return format!("waits: {words}{}", end.unwrap_or_default());
    }
    if let Some((key, at)) = deletion(user, timings) {
        return format!("{key} is deleted {}", dates::in_words(at, looked.now));
    }
    oldest(user).map_or_else(String::new, |key| {
        let at = later(key.created_at, timings.rotate_after);
        format!("replaced {}", dates::in_words(at, looked.now))
    })
}

fn is_for_proof(reason: &WaitReason) -> bool {
    matches!(reason, WaitReason::Proof { .. })
}

/// The deadline of an old key, where its owner is known to have been reached.
fn end_of_old(user: &User, timings: &RotationTimings) -> Option<Timestamp> {
    let rotation = user.rotation()?;
    let reached = user.record()?.reached_at(&rotation.issued.key)?;
    Some(later(
        reached.max(rotation.delivered_at?),
        timings.deadline?,
    ))
}

/// The disabled key that is deleted first, and the earliest moment of it.
fn deletion(user: &User, timings: &RotationTimings) -> Option<(String, Timestamp)> {
    let disabled = user.record()?.disabled.iter();
    let mut disabled: Vec<_> = disabled
        .filter(|(key, _)| user.key(key).is_some_and(|key| !key.active))
        .collect();
    disabled.sort_by_key(|(_, at)| **at);
    let (key, at) = disabled.first()?;
    Some((key.to_string(), later(**at, timings.recovery)))
}

/// A moment so much later, or the last that there is.
fn later(at: Timestamp, by: jiff::SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// The certificate of a user, as far as it was looked at.
fn certificate(user: &User, now: Timestamp) -> String {
    match &user.certificate {
        Certificate::Usable {
            fingerprint,
            expires_soon,
            ..
        } => {
            let expires = expires_soon.map(|at| format!(", expires {}", dates::in_words(at, now)));
            format!(
                "{}{}",
                words::short(fingerprint),
                expires.unwrap_or_default()
            )
        }
        Certificate::Refused { code, .. } => format!("not usable: {code}"),
        Certificate::Unknown(_) => "not readable".to_owned(),
        Certificate::NotAsked => {
            let tag = user.tags.get(PIN_TAG);
            let pinned = tag.and_then(|tag| Fingerprint::from_human(tag).ok());
            pinned.map_or_else(|| "none pinned".to_owned(), |pinned| words::short(&pinned))
        }
    }
}
