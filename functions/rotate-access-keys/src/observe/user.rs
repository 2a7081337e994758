//! Looks at one user: live calls, and what depends on the record.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::record::Record;
use banto_domain::{AccessKeyId, GroupName, UserName};
use banto_ports::{ErrorKind, LiveKey, LiveUser, PortError};
use banto_seal::Recipient;

use super::look::Look;
use super::renamed::Found;
use super::{certificate, renamed, stored, trail};
use crate::event::Mode;
use crate::snapshot::{Key, StoredRecord, Used, User};

/// The result of a look at a name.
pub(super) enum Seen {
    User(Box<SeenUser>),
    /// There is an open record, and its user is gone.
    Gone,
    Nobody,
}

/// A user, and the recipient if a key can be sealed to the user's certificate.
pub(super) struct SeenUser {
    pub(super) user: User,
    pub(super) recipient: Option<Recipient>,
    /// The keys whose last use could not be read, and why.
    pub(super) uses_not_read: Vec<(AccessKeyId, PortError)>,
}

/// Looks at one user, under this name or, if an open record is kept under it, a later one.
pub(super) async fn look_at_user(look: &Look<'_>, name: &UserName) -> Result<Seen, PortError> {
    let is_open = look.chosen.open.contains(name);
    let found = match look.ports.keys.user(name).await {
        Ok(live) => Some(live),
        Err(error) if error.kind == ErrorKind::Missing => None,
        Err(error) => return Err(error),
    };
    match found {
        Some(live) if live.name == *name || !is_open => look_at(look, live, None).await,
        None if !is_open => Ok(Seen::Nobody),
        // IAM finds a user whatever the case of the letters; the secret's name has the old one.
        _ => match renamed::find(look, name).await? {
            Found::User(found) => {
                let (live, record) = *found;
                look_at(look, live, Some((name.clone(), record))).await
            }
            Found::Gone => Ok(Seen::Gone),
            Found::NoRecord => Ok(Seen::Nobody),
        },
    }
}

/// True if the run ends keys, whatever else can't be known.
fn ends_at_once(look: &Look<'_>) -> bool {
    matches!(look.job.scope.mode(), Mode::Emergency | Mode::Leave)
}

async fn look_at(
    look: &Look<'_>,
    live: LiveUser,
    earlier: Option<(UserName, Record)>,
) -> Result<Seen, PortError> {
    let name = live.name.clone();
    // The record before the keys: if another run changes both in between, the record is the stale
    // one, and whatever is planned on it is refused when its next version is written.
    let record = match stored::read(look, &name, &live.id).await {
        Ok(stored) => stored,
        // No record stands between an exposed or a leaver's key and its end.
        Err(error) if ends_at_once(look) => StoredRecord::Unreadable(error.to_string()),
        Err(error) => return Err(error),
    };
    let mut user = User {
        tags: live.tags,
        groups: groups_of(&name, &look.chosen.groups),
        keys: look_at_keys(look, &name).await?,
        marked_open: look.chosen.open.contains(&name),
        left_open: earlier.as_ref().map(|(from, _)| from.clone()),
        record: with_earlier(record, earlier),
        ..User::new(name, live.id, live.arn, &live.path)
    };
    let uses_not_read = look_at_usage(look, &mut user).await;
    user.creations = trail::creations(look, &user).await;
    user.trail = trail::exposed_activity(look, &user).await;
    certificate::acknowledged(look, &mut user).await;
    let mut recipient = None;
    if may_need_key(look, &user) {
        let looked = certificate::look_at_certificate(look, &user).await;
        user.certificate = looked.certificate;
        user.seen_certificate = looked.seen;
        recipient = looked.recipient;
    }
    Ok(Seen::User(Box::new(SeenUser {
        user,
        recipient,
        uses_not_read,
    })))
}

/// The record to go on from, where an earlier one is kept under another name. One that the user
/// has under the present name is the later of the two, unless it tells of notices alone: then
/// nobody saw the earlier one when it was begun.
fn with_earlier(stored: StoredRecord, earlier: Option<(UserName, Record)>) -> StoredRecord {
    match (stored, earlier) {
        (StoredRecord::Absent, Some((from, record))) => StoredRecord::Renamed {
            from,
            record,
            sequence: None,
        },
        (StoredRecord::FormerUser(former), Some((from, record))) => StoredRecord::Renamed {
            from,
            record,
            sequence: Some(former.sequence),
        },
        (StoredRecord::Own(own), Some((from, earlier))) if tells_of_notices_alone(&own) => {
            let mut record = earlier;
            record.notified.extend(own.notified);
            StoredRecord::Renamed {
                from,
                record,
                sequence: Some(own.sequence),
            }
        }
        (StoredRecord::Own(own), Some((from, earlier))) if is_later(&earlier, &own) => {
            StoredRecord::Renamed {
                from,
                record: earlier,
                sequence: Some(own.sequence),
            }
        }
        (stored, _) => stored,
    }
}

/// True if the record under the earlier name is the later one: the user was renamed there and back.
fn is_later(earlier: &Record, own: &Record) -> bool {
    earlier.open && !own.open && earlier.latest_date() > own.latest_date()
}

