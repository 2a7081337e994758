//! A record, as the text that is stored.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::model::{Emergency, Intent, Left, Owed, Pin, Record, Rotation, StoredEnvelope};
use super::version_1;
use crate::{AccessKeyId, AccountId, UserId, UserName};

/// The version of the format that is written; `docs/rotation.md` lists its fields.
const VERSION: u32 = 2;

/// The version of the previous release, which is read too.
const PREVIOUS_VERSION: u32 = 1;

/// Where the second part of a record begins.
pub(super) const ARMOR: &str = "-----BEGIN PGP MESSAGE-----";

/// Where it ends.
const ARMOR_END: &str = "-----END PGP MESSAGE-----";

/// The longest text that is read, in bytes. Secrets Manager holds 65,536 (Secrets Manager user
/// guide, "Quotas"), and what is read must leave room for what the next version adds.
const MAX_TEXT: usize = 49_152;

/// Most keys or notices that one field may name. A user has two keys at a time, and what
/// names keys that are gone is dropped at each new one; a thousand is no record of ours.
const MAX_ENTRIES: usize = 1_000;

/// Longest kept certificate, in characters of base64: 12 KiB of OpenPGP. One with RSA keys of 4096
/// bits and what belongs to it has 4.
const MAX_CERTIFICATE: usize = 16_384;

/// Largest number of a version that is believed: more than a write each second would come to in a
/// hundred million years, and still less than the largest that can be counted.
pub(super) const MAX_SEQUENCE: u64 = 1 << 53;

/// The first moment that a date may have: no access key of IAM is older than AWS itself.
const FIRST_DATE: Timestamp = Timestamp::constant(1_136_073_600, 0);

/// A stored text that is not a record; never repeats what it held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the stored record can't be read: {0}")]
pub struct RecordError(String);

/// A record, and whose it says that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRecord {
    /// The record.
    pub record: Record,
    /// The account that it is kept in; `None` if it doesn't say.
    pub account: Option<AccountId>,
    /// The user under whose name it is kept; `None` if it doesn't say.
    pub user: Option<UserName>,
}

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<AccountId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<UserName>,
    user_id: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    readers: Option<String>,
    sequence: u64,
    run: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    open: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    intent: Option<Intent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rotation: Option<Rotation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owed: Option<Owed>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    disabled: BTreeMap<AccessKeyId, Timestamp>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    restored: BTreeSet<AccessKeyId>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    exposed: BTreeSet<AccessKeyId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    emergency: Option<Emergency>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_emergency: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left: Option<Left>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    notified: BTreeMap<String, Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pin: Option<Pin>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reached_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed_key: Option<AccessKeyId>,
}

impl Record {
    /// The text that is stored of a user of an account, before it is signed.
    pub fn to_text(&self, account: &AccountId, user: &UserName) -> String {
        let record = self.clone();
        let (sealed_key, armored) = record
            .envelope
            .map(|envelope| (envelope.key, envelope.armored))
            .unzip();
        let header = serde_json::json!(Header {
            version: VERSION,
            account: Some(account.clone()),
            user: Some(user.clone()),
            user_id: record.user_id,
            readers: record.readers,
            sequence: record.sequence,
            run: record.run,
            open: record.open,
            intent: record.intent,
            rotation: record.rotation,
            owed: record.owed,
            disabled: record.disabled,
            restored: record.restored,
            exposed: record.exposed,
            emergency: record.emergency,
            last_emergency: record.last_emergency,
            left: record.left,
            notified: record.notified,
            pin: record.pin,
            reached_by: record.reached_by,
            sealed_key,
        });
        format!("{header}\n\n{}", armored.unwrap_or_default())
    }

    /// Reads a stored text, of this version or the previous one. If it is signed, nobody checks
    /// that here.
    ///
    /// # Errors
    /// If it is no record, or if a number, a date or the length of a list in it can't be: what was
    /// read is counted with, and nobody knows who wrote it.
    pub fn from_text(text: &str) -> Result<Self, RecordError> {
        KeptRecord::from_text(text).map(|kept| kept.record)
    }

    /// Refuses what no run of Banto writes.
    fn check(&self) -> Result<(), RecordError> {
        if self.sequence > MAX_SEQUENCE {
            return Err(RecordError("its sequence number is too large".into()));
        }
        let existing = |intent: &Intent| intent.existing_keys.len();
        let rotation = self.rotation.as_ref();
        let entries = [
            self.intent.as_ref().map_or(0, existing),
            rotation.map_or(0, |rotation| existing(&rotation.intent)),
            self.disabled.len(),
            self.restored.len(),
            self.exposed.len(),
            self.left.iter().flat_map(Left::keys).count(),
            self.notified.len(),
        ];
        if entries.iter().any(|count| *count > MAX_ENTRIES) {
            return Err(RecordError(format!(
                "a list has over {MAX_ENTRIES} entries"
            )));
        }
        let pin = self.pin.as_ref();
        if pin.is_some_and(|pin| pin.certificate.len() > MAX_CERTIFICATE) {
            return Err(RecordError(format!(
                "its certificate is longer than {MAX_CERTIFICATE} characters"
            )));
        }
        if self.dates().iter().any(|date| *date < FIRST_DATE) {
            return Err(RecordError("a date is before 2006".into()));
        }
        Ok(())
    }
}

