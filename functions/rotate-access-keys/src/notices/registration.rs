//! The reasons why a user's registration can't be used, besides those of the certificate itself.

use banto_domain::policy::IdentityAccount;
use banto_domain::{Fingerprint, UserName};

use crate::snapshot::PIN_TAG;

/// The user has no tag that pins a certificate.
pub fn no_pin(user: &UserName, identity: &IdentityAccount) -> String {
    format!(
        "no certificate is registered: the IAM tag {PIN_TAG} is missing. Register with `banto keys register`, or put \
         your certificate's fingerprint into that tag and the certificate to s3://{}/{}{user}.asc",
        identity.certificate_bucket, identity.certificate_prefix
    )
}

/// The tag holds no fingerprint.
pub fn bad_pin(error: &str) -> String {
    format!("the IAM tag {PIN_TAG} is no fingerprint: {error}")
}

/// The pinned certificate is not stored.
pub fn no_certificate(pin: &Fingerprint) -> String {
    format!(
        "the IAM tag {PIN_TAG} pins {pin}, but no certificate is stored. Run `banto keys register` again"
    )
}
