//! A certificate as somebody registered it.

use std::fmt;
use std::time::SystemTime;

use jiff::Timestamp;
use sequoia_openpgp as openpgp;

use openpgp::Cert;
use openpgp::cert::CertParser;
use openpgp::cert::amalgamation::UserIDAmalgamation;
use openpgp::packet::Signature;
use openpgp::packet::key::{PublicParts, UnspecifiedRole};
use openpgp::packet::{Key, Tag};
use openpgp::parse::Parse;
use openpgp::policy::StandardPolicy;
use openpgp::types::{RevocationStatus, RevocationType};

use crate::Refusal;
use crate::header::Header;
use crate::instant::{system_time, timestamp};
use crate::text::Content;

/// Largest file that is looked at, in bytes. A certificate with many identities and third-party
/// signatures has some 20 KiB.
const MAX_BYTES: usize = 256 * 1024;

/// A certificate as somebody registered it: read, not judged yet.
#[derive(Clone, PartialEq)]
pub struct Certificate(pub(crate) Cert);

impl Eq for Certificate {}

impl Certificate {
    /// Reads the one certificate that the bytes hold: binary, armored or in base64, in UTF-8 or
    /// UTF-16, with real line breaks or escaped ones.
    ///
    /// # Errors
    /// A [`Refusal`]. An exposed secret key comes before everything else.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > MAX_BYTES {
            return Err(Refusal::TooLarge {
                bytes: bytes.len(),
                limit: MAX_BYTES,
            });
        }
        let content = Content::of(bytes);
        let header = Header::of(&content);
        let names_secret = ["BEGIN PGP PRIVATE KEY", "BEGIN PGP SECRET KEY"]
            .into_iter()
            .any(|phrase| content.count(phrase) > 0);
        let is_secret = header.is_some_and(|header| header.tag == Tag::SecretKey);
        // Said even of a secret key that can't be parsed: it is exposed all the same.
        if names_secret || is_secret {
            return Err(Refusal::SecretKey);
        }
        let mut certificates = parsed(&content)?;
        if certificates.iter().any(Cert::is_tsk) {
            return Err(Refusal::SecretKey);
        }
        let blocks = content.count("-----BEGIN PGP PUBLIC KEY BLOCK-----");
        match (certificates.pop(), header) {
            (Some(certificate), _) if certificates.is_empty() && blocks < 2 => {
                Ok(Self(certificate))
            }
            (Some(_), _) => Err(Refusal::MoreThanOne),
            (None, Some(header)) if header.is_foreign_key() => Err(Refusal::UnsupportedVersion {
                version: header.version,
            }),
            (None, _) => Err(Refusal::NotACertificate),
        }
    }

    /// The fingerprint, in capital hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint().to_hex()
    }

    /// The user ids, as their owner wrote them.
    pub fn user_ids(&self) -> Vec<String> {
        let user_ids = self.0.userids();
        let texts = user_ids.map(|id| String::from_utf8_lossy(id.userid().value()).into_owned());
        texts.collect()
    }

    /// When its primary key was made.
    pub fn created_at(&self) -> Timestamp {
        timestamp(self.0.primary_key().key().creation_time())
    }

    /// When its primary key expires, if ever, as far as it counts at all.
    pub fn expires_at(&self, now: Timestamp) -> Option<Timestamp> {
        let policy = StandardPolicy::at(system_time(now));
        let valid = self.0.with_policy(&policy, system_time(now)).ok()?;
        valid.primary_key().key_expiration_time().map(timestamp)
    }

    /// The same certificate, with what an earlier copy of it said: what it once said of itself is
    /// not unsaid. Returns it unchanged if the two are not the same certificate.
    #[must_use]
    pub fn with_earlier(self, earlier: &Self) -> Self {
        let merged = self.0.clone().merge_public(earlier.0.clone());
        merged.map_or(self, Self)
    }

    /// True if `earlier` vouches for this certificate: its primary key certified one of the user
    /// ids, and did not take that back.
    ///
    /// A revoked certificate vouches for nothing. One that has expired vouches for what it
    /// certified while it was alive.
    pub fn is_certified_by(&self, earlier: &Self, now: Timestamp) -> bool {
        let instant = system_time(now);
        let policy = StandardPolicy::at(instant);
        let is_revoked = |certificate: &Self| {
            let status = certificate.0.revocation_status(&policy, instant);
            matches!(status, RevocationStatus::Revoked(_))
        };
        let Ok(valid) = earlier.0.with_policy(&policy, instant) else {
            return false;
        };
        if is_revoked(earlier) || self.0.fingerprint() == earlier.0.fingerprint() {
            return false;
        }
        let certifier = Certifier {
            key: earlier.0.primary_key().key().role_as_unspecified(),
            end: valid.primary_key().key_expiration_time(),
            policy: &policy,
            now: instant,
        };
        self.0
            .userids()
            .any(|user_id| certifier.certified(&user_id))
    }
}

/// Shows the fingerprint only.
impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Certificate")
            .field(&self.fingerprint())
            .finish()
    }
}

/// A primary key that may have certified another certificate.
struct Certifier<'a> {
    key: &'a Key<PublicParts, UnspecifiedRole>,
    end: Option<SystemTime>,
    policy: &'a StandardPolicy<'a>,
    now: SystemTime,
}

impl<'a> Certifier<'a> {
    /// True if this key certified the user id, while it was alive, and did not take that back.
    fn certified(&self, user_id: &UserIDAmalgamation<'a>) -> bool {
        let status = user_id.revocation_status(self.policy, self.now);
        if matches!(status, RevocationStatus::Revoked(_)) {
            return false;
        }
        let revocations: Vec<&Signature> = user_id
            .valid_third_party_revocations_by_key(self.policy, self.now, self.key)
            .collect();
        user_id
            .valid_certifications_by_key(self.policy, self.now, self.key)
            .filter(|certification| is_certification(certification))
            .any(|certification| self.counts(certification, &revocations))
    }

    fn counts(&self, certification: &Signature, revocations: &[&Signature]) -> bool {
        let Some(made_at) = certification.signature_creation_time() else {
            return false;
        };
        let was_alive =
            made_at >= self.key.creation_time() && self.end.is_none_or(|end| made_at < end);
        was_alive
            && !revocations
                .iter()
                .any(|revocation| takes_back(revocation, made_at))
    }
}

/// True for the four kinds of certification (RFC 9580, section 5.2.1).
fn is_certification(signature: &Signature) -> bool {
    use openpgp::types::SignatureType::{
        CasualCertification, GenericCertification, PersonaCertification, PositiveCertification,
    };
    matches!(
        signature.typ(),
        GenericCertification | PersonaCertification | CasualCertification | PositiveCertification
    )
}

/// True for a revocation that counts for all time: it says that the key was compromised, or gives
/// no reason.
pub(crate) fn is_hard(revocation: &Signature) -> bool {
    revocation
        .reason_for_revocation()
        .is_none_or(|(reason, _words)| reason.revocation_type() == RevocationType::Hard)
}

/// True if a revocation takes back what was certified at a moment.
fn takes_back(revocation: &Signature, made_at: SystemTime) -> bool {
    is_hard(revocation)
        || revocation
            .signature_creation_time()
            .is_none_or(|at| at >= made_at)
}

/// The certificates that can be parsed. What follows the first that can't be is not looked at.
fn parsed(content: &Content) -> Result<Vec<Cert>, Refusal> {
    let parser =
        CertParser::from_bytes(content.as_bytes()).map_err(|_| Refusal::NotACertificate)?;
    // Two are as wrong as a thousand.
    Ok(parser.map_while(Result::ok).collect())
}
