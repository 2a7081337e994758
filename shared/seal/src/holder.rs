//! The owner's side of an envelope: a certificate made on the spot, with its secret key.
//!
//! For the demo and for tests. Real owners keep their secret keys in gpg, sq or a smartcard, and
//! Banto never sees one.

use std::fmt;
use std::io::{Read, Write};
use std::time::{Duration, SystemTime};

use banto_domain::{AccessKeyId, Fingerprint, NameError};
use jiff::Timestamp;
use sequoia_openpgp as openpgp;

use openpgp::cert::{CertBuilder, CertRevocationBuilder, CipherSuite};
use openpgp::crypto::{KeyPair, SessionKey};
use openpgp::packet::key::{PublicParts, UnspecifiedRole};
use openpgp::packet::signature::SignatureBuilder;
use openpgp::packet::{Key, PKESK, SKESK, Signature};
use openpgp::parse::Parse;
use openpgp::parse::stream::{
    DecryptionHelper, DecryptorBuilder, MessageLayer, MessageStructure, VerificationHelper,
};
use openpgp::policy::StandardPolicy;
use openpgp::serialize::SerializeInto;
use openpgp::serialize::stream::{Message, Signer};
use openpgp::types::{ReasonForRevocation, SymmetricAlgorithm};
use openpgp::{Cert, KeyHandle, Profile};
use zeroize::Zeroizing;

/// Longest payload that is taken out of an envelope, in bytes.
const MAX_PAYLOAD: u64 = 64 * 1024;

/// The step between one signature and the next: OpenPGP's times are whole seconds, and the newest
/// signature counts.
const SECOND: Duration = Duration::from_secs(1);

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
        let failed = |error| failure("the certificate could not be made", error);
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
        Self::of(certificate)
    }

    fn of(certificate: Cert) -> Result<Self, HolderError> {
        let fingerprint = certificate.fingerprint().to_hex().parse();
        let fingerprint = fingerprint.map_err(|error: NameError| {
            failure("the certificate's fingerprint can't be read", error.into())
        })?;
        Ok(Self {
            certificate,
            fingerprint,
        })
    }

    /// The public part, armored.
    pub fn certificate(&self) -> Result<String, HolderError> {
        armored(&self.certificate)
    }

    /// The public part of another certificate, armored, with a certification of its user ids by
    /// this one.
    ///
    /// The certification is made a second after the younger of the two certificates.
    pub fn certify(&self, other: &Self) -> Result<String, HolderError> {
        let failed = |error| failure("the certificate could not be certified", error);
        let at = self.made_at().max(other.made_at()) + SECOND;
        let mut signer = self.signer()?;
        let certifications: openpgp::Result<Vec<Signature>> = other
            .certificate
            .userids()
            .map(|user_id| {
                let certified = &other.certificate;
                user_id
                    .userid()
                    .certify(&mut signer, certified, None, None, at)
            })
            .collect();
        let certifications = certifications.map_err(failed)?;
        let certified = other.certificate.clone().insert_packets(certifications);
        armored(&certified.map_err(failed)?.0)
    }

    /// The public part, armored, revoked because its secret key was compromised.
    pub fn revoke(&self) -> Result<String, HolderError> {
        let failed = |error| failure("the certificate could not be revoked", error);
        let revocation = CertRevocationBuilder::new()
            .set_signature_creation_time(self.made_at() + SECOND)
            .and_then(|builder| {
                builder.set_reason_for_revocation(ReasonForRevocation::KeyCompromised, b"")
            })
            .map_err(failed)?
            .build(&mut self.signer()?, &self.certificate, None)
            .map_err(failed)?;
        let revoked = self.certificate.clone().insert_packets(revocation);
        armored(&revoked.map_err(failed)?.0)
    }

    /// The same certificate with another end; a copy that was given out before keeps its own.
    pub fn extend(&self, until: Timestamp) -> Result<Self, HolderError> {
        let failed = |error| failure("the certificate could not be extended", error);
        let until = SystemTime::try_from(until).map_err(|error| failed(error.into()))?;
        let validity = until.duration_since(self.made_at());
        let renewal = Renewal {
            signer: self.signer()?,
            validity: validity.map_err(|error| failed(error.into()))?,
        };
        let renewed = renewal.of(&self.certificate).map_err(failed)?;
        let extended = self.certificate.clone().insert_packets(renewed);
        Self::of(extended.map_err(failed)?.0)
    }

    /// The id of an access key, clear-signed: an acknowledgement.
    pub fn acknowledge(&self, key: &AccessKeyId) -> Result<String, HolderError> {
        let failed = |error| failure("the acknowledgement could not be made", error);
        let mut sink = Vec::new();
        let signed = Signer::new(Message::new(&mut sink), self.signing_key()?)
            .map_err(failed)?
            .cleartext()
            .creation_time(self.made_at() + SECOND)
            .build();
        let mut signed = signed.map_err(failed)?;
        let written = signed.write_all(key.as_str().as_bytes());
        written.map_err(|error| failed(error.into()))?;
        signed.finalize().map_err(failed)?;
        String::from_utf8(sink).map_err(|error| failed(error.into()))
    }

    fn made_at(&self) -> SystemTime {
        self.certificate.primary_key().key().creation_time()
    }

    /// The primary key, which certifies.
    fn signer(&self) -> Result<KeyPair, HolderError> {
        pair_of(self.certificate.primary_key().key().clone().into())
    }

    /// The newest subkey that may sign, else the primary key.
    fn signing_key(&self) -> Result<KeyPair, HolderError> {
        let policy = StandardPolicy::new();
        let at = self.made_at() + SECOND;
        let mut keys = self.certificate.keys().with_policy(&policy, at);
        match keys.find(|key| key.for_signing()) {
            Some(key) => pair_of(key.key().clone().role_into_unspecified()),
            None => self.signer(),
        }
    }

    /// The certificate's fingerprint.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Takes the payload out of an envelope; what comes before its armor is passed over.
    pub fn open(&self, envelope: &str) -> Result<Zeroizing<Vec<u8>>, HolderError> {
        let failed = |error| failure("the envelope could not be opened", error);
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
            .map_err(failed)?;
        let mut payload = Zeroizing::new(Vec::new());
        reader
            .take(MAX_PAYLOAD)
            .read_to_end(&mut payload)
            .map_err(|error| failed(error.into()))?;
        Ok(payload)
    }
}

