//! A certificate that can be encrypted to.

use std::fmt;
use std::time::SystemTime;

use banto_domain::Fingerprint;
use jiff::{SignedDuration, Timestamp};
use sequoia_openpgp as openpgp;

use openpgp::cert::amalgamation::key::ValidErasedKeyAmalgamation;
use openpgp::cert::amalgamation::{ValidAmalgamation, ValidateAmalgamation};
use openpgp::cert::{CertParser, Preferences, ValidCert};
use openpgp::packet::key::{PublicParts, UnspecifiedRole};
use openpgp::packet::{Key, Signature};
use openpgp::parse::Parse;
use openpgp::policy::{Policy, StandardPolicy};
use openpgp::types::{Features, RevocationStatus};
use openpgp::{Cert, KeyHandle};

use crate::Refusal;

/// Largest file that is looked at, in bytes. A certificate with many identities and third-party
/// signatures has some 20 KiB.
const MAX_BYTES: usize = 256 * 1024;

/// Lead before its end at which a certificate counts as expiring soon.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Fewest bits of an RSA modulus.
const MIN_RSA_BITS: usize = 2048;

/// A certificate that is parsed, alive, unrevoked, able to encrypt at a given instant, and the one
/// that its owner pinned.
pub struct Recipient {
    fingerprint: Fingerprint,
    expires_at: Option<Timestamp>,
    pub(crate) key: Key<PublicParts, UnspecifiedRole>,
    pub(crate) features: Features,
}

type EncryptionKey<'a> = ValidErasedKeyAmalgamation<'a, PublicParts>;

impl Recipient {
    /// Reads a certificate, armored or binary, and judges it as of `now`, by sequoia's standard
    /// policy.
    ///
    /// # Errors
    /// A [`Refusal`], in an order that names the gravest thing first: an exposed secret key comes
    /// before a wrong fingerprint, and that before anything the certificate says of itself.
    pub fn parse(
        certificate: &[u8],
        pinned: &Fingerprint,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let certificate = read(certificate)?;
        if certificate.is_tsk() {
            return Err(Refusal::SecretKey);
        }
        let found = certificate.fingerprint().to_hex();
        if found != pinned.as_str() {
            return Err(Refusal::WrongFingerprint {
                pinned: pinned.clone(),
                found,
            });
        }
        let instant = system_time(now);
        let policy = StandardPolicy::at(instant);
        let valid = judge(&certificate, &policy, instant)?;
        let key = encryption_key(&valid, &policy)?;
        let ends = [
            valid.primary_key().key_expiration_time(),
            key.key_expiration_time(),
        ];
        Ok(Self {
            fingerprint: pinned.clone(),
            expires_at: ends.into_iter().flatten().min().map(timestamp),
            features: valid.features().unwrap_or_else(Features::empty),
            key: key.key().clone().role_into_unspecified(),
        })
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

    /// The name of this recipient in an envelope: by fingerprint where it can read such messages
    /// (RFC 9580, section 5.1.2), else by key id (section 5.1.1).
    pub(crate) fn handle(&self) -> KeyHandle {
        if self.features.supports_seipdv2() {
            self.key.fingerprint().into()
        } else {
            self.key.keyid().into()
        }
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

/// Reads the one certificate that the bytes hold.
fn read(bytes: &[u8]) -> Result<Cert, Refusal> {
    if bytes.len() > MAX_BYTES {
        return Err(Refusal::TooLarge {
            bytes: bytes.len(),
            limit: MAX_BYTES,
        });
    }
    let occurrences = |needle: &[u8]| {
        bytes
            .windows(needle.len())
            .filter(|window| *window == needle)
            .count()
    };
    // Said even of a secret key that can't be parsed: it is exposed all the same.
    if occurrences(b"-----BEGIN PGP PRIVATE KEY BLOCK-----") > 0 {
        return Err(Refusal::SecretKey);
    }
    if occurrences(b"-----BEGIN PGP PUBLIC KEY BLOCK-----") > 1 {
        return Err(Refusal::MoreThanOne);
    }
    let mut certificates = CertParser::from_bytes(bytes).map_err(|_| Refusal::NotACertificate)?;
    let first = certificates
        .next()
        .and_then(Result::ok)
        .ok_or(Refusal::NotACertificate)?;
    match certificates.next() {
        None => Ok(first),
        Some(_) => Err(Refusal::MoreThanOne),
    }
}

/// The certificate as a whole: from when, until when, revoked, relying on what.
fn judge<'a>(
    certificate: &'a Cert,
    policy: &'a dyn Policy,
    now: SystemTime,
) -> Result<ValidCert<'a>, Refusal> {
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
        .map_err(|error| Refusal::WeakAlgorithm { what: root(&error) })?;
    if valid.alive().is_err() {
        let at = valid.primary_key().key_expiration_time().unwrap_or(now);
        return Err(Refusal::Expired { at: timestamp(at) });
    }
    Ok(valid)
}

/// The newest key that can be encrypted to.
fn encryption_key<'a>(
    valid: &ValidCert<'a>,
    policy: &'a dyn Policy,
) -> Result<EncryptionKey<'a>, Refusal> {
    let encrypts =
        |key: &EncryptionKey<'_>| key.for_storage_encryption() || key.for_transport_encryption();
    let mut keys: Vec<EncryptionKey<'a>> = valid.keys().filter(encrypts).collect();
    keys.sort_by_key(|key| std::cmp::Reverse(key.key().creation_time()));
    if keys.is_empty() {
        // A subkey that the policy does not even see is weak, not absent: an old enough policy sees
        // it.
        let (cert, now) = (valid.cert(), valid.time());
        let lenient = StandardPolicy::at(SystemTime::UNIX_EPOCH);
        let unseen = cert
            .keys()
            .with_policy(&lenient, now)
            .find(|key| key.for_storage_encryption() || key.for_transport_encryption());
        let why = unseen.and_then(|key| key.with_policy(policy, now).err());
        return Err(why.map_or(Refusal::NoEncryptionSubkey, |error| {
            Refusal::WeakAlgorithm { what: root(&error) }
        }));
    }
    let mut refusal = Refusal::NoEncryptionSubkey;
    for key in keys {
        match usable(&key) {
            Ok(()) => return Ok(key),
            Err(why) if refusal == Refusal::NoEncryptionSubkey => refusal = why,
            Err(_) => {}
        }
    }
    Err(refusal)
}

