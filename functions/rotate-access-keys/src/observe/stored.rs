//! Reads records, and believes no more of one than its signature, its date and its place allow.

use banto_domain::policy::Signing;
use banto_domain::record::{KeptRecord, LEASE, Record};
use banto_domain::{AccountId, UserId, UserName};
use banto_ports::{ErrorKind, PortError, StoredText};
use banto_receipt::ReceiptError;
use jiff::{SignedDuration, Timestamp};

use super::look::Look;
use crate::snapshot::StoredRecord;
use crate::trail_times::shifted;

/// Most versions that are read to learn if a later one was taken back. Secrets Manager keeps a
/// hundred, and more only of those that were written within a day. (Secrets Manager user guide,
/// "Quotas".)
const MOST_LATER: usize = 100;

/// A record that is kept under a name, before it is known whose it is.
pub(super) enum Kept {
    Nothing,
    Believed(Box<Record>),
    /// It can't be read or is not believed, and why.
    Refused(String),
}

/// Reads the record that is kept under a user's name.
pub(super) async fn read(
    look: &Look<'_>,
    name: &UserName,
    user_id: &UserId,
) -> Result<StoredRecord, PortError> {
    let kept = match read_kept(look, name, Some(user_id)).await {
        Err(error) if error.kind == ErrorKind::Denied => {
            return Ok(StoredRecord::Denied(error.to_string()));
        }
        kept => kept?,
    };
    Ok(match kept {
        Kept::Nothing => StoredRecord::Absent,
        Kept::Believed(record) if record.user_id == *user_id => StoredRecord::Own(*record),
        Kept::Believed(record) => StoredRecord::FormerUser(*record),
        Kept::Refused(why) => StoredRecord::Unreadable(why),
    })
}

/// Reads the record that is kept under a name, whoever has that name now.
pub(super) async fn read_kept(
    look: &Look<'_>,
    name: &UserName,
    user_id: Option<&UserId>,
) -> Result<Kept, PortError> {
    let Some(stored) = look.ports.records.read(name).await? else {
        return Ok(Kept::Nothing);
    };
    let signing = look.job.policy.signing.as_ref();
    let since = signing.and_then(|signing| signing.since);
    let record = match believed(signing, &look.job.identity.id, name, &stored, since) {
        Ok(record) => record,
        Err(why) => return Ok(Kept::Refused(why)),
    };
    if is_from_the_future(&record, look.now) {
        let why = "the stored record can't be read: a date in it is still to come";
        return Ok(Kept::Refused(why.to_owned()));
    }
    let why = match signing {
        Some(_) => taken_back(look, name, &record, user_id).await?,
        None => None,
    };
    Ok(match why {
        Some(why) => Kept::Refused(why),
        None => Kept::Believed(Box::new(record)),
    })
}

/// The record in a text, or why nothing of it is believed. What was written without a signature
/// before `since` is.
///
/// # Errors
/// If nothing of it is believed.
pub fn believed(
    signing: Option<&Signing>,
    account: &AccountId,
    name: &UserName,
    stored: &StoredText,
    since: Option<Timestamp>,
) -> Result<Record, String> {
    let signed = match signing {
        Some(signing) => signed_text(signing, stored, since)?,
        None => None,
    };
    let text = signed.as_ref().unwrap_or(&stored.text);
    let kept = KeptRecord::from_text(text).map_err(|error| error.to_string())?;
    // What Banto signs always says whose it is.
    let is_in_place = match signed {
        Some(_) => kept.is_of(account, name),
        None => !kept.is_of_another(account, name),
    };
    if !is_in_place {
        return Err(unbelieved("it was written for another user or account"));
    }
    Ok(kept.record)
}

/// The text that Banto signed; `None` if the text was written before anything was signed.
fn signed_text(
    signing: &Signing,
    stored: &StoredText,
    since: Option<Timestamp>,
) -> Result<Option<String>, String> {
    match signing.verifier.verify(&stored.text) {
        Ok(text) => Ok(Some(text)),
        Err(ReceiptError::Unsigned) if since.is_some_and(|since| stored.written_at < since) => {
            Ok(None)
        }
        Err(error) => Err(unbelieved(&error.to_string())),
    }
}

fn unbelieved(why: &str) -> String {
    format!("the stored record is not believed: {why}")
}

/// The words for a later version that Banto signed and that somebody took back; `None` if there is
/// none. A version that was written just now may be another run's.
async fn taken_back(
    look: &Look<'_>,
    name: &UserName,
    current: &Record,
    user_id: Option<&UserId>,
) -> Result<Option<String>, PortError> {
    let later = later_tokens(look, name, current).await?;
    if later.len() > MOST_LATER {
        let why = format!("over {MOST_LATER} versions claim a later number");
        return Ok(Some(unbelieved(&why)));
    }
    for token in later {
        let Some(version) = look.ports.records.read_version(name, &token).await? else {
            continue;
        };
        // A version that Banto did not sign is nobody's.
        let signing = look.job.policy.signing.as_ref();
        if let Ok(record) = believed(signing, &look.job.identity.id, name, &version, None)
            && counts(&record, current, user_id)
        {
            let number = record.sequence;
            let why = format!("it is older than version {number}, which somebody took back");
            return Ok(Some(unbelieved(&why)));
        }
    }
    Ok(None)
}

/// The tokens of a later number than the current version's, the latest first, but for those that a
/// run may have written just now.
async fn later_tokens(
    look: &Look<'_>,
    name: &UserName,
    current: &Record,
) -> Result<Vec<String>, PortError> {
    let mut later = Vec::new();
    for (token, written_at) in look.ports.records.versions(name).await? {
        let number = Record::sequence_of_token(&token);
        let is_old = look.now.duration_since(written_at) > LEASE;
        if is_old && let Some(number) = number.filter(|number| *number > current.sequence) {
            later.push((number, token));
        }
    }
    later.sort();
    Ok(later.into_iter().rev().map(|(_, token)| token).collect())
}

/// True if a version is later than the current one. One of a former user is not, if the current one
/// is of the user who has the name now.
fn counts(version: &Record, current: &Record, user_id: Option<&UserId>) -> bool {
    let is_users = |record: &Record| user_id.is_none_or(|id| record.user_id == *id);
    version.sequence > current.sequence && (is_users(version) || !is_users(current))
}

/// True if the record has a date that no run can have written. AWS takes no request of a clock that
/// is more than a few minutes off, so that an hour is never a clock's difference.
pub fn is_from_the_future(record: &Record, now: Timestamp) -> bool {
    let limit = shifted(now, SignedDuration::from_hours(1));
    record.latest_date().is_some_and(|date| date > limit)
}
