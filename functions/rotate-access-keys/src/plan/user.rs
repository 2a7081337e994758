//! The plan of one user.
//!
//! Read [`plan`] first: it is the life of a rotation, from its last steps to its first.

use std::collections::BTreeSet;

use banto_domain::AccessKeyId;
use banto_domain::policy::{RotationPolicy, RotationTimings};
use banto_domain::record::{Reason, Record, Rotation};
use jiff::{SignedDuration, Timestamp};

use super::{
    Action, Chain, DisableReason, Finding, FindingKind, OwnerNotice, Plan, WaitReason, Waiting,
    rotation_of,
};
use crate::event::Mode;
use crate::snapshot::{ACKNOWLEDGED_TAG, Certificate, Key, Snapshot, StoredRecord, Used, User};

/// How long a delivered key may stay unused before people are told, where no deadline is set.
const UNUSED_AFTER: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Daily runs don't start on the same second; a reminder given this much late still counts.
const RUN_JITTER: SignedDuration = SignedDuration::from_hours(1);

/// How long Lambda keeps an asynchronous event that it retries. (Lambda developer guide, "Asynchronous
/// invocation": at most 6 hours.)
const EVENT_LIFE: SignedDuration = SignedDuration::from_hours(6);

/// What a user's plan is made from, besides the user.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) policy: &'a RotationPolicy,
    pub(super) snapshot: &'a Snapshot,
    pub(super) now: Timestamp,
}

/// A user's plan in the making.
struct Planner<'a> {
    context: &'a Context<'a>,
    user: &'a User,
    record: Option<&'a Record>,
    timings: &'a RotationTimings,
    /// The keys that will be left once the actions so far are done.
    keys: Vec<&'a Key>,
    actions: Vec<Action>,
    found: Vec<FindingKind>,
    waiting: Vec<WaitReason>,
}

/// Adds the plan of one user.
pub(super) fn plan(plan: &mut Plan, user: &User, context: &Context<'_>) {
    let mut planner = Planner {
        context,
        user,
        record: user.record(),
        timings: context.policy.timings_for(user.attributes()),
        keys: user.keys.iter().collect(),
        actions: Vec::new(),
        found: Vec::new(),
        waiting: Vec::new(),
    };
    planner.plan();
    let name = || user.name.clone();
    if !planner.actions.is_empty() {
        plan.chains.push(Chain {
            user: name(),
            actions: planner.actions,
        });
    }
    let said = |what: &FindingKind| {
        user.record()
            .is_some_and(|record| record.notified.contains_key(&what.id()))
    };
    plan.findings
        .extend(planner.found.into_iter().map(|kind| Finding {
            user: name(),
            notified: said(&kind),
            kind,
        }));
    plan.waiting
        .extend(planner.waiting.into_iter().map(|reason| Waiting {
            user: Some(name()),
            reason,
        }));
}

impl<'a> Planner<'a> {
    fn plan(&mut self) {
        let exposed = self.disable_exposed();
        if let StoredRecord::Unreadable(why) = &self.user.record {
            return self
                .found
                .push(FindingKind::UnreadableRecord { why: why.clone() });
        }
        if self.context.snapshot.mode != Mode::Emergency
            && let Some(exemption) = self
                .context
                .policy
                .exemption_of(self.user.attributes(), self.context.now)
        {
            let reason = exemption.reason.clone();
            return self.waiting.push(WaitReason::ExemptionEnds {
                at: exemption.until,
                reason,
            });
        }
        if !self.settle_intent() {
            return;
        }
        self.retire_disabled();
        if self.owes_new_key(&exposed) {
            return self.issue(Reason::Emergency);
        }
        match rotation_of(self.user).filter(|rotation| self.is_in_progress(rotation)) {
            Some(rotation) => self.carry_on(rotation),
            None if self.context.snapshot.mode == Mode::Emergency => {}
            None => self.begin(),
        }
    }

    // --- Emergencies -------------------------------------------------------------------------

