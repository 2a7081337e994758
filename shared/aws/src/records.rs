//! The records of users, one secret each in Secrets Manager.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, SecretListEntry, Tag};
use banto_domain::policy::IdentityAccount;
use banto_domain::record::{Record, secret_name};
use banto_domain::{RoleArn, UserArn, UserName};
use banto_ports::{ErrorKind, OpenRecords, PortError, Records, StoredText};
use jiff::Timestamp;
use serde_json::json;

use crate::errors::{lacking, port_error};
use crate::keys::timestamp;

/// The beginning of the name of every record's secret.
const PREFIX: &str = "banto/access-keys/";

/// The tag that names the record's user.
const USER: &str = "banto:user";

/// The tag of a record that is open: its presence counts, its value does not.
const OPEN: &str = "banto:open";

/// Entries of a page: the most that Secrets Manager allows. (Secrets Manager API reference,
/// `ListSecrets` and `ListSecretVersionIds`, `MaxResults`.)
const PAGE: i32 = 100;

/// The records of one identity account's users.
#[derive(Debug)]
pub struct SecretsManagerRecords {
    client: Client,
    role: RoleArn,
}

impl SecretsManagerRecords {
    pub(crate) fn new(client: Client, identity: &IdentityAccount) -> Self {
        Self {
            client,
            role: identity.role.clone(),
        }
    }
}

#[async_trait]
impl Records for SecretsManagerRecords {
    async fn read(&self, user: &UserName) -> Result<Option<StoredText>, PortError> {
        const CALL: &str = "secretsmanager:GetSecretValue";
        let request = self.client.get_secret_value().secret_id(secret_name(user));
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return none_if_missing(port_error(CALL, &error)),
        };
        // A version's id is the token that it was written under. (Secrets Manager API reference,
        // `PutSecretValue`, `ClientRequestToken`.)
        Ok(Some(StoredText {
            text: answer
                .secret_string
                .ok_or_else(|| lacking(CALL, "a text"))?,
            token: answer
                .version_id
                .ok_or_else(|| lacking(CALL, "the version's id"))?,
        }))
    }

    async fn create(&self, user: &UserName, record: &Record) -> Result<(), PortError> {
        let name = secret_name(user);
        let request = self
            .client
            .create_secret()
            .description(description(&name))
            .client_request_token(record.write_token(0))
            .secret_string(record.to_text())
            .tags(tag(USER, user.as_str()))
            .tags(tag(OPEN, "true"))
            .name(name);
        request
            .send()
            .await
            .map_err(|error| port_error("secretsmanager:CreateSecret", &error))?;
        Ok(())
    }

    async fn protect(&self, user: &UserName, owner: &UserArn) -> Result<(), PortError> {
        let request = self
            .client
            .put_resource_policy()
            .secret_id(secret_name(user))
            .resource_policy(read_policy(owner, &self.role))
            .block_public_policy(true);
        request
            .send()
            .await
            .map_err(|error| port_error("secretsmanager:PutResourcePolicy", &error))?;
        Ok(())
    }

    async fn write(&self, user: &UserName, record: &Record, token: &str) -> Result<(), PortError> {
        let request = self
            .client
            .put_secret_value()
            .secret_id(secret_name(user))
            .client_request_token(token)
            .secret_string(record.to_text());
        request
            .send()
            .await
            .map_err(|error| port_error("secretsmanager:PutSecretValue", &error))?;
        Ok(())
    }

    async fn versions(&self, user: &UserName) -> Result<BTreeMap<String, Timestamp>, PortError> {
        const CALL: &str = "secretsmanager:ListSecretVersionIds";
        // A version without a label still has its token, and a write under it is refused.
        let request = self
            .client
            .list_secret_version_ids()
            .secret_id(secret_name(user))
            .include_deprecated(true)
            .max_results(PAGE);
        let mut pages = request.into_paginator().send();
        let mut versions = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| port_error(CALL, &error))?;
            for version in page.versions() {
                let token = version.version_id();
                let token = token.ok_or_else(|| lacking(CALL, "a version's id"))?;
                let written_at = version.created_date();
                let written_at = written_at.ok_or_else(|| lacking(CALL, "a version's date"))?;
                versions.insert(token.to_owned(), timestamp(CALL, written_at)?);
            }
        }
        Ok(versions)
    }

    async fn open(&self) -> Result<OpenRecords, PortError> {
        const CALL: &str = "secretsmanager:ListSecrets";
        let request = self
            .client
            .list_secrets()
            .filters(filter(FilterNameStringType::Name, PREFIX))
            .filters(filter(FilterNameStringType::TagKey, OPEN))
            .max_results(PAGE);
        let mut pages = request.into_paginator().send();
        let mut open = OpenRecords::default();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| port_error(CALL, &error))?;
            for secret in page.secret_list().iter().filter(is_open_record) {
                match user_of(secret) {
                    Some(user) => open.users.insert(user),
                    None => open.strangers.insert(name_of(secret).to_owned()),
                };
            }
        }
        Ok(open)
    }

    async fn mark_open(&self, user: &UserName) -> Result<(), PortError> {
        let request = self
            .client
            .tag_resource()
            .secret_id(secret_name(user))
            .tags(tag(OPEN, "true"));
        request
            .send()
            .await
            .map_err(|error| port_error("secretsmanager:TagResource", &error))?;
        Ok(())
    }

    async fn mark_closed(&self, user: &UserName) -> Result<(), PortError> {
        let request = self
            .client
            .untag_resource()
            .secret_id(secret_name(user))
            .tag_keys(OPEN);
        let answer = request.send().await;
        match answer.map_err(|error| port_error("secretsmanager:UntagResource", &error)) {
            // The mark went with the secret.
            Err(error) if error.kind == ErrorKind::Missing => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }
}

