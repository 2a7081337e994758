//! A chain acted out in memory: the keys before and after each step.

use std::collections::BTreeMap;

use banto_domain::AccessKeyId;
use banto_domain::policy::{RotationPolicy, RotationTimings};
use banto_domain::record::{Intent, Left, Rotation};
use jiff::{SignedDuration, Timestamp};

use crate::event::Mode;
use crate::plan::{Action, Chain};
use crate::snapshot::{Key, Snapshot, Used, User};

/// The keys by their id, each with true if it is active; a key not yet created has no id.
pub(super) type Keys<'a> = BTreeMap<Option<&'a AccessKeyId>, bool>;

/// A chain acted out in memory, and all that its rules may look at.
pub(super) struct Simulation<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) user: &'a User,
    pub(super) timings: &'a RotationTimings,
    /// Time for which a new certificate does not count yet.
    pub(super) pin_grace: SignedDuration,
    pub(super) now: Timestamp,
    pub(super) steps: Vec<Step<'a>>,
    /// The keys after the last step.
    pub(super) keys: Keys<'a>,
}

/// One action of a chain, and what was true around it.
pub(super) struct Step<'a> {
    pub(super) action: &'a Action,
    /// The actions before it in the chain.
    pub(super) earlier: &'a [Action],
    pub(super) keys_before: Keys<'a>,
    pub(super) keys_after: Keys<'a>,
}

impl<'a> Simulation<'a> {
    /// Acts a chain out.
    pub(super) fn run(
        snapshot: &'a Snapshot,
        user: &'a User,
        chain: &'a Chain,
        policy: &'a RotationPolicy,
        now: Timestamp,
    ) -> Self {
        let mut keys = Keys::new();
        for key in &user.keys {
            keys.insert(Some(&key.id), key.active);
        }
        let mut steps = Vec::new();
        for (index, action) in chain.actions.iter().enumerate() {
            let keys_before = keys.clone();
            act(action, &mut keys);
            steps.push(Step {
                action,
                earlier: chain.actions.get(..index).unwrap_or_default(),
                keys_before,
                keys_after: keys.clone(),
            });
        }
        Self {
            snapshot,
            user,
            timings: policy.timings_for(user.attributes()),
            pin_grace: policy.pin_grace,
            now,
            steps,
            keys,
        }
    }

    /// The latest rotation in the user's record.
    pub(super) fn rotation(&self) -> Option<&'a Rotation> {
        self.user.record()?.rotation.as_ref()
    }

    /// The new key of the latest rotation, and the moment at which it was delivered.
    pub(super) fn delivered(&self) -> Option<(&'a Key, Timestamp)> {
        let rotation = self.rotation()?;
        let new = self.user.key(&rotation.issued.key)?;
        Some((new, rotation.delivered_at?))
    }

    /// The intent of an interrupted issue.
    pub(super) fn intent(&self) -> Option<&'a Intent> {
        self.user.record()?.intent.as_ref()
    }

    /// The user's leave, as it is recorded.
    pub(super) fn left(&self) -> Option<&'a Left> {
        self.user.record()?.left.as_ref()
    }

    /// True if the user is to be out once the chain is done: an operator says so, or said so and has
    /// not taken it back.
    pub(super) fn is_leaver(&self) -> bool {
        let mode = self.snapshot.mode;
        mode == Mode::Leave || (self.left().is_some() && mode != Mode::Restore)
    }

    /// True if the key is exposed by what was seen, or by what this chain does.
    pub(super) fn is_exposed(&self, id: &AccessKeyId) -> bool {
        let record = self.user.record();
        let disables = |step: &Step<'_>| match step.action {
            Action::DisableExposed(exposed) => exposed.keys.contains(id),
            _ => false,
        };
        record.is_some_and(|record| record.exposed.contains(id))
            || self.snapshot.exposed.contains(id)
            || self.steps.iter().any(disables)
    }

    /// True if the policy's hard deadline for the new key has passed, counted from when its owner
    /// was known to be reached.
    pub(super) fn is_past_deadline(&self) -> bool {
        let (Some((new, delivered_at)), Some(deadline)) = (self.delivered(), self.timings.deadline)
        else {
            return false;
        };
        let record = self.user.record();
        let used_at = match &new.used {
            Used::Last(used) => Some(used.at),
            Used::Never | Used::Unknown => None,
        };
        let proven_at = self.rotation().and_then(|rotation| rotation.proven_at);
        let reached_at = record.and_then(|record| record.reached_at(&new.id));
        let evidence = [used_at, proven_at, reached_at].into_iter().flatten().min();
        evidence
            .is_some_and(|evidence| self.now.duration_since(evidence.max(delivered_at)) >= deadline)
    }
}

fn act<'a>(action: &'a Action, keys: &mut Keys<'a>) {
    match action {
        Action::Issue { .. } => {
            keys.insert(None, true);
        }
        Action::DisableExposed(exposed) => {
            for key in &exposed.keys {
                keys.insert(Some(key), false);
            }
        }
        Action::Leave(leave) => {
            for key in leave.worked.iter().chain(&leave.inactive) {
                keys.insert(Some(key), false);
            }
        }
        Action::TakeBack { keys: again, .. } => {
            for key in again {
                keys.insert(Some(key), true);
            }
        }
        Action::Disable { key, .. } => {
            keys.insert(Some(key), false);
        }
        Action::Restore { key } => {
            keys.insert(Some(key), true);
        }
        Action::DiscardOrphan { key, .. }
        | Action::DeleteExposed { key }
        | Action::Delete { key } => {
            keys.remove(&Some(key));
        }
        Action::FollowRename { .. }
        | Action::Reprotect
        | Action::DenySessions { .. }
        | Action::Revoke
        | Action::AllowSessions
        | Action::SaveLook
        | Action::DenyLeaver
        | Action::DropIntent
        | Action::SaveCertificate
        | Action::ForgetNews { .. }
        | Action::Approve { .. }
        | Action::Owe { .. }
        | Action::Withdraw { .. }
        | Action::NotifyOwner(_)
        | Action::SaveProof { .. }
        | Action::SaveDisabled { .. }
        | Action::SaveRestored { .. }
        | Action::Close
        | Action::CloseEarlier { .. } => {}
    }
}