    /// Disables the exposed keys before anything else, and tells their owner. Returns them.
    fn disable_exposed(&mut self) -> BTreeSet<AccessKeyId> {
        let is_exposed = self.exposed_keys();
        let exposed: Vec<&Key> = self
            .keys
            .iter()
            .copied()
            .filter(|key| is_exposed.contains(&key.id))
            .collect();
        let to_disable = exposed
            .iter()
            .filter(|key| key.active || !self.is_settled(&key.id));
        let to_disable: Vec<_> = to_disable
            .map(|key| Action::DisableExposed {
                key: key.id.clone(),
            })
            .collect();
        self.actions.extend(to_disable);
        let keys: BTreeSet<_> = exposed.iter().map(|key| key.id.clone()).collect();
        if !keys.is_empty() && !matches!(self.user.record, StoredRecord::Unreadable(_)) {
            let has_other = self
                .keys
                .iter()
                .any(|key| key.active && !keys.contains(&key.id));
            self.tell_once(OwnerNotice::Exposed {
                keys: keys.clone(),
                has_other,
            });
        }
        keys
    }

    /// The keys that are taken for exposed: those that were named; else, if only the user was named,
    /// every key from before the emergency. Asking twice must not disable the key issued in between.
    fn exposed_keys(&self) -> BTreeSet<AccessKeyId> {
        if self.context.snapshot.mode != Mode::Emergency {
            // What an earlier run noted and did not get to do.
            let noted = self.record.into_iter().flat_map(|record| &record.exposed);
            return noted.filter(|id| !self.is_settled(id)).cloned().collect();
        }
        if !self.context.snapshot.exposed.is_empty() {
            return self.context.snapshot.exposed.clone();
        }
        match rotation_of(self.user) {
            Some(rotation)
                if rotation.reason == Reason::Emergency
                    && self.has_any(&rotation.existing_keys) =>
            {
                rotation.existing_keys.clone()
            }
            _ => self.keys.iter().map(|key| key.id.clone()).collect(),
        }
    }

    /// Whether an emergency took the user's last working key.
    fn owes_new_key(&self, exposed: &BTreeSet<AccessKeyId>) -> bool {
        let taken = |key: &Key| {
            exposed.contains(&key.id)
                || self
                    .record
                    .is_some_and(|record| record.exposed.contains(&key.id))
        };
        let works = |key: &Key| key.active && !exposed.contains(&key.id);
        self.keys.iter().any(|key| taken(key)) && !self.keys.iter().any(|key| works(key))
    }

    // --- After a crash -----------------------------------------------------------------------

    /// Settles an intent that came to nothing: a run recorded it and stored no envelope.
    /// Returns whether there is more to plan.
    fn settle_intent(&mut self) -> bool {
        let Some(rotation) = rotation_of(self.user).filter(|rotation| rotation.issued.is_none())
        else {
            return true;
        };
        if rotation.may_be_under_way(self.context.now) {
            self.waiting.push(WaitReason::OtherRun);
            return false;
        }
        let sealed = self
            .record
            .and_then(|record| record.envelope.as_ref())
            .map(|envelope| &envelope.key);
        let candidates: Vec<&Key> = (self.keys.iter().copied())
            .filter(|key| !rotation.existing_keys.contains(&key.id) && sealed != Some(&key.id))
            .filter(|key| rotation.window_contains(key.created_at))
            .collect();
        match candidates.as_slice() {
            [] => true,
            [key] => match key.used {
                // Whoever acknowledged it has seen it.
                Used::Never if !self.is_acknowledged(&key.id) => {
                    self.actions.push(Action::DiscardOrphan {
                        key: key.id.clone(),
                    });
                    self.keys.retain(|kept| kept.id != key.id);
                    true
                }
                // Somebody has its secret, so it is not the one that was lost.
                Used::Never | Used::Last(_) => true,
                Used::Unknown => {
                    self.waiting.push(WaitReason::Usage {
                        key: key.id.clone(),
                    });
                    false
                }
            },
            several => {
                let keys = several.iter().map(|key| key.id.clone()).collect();
                self.found.push(FindingKind::AmbiguousOrphan { keys });
                false
            }
        }
    }

