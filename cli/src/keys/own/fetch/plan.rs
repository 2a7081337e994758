//! Decides what is fetched, from what was seen.

use banto_domain::AccessKeyId;
use banto_domain::record::Record;
use banto_ports::LiveKey;
use jiff::Timestamp;

use super::super::record::Kept;
use crate::dates::in_words;

/// Everything that the decision is made from.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) kept: &'a Kept,
    /// The user's keys; `None` if they could not be listed.
    pub(super) keys: Option<&'a [LiveKey]>,
    /// The key that the target holds.
    pub(super) in_target: Option<&'a str>,
    /// True if the target's profile was named, and not merely the one that is in use.
    pub(super) is_target_named: bool,
    pub(super) now: Timestamp,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The envelope is to be opened, and this key put in place.
    Open { key: AccessKeyId, armored: String },
    /// The key is where it is to be.
    InPlace { key: AccessKeyId },
    /// There is nothing to fetch; why, and what happens next.
    Nothing(String),
    /// The target holds what is not to be replaced unasked.
    Refuse(String),
}

/// Decides.
pub(super) fn decide(seen: &Seen<'_>) -> Decision {
    let record = match seen.kept {
        Kept::Believed(record, _) => record,
        Kept::Nothing => return nothing("no new key was made for you yet"),
        Kept::Denied(why) => {
            return Decision::Nothing(format!(
                "No record of yours can be read. Most likely there is none yet, as no new key was \
                 made for you: `banto keys status` says when one is due. AWS says: {why}"
            ));
        }
        Kept::Refused(why) => {
            return Decision::Nothing(format!(
                "Nothing is fetched: {why}. Tell whoever operates Banto; docs/receipts.md says what \
                 they do"
            ));
        }
    };
    if let Some(left) = &record.left {
        return Decision::Nothing(format!(
            "You are recorded as having left, {}: your keys were disabled, and none is made. If \
             that is wrong, whoever operates Banto takes it back with `restore`.",
            in_words(left.at, seen.now)
        ));
    }
    let Some(envelope) = &record.envelope else {
        return without_envelope(record, seen.now);
    };
    let key = envelope.key.clone();
    if let Some(why) = seen
        .keys
        .and_then(|keys| dead(record, keys, &key, seen.now))
    {
        return Decision::Nothing(why);
    }
    if seen.in_target == Some(key.as_str()) {
        return Decision::InPlace { key };
    }
    match stranger(seen.in_target, seen.keys, seen.is_target_named) {
        Some(why) => Decision::Refuse(why),
        None => Decision::Open {
            key,
            armored: envelope.armored.clone(),
        },
    }
}

fn nothing(why: &str) -> Decision {
    Decision::Nothing(format!(
        "There is nothing to fetch: {why}. `banto keys status` says when one is due; a first one is \
         made by an operator's `banto keys rotate USER`."
    ))
}

fn without_envelope(record: &Record, now: Timestamp) -> Decision {
    if let Some(owed) = &record.owed {
        return Decision::Nothing(format!(
            "A new key is owed to you, since {}, and not made yet: `banto keys status` says what it \
             waits for.",
            in_words(owed.asked_at, now)
        ));
    }
    if let Some(intent) = &record.intent {
        return Decision::Nothing(format!(
            "A new key is being made, since {}: call again in half an hour.",
            in_words(intent.intended_at, now)
        ));
    }
    nothing("no new key was made for you yet")
}

