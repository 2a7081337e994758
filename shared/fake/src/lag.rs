//! Readers that lag: AWS answers some calls with what was true a while ago.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::world::{State, World};

/// A call that may answer with what was true a while ago, while every write acts on what is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reader {
    /// IAM's keys of a user. (IAM user guide, "Changes that I make are not always immediately
    /// visible".)
    ListAccessKeys,
    /// IAM's last use of a key, and whose it is.
    GetAccessKeyLastUsed,
    /// IAM's users.
    GetUser,
    /// CloudTrail's events. (CloudTrail user guide, "Viewing CloudTrail event history": minutes.)
    LookupEvents,
    /// The text of a secret. (Secrets Manager API reference, `ListSecrets`: all operations are
    /// eventually consistent.)
    GetSecretValue,
    /// Secrets Manager's list of secrets with their tags. (Secrets Manager API reference,
    /// `ListSecrets`: it might not reflect the changes of the last five minutes.)
    ListSecrets,
}

/// How long each reader lags.
#[derive(Debug, Default)]
pub(crate) struct Lags(BTreeMap<Reader, SignedDuration>);

impl World {
    /// Lets a reader lag from now on: it answers with what was true that long ago; zero ends the
    /// lag. A key that a test adds with an age, and its user, were there at that age; all else is
    /// true from when the test did it.
    pub fn lag(&self, reader: Reader, by: SignedDuration) {
        self.state().lags.0.insert(reader, by);
    }
}

impl State {
    /// The moment whose truth a reader tells now.
    pub(crate) fn as_read_by(&self, reader: Reader) -> Timestamp {
        let lag = self.lags.0.get(&reader).copied();
        self.now - lag.unwrap_or(SignedDuration::ZERO)
    }
}
