//! A user's plan in the making: what is decided so far, and small questions about it.

use std::collections::BTreeSet;

use banto_domain::AccessKeyId;
use banto_domain::policy::{RotationPolicy, RotationTimings};
use banto_domain::record::{Record, Rotation};
use jiff::Timestamp;

use super::action::{Action, OwnerNotice};
use super::finding::{FindingKind, WaitReason};
use crate::event::Mode;
use crate::snapshot::{ACKNOWLEDGED_TAG, Key, Snapshot, User};

/// A user's plan in the making.
pub(super) struct Draft<'a> {
    pub(super) mode: Mode,
    /// The keys that an event named as exposed.
    pub(super) named_exposed: &'a BTreeSet<AccessKeyId>,
    pub(super) user: &'a User,
    pub(super) record: Option<&'a Record>,
    pub(super) timings: &'a RotationTimings,
    pub(super) now: Timestamp,
    /// The keys that no action so far deletes, oldest first.
    pub(super) keys: Vec<&'a Key>,
    pub(super) actions: Vec<Action>,
    pub(super) findings: Vec<FindingKind>,
    pub(super) waiting: Vec<WaitReason>,
}

impl<'a> Draft<'a> {
    /// A plan in which nothing is decided yet.
    pub(super) fn new(
        snapshot: &'a Snapshot,
        user: &'a User,
        policy: &'a RotationPolicy,
        now: Timestamp,
    ) -> Self {
        Self {
            mode: snapshot.mode,
            named_exposed: &snapshot.named_exposed,
            user,
            record: user.record(),
            timings: policy.timings_for(user.attributes()),
            now,
            keys: user.keys.iter().collect(),
            actions: Vec::new(),
            findings: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// The latest rotation in the user's record, finished or not.
    pub(super) fn rotation(&self) -> Option<&'a Rotation> {
        self.user.rotation()
    }

    /// The key of this id, if it is left.
    pub(super) fn key(&self, id: &AccessKeyId) -> Option<&'a Key> {
        self.keys.iter().copied().find(|key| key.id == *id)
    }

    /// The ids of all keys that are left.
    pub(super) fn key_ids(&self) -> BTreeSet<AccessKeyId> {
        ids(&self.keys)
    }

    /// The active keys that are left and that no action so far disables as exposed.
    pub(super) fn working_keys(&self) -> Vec<&'a Key> {
        let mut working = Vec::new();
        for key in &self.keys {
            if self.is_working(key) {
                working.push(*key);
            }
        }
        working
    }

    /// True if the key is active, and no action so far disables it as exposed. An old key that is
    /// being retired counts as working: nothing that is decided later depends on it.
    pub(super) fn is_working(&self, key: &Key) -> bool {
        key.active && !self.is_disabled_as_exposed(&key.id)
    }

    /// True if an action of this plan disables the key as exposed.
    pub(super) fn is_disabled_as_exposed(&self, id: &AccessKeyId) -> bool {
        self.actions
            .contains(&Action::DisableExposed { key: id.clone() })
    }

    /// True if an earlier run disabled the key, and it waits for its deletion.
    pub(super) fn is_disabled_by_us(&self, id: &AccessKeyId) -> bool {
        self.record
            .is_some_and(|record| record.disabled.contains_key(id))
    }

    /// True if an earlier run saw that a person made the key active again, which Banto had
    /// disabled.
    pub(super) fn is_restored(&self, id: &AccessKeyId) -> bool {
        self.record
            .is_some_and(|record| record.restored.contains(id))
    }

    /// True if the user's tag names the key as received.
    pub(super) fn is_acknowledged(&self, id: &AccessKeyId) -> bool {
        let acknowledged = self.user.tags.get(ACKNOWLEDGED_TAG);
        acknowledged.is_some_and(|acknowledged| acknowledged == id.as_str())
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

    /// Takes a key for gone, since an action deletes it.
    pub(super) fn forget_key(&mut self, id: &AccessKeyId) {
        self.keys.retain(|key| key.id != *id);
    }
}

/// The ids of these keys.
pub(super) fn ids(keys: &[&Key]) -> BTreeSet<AccessKeyId> {
    keys.iter().map(|key| key.id.clone()).collect()
}