impl KeptRecord {
    /// Reads a stored text, as [`Record::from_text`] does, and whose it says that it is.
    ///
    /// # Errors
    /// The same.
    pub fn from_text(text: &str) -> Result<Self, RecordError> {
        if text.len() > MAX_TEXT {
            return Err(RecordError(format!("it is longer than {MAX_TEXT} bytes")));
        }
        let (text, _) = banto_receipt::without_signature(text);
        let (header, armored) = match text.split_once(ARMOR) {
            Some((header, rest)) => (header, Some(format!("{ARMOR}{rest}"))),
            None => (text.as_str(), None),
        };
        if let Some(armored) = &armored
            && !armored
                .strip_suffix('\n')
                .unwrap_or(armored)
                .ends_with(ARMOR_END)
        {
            return Err(RecordError(
                "its envelope has no end, or text after it".into(),
            ));
        }
        let (kept, sealed_key) = match version_of(header)? {
            PREVIOUS_VERSION => {
                let (record, sealed_key) =
                    version_1::read(header).map_err(|error| unreadable(&error))?;
                (Self::of_nobody(record), sealed_key)
            }
            _ => serde_json::from_str::<Header>(header)
                .map_err(|error| unreadable(&error))?
                .split(),
        };
        let record = Record {
            envelope: envelope(sealed_key, armored)?,
            ..kept.record
        };
        record.check()?;
        Ok(Self { record, ..kept })
    }

    /// A record that doesn't say whose it is.
    fn of_nobody(record: Record) -> Self {
        Self {
            record,
            account: None,
            user: None,
        }
    }

    /// True if the record says that it is this user's of this account.
    pub fn is_of(&self, account: &AccountId, user: &UserName) -> bool {
        self.account.as_ref() == Some(account) && self.user.as_ref() == Some(user)
    }

    /// True if the record says that it is another user's, or another account's.
    pub fn is_of_another(&self, account: &AccountId, user: &UserName) -> bool {
        self.account.as_ref().is_some_and(|kept| kept != account)
            || self.user.as_ref().is_some_and(|kept| kept != user)
    }
}

impl Header {
    /// The record without its envelope, and the key that is named as sealed.
    fn split(self) -> (KeptRecord, Option<AccessKeyId>) {
        let record = Record {
            user_id: self.user_id,
            readers: self.readers,
            sequence: self.sequence,
            run: self.run,
            open: self.open,
            intent: self.intent,
            rotation: self.rotation,
            owed: self.owed,
            disabled: self.disabled,
            restored: self.restored,
            exposed: self.exposed,
            emergency: self.emergency,
            last_emergency: self.last_emergency,
            left: self.left,
            notified: self.notified,
            pin: self.pin,
            reached_by: self.reached_by,
            envelope: None,
        };
        let kept = KeptRecord {
            record,
            account: self.account,
            user: self.user,
        };
        (kept, self.sealed_key)
    }
}

/// The envelope, if the text both names a sealed key and holds a message.
fn envelope(
    sealed_key: Option<AccessKeyId>,
    armored: Option<String>,
) -> Result<Option<StoredEnvelope>, RecordError> {
    match (sealed_key, armored) {
        (Some(key), Some(armored)) => Ok(Some(StoredEnvelope { key, armored })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(RecordError(
            "it names a sealed key but holds no envelope".into(),
        )),
        (None, Some(_)) => Err(RecordError(
            "it holds an envelope but names no sealed key".into(),
        )),
    }
}

/// The version of a text. Refuses one of a version that is not known, and one that names none.
fn version_of(header: &str) -> Result<u32, RecordError> {
    let found: Versioned = serde_json::from_str(header).map_err(|error| unreadable(&error))?;
    let found = match found.version {
        None => "no version".to_owned(),
        Some(serde_json::Value::Number(number)) => {
            for known in [VERSION, PREVIOUS_VERSION] {
                if number.as_u64() == Some(u64::from(known)) {
                    return Ok(known);
                }
            }
            format!("version {number}")
        }
        Some(_) => "a version that is no number".to_owned(),
    };
    Err(RecordError(format!(
        "it has {found}, but this Banto knows the versions {PREVIOUS_VERSION} and {VERSION} only"
    )))
}

/// The place of a mistake in the JSON; serde's own words may quote the text.
fn unreadable(error: &serde_json::Error) -> RecordError {
    RecordError(format!("line {} column {}", error.line(), error.column()))
}
