//! Faults that last: a call, or a whole service, that fails until it is mended.

use banto_ports::{ErrorKind, PortError};
use jiff::{SignedDuration, Timestamp};

use crate::permissions::Permission;
use crate::world::{State, World};

/// A time in which calls fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outage {
    /// What the calls' names begin with.
    prefix: String,
    kind: ErrorKind,
    until: Timestamp,
    pub(crate) moment: Moment,
}

/// The moment at which a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Nothing has happened.
    BeforeEffect,
    /// It happened, and the answer is lost.
    AfterEffect,
}

impl World {
    /// Fails every call whose name begins so (`iam:CreateAccessKey`, or `iam:` for all of IAM), of
    /// every run, before it has its effect, until then.
    pub fn outage(&self, calls: &str, kind: ErrorKind, until: Timestamp) {
        self.fail_until(calls, kind, until, Moment::BeforeEffect);
    }

    /// Lets every call whose name begins so have its effect and loses its answer, until then.
    pub fn outage_after(&self, calls: &str, kind: ErrorKind, until: Timestamp) {
        self.fail_until(calls, kind, until, Moment::AfterEffect);
    }

    /// Takes a permission away for an hour: longer than Lambda tries an event again, and than a
    /// queue keeps most messages.
    pub(crate) fn forbid(&self, permission: Permission) {
        let mut state = self.state();
        let until = state.now + SignedDuration::from_hours(1);
        state.forbidden.push((permission, until));
    }

    /// True once a permission was taken away, be it back by now.
    pub fn was_forbidden(&self) -> bool {
        !self.state().forbidden.is_empty()
    }

    fn fail_until(&self, calls: &str, kind: ErrorKind, until: Timestamp, moment: Moment) {
        self.state().outages.push(Outage {
            prefix: calls.to_owned(),
            kind,
            until,
            moment,
        });
    }
}

impl State {
    /// The permission that is missing now, of these.
    pub(crate) fn missing_of(&self, needed: &[Permission]) -> Option<Permission> {
        let is_missing = |permission: &&Permission| {
            let mut forbidden = self.forbidden.iter();
            forbidden.any(|(missing, until)| missing == *permission && self.now < *until)
        };
        needed.iter().find(is_missing).copied()
    }

    /// The outage that a call falls into, if there is one; the first that a test began.
    pub(crate) fn outage_of(&self, call: &str) -> Option<&Outage> {
        let is_down =
            |outage: &&Outage| self.now < outage.until && call.starts_with(&outage.prefix);
        self.outages.iter().find(is_down)
    }
}

impl Outage {
    pub(crate) fn error(&self, call: &'static str) -> PortError {
        PortError::new(
            self.kind,
            call,
            format!("out of order until {}", self.until),
        )
    }
}
