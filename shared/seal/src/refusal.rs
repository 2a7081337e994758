//! Why a certificate can't be used, in words that its owner can act on.

use banto_domain::Fingerprint;
use jiff::Timestamp;

/// The command that makes a certificate, as GnuPG 2.2 and later have it.
macro_rules! new_key {
    () => {
        "`gpg --quick-gen-key 'Alice <alice@example.com>' default default 2y`, with your own name, makes one."
    };
}

/// The commands that print a certificate whose fingerprint is not known here.
macro_rules! export {
    () => {
        "`gpg --list-secret-keys` shows your fingerprint. `gpg --export --armor FINGERPRINT` prints the certificate."
    };
}

/// Why a certificate can't be used. Its text says what to do, what is wrong, and what to run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is larger than any certificate need be.
    #[error(
        "Store a smaller certificate. The file has {bytes} bytes, and {limit} are allowed. \
         `gpg --export --armor --export-options export-clean FINGERPRINT` leaves out what strangers signed."
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// It is not an OpenPGP certificate.
    #[error(
        "Store your OpenPGP certificate instead of this file. The file holds none that can be read. {}",
        export!()
    )]
    NotACertificate,
    /// Its version is not one that can be read.
    #[error(
        "Make a key of version 4 and register its certificate. Keys of version {version} are not supported. {}",
        new_key!()
    )]
    UnsupportedVersion {
        /// Which.
        version: u8,
    },
    /// It holds the secret key.
    #[error(
        "Revoke this key, make a new one, and register its certificate. The file holds the SECRET key, which is thereby \
         exposed. docs/openpgp.md says how to revoke it. {} Never store what `gpg --export-secret-keys` prints.",
        new_key!()
    )]
    SecretKey,
    /// It holds several certificates.
    #[error(
        "Store one certificate alone. The file holds more than one. {}",
        export!()
    )]
    MoreThanOne,
    /// It is not the one that its owner pinned.
    #[error(
        "If you did not change your certificate yourself, tell the security team. The stored certificate is {found}, and \
         the pinned one is {pinned}. If you changed it, register it again."
    )]
    WrongFingerprint {
        /// The fingerprint in the owner's tag.
        pinned: Fingerprint,
        /// The fingerprint of the file.
        found: String,
    },
    /// It has no user id.
    #[error(
        "Export the certificate from your own keyring and register it again. The stored one has no user id, as keyservers \
         give it. `gpg --export --armor {fingerprint}` prints yours."
    )]
    NoUserId {
        /// The certificate.
        fingerprint: Fingerprint,
    },
    /// Nothing in it is signed by its own key.
    #[error(
        "Export the certificate from your own keyring and register it again. Nothing in the stored one is signed by its \
         own key. `gpg --export --armor {fingerprint}` prints yours."
    )]
    NoSelfSignature {
        /// The certificate.
        fingerprint: Fingerprint,
    },
    /// The signatures by its own key have expired, though the key has not.
    #[error(
        "Sign your user ids anew and register the certificate again. The signatures on them expired on {}. \
         `gpg --quick-set-expire {fingerprint} 2y` signs them. `gpg --export --armor {fingerprint}` prints the certificate.",
        day(*at)
    )]
    SelfSignatureExpired {
        /// The certificate.
        fingerprint: Fingerprint,
        /// When.
        at: Timestamp,
    },
    /// It is from the future.
    #[error(
        "Check the clock of the machine that made the certificate. It is valid only from {} on.",
        day(*from)
    )]
    NotYetValid {
        /// When it was made.
        from: Timestamp,
    },
    /// It has expired.
    #[error(
        "Extend the certificate and register it again. It expired on {}. `gpg --quick-set-expire {fingerprint} 2y` extends \
         it.{} `gpg --export --armor {fingerprint}` prints it.",
        day(*at),
        extend_subkey(fingerprint, subkey.as_deref())
    )]
    Expired {
        /// The certificate.
        fingerprint: Fingerprint,
        /// The fingerprint of the encryption subkey, if it has expired, too.
        subkey: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// It was revoked.
    #[error(
        "Make a new certificate and register it. This one was revoked: {reason}. {}",
        new_key!()
    )]
    Revoked {
        /// The reason's kind.
        reason: &'static str,
    },
    /// It can't encrypt.
    #[error(
        "Add an encryption subkey and register the certificate again. It can only sign as it is. {}",
        add_subkey(fingerprint)
    )]
    NoEncryptionSubkey {
        /// The certificate.
        fingerprint: Fingerprint,
    },
    /// Its encryption subkey has expired.
    #[error(
        "Extend the encryption subkey and register the certificate again. It expired on {}.{} \
         `gpg --export --armor {fingerprint}` prints the certificate.",
        day(*at),
        extend_subkey(fingerprint, Some(subkey))
    )]
    EncryptionSubkeyExpired {
        /// The certificate.
        fingerprint: Fingerprint,
        /// The fingerprint of the subkey.
        subkey: String,
        /// When.
        at: Timestamp,
    },
    /// Its encryption subkey was revoked.
    #[error(
        "Add an encryption subkey and register the certificate again. The one that it has was revoked. {}",
        add_subkey(fingerprint)
    )]
    EncryptionSubkeyRevoked {
        /// The certificate.
        fingerprint: Fingerprint,
    },
    /// The curve of one of its keys is not supported.
    #[error(
        "{} The curve {curve} is not supported. {}",
        replace(subkey_of.as_ref()),
        replacement(subkey_of.as_ref())
    )]
    UnsupportedCurve {
        /// The name of the curve.
        curve: String,
        /// The certificate, if only its encryption subkey is concerned.
        subkey_of: Option<Fingerprint>,
    },
    /// The algorithm of one of its keys is not supported.
    #[error(
        "{} The algorithm {algorithm} is not supported. {}",
        replace(subkey_of.as_ref()),
        replacement(subkey_of.as_ref())
    )]
    UnsupportedAlgorithm {
        /// The name of the algorithm.
        algorithm: String,
        /// The certificate, if only its encryption subkey is concerned.
        subkey_of: Option<Fingerprint>,
    },
    /// An algorithm in it is not safe any more.
    #[error("{0}")]
    WeakAlgorithm(Weakness),
    /// Its primary key's own signatures are too long to be remembered.
    #[error(
        "Make a new certificate without long notations and register it. The signatures of this one's primary key have \
         {bytes} bytes, and {limit} are allowed. {}",
        new_key!()
    )]
    SignaturesTooLarge {
        /// Their size, with the key.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Encrypting to its subkey was tried, and failed.
    #[error(
        "Add an encryption subkey and register the certificate again. Encrypting to the one that it has was tried, and \
         failed. {}",
        add_subkey(fingerprint)
    )]
    EncryptionFails {
        /// The certificate.
        fingerprint: Fingerprint,
    },
}

