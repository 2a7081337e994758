//! Why a certificate can't be used, in words that its owner can act on.

use banto_domain::Fingerprint;
use jiff::Timestamp;

/// Why a certificate can't be used. Its text names what is wrong and what to run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is larger than any certificate need be.
    #[error(
        "the file has {bytes} bytes, more than the {limit} allowed; export it with `gpg --export-options export-minimal`"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// It is not an OpenPGP certificate.
    #[error(
        "the file is not an OpenPGP certificate; export one with `gpg --export --armor YOUR-FINGERPRINT`"
    )]
    NotACertificate,
    /// It holds the secret key.
    #[error(
        "the file holds the SECRET key, which is thereby exposed: revoke it, make a new one, and register only what \
         `gpg --export --armor YOUR-FINGERPRINT` prints"
    )]
    SecretKey,
    /// It holds several certificates.
    #[error(
        "the file holds more than one certificate; register one alone, with `gpg --export --armor YOUR-FINGERPRINT`"
    )]
    MoreThanOne,
    /// It is not the one that its owner pinned.
    #[error(
        "the stored certificate is {found}, but the pinned one is {pinned}; if you did not change it yourself, tell the \
         security team. Else register again"
    )]
    WrongFingerprint {
        /// The fingerprint in the owner's tag.
        pinned: Fingerprint,
        /// The fingerprint of the file.
        found: String,
    },
    /// It is from the future.
    #[error(
        "the certificate is valid only from {from} on; check the clock of the machine that made it"
    )]
    NotYetValid {
        /// When it was made.
        from: Timestamp,
    },
    /// It has expired.
    #[error(
        "the certificate expired on {at}; extend it with `gpg --quick-set-expire FINGERPRINT 2y` and register it again"
    )]
    Expired {
        /// When.
        at: Timestamp,
    },
    /// It was revoked.
    #[error("the certificate was revoked ({reason}); make a new one and register it")]
    Revoked {
        /// The reason's kind, in OpenPGP's words.
        reason: String,
    },
    /// It can't encrypt.
    #[error(
        "the certificate has no encryption subkey (`gpg --quick-gen-key` with an RSA algorithm makes none); add one with \
         `gpg --quick-add-key FINGERPRINT rsa3072 encr` or `… cv25519 encr`, and register it again"
    )]
    NoEncryptionSubkey,
    /// Its encryption subkey has expired.
    #[error(
        "the encryption subkey expired on {at}; extend it with `gpg --quick-set-expire FINGERPRINT 2y '*'` and register it again"
    )]
    EncryptionSubkeyExpired {
        /// When.
        at: Timestamp,
    },
    /// Its encryption subkey was revoked.
    #[error(
        "the encryption subkey was revoked; add one with `gpg --quick-add-key FINGERPRINT cv25519 encr`, and register it again"
    )]
    EncryptionSubkeyRevoked,
    /// An algorithm in it is not safe any more.
    #[error(
        "the certificate relies on a weak algorithm ({what}); make a new one with `gpg --quick-gen-key`, and register it"
    )]
    WeakAlgorithm {
        /// Which.
        what: String,
    },
}

impl Refusal {
    /// A stable word for the reason, by which it is said only once.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too-large",
            Self::NotACertificate => "not-a-certificate",
            Self::SecretKey => "secret-key",
            Self::MoreThanOne => "more-than-one",
            Self::WrongFingerprint { .. } => "wrong-fingerprint",
            Self::NotYetValid { .. } => "not-yet-valid",
            Self::Expired { .. } => "expired",
            Self::Revoked { .. } => "revoked",
            Self::NoEncryptionSubkey => "no-encryption-subkey",
            Self::EncryptionSubkeyExpired { .. } => "encryption-subkey-expired",
            Self::EncryptionSubkeyRevoked => "encryption-subkey-revoked",
            Self::WeakAlgorithm { .. } => "weak-algorithm",
        }
    }
}
