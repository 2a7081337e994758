//! A key that came out of an envelope.

use banto_domain::{AccessKeyId, AccountId, UserName};
use secrecy::SecretString;
use serde::Deserialize;

use crate::session::Keys;

/// A key that came out of an envelope. Shows no secret.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) keys: Keys,
    pub(super) key: AccessKeyId,
    pub(super) user: UserName,
    pub(super) account: AccountId,
}

/// What must be inside, as far as anybody knows before.
#[derive(Debug, Default)]
pub(super) struct Expected {
    pub(super) key: Option<AccessKeyId>,
    pub(super) user: Option<UserName>,
    pub(super) accounts: Vec<AccountId>,
}

/// The version of the content that is known. (docs/openpgp.md.)
const VERSION: u32 = 1;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Payload {
    version: u32,
    access_key_id: AccessKeyId,
    secret_access_key: String,
    user_name: UserName,
    account_id: AccountId,
}

impl Opened {
    /// Reads what was decrypted. Errors repeat none of it.
    pub(super) fn read(plaintext: &[u8]) -> Result<Self, String> {
        let payload: Payload = serde_json::from_slice(plaintext).map_err(|_| {
            "what is in the envelope is no access key as Banto seals it: it is not Banto's"
                .to_owned()
        })?;
        if payload.version != VERSION {
            return Err(format!(
                "what is in the envelope has version {}, and this banto knows version {VERSION}: \
                 install the newer banto",
                payload.version
            ));
        }
        Ok(Self {
            keys: Keys {
                id: payload.access_key_id.to_string(),
                secret: SecretString::from(payload.secret_access_key),
                token: None,
            },
            key: payload.access_key_id,
            user: payload.user_name,
            account: payload.account_id,
        })
    }

    /// Compares what is inside with what must be. All differences are told.
    pub(super) fn check(&self, expected: &Expected) -> Result<(), String> {
        let mut wrong = Vec::new();
        if let Some(user) = &expected.user
            && *user != self.user
        {
            wrong.push(format!("a key of {}, and you are {user}", self.user));
        }
        if !expected.accounts.contains(&self.account) {
            wrong.push(format!(
                "a key of the account {}, which is not the policy's",
                self.account
            ));
        }
        if let Some(key) = &expected.key
            && *key != self.key
        {
            wrong.push(format!("the key {}, and the record names {key}", self.key));
        }
        if wrong.is_empty() {
            return Ok(());
        }
        Err(format!(
            "the envelope holds {}: nothing was changed; tell the security team",
            wrong.join("; ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    const SEALED: &str = r#"{"Version": 1, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
        "SecretAccessKey": "s3cret", "UserName": "alice", "AccountId": "111122223333",
        "CreateDate": "2026-11-24T01:00:00Z"}"#;

    fn expected(user: &str, account: &str, key: &str) -> Expected {
        Expected {
            key: Some(key.parse().unwrap()),
            user: Some(user.parse().unwrap()),
            accounts: vec![account.parse().unwrap()],
        }
    }

    #[test]
    fn a_key_of_somebody_else_is_refused_with_each_difference() {
        let opened = Opened::read(SEALED.as_bytes()).unwrap();
        assert_eq!(opened.keys.secret.expose_secret(), "s3cret");
        let own = expected("alice", "111122223333", "AKIAIOSFODNN7EXAMPLE");
        assert_eq!(opened.check(&own), Ok(()));
        let other = expected("bob", "444455556666", "AKIAI44QH8DHBEXAMPLE");
        let error = opened.check(&other).unwrap_err();
        for part in [
            "of alice, and you are bob",
            "account 111122223333",
            "names AKIAI44",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_and_nothing_of_it_is_repeated() {
        for wrong in [
            "s3cret",
            r#"{"SecretAccessKey": "s3cret"}"#,
            r#"{"Version": "s3cret"}"#,
        ] {
            let error = Opened::read(wrong.as_bytes()).unwrap_err();
            assert!(!error.contains("s3cret"), "{error}");
        }
        let later = SEALED.replace("\"Version\": 1", "\"Version\": 2");
        let error = Opened::read(later.as_bytes()).unwrap_err();
        assert!(error.contains("newer banto"), "{error}");
        let opened = Opened::read(SEALED.as_bytes()).unwrap();
        assert!(!format!("{opened:?}").contains("s3cret"));
    }
}
