//! A certificate that can be encrypted to.

use std::cmp::Reverse;
use std::fmt;

use banto_domain::Fingerprint;
use jiff::{SignedDuration, Timestamp};
use sequoia_openpgp as openpgp;

use openpgp::KeyHandle;
use openpgp::cert::ValidCert;
use openpgp::cert::amalgamation::ValidAmalgamation as _;
use openpgp::cert::amalgamation::key::{PrimaryKey as _, ValidErasedKeyAmalgamation};
use openpgp::packet::Key;
use openpgp::packet::key::{PublicParts, UnspecifiedRole};
use openpgp::policy::{Policy, StandardPolicy};
use openpgp::types::{Features, RevocationStatus};

use crate::diagnosis::{Examined, may_encrypt, reason_of};
use crate::instant::{system_time, timestamp};
use crate::{Certificate, Refusal};

/// Lead before its end at which a certificate counts as expiring soon.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A certificate that is parsed, alive, unrevoked, able to encrypt at a given instant, and the one
/// that its owner pinned.
pub struct Recipient {
    fingerprint: Fingerprint,
    expires_at: Option<Timestamp>,
    pub(crate) key: Key<PublicParts, UnspecifiedRole>,
}

type EncryptionKey<'a> = ValidErasedKeyAmalgamation<'a, PublicParts>;

impl Recipient {
    /// Reads a certificate and judges it: [`Certificate::read`], then [`Self::judge`].
    ///
    /// # Errors
    /// A [`Refusal`], in an order that names the gravest thing first: an exposed secret key comes
    /// before a wrong fingerprint, and that before anything the certificate says of itself.
    pub fn parse(
        certificate: &[u8],
        pinned: &Fingerprint,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        Self::judge(&Certificate::read(certificate)?, pinned, now)
    }

    /// Judges a certificate as of `now`, by sequoia's standard policy.
    ///
    /// # Errors
    /// A [`Refusal`]: a wrong fingerprint comes before anything the certificate says of itself.
    pub fn judge(
        certificate: &Certificate,
        pinned: &Fingerprint,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let found = certificate.fingerprint();
        if found != pinned.as_str() {
            return Err(Refusal::WrongFingerprint {
                pinned: pinned.clone(),
                found,
            });
        }
        let instant = system_time(now);
        let policy = StandardPolicy::at(instant);
        let examined = Examined {
            certificate: &certificate.0,
            fingerprint: pinned,
            now: instant,
        };
        let valid = as_a_whole(&examined, &policy)?;
        // What it says could not be remembered, and an older copy would unsay it.
        match certificate.too_long_to_keep() {
            Some(refusal) => Err(refusal),
            None => chosen(&examined, &valid),
        }
    }

    /// The certificate's fingerprint, equal to the pinned one.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// When the certificate or its encryption subkey expires, whichever is sooner; `None` for
    /// never.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// When it expires, if that is within 30 days.
    pub fn expires_soon(&self, now: Timestamp) -> Option<Timestamp> {
        self.expires_at.filter(|at| at.duration_since(now) <= SOON)
    }

    /// The name of this recipient in an envelope: the fingerprint for version 6 (RFC 9580, section
    /// 5.1.2), else the key id (section 5.1.1).
    pub(crate) fn handle(&self) -> KeyHandle {
        if self.is_version_6() {
            self.key.fingerprint().into()
        } else {
            self.key.keyid().into()
        }
    }

    /// The formats that the recipient's programs can read, by the version of the key and not by the
    /// certificate's own word. GnuPG reads nothing of RFC 9580, and a certificate that was made
    /// elsewhere and imported there goes on to say that its owner does.
    pub(crate) fn features(&self) -> Features {
        if self.is_version_6() {
            Features::empty().set_seipdv1().set_seipdv2()
        } else {
            Features::empty().set_seipdv1()
        }
    }

    fn is_version_6(&self) -> bool {
        self.key.version() == 6
    }
}

/// Shows the fingerprint only.
impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recipient")
            .field(&self.fingerprint.as_str())
            .finish()
    }
}

/// The certificate as a whole: from when, until when, revoked, relying on what.
fn as_a_whole<'a>(
    examined: &Examined<'a>,
    policy: &'a dyn Policy,
) -> Result<ValidCert<'a>, Refusal> {
    let (certificate, now) = (examined.certificate, examined.now);
    let made_at = certificate.primary_key().key().creation_time();
    if made_at > now {
        return Err(Refusal::NotYetValid {
            from: timestamp(made_at),
        });
    }
    // Before the policy speaks: a revocation counts even where the rest is too weak to count.
    if let RevocationStatus::Revoked(signatures) = certificate.revocation_status(policy, now) {
        return Err(Refusal::Revoked {
            reason: reason_of(&signatures),
        });
    }
    let valid = certificate
        .with_policy(policy, now)
        .map_err(|_| examined.as_a_whole())?;
    if valid.alive().is_err() {
        let at = valid.primary_key().key_expiration_time().unwrap_or(now);
        return Err(Refusal::Expired {
            fingerprint: examined.fingerprint.clone(),
            subkey: examined.expired_subkey(&valid),
            at: timestamp(at),
        });
    }
    Ok(valid)
}

/// The recipient with the newest key to which sealing works. The primary key comes last, as it does
/// for GnuPG.
fn chosen(examined: &Examined<'_>, valid: &ValidCert<'_>) -> Result<Recipient, Refusal> {
    let encrypts = |key: &EncryptionKey<'_>| {
        key.key().pk_algo().for_encryption() && may_encrypt(key.key_flags())
    };
    let mut keys: Vec<EncryptionKey<'_>> = valid.keys().filter(encrypts).collect();
    keys.sort_by_key(|key| Reverse((!key.primary(), key.key().creation_time())));
    let mut refusal = None;
    for key in keys {
        match usable(examined, valid, &key) {
            Ok(recipient) => return Ok(recipient),
            Err(why) => refusal = refusal.or(Some(why)),
        }
    }
    Err(refusal.unwrap_or_else(|| examined.without_encryption()))
}

/// A recipient with this key, if sealing to it works: it is tried.
fn usable(
    examined: &Examined<'_>,
    valid: &ValidCert<'_>,
    key: &EncryptionKey<'_>,
) -> Result<Recipient, Refusal> {
    let fingerprint = examined.fingerprint.clone();
    if matches!(key.revocation_status(), RevocationStatus::Revoked(_)) {
        return Err(Refusal::EncryptionSubkeyRevoked { fingerprint });
    }
    let end = key.key_expiration_time();
    if let Some(at) = end.filter(|end| *end <= examined.now) {
        return Err(Refusal::EncryptionSubkeyExpired {
            fingerprint,
            subkey: key.key().fingerprint().to_hex(),
            at: timestamp(at),
        });
    }
    let subkey_of = Some(fingerprint.clone()).filter(|_| !key.primary());
    if let Some(refusal) = examined.of_key(key.key(), subkey_of) {
        return Err(refusal);
    }
    let ends = [valid.primary_key().key_expiration_time(), end];
    let recipient = Recipient {
        fingerprint: fingerprint.clone(),
        expires_at: ends.into_iter().flatten().min().map(timestamp),
        key: key.key().clone().role_into_unspecified(),
    };
    match recipient.try_out() {
        Ok(()) => Ok(recipient),
        Err(_) => Err(Refusal::EncryptionFails { fingerprint }),
    }
}
