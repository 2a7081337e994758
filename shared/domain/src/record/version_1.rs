//! The records of the previous release: a rotation began as an intent without a new key.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;

use super::model::{Intent, Issued, Reason, Record, Rotation};
use crate::{AccessKeyId, Fingerprint, UserId};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Header1 {
    /// Read before; named here since no other field is allowed.
    #[serde(rename = "version")]
    _version: u32,
    user_id: UserId,
    readers: Option<String>,
    sequence: u64,
    run: String,
    rotation: Option<Rotation1>,
    #[serde(default)]
    disabled: BTreeMap<AccessKeyId, Timestamp>,
    #[serde(default)]
    restored: BTreeSet<AccessKeyId>,
    #[serde(default)]
    exposed: BTreeSet<AccessKeyId>,
    #[serde(default)]
    notified: BTreeMap<String, Timestamp>,
    sealed_key: Option<AccessKeyId>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rotation1 {
    reason: Reason,
    intended_at: Timestamp,
    existing_keys: BTreeSet<AccessKeyId>,
    recipient: Fingerprint,
    issued: Option<Issued>,
    delivered_at: Option<Timestamp>,
}

/// Reads the first part of a text: the record without its envelope, and the key that is named as
/// sealed.
pub(super) fn read(header: &str) -> Result<(Record, Option<AccessKeyId>), serde_json::Error> {
    let old: Header1 = serde_json::from_str(header)?;
    let (intent, rotation) = old.rotation.map(Rotation1::split).unwrap_or_default();
    let record = Record {
        readers: old.readers,
        sequence: old.sequence,
        run: old.run,
        intent,
        rotation,
        disabled: old.disabled,
        restored: old.restored,
        exposed: old.exposed,
        notified: old.notified,
        ..Record::first(old.user_id)
    };
    Ok((record, old.sealed_key))
}

impl Rotation1 {
    /// The intent, if no key was issued on it, or else the rotation.
    fn split(self) -> (Option<Intent>, Option<Rotation>) {
        let intent = Intent {
            reason: self.reason,
            request: None,
            intended_at: self.intended_at,
            existing_keys: self.existing_keys,
            recipient: self.recipient,
        };
        let Some(issued) = self.issued else {
            return (Some(intent), None);
        };
        let rotation = Rotation {
            intent,
            issued,
            delivered_at: self.delivered_at,
            proven_at: None,
            withdrawn_at: None,
        };
        (None, Some(rotation))
    }
}
