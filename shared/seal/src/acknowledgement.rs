//! The proof that an owner has a new key: its id, signed with the owner's certificate.

use std::io::Read as _;

use banto_domain::AccessKeyId;
use jiff::Timestamp;
use sequoia_openpgp as openpgp;

use openpgp::parse::Parse as _;
use openpgp::parse::stream::{
    GoodChecksum, MessageLayer, MessageStructure, VerificationHelper, VerifierBuilder,
};
use openpgp::policy::StandardPolicy;
use openpgp::types::RevocationStatus;
use openpgp::{Cert, KeyHandle};

use crate::Certificate;
use crate::instant::system_time;
use crate::text::Content;

/// Largest signed text that is looked at, in bytes: a key's id and a signature have less than 2
/// KiB.
const MAX_BYTES: usize = 64 * 1024;

/// Longest text that is compared, in bytes: a key's id has at most 128 characters.
const MAX_TEXT: u64 = 1024;

/// The reason why a signed text acknowledges nothing. Its text says what to do, what is wrong, and
/// what to run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Sign the id of the key and nothing else. {problem} `echo {key} | gpg --local-user {certificate} --clearsign` \
     prints the text that counts."
)]
pub struct AcknowledgementError {
    /// The fault of the text.
    pub problem: AcknowledgementProblem,
    /// The key that was to be acknowledged.
    pub key: AccessKeyId,
    /// The fingerprint of the owner's certificate.
    pub certificate: String,
}

/// The fault of an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AcknowledgementProblem {
    /// It is larger than any need be.
    #[error("The text is longer than {MAX_BYTES} bytes.")]
    TooLarge,
    /// It is not signed, or what is signed is compressed.
    #[error("The text is not signed, or it is compressed.")]
    NotSigned,
    /// No signature on it counts for the certificate.
    #[error("No valid key of your certificate signed the text.")]
    NotByOwner,
    /// It says something else.
    #[error("The signed text is not the id of the key.")]
    OtherText,
}

impl AcknowledgementError {
    /// A stable word for the reason, by which it is said only once.
    pub fn code(&self) -> &'static str {
        match self.problem {
            AcknowledgementProblem::TooLarge => "acknowledgement-too-large",
            AcknowledgementProblem::NotSigned => "acknowledgement-not-signed",
            AcknowledgementProblem::NotByOwner => "acknowledgement-not-by-owner",
            AcknowledgementProblem::OtherText => "acknowledgement-other-text",
        }
    }
}

impl Certificate {
    /// Checks an acknowledgement: a text that is the key's id, signed (`gpg --clearsign` or `gpg
    /// --sign`) by a signing key of this certificate that is alive and not revoked, both when it
    /// signed and now.
    ///
    /// # Errors
    /// An [`AcknowledgementError`] that says what is missing.
    pub fn check_acknowledgement(
        &self,
        signed: &[u8],
        key: &AccessKeyId,
        now: Timestamp,
    ) -> Result<(), AcknowledgementError> {
        self.acknowledges(signed, key, now)
            .map_err(|problem| AcknowledgementError {
                problem,
                key: key.clone(),
                certificate: self.fingerprint(),
            })
    }

    fn acknowledges(
        &self,
        signed: &[u8],
        key: &AccessKeyId,
        now: Timestamp,
    ) -> Result<(), AcknowledgementProblem> {
        if signed.len() > MAX_BYTES {
            return Err(AcknowledgementProblem::TooLarge);
        }
        let content = Content::of(signed);
        let policy = StandardPolicy::at(system_time(now));
        let checker = Checker {
            certificate: &self.0,
            policy: &policy,
            now,
        };
        let verifier = VerifierBuilder::from_bytes(content.as_bytes())
            .map_err(|_| AcknowledgementProblem::NotSigned)?
            .with_policy(&policy, system_time(now), checker)
            .map_err(|error| match error.downcast::<Foreign>() {
                Ok(Foreign) => AcknowledgementProblem::NotByOwner,
                Err(_) => AcknowledgementProblem::NotSigned,
            })?;
        let mut text = String::new();
        verifier
            .take(MAX_TEXT)
            .read_to_string(&mut text)
            .map_err(|_| AcknowledgementProblem::NotByOwner)?;
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if text == key.as_str() {
            Ok(())
        } else {
            Err(AcknowledgementProblem::OtherText)
        }
    }
}

/// A message with signatures, none of which counts.
#[derive(Debug, thiserror::Error)]
#[error("none of its signatures counts")]
struct Foreign;

/// Judges signatures by the owner's certificate.
struct Checker<'a> {
    certificate: &'a Cert,
    policy: &'a StandardPolicy<'a>,
    now: Timestamp,
}

impl Checker<'_> {
    /// True if the certificate and the key that signed count now, as they did then.
    fn counts_now(&self, good: &GoodChecksum<'_>) -> bool {
        let instant = system_time(self.now);
        let Ok(valid) = self.certificate.with_policy(self.policy, instant) else {
            return false;
        };
        let is_revoked = matches!(valid.revocation_status(), RevocationStatus::Revoked(_));
        let mut signers = valid.keys().alive().revoked(false).for_signing();
        !is_revoked
            && valid.alive().is_ok()
            && signers.any(|key| key.key().fingerprint() == good.ka.key().fingerprint())
    }
}

impl VerificationHelper for Checker<'_> {
    fn get_certs(&mut self, _ids: &[KeyHandle]) -> openpgp::Result<Vec<Cert>> {
        Ok(vec![self.certificate.clone()])
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> openpgp::Result<()> {
        let mut outcome = Err(openpgp::anyhow::anyhow!("it is not signed"));
        for layer in structure {
            let MessageLayer::SignatureGroup { results } = layer else {
                continue;
            };
            let mut good = results.iter().flatten();
            if good.any(|good| self.counts_now(good)) {
                return Ok(());
            }
            outcome = Err(Foreign.into());
        }
        outcome
    }
}
