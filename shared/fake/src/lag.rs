//! Readers that lag: AWS answers some calls with what was true a while ago. And effects that are
//! late: what was done is true, and another part of AWS does not act on it for a while.

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
    /// The roles of an account with their policies. (IAM user guide, as above; so the next one.)
    GetAccountAuthorizationDetails,
    /// The roles of an account with their longest sessions.
    ListRoles,
    /// The recorders of a region, and their statuses.
    DescribeConfigurationRecorders,
    /// The delivery channels of a region, and their statuses.
    DescribeDeliveryChannels,
}

/// The readers of an account of the Organization.
const OF_ACCOUNTS: [Reader; 4] = [
    Reader::GetAccountAuthorizationDetails,
    Reader::ListRoles,
    Reader::DescribeConfigurationRecorders,
    Reader::DescribeDeliveryChannels,
];

/// Something that was done in an account, and that another part of AWS acts on later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// A role that was made: changes to it say `NoSuchEntity` until then. (IAM user guide, "Changes
    /// that I make are not always immediately visible".)
    NewRole,
    /// The service-linked role of AWS Config that was made: AWS Config can't assume it until then.
    /// (AWS Config API reference, `PutConfigurationRecorder`, `PutDeliveryChannel`.)
    ConfigRole,
    /// An account that joined: the policy of the log archive's bucket lets it write from then on.
    BucketPolicy,
}

/// The time by which each reader lags, and by which each effect is late.
#[derive(Debug, Default)]
pub(crate) struct Lags {
    readers: BTreeMap<Reader, SignedDuration>,
    effects: BTreeMap<Effect, SignedDuration>,
}

impl Lags {
    /// True if what an account was may be asked for.
    pub(crate) fn any_of_accounts(&self) -> bool {
        OF_ACCOUNTS
            .iter()
            .any(|reader| self.readers.contains_key(reader))
    }
}

impl World {
    /// Lets a reader lag from now on: it answers with what was true that long ago; zero ends the
    /// lag. A key that a test adds with an age, and its user, were there at that age; all else is
    /// true from when the test did it. An account was always as it is when its first lag begins.
    pub fn lag(&self, reader: Reader, by: SignedDuration) {
        self.state().lags.readers.insert(reader, by);
    }

    /// Lets an effect be late by this much from now on.
    pub fn delay(&self, effect: Effect, by: SignedDuration) {
        self.state().lags.effects.insert(effect, by);
    }
}

impl State {
    /// The moment whose truth a reader tells now.
    pub(crate) fn as_read_by(&self, reader: Reader) -> Timestamp {
        let lag = self.lags.readers.get(&reader).copied();
        self.now - lag.unwrap_or(SignedDuration::ZERO)
    }

    /// True if what was done then has this effect by now.
    pub(crate) fn has_effect(&self, effect: Effect, done_at: Timestamp) -> bool {
        let delay = self.lags.effects.get(&effect).copied();
        done_at + delay.unwrap_or(SignedDuration::ZERO) <= self.now
    }
}
