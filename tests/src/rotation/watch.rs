//! The promises held against every step that the function makes.
//!
//! A person's own act is no breach of the function's: it is seen, and what the function does next
//! is judged against what it left. Where people act in the middle of a run, R1 is judged at the
//! run's end, since a step that is undone at once harms nobody for longer than that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use banto_domain::policy::{Policy, RotationTimings};
use banto_domain::record::Record;
use banto_domain::{AccessKeyId, UserName};
use banto_fake::{Call, KeyView, UserView, View, World};
use banto_seal::recipients_of;
use jiff::Timestamp;

use super::harness::{SUCCESSOR, hours, opened_by};

/// The part of the promises that a world excuses, or holds the function to besides.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// True if a hard deadline may leave a person without a key.
    pub deadline: bool,
    /// True if people act in the middle of runs.
    pub people_act: bool,
    /// Keys that are exposed: their loss leaves nobody without a key, and they end for good (R9).
    pub exposed: BTreeSet<AccessKeyId>,
    /// New keys that nobody used and that come anew: they may be deleted once they were disabled,
    /// and recorded so, for as long as IAM may show a use late.
    pub replaced: BTreeSet<AccessKeyId>,
    /// True if the user leaves, or left: that may leave a person without a key.
    pub leaves: bool,
    /// The moment before which nothing is sealed to the certificate that replaces the user's own.
    pub counts_from: Option<Timestamp>,
}

/// Promises broken so far, as seen after every single effect.
#[derive(Clone)]
pub struct Watch(Arc<Mutex<Seen>>);

struct Seen {
    terms: Terms,
    timings: RotationTimings,
    before: View,
    /// The keys of each user that the function ended in this run.
    ended: BTreeMap<UserName, BTreeSet<AccessKeyId>>,
    /// True if a person acted after that, and the function did not look again: what it did was
    /// right when it last knew.
    acted_unseen: bool,
    broken: Vec<String>,
}

impl Watch {
    /// Watches a world.
    pub fn on(world: &World, policy: &Policy, terms: Terms) -> Self {
        let watch = Self(Arc::new(Mutex::new(Seen {
            terms,
            timings: policy.rotation.timings.clone(),
            before: world.view(),
            ended: BTreeMap::new(),
            acted_unseen: false,
            broken: Vec::new(),
        })));
        let seen = watch.clone();
        world.watch(move |view, call| seen.seen().see(view, call));
        watch
    }

    /// Judges what can only be judged at the end of a run.
    pub fn run_ended(&self) {
        self.seen().judge_run();
    }

    pub fn broken(&self) -> Vec<String> {
        self.seen().broken.clone()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap()
    }
}

impl Seen {
    fn see(&mut self, view: &View, call: &Call) {
        match call.name {
            Call::PERSON => self.acted_unseen = self.has_ended_a_key(),
            "iam:ListAccessKeys" => self.acted_unseen = false,
            _ => {}
        }
        if view.users == self.before.users {
            return;
        }
        let before = std::mem::replace(&mut self.before, view.clone());
        if call.name == Call::PERSON {
            return;
        }
        for (name, user) in &view.users {
            let Some(was) = before.users.get(name).filter(|was| *was != user) else {
                continue;
            };
            let step = Step {
                call: call.name,
                was,
                is: user,
                now: view.now,
            };
            let found = self.judge(name, &step);
            let place = |what| format!("{name}, after {}: {what}", call.name);
            self.broken.extend(found.into_iter().map(place));
        }
    }

    fn judge(&mut self, name: &UserName, step: &Step<'_>) -> Vec<String> {
        let ended = step.ended();
        let harmed = ended.difference(&step.exposed(&self.terms)).count() > 0;
        self.ended.entry(name.clone()).or_default().extend(ended);
        let mut broken = Vec::new();
        let is_excused = self.terms.people_act || self.terms.deadline || self.terms.leaves;
        if harmed && !is_excused && step.loses_the_last_key() {
            broken.push("R1: left without a usable key".to_owned());
        }
        broken.extend(step.deletions(&self.terms, &self.timings));
        broken.extend(step.creations());
        broken.extend(step.of_leaver());
        broken.extend(step.envelope(&self.terms));
        broken.extend(step.revived(&self.terms));
        broken
    }