    // --- The end of a key --------------------------------------------------------------------

    /// Leads every key that Banto disabled to its end, or notes that a person restored it.
    fn retire_disabled(&mut self) {
        let Some(record) = self.record else { return };
        for (id, disabled_at) in &record.disabled {
            let Some(key) = self.keys.iter().copied().find(|key| key.id == *id) else {
                continue;
            };
            if !key.active {
                self.retire(key, *disabled_at);
            } else if !self.is_being_disabled(id) {
                self.actions.push(Action::SaveRestored { key: id.clone() });
                self.found.push(FindingKind::Restored { key: id.clone() });
            }
        }
        // Said already, or said now: a restored key stays a finding until a person settles it.
        for id in &record.restored {
            if self.keys.iter().any(|key| key.id == *id && key.active) {
                self.found.push(FindingKind::Restored { key: id.clone() });
            }
        }
    }

    /// Reminds of the deletion, then deletes.
    fn retire(&mut self, key: &'a Key, disabled_at: Timestamp) {
        let now = self.context.now;
        let due_at = disabled_at + self.timings.recovery;
        let reminder = OwnerNotice::WillBeDeleted {
            key: key.id.clone(),
            at: due_at.max(now + self.timings.remind_before),
        };
        let Some(reminded_at) = self.said_at(&reminder) else {
            if now >= due_at - self.timings.remind_before {
                self.tell_once(reminder);
            }
            return;
        };
        if now >= due_at && now >= reminded_at + self.timings.remind_before - RUN_JITTER {
            self.tell_once(OwnerNotice::Deleting {
                key: key.id.clone(),
            });
            self.actions.push(Action::Delete {
                key: key.id.clone(),
            });
            self.keys.retain(|kept| kept.id != key.id);
        }
    }

    // --- A rotation in progress --------------------------------------------------------------

    /// Whether the rotation still has an old key to retire.
    fn is_in_progress(&self, rotation: &Rotation) -> bool {
        let is_live = |id: &AccessKeyId| self.keys.iter().any(|key| key.id == *id);
        let is_left = |id: &AccessKeyId| {
            is_live(id)
                && !self
                    .record
                    .is_some_and(|record| record.restored.contains(id))
        };
        rotation.issued.as_ref().is_some_and(|issued| {
            is_live(&issued.key)
                && (rotation.delivered_at.is_none() || rotation.existing_keys.iter().any(is_left))
        })
    }

    /// Delivers the new key, waits for proof that it is used, then retires the old ones.
    fn carry_on(&mut self, rotation: &Rotation) {
        let Some(issued) = &rotation.issued else {
            return;
        };
        let Some(new) = self.keys.iter().copied().find(|key| key.id == issued.key) else {
            return;
        };
        if !new.active || self.is_being_disabled(&new.id) {
            return self.found.push(FindingKind::NewKeyInactive {
                key: new.id.clone(),
            });
        }
        let Some(delivered_at) = rotation.delivered_at else {
            return self.tell_issued(rotation.reason, &rotation.existing_keys);
        };
        let old: Vec<&Key> = (self.keys.iter().copied())
            .filter(|key| rotation.existing_keys.contains(&key.id) && key.id != issued.key)
            .filter(|key| !self.is_settled(&key.id) && !self.is_being_disabled(&key.id))
            .collect();
        for key in old {
            self.retire_old(key, new, delivered_at);
        }
    }

    /// Whether the key was disabled once: it is retired from then on, or a person has restored it.
    fn is_settled(&self, id: &AccessKeyId) -> bool {
        self.record
            .is_some_and(|record| record.disabled.contains_key(id) || record.restored.contains(id))
    }

