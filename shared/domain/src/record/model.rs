//! A record, as values.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{AccessKeyId, Fingerprint, UserId};

/// Time for which an intent belongs to the run that wrote it: the longest that Lambda lets an
/// invocation live (15 minutes; Lambda developer guide, "Lambda quotas"), and a margin for clocks
/// that differ.
pub const LEASE: SignedDuration = SignedDuration::from_mins(20);

/// Difference that is allowed for between AWS's clock and ours: AWS refuses requests that are
/// signed more than 5 minutes off, so a run whose clock differs by more gets nothing done.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Time for which IAM may show what was before: a key that was just created as absent, one that was
/// just disabled as active. IAM is eventually consistent and names no bound (IAM user guide,
/// "Changes that I make are not always immediately visible"); what people report is seconds, and at
/// times minutes. It is less than [`LEASE`], so that an interrupted issue is looked at only when
/// its key must show.
pub const IAM_LAG: SignedDuration = SignedDuration::from_mins(15);

/// The beginning of every token that a version is written under.
const TOKEN: &str = "banto-record-version-";

/// The record of one user. Holds ciphertext, key ids and dates only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The user's unique id: a later user of the same name starts afresh.
    pub user_id: UserId,
    /// The ARNs that the secret's resource policy lets read it, as Banto last set it; `None` until
    /// it did.
    pub readers: Option<String>,
    /// Counts the versions; a version is written only if nobody wrote it before.
    pub sequence: u64,
    /// The run that wrote this version, so that two runs never write the same bytes.
    pub run: String,
    /// True if the secret is marked, so that every scheduled run looks at its user.
    pub open: bool,
    /// The intent to issue a key; `None` once its envelope is stored, or nothing was created.
    pub intent: Option<Intent>,
    /// The latest rotation whose new key is stored, finished or not.
    pub rotation: Option<Rotation>,
    /// A new key that the user is to get as soon as that is possible.
    pub owed: Option<Owed>,
    /// Keys that Banto disabled, and when.
    pub disabled: BTreeMap<AccessKeyId, Timestamp>,
    /// Keys that a person made active again after Banto disabled them; left alone since.
    pub restored: BTreeSet<AccessKeyId>,
    /// Exposed keys. They stay exposed for as long as they exist.
    pub exposed: BTreeSet<AccessKeyId>,
    /// The emergency whose consequences are not over.
    pub emergency: Option<Emergency>,
    /// The request of the last emergency that is over: if it comes again, it is over still.
    pub last_emergency: Option<String>,
    /// The user's leave; `None` unless an operator said that the user left.
    pub left: Option<Left>,
    /// The moments at which notices to the owner or about the user were accepted for delivery, by
    /// notice id.
    pub notified: BTreeMap<String, Timestamp>,
    /// The certificate that counts as the user's; `None` where no key was ever sealed to one.
    pub pin: Option<Pin>,
    /// The Slack member id at which the user was first reached. Another one is no evidence until an
    /// operator approves: whoever holds the user's key may change the tag.
    pub reached_by: Option<String>,
    /// The key that was sealed last. It stays until the next one is stored, since the owner may
    /// not have fetched it yet.
    pub envelope: Option<StoredEnvelope>,
}

/// The certificate that counts as a user's: the user pinned it, and the pin is old enough, or
/// vouched for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pin {
    /// The certificate's fingerprint.
    pub fingerprint: Fingerprint,
    /// All that the certificate has said of itself so far, without what others say of it: binary
    /// OpenPGP in base64, of at most 12 KiB. What it once said, an older copy does not unsay.
    pub certificate: String,
}

/// A sealed key as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEnvelope {
    /// The key that is inside.
    pub key: AccessKeyId,
    /// An armored OpenPGP message with one recipient.
    pub armored: String,
}

/// The intent to issue a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Intent {
    /// The reason why the key is issued.
    pub reason: Reason,
    /// The request that it answers, if it answers one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The moment at which the intent was recorded, just before the new key was to be created.
    pub intended_at: Timestamp,
    /// Every key that the user had at that moment.
    pub existing_keys: BTreeSet<AccessKeyId>,
    /// The certificate that the new key is sealed to.
    pub recipient: Fingerprint,
}

/// One rotation: its new key, and its progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rotation {
    /// The intent that it began with.
    pub intent: Intent,
    /// The new key.
    pub issued: Issued,
    /// The moment at which the notice of the new key was accepted for delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
    /// The first use of the new key, or its acknowledgement, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_at: Option<Timestamp>,
    /// The moment at which the new key was withdrawn, since the certificate that it is sealed to
    /// was replaced and nobody had used it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<Timestamp>,
}

