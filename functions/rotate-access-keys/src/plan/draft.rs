//! A user's plan in the making: what is decided so far, and small questions about it.

use std::collections::BTreeSet;

use banto_domain::AccessKeyId;
use banto_domain::policy::{RotationPolicy, RotationTimings};
use banto_domain::record::{Emergency, IAM_LAG, Left, Reason, Record, Rotation};
use banto_ports::LastUse;
use jiff::{SignedDuration, Timestamp};

use super::action::{Action, OwnerNotice};
use super::finding::{FindingKind, WaitReason};
use super::lateness;
use crate::event::Mode;
use crate::snapshot::{ACKNOWLEDGED_TAG, Key, Snapshot, Used, User};

/// A user's plan in the making.
pub(super) struct Draft<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) mode: Mode,
    pub(super) user: &'a User,
    pub(super) record: Option<&'a Record>,
    pub(super) timings: &'a RotationTimings,
    /// Time for which a new certificate does not count yet.
    pub(super) pin_grace: SignedDuration,
    pub(super) now: Timestamp,
    /// The keys that no action so far deletes, oldest first. A key that Banto disabled just now
    /// counts as inactive, whatever IAM still shows.
    pub(super) keys: Vec<Key>,
    /// The keys that are exposed, whether or not they are disabled.
    pub(super) exposed: BTreeSet<AccessKeyId>,
    pub(super) actions: Vec<Action>,
    pub(super) findings: Vec<FindingKind>,
    pub(super) waiting: Vec<WaitReason>,
    /// True if a later run must look again though nothing is worth telling.
    pub(super) is_pending: bool,
    /// True if somebody takes revocations of sessions in roles.
    pub(super) hands_on_revocations: bool,
    /// True if the policy leaves the user alone, so that nothing is done but what an emergency asks
    /// for.
    pub(super) is_left_alone: bool,
    /// True if the intent in the record is over, and nothing is left of it.
    pub(super) drops_intent: bool,
}

impl<'a> Draft<'a> {
    /// A plan in which nothing is decided yet.
    pub(super) fn new(
        snapshot: &'a Snapshot,
        user: &'a User,
        policy: &'a RotationPolicy,
        now: Timestamp,
    ) -> Self {
        let record = user.record();
        Self {
            snapshot,
            mode: snapshot.mode,
            user,
            record,
            timings: policy.timings_for(user.attributes()),
            pin_grace: policy.pin_grace,
            now,
            keys: settled_keys(user, record, now),
            exposed: BTreeSet::new(),
            actions: Vec::new(),
            findings: Vec::new(),
            waiting: Vec::new(),
            is_pending: false,
            hands_on_revocations: policy.revocations.is_some(),
            is_left_alone: false,
            drops_intent: false,
        }
    }

