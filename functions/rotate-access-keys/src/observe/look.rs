//! The needs of a look at users, and what all looks share.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use banto_domain::{GroupName, UserName};
use banto_ports::Activity;
use jiff::Timestamp;

use crate::job::Job;
use crate::ports::Ports;
use crate::snapshot::{NotObserved, Snapshot};

/// The users who get a closer look, and what is known of all of them.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    pub(super) users: BTreeSet<UserName>,
    /// The users whose record is marked as open.
    pub(super) open: BTreeSet<UserName>,
    pub(super) groups: BTreeMap<GroupName, BTreeSet<UserName>>,
    /// The activity of the exposed sessions that AWS named, by whose they are.
    pub(super) sessions: BTreeMap<UserName, Vec<Activity>>,
}

impl Chosen {
    pub(super) fn names(&self) -> BTreeSet<UserName> {
        self.users.union(&self.open).cloned().collect()
    }
}

/// The needs of a look at one user.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) ports: &'a Ports,
    pub(super) job: &'a Job<'a>,
    pub(super) chosen: &'a Chosen,
    pub(super) now: Timestamp,
    /// The time that looking leaves to what is planned.
    pub(super) time_to_act: Duration,
}

pub(super) fn add_not_observed(snapshot: &mut Snapshot, subject: &str, why: &str) {
    snapshot.not_observed.push(NotObserved {
        subject: subject.to_owned(),
        why: why.to_owned(),
    });
}

/// The earlier of two dates, as far as they are known.
pub(super) fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
