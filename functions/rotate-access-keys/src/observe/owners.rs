//! The owners of exposed credentials, and what has no owner here.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::record::{IAM_LAG, Record};
use banto_domain::{AccessKeyId, CredentialId, SessionKeyId, UserName};
use banto_ports::{Activity, ErrorKind, KeyOwner};
use jiff::Timestamp;

use super::look::add_not_observed;
use super::trail;
use crate::event::Exposure;
use crate::ports::Ports;
use crate::snapshot::{Contained, Snapshot, Stranger};

/// The owners of the keys that AWS named. A key whose owner can't be found out was not observed;
/// nor was one that IAM does not show, for as long as it may show late (R7).
pub(super) async fn of_keys(
    ports: &Ports,
    contained: &[Contained],
    now: Timestamp,
    snapshot: &mut Snapshot,
) -> BTreeSet<UserName> {
    let mut owners = BTreeSet::new();
    let mut gone = BTreeSet::new();
    for Contained { key, owner, .. } in contained {
        let key = key.clone();
        match owner {
            Ok(KeyOwner::User(user)) => drop(owners.insert(user.clone())),
            Ok(KeyOwner::Root) => snapshot.strangers.push(Stranger::RootKey { key }),
            Err(error) if error.kind == ErrorKind::Missing => drop(gone.insert(key)),
            Err(error) => add_not_observed(snapshot, key.as_str(), &error.to_string()),
        }
    }
    owners.extend(of_gone_keys(ports, gone, now, snapshot).await);
    owners
}

/// The owners of keys that no user has. An earlier run may have deleted one to make room: the open
/// record of its owner knows it as exposed for as long as the emergency lasts.
async fn of_gone_keys(
    ports: &Ports,
    mut gone: BTreeSet<AccessKeyId>,
    now: Timestamp,
    snapshot: &mut Snapshot,
) -> BTreeSet<UserName> {
    let mut owners = BTreeSet::new();
    if gone.is_empty() {
        return owners;
    }
    let open = match ports.records.open().await {
        Ok(open) => open,
        Err(error) => {
            add_not_observed(snapshot, "the open records", &error.to_string());
            return owners;
        }
    };
    for user in open.users {
        // A record that can't be read costs one line too many to operators, and nothing else.
        let stored = ports.records.read(&user).await.ok().flatten();
        let record = stored.and_then(|stored| Record::from_text(&stored.text).ok());
        let Some(record) = record else { continue };
        if !record.exposed.is_disjoint(&gone) {
            gone.retain(|key| !record.exposed.contains(key));
            owners.insert(user);
        }
    }
    for key in gone {
        match last_user_of(ports, &key, snapshot).await {
            Some(user) => {
                snapshot.exposed_sessions.insert(user.clone());
                owners.insert(user);
            }
            // Absence is unknown for as long as IAM may lag (R7).
            None if now.duration_since(snapshot.asked.at) < IAM_LAG => {
                add_not_observed(snapshot, key.as_str(), "IAM does not show whose key it is");
            }
            None => snapshot.strangers.push(Stranger::NoOwner { key }),
        }
    }
    owners
}

/// The user who had a key that is gone, by what CloudTrail saw done with it.
async fn last_user_of(
    ports: &Ports,
    key: &AccessKeyId,
    snapshot: &mut Snapshot,
) -> Option<UserName> {
    let since = snapshot.exposed_since.unwrap_or(snapshot.asked.at);
    let credential = CredentialId::from(key);
    match ports
        .trail
        .activity(&credential, trail::before(since))
        .await
    {
        Ok(activity) => activity.user,
        Err(error) => {
            add_not_observed(snapshot, key.as_str(), &error.to_string());
            None
        }
    }
}

/// The present owners of keys that were made with exposed ones. CloudTrail knows the name that a
/// user had then.
pub(super) async fn of_made_keys(
    ports: &Ports,
    made: &BTreeSet<AccessKeyId>,
    snapshot: &mut Snapshot,
) -> BTreeSet<UserName> {
    let mut owners = BTreeSet::new();
    for key in made {
        match ports.keys.usage(key).await.map(|usage| usage.owner) {
            Ok(KeyOwner::User(user)) => drop(owners.insert(user)),
            Ok(KeyOwner::Root) => {
                let key = key.clone();
                snapshot.strangers.push(Stranger::RootKey { key });
            }
            Err(error) if error.kind == ErrorKind::Missing => {
                snapshot.gone_keys.insert(key.clone());
            }
            Err(error) => add_not_observed(snapshot, key.as_str(), &error.to_string()),
        }
    }
    owners
}

/// The users whose sessions AWS named, each with what CloudTrail saw done with them.
pub(super) async fn of_sessions(
    ports: &Ports,
    exposure: &Exposure,
    now: Timestamp,
    snapshot: &mut Snapshot,
) -> BTreeMap<UserName, Vec<Activity>> {
    let mut owners: BTreeMap<UserName, Vec<Activity>> = BTreeMap::new();
    let since = exposure.began(snapshot.asked.at);
    for session in &exposure.sessions {
        let credential = CredentialId::from(session);
        match ports
            .trail
            .activity(&credential, trail::before(since))
            .await
        {
            Err(error) => add_not_observed(snapshot, session.as_str(), &error.to_string()),
            Ok(activity) => match (activity.user.clone(), activity.role.clone()) {
                (Some(user), _) => owners.entry(user).or_default().push(activity),
                (None, Some(role)) => {
                    let session = session.clone();
                    let stranger = Stranger::RoleSession { session, role };
                    snapshot.strangers.push(stranger);
                }
                (None, None) => add_unknown(session, now, snapshot),
            },
        }
    }
    snapshot.exposed_sessions.extend(owners.keys().cloned());
    owners
}

/// A session that CloudTrail does not know may show later.
fn add_unknown(session: &SessionKeyId, now: Timestamp, snapshot: &mut Snapshot) {
    if trail::may_show_late(snapshot.asked.at, now) {
        let why = "CloudTrail does not show yet whose session it is";
        add_not_observed(snapshot, session.as_str(), why);
    } else {
        let session = session.clone();
        let stranger = Stranger::UnknownSession { session };
        snapshot.strangers.push(stranger);
    }
}

/// Adds what an event names besides credentials, or that it names nothing.
pub(super) fn strangers(exposure: &Exposure, snapshot: &mut Snapshot) {
    let code = &exposure.code;
    for what in &exposure.others {
        let (code, what) = (code.clone(), what.clone());
        snapshot.strangers.push(Stranger::Unknown { code, what });
    }
    if exposure.is_nameless() {
        let code = code.clone();
        snapshot.strangers.push(Stranger::Nameless { code });
    }
}