    /// The latest rotation in the user's record, finished or not.
    pub(super) fn rotation(&self) -> Option<&'a Rotation> {
        self.user.rotation()
    }

    /// The new key of the latest rotation, if it is so new that IAM may not show it yet.
    pub(super) fn unseen_new_key(&self) -> Option<AccessKeyId> {
        let issued = &self.rotation()?.issued;
        let is_new = !self.is_past(issued.created_at, IAM_LAG);
        let is_exposed = self.record?.exposed.contains(&issued.key);
        (is_new && self.key(&issued.key).is_none() && !is_exposed).then(|| issued.key.clone())
    }

    /// The emergency in the user's record.
    pub(super) fn emergency(&self) -> Option<&'a Emergency> {
        self.record?.emergency.as_ref()
    }

    /// The user's leave, as it is recorded.
    pub(super) fn left(&self) -> Option<&'a Left> {
        self.record?.left.as_ref()
    }

    /// True if the user is out once this run is over.
    pub(super) fn is_leaver(&self) -> bool {
        match self.mode {
            Mode::Leave => true,
            Mode::Restore => false,
            Mode::Due | Mode::Force | Mode::Emergency | Mode::Discard | Mode::Approve => {
                self.left().is_some()
            }
        }
    }

    /// The key of this id, if it is left.
    pub(super) fn key(&self, id: &AccessKeyId) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == *id)
    }

    /// The ids of all keys that are left.
    pub(super) fn key_ids(&self) -> BTreeSet<AccessKeyId> {
        ids(&self.keys)
    }

    /// The active keys that are left and not exposed.
    pub(super) fn working_keys(&self) -> Vec<Key> {
        let mut working = self.keys.clone();
        working.retain(|key| self.is_working(key));
        working
    }

    /// True if the key is active and not exposed. An old key that is being retired counts as
    /// working: nothing that is decided later depends on it.
    pub(super) fn is_working(&self, key: &Key) -> bool {
        key.active && !self.exposed.contains(&key.id)
    }

    /// True if an earlier run disabled the key, and it waits for its deletion.
    pub(super) fn is_disabled_by_us(&self, id: &AccessKeyId) -> bool {
        self.record
            .is_some_and(|record| record.disabled.contains_key(id))
    }

    /// True if a person made the key active again, which Banto had disabled.
    pub(super) fn is_restored(&self, id: &AccessKeyId) -> bool {
        self.record
            .is_some_and(|record| record.restored.contains(id))
    }

    /// True if Banto issued the key.
    pub(super) fn is_issued(&self, id: &AccessKeyId) -> bool {
        self.record.is_some_and(|record| record.issued(id))
    }

    /// True if the owner acknowledged the key by a signature.
    pub(super) fn is_acknowledged(&self, id: &AccessKeyId) -> bool {
        self.user.acknowledged.as_ref() == Some(id)
    }

    /// True if the user's tag says that the owner has the key. It proves nothing, but a key of
    /// which somebody says so is not discarded.
    pub(super) fn claims(&self, id: &AccessKeyId) -> bool {
        let claimed = self.user.tags.get(ACKNOWLEDGED_TAG);
        claimed.is_some_and(|claimed| claimed == id.as_str())
    }

    /// True if the user waits for an emergency to end, whatever the run is about.
    pub(super) fn is_urgent(&self) -> bool {
        let owed = self.record.and_then(|record| record.owed.as_ref());
        self.mode == Mode::Emergency
            || self.emergency().is_some()
            || !self.exposed.is_empty()
            || owed.is_some_and(|owed| owed.reason == Reason::Emergency)
    }

    /// The moment at which the owner was first known to be reached about a key.
    pub(super) fn reached_at(&self, key: &AccessKeyId) -> Option<Timestamp> {
        self.record?.reached_at(key)
    }

    /// The moment at which the owner of a key was first known to be asked for a certificate.
    pub(super) fn asked_at(&self, key: &AccessKeyId) -> Option<Timestamp> {
        self.record?.asked_at(key)
    }

    /// The moment at which an earlier run notified the owner of this, if one did.
    pub(super) fn notified_at(&self, notice: &OwnerNotice) -> Option<Timestamp> {
        self.record?.notified.get(&notice.id()).copied()
    }

    /// Notifies the owner, unless an earlier run did.
    pub(super) fn notify_once(&mut self, notice: OwnerNotice) {
        if self.notified_at(&notice).is_none() {
            self.actions.push(Action::NotifyOwner(notice));
        }
    }

    /// Notifies the owner, unless an earlier run did in the last week.
    pub(super) fn notify_weekly(&mut self, notice: OwnerNotice) {
        let told_at = self.notified_at(&notice);
        if told_at.is_none_or(|told_at| lateness::is_time_for_owner(told_at, self.now)) {
            self.actions.push(Action::NotifyOwner(notice));
        }
    }

    /// Takes a key for gone, since an action deletes it.
    pub(super) fn forget_key(&mut self, id: &AccessKeyId) {
        self.keys.retain(|key| key.id != *id);
    }

    /// True if the chain does anything of this kind so far.
    pub(super) fn does(&self, is: fn(&Action) -> bool) -> bool {
        self.actions.iter().any(is)
    }

    /// True if so much time has passed since then.
    pub(super) fn is_past(&self, since: Timestamp, time: SignedDuration) -> bool {
        self.now.duration_since(since) >= time
    }
}

/// The keys as they are. Within the time that IAM may lag, a key that Banto disabled is inactive
/// though IAM still shows it active (R7).
fn settled_keys(user: &User, record: Option<&Record>, now: Timestamp) -> Vec<Key> {
    let mut keys = user.keys.clone();
    for key in &mut keys {
        let disabled_at = record.and_then(|record| record.disabled.get(&key.id));
        if disabled_at.is_some_and(|at| now.duration_since(*at) < IAM_LAG) {
            key.active = false;
        }
    }
    keys
}

/// The ids of these keys.
pub(super) fn ids(keys: &[Key]) -> BTreeSet<AccessKeyId> {
    keys.iter().map(|key| key.id.clone()).collect()
}

/// The last use of a key, as far as it is known.
pub(super) fn last_use(key: &Key) -> Option<LastUse> {
    match &key.used {
        Used::Last(used) => Some(used.clone()),
        Used::Unknown | Used::Never => None,
    }
}