fn tells_of_notices_alone(record: &Record) -> bool {
    record.keys().is_empty()
        && record.intent.is_none()
        && record.owed.is_none()
        && record.left.is_none()
        && record.emergency.is_none()
        && record.envelope.is_none()
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

/// The user's keys, oldest first.
async fn look_at_keys(look: &Look<'_>, name: &UserName) -> Result<Vec<Key>, PortError> {
    let live = look.ports.keys.keys(name).await?;
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

/// Asks whether a key was used, where the plan depends on it. Returns the keys of which it can't be
/// known: nothing is done that depends on it, which people have to hear of if it lasts.
async fn look_at_usage(look: &Look<'_>, user: &mut User) -> Vec<(AccessKeyId, PortError)> {
    let asked: BTreeSet<_> = user
        .keys
        .iter()
        .filter(|key| depends_on_usage(look, user, key))
        .map(|key| key.id.clone())
        .collect();
    let mut not_read = Vec::new();
    for key in &mut user.keys {
        if !asked.contains(&key.id) {
            continue;
        }
        match look.ports.keys.usage(&key.id).await {
            Ok(usage) => key.used = usage.last.map_or(Used::Never, Used::Last),
            // The key was deleted meanwhile, or IAM does not show it yet.
            Err(error) if error.kind == ErrorKind::Missing => {}
            Err(error) => not_read.push((key.id.clone(), error)),
        }
    }
    not_read
}

fn depends_on_usage(look: &Look<'_>, user: &User, key: &Key) -> bool {
    is_of_open_rotation(user, key)
        || may_be_orphan(user, key)
        || may_be_retired(look, user, key)
        || is_to_be_reported(look, user)
}

/// True if the user left, and operators do not know yet what of.
fn is_to_be_reported(look: &Look<'_>, user: &User) -> bool {
    is_leaver(look, user) && !user.record().is_some_and(Record::is_leave_reported)
}

fn is_leaver(look: &Look<'_>, user: &User) -> bool {
    let mode = look.job.scope.mode();
    let is_recorded = user.record().is_some_and(|record| record.left.is_some());
    mode == Mode::Leave || (is_recorded && mode != Mode::Restore)
}

/// True if the key is the new one of a rotation and not proven, or one on either side of a rotation
/// that still has an old one to disable. One that a person deactivated is still to be recorded.
fn is_of_open_rotation(user: &User, key: &Key) -> bool {
    let Some(rotation) = user.rotation() else {
        return false;
    };
    let is_recorded = |key: &Key| {
        user.record()
            .is_some_and(|record| record.disabled.contains_key(&key.id))
    };
    let is_old = |key: &Key| {
        let is_to_end = key.active || !is_recorded(key);
        rotation.intent.existing_keys.contains(&key.id) && is_to_end
    };
    let is_new = rotation.issued.key == key.id;
    let retires = user.keys.iter().any(is_old);
    is_new && rotation.proven_at.is_none() || retires && (is_new || is_old(key))
}

/// True if the key may be the orphan of an interrupted issue.
fn may_be_orphan(user: &User, key: &Key) -> bool {
    let is_issued = user.record().is_some_and(|record| record.issued(&key.id));
    user.intent().is_some_and(|intent| {
        !intent.existing_keys.contains(&key.id)
            && !is_issued
            && intent.window_contains(key.created_at)
    })
}

/// True if the key is due, and the policy retires keys that nobody uses.
fn may_be_retired(look: &Look<'_>, user: &User, key: &Key) -> bool {
    let timings = look.job.policy.timings_for(user.attributes());
    let age = look.now.duration_since(key.created_at);
    timings.retire_unused_after.is_some() && key.active && age >= timings.warning_age()
}

/// True if this run may want to issue the user a key, warn of it, or tell of a new certificate.
fn may_need_key(look: &Look<'_>, user: &User) -> bool {
    if is_leaver(look, user) {
        return false;
    }
    let mode = look.job.scope.mode();
    let warning_age = look.job.policy.timings_for(user.attributes()).warning_age();
    let is_owed = user.record().is_some_and(|record| {
        record.owed.is_some() || record.intent.is_some() || !record.exposed.is_empty()
    });
    let nears_end = |key: &Key| {
        let age = look.now.duration_since(key.created_at);
        key.active && age >= warning_age && !has_successor(user, key)
    };
    let is_asked_for = matches!(mode, Mode::Force | Mode::Emergency | Mode::Approve);
    let is_new = certificate::pins_another(user) || certificate::is_sealed_to_a_former(user);
    is_asked_for || is_owed || is_new || user.keys.iter().any(nears_end)
}

/// True if the key is an old one of a rotation whose new key is there and works.
fn has_successor(user: &User, key: &Key) -> bool {
    user.rotation().is_some_and(|rotation| {
        let is_new = |key: &Key| key.id == rotation.issued.key && key.active;
        rotation.intent.existing_keys.contains(&key.id) && user.keys.iter().any(is_new)
    })
}
