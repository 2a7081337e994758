//! Plans the StackSet's instances of an account, and tells where a stack has yet to make something.

use std::collections::BTreeSet;

use banto_domain::Region;
use banto_domain::status::{Reason, ReasonKind};
use banto_ports::StackInstance;

use super::draft::Target;
use crate::converge::actions::InstanceChanges;
use crate::converge::expected::{collides_with_stacks, has_anything_of_stacks};
use crate::converge::snapshot::{Instances, LiveAccount};

/// The part that stacks have in an account's baseline.
pub(super) enum Stacks<'a> {
    /// None: the account gets its baseline the direct way.
    None,
    /// They make it first. Once they have, it is kept as in the direct way.
    Make {
        instances: &'a Instances,
        /// True if the account has anything that a stack makes. Where one failed nevertheless, what
        /// is missing is made the direct way, besides deploying the stack anew: it may fail on just
        /// what is there.
        has_anything: bool,
    },
    /// It is not known what they made, for this reason.
    Unknown(&'a Reason),
}

impl<'a> Stacks<'a> {
    /// The direct way is taken by policy, and where stacks would fail on what the account has.
    pub(super) fn new(target: &Target<'_>, live: &'a LiveAccount) -> Self {
        let home = &target.policy.home_region;
        match &live.instances {
            None => Self::None,
            Some(Err(reason)) => Self::Unknown(reason),
            Some(Ok(instances)) => {
                match collides_with_stacks(live, instances, target.baseline, home) {
                    true => Self::None,
                    false => Self::Make {
                        instances,
                        has_anything: has_anything_of_stacks(live, target.baseline),
                    },
                }
            }
        }
    }

    /// The reason to wait for a region's stack; `None` if the stack has made everything, or has
    /// no part in it.
    pub(super) fn wait(&self, region: &Region) -> Option<Reason> {
        let (instances, has_anything) = match self {
            Self::None => return None,
            Self::Unknown(reason) => return Some((*reason).clone()),
            Self::Make {
                instances,
                has_anything,
            } => (instances, *has_anything),
        };
        let (kind, detail) = match instances.by_region.get(region) {
            Some(StackInstance::Current) => return None,
            Some(StackInstance::Failed(_)) if has_anything => return None,
            None => (ReasonKind::StackInstancePending, "there is none yet"),
            Some(StackInstance::Pending) if instances.is_operating => (
                ReasonKind::StackInstancePending,
                "a StackSet operation is under way",
            ),
            Some(StackInstance::Pending) => (
                ReasonKind::StackInstancePending,
                "no StackSet operation is under way, so that it is deployed again",
            ),
            Some(StackInstance::Failed(why)) => (ReasonKind::StackInstanceFailed, why.as_str()),
            Some(StackInstance::Inoperable(why)) => {
                (ReasonKind::StackInstanceInoperable, why.as_str())
            }
        };
        Some(Reason::new(kind, detail))
    }

    /// The instances to make and to deploy anew. One that waits is believed only while an operation
    /// is under way.
    pub(super) fn changes<'b>(&self, regions: impl Iterator<Item = &'b Region>) -> InstanceChanges {
        let Self::Make { instances, .. } = self else {
            return InstanceChanges::default();
        };
        let (mut create, mut update) = (BTreeSet::new(), BTreeSet::new());
        for region in regions {
            match instances.by_region.get(region) {
                None => create.insert(region.clone()),
                Some(StackInstance::Failed(_)) => update.insert(region.clone()),
                Some(StackInstance::Pending) if !instances.is_operating => {
                    update.insert(region.clone())
                }
                Some(
                    StackInstance::Pending | StackInstance::Current | StackInstance::Inoperable(_),
                ) => false,
            };
        }
        InstanceChanges { create, update }
    }
}
