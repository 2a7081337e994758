//! Looks at everything of one's own, as the rotator does as far as a user's rights go.

use anyhow::{Context as _, Result};
use banto_domain::policy::IdentityAccount;
use banto_domain::record::Record;
use banto_seal::Certificate as OpenPgp;
use jiff::Timestamp;
use rotate_access_keys::snapshot::{ACKNOWLEDGED_TAG, Key, Used, User};

use super::super::cloud::Object;
use super::super::me::Me;
use super::super::record::{self, Kept};
use super::super::seen;

/// All that was seen.
#[derive(Debug)]
pub(super) struct Looked {
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
    let mut user = seen::user(&me.identity, live, &kept, stored.as_ref(), now);
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
        acknowledge(&mut user.user, record, &claimed, &signed.bytes, now);
    }
    Ok(Looked {
        identity: me.identity.clone(),
        kept,
        user: user.user,
        certificate_ends: user.ends,
    })
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
