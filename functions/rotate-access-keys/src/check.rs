//! A second look at a plan: DESIGN's promises, derived anew from the snapshot and the plan alone.
//!
//! Shares nothing with `plan`, so that a mistake there is not repeated here. A plan with any breach is
//! refused whole: it is a bug, and access keys are at stake.

use std::collections::BTreeMap;
use std::fmt;

use banto_domain::policy::RotationPolicy;
use banto_domain::record::{LEASE, Record, Rotation};
use banto_domain::{AccessKeyId, Fingerprint, UserName};
use jiff::Timestamp;

use crate::event::Mode;
use crate::plan::{Action, Chain, OwnerNotice, Plan};
use crate::snapshot::{ACKNOWLEDGED_TAG, Certificate, PIN_TAG, Snapshot, Used, User};

/// A promise that a plan would break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The promise's number in the design: R1, R2 ...
    pub promise: &'static str,
    /// Whose keys are at stake.
    pub user: UserName,
    /// What the plan would do.
    pub what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.promise, self.user, self.what)
    }
}

/// A chain acted out on paper.
struct Rehearsal<'a> {
    user: &'a User,
    policy: &'a RotationPolicy,
    mode: Mode,
    now: Timestamp,
    /// Whether each key would be active; a key not yet created has no id.
    active: BTreeMap<Option<&'a AccessKeyId>, bool>,
    /// What the chain has told the owner so far.
    told: Vec<&'a OwnerNotice>,
    /// Whether an emergency or a hard deadline excuses a person without a key.
    excused: bool,
    breaches: Vec<Breach>,
}

/// Every breach of a promise that the plan would be.
pub fn check(
    snapshot: &Snapshot,
    plan: &Plan,
    policy: &RotationPolicy,
    now: Timestamp,
) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (index, chain) in plan.chains.iter().enumerate() {
        let Some(user) = snapshot.users.iter().find(|user| user.name == chain.user) else {
            breaches.push(Breach {
                promise: "R7",
                user: chain.user.clone(),
                what: "acts on a user nobody saw".into(),
            });
            continue;
        };
        if plan
            .chains
            .iter()
            .skip(index + 1)
            .any(|other| other.user == chain.user)
        {
            breaches.push(Breach {
                promise: "R5",
                user: chain.user.clone(),
                what: "has two chains".into(),
            });
        }
        breaches.extend(rehearse(user, chain, policy, snapshot.mode, now));
    }
    breaches
}

fn rehearse(
    user: &User,
    chain: &Chain,
    policy: &RotationPolicy,
    mode: Mode,
    now: Timestamp,
) -> Vec<Breach> {
    let active = user
        .keys
        .iter()
        .map(|key| (Some(&key.id), key.active))
        .collect();
    let mut rehearsal = Rehearsal {
        user,
        policy,
        mode,
        now,
        active,
        told: Vec::new(),
        excused: false,
        breaches: Vec::new(),
    };
    // Nobody has the secret of an orphan, so it was never usable.
    let is_orphan = |id: &AccessKeyId| {
        chain
            .actions
            .contains(&Action::DiscardOrphan { key: id.clone() })
    };
    let had_usable = user
        .keys
        .iter()
        .any(|key| key.active && !is_orphan(&key.id));
    for action in &chain.actions {
        rehearsal.act(action);
        if rehearsal.active.len() > 2 {
            rehearsal.breach("R2", "would have more than two keys".into());
        }
    }
    if had_usable && !rehearsal.has_usable() && !rehearsal.excused {
        rehearsal.breach("R1", "would be left without a usable key".into());
    }
    rehearsal.breaches
}

impl<'a> Rehearsal<'a> {
    fn act(&mut self, action: &'a Action) {
        match action {
            Action::DisableExposed { key } => {
                let noted = self
                    .user
                    .record()
                    .is_some_and(|record| record.exposed.contains(key));
                if self.mode != Mode::Emergency && !noted {
                    self.breach(
                        "R1",
                        format!("{key} disabled as exposed, but this is no emergency"),
                    );
                }
                self.excused = true;
                self.active.insert(Some(key), false);
            }
            Action::DiscardOrphan { key } => self.discard(key),
            Action::Issue {
                existing_keys,
                recipient,
                ..
            } => {
                if existing_keys
                    .iter()
                    .map(Some)
                    .ne(self.active.keys().copied())
                {
                    self.breach("R5", "the intent does not name the keys that exist".into());
                }
                self.issue(recipient);
            }
            Action::NotifyOwner(message) => self.told.push(message),
            Action::Disable { key } => self.disable(key),
            Action::Delete { key } => self.delete(key),
            Action::SaveRestored { .. } => {}
        }
    }