/// An absence that is no error.
fn none_if_missing<T>(error: PortError) -> Result<Option<T>, PortError> {
    match error.kind {
        ErrorKind::Missing => Ok(None),
        _ => Err(error),
    }
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

fn filter(name: FilterNameStringType, value: &str) -> Filter {
    Filter::builder().key(name).values(value).build()
}

/// True if a secret has the mark itself, and a record's place. Both filters match beginnings, so
/// that another tag or another secret may pass them. (Secrets Manager API reference, data type
/// `Filter`.)
fn is_open_record(secret: &&SecretListEntry) -> bool {
    let is_marked = secret.tags().iter().any(|tag| tag.key() == Some(OPEN));
    is_marked && name_of(secret).starts_with(PREFIX)
}

fn name_of(secret: &SecretListEntry) -> &str {
    secret.name().unwrap_or_default()
}

/// The user whose record a secret is; `None` if its tag names nobody, or somebody whose record has
/// another name. Tags are written by whoever may tag secrets.
fn user_of(secret: &SecretListEntry) -> Option<UserName> {
    let tag = secret.tags().iter().find(|tag| tag.key() == Some(USER))?;
    let user: UserName = tag.value()?.parse().ok()?;
    (secret_name(&user) == name_of(secret)).then_some(user)
}

/// The secret's resource policy: its owner and Banto's role read it, everyone else is denied, be
/// they administrators. (`aws:PrincipalArn` of a session is its role's ARN; IAM user guide, "AWS
/// global condition context keys".)
pub fn read_policy(owner: &UserArn, role: &RoleArn) -> String {
    let readers = json!([owner, role]);
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TheOwnerReads",
                "Effect": "Allow",
                "Principal": { "AWS": owner },
                "Action": ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
                "Resource": "*",
            },
            {
                "Sid": "NobodyElseReads",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "secretsmanager:GetSecretValue",
                "Resource": "*",
                "Condition": { "StringNotEquals": { "aws:PrincipalArn": readers } },
            },
        ],
    })
    .to_string()
}

/// The secret's description, for someone without `banto`.
fn description(name: &str) -> String {
    format!(
        "An access key, encrypted to its owner. To open it: aws secretsmanager get-secret-value --secret-id {name} \
         --query SecretString --output text | gpg --decrypt"
    )
}
