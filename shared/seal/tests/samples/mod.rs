//! Refusals, for those who read their texts and for those who run their commands.

use banto_domain::Fingerprint;
use banto_seal::{Refusal, Weakness};

/// One refusal of each kind, about a certificate and its encryption subkey.
pub(crate) fn refusals(fingerprint: &Fingerprint, subkey: &str) -> Vec<Refusal> {
    let (fingerprint, subkey) = (fingerprint.clone(), subkey.to_owned());
    let at = "2026-10-09T00:00:00Z".parse().unwrap();
    let subkey_of = Some(fingerprint.clone());
    vec![
        Refusal::TooLarge { bytes: 2, limit: 1 },
        Refusal::NotACertificate,
        Refusal::UnsupportedVersion { version: 5 },
        Refusal::SecretKey,
        Refusal::MoreThanOne,
        Refusal::WrongFingerprint {
            pinned: fingerprint.clone(),
            found: fingerprint.to_string(),
        },
        Refusal::NoUserId {
            fingerprint: fingerprint.clone(),
        },
        Refusal::NoSelfSignature {
            fingerprint: fingerprint.clone(),
        },
        Refusal::SelfSignatureExpired {
            fingerprint: fingerprint.clone(),
            at,
        },
        Refusal::NotYetValid { from: at },
        Refusal::Expired {
            fingerprint: fingerprint.clone(),
            subkey: Some(subkey.clone()),
            at,
        },
        Refusal::Revoked {
            reason: "no reason was given",
        },
        Refusal::NoEncryptionSubkey {
            fingerprint: fingerprint.clone(),
        },
        Refusal::EncryptionSubkeyExpired {
            fingerprint: fingerprint.clone(),
            subkey: subkey.clone(),
            at,
        },
        Refusal::EncryptionSubkeyRevoked {
            fingerprint: fingerprint.clone(),
        },
        Refusal::UnsupportedCurve {
            curve: "secp256k1".into(),
            subkey_of: subkey_of.clone(),
        },
        Refusal::UnsupportedAlgorithm {
            algorithm: "ElGamal".into(),
            subkey_of: None,
        },
        Refusal::WeakAlgorithm(Weakness::Signatures {
            fingerprint: fingerprint.clone(),
            subkey: Some(subkey),
            hash: "SHA-1".into(),
        }),
        Refusal::WeakAlgorithm(Weakness::Key {
            key: "RSA with 1024 bits".into(),
            subkey_of: None,
        }),
        Refusal::SignaturesTooLarge { bytes: 2, limit: 1 },
        Refusal::EncryptionFails { fingerprint },
    ]
}
