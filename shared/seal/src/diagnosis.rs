//! The faults of a certificate that can't be used, found by looking at it.
//!
//! The library's last error names what it stumbled over, not what its owner has to mend.

use std::time::SystemTime;

use banto_domain::Fingerprint;
use sequoia_openpgp as openpgp;

use openpgp::Cert;
use openpgp::cert::ValidCert;
use openpgp::crypto::mpi::PublicKey;
use openpgp::packet::key::{PublicParts, UnspecifiedRole};
use openpgp::packet::{Key, Signature};
use openpgp::types::{Curve, HashAlgorithm, KeyFlags, PublicKeyAlgorithm, ReasonForRevocation};

use crate::Refusal;
use crate::instant::timestamp;
use crate::refusal::Weakness;

/// Fewest bits of an RSA modulus.
const MIN_RSA_BITS: usize = 2048;

/// The object identifier of secp256k1: 1.3.132.0.10 (SEC 2, section A.2.1).
const SECP256K1: [u8; 5] = [0x2B, 0x81, 0x04, 0x00, 0x0A];

type AnyKey = Key<PublicParts, UnspecifiedRole>;

/// A certificate under examination.
#[derive(Clone, Copy)]
pub(crate) struct Examined<'a> {
    pub(crate) certificate: &'a Cert,
    pub(crate) fingerprint: &'a Fingerprint,
    pub(crate) now: SystemTime,
}

impl Examined<'_> {
    /// The fault of the certificate as a whole, on which the policy refused to look any
    /// further.
    pub(crate) fn as_a_whole(&self) -> Refusal {
        let primary = self.certificate.primary_key();
        let signatures: Vec<&Signature> = primary
            .self_signatures()
            .chain(
                self.certificate
                    .userids()
                    .flat_map(|id| id.self_signatures()),
            )
            .collect();
        if let Some(refusal) = self.of_key(primary.key().role_as_unspecified(), None) {
            return refusal;
        }
        let fingerprint = self.fingerprint.clone();
        if !signatures.is_empty() {
            return self.of_signatures(&signatures);
        }
        if self.certificate.userids().next().is_none() {
            Refusal::NoUserId { fingerprint }
        } else {
            Refusal::NoSelfSignature { fingerprint }
        }
    }

    /// The fault of a certificate's signatures about itself, none of which counts.
    fn of_signatures(&self, signatures: &[&Signature]) -> Refusal {
        let mut strong: Vec<_> = signatures
            .iter()
            .filter(|signature| !is_weak(signature.hash_algo()))
            .collect();
        strong.sort_by_key(|signature| signature.signature_creation_time());
        let fingerprint = self.fingerprint.clone();
        let Some(newest) = strong.last() else {
            return self.weak_signatures(signatures);
        };
        let made_at = newest.signature_creation_time();
        if let Some(from) = made_at.filter(|from| *from > self.now) {
            let from = timestamp(from);
            return Refusal::NotYetValid { from };
        }
        match newest.signature_expiration_time() {
            Some(end) => Refusal::SelfSignatureExpired {
                fingerprint,
                at: timestamp(end),
            },
            None => Refusal::NoSelfSignature { fingerprint },
        }
    }

    fn weak_signatures(&self, signatures: &[&Signature]) -> Refusal {
        let hash = signatures.first().map(|signature| signature.hash_algo());
        Refusal::WeakAlgorithm(Weakness::Signatures {
            fingerprint: self.fingerprint.clone(),
            subkey: self.newest_subkey(),
            hash: hash.map_or("an old hash", hash_name).to_owned(),
        })
    }

    /// The fingerprint of the newest subkey that could be meant for encryption.
    fn newest_subkey(&self) -> Option<String> {
        let keys = self.certificate.keys().subkeys();
        let encrypting = keys.filter(|key| key.key().pk_algo().for_encryption());
        let newest = encrypting.max_by_key(|key| key.key().creation_time());
        newest.map(|key| key.key().fingerprint().to_hex())
    }

    /// The same, if its own end has come.
    pub(crate) fn expired_subkey(&self, valid: &ValidCert<'_>) -> Option<String> {
        let newest = self.newest_subkey()?;
        let mut keys = valid.keys();
        let key = keys.find(|key| key.key().fingerprint().to_hex() == newest)?;
        let end = key.key_expiration_time();
        end.filter(|end| *end <= self.now).map(|_| newest)
    }

    /// The fault of a certificate none of whose keys the policy lets encrypt.
    pub(crate) fn without_encryption(&self) -> Refusal {
        let fingerprint = self.fingerprint.clone();
        let keys = self.certificate.keys().subkeys();
        let mut encrypting: Vec<_> = keys
            .filter(|key| key.key().pk_algo().for_encryption())
            .filter(|key| may_encrypt(key.self_signatures().find_map(|it| it.key_flags())))
            .collect();
        encrypting.sort_by_key(|key| key.key().creation_time());
        let Some(newest) = encrypting.last() else {
            return Refusal::NoEncryptionSubkey { fingerprint };
        };
        let key = newest.key().role_as_unspecified();
        let signatures: Vec<&Signature> = newest.self_signatures().collect();
        match self.of_key(key, Some(fingerprint.clone())) {
            Some(refusal) => refusal,
            None if signatures.is_empty() => Refusal::NoSelfSignature { fingerprint },
            None => self.of_signatures(&signatures),
        }
    }

    /// The fault of a key by itself, `None` if it has none. `subkey_of` names the certificate
    /// of a subkey, which can be replaced alone.
    pub(crate) fn of_key(&self, key: &AnyKey, subkey_of: Option<Fingerprint>) -> Option<Refusal> {
        if let Some(curve) = curve_of(key).filter(|curve| !curve.is_supported()) {
            let curve = curve_name(curve);
            return Some(Refusal::UnsupportedCurve { curve, subkey_of });
        }
        if is_weak_key(key) {
            let key = key_name(key);
            return Some(Refusal::WeakAlgorithm(Weakness::Key { key, subkey_of }));
        }
        (!key.pk_algo().is_supported()).then(|| Refusal::UnsupportedAlgorithm {
            algorithm: key_name(key),
            subkey_of,
        })
    }
}

