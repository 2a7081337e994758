//! The record of a user's rotation, as it is kept in Secrets Manager.
//!
//! A record is a text of two parts: one line of JSON (dates, key ids and the notices that were
//! accepted) and, once a key was issued, the armored OpenPGP message that holds it. Every OpenPGP
//! program skips the line before the armor, so that the whole text can be piped into `gpg
//! --decrypt` as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{AccessKeyId, Fingerprint, UserId, UserName};

#[cfg(test)]
mod tests;

/// The only version of the format so far; `docs/rotation.md` lists its fields.
const VERSION: u32 = 1;

/// Where the second part of a record begins.
const ARMOR: &str = "-----BEGIN PGP MESSAGE-----";

/// Time for which an intent belongs to the run that wrote it: the longest that Lambda lets an
/// invocation live (15 minutes; Lambda developer guide, "Lambda quotas"), and a margin for clocks
/// that differ.
pub const LEASE: SignedDuration = SignedDuration::from_mins(20);

/// Difference that is allowed for between AWS's clock and ours: AWS refuses requests that are
/// signed more than 5 minutes off, so a run whose clock differs by more gets nothing done.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

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
    /// The latest rotation, finished or not.
    pub rotation: Option<Rotation>,
    /// Keys that Banto disabled, and when.
    pub disabled: BTreeMap<AccessKeyId, Timestamp>,
    /// Keys that a person made active again after Banto disabled them; left alone since.
    pub restored: BTreeSet<AccessKeyId>,
    /// Exposed keys, recorded before Banto disables them: their owner is owed a new one.
    pub exposed: BTreeSet<AccessKeyId>,
    /// When each notice to the owner or about the user was accepted for delivery, by notice id.
    pub notified: BTreeMap<String, Timestamp>,
    /// The key that was sealed last. It stays until the next one is stored, since the owner may
    /// not have fetched it yet.
    pub envelope: Option<StoredEnvelope>,
}

/// A sealed key as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEnvelope {
    /// The key that is inside.
    pub key: AccessKeyId,
    /// An armored OpenPGP message with one recipient.
    pub armored: String,
}

/// One rotation: its intent, and its progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rotation {
    /// Why it was begun.
    pub reason: Reason,
    /// When the intent was recorded, just before the new key was created.
    pub intended_at: Timestamp,
    /// Every key that the user had at that moment.
    pub existing_keys: BTreeSet<AccessKeyId>,
    /// The certificate that the new key is sealed to.
    pub recipient: Fingerprint,
    /// The new key, once its envelope is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<Issued>,
    /// When its owner was told of the new key, once that was accepted for delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
}

/// A key whose envelope is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Issued {
    /// The new key.
    pub key: AccessKeyId,
    /// When IAM created it.
    pub created_at: Timestamp,
}

/// Why a rotation was begun.
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

/// A stored text that is not a record; never repeats what it held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the stored record can't be read: {0}")]
pub struct RecordError(String);

/// The version alone, read before all else: another version may have other fields.
#[derive(Deserialize)]
struct Versioned {
    version: Option<serde_json::Value>,
}

/// The first part of a record's text.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Header {
    version: u32,
    user_id: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    readers: Option<String>,
    sequence: u64,
    run: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rotation: Option<Rotation>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    disabled: BTreeMap<AccessKeyId, Timestamp>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    restored: BTreeSet<AccessKeyId>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    exposed: BTreeSet<AccessKeyId>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    notified: BTreeMap<String, Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed_key: Option<AccessKeyId>,
}

impl Record {
    /// The first record of a user, not yet written.
    pub fn first(user_id: UserId) -> Self {
        Self {
            user_id,
            readers: None,
            sequence: 0,
            run: String::new(),
            rotation: None,
            disabled: BTreeMap::new(),
            restored: BTreeSet::new(),
            exposed: BTreeSet::new(),
            notified: BTreeMap::new(),
            envelope: None,
        }
    }

    /// The version to write after this one, by the given run.
    pub fn next(&self, run: &str) -> Self {
        Self {
            sequence: self.sequence + 1,
            run: run.to_owned(),
            ..self.clone()
        }
    }

