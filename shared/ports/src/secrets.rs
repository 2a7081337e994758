//! Secrets that the policy names.

use async_trait::async_trait;
use banto_domain::SecretArn;
use secrecy::SecretString;

use crate::PortError;

/// Values that the policy names by ARN, like a webhook's URL.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The secret's current value.
    async fn value(&self, secret: &SecretArn) -> Result<SecretString, PortError>;
}