    /// Disables an old key once the new one is proven and its grace is over, or at the deadline.
    fn retire_old(&mut self, old: &Key, new: &Key, delivered_at: Timestamp) {
        let now = self.context.now;
        let proof = self.proof_of(new);
        match (proof, self.timings.deadline) {
            (Some(because), _) if now >= delivered_at + self.timings.grace => {
                self.disable(old, because)
            }
            (None, Some(deadline)) => self.approach_deadline(old, new, delivered_at + deadline),
            (None, None) if now >= delivered_at + UNUSED_AFTER => {
                self.found.push(FindingKind::NewKeyUnused {
                    key: new.id.clone(),
                });
            }
            (Some(_) | None, _) => self.waiting.push(WaitReason::Proof {
                key: new.id.clone(),
            }),
        }
    }

    fn proof_of(&self, new: &Key) -> Option<DisableReason> {
        match &new.used {
            Used::Last(_) => Some(DisableReason::NewKeyUsed),
            Used::Never | Used::Unknown => self
                .is_acknowledged(&new.id)
                .then_some(DisableReason::Acknowledged),
        }
    }

    fn is_acknowledged(&self, id: &AccessKeyId) -> bool {
        self.user
            .tags
            .get(ACKNOWLEDGED_TAG)
            .is_some_and(|acknowledged| acknowledged == id.as_str())
    }

    /// Reminds of the deadline, then disables.
    fn approach_deadline(&mut self, old: &Key, new: &Key, deadline: Timestamp) {
        let now = self.context.now;
        let at = deadline.max(now + self.timings.remind_before);
        let reminder = OwnerNotice::WillBeDisabled {
            key: old.id.clone(),
            at,
        };
        match self.said_at(&reminder) {
            None if now >= deadline - self.timings.remind_before => self.tell_once(reminder),
            Some(reminded_at)
                if now >= deadline
                    && now >= reminded_at + self.timings.remind_before - RUN_JITTER =>
            {
                self.disable(old, DisableReason::Deadline);
            }
            None | Some(_) => self.waiting.push(WaitReason::Proof {
                key: new.id.clone(),
            }),
        }
    }

    fn disable(&mut self, old: &Key, reason: DisableReason) {
        let key = old.id.clone();
        let restorable_until = self.context.now + self.timings.recovery;
        self.tell_once(OwnerNotice::Disabling {
            key: key.clone(),
            reason,
            restorable_until,
        });
        self.actions.push(Action::Disable { key });
    }

    // --- The beginning of a rotation ---------------------------------------------------------

    /// Warns of a rotation, begins it, or says what stands in its way.
    fn begin(&mut self) {
        let works = |key: &&Key| key.active && !self.is_being_disabled(&key.id);
        let active: Vec<&Key> = self.keys.iter().copied().filter(works).collect();
        let forced = self.context.snapshot.mode == Mode::Force;
        match active.as_slice() {
            [] if forced => self.issue(Reason::Forced),
            [] => {}
            [key] if forced && self.was_just_issued(key) => self.waiting.push(WaitReason::Proof {
                key: key.id.clone(),
            }),
            [_] if forced => self.issue(Reason::Forced),
            [key] => {
                let age = self.context.now.duration_since(key.created_at);
                if age >= self.timings.rotate_after {
                    self.issue(Reason::Due);
                } else if age >= self.timings.warning_age() {
                    self.warn(key);
                }
            }
            several => {
                // A restored key is a finding already, until the new one nears its own end.
                let restored = |key: &&Key| self.is_settled(&key.id);
                let old = |key: &&Key| {
                    self.context.now.duration_since(key.created_at) >= self.timings.warning_age()
                };
                if !several.iter().any(restored) || several.iter().all(old) {
                    let keys = several.iter().map(|key| key.id.clone()).collect();
                    self.found.push(FindingKind::TwoActiveKeys { keys });
                }
            }
        }
    }

    /// Whether the key is what the event asks for: the same event may come twice.
    fn was_just_issued(&self, key: &Key) -> bool {
        let issued = rotation_of(self.user).and_then(|rotation| rotation.issued.as_ref());
        issued.is_some_and(|issued| issued.key == key.id)
            && self.context.now.duration_since(key.created_at) < EVENT_LIFE
    }

