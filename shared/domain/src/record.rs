//! The record of a user's rotation, as it is kept in Secrets Manager.
//!
//! A record is a text of two parts: one line of JSON (dates, key ids and the notices that were accepted) and, once a
//! key was issued, the armored OpenPGP message that holds it. Every OpenPGP program skips the line
//! before the armor, so that the whole text can be piped into `gpg --decrypt` as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{AccessKeyId, Fingerprint, UserId};

/// The only format written so far.
const FORMAT: u32 = 1;

/// Where the second part of a record begins.
const ARMOR: &str = "-----BEGIN PGP MESSAGE-----";

/// How long an intent belongs to the run that wrote it: the longest that Lambda lets an invocation
/// live (15 minutes; Lambda developer guide, "Lambda quotas"), and a margin for clocks that differ.
pub const LEASE: SignedDuration = SignedDuration::from_mins(20);

/// How far AWS's clock and ours may lie apart.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// All that Banto remembers of one user. Holds ciphertext and dates only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The user's unique id: a later user of the same name starts afresh.
    pub user_id: UserId,
    /// Whom the secret's resource policy lets read it, as Banto last set it; `None` until it did.
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
    /// Exposed keys that Banto disables, noted before it does: their owner is owed a new one.
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

/// One rotation: what was intended, and how far it came.
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

/// The first part of a record's text.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Header {
    banto_record: u32,
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
            banto_record: FORMAT,
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
        let header: Header = serde_json::from_str(header).map_err(|error| {
            RecordError(format!("line {} column {}", error.line(), error.column()))
        })?;
        if header.banto_record != FORMAT {
            return Err(RecordError(format!(
                "format {}, but this Banto knows {FORMAT}",
                header.banto_record
            )));
        }
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
    /// Whether the run that recorded the intent may still be at work.
    pub fn may_be_under_way(&self, now: Timestamp) -> bool {
        self.issued.is_none() && now.duration_since(self.intended_at) < LEASE
    }

    /// Whether a key created at this moment may be the one that the intent was about.
    pub fn window_contains(&self, created_at: Timestamp) -> bool {
        let after_intent = created_at.duration_since(self.intended_at);
        (-CLOCK_SKEW..=LEASE + CLOCK_SKEW).contains(&after_intent)
    }
}