/// A key whose envelope is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Issued {
    /// The new key.
    pub key: AccessKeyId,
    /// The moment at which IAM created it.
    pub created_at: Timestamp,
}

/// A new key that a user is to get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Owed {
    /// The reason why it is owed.
    pub reason: Reason,
    /// The request that asked for it.
    pub request: String,
    /// The moment at which it was asked for.
    pub asked_at: Timestamp,
}

/// An emergency whose consequences are not over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Emergency {
    /// The latest request.
    pub request: String,
    /// The moment at which that was asked for. Keys from before are suspect, where no key was
    /// named.
    pub asked_at: Timestamp,
    /// The beginning of the exposure, as far as AWS knows.
    pub since: Timestamp,
    /// The moment at which the last exposed key was disabled.
    pub contained_at: Timestamp,
    /// The moment at which the user's sessions were denied; `None` while they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_denied_at: Option<Timestamp>,
    /// The moment at which the end of the user's sessions in roles was handed on; `None` while it
    /// is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// The moment at which CloudTrail was last asked what was done with the exposed keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_at: Option<Timestamp>,
}

/// A user who left, and what ended with that. It stays until an operator takes it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Left {
    /// The moment at which it was first recorded, before any key was disabled.
    pub at: Timestamp,
    /// The keys that worked until then. They work again if the leave is taken back.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub worked: BTreeSet<AccessKeyId>,
    /// The keys that others had made inactive already. They are deleted with the rest, and left
    /// alone again if the leave is taken back.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub inactive: BTreeSet<AccessKeyId>,
    /// The moment at which the user's sessions were denied; `None` while they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_denied_at: Option<Timestamp>,
    /// The moment at which the end of the user's sessions in roles was handed on; `None` while it
    /// is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// The certificate that the user's tag pinned: once the user is deleted, nothing else says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Fingerprint>,
}

/// The reason why a key is issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// The key reached the age that the policy sets.
    Due,
    /// An operator asked for it.
    Forced,
    /// The key was exposed.
    Emergency,
}

impl Record {
    /// The first record of a user, not yet written.
    pub fn first(user_id: UserId) -> Self {
        Self {
            user_id,
            readers: None,
            sequence: 0,
            run: String::new(),
            open: false,
            intent: None,
            rotation: None,
            owed: None,
            disabled: BTreeMap::new(),
            restored: BTreeSet::new(),
            exposed: BTreeSet::new(),
            emergency: None,
            last_emergency: None,
            left: None,
            notified: BTreeMap::new(),
            pin: None,
            reached_by: None,
            envelope: None,
        }
    }

    /// The version to write after this one, by the given run.
    pub fn next(&self, run: &str) -> Self {
        Self {
            sequence: self.sequence.saturating_add(1),
            run: run.to_owned(),
            ..self.clone()
        }
    }

    /// Every date in the record.
    pub(super) fn dates(&self) -> Vec<Timestamp> {
        let mut dates = Vec::new();
        if let Some(intent) = &self.intent {
            dates.push(intent.intended_at);
        }
        if let Some(rotation) = &self.rotation {
            dates.extend([rotation.intent.intended_at, rotation.issued.created_at]);
            dates.extend(rotation.delivered_at);
            dates.extend(rotation.proven_at);
            dates.extend(rotation.withdrawn_at);
        }
        dates.extend(self.owed.as_ref().map(|owed| owed.asked_at));
        if let Some(emergency) = &self.emergency {
            dates.extend([emergency.asked_at, emergency.since, emergency.contained_at]);
            dates.extend(emergency.sessions_denied_at);
            dates.extend(emergency.revoked_at);
            dates.extend(emergency.looked_at);
        }
        if let Some(left) = &self.left {
            dates.push(left.at);
            dates.extend(left.sessions_denied_at);
            dates.extend(left.revoked_at);
        }
        dates.extend(self.disabled.values().copied());
        dates.extend(self.notified.values().copied());
        dates
    }

    /// The latest date in the record; `None` if it holds none. One that has not come yet was not
    /// written by Banto.
    pub fn latest_date(&self) -> Option<Timestamp> {
        self.dates().into_iter().max()
    }

    /// The token that makes a write conditional: whoever writes a sequence number second, with
    /// other content, is refused. (Secrets Manager API reference, `PutSecretValue`,
    /// `ClientRequestToken`: 32 to 64 characters.)
    ///
    /// `step` is 0, or the number of times that the token was found taken for good: by a version
    /// that is no longer the current one, since somebody restored an earlier one, or by a version
    /// that somebody else wrote.
    pub fn write_token(&self, step: u32) -> String {
        match step {
            0 => format!("{TOKEN}{:032}", self.sequence),
            step => format!("{TOKEN}{:020}-{step:011}", self.sequence),
        }
    }

