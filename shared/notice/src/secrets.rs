//! A cache of secrets' values.

use std::collections::BTreeMap;
use std::sync::Arc;

use banto_domain::SecretArn;
use banto_ports::{ErrorKind, PortError, Secrets};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use crate::text::count;

/// Most characters of a key that an error repeats. A bot token has some 56.
const LONGEST_KEY: usize = 32;

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

    /// Returns a secret that is one text, like a token or a URL. The console of Secrets Manager
    /// makes JSON of key and value; of such a secret it is the value of its only key.
    ///
    /// # Errors
    /// If it is not cached and can't be fetched, or is JSON with several keys or none.
    pub async fn value(&self, secret: &SecretArn) -> Result<SecretString, PortError> {
        let bare = bare(&self.whole(secret).await?);
        // Whoever corrects the secret need not wait for another process.
        self.forget_refused(secret, &bare).await;
        bare
    }

    /// Returns a secret as it is stored, where it is meant to be JSON.
    ///
    /// # Errors
    /// If it is not cached and can't be fetched.
    pub async fn whole(&self, secret: &SecretArn) -> Result<SecretString, PortError> {
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

/// The one text that a secret holds. An error names the keys of others, and never a value.
fn bare(stored: &SecretString) -> Result<SecretString, PortError> {
    let text = stored.expose_secret();
    let Ok(fields) = serde_json::from_str::<Map<String, Value>>(text) else {
        return Ok(stored.clone());
    };
    let mut values = fields.values().map(Value::as_str);
    match (values.next(), values.next()) {
        (Some(Some(value)), None) if !value.trim().is_empty() => Ok(SecretString::from(value)),
        _ => Err(PortError::new(
            ErrorKind::Invalid,
            "secretsmanager:GetSecretValue",
            format!(
                "the secret is JSON with {}; it must be the bare value, or JSON with one key",
                keys(&fields)
            ),
        )),
    }
}

/// The keys of a secret. One that does not look like a name is not repeated: whoever puts a token
/// in place of its key has made it one.
fn keys(fields: &Map<String, Value>) -> String {
    let is_name = |key: &&str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(is_part)
    };
    let named: Vec<&str> = fields.keys().map(String::as_str).filter(is_name).collect();
    let other = fields.len() - named.len();
    match (fields.len(), named.as_slice()) {
        (0, _) => "no key".to_owned(),
        (1, [key]) => format!("the key {key}, whose value is empty or no text"),
        (1, []) => "one key, whose value is empty or no text".to_owned(),
        (_, []) => count(other, "key"),
        (_, _) if other > 0 => format!("the keys {} and {other} more", named.join(", ")),
        _ => format!("the keys {}", named.join(", ")),
    }
}

impl std::fmt::Debug for SecretCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretCache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as StdMutex;

    use async_trait::async_trait;
    use futures_util::FutureExt;

    use super::*;

    /// A store of one secret.
    struct Stored(StdMutex<String>);

    #[async_trait]
    impl Secrets for Stored {
        async fn value(&self, _secret: &SecretArn) -> Result<SecretString, PortError> {
            Ok(SecretString::from(self.0.lock().unwrap().as_str()))
        }
    }

    fn stored(text: &str) -> (Arc<Stored>, SecretCache) {
        let store = Arc::new(Stored(StdMutex::new(text.to_owned())));
        (store.clone(), SecretCache::new(store))
    }

    fn arn() -> SecretArn {
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/token"
            .parse()
            .unwrap()
    }

    fn value(cache: &SecretCache) -> Result<String, String> {
        let value = cache.value(&arn()).now_or_never().unwrap();
        value
            .map(|value| value.expose_secret().to_owned())
            .map_err(|error| {
                assert_eq!(error.kind, ErrorKind::Invalid);
                error.to_string()
            })
    }

    #[test]
    fn a_secret_is_understood_bare_and_in_the_form_that_the_console_makes() {
        for (text, means) in [
            ("xoxb-example", "xoxb-example"),
            ("xoxb-example\n", "xoxb-example\n"),
            (r#"{"token":"xoxb-example"}"#, "xoxb-example"),
            (
                r#" {"url": "https://hooks.slack.com/services/T0/B0/x"} "#,
                "https://hooks.slack.com/services/T0/B0/x",
            ),
            ("{not json", "{not json"),
        ] {
            assert_eq!(value(&stored(text).1).as_deref(), Ok(means));
        }
    }

    #[test]
    fn a_secret_of_several_values_is_refused_with_its_keys_and_without_its_values() {
        for (text, says) in [
            (
                r#"{"token":"confidential","url":"confidential"}"#,
                "JSON with the keys token, url;",
            ),
            ("{}", "JSON with no key;"),
            (
                r#"{"https://confidential.example/":""}"#,
                "JSON with one key, whose value is empty or no text;",
            ),
            (
                r#"{"token":"confidential","xoxb confidential":"x"}"#,
                "JSON with the keys token and 1 more;",
            ),
            (
                r#"{"token":{"value":"confidential"}}"#,
                "JSON with the key token, whose value is empty or no text;",
            ),
        ] {
            let error = value(&stored(text).1).unwrap_err();
            assert!(error.contains(says), "{error}");
            assert!(error.contains("it must be the bare value, or JSON with one key"));
            assert!(!error.contains("confidential"), "{error}");
        }
    }

    #[test]
    fn a_secret_that_was_refused_for_its_form_is_read_anew() {
        let (store, cache) = stored("{}");
        value(&cache).unwrap_err();
        *store.0.lock().unwrap() = "xoxb-example".to_owned();
        assert_eq!(value(&cache).as_deref(), Ok("xoxb-example"));
    }

    #[test]
    fn a_secret_that_is_meant_to_be_json_stays_so() {
        let text = r#"{"url":"https://example.com/hook","key":"whsec_"}"#;
        let (_, cache) = stored(text);
        let whole = cache.whole(&arn()).now_or_never().unwrap().unwrap();
        assert_eq!(whole.expose_secret(), text);
    }
}