    fn has_ended_a_key(&self) -> bool {
        self.ended.values().any(|keys| !keys.is_empty())
    }

    fn judge_run(&mut self) {
        let ended = std::mem::take(&mut self.ended);
        let is_judged = self.terms.people_act && !std::mem::take(&mut self.acted_unseen);
        for (name, keys) in ended.iter().filter(|_| is_judged) {
            let Some(user) = self.before.users.get(name) else {
                continue;
            };
            let exposed = exposed_keys(user, &self.terms);
            let stays_ended = |key: &&AccessKeyId| {
                !exposed.contains(*key)
                    && !self.terms.replaced.contains(*key)
                    && !user.keys.get(*key).is_some_and(|key| key.active)
            };
            let lost: Vec<_> = keys.iter().filter(stays_ended).collect();
            let is_excused = self.terms.deadline || self.terms.leaves;
            if !lost.is_empty() && !has_usable(user) && !is_excused {
                let what = format!("{name}: R1: left without a usable key, {lost:?} ended");
                self.broken.push(what);
            }
        }
    }
}

/// What one effect changed of one user.
struct Step<'a> {
    call: &'static str,
    was: &'a UserView,
    is: &'a UserView,
    now: Timestamp,
}

impl Step<'_> {
    /// The keys that worked, and no longer do.
    fn ended(&self) -> BTreeSet<AccessKeyId> {
        let works = |id: &AccessKeyId| self.is.keys.get(id).is_some_and(|key| key.active);
        let ended = self.was.keys.iter().filter(|(_, key)| key.active);
        ended
            .map(|(id, _)| id.clone())
            .filter(|id| !works(id))
            .collect()
    }

    fn exposed(&self, terms: &Terms) -> BTreeSet<AccessKeyId> {
        let mut exposed = exposed_keys(self.was, terms);
        exposed.extend(exposed_keys(self.is, terms));
        exposed
    }

    fn loses_the_last_key(&self) -> bool {
        has_usable(self.was) && !has_usable(self.is)
    }

    /// R2: what is deleted was no orphan, not exposed, and not disabled long enough.
    fn deletions(&self, terms: &Terms, timings: &RotationTimings) -> Vec<String> {
        let record = record_of(self.was);
        let exposed = self.exposed(terms);
        let mut broken = Vec::new();
        for (id, key) in &self.was.keys {
            if self.is.keys.contains_key(id) {
                continue;
            }
            if key.active {
                broken.push(format!("R2: {id} deleted while active"));
            }
            let disabled_at = record.as_ref().and_then(|record| record.disabled.get(id));
            let recovery = match terms.replaced.contains(id) && key.used.is_none() {
                true => hours(4),
                false => timings.recovery,
            };
            let is_late = disabled_at.is_some_and(|at| self.now.duration_since(*at) >= recovery);
            if !is_late && !exposed.contains(id) && !is_orphan(record.as_ref(), id, key) {
                broken.push(format!("R2: {id} deleted too early"));
            }
        }
        broken
    }

    /// R2 and R5: two keys at most, and not two that were issued for one need.
    fn creations(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let is_new = |id: &&AccessKeyId| !self.was.keys.contains_key(*id);
        if !self.is.keys.keys().any(|id| is_new(&id)) {
            return broken;
        }
        if self.is.keys.len() > 2 {
            broken.push("R2: more than two keys".to_owned());
        }
        let fresh = self.is.keys.values();
        let fresh = fresh.filter(|key| key.by_banto && key.active && key.used.is_none());
        if fresh.count() > 1 {
            broken.push("R5: a second key issued".to_owned());
        }
        broken
    }

    /// R11: whoever is recorded as left gets no key, but for one that another run had recorded its
    /// intent of before.
    fn of_leaver(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let is_out = |record: &Record| record.left.is_some() && record.intent.is_none();
        let was_out = record_of(self.was).as_ref().is_some_and(is_out);
        if was_out && self.call == "iam:CreateAccessKey" {
            broken.push("R11: whoever left is issued a key".to_owned());
        }
        broken
    }

    /// R8: a new envelope has one recipient, the pinned one, who finds the key in it.
    fn envelope(&self, terms: &Terms) -> Vec<String> {
        let mut broken = Vec::new();
        if self.was.record == self.is.record {
            return broken;
        }
        let earlier = record_of(self.was).and_then(|record| record.envelope);
        let Some(envelope) = record_of(self.is).and_then(|record| record.envelope) else {
            return broken;
        };
        // A secret has no resource policy at the moment of its creation: the next call sets it.
        if self.is.record_reader.is_none() && self.call != "secretsmanager:CreateSecret" {
            broken.push("R8: the record is readable by everyone".to_owned());
        }
        // Opening takes longer than all else, so only a new envelope is opened.
        if earlier.as_ref() == Some(&envelope) {
            return broken;
        }
        if recipients_of(&envelope.armored).map_or(0, |recipients| recipients.len()) != 1 {
            broken.push("R8: the envelope has not one recipient".to_owned());
        }
        let Some(opened) = opened_by(self.is, &envelope.armored) else {
            // A person who pins another one meanwhile gets a key anew.
            if !terms.people_act {
                let what = "R8: whoever pinned the certificate can't open the envelope";
                broken.push(what.to_owned());
            }
            return broken;
        };
        match self.is.keys.get(&envelope.key) {
            Some(key) if opened["SecretAccessKey"] != key.secret => {
                broken.push("R8: the envelope holds another key".to_owned());
            }
            _ => {}
        }
        let is_early = terms.counts_from.is_some_and(|from| self.now < from);
        if is_early && SUCCESSOR.open(&envelope.armored).is_ok() {
            broken.push("R8: sealed to a certificate that does not count yet".to_owned());
        }
        broken
    }

    /// R9: an exposed key that ended never works again.
    fn revived(&self, terms: &Terms) -> Vec<String> {
        let mut broken = Vec::new();
        for id in exposed_keys(self.was, terms) {
            let works = |user: &UserView| user.keys.get(&id).is_some_and(|key| key.active);
            if works(self.is) && !works(self.was) {
                broken.push(format!("R9: {id} is exposed, and active again"));
            }
        }
        broken
    }
}

