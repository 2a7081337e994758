//! Looks at everything of one's own, as the rotator does as far as a user's rights go.

use anyhow::{Context as _, Result};
use banto_domain::policy::IdentityAccount;
use banto_domain::record::{Pin, Record};
use banto_domain::{AccountId, Fingerprint};
use banto_ports::LiveUser;
use banto_seal::Certificate as OpenPgp;
use jiff::Timestamp;
use rotate_access_keys::notices;
use rotate_access_keys::plan::{FindingKind, OwnerNotice};
use rotate_access_keys::snapshot::{
    ACKNOWLEDGED_TAG, Certificate, Key, PIN_TAG, StoredRecord, Used, User,
};

use super::super::cloud::Object;
use super::super::me::Me;
use super::super::record::{self, Kept};
use crate::openpgp::{self, Judged, NotUsable};

/// All that was seen.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) account: AccountId,
    pub(super) identity: IdentityAccount,
    pub(super) kept: Kept,
    /// The user as the rotator's planner takes one.
    pub(super) user: User,
    /// The pinned certificate's end, if it has one and can be used.
    pub(super) certificate_ends: Option<Timestamp>,
}

/// Looks.
pub(super) async fn at(me: &Me, now: Timestamp) -> Result<Looked> {
    let cloud = me.cloud.as_ref();
    let live = cloud.user().await.context("your IAM user can't be read")?;
    let keys = cloud
        .keys()
        .await
        .context("your access keys can't be listed")?;
    let stored = cloud.stored(Object::Certificate).await?;
    let kept = record::judged(
        cloud.record().await,
        &me.policy,
        &me.identity.id,
        &me.user,
        now,
    )?;
    let mut user = user(&me.identity, live, &kept, stored.as_deref(), now);
    for key in keys {
        let used = match cloud.last_use(&key.id).await {
            Ok(None) => Used::Never,
            Ok(Some(last)) => Used::Last(last),
            // An account whose users may not ask; the rotator may.
            Err(_) => Used::Unknown,
        };
        user.user.keys.push(Key {
            id: key.id,
            active: key.active,
            created_at: key.created_at,
            used,
        });
    }
    user.user.keys.sort_by_key(|key| key.created_at);
    let claimed = user.user.tags.get(ACKNOWLEDGED_TAG).cloned();
    if let (Some(claimed), Some(record)) = (claimed, kept.record())
        && let Some(signed) = cloud.stored(Object::Acknowledgement).await?
    {
        acknowledge(&mut user.user, record, &claimed, &signed, now);
    }
    Ok(Looked {
        account: me.identity.id.clone(),
        identity: me.identity.clone(),
        kept,
        user: user.user,
        certificate_ends: user.ends,
    })
}

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
    stored: Option<&[u8]>,
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
    stored: Option<&[u8]>,
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
        return refused("no-certificate", notices::no_certificate(&pin));
    };
    let counted = user.record().and_then(|record| record.pin.as_ref());
    let kept = counted.and_then(|counted| OpenPgp::from_kept(&counted.certificate).ok());
    let kept = Vec::from_iter(kept);
    let Judged {
        certificate,
        expires_at,
        expires_soon,
    } = match openpgp::judge(stored, &kept, &pin, now) {
        Ok(judged) => judged,
        Err(NotUsable { code, words }) => return refused(code, words),
    };
    let usable = Certificate::Usable {
        certified: counted.is_some_and(|counted| vouches(counted, &certificate, now)),
        stored_since: Some(told_at(user.record(), &pin).unwrap_or(now)),
        fingerprint: pin,
        expires_soon,
    };
    (usable, expires_at)
}

fn vouches(counted: &Pin, certificate: &OpenPgp, now: Timestamp) -> bool {
    let counted = OpenPgp::from_kept(&counted.certificate);
    counted.is_ok_and(|counted| certificate.is_certified_by(&counted, now))
}

/// Since when owner and operators know of a certificate that does not count yet: the day on which
/// it was stored, or the next. A user may not list the versions of the file.
fn told_at(record: Option<&Record>, pin: &Fingerprint) -> Option<Timestamp> {
    let notified = &record?.notified;
    let prefixes = [OwnerNotice::NEW_CERTIFICATE, FindingKind::NEW_CERTIFICATE];
    let told = prefixes.map(|prefix| notified.get(&format!("{prefix}{pin}")).copied());
    told.into_iter().flatten().max()
}

/// Takes an acknowledgement that counts.
fn acknowledge(user: &mut User, record: &Record, claimed: &str, signed: &[u8], now: Timestamp) {
    let Some(rotation) = record.rotation.as_ref() else {
        return;
    };
    let key = &rotation.issued.key;
    let pin = record.pin.as_ref();
    let pin = pin.filter(|pin| pin.fingerprint == rotation.intent.recipient);
    let Some(Ok(certificate)) = pin.map(|pin| OpenPgp::from_kept(&pin.certificate)) else {
        return;
    };
    if claimed == key.as_str() && certificate.check_acknowledgement(signed, key, now).is_ok() {
        user.acknowledged = Some(key.clone());
    }
}
