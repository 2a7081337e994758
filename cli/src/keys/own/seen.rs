//! A user as the rotator's planner takes one, as far as a user's own rights go.

use banto_domain::Fingerprint;
use banto_domain::policy::IdentityAccount;
use banto_domain::record::{Pin, Record};
use banto_ports::LiveUser;
use banto_seal::Certificate as OpenPgp;
use jiff::Timestamp;
use rotate_access_keys::notices;
use rotate_access_keys::plan::{FindingKind, OwnerNotice};
use rotate_access_keys::snapshot::{Certificate, PIN_TAG, StoredRecord, User};

use super::cloud::Stored;
use super::record::Kept;
use crate::openpgp::{self, Judged, NotUsable};

/// A user without keys, and the end of their certificate.
pub(super) struct Seen {
    pub(super) user: User,
    pub(super) ends: Option<Timestamp>,
}

/// The user, but for keys.
pub(super) fn user(
    identity: &IdentityAccount,
    live: LiveUser,
    kept: &Kept,
    stored: Option<&Stored>,
    now: Timestamp,
) -> Seen {
    let record = match kept {
        // To a user, "denied" is most likely that there is none.
        Kept::Nothing | Kept::Denied(_) => StoredRecord::Absent,
        Kept::Refused(why) => StoredRecord::Unreadable(why.clone()),
        Kept::Believed(record, _) if record.user_id == live.id => {
            StoredRecord::Own((**record).clone())
        }
        Kept::Believed(record, _) => StoredRecord::FormerUser((**record).clone()),
    };
    let mut user = User {
        tags: live.tags,
        record,
        ..User::new(live.name, live.id, live.arn, &live.path)
    };
    let (certificate, ends) = certificate(identity, &user, stored, now);
    user.certificate = certificate;
    Seen { user, ends }
}

/// The certificate, judged as the rotator judges it.
fn certificate(
    identity: &IdentityAccount,
    user: &User,
    stored: Option<&Stored>,
    now: Timestamp,
) -> (Certificate, Option<Timestamp>) {
    let refused = |code: &str, reason: String| {
        let code = code.to_owned();
        (Certificate::Refused { code, reason }, None)
    };
    let Some(tag) = user.tags.get(PIN_TAG) else {
        return refused("no-pin", notices::no_pin(&user.name, identity));
    };
    let pin = match Fingerprint::from_human(tag) {
        Ok(pin) => pin,
        Err(error) => return refused("bad-pin", notices::bad_pin(&error.to_string())),
    };
    let Some(stored) = stored else {
        let reason = notices::no_certificate(&pin);
        return refused(
            "no-certificate",
            format!("{reason} Call `banto keys register`."),
        );
    };
    let counted = user.record().and_then(|record| record.pin.as_ref());
    let kept = counted.and_then(|counted| OpenPgp::from_kept(&counted.certificate).ok());
    let kept = Vec::from_iter(kept);
    let Judged {
        certificate,
        expires_at,
        expires_soon,
    } = match openpgp::judge(&stored.bytes, &kept, &pin, now) {
        Ok(judged) => judged,
        Err(NotUsable { code, words }) => return refused(code, words),
    };
    let usable = Certificate::Usable {
        certified: counted.is_some_and(|counted| vouches(counted, &certificate, now)),
        stored_since: Some(stored_since(stored, user.record(), &pin, now)),
        fingerprint: pin,
        expires_soon,
    };
    (usable, expires_at)
}

fn vouches(counted: &Pin, certificate: &OpenPgp, now: Timestamp) -> bool {
    let counted = OpenPgp::from_kept(&counted.certificate);
    counted.is_ok_and(|counted| certificate.is_certified_by(&counted, now))
}

/// The moment since which the certificate has been stored without a break. A user may not list the
/// versions of the file, by which the rotator tells that: what people were told of was stored then,
/// and an extended certificate is a later file.
fn stored_since(
    stored: &Stored,
    record: Option<&Record>,
    pin: &Fingerprint,
    now: Timestamp,
) -> Timestamp {
    let notified = record.map(|record| &record.notified);
    let prefixes = [OwnerNotice::NEW_CERTIFICATE, FindingKind::NEW_CERTIFICATE];
    let told = prefixes.map(|prefix| notified?.get(&format!("{prefix}{pin}")).copied());
    let told = told.into_iter().flatten();
    told.chain(stored.since).min().unwrap_or(now)
}
