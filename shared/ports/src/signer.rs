//! The key that signs records.

use async_trait::async_trait;

use crate::PortError;

/// A private key on P-256 that nobody can read.
#[async_trait]
pub trait Signer: Send + Sync {
    /// Signs a SHA-256, and returns the signature: ECDSA, in DER.
    async fn sign(&self, digest: [u8; 32]) -> Result<Vec<u8>, PortError>;
}
