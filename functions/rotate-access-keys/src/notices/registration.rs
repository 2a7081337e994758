//! The reasons why a user's registration can't be used, besides those of the certificate itself.

use banto_domain::policy::IdentityAccount;
use banto_domain::{Fingerprint, UserName};

use crate::snapshot::PIN_TAG;

/// The user has no tag that pins a certificate.
pub fn no_pin(user: &UserName, identity: &IdentityAccount) -> String {
    format!(
        "No certificate is registered: call `banto keys register`. The IAM tag {PIN_TAG} of your user is to \
         hold its fingerprint, and {} the certificate.",
        identity.certificate_url(user)
    )
}

/// The tag holds no fingerprint.
pub fn bad_pin(error: &str) -> String {
    format!("The IAM tag {PIN_TAG} of your user is no fingerprint: {error}.")
}

/// The pinned certificate is not stored.
pub fn no_certificate(pin: &Fingerprint) -> String {
    format!("No certificate is stored, though the IAM tag {PIN_TAG} of your user pins {pin}.")
}