/// True if a key with these flags may encrypt: they say so, or there are none, which GnuPG takes
/// for everything that the algorithm can do.
pub(crate) fn may_encrypt(flags: Option<KeyFlags>) -> bool {
    flags.is_none_or(|flags| flags.for_storage_encryption() || flags.for_transport_encryption())
}

/// The kind of a revocation's reason. Its free text is left out: it is anyone's words.
pub(crate) fn reason_of(signatures: &[&Signature]) -> &'static str {
    let reason = signatures
        .iter()
        .find_map(|signature| signature.reason_for_revocation());
    match reason {
        Some((ReasonForRevocation::KeyCompromised, _)) => "its secret key was compromised",
        Some((ReasonForRevocation::KeySuperseded, _)) => "another one replaces it",
        Some((ReasonForRevocation::KeyRetired, _)) => "it is not used any more",
        Some((ReasonForRevocation::UIDRetired, _)) => "its user id is not valid any more",
        _ => "no reason was given",
    }
}

/// True for hashes in whose name anybody can forge.
pub(crate) fn is_weak(hash: HashAlgorithm) -> bool {
    matches!(
        hash,
        HashAlgorithm::MD5 | HashAlgorithm::SHA1 | HashAlgorithm::RipeMD
    )
}

fn hash_name(hash: HashAlgorithm) -> &'static str {
    match hash {
        HashAlgorithm::MD5 => "MD5",
        HashAlgorithm::SHA1 => "SHA-1",
        HashAlgorithm::RipeMD => "RIPEMD-160",
        _ => "an old hash",
    }
}

fn curve_of(key: &AnyKey) -> Option<&Curve> {
    match key.mpis() {
        PublicKey::EdDSA { curve, .. }
        | PublicKey::ECDSA { curve, .. }
        | PublicKey::ECDH { curve, .. } => Some(curve),
        _ => None,
    }
}

/// The curve as GnuPG names it.
fn curve_name(curve: &Curve) -> String {
    match curve {
        Curve::BrainpoolP256 => "brainpoolP256r1".to_owned(),
        Curve::BrainpoolP384 => "brainpoolP384r1".to_owned(),
        Curve::BrainpoolP512 => "brainpoolP512r1".to_owned(),
        Curve::Unknown(oid) if **oid == SECP256K1 => "secp256k1".to_owned(),
        Curve::Unknown(oid) => format!("with the object identifier {}", hex(oid)),
        other => other.to_string(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// True for keys that can be broken, or will be soon: short RSA, and DSA, which stopped at lengths
/// like that.
fn is_weak_key(key: &AnyKey) -> bool {
    let is_short = key.mpis().bits().is_some_and(|bits| bits < MIN_RSA_BITS);
    match key_kind(key.pk_algo()) {
        Some("RSA") => is_short,
        Some("DSA") => true,
        _ => false,
    }
}

fn key_kind(algorithm: PublicKeyAlgorithm) -> Option<&'static str> {
    // By number (RFC 9580, section 9.1): some of the names are deprecated.
    match u8::from(algorithm) {
        1..=3 => Some("RSA"),
        16 | 20 => Some("ElGamal"),
        17 => Some("DSA"),
        _ => None,
    }
}

/// The key's algorithm and length, as in "RSA with 1024 bits".
fn key_name(key: &AnyKey) -> String {
    match (key_kind(key.pk_algo()), key.mpis().bits()) {
        (Some(kind), Some(bits)) => format!("{kind} with {bits} bits"),
        (Some(kind), None) => kind.to_owned(),
        (None, _) => format!("with the number {}", u8::from(key.pk_algo())),
    }
}
