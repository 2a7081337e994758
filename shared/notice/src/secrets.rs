//! A cache of secrets' values.

use std::collections::BTreeMap;
use std::sync::Arc;

use banto_domain::SecretArn;
use banto_ports::{ErrorKind, PortError, Secrets};
use secrecy::SecretString;
use tokio::sync::Mutex;

/// Values of secrets, each fetched when it is first needed, and cached for the life of the process.
pub struct SecretCache {
    secrets: Arc<dyn Secrets>,
    cached: Mutex<BTreeMap<SecretArn, SecretString>>,
}

impl SecretCache {
    /// An empty cache before this store.
    pub fn new(secrets: Arc<dyn Secrets>) -> Self {
        Self {
            secrets,
            cached: Mutex::default(),
        }
    }

    /// A secret's value.
    ///
    /// # Errors
    /// If it is not cached and can't be fetched.
    pub async fn value(&self, secret: &SecretArn) -> Result<SecretString, PortError> {
        let mut cached = self.cached.lock().await;
        if let Some(value) = cached.get(secret) {
            return Ok(value.clone());
        }
        let value = self.secrets.value(secret).await?;
        cached.insert(secret.clone(), value.clone());
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
            self.cached.lock().await.remove(secret);
        }
    }
}

impl std::fmt::Debug for SecretCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretCache").finish_non_exhaustive()
    }
}
