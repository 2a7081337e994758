//! The rotator's judgement of a certificate, before it is registered.

use banto_domain::Fingerprint;
use banto_seal::{Certificate, Recipient};
use jiff::Timestamp;

/// A certificate that the rotator would seal to.
#[derive(Debug)]
pub struct Judged {
    /// The certificate, by which acknowledgements are checked and others are vouched for.
    pub certificate: Certificate,
    /// The end of the certificate or of its encryption subkey, whichever is sooner.
    pub expires_at: Option<Timestamp>,
    /// The same, if it is so near that the rotator warns of it.
    pub expires_soon: Option<Timestamp>,
}

/// A certificate that the rotator would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct NotUsable {
    /// The code by which docs/openpgp.md lists the refusal.
    pub code: &'static str,
    /// What to do and what is wrong, as the rotator's notice says it.
    pub words: String,
}

/// Judges a file as the rotator will, once it is stored and pinned: by the same code.
///
/// `earlier` are copies of it that the rotator knows: what they said is not unsaid.
///
/// # Errors
/// The refusal that the rotator would tell the owner of.
pub fn judge(
    bytes: &[u8],
    earlier: &[Certificate],
    pin: &Fingerprint,
    now: Timestamp,
) -> Result<Judged, NotUsable> {
    let judged = Certificate::read(bytes).and_then(|certificate| {
        let certificate = earlier.iter().fold(certificate, Certificate::with_earlier);
        let recipient = Recipient::judge(&certificate, pin, now)?;
        Ok(Judged {
            certificate,
            expires_at: recipient.expires_at(),
            expires_soon: recipient.expires_soon(now),
        })
    });
    judged.map_err(|refusal| NotUsable {
        code: refusal.code(),
        words: refusal.text_for(pin),
    })
}
