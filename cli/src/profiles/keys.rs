//! Credentials.

use secrecy::SecretString;

/// Credentials. Shows the key's id only.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The access key's id.
    pub id: String,
    /// The access key's secret.
    pub secret: SecretString,
    /// The session's token, of temporary ones.
    pub token: Option<SecretString>,
}
