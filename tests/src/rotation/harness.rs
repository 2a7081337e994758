//! The function on the world in memory, and the promises held against every step.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use banto_domain::policy::{Policy, RotationTimings};
use banto_domain::record::Record;
use banto_domain::{AccessKeyId, UserName};
use banto_fake::{Call, KeyView, PolicyText, Run, UserView, View, World};
use banto_lambda::{Invocation, InvocationError, Response};
use banto_notice::NoticeSender;
use banto_seal::holder::{Holder, Kind, Lifetime};
use banto_seal::recipients_of;
use jiff::{SignedDuration, Timestamp};
use rotate_access_keys::Rotator;
use rotate_access_keys::ports::{Account, Ports};
use serde_json::{Value, json};

use crate::harness::Function;

/// Everyone's certificate: making one takes longer than all else here.
pub static HOLDER: LazyLock<Holder> = LazyLock::new(|| {
    let from = "2026-01-01T00:00:00Z".parse().unwrap();
    Holder::generate(
        "Alice <alice@example.com>",
        Kind::Curve25519,
        Lifetime { from, until: None },
    )
    .unwrap()
});

pub fn start() -> Timestamp {
    "2026-06-01T01:00:00Z".parse().unwrap()
}

pub fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

/// Read once: it is asked for at every crash point.
static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    PolicyText::least()
        .with_lines("rotation", "deadline_days = 14")
        .parse()
});

pub fn policy() -> Policy {
    POLICY.clone()
}

/// The function, on one run's view of the world.
pub fn rotator(run: &Arc<Run>, policy: &Policy) -> Rotator {
    let notice_sender = Arc::new(NoticeSender::new(
        run.clone(),
        run.clone(),
        run.clone(),
        policy.notices.clone(),
        run.clone(),
    ));
    let accounts = policy.rotation.accounts.iter().map(|identity| Account {
        identity: identity.clone(),
        ports: Ports {
            keys: run.clone(),
            records: run.clone(),
            certificates: run.clone(),
            notice_sender: notice_sender.clone(),
            clock: run.clone(),
        },
    });
    Rotator {
        accounts: accounts.collect(),
        policy: policy.rotation.clone(),
    }
}

impl Function for Policy {
    const HIDDEN: SignedDuration = SignedDuration::from_mins(30);

    async fn handle(
        &self,
        run: &Arc<Run>,
        event: &[u8],
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        rotator(run, self).handle(event, invocation).await
    }
}

pub fn everyone() -> Value {
    json!({})
}

pub fn asked(user: &UserName, mode: &str) -> Value {
    json!({ "users": [user], "mode": mode })
}

/// A user who has registered a certificate, and a key of that age.
pub fn add_registered(world: &World, name: &str, age: SignedDuration) -> (UserName, AccessKeyId) {
    let user = world.add_user(name);
    world.tag(&user, "banto:openpgp", HOLDER.fingerprint().as_str());
    world.put_certificate(&user, HOLDER.certificate().unwrap().as_bytes());
    let key = world.add_key(&user, age);
    (user, key)
}

/// The record of a user.
pub fn record(view: &View, user: &UserName) -> Option<Record> {
    view.users[user]
        .record
        .as_deref()
        .map(|text| Record::from_text(text).unwrap())
}

/// The secret that an owner finds in their envelope, as their OpenPGP program would show it.
pub fn opened(text: &str) -> BTreeMap<String, Value> {
    serde_json::from_slice(&HOLDER.open(text).unwrap()).unwrap()
}

/// Promises broken so far, as seen after every single effect.
#[derive(Clone, Default)]
pub struct Watch(Arc<Mutex<Vec<String>>>);

impl Watch {
    /// Watches a world. `excused` are the keys whose loss leaves a person without one: exposed
    /// ones.
    pub fn on(world: &World, policy: &Policy, emergency: bool) -> Self {
        let watch = Self::default();
        let broken = watch.0.clone();
        let timings = policy.rotation.timings.clone();
        let before = Mutex::new(world.view());
        world.watch(move |view, call| {
            let mut before = before.lock().unwrap();
            for (name, user) in &view.users {
                let was = before.users.get(name).unwrap_or(user);
                let mut found = promises(was, user, view.now, &timings);
                if !emergency && has_usable(was) && !has_usable(user) {
                    found.push("R1: left without a usable key".into());
                }
                let found = found
                    .into_iter()
                    .map(|what| format!("{name}, after {}: {what}", call.name));
                broken.lock().unwrap().extend(found);
            }
            *before = view.clone();
        });
        watch
    }

    pub fn broken(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// True if a person can use a key now: it is active, and they have its secret, or can open its
/// envelope.
pub fn has_usable(user: &UserView) -> bool {
    let sealed = user
        .record
        .as_deref()
        .and_then(|text| Record::from_text(text).ok()?.envelope);
    let sealed = sealed.map(|envelope| envelope.key);
    user.keys.iter().any(|(id, key)| {
        key.active && (!key.by_banto || key.used.is_some() || sealed.as_ref() == Some(id))
    })
}

fn promises(
    was: &UserView,
    is: &UserView,
    now: Timestamp,
    timings: &RotationTimings,
) -> Vec<String> {
    let mut broken = Vec::new();
    let record = is
        .record
        .as_deref()
        .map(|text| Record::from_text(text).unwrap());
    let old_record = was
        .record
        .as_deref()
        .map(|text| Record::from_text(text).unwrap());
    if is.keys.len() > 2 {
        broken.push("R2: more than two keys".into());
    }
    let is_orphan = |id: &AccessKeyId, key: &KeyView| {
        let sealed = old_record
            .as_ref()
            .and_then(|record| record.envelope.as_ref());
        key.by_banto && key.used.is_none() && sealed.is_none_or(|envelope| envelope.key != *id)
    };
    for (id, key) in was.keys.iter().filter(|(id, _)| !is.keys.contains_key(*id)) {
        if key.active {
            broken.push(format!("R2: {id} deleted while active"));
        }
        let disabled_at = old_record
            .as_ref()
            .and_then(|record| record.disabled.get(id));
        if !is_orphan(id, key)
            && disabled_at.is_none_or(|at| now.duration_since(*at) < timings.recovery)
        {
            broken.push(format!("R2: {id} deleted too early"));
        }
    }
    // Two keys that Banto made and that nobody has used would be two issued for one need.
    let fresh = is
        .keys
        .iter()
        .filter(|(_, key)| key.by_banto && key.active && key.used.is_none());
    let newly_created = is.keys.keys().any(|id| !was.keys.contains_key(id));
    if newly_created && fresh.count() > 1 {
        broken.push("R5: a second key issued".into());
    }
    if let Some(envelope) = record.and_then(|record| record.envelope) {
        if recipients_of(&envelope.armored).map_or(0, |recipients| recipients.len()) != 1 {
            broken.push("R8: the envelope has not one recipient".into());
        }
        // Opening takes longer than all else, so only a new envelope is opened.
        let is_new = old_record.and_then(|record| record.envelope).as_ref() != Some(&envelope);
        match is.keys.get(&envelope.key).filter(|_| is_new) {
            Some(key) if opened(&envelope.armored)["SecretAccessKey"] != key.secret => {
                broken.push("R8: the envelope holds another key".into());
            }
            _ => {}
        }
        if is.record_reader.is_none() {
            broken.push("the record is readable by everyone".into());
        }
    }
    broken
}

/// The calls that were made, one a line, for a failing test's message.
pub fn story(calls: &[Call]) -> String {
    calls
        .iter()
        .map(|call| format!("{} {} {}\n", call.at, call.name, call.subject))
        .collect()
}
