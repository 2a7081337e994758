//! Looks at a user's certificate: the pin in the user's tag, the certificate in the bucket, and who
//! vouches for it.

use banto_domain::Fingerprint;
use banto_domain::record::{Pin, Record};
use banto_ports::{CertificateVersion, PortError};
use banto_seal::{Certificate as OpenPgp, Recipient, Refusal};
use jiff::Timestamp;

use super::look::Look;
use crate::notices;
use crate::snapshot::{ACKNOWLEDGED_TAG, Certificate, PIN_TAG, User};

/// Most earlier versions of a certificate that are read: people register one every year or two.
/// Whoever stores one more often begins its grace anew.
const MOST_VERSIONS: usize = 9;

/// The result of a look at a user's certificate.
pub(super) struct Looked {
    pub(super) certificate: Certificate,
    /// All that it has said of itself so far.
    pub(super) seen: Option<Pin>,
    /// The recipient, if a key can be sealed to it.
    pub(super) recipient: Option<Recipient>,
}

/// A certificate with all that its versions said, and the moment since which it has been stored
/// without a break.
struct Stored {
    certificate: OpenPgp,
    since: Timestamp,
}

/// Fetches the user's certificate, and judges all that it has said so far.
pub(super) async fn look_at_certificate(look: &Look<'_>, user: &User) -> Looked {
    let pin = match read_pin(look, user) {
        Ok(pin) => pin,
        Err(no_pin) => return Looked::of(no_pin),
    };
    match fetch(look, user, &pin).await {
        Err(error) => Looked::of(Certificate::Unknown(error.to_string())),
        Ok(Fetched::Nothing) => {
            let reason = notices::no_certificate(&pin);
            Looked::of(refused("no-certificate", reason))
        }
        Ok(Fetched::Refused(refusal)) => {
            Looked::of(refused(refusal.code(), refusal.text_for(&pin)))
        }
        Ok(Fetched::Certificate(stored)) => judge_stored(look, user, &pin, *stored),
    }
}

/// Judges the stored certificate by all that it said, and asks who vouches for it.
fn judge_stored(look: &Look<'_>, user: &User, pin: &Fingerprint, stored: Stored) -> Looked {
    let counted = counted_certificate(user);
    if user.record().and_then(Record::pinned) != Some(pin) {
        let vouches = |counted: &OpenPgp| stored.certificate.is_certified_by(counted, look.now);
        let certified = counted.as_ref().is_some_and(vouches);
        return judge(look, pin, stored, certified);
    }
    let certificate = match &counted {
        Some(counted) => stored.certificate.with_earlier(counted),
        None => stored.certificate,
    };
    judge(
        look,
        pin,
        Stored {
            certificate,
            ..stored
        },
        false,
    )
}

/// The fingerprint in the user's tag, or the refusal of a certificate that nothing pins.
fn read_pin(look: &Look<'_>, user: &User) -> Result<Fingerprint, Certificate> {
    let Some(pin) = user.tags.get(PIN_TAG) else {
        let reason = notices::no_pin(&user.name, look.job.identity);
        return Err(refused("no-pin", reason));
    };
    Fingerprint::from_human(pin)
        .map_err(|error| refused("bad-pin", notices::bad_pin(&error.to_string())))
}

/// The certificate that counts so far, as the record remembers it.
fn counted_certificate(user: &User) -> Option<OpenPgp> {
    let pin = user.record()?.pin.as_ref()?;
    OpenPgp::from_kept(&pin.certificate).ok()
}

/// The result of a look at what is stored as a user's certificate.
enum Fetched {
    Nothing,
    Refused(Refusal),
    Certificate(Box<Stored>),
}

/// Fetches what is stored, and merges what its earlier versions said.
async fn fetch(look: &Look<'_>, user: &User, pin: &Fingerprint) -> Result<Fetched, PortError> {
    let versions = look.ports.certificates.versions(&user.name).await?;
    let Some((latest, earlier)) = versions.split_first() else {
        return Ok(Fetched::Nothing);
    };
    let Some(bytes) = read_version(look, user, latest).await? else {
        return Ok(Fetched::Nothing);
    };
    let certificate = match OpenPgp::read(&bytes) {
        Ok(certificate) => certificate,
        Err(refusal) => return Ok(Fetched::Refused(refusal)),
    };
    if certificate.fingerprint() != pin.as_str() {
        let since = latest.stored_at;
        return Ok(Fetched::Certificate(Box::new(Stored {
            certificate,
            since,
        })));
    }
    let mut stored = Stored {
        certificate,
        since: latest.stored_at,
    };
    let mut is_unbroken = true;
    for version in earlier.iter().take(MOST_VERSIONS) {
        let bytes = read_version(look, user, version).await?;
        let earlier = bytes.and_then(|bytes| OpenPgp::read(&bytes).ok());
        match earlier.filter(|earlier| earlier.fingerprint() == pin.as_str()) {
            None => is_unbroken = false,
            Some(earlier) => {
                stored.certificate = stored.certificate.with_earlier(&earlier);
                if is_unbroken {
                    stored.since = version.stored_at;
                }
            }
        }
    }
    Ok(Fetched::Certificate(Box::new(stored)))
}

