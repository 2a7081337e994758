//! Faults that last: a call, or a whole service, that fails until it is mended.

use banto_ports::{ErrorKind, PortError};
use jiff::Timestamp;

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