/// The part of a certificate that is not safe any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// The signatures that it makes about itself.
    #[error(
        "Sign the certificate anew and register it again. Its own signatures are made with {hash}, which is not safe any \
         more. `gpg --quick-set-expire {fingerprint} 2y` signs it with SHA-256.{} `gpg --export --armor {fingerprint}` \
         prints it.",
        extend_subkey(fingerprint, subkey.as_deref())
    )]
    Signatures {
        /// The certificate.
        fingerprint: Fingerprint,
        /// The fingerprint of the encryption subkey, if it has one.
        subkey: Option<String>,
        /// The name of the hash.
        hash: String,
    },
    /// A key.
    #[error(
        "{} {key} is not safe any more. {}",
        replace(subkey_of.as_ref()),
        replacement(subkey_of.as_ref())
    )]
    Key {
        /// The algorithm and length of the key, as in "RSA with 1024 bits".
        key: String,
        /// The certificate, if only its encryption subkey is concerned.
        subkey_of: Option<Fingerprint>,
    },
}

impl Refusal {
    /// The text for the owner of a pin: where the file could not tell whose it is, the commands
    /// have the pinned fingerprint.
    pub fn text_for(&self, pinned: &Fingerprint) -> String {
        self.to_string().replace("FINGERPRINT", pinned.as_str())
    }

    /// A stable word for the reason, by which it is said only once.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too-large",
            Self::NotACertificate => "not-a-certificate",
            Self::UnsupportedVersion { .. } => "unsupported-version",
            Self::SecretKey => "secret-key",
            Self::MoreThanOne => "more-than-one",
            Self::WrongFingerprint { .. } => "wrong-fingerprint",
            Self::NoUserId { .. } => "no-user-id",
            Self::NoSelfSignature { .. } => "no-self-signature",
            Self::SelfSignatureExpired { .. } => "self-signature-expired",
            Self::NotYetValid { .. } => "not-yet-valid",
            Self::Expired { .. } => "expired",
            Self::Revoked { .. } => "revoked",
            Self::NoEncryptionSubkey { .. } => "no-encryption-subkey",
            Self::EncryptionSubkeyExpired { .. } => "encryption-subkey-expired",
            Self::EncryptionSubkeyRevoked { .. } => "encryption-subkey-revoked",
            Self::UnsupportedCurve { .. } => "unsupported-curve",
            Self::UnsupportedAlgorithm { .. } => "unsupported-algorithm",
            Self::WeakAlgorithm(_) => "weak-algorithm",
            Self::SignaturesTooLarge { .. } => "signatures-too-large",
            Self::EncryptionFails { .. } => "encryption-fails",
        }
    }
}

/// A date as people write it.
fn day(at: Timestamp) -> String {
    at.strftime("%-d %B %Y").to_string()
}

/// Names the subkey, since GnuPG extends one that has expired only by name.
fn extend_subkey(fingerprint: &Fingerprint, subkey: Option<&str>) -> String {
    let Some(subkey) = subkey else {
        return String::new();
    };
    format!(" `gpg --quick-set-expire {fingerprint} 2y {subkey}` extends its encryption subkey.")
}

fn add_subkey(fingerprint: &Fingerprint) -> String {
    format!(
        "`gpg --quick-add-key {fingerprint} cv25519 encr 2y` adds one. `gpg --export --armor {fingerprint}` prints the \
         certificate."
    )
}

fn replace(subkey_of: Option<&Fingerprint>) -> &'static str {
    match subkey_of {
        Some(_) => "Add another encryption subkey and register the certificate again.",
        None => "Make a new certificate and register it.",
    }
}

fn replacement(subkey_of: Option<&Fingerprint>) -> String {
    subkey_of.map_or_else(|| new_key!().to_owned(), add_subkey)
}