/// The bytes of a version; `None` if it is a deletion, or gone.
async fn read_version(
    look: &Look<'_>,
    user: &User,
    version: &CertificateVersion,
) -> Result<Option<Vec<u8>>, PortError> {
    let Some(id) = &version.id else {
        return Ok(None);
    };
    let certificates = &look.ports.certificates;
    certificates.read_version(&user.name, id).await
}

fn judge(look: &Look<'_>, pin: &Fingerprint, stored: Stored, certified: bool) -> Looked {
    let Stored { certificate, since } = stored;
    let seen = (certificate.fingerprint() == pin.as_str()).then(|| Pin {
        fingerprint: pin.clone(),
        certificate: certificate.to_kept(),
    });
    match Recipient::judge(&certificate, pin, look.now) {
        Err(refusal) => Looked {
            seen,
            ..Looked::of(refused(refusal.code(), refusal.text_for(pin)))
        },
        Ok(recipient) => Looked {
            certificate: Certificate::Usable {
                fingerprint: recipient.fingerprint().clone(),
                expires_soon: recipient.expires_soon(look.now),
                certified,
                stored_since: Some(since),
            },
            seen,
            recipient: Some(recipient),
        },
    }
}

fn refused(code: &str, reason: String) -> Certificate {
    Certificate::Refused {
        code: code.to_owned(),
        reason,
    }
}

/// True if the user's tag pins another certificate than the one that counts: people must hear of
/// it, whether or not a key is due.
pub(super) fn pins_another(user: &User) -> bool {
    let tag = user.tags.get(PIN_TAG);
    let pin = tag.and_then(|tag| Fingerprint::from_human(tag).ok());
    let counted = user.record().and_then(Record::pinned);
    counted.is_some() && pin.as_ref() != counted
}

/// True if a new key is sealed to another certificate than the one that counts, and not proven: it
/// may have to be issued anew.
pub(super) fn is_sealed_to_a_former(user: &User) -> bool {
    let counted = user.record().and_then(Record::pinned);
    user.rotation().is_some_and(|rotation| {
        rotation.proven_at.is_none() && Some(&rotation.intent.recipient) != counted
    })
}

/// Checks the acknowledgement of a new key: the user's tag says that there is one, and what is
/// signed by the certificate that the key is sealed to proves it. Anything else is none.
pub(super) async fn acknowledged(look: &Look<'_>, user: &mut User) {
    let Some(rotation) = user.rotation() else {
        return;
    };
    let key = rotation.issued.key.clone();
    let is_claimed = user.tags.get(ACKNOWLEDGED_TAG).map(String::as_str) == Some(key.as_str());
    let is_sealed_to = |pin: &&Pin| pin.fingerprint == rotation.intent.recipient;
    let pin = user.record().and_then(|record| record.pin.as_ref());
    let (Some(pin), true, None) = (pin.filter(is_sealed_to), is_claimed, rotation.proven_at) else {
        return;
    };
    // Not to know is as good as none: the next run asks again.
    let signed = look.ports.certificates.acknowledgement(&user.name).await;
    if let Err(error) = &signed {
        tracing::warn!(user.name = %user.name, %error, "the acknowledgement can't be read");
    }
    let (Ok(Some(signed)), Ok(certificate)) = (signed, OpenPgp::from_kept(&pin.certificate)) else {
        return;
    };
    match certificate.check_acknowledgement(&signed, &key, look.now) {
        Ok(()) => user.acknowledged = Some(key),
        Err(error) => {
            tracing::warn!(user.name = %user.name, %error, "the acknowledgement proves nothing");
        }
    }
}

impl Looked {
    fn of(certificate: Certificate) -> Self {
        Self {
            certificate,
            seen: None,
            recipient: None,
        }
    }
}