fn record_of(user: &UserView) -> Option<Record> {
    Record::from_text(user.record.as_deref()?).ok()
}

fn exposed_keys(user: &UserView, terms: &Terms) -> BTreeSet<AccessKeyId> {
    let mut exposed = terms.exposed.clone();
    exposed.extend(
        record_of(user)
            .into_iter()
            .flat_map(|record| record.exposed),
    );
    exposed
}

/// True if nobody can have the key's secret: the function made it, and no envelope holds it.
fn is_orphan(record: Option<&Record>, id: &AccessKeyId, key: &KeyView) -> bool {
    key.by_banto && key.used.is_none() && !record.is_some_and(|record| record.issued(id))
}

/// True if a person can use a key now: it is active and not exposed, and they have its secret, or
/// can open its envelope.
pub fn has_usable(user: &UserView) -> bool {
    let record = record_of(user);
    let sealed = record.as_ref().and_then(|record| record.envelope.as_ref());
    let sealed = sealed.filter(|envelope| is_to_be_opened(user, record.as_ref(), &envelope.key));
    let is_exposed = |id| {
        record
            .as_ref()
            .is_some_and(|record| record.exposed.contains(id))
    };
    user.keys.iter().any(|(id, key)| {
        let has_secret = !key.by_banto
            || key.used.is_some()
            || sealed.is_some_and(|envelope| envelope.key == *id);
        key.active && !is_exposed(id) && has_secret
    })
}

/// True unless the key is sealed to a certificate that the user has replaced since: whoever can't
/// open it any more has said so by that.
fn is_to_be_opened(user: &UserView, record: Option<&Record>, key: &AccessKeyId) -> bool {
    let rotation = record.and_then(|record| record.rotation.as_ref());
    let recipient = rotation
        .filter(|rotation| rotation.issued.key == *key)
        .map(|rotation| rotation.intent.recipient.as_str());
    let pin = user.tags.get("banto:openpgp").map(String::as_str);
    recipient.is_none() || pin.is_none() || recipient == pin
}