    /// The text that is stored.
    pub fn to_text(&self) -> String {
        let record = self.clone();
        let (sealed_key, armored) = record
            .envelope
            .map(|envelope| (envelope.key, envelope.armored))
            .unzip();
        let header = serde_json::json!(Header {
            version: VERSION,
            user_id: record.user_id,
            readers: record.readers,
            sequence: record.sequence,
            run: record.run,
            rotation: record.rotation,
            disabled: record.disabled,
            restored: record.restored,
            exposed: record.exposed,
            notified: record.notified,
            sealed_key,
        });
        format!("{header}\n\n{}", armored.unwrap_or_default())
    }

    /// Reads a stored text.
    pub fn from_text(text: &str) -> Result<Self, RecordError> {
        let (header, armored) = match text.split_once(ARMOR) {
            Some((header, rest)) => (header, Some(format!("{ARMOR}{rest}"))),
            None => (text, None),
        };
        check_version(header)?;
        let header: Header = serde_json::from_str(header).map_err(|error| unreadable(&error))?;
        let envelope = match (header.sealed_key, armored) {
            (Some(key), Some(armored)) => Some(StoredEnvelope { key, armored }),
            (None, None) => None,
            (Some(_), None) => {
                return Err(RecordError(
                    "it names a sealed key but holds no envelope".into(),
                ));
            }
            (None, Some(_)) => {
                return Err(RecordError(
                    "it holds an envelope but names no sealed key".into(),
                ));
            }
        };
        Ok(Self {
            user_id: header.user_id,
            readers: header.readers,
            sequence: header.sequence,
            run: header.run,
            rotation: header.rotation,
            disabled: header.disabled,
            restored: header.restored,
            exposed: header.exposed,
            notified: header.notified,
            envelope,
        })
    }

    /// The token that makes a write conditional: whoever writes a sequence number second, with
    /// other content, is refused. (Secrets Manager API reference, `PutSecretValue`,
    /// `ClientRequestToken`: 32 to 64 characters.)
    pub fn write_token(&self) -> String {
        format!("banto-record-version-{:032}", self.sequence)
    }
}

impl Rotation {
    /// True if the run that recorded the intent may still be at work.
    pub fn may_be_under_way(&self, now: Timestamp) -> bool {
        self.issued.is_none() && now.duration_since(self.intended_at) < LEASE
    }

    /// True if a key created at this moment may be the one that the intent was about.
    pub fn window_contains(&self, created_at: Timestamp) -> bool {
        let after_intent = created_at.duration_since(self.intended_at);
        (-CLOCK_SKEW..=LEASE + CLOCK_SKEW).contains(&after_intent)
    }
}

/// The name of the secret that holds a user's record.
///
/// A comma, which a user name may have and a secret's name may not, becomes `/comma/`: a slash is
/// in no user name, so no two users share a secret. (Secrets Manager API reference, `CreateSecret`,
/// `Name`.)
///
/// ```
/// use banto_domain::record::secret_name;
/// assert_eq!(secret_name(&"alice".parse().unwrap()), "banto/access-keys/alice");
/// assert_eq!(secret_name(&"a,b".parse().unwrap()), "banto/access-keys/a/comma/b");
/// ```
pub fn secret_name(user: &UserName) -> String {
    format!(
        "banto/access-keys/{}",
        user.as_str().replace(',', "/comma/")
    )
}

/// Refuses a text of another version, and one that names no version.
fn check_version(header: &str) -> Result<(), RecordError> {
    let found: Versioned = serde_json::from_str(header).map_err(|error| unreadable(&error))?;
    let found = match found.version {
        None => "no version".to_owned(),
        Some(serde_json::Value::Number(number)) if number.as_u64() == Some(u64::from(VERSION)) => {
            return Ok(());
        }
        Some(serde_json::Value::Number(number)) => format!("version {number}"),
        Some(_) => "a version that is no number".to_owned(),
    };
    Err(RecordError(format!(
        "it has {found}, but this Banto knows version {VERSION} only"
    )))
}

/// The place of a mistake in the JSON; serde's own words may quote the text.
fn unreadable(error: &serde_json::Error) -> RecordError {
    RecordError(format!("line {} column {}", error.line(), error.column()))
}

/// Returns the time that is left to the run that wrote an intent at that moment.
pub fn lease_left(intended_at: Timestamp, now: Timestamp) -> Option<Duration> {
    let left = LEASE - now.duration_since(intended_at);
    Duration::try_from(left).ok().filter(|left| !left.is_zero())
}