/// Time that is left to the run that wrote an intent at that moment.
pub fn lease_left(intended_at: Timestamp, now: Timestamp) -> Option<Duration> {
    let left = LEASE - now.duration_since(intended_at);
    Duration::try_from(left).ok().filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + seconds).unwrap()
    }

    fn key(number: u32) -> AccessKeyId {
        format!("AKIA{number:016}").parse().unwrap()
    }

    prop_compose! {
        fn any_rotation()(
            reason in prop_oneof![Just(Reason::Due), Just(Reason::Forced), Just(Reason::Emergency)],
            intended in 0i64..9_999_999,
            existing_keys in proptest::collection::btree_set(0u32..9, 0..3),
            issued in proptest::option::of(0u32..9),
            delivered in proptest::option::of(0i64..9_999_999),
            version_6 in any::<bool>(),
        ) -> Rotation {
            Rotation {
                reason,
                intended_at: at(intended),
                existing_keys: existing_keys.into_iter().map(key).collect(),
                recipient: "A0".repeat(if version_6 { 32 } else { 20 }).parse().unwrap(),
                issued: issued.map(|number| Issued { key: key(number), created_at: at(intended + 1) }),
                delivered_at: delivered.map(at),
            }
        }
    }

    prop_compose! {
        fn any_record()(
            rotation in proptest::option::of(any_rotation()),
            sequence in any::<u64>(),
            run in "[0-9a-f]{32}",
            readers in proptest::option::of("\\PC{0,40}"),
            disabled in proptest::collection::btree_map(0u32..9, 0i64..9_999_999, 0..3),
            others in proptest::collection::btree_set(0u32..9, 0..3),
            notified in proptest::collection::btree_map("\\PC{1,30}", 0i64..9_999_999, 0..4),
            envelope in proptest::option::of("[A-Za-z0-9+/=\n]{0,200}"),
        ) -> Record {
            Record {
                user_id: "AIDACKCEVSQ6C2EXAMPLE".parse().unwrap(),
                readers,
                sequence,
                run,
                rotation,
                disabled: disabled.into_iter().map(|(number, seconds)| (key(number), at(seconds))).collect(),
                restored: others.iter().copied().map(key).collect(),
                exposed: others.into_iter().map(key).collect(),
                notified: notified.into_iter().map(|(id, seconds)| (id, at(seconds))).collect(),
                envelope: envelope.map(|body| StoredEnvelope {
                    key: key(1),
                    armored: format!("{ARMOR}\n\n{body}\n-----END PGP MESSAGE-----\n"),
                }),
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(record in any_record()) {
            prop_assert_eq!(Record::from_text(&record.to_text()), Ok(record));
        }

        #[test]
        fn the_first_line_is_json_and_the_rest_an_openpgp_message(record in any_record()) {
            let text = record.to_text();
            let (first, rest) = text.split_once("\n\n").unwrap();
            prop_assert!(serde_json::from_str::<serde_json::Value>(first).is_ok() && !first.contains('\n'));
            prop_assert!(rest.is_empty() || rest.starts_with(ARMOR));
        }

        #[test]
        fn each_version_has_a_token_of_its_own_of_the_length_that_aws_asks_for(record in any_record()) {
            prop_assert!((32..=64).contains(&record.write_token().len()));
            if record.sequence < u64::MAX {
                prop_assert_ne!(record.next("run").write_token(), record.write_token());
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}") {
            prop_assert!(Record::from_text(&text).is_err());
        }
    }

    #[test]
    fn two_runs_never_write_the_same_bytes() {
        let record = Record::first("AIDACKCEVSQ6C2EXAMPLE".parse().unwrap());
        assert_eq!(
            record.next("one").write_token(),
            record.next("other").write_token()
        );
        assert_ne!(record.next("one").to_text(), record.next("other").to_text());
    }

    #[test]
    fn a_text_that_is_no_record_is_refused_without_repeating_it() {
        let record = Record::first("AIDACKCEVSQ6C2EXAMPLE".parse().unwrap()).to_text();
        for (text, says) in [
            ("confidential".to_owned(), "line 1 column 1"),
            (
                record.replace("\"bantoRecord\":1", "\"bantoRecord\":2"),
                "format 2, but this Banto knows 1",
            ),
            (record.replace("\"sequence\"", "\"confidential\""), "line 1"),
            (
                format!("{record}{ARMOR}confidential"),
                "names no sealed key",
            ),
            (
                record.replace("\"run\"", "\"sealedKey\":\"AKIAIOSFODNN7EXAMPLE\",\"run\""),
                "holds no envelope",
            ),
        ] {
            let error = Record::from_text(&text).unwrap_err().to_string();
            assert!(
                error.contains(says) && !error.contains("confidential"),
                "{error}"
            );
        }
    }

    #[test]
    fn an_intent_belongs_to_its_run_for_twenty_minutes() {
        let intent = Rotation {
            reason: Reason::Due,
            intended_at: at(0),
            existing_keys: BTreeSet::new(),
            recipient: "A0".repeat(20).parse().unwrap(),
            issued: None,
            delivered_at: None,
        };
        assert!(intent.may_be_under_way(at(20 * 60 - 1)));
        assert!(!intent.may_be_under_way(at(20 * 60)));
        let issued = Rotation {
            issued: Some(Issued {
                key: key(1),
                created_at: at(1),
            }),
            ..intent.clone()
        };
        assert!(!issued.may_be_under_way(at(1)));
        assert!(intent.window_contains(at(-5 * 60)) && intent.window_contains(at(25 * 60)));
        assert!(
            !intent.window_contains(at(-5 * 60 - 1)) && !intent.window_contains(at(25 * 60 + 1))
        );
        assert_eq!(
            lease_left(at(0), at(19 * 60)),
            Some(Duration::from_secs(60))
        );
        assert_eq!(lease_left(at(0), at(20 * 60)), None);
    }
}
