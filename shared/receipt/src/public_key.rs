//! A key that signatures are checked with.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::VerifyingKey;
use p256::pkcs8::DecodePublicKey;

/// The public half of a key pair on the curve P-256.
///
/// It is read from the base64 of its DER (`SubjectPublicKeyInfo`), which `aws kms get-public-key
/// --query PublicKey --output text` prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// A text that is no public key on P-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// It is not base64.
    #[error("it is not base64 on one line, as `aws kms get-public-key` prints it")]
    NotBase64,
    /// It is base64 of something else.
    #[error(
        "it is no public key on the curve P-256 (ECC_NIST_P256), as base64 of SubjectPublicKeyInfo"
    )]
    NotP256,
}

impl PublicKey {
    pub(crate) fn key(&self) -> &VerifyingKey {
        &self.0
    }
}

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(text: &str) -> Result<Self, PublicKeyError> {
        let der = STANDARD
            .decode(text)
            .map_err(|_| PublicKeyError::NotBase64)?;
        VerifyingKey::from_public_key_der(&der)
            .map(Self)
            .map_err(|_| PublicKeyError::NotP256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `openssl ecparam -name prime256v1 -genkey`, and its kin for the others.
    const P256: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhdf2mgxRRzK4NTn3C0jI/TNBz0WrTWtKXEfp73K2iL9xUd/lZQRhv+tCzcDVmCBkxlm2mew/JcsMdvh4M0HBlA==";
    const P384: &str = "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEPSL+/tgCgRjBk+vgUSIIMfG7z5eYPw2QYY2byTvDtGYNMLaq7eAFO6PJgAYHaGDH+wXd+YwRUTfziqZVYti2JqzwkDQxLZeEAXGqIcTchB5GoqCg/e7OQjGHMg4wQ+er";
    const RSA: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDKSUUnfZNCb21NLCuJZha1s5QORVbDyAfuQbMnqLrqIXx0VOBNOu/mc0pBBC1VYoLb8CDLHOpVoyA9ss2x3yYk95VEukuZf3iCXGvbbXb0DyQD8QgRTh6HAc5ES7FrFLgxjA1rvf04Kykb04ozWEVfHS2ru2WO2IqWAoOSrFXXTwIDAQAB";

    #[test]
    fn a_public_key_is_read_as_kms_prints_it() {
        assert!(P256.parse::<PublicKey>().is_ok());
    }

    #[test]
    fn a_key_of_another_kind_or_a_point_beside_the_curve_is_refused() {
        // One letter of the point is another one.
        let beside = P256.replacen("QgAE", "QgAEA", 1);
        let beside = beside.get(..P256.len()).unwrap();
        for other in [P384, RSA, beside, "", "AAAA"] {
            let refused = other.parse::<PublicKey>();
            assert_eq!(refused, Err(PublicKeyError::NotP256), "{other}");
        }
    }

    #[test]
    fn what_is_not_base64_on_one_line_is_refused() {
        let broken = format!("{}\n{}", &P256[..64], &P256[64..]);
        for text in ["not a key", "-----BEGIN PUBLIC KEY-----", &broken] {
            let refused = text.parse::<PublicKey>();
            assert_eq!(refused, Err(PublicKeyError::NotBase64), "{text}");
        }
    }
}
