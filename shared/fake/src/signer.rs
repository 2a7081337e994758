//! KMS: a key that signs records, and others that nobody should believe.

use async_trait::async_trait;
use banto_ports::{ErrorKind, PortError, Signer};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use p256::PublicKey;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::EncodePublicKey;
use serde_json::json;

use crate::run::Run;

const CALL: &str = "kms:Sign";

/// The ARN of the key in KMS.
const KEY_ARN: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// A key pair on P-256. It signs the same bytes the same way each time.
#[derive(Debug, Clone)]
pub struct KeyPair(SigningKey);

impl KeyPair {
    /// The one that KMS has.
    pub fn of_kms() -> Self {
        Self::of_number(1)
    }

    /// One of somebody else.
    pub fn of_somebody() -> Self {
        Self::of_number(2)
    }

    #[expect(
        clippy::expect_used,
        reason = "a constant, which is a number below the order of the curve"
    )]
    fn of_number(number: u8) -> Self {
        Self(SigningKey::from_slice(&[number; 32]).expect("a private key"))
    }

    /// The public key, as `aws kms get-public-key` prints it.
    #[expect(clippy::expect_used, reason = "a public key always has its DER")]
    pub fn public(&self) -> String {
        let public = PublicKey::from(self.0.verifying_key());
        STANDARD.encode(public.to_public_key_der().expect("DER").as_bytes())
    }

    /// A text with this key's signature, in place of the one that it may have.
    #[expect(
        clippy::expect_used,
        reason = "a test that can't sign is to fail at once"
    )]
    pub fn signed(&self, text: &str) -> String {
        let (text, _) = banto_receipt::without_signature(text);
        let signature = self
            .sign(banto_receipt::digest(&text))
            .expect("a signature");
        banto_receipt::with_signature(&text, &signature)
    }

    /// The lines of `[rotation]` that have records signed by KMS's key, and believe that one.
    pub fn policy_lines() -> String {
        let public = Self::of_kms().public();
        format!("signing_key = \"{KEY_ARN}\"\nsigning_public_keys = [\"{public}\"]")
    }

    fn sign(&self, digest: [u8; 32]) -> Option<Vec<u8>> {
        let signature: Signature = self.0.sign_prehash(&digest).ok()?;
        Some(signature.to_der().as_bytes().to_vec())
    }
}

#[async_trait]
impl Signer for Run {
    async fn sign(&self, digest: [u8; 32]) -> Result<Vec<u8>, PortError> {
        let request = json!({
            "KeyId": KEY_ARN,
            "Message": STANDARD.encode(digest),
            "MessageType": "DIGEST",
            "SigningAlgorithm": "ECDSA_SHA_256",
        });
        self.ask(CALL, KEY_ARN, request, |state| {
            let signature = state.signing_key().sign(digest);
            signature.ok_or_else(|| PortError::new(ErrorKind::Invalid, CALL, "no signature"))
        })
        .await
    }
}