/// Why the key in the envelope works no more, if it does not.
fn dead(record: &Record, keys: &[LiveKey], key: &AccessKeyId, now: Timestamp) -> Option<String> {
    let is_active = keys
        .iter()
        .find(|live| live.id == *key)
        .map(|live| live.active);
    let rotation = record
        .rotation
        .as_ref()
        .filter(|rotation| rotation.issued.key == *key);
    let withdrawn = rotation.and_then(|rotation| rotation.withdrawn_at);
    match is_active {
        Some(true) => None,
        _ if withdrawn.is_some() => withdrawn.map(|at| {
            format!(
                "The new key {key} was withdrawn {}, since another certificate of yours counts now. \
                 The next one is made by itself, within a day.",
                in_words(at, now)
            )
        }),
        Some(false) if record.exposed.contains(key) => Some(format!(
            "The key {key} was exposed and is disabled. The next one comes by itself: `banto keys \
             status` says what it waits for."
        )),
        Some(false) => Some(match record.disabled.get(key) {
            Some(at) => format!(
                "The latest envelope is of {key}, which was disabled {}, and no newer key was made. \
                 Whoever operates Banto can make it work again with `restore`.",
                in_words(*at, now)
            ),
            None => format!(
                "The key {key} in the envelope is inactive, and Banto did not do that. Make it \
                 active in the AWS console, or ask whoever operates Banto for a new one."
            ),
        }),
        None => Some(match rotation {
            // IAM may show a new key late; half an hour is twice what the rotator allows for.
            Some(rotation) if now.duration_since(rotation.issued.created_at).as_mins() < 30 => {
                format!("IAM does not show the new key {key} yet: call again in some minutes.")
            }
            _ => format!(
                "The key {key} in the envelope is deleted, and no newer one was made. `banto keys \
                 status` says when one is due."
            ),
        }),
    }
}

