//! The owner's side of an envelope: a certificate made on the spot, with its secret key.
//!
//! For the demo and for tests. Real owners keep their secret keys in gpg, sq or a smartcard, and
//! Banto never sees one.

use std::fmt;
use std::io::Read;
use std::time::{Duration, SystemTime};

use banto_domain::Fingerprint;
use jiff::Timestamp;
use sequoia_openpgp as openpgp;

use openpgp::cert::{CertBuilder, CipherSuite};
use openpgp::crypto::SessionKey;
use openpgp::packet::{PKESK, SKESK};
use openpgp::parse::Parse;
use openpgp::parse::stream::{
    DecryptionHelper, DecryptorBuilder, MessageLayer, MessageStructure, VerificationHelper,
};
use openpgp::policy::StandardPolicy;
use openpgp::serialize::SerializeInto;
use openpgp::types::SymmetricAlgorithm;
use openpgp::{Cert, KeyHandle, Profile};
use zeroize::Zeroizing;

/// Longest payload that is taken out of an envelope, in bytes.
const MAX_PAYLOAD: u64 = 64 * 1024;

/// Someone who has a certificate and the secret key that belongs to it.
pub struct Holder {
    certificate: Cert,
    fingerprint: Fingerprint,
}

/// The public key algorithm of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Ed25519 and Curve25519, version 4: what GnuPG makes unless told otherwise.
    Curve25519,
    /// Ed25519 and X25519, version 6 (RFC 9580).
    Curve25519V6,
    /// NIST P-256.
    NistP256,
    /// NIST P-384.
    NistP384,
    /// NIST P-521.
    NistP521,
    /// RSA with 2048 bits.
    Rsa2048,
    /// RSA with 3072 bits; takes seconds to make.
    Rsa3072,
    /// RSA with 4096 bits; takes many seconds to make.
    Rsa4096,
}

/// The lifetime of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// When it was made.
    pub from: Timestamp,
    /// When it expires; `None` for never.
    pub until: Option<Timestamp>,
}

/// A certificate that could not be made, or an envelope that could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {why}")]
pub struct HolderError {
    what: &'static str,
    why: String,
}

impl Holder {
    /// Makes a certificate for `user_id`, as in `Alice <alice@example.com>`, with one encryption
    /// subkey.
    pub fn generate(user_id: &str, kind: Kind, lifetime: Lifetime) -> Result<Self, HolderError> {
        let failed = |error: openpgp::anyhow::Error| HolderError {
            what: "the certificate could not be made",
            why: error.to_string(),
        };
        let validity = lifetime
            .until
            .map(|until| Duration::try_from(until.duration_since(lifetime.from)));
        let validity = validity.transpose().map_err(|error| failed(error.into()))?;
        let made_at = SystemTime::try_from(lifetime.from).map_err(|error| failed(error.into()))?;
        let (certificate, _revocation) = CertBuilder::general_purpose(Some(user_id))
            .set_profile(kind.profile())
            .and_then(|builder| {
                builder
                    .set_cipher_suite(kind.cipher_suite())
                    .set_creation_time(made_at)
                    .set_validity_period(validity)
                    .generate()
            })
            .map_err(failed)?;
        let fingerprint = certificate
            .fingerprint()
            .to_hex()
            .parse()
            .map_err(|error| HolderError {
                what: "the certificate's fingerprint can't be read",
                why: format!("{error}"),
            })?;
        Ok(Self {
            certificate,
            fingerprint,
        })
    }

    /// The public part, armored.
    pub fn certificate(&self) -> Result<String, HolderError> {
        let failed = |why: String| HolderError {
            what: "the certificate could not be written",
            why,
        };
        let armored = self
            .certificate
            .armored()
            .to_vec()
            .map_err(|error| failed(error.to_string()))?;
        String::from_utf8(armored).map_err(|error| failed(error.to_string()))
    }

    /// The certificate's fingerprint.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Takes the payload out of an envelope; what comes before its armor is passed over.
    pub fn open(&self, envelope: &str) -> Result<Zeroizing<Vec<u8>>, HolderError> {
        let failed = |why: String| HolderError {
            what: "the envelope could not be opened",
            why,
        };
        let policy = StandardPolicy::new();
        let reader = DecryptorBuilder::from_bytes(envelope)
            .and_then(|builder| {
                builder.with_policy(
                    &policy,
                    None,
                    Opener {
                        certificate: &self.certificate,
                    },
                )
            })
            .map_err(|error| failed(error.to_string()))?;
        let mut payload = Zeroizing::new(Vec::new());
        reader
            .take(MAX_PAYLOAD)
            .read_to_end(&mut payload)
            .map_err(|error| failed(error.to_string()))?;
        Ok(payload)
    }
}

