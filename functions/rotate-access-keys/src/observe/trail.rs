//! CloudTrail's history: who created the keys around an interrupted issue, and what was done with
//! exposed keys.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::record::{CLOCK_SKEW, LEASE, Record};
use banto_domain::{AccessKeyId, CredentialId, UserName};
use banto_ports::Activity;
use jiff::Timestamp;

use super::look::Look;
use crate::event::Mode;
use crate::snapshot::{Creations, TrailLook, User};
use crate::trail_times::{BESIDE, TRAIL_LAG, shifted};

/// The moment from which on what was done with an exposed credential matters.
pub(super) fn before(since: Timestamp) -> Timestamp {
    shifted(since, -BESIDE)
}

/// True if an event of this moment may not show yet.
pub(super) fn may_show_late(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at) < TRAIL_LAG
}

/// Asks who created keys around an interrupted issue, if there is a key to be explained.
pub(super) async fn creations(look: &Look<'_>, user: &User) -> Creations {
    let Some(intent) = user.intent() else {
        return Creations::NotAsked;
    };
    let is_to_be_explained =
        |key: &AccessKeyId| !intent.existing_keys.contains(key) && !is_issued(user.record(), key);
    if intent.may_be_under_way(look.now) || !user.keys.iter().any(|key| is_to_be_explained(&key.id))
    {
        return Creations::NotAsked;
    }
    let from = shifted(intent.intended_at, -CLOCK_SKEW);
    let until = shifted(intent.intended_at, LEASE + CLOCK_SKEW);
    match look.ports.trail.key_creations(from, until).await {
        Err(error) => Creations::Unknown(error.to_string()),
        Ok(creations) => {
            let mut seen = BTreeMap::new();
            for creation in creations {
                if creation.user == user.name {
                    seen.insert(creation.key, creation.by_role);
                }
            }
            Creations::Seen(seen)
        }
    }
}

fn is_issued(record: Option<&Record>, key: &AccessKeyId) -> bool {
    record.is_some_and(|record| record.issued(key))
}

/// Asks what was done with the user's exposed keys, unless that is known for good.
pub(super) async fn exposed_activity(look: &Look<'_>, user: &User) -> TrailLook {
    let keys = keys_to_ask_about(look, user);
    let sessions = look.chosen.sessions.get(&user.name);
    if keys.is_empty() && sessions.is_none() {
        return TrailLook::NotAsked;
    }
    let emergency = user.record().and_then(|record| record.emergency.as_ref());
    let asked_at = look.job.asked.at;
    let exposure = look.job.scope.exposure();
    let named = exposure.map(|exposure| exposure.began(asked_at));
    let since = named.or(emergency.map(|emergency| emergency.since));
    let since = since.unwrap_or(asked_at);
    let mut activities = sessions.cloned().unwrap_or_default();
    for key in keys {
        let credential = CredentialId::from(&key);
        match look.ports.trail.activity(&credential, before(since)).await {
            Err(error) => return TrailLook::Unknown(error.to_string()),
            Ok(activity) => activities.push(activity),
        }
    }
    merged(activities)
}

fn merged(activities: Vec<Activity>) -> TrailLook {
    let mut made = BTreeMap::new();
    let (mut assumed, mut is_complete) = (BTreeSet::new(), true);
    for activity in activities {
        is_complete &= activity.is_complete;
        made.extend(made_keys(&activity));
        assumed.extend(activity.assumed);
    }
    TrailLook::Seen {
        made,
        assumed,
        is_complete,
    }
}

fn made_keys(activity: &Activity) -> Vec<(AccessKeyId, UserName)> {
    let created = activity.created.iter();
    created
        .map(|creation| (creation.key.clone(), creation.user.clone()))
        .collect()
}

/// The exposed keys of the user about which CloudTrail must still be asked.
fn keys_to_ask_about(look: &Look<'_>, user: &User) -> BTreeSet<AccessKeyId> {
    let mut keys = BTreeSet::new();
    let exposure = look.job.scope.exposure();
    let record = user.record();
    if record.is_some_and(|record| needs_a_look(record, look.now)) {
        keys.extend(record.into_iter().flat_map(|record| record.exposed.clone()));
    }
    let is_known = |key: &AccessKeyId| record.is_some_and(|record| record.exposed.contains(key));
    for key in &user.keys {
        // Where no key was named, each from before the emergency is suspect.
        let is_named = exposure.is_some_and(|exposure| exposure.keys.contains(&key.id));
        let is_suspect = look.job.scope.mode() == Mode::Emergency
            && exposure.is_none()
            && key.created_at < look.job.asked.at;
        if (is_named || is_suspect) && !is_known(&key.id) {
            keys.insert(key.id.clone());
        }
    }
    keys
}

/// True if CloudTrail was not asked late enough to show all that was done with the exposed keys.
fn needs_a_look(record: &Record, now: Timestamp) -> bool {
    let Some(emergency) = &record.emergency else {
        return false;
    };
    let shows_all_at = shifted(emergency.contained_at, TRAIL_LAG);
    let looked_at = emergency.looked_at;
    looked_at.is_none_or(|at| at < shows_all_at && now >= shows_all_at)
}
