//! One's own record, and what may be believed of it.

use banto_domain::policy::Policy;
use banto_domain::record::Record;
use banto_domain::{AccountId, UserId, UserName};
use banto_ports::{ErrorKind, PortError, StoredText};
use jiff::Timestamp;
use rotate_access_keys::observe::{believed, is_from_the_future};

/// The result of a look at the record.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kept {
    /// There is none.
    Nothing,
    /// AWS denies it: to users who may read their own record alone it says so, too, where there is
    /// none.
    Denied(String),
    /// There is one, and nothing of it is believed; why.
    Refused(String),
    /// A record, and whether Banto's signature of it was checked.
    Believed(Box<Record>, Signature),
}

/// What is known of who wrote a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signature {
    /// A key that the policy names signed it, for this user and account.
    Checked,
    /// The policy believes what was written before records were signed.
    TooOld,
    /// The policy has no records signed.
    NotAsked,
}

impl Kept {
    /// The record, if it is believed.
    pub(super) fn record(&self) -> Option<&Record> {
        match self {
            Self::Believed(record, _) => Some(record),
            Self::Nothing | Self::Denied(_) | Self::Refused(_) => None,
        }
    }

    /// The same, for a user of this id: a record of who had the name before is none of theirs.
    pub(super) fn of(self, user: &UserId) -> Self {
        if self.record().is_some_and(|record| record.user_id != *user) {
            let why =
                "the stored record is of a former user of this name; Banto ends that one first";
            return Self::Refused(why.to_owned());
        }
        self
    }
}

/// Judges what came for a record, as the rotator does but for versions that were taken back, which
/// a user may not list.
pub(super) fn judged(
    read: Result<Option<StoredText>, PortError>,
    policy: &Policy,
    account: &AccountId,
    user: &UserName,
    now: Timestamp,
) -> Result<Kept, PortError> {
    let stored = match read {
        Ok(Some(stored)) => stored,
        Ok(None) => return Ok(Kept::Nothing),
        Err(error) if error.kind == ErrorKind::Denied => {
            return Ok(Kept::Denied(error.to_string()));
        }
        Err(error) => return Err(error),
    };
    let signing = policy.rotation.signing.as_ref();
    let since = signing.and_then(|signing| signing.since);
    let record = match believed(signing, account, user, &stored, since) {
        Ok(record) => record,
        Err(why) => return Ok(Kept::Refused(why)),
    };
    if is_from_the_future(&record, now) {
        let why = "a date in the stored record is still to come: is this machine's clock right?";
        return Ok(Kept::Refused(why.to_owned()));
    }
    let signature = match signing {
        None => Signature::NotAsked,
        Some(signing) if signing.verifier.verify(&stored.text).is_ok() => Signature::Checked,
        Some(_) => Signature::TooOld,
    };
    Ok(Kept::Believed(Box::new(record), signature))
}

#[cfg(test)]
mod tests {
    use banto_fake::{KeyPair, PolicyText};
    use jiff::SignedDuration;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-27T12:00:00Z".parse().unwrap()
    }

    fn text(user: &str) -> String {
        let record = Record::first("AIDACKCEVSQ6C2EXAMPLE".parse().unwrap());
        record.to_text(&"111122223333".parse().unwrap(), &user.parse().unwrap())
    }

    fn judged_with(lines: &str, text: &str) -> Kept {
        let policy = PolicyText::least().with_lines("rotation", lines).parse();
        let stored = StoredText {
            text: text.to_owned(),
            token: String::new(),
            written_at: now() - SignedDuration::from_hours(24),
        };
        let account = "111122223333".parse().unwrap();
        let user = "alice".parse().unwrap();
        judged(Ok(Some(stored)), &policy, &account, &user, now()).unwrap()
    }

    fn why(kept: Kept) -> String {
        match kept {
            Kept::Refused(why) => why,
            other => panic!("{other:?}"),
        }
    }

    fn signature(kept: Kept) -> Signature {
        match kept {
            Kept::Believed(_, signature) => signature,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_record_is_believed_by_its_signature_where_records_are_signed() {
        let signing = KeyPair::policy_lines();
        let signed = KeyPair::of_kms().signed(&text("alice"));
        assert_eq!(
            signature(judged_with(&signing, &signed)),
            Signature::Checked
        );
        let tampered = signed.replacen("\"sequence\":0", "\"sequence\":1", 1);
        assert_ne!(tampered, signed);
        let by_another = KeyPair::of_somebody().signed(&text("alice"));
        for text in [tampered, by_another] {
            assert!(why(judged_with(&signing, &text)).contains("its signature is of another text"));
        }
        assert!(why(judged_with(&signing, &text("alice"))).contains("it is not signed"));
        let since = format!("{signing}\nsigned_since = \"2026-11-27T00:00:00Z\"");
        let old = judged_with(&since, &text("alice"));
        assert_eq!(signature(old), Signature::TooOld);
        assert_eq!(
            signature(judged_with("", &text("alice"))),
            Signature::NotAsked
        );
    }

    #[test]
    fn the_record_of_another_user_or_release_or_time_is_refused() {
        let signing = KeyPair::policy_lines();
        let signed = KeyPair::of_kms().signed(&text("bob"));
        for (lines, text) in [("", text("bob")), (signing.as_str(), signed)] {
            assert!(why(judged_with(lines, &text)).contains("another user or account"));
        }
        let later = text("alice").replacen("\"version\":2", "\"version\":9", 1);
        assert!(why(judged_with("", &later)).contains("version 9"));
        let mut record = Record::first("AIDACKCEVSQ6C2EXAMPLE".parse().unwrap());
        let tomorrow = now() + SignedDuration::from_hours(24);
        record.notified.insert("finding".to_owned(), tomorrow);
        let early = record.to_text(&"111122223333".parse().unwrap(), &"alice".parse().unwrap());
        assert!(why(judged_with("", &early)).contains("clock"));
    }

    #[test]
    fn the_record_of_a_former_user_of_the_name_is_not_taken_for_ones_own() {
        let own = || judged_with("", &text("alice"));
        let id = |id: &str| id.parse().unwrap();
        assert_eq!(own().of(&id("AIDACKCEVSQ6C2EXAMPLE")), own());
        assert!(why(own().of(&id("AIDACKCEVSQ6C2ANOTHER"))).contains("former user"));
    }

    #[test]
    fn what_could_not_be_asked_is_an_error_and_a_denial_is_not() {
        let policy = PolicyText::least().parse();
        let asked = |kind| {
            let error = PortError::new(kind, "secretsmanager:GetSecretValue", "no");
            let account = "111122223333".parse().unwrap();
            judged(
                Err(error),
                &policy,
                &account,
                &"alice".parse().unwrap(),
                now(),
            )
        };
        assert!(matches!(asked(ErrorKind::Denied), Ok(Kept::Denied(_))));
        for kind in [ErrorKind::Throttled, ErrorKind::Unavailable] {
            assert_eq!(asked(kind).unwrap_err().kind, kind);
        }
    }
}