fn armored(certificate: &Cert) -> Result<String, HolderError> {
    let failed = |error| failure("the certificate could not be written", error);
    let armored = certificate.armored().to_vec().map_err(failed)?;
    String::from_utf8(armored).map_err(|error| failed(error.into()))
}

fn pair_of(key: Key<PublicParts, UnspecifiedRole>) -> Result<KeyPair, HolderError> {
    let key = key.parts_into_secret();
    key.and_then(|key| key.into_keypair())
        .map_err(|error| failure("the secret key can't be used", error))
}

fn failure(what: &'static str, error: openpgp::anyhow::Error) -> HolderError {
    HolderError {
        what,
        why: error.to_string(),
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

/// Self-signatures with another end.
struct Renewal {
    signer: KeyPair,
    validity: Duration,
}

impl Renewal {
    /// The newest self-signature of each part, anew: subkeys end when the primary key does.
    fn of(mut self, certificate: &Cert) -> openpgp::Result<Vec<Signature>> {
        let primary = certificate.primary_key().key();
        let mut renewed = Vec::new();
        for old in certificate.primary_key().self_signatures().take(1) {
            let builder = self.builder(old)?;
            renewed.push(builder.sign_direct_key(&mut self.signer, primary)?);
        }
        for user_id in certificate.userids() {
            for old in user_id.self_signatures().take(1) {
                let builder = self.builder(old)?;
                renewed.push(
                    user_id
                        .userid()
                        .bind(&mut self.signer, certificate, builder)?,
                );
            }
        }
        for subkey in certificate.keys().subkeys() {
            for old in subkey.self_signatures().take(1) {
                let builder = self.builder(old)?;
                renewed.push(subkey.key().bind(&mut self.signer, certificate, builder)?);
            }
        }
        Ok(renewed)
    }

    fn builder(&self, old: &Signature) -> openpgp::Result<SignatureBuilder> {
        let made_at = old.signature_creation_time();
        SignatureBuilder::from(old.clone())
            .set_signature_creation_time(made_at.unwrap_or(SystemTime::UNIX_EPOCH) + SECOND)?
            .set_key_validity_period(self.validity)
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
    use openpgp::serialize::stream::{Armorer, Encryptor, LiteralWriter};

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