    /// The number that a token is for, as [`Record::write_token`] makes it; `None` if the token is
    /// somebody else's.
    pub fn sequence_of_token(token: &str) -> Option<u64> {
        let number = token.strip_prefix(TOKEN)?;
        let number = match number.split_once('-') {
            Some((number, _)) => number,
            None => number,
        };
        number.parse().ok()
    }

    /// Every key that the record names, those that Banto issued first.
    pub fn keys(&self) -> Vec<AccessKeyId> {
        let mut keys = Vec::new();
        if let Some(rotation) = &self.rotation {
            keys.push(rotation.issued.key.clone());
            keys.extend(rotation.intent.existing_keys.iter().cloned());
        }
        keys.extend(self.disabled.keys().cloned());
        keys.extend(self.restored.iter().cloned());
        keys.extend(self.exposed.iter().cloned());
        keys.extend(self.left.iter().flat_map(Left::keys).cloned());
        let intent = self.intent.iter();
        keys.extend(intent.flat_map(|intent| intent.existing_keys.clone()));
        keys
    }

    /// The id under which [`Record::notified`] has the moment at which the owner of a key was first
    /// known to have been reached about it.
    pub fn reached_id(key: &AccessKeyId) -> String {
        format!("reached:{key}")
    }

    /// The moment at which the owner of a key was first known to have been reached about it.
    /// Acceptance by a topic or a webhook is none: nobody knows who reads there.
    pub fn reached_at(&self, key: &AccessKeyId) -> Option<Timestamp> {
        self.notified.get(&Self::reached_id(key)).copied()
    }

    /// The id under which [`Record::notified`] has the moment at which the owner of a key was first
    /// known to have been asked for a certificate by which it can be replaced.
    pub fn asked_id(key: &AccessKeyId) -> String {
        format!("asked:{key}")
    }

    /// The moment at which the owner of a key was first known to have been asked for a certificate.
    pub fn asked_at(&self, key: &AccessKeyId) -> Option<Timestamp> {
        self.notified.get(&Self::asked_id(key)).copied()
    }

    /// True if operators were told what a user had who left.
    pub fn is_leave_reported(&self) -> bool {
        self.notified.contains_key(Left::REPORTED)
    }

    /// The fingerprint of the certificate that counts as the user's. Records from before pins were
    /// kept name the one that they sealed to.
    pub fn pinned(&self) -> Option<&Fingerprint> {
        let sealed_to = self.rotation.as_ref();
        let pin = self.pin.as_ref().map(|pin| &pin.fingerprint);
        pin.or(sealed_to.map(|rotation| &rotation.intent.recipient))
    }

    /// True if the key is the one that Banto issued last.
    pub fn issued(&self, key: &AccessKeyId) -> bool {
        let rotation = self.rotation.as_ref();
        let envelope = self.envelope.as_ref();
        rotation.is_some_and(|rotation| rotation.issued.key == *key)
            || envelope.is_some_and(|envelope| envelope.key == *key)
    }
}

impl Left {
    /// The id under which [`Record::notified`] has the moment at which operators were told what the
    /// user had.
    pub const REPORTED: &str = "finding:left";

    /// A leave that begins at this moment.
    pub fn new(at: Timestamp, certificate: Option<Fingerprint>) -> Self {
        Self {
            at,
            worked: BTreeSet::new(),
            inactive: BTreeSet::new(),
            sessions_denied_at: None,
            revoked_at: None,
            certificate,
        }
    }

    /// The keys that ended with the leave.
    pub fn keys(&self) -> impl Iterator<Item = &AccessKeyId> {
        self.worked.union(&self.inactive)
    }
}

impl Intent {
    /// True if the run that recorded the intent may still be at work.
    pub fn may_be_under_way(&self, now: Timestamp) -> bool {
        now.duration_since(self.intended_at) < LEASE
    }

    /// True if a key created at this moment may be the one that the intent was about.
    pub fn window_contains(&self, created_at: Timestamp) -> bool {
        let after_intent = created_at.duration_since(self.intended_at);
        (-CLOCK_SKEW..=LEASE + CLOCK_SKEW).contains(&after_intent)
    }
}

/// Returns the time that is left to the run that wrote an intent at that moment.
pub fn lease_left(intended_at: Timestamp, now: Timestamp) -> Option<Duration> {
    let left = LEASE - now.duration_since(intended_at);
    Duration::try_from(left).ok().filter(|left| !left.is_zero())
}
