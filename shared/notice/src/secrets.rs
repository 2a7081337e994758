//! Values of secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use banto_domain::SecretArn;
use banto_ports::{PortError, Secrets};
use secrecy::SecretString;
use tokio::sync::Mutex;

/// Values of secrets, each fetched when it is first needed, and kept.
pub struct KeptSecrets {
    secrets: Arc<dyn Secrets>,
    kept: Mutex<BTreeMap<SecretArn, SecretString>>,
}

impl KeptSecrets {
    /// None fetched yet.
    pub fn new(secrets: Arc<dyn Secrets>) -> Self {
        Self { secrets, kept: Mutex::default() }
    }

    /// A secret's value.
    ///
    /// # Errors
    /// If it is not kept and can't be fetched.
    pub async fn value(&self, secret: &SecretArn) -> Result<SecretString, PortError> {
        let mut kept = self.kept.lock().await;
        if let Some(value) = kept.get(secret) {
            return Ok(value.clone());
        }
        let value = self.secrets.value(secret).await?;
        kept.insert(secret.clone(), value.clone());
        Ok(value)
    }

    /// Forgets a value that no longer works, so that the next use fetches it anew.
    pub async fn forget(&self, secret: &SecretArn) {
        self.kept.lock().await.remove(secret);
    }
}

impl std::fmt::Debug for KeptSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptSecrets").finish_non_exhaustive()
    }
}
