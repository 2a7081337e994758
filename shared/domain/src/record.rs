//! The record of a user's rotation, as it is kept in Secrets Manager.
//!
//! A record is a text of two parts: one line of JSON (dates, key ids and the notices that were
//! accepted) and, once a key was issued, the armored OpenPGP message that holds it. Every OpenPGP
//! program skips the lines before the armor, so that the whole text can be piped into `gpg
//! --decrypt` as it is. Where the policy has records signed, the signature is the second line.

use crate::UserName;

mod model;
mod readers;
#[cfg(test)]
mod tests;
mod text;
mod version_1;

pub use model::{
    CLOCK_SKEW, Emergency, IAM_LAG, Intent, Issued, LEASE, Left, Owed, Pin, Reason, Record,
    Rotation, StoredEnvelope, lease_left,
};
pub use readers::Readers;
pub use text::{KeptRecord, RecordError};

/// The name of the secret that holds a user's record.
///
/// A comma, which a user name may have and a secret's name may not, becomes `/comma/`: a slash is
/// in no user name, so no two users share a secret. (Secrets Manager API reference, `CreateSecret`,
/// `Name`.)
///
/// ```
/// use banto_domain::record::secret_name;
/// assert_eq!(secret_name(&"alice".parse().unwrap()), "banto/access-keys/alice");
/// assert_eq!(secret_name(&"a,b".parse().unwrap()), "banto/access-keys/a/comma/b");
/// ```
pub fn secret_name(user: &UserName) -> String {
    format!(
        "banto/access-keys/{}",
        user.as_str().replace(',', "/comma/")
    )
}