    fn warn(&mut self, key: &Key) {
        let (certificate_problem, certificate_expires_at) = match &self.user.certificate {
            Certificate::Refused { reason, .. } => (Some(reason.clone()), None),
            Certificate::Usable { expires_soon, .. } => (None, *expires_soon),
            Certificate::NotAsked | Certificate::Unknown(_) => (None, None),
        };
        self.tell_once(OwnerNotice::Warning {
            key: key.id.clone(),
            rotates_at: key.created_at + self.timings.rotate_after,
            certificate_problem,
            certificate_expires_at,
        });
    }

    /// Issues a key, if there is room and a certificate to seal it to.
    fn issue(&mut self, reason: Reason) {
        if let [_, _, ..] = self.keys.as_slice() {
            return self.no_room(reason);
        }
        match &self.user.certificate {
            Certificate::Usable { fingerprint, .. } => {
                let existing_keys: BTreeSet<_> =
                    self.keys.iter().map(|key| key.id.clone()).collect();
                self.actions.push(Action::Issue {
                    reason,
                    existing_keys: existing_keys.clone(),
                    recipient: fingerprint.clone(),
                });
                self.tell_issued(reason, &existing_keys);
            }
            Certificate::Refused { code, reason } => {
                let key = self
                    .keys
                    .iter()
                    .find(|key| key.active)
                    .map(|key| key.id.clone());
                self.tell_once(OwnerNotice::CertificateProblem {
                    key,
                    code: code.clone(),
                    reason: reason.clone(),
                });
                self.found.push(FindingKind::NoCertificate {
                    code: code.clone(),
                    reason: reason.clone(),
                });
            }
            Certificate::Unknown(why) => self
                .waiting
                .push(WaitReason::CertificateStore { why: why.clone() }),
            Certificate::NotAsked => {}
        }
    }

    fn no_room(&mut self, reason: Reason) {
        let is_ours = |key: &&&Key| {
            self.record
                .is_some_and(|record| record.disabled.contains_key(&key.id))
        };
        let inactive = || self.keys.iter().filter(|key| !key.active);
        if let Some(key) = inactive().find(is_ours) {
            self.waiting.push(WaitReason::Deletion {
                key: key.id.clone(),
            });
        } else if let (Some(key), false) = (inactive().next(), reason == Reason::Emergency) {
            self.found.push(FindingKind::InactiveKeyInTheWay {
                key: key.id.clone(),
            });
        }
        if reason == Reason::Emergency {
            self.found.push(FindingKind::NoRoomForNewKey {
                keys: self.keys.iter().map(|key| key.id.clone()).collect(),
            });
        }
    }

    fn tell_issued(&mut self, reason: Reason, existing_keys: &BTreeSet<AccessKeyId>) {
        let old: BTreeSet<_> = (self.keys.iter())
            .filter(|key| {
                key.active && existing_keys.contains(&key.id) && !self.is_being_disabled(&key.id)
            })
            .map(|key| key.id.clone())
            .collect();
        let carry_envelope = old.is_empty();
        self.actions.push(Action::NotifyOwner(OwnerNotice::Issued {
            reason,
            old,
            carry_envelope,
        }));
    }

    // --- Small questions ---------------------------------------------------------------------

    fn has_any(&self, ids: &BTreeSet<AccessKeyId>) -> bool {
        self.keys.iter().any(|key| ids.contains(&key.id))
    }

    /// Whether this plan disables the key because it is exposed.
    fn is_being_disabled(&self, id: &AccessKeyId) -> bool {
        self.actions
            .contains(&Action::DisableExposed { key: id.clone() })
    }

    fn said_at(&self, message: &OwnerNotice) -> Option<Timestamp> {
        self.record
            .and_then(|record| record.notified.get(&message.id()))
            .copied()
    }

    fn tell_once(&mut self, message: OwnerNotice) {
        if self.said_at(&message).is_none() {
            self.actions.push(Action::NotifyOwner(message));
        }
    }
}