fn usable(key: &EncryptionKey<'_>) -> Result<(), Refusal> {
    if matches!(key.revocation_status(), RevocationStatus::Revoked(_)) {
        return Err(Refusal::EncryptionSubkeyRevoked);
    }
    if key.alive().is_err() {
        let at = key.key_expiration_time().unwrap_or(SystemTime::UNIX_EPOCH);
        return Err(Refusal::EncryptionSubkeyExpired { at: timestamp(at) });
    }
    let algorithm = key.key().pk_algo();
    let bits = key.key().mpis().bits();
    let too_short =
        bits.is_some_and(|bits| bits < MIN_RSA_BITS && algorithm.to_string().contains("RSA"));
    if !algorithm.is_supported() || !algorithm.for_encryption() || too_short {
        let bits = bits.map_or(String::new(), |bits| format!(", {bits} bits"));
        return Err(Refusal::WeakAlgorithm {
            what: format!("{algorithm}{bits}"),
        });
    }
    Ok(())
}

/// The kind of a revocation's reason. Its free text is left out: it is anyone's words.
fn reason_of(signatures: &[&Signature]) -> String {
    let reason = signatures
        .iter()
        .find_map(|signature| signature.reason_for_revocation());
    reason.map_or_else(
        || "no reason given".to_owned(),
        |(kind, _words)| kind.to_string(),
    )
}

fn root(error: &openpgp::anyhow::Error) -> String {
    error.root_cause().to_string()
}

/// OpenPGP knows no time before 1970 (RFC 9580, section 3.5).
fn system_time(at: Timestamp) -> SystemTime {
    SystemTime::try_from(at).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn timestamp(at: SystemTime) -> Timestamp {
    Timestamp::try_from(at).unwrap_or(Timestamp::MAX)
}
