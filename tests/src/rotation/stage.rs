//! The function on the world in memory, and the promises held against every step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use banto_domain::policy::{IdentityAccount, NoticePolicy, Pace, Policy, RotationPolicy};
use banto_domain::record::Record;
use banto_domain::{AccessKeyId, UserName};
use banto_fake::{Call, Driven, Fault, KeyView, Run, UserView, View, World, drive};
use banto_notice::NoticeSender;
use banto_seal::holder::{Holder, Kind, Lifetime};
use banto_seal::recipients_of;
use banto_shell::{Answer, Failure, Invocation};
use jiff::{SignedDuration, Timestamp};
use rotate_access_keys::{Account, Rotator};
use serde_json::{Value, json};

/// Everyone's certificate: making one takes longer than all else here.
pub static HOLDER: LazyLock<Holder> = LazyLock::new(|| {
    let from = "2026-01-01T00:00:00Z".parse().unwrap();
    Holder::generate("Alice <alice@example.com>", Kind::Curve25519, Lifetime { from, until: None }).unwrap()
});

pub fn start() -> Timestamp {
    "2026-06-01T01:00:00Z".parse().unwrap()
}

pub fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

pub fn policy() -> Policy {
    Policy {
        rotation: RotationPolicy {
            enabled: true,
            accounts: vec![IdentityAccount {
                id: "111122223333".parse().unwrap(),
                role: "arn:aws:iam::111122223333:role/banto/rotate-access-keys".parse().unwrap(),
                assume: false,
                certificate_bucket: "certificates".into(),
                certificate_prefix: "certs/".into(),
            }],
            pace: Pace { deadline: Some(days(14)), ..Pace::default() },
            machines: None,
            max_users_per_run: 25,
            canaries: BTreeSet::new(),
            windows: Vec::new(),
            exemptions: Vec::new(),
        },
        onboarding: None,
        compliance: None,
        notices: NoticePolicy {
            operators_topic: "arn:aws:sns:eu-west-1:111122223333:operators".parse().unwrap(),
            owners_topic: "arn:aws:sns:eu-west-1:111122223333:owners".parse().unwrap(),
            slack: None,
            queue: None,
        },
    }
}

/// The function, on one run's view of the world.
pub fn rotator(run: &Arc<Run>, policy: &Policy) -> Rotator {
    let accounts = policy.rotation.accounts.iter().map(|identity| Account {
        identity: identity.clone(),
        keys: run.clone(),
        records: run.clone(),
        certificates: run.clone(),
    });
    Rotator {
        accounts: accounts.collect(),
        notice_sender: NoticeSender::new(run.clone(), run.clone(), run.clone(), policy.notices.clone(), run.clone()),
        clock: run.clone(),
        policy: policy.clone(),
    }
}

/// The function's answer to an event.
pub type Handled = Driven<Result<Answer, Failure>>;

/// Handles one event in the world; a fault befalls it if one is given.
pub fn handle_with(world: &Arc<World>, policy: &Policy, event: &Value, fault: Option<Fault>) -> (Handled, Arc<Run>) {
    let run = world.run(fault);
    let rotator = rotator(&run, policy);
    let invocation = Invocation::for_tests(&format!("run-{}", world.calls().len()), Duration::from_secs(900));
    let event = event.to_string();
    (drive(&run, rotator.handle(event.as_bytes(), &invocation)), run)
}

/// Handles one event that is expected to succeed, and returns the response.
pub fn handle(world: &Arc<World>, policy: &Policy, event: &Value) -> Value {
    match handle_with(world, policy, event, None).0 {
        Driven::Done(Ok(answer)) => answer.response,
        Driven::Done(Err(failure)) => panic!("{}: {failure}", failure.kind),
        Driven::Cancelled => panic!("cancelled without a fault"),
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
    view.users[user].record.as_deref().map(|text| Record::from_text(text).unwrap())
}

/// The secret that an owner finds in their envelope, as their OpenPGP program would show it.
pub fn opened(text: &str) -> BTreeMap<String, Value> {
    serde_json::from_slice(&HOLDER.open(text).unwrap()).unwrap()
}

/// Promises broken so far, as seen after every single effect.
#[derive(Clone, Default)]
pub struct Watch(Arc<Mutex<Vec<String>>>);

impl Watch {
    /// Watches a world. `excused` are the keys whose loss leaves a person without one: exposed ones.
    pub fn on(world: &World, policy: &Policy, emergency: bool) -> Self {
        let watch = Self::default();
        let broken = watch.0.clone();
        let pace = policy.rotation.pace.clone();
        let before = Mutex::new(world.view());
        world.watch(move |view, call| {
            let mut before = before.lock().unwrap();
            for (name, user) in &view.users {
                let was = before.users.get(name).unwrap_or(user);
                let mut found = promises(was, user, view.now, &pace);
                if !emergency && has_usable(was) && !has_usable(user) {
                    found.push("R1: left without a usable key".into());
                }
                let found = found.into_iter().map(|what| format!("{name}, after {}: {what}", call.name));
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

/// Whether a person can use a key now: it is active, and they have its secret, or can open its envelope.
pub fn has_usable(user: &UserView) -> bool {
    let sealed = user.record.as_deref().and_then(|text| Record::from_text(text).ok()?.envelope);
    let sealed = sealed.map(|envelope| envelope.key);
    user.keys.iter().any(|(id, key)| key.active && (!key.by_banto || key.used.is_some() || sealed.as_ref() == Some(id)))
}

fn promises(was: &UserView, is: &UserView, now: Timestamp, pace: &Pace) -> Vec<String> {
    let mut broken = Vec::new();
    let record = is.record.as_deref().map(|text| Record::from_text(text).unwrap());
    let old_record = was.record.as_deref().map(|text| Record::from_text(text).unwrap());
    if is.keys.len() > 2 {
        broken.push("R2: more than two keys".into());
    }
    let is_orphan = |id: &AccessKeyId, key: &KeyView| {
        let sealed = old_record.as_ref().and_then(|record| record.envelope.as_ref());
        key.by_banto && key.used.is_none() && sealed.is_none_or(|envelope| envelope.key != *id)
    };
    for (id, key) in was.keys.iter().filter(|(id, _)| !is.keys.contains_key(*id)) {
        if key.active {
            broken.push(format!("R2: {id} deleted while active"));
        }
        let disabled_at = old_record.as_ref().and_then(|record| record.disabled.get(id));
        if !is_orphan(id, key) && disabled_at.is_none_or(|at| now.duration_since(*at) < pace.recovery) {
            broken.push(format!("R2: {id} deleted too early"));
        }
    }
    // Two keys that Banto made and that nobody has used would be two issued for one need.
    let fresh = is.keys.iter().filter(|(_, key)| key.by_banto && key.active && key.used.is_none());
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

/// What happened in the world, call by call, for a failing test's message.
pub fn story(calls: &[Call]) -> String {
    calls.iter().map(|call| format!("{} {} {}\n", call.at, call.name, call.subject)).collect()
}
