//! Looks at a user's certificate: the pin in the user's tag, and the certificate in the bucket.

use banto_domain::Fingerprint;
use banto_seal::Recipient;
use jiff::Timestamp;

use crate::job::Job;
use crate::notices;
use crate::ports::Ports;
use crate::snapshot::{Certificate, PIN_TAG, User};

/// Fetches the user's certificate and parses it. Returns it as the snapshot holds it, and the
/// recipient if a key can be sealed to it.
pub(super) async fn look_at_certificate(
    ports: &Ports,
    job: &Job<'_>,
    user: &User,
    now: Timestamp,
) -> (Certificate, Option<Recipient>) {
    let pin = match read_pin(job, user) {
        Ok(pin) => pin,
        Err(no_pin) => return (no_pin, None),
    };
    match ports.certificates.read(&user.name).await {
        Err(error) => (Certificate::Unknown(error.to_string()), None),
        Ok(None) => {
            let reason = notices::no_certificate(&pin);
            (refused("no-certificate", reason), None)
        }
        Ok(Some(bytes)) => match Recipient::parse(&bytes, &pin, now) {
            Err(refusal) => (refused(refusal.code(), refusal.to_string()), None),
            Ok(recipient) => (usable(&recipient, now), Some(recipient)),
        },
    }
}

/// The fingerprint in the user's tag, or the refusal of a certificate that nothing pins.
fn read_pin(job: &Job<'_>, user: &User) -> Result<Fingerprint, Certificate> {
    let Some(pin) = user.tags.get(PIN_TAG) else {
        return Err(refused("no-pin", notices::no_pin(&user.name, job.identity)));
    };
    Fingerprint::from_human(pin)
        .map_err(|error| refused("bad-pin", notices::bad_pin(&error.to_string())))
}

fn refused(code: &str, reason: String) -> Certificate {
    Certificate::Refused {
        code: code.to_owned(),
        reason,
    }
}

fn usable(recipient: &Recipient, now: Timestamp) -> Certificate {
    Certificate::Usable {
        fingerprint: recipient.fingerprint().clone(),
        expires_soon: recipient.expires_soon(now),
    }
}
