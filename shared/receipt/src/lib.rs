//! The signature of a record: what is signed, and who checks it.
//!
//! A signed text has the signature as its second line, `{"signature":"…"}`: ECDSA on P-256 over the
//! SHA-256 of the text without that line, DER in base64, as KMS makes it and openssl verifies it.
//! `docs/receipts.md` says how anyone checks one.
//!
//! Deliberately absent: any call, and what a record says. Whoever asks here gets the text that was
//! signed, and reads that.

mod public_key;
mod text;
mod verifier;

pub use public_key::{PublicKey, PublicKeyError};
pub use text::{digest, with_signature, without_signature};
pub use verifier::{ReceiptError, Verifier};
