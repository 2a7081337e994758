//! A chain acted out in memory: the keys before and after each step.

use std::collections::BTreeMap;

use banto_domain::AccessKeyId;
use banto_domain::policy::RotationTimings;
use banto_domain::record::Rotation;
use jiff::Timestamp;

use crate::event::Mode;
use crate::plan::{Action, Chain};
use crate::snapshot::{Key, User};

/// The keys by their id, each with true if it is active; a key not yet created has no id.
pub(super) type Keys<'a> = BTreeMap<Option<&'a AccessKeyId>, bool>;

/// A chain acted out in memory, and all that its rules may look at.
pub(super) struct Simulation<'a> {
    pub(super) user: &'a User,
    pub(super) timings: &'a RotationTimings,
    pub(super) mode: Mode,
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
        user: &'a User,
        chain: &'a Chain,
        timings: &'a RotationTimings,
        mode: Mode,
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
            user,
            timings,
            mode,
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
        let new = self.user.key(&rotation.issued.as_ref()?.key)?;
        Some((new, rotation.delivered_at?))
    }

    /// True if the policy's hard deadline for the new key has passed.
    pub(super) fn is_past_deadline(&self) -> bool {
        match (self.delivered(), self.timings.deadline) {
            (Some((_, delivered_at)), Some(deadline)) => {
                self.now.duration_since(delivered_at) >= deadline
            }
            _ => false,
        }
    }
}

fn act<'a>(action: &'a Action, keys: &mut Keys<'a>) {
    match action {
        Action::Issue { .. } => {
            keys.insert(None, true);
        }
        Action::DisableExposed { key } | Action::Disable { key } => {
            keys.insert(Some(key), false);
        }
        Action::DiscardOrphan { key } | Action::Delete { key } => {
            keys.remove(&Some(key));
        }
        Action::NotifyOwner(_) | Action::SaveRestored { .. } => {}
    }
}
