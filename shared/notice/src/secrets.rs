//! Values of secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use banto_domain::SecretArn;
use banto_ports::{ErrorKind, PortError, Secrets};
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
        Self {
            secrets,
            kept: Mutex::default(),
        }
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

    /// Forgets a token or webhook that was refused: it may have been exchanged, and is read anew
    /// the next time.
    pub async fn forget_refused<T>(&self, secret: &SecretArn, used: &Result<T, PortError>) {
        let is_refused = |kind| {
            matches!(
                kind,
                ErrorKind::Denied | ErrorKind::Invalid | ErrorKind::Missing
            )
        };
        if used.as_ref().is_err_and(|error| is_refused(error.kind)) {
            self.kept.lock().await.remove(secret);
        }
    }
}

impl std::fmt::Debug for KeptSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptSecrets").finish_non_exhaustive()
    }
}