/// Why what the target holds is not replaced: it was not seen among the user's keys.
pub(super) fn stranger(
    held: Option<&str>,
    keys: Option<&[LiveKey]>,
    is_agreed: bool,
) -> Option<String> {
    let held = held.filter(|_| !is_agreed)?;
    let why = match keys {
        Some(keys) if keys.iter().any(|key| key.id.as_str() == held) => return None,
        Some(_) => "which is none of your keys of this account",
        None => "and your keys can't be listed, so that nothing shows that it is yours",
    };
    Some(format!(
        "The profile holds {held}, {why}: name the profile that the new key is for with \
         --profile-name (the same name, if it is to be replaced)."
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use banto_domain::record::{Intent, Issued, Left, Owed, Reason, Rotation, StoredEnvelope};
    use jiff::SignedDuration;

    use super::super::super::record::Signature;
    use super::*;

    const NEW: &str = "AKIAI44QH8DHBEXAMPLE";
    const OLD: &str = "AKIAIOSFODNN7EXAMPLE";

    fn now() -> Timestamp {
        "2026-11-27T12:00:00Z".parse().unwrap()
    }

    fn ago(hours: i64) -> Timestamp {
        now() - SignedDuration::from_hours(hours)
    }

    fn key(id: &str, active: bool) -> LiveKey {
        LiveKey {
            id: id.parse().unwrap(),
            active,
            created_at: ago(48),
        }
    }

    fn intent() -> Intent {
        Intent {
            reason: Reason::Due,
            request: None,
            intended_at: ago(48),
            existing_keys: BTreeSet::from([OLD.parse().unwrap()]),
            recipient: "D1A66E1A23B182C9980F788CFBFCC82A015E7330".parse().unwrap(),
        }
    }

    /// A record whose new key waits to be fetched.
    fn issued() -> Record {
        let mut record = Record::first("AIDACKCEVSQ6C2EXAMPLE".parse().unwrap());
        record.envelope = Some(StoredEnvelope {
            key: NEW.parse().unwrap(),
            armored: "armored".to_owned(),
        });
        record.rotation = Some(Rotation {
            intent: intent(),
            issued: Issued {
                key: NEW.parse().unwrap(),
                created_at: ago(48),
            },
            delivered_at: Some(ago(48)),
            proven_at: None,
            withdrawn_at: None,
        });
        record
    }

    fn decided(record: Record, keys: &[LiveKey], held: Option<&str>, named: bool) -> Decision {
        decide(&Seen {
            kept: &Kept::Believed(Box::new(record), Signature::NotAsked),
            keys: Some(keys),
            in_target: held,
            is_target_named: named,
            now: now(),
        })
    }

    fn told(decision: Decision) -> String {
        match decision {
            Decision::Nothing(why) | Decision::Refuse(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_new_key_is_opened_unless_it_is_in_place() {
        let keys = [key(OLD, true), key(NEW, true)];
        let open = Decision::Open {
            key: NEW.parse().unwrap(),
            armored: "armored".to_owned(),
        };
        assert_eq!(decided(issued(), &keys, Some(OLD), false), open);
        assert_eq!(decided(issued(), &keys, None, false), open);
        let place = Decision::InPlace {
            key: NEW.parse().unwrap(),
        };
        assert_eq!(decided(issued(), &keys, Some(NEW), false), place);
        // Where keys can't be listed, the proof says if it works.
        let kept = Kept::Believed(Box::new(issued()), Signature::NotAsked);
        let blind = Seen {
            kept: &kept,
            keys: None,
            in_target: None,
            is_target_named: false,
            now: now(),
        };
        assert_eq!(decide(&blind), open);
        // What the profile holds may be anybody's then.
        let holding = Seen {
            in_target: Some(OLD),
            ..blind
        };
        assert!(told(decide(&holding)).contains("can't be listed"));
    }

    #[test]
    fn a_profile_of_another_account_is_replaced_only_if_it_is_named() {
        let keys = [key(OLD, true), key(NEW, true)];
        // Temporary keys are nobody's in a list.
        let temporary = Some("ASIAIOSFODNN7EXAMPLE");
        told(decided(issued(), &keys, temporary, false));
        let other = Some("AKIA0000000000000000");
        let why = told(decided(issued(), &keys, other, false));
        assert!(why.contains("none of your keys"), "{why}");
        let decision = decided(issued(), &keys, other, true);
        assert!(matches!(decision, Decision::Open { .. }), "{decision:?}");
    }

    #[test]
    fn each_reason_why_nothing_is_fetched_is_told_with_its_date() {
        let active = [key(OLD, true), key(NEW, true)];
        let inactive = [key(OLD, true), key(NEW, false)];
        let gone = [key(OLD, true)];
        let mut first = issued();
        (first.envelope, first.rotation) = (None, None);
        let mut owed = first.clone();
        owed.owed = Some(Owed {
            reason: Reason::Emergency,
            request: "r".to_owned(),
            asked_at: ago(72),
        });
        let mut begun = first.clone();
        begun.intent = Some(intent());
        let mut withdrawn = issued();
        withdrawn.rotation.as_mut().unwrap().withdrawn_at = Some(ago(5));
        let mut exposed = issued();
        exposed.exposed.insert(NEW.parse().unwrap());
        let mut disabled = issued();
        disabled.disabled.insert(NEW.parse().unwrap(), ago(72));
        let mut young = issued();
        young.rotation.as_mut().unwrap().issued.created_at = now();
        let mut left = issued();
        left.left = Some(Left::new(ago(72), None));
        for (record, keys, words) in [
            (first, &active[..], "no new key was made"),
            (owed, &active, "owed to you, since 3 days ago"),
            (begun, &active, "being made, since 2 days ago"),
            (withdrawn, &inactive, "withdrawn 5 hours ago"),
            (exposed, &inactive, "was exposed"),
            (disabled, &inactive, "disabled 3 days ago"),
            (issued(), &inactive, "Banto did not do that"),
            (young, &gone, "does not show"),
            (issued(), &gone, "is deleted"),
            (left, &active, "having left, 3 days ago"),
        ] {
            let why = told(decided(record, keys, None, false));
            assert!(why.contains(words), "{why}");
        }
    }

    #[test]
    fn a_record_that_is_not_there_or_not_believed_is_told() {
        for (kept, words) in [
            (Kept::Nothing, "no new key was made"),
            (
                Kept::Denied("denied".to_owned()),
                "Most likely there is none yet",
            ),
            (
                Kept::Refused("it is not signed".to_owned()),
                "it is not signed",
            ),
        ] {
            let seen = Seen {
                kept: &kept,
                keys: None,
                in_target: None,
                is_target_named: false,
                now: now(),
            };
            let why = told(decide(&seen));
            assert!(why.contains(words), "{why}");
        }
    }
}