    fn issue(&mut self, recipient: &Fingerprint) {
        if self.rotation().is_some_and(|rotation| {
            rotation.issued.is_none() && self.now.duration_since(rotation.intended_at) < LEASE
        }) {
            self.breach("R5", "another run may be issuing a key".into());
        }
        let pinned = self
            .user
            .tags
            .get(PIN_TAG)
            .and_then(|pin| Fingerprint::from_human(pin).ok());
        let seen = match &self.user.certificate {
            Certificate::Usable { fingerprint, .. } => Some(fingerprint),
            Certificate::NotAsked | Certificate::Unknown(_) | Certificate::Refused { .. } => None,
        };
        if pinned.as_ref() != Some(recipient) || seen != Some(recipient) {
            self.breach(
                "R8",
                format!("would seal to {recipient}, which is not the pinned, usable certificate"),
            );
        }
        self.active.insert(None, true);
    }

    fn discard(&mut self, key: &'a AccessKeyId) {
        let Some((intent, orphan)) = self.rotation().zip(self.user.key(key)) else {
            return self.breach(
                "R2",
                format!("{key} discarded, but no intent could have lost it"),
            );
        };
        let after_intent = orphan.created_at.duration_since(intent.intended_at);
        let in_window = after_intent.abs() <= LEASE + LEASE;
        let has_envelope = self
            .user
            .record()
            .and_then(|record| record.envelope.as_ref())
            .is_some_and(|e| e.key == *key);
        if intent.existing_keys.contains(key)
            || intent.issued.is_some()
            || has_envelope
            || !in_window
        {
            self.breach("R2", format!("{key} discarded, but it is not the lost one"));
        }
        if orphan.used != Used::Never {
            self.breach(
                "R7",
                format!("{key} discarded, but it is not known to be unused"),
            );
        }
        if self.now.duration_since(intent.intended_at) < LEASE {
            self.breach(
                "R5",
                format!("{key} discarded while the run that made it may be at work"),
            );
        }
        self.active.remove(&Some(key));
    }

    fn disable(&mut self, key: &'a AccessKeyId) {
        let told_now = self.told.iter().any(
            |message| matches!(message, OwnerNotice::Disabling { key: told, .. } if told == key),
        );
        let said = |record: &Record| record.notified.contains_key(&format!("disabling:{key}"));
        if !told_now && !self.user.record().is_some_and(said) {
            self.breach("R1", format!("{key} disabled before its owner was told"));
        }
        let Some((rotation, new, delivered_at)) = self.rotation().and_then(|rotation| {
            let new = self.user.key(&rotation.issued.as_ref()?.key)?;
            Some((rotation, new, rotation.delivered_at?))
        }) else {
            return self.breach(
                "R1",
                format!("{key} disabled, but no new key was delivered"),
            );
        };
        let since_delivery = self.now.duration_since(delivered_at);
        let timings = self.policy.timings_for(self.user.attributes());
        let acknowledged =
            self.user.tags.get(ACKNOWLEDGED_TAG).map(String::as_str) == Some(new.id.as_str());
        let proven = acknowledged || matches!(new.used, Used::Last(_));
        let past_deadline = timings
            .deadline
            .is_some_and(|deadline| since_delivery >= deadline);
        if !new.active || new.id == *key || !rotation.existing_keys.contains(key) {
            self.breach(
                "R1",
                format!("{key} disabled, but {} does not stand in for it", new.id),
            );
        }
        if !(proven && since_delivery >= timings.grace || past_deadline) {
            self.breach(
                "R7",
                format!("{key} disabled, but {} is not known to be used", new.id),
            );
        }
        self.excused |= past_deadline;
        self.active.insert(Some(key), false);
    }

    fn delete(&mut self, key: &'a AccessKeyId) {
        let recovery = self.policy.timings_for(self.user.attributes()).recovery;
        let disabled_at = self
            .user
            .record()
            .and_then(|record| record.disabled.get(key));
        if self.user.key(key).is_none_or(|key| key.active) {
            self.breach("R2", format!("{key} deleted, but it is active"));
        }
        if disabled_at.is_none_or(|at| self.now.duration_since(*at) < recovery) {
            self.breach(
                "R2",
                format!("{key} deleted, but Banto did not disable it {recovery:#} ago"),
            );
        }
        self.active.remove(&Some(key));
    }

    fn rotation(&self) -> Option<&'a Rotation> {
        self.user
            .record()
            .and_then(|record| record.rotation.as_ref())
    }

    fn has_usable(&self) -> bool {
        self.active.values().any(|active| *active)
    }

    fn breach(&mut self, promise: &'static str, what: String) {
        self.breaches.push(Breach {
            promise,
            user: self.user.name.clone(),
            what,
        });
    }
}
