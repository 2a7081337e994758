//! The ports of what is kept of each user, on the world's state.

use std::collections::BTreeMap;

use async_trait::async_trait;
use banto_domain::UserName;
use banto_domain::record::{Readers, secret_name};
use banto_ports::{ErrorKind, OpenRecords, PortError, Records, StoredText};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::lag::Reader;
use crate::records::{OPEN_TAG, PREFIX, USER_TAG, Version};
use crate::run::{Run, page_of};

/// Entries of a page of a list of secrets. (Secrets Manager API reference, `ListSecrets`.)
const PAGE: usize = 100;

#[async_trait]
impl Records for Run {
    async fn read(&self, user: &UserName) -> Result<Option<StoredText>, PortError> {
        const CALL: &str = "secretsmanager:GetSecretValue";
        self.ask(CALL, user, about(user), |state| {
            let at = state.as_read_by(Reader::GetSecretValue);
            let secret = match state.records.usable(CALL, user, state.now) {
                Err(error) if error.kind == ErrorKind::Missing => return Ok(None),
                secret => secret?,
            };
            let stored = secret.current_at(at).map(Version::stored);
            Ok(stored.map(|stored| state.as_read(stored)))
        })
        .await
    }

    async fn read_version(
        &self,
        user: &UserName,
        token: &str,
    ) -> Result<Option<StoredText>, PortError> {
        const CALL: &str = "secretsmanager:GetSecretValue";
        let request = json!({ "SecretId": secret_name(user), "VersionId": token });
        self.ask(CALL, user, request, |state| {
            let secret = match state.records.usable(CALL, user, state.now) {
                Err(error) if error.kind == ErrorKind::Missing => return Ok(None),
                secret => secret?,
            };
            let stored = secret.version(token).map(Version::stored);
            Ok(stored.map(|stored| state.as_read(stored)))
        })
        .await
    }

    async fn create(&self, user: &UserName, text: &str, token: &str) -> Result<(), PortError> {
        let (token, text) = (token.to_owned(), text.to_owned());
        let request = json!({
            "Name": secret_name(user),
            "ClientRequestToken": token,
            "SecretString": text,
            "Tags": [
                { "Key": USER_TAG, "Value": user },
                { "Key": OPEN_TAG, "Value": "true" },
            ],
        });
        self.ask("secretsmanager:CreateSecret", user, request, |state| {
            let created_at = state.now;
            let version = Version {
                token,
                text: state.record_written(&text),
                created_at,
            };
            state.records.create(user, version)
        })
        .await
    }

    async fn protect(&self, user: &UserName, readers: &Readers) -> Result<(), PortError> {
        const CALL: &str = "secretsmanager:PutResourcePolicy";
        let request = json!({
            "SecretId": secret_name(user),
            "ResourcePolicy": policy_for(readers),
            "BlockPublicPolicy": true,
        });
        self.ask(CALL, user, request, |state| {
            let secret = state.records.usable(CALL, user, state.now)?;
            secret.readers = Some(readers.clone());
            Ok(())
        })
        .await
    }

    async fn write(&self, user: &UserName, text: &str, token: &str) -> Result<(), PortError> {
        let (token, text) = (token.to_owned(), text.to_owned());
        let request = json!({
            "SecretId": secret_name(user),
            "ClientRequestToken": token,
            "SecretString": text,
        });
        self.ask("secretsmanager:PutSecretValue", user, request, |state| {
            let created_at = state.now;
            let version = Version {
                token,
                text: state.record_written(&text),
                created_at,
            };
            state.records.write(user, version)
        })
        .await
    }

    async fn versions(&self, user: &UserName) -> Result<BTreeMap<String, Timestamp>, PortError> {
        const CALL: &str = "secretsmanager:ListSecretVersionIds";
        let request = json!({ "SecretId": secret_name(user), "IncludeDeprecated": true });
        self.ask(CALL, user, request, |state| {
            let secret = state.records.usable(CALL, user, state.now)?;
            let versions = secret.versions.iter();
            Ok(versions
                .map(|version| (version.token.clone(), version.created_at))
                .collect())
        })
        .await
    }

    async fn open(&self) -> Result<OpenRecords, PortError> {
        const CALL: &str = "secretsmanager:ListSecrets";
        let mut open = OpenRecords::default();
        for page in 0.. {
            let listed = self.ask(CALL, "", list_request(page), |state| {
                let seen = state.secrets_seen();
                Ok(state.records.page_of_open(page * PAGE, PAGE, &seen))
            });
            let listed = listed.await?;
            let is_last = listed.len() < PAGE;
            for secret in listed {
                secret.add_to(&mut open);
            }
            if is_last {
                break;
            }
        }
        Ok(open)
    }

    async fn mark_open(&self, user: &UserName) -> Result<(), PortError> {
        const CALL: &str = "secretsmanager:TagResource";
        let tags = json!([{ "Key": OPEN_TAG, "Value": "true" }]);
        let request = json!({ "SecretId": secret_name(user), "Tags": tags });
        self.ask(CALL, user, request, |state| {
            let now = state.now;
            let secret = state.records.usable(CALL, user, now)?;
            secret.change_tags(now, |tags| {
                drop(tags.insert(OPEN_TAG.to_owned(), "true".to_owned()));
            });
            Ok(())
        })
        .await
    }

    async fn mark_closed(&self, user: &UserName) -> Result<(), PortError> {
        const CALL: &str = "secretsmanager:UntagResource";
        let request = json!({ "SecretId": secret_name(user), "TagKeys": [OPEN_TAG] });
        self.ask(CALL, user, request, |state| {
            let now = state.now;
            match state.records.usable(CALL, user, now) {
                Err(error) if error.kind == ErrorKind::Missing => {}
                secret => secret?.change_tags(now, |tags| drop(tags.remove(OPEN_TAG))),
            }
            Ok(())
        })
        .await
    }
}

fn about(user: &UserName) -> Value {
    json!({ "SecretId": secret_name(user) })
}

fn list_request(page: usize) -> Value {
    let filters = json!([
        { "Key": "name", "Values": [PREFIX] },
        { "Key": "tag-key", "Values": [OPEN_TAG] },
    ]);
    let request = json!({ "Filters": filters, "MaxResults": PAGE });
    page_of(request, page)
}

/// A policy that names the readers. The words of the real one are the adapter's, which are held by
/// its own tests.
fn policy_for(readers: &Readers) -> String {
    let mut named = vec![readers.owner.to_string()];
    named.extend(readers.writers().into_iter().map(ToString::to_string));
    let statement = json!({ "Effect": "Allow", "Principal": { "AWS": named } });
    json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}