/// Shows the fingerprint only.
impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holder")
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

impl Kind {
    fn cipher_suite(self) -> CipherSuite {
        match self {
            Self::Curve25519 | Self::Curve25519V6 => CipherSuite::Cv25519,
            Self::NistP256 => CipherSuite::P256,
            Self::NistP384 => CipherSuite::P384,
            Self::NistP521 => CipherSuite::P521,
            Self::Rsa2048 => CipherSuite::RSA2k,
            Self::Rsa3072 => CipherSuite::RSA3k,
            Self::Rsa4096 => CipherSuite::RSA4k,
        }
    }

    fn profile(self) -> Profile {
        match self {
            Self::Curve25519V6 => Profile::RFC9580,
            _ => Profile::RFC4880,
        }
    }
}

/// Decrypts with the holder's secret key.
struct Opener<'a> {
    certificate: &'a Cert,
}

impl DecryptionHelper for Opener<'_> {
    fn decrypt(
        &mut self,
        pkesks: &[PKESK],
        _skesks: &[SKESK],
        algorithm: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> openpgp::Result<Option<Cert>> {
        for key in self.certificate.keys().unencrypted_secret() {
            let mut pair = key.key().clone().into_keypair()?;
            let handle = KeyHandle::from(key.key().fingerprint());
            let ours = pkesks.iter().filter(|pkesk| {
                pkesk
                    .recipient()
                    .is_some_and(|recipient| recipient.aliases(&handle))
            });
            for pkesk in ours {
                if let Some((algorithm, session_key)) = pkesk.decrypt(&mut pair, algorithm)
                    && decrypt(algorithm, &session_key)
                {
                    return Ok(Some(self.certificate.clone()));
                }
            }
        }
        Err(openpgp::anyhow::anyhow!("it is sealed to somebody else"))
    }
}

impl VerificationHelper for Opener<'_> {
    fn get_certs(&mut self, _ids: &[KeyHandle]) -> openpgp::Result<Vec<Cert>> {
        Ok(Vec::new())
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> openpgp::Result<()> {
        let is_encrypted = structure
            .into_iter()
            .any(|layer| matches!(layer, MessageLayer::Encryption { .. }));
        if is_encrypted {
            Ok(())
        } else {
            Err(openpgp::anyhow::anyhow!("it is not encrypted"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use openpgp::serialize::stream::{Armorer, Encryptor, LiteralWriter, Message};

    use super::*;

    fn made(kind: Kind) -> Holder {
        let from = "2026-01-01T00:00:00Z".parse().unwrap();
        Holder::generate(
            "Alice <alice@example.com>",
            kind,
            Lifetime { from, until: None },
        )
        .unwrap()
    }

    fn sealed_to(holder: &Holder) -> String {
        let public = Cert::from_bytes(&holder.certificate().unwrap()).unwrap();
        assert!(
            !public.is_tsk(),
            "the certificate must not hold the secret key"
        );
        let policy = StandardPolicy::new();
        let recipients = public
            .keys()
            .with_policy(&policy, None)
            .for_transport_encryption();
        let mut sink = Vec::new();
        let message = Armorer::new(Message::new(&mut sink)).build().unwrap();
        let message = Encryptor::for_recipients(message, recipients)
            .build()
            .unwrap();
        let mut message = LiteralWriter::new(message).build().unwrap();
        message.write_all(b"a payload").unwrap();
        message.finalize().unwrap();
        String::from_utf8(sink).unwrap()
    }

    #[test]
    fn a_holder_opens_what_was_sealed_to_its_certificate_whatever_comes_before() {
        for kind in [
            Kind::Curve25519,
            Kind::Curve25519V6,
            Kind::NistP256,
            Kind::NistP384,
            Kind::NistP521,
        ] {
            let holder = made(kind);
            let envelope = format!("{{\"version\":1}}\n\n{}", sealed_to(&holder));
            assert_eq!(
                holder.open(&envelope).unwrap().as_slice(),
                b"a payload",
                "{kind:?}"
            );
        }
    }

    #[test]
    fn nobody_else_opens_it() {
        let envelope = sealed_to(&made(Kind::Curve25519));
        let error = made(Kind::Curve25519)
            .open(&envelope)
            .unwrap_err()
            .to_string();
        assert!(error.contains("sealed to somebody else"), "{error}");
    }

    #[test]
    fn a_debug_print_shows_the_fingerprint_only() {
        let holder = made(Kind::Curve25519);
        let expected = format!(
            "Holder {{ fingerprint: Fingerprint(\"{}\"), .. }}",
            holder.fingerprint()
        );
        assert_eq!(format!("{holder:?}"), expected);
    }
}
