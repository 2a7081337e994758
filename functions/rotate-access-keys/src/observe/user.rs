//! Looks at one user: live calls, and what depends on the record.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::record::{LEASE, Record, Rotation};
use banto_domain::{GroupName, UserId, UserName};
use banto_ports::{ErrorKind, LiveKey, PortError};
use banto_seal::Recipient;
use jiff::{SignedDuration, Timestamp};

use super::certificate;
use crate::event::Mode;
use crate::job::Job;
use crate::ports::Ports;
use crate::snapshot::{Certificate, Key, StoredRecord, Used, User};

/// Time after an intent in which a key that appeared is looked at as its possible orphan. It is
/// twice the lease, and so more than the planner asks about: no key that it needs is left out here.
const ORPHAN_SEARCH: SignedDuration = SignedDuration::from_mins(2 * LEASE.as_mins());

/// Looks at one user; `None` if there is none of that name.
pub(super) async fn observe_user(
    ports: &Ports,
    job: &Job<'_>,
    name: &UserName,
    groups: &BTreeMap<GroupName, BTreeSet<UserName>>,
    now: Timestamp,
) -> Result<Option<(User, Option<Recipient>)>, PortError> {
    let live = match ports.keys.user(name).await {
        Ok(live) => live,
        Err(error) if error.kind == ErrorKind::Missing => return Ok(None),
        Err(error) => return Err(error),
    };
    // The record before the keys: if another run changes both in between, the record is the stale
    // one, and whatever is planned on it is refused when its next version is written.
    let record = parse_record(ports.records.read(name).await?, &live.id);
    let mut user = User {
        name: name.clone(),
        groups: groups_of(name, groups),
        id: live.id,
        arn: live.arn,
        path: live.path,
        tags: live.tags,
        keys: observe_keys(ports, name).await?,
        record,
        certificate: Certificate::NotAsked,
    };
    observe_usage(ports, &mut user).await;
    let mut recipient = None;
    if may_need_key(job, &user, now) {
        (user.certificate, recipient) =
            certificate::observe_certificate(ports, job, &user, now).await;
    }
    Ok(Some((user, recipient)))
}

fn groups_of(
    name: &UserName,
    groups: &BTreeMap<GroupName, BTreeSet<UserName>>,
) -> BTreeSet<GroupName> {
    let mut member_of = BTreeSet::new();
    for (group, members) in groups {
        if members.contains(name) {
            member_of.insert(group.clone());
        }
    }
    member_of
}

fn parse_record(text: Option<String>, user_id: &UserId) -> StoredRecord {
    let Some(text) = text else {
        return StoredRecord::Absent;
    };
    match Record::from_text(&text) {
        Ok(record) if record.user_id == *user_id => StoredRecord::Own(record),
        Ok(record) => StoredRecord::FormerUser(record),
        Err(error) => StoredRecord::Unreadable(error.to_string()),
    }
}

/// The user's keys, oldest first.
async fn observe_keys(ports: &Ports, name: &UserName) -> Result<Vec<Key>, PortError> {
    let live = ports.keys.keys(name).await?;
    let mut keys: Vec<Key> = live.into_iter().map(key_of_unknown_use).collect();
    keys.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
    Ok(keys)
}

fn key_of_unknown_use(live: LiveKey) -> Key {
    Key {
        id: live.id,
        active: live.active,
        created_at: live.created_at,
        used: Used::Unknown,
    }
}

/// Asks whether a key was used, where the plan depends on it.
async fn observe_usage(ports: &Ports, user: &mut User) {
    let Some(rotation) = user.rotation().cloned() else {
        return;
    };
    let has_old_key = user
        .keys
        .iter()
        .any(|key| rotation.existing_keys.contains(&key.id));
    for key in &mut user.keys {
        if !is_new_key(&rotation, has_old_key, key) && !may_be_orphan(&rotation, key) {
            continue;
        }
        // Not to know is an answer: nothing is done that depends on it.
        if let Ok(usage) = ports.keys.usage(&key.id).await {
            key.used = usage.last.map_or(Used::Never, Used::Last);
        }
    }
}

/// True if the key is the new one of a rotation that still has an old one to retire.
fn is_new_key(rotation: &Rotation, has_old_key: bool, key: &Key) -> bool {
    let issued = rotation.issued.as_ref();
    has_old_key && issued.is_some_and(|issued| issued.key == key.id)
}

/// True if the key may be the orphan of an interrupted issue.
fn may_be_orphan(rotation: &Rotation, key: &Key) -> bool {
    rotation.issued.is_none()
        && !rotation.existing_keys.contains(&key.id)
        && key.created_at.duration_since(rotation.intended_at) <= ORPHAN_SEARCH
}

/// True if this run may want to issue the user a key, or warn of it.
fn may_need_key(job: &Job<'_>, user: &User, now: Timestamp) -> bool {
    let warning_age = job.policy.timings_for(user.attributes()).warning_age();
    let exposed = user.record().map(|record| &record.exposed);
    job.scope.mode() != Mode::Due
        || user.keys.iter().any(|key| {
            let nears_end = key.active && now.duration_since(key.created_at) >= warning_age;
            nears_end || exposed.is_some_and(|exposed| exposed.contains(&key.id))
        })
}
