//! The records of users, one secret each in Secrets Manager.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::get_secret_value::builders::GetSecretValueFluentBuilder;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, SecretListEntry, Tag};
use banto_domain::record::{Readers, secret_name};
use banto_domain::{RoleArn, UserName};
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

/// The calls that only writers may make: about values, about which of them is current, about copies
/// and tags. Not among them are `PutResourcePolicy` and `DeleteResourcePolicy`: a policy that only
/// the role in it may change would lock out the next one for ever.
const WRITES: [&str; 11] = [
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecret",
    "secretsmanager:UpdateSecretVersionStage",
    "secretsmanager:DeleteSecret",
    "secretsmanager:RotateSecret",
    "secretsmanager:CancelRotateSecret",
    "secretsmanager:ReplicateSecretToRegions",
    "secretsmanager:RemoveRegionsFromReplication",
    "secretsmanager:StopReplicationToReplica",
    "secretsmanager:TagResource",
    "secretsmanager:UntagResource",
];

/// The records of one identity account's users.
#[derive(Debug)]
pub struct SecretsManagerRecords {
    client: Client,
}

impl SecretsManagerRecords {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    fn value_of(&self, user: &UserName) -> GetSecretValueFluentBuilder {
        self.client.get_secret_value().secret_id(secret_name(user))
    }
}

/// Reads a version; `None` if there is none.
async fn read(request: GetSecretValueFluentBuilder) -> Result<Option<StoredText>, PortError> {
    const CALL: &str = "secretsmanager:GetSecretValue";
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return none_if_missing(port_error(CALL, &error)),
    };
    let written_at = answer.created_date();
    let written_at = written_at.ok_or_else(|| lacking(CALL, "the version's date"))?;
    let written_at = timestamp(CALL, written_at)?;
    // A version's id is the token that it was written under. (Secrets Manager API reference,
    // `PutSecretValue`, `ClientRequestToken`.)
    Ok(Some(StoredText {
        text: answer
            .secret_string
            .ok_or_else(|| lacking(CALL, "a text"))?,
        token: answer
            .version_id
            .ok_or_else(|| lacking(CALL, "the version's id"))?,
        written_at,
    }))
}

#[async_trait]
impl Records for SecretsManagerRecords {
    async fn read(&self, user: &UserName) -> Result<Option<StoredText>, PortError> {
        read(self.value_of(user)).await
    }

    async fn read_version(
        &self,
        user: &UserName,
        token: &str,
    ) -> Result<Option<StoredText>, PortError> {
        read(self.value_of(user).version_id(token)).await
    }

    async fn create(&self, user: &UserName, text: &str, token: &str) -> Result<(), PortError> {
        let name = secret_name(user);
        let request = self
            .client
            .create_secret()
            .description(description(&name))
            .client_request_token(token)
            .secret_string(text)
            .tags(tag(USER, user.as_str()))
            .tags(tag(OPEN, "true"))
            .name(name);
        request
            .send()
            .await
            .map_err(|error| port_error("secretsmanager:CreateSecret", &error))?;
        Ok(())
    }

    async fn protect(&self, user: &UserName, readers: &Readers) -> Result<(), PortError> {
        let request = self
            .client
            .put_resource_policy()
            .secret_id(secret_name(user))
            .resource_policy(record_policy(readers))
            .block_public_policy(true);
        request
            .send()
            .await
            .map_err(|error| port_error("secretsmanager:PutResourcePolicy", &error))?;
        Ok(())
    }

    async fn write(&self, user: &UserName, text: &str, token: &str) -> Result<(), PortError> {
        let request = self
            .client
            .put_secret_value()
            .secret_id(secret_name(user))
            .client_request_token(token)
            .secret_string(text);
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

/// The secret's resource policy: its owner reads it, Banto's role and that for break glass read and
/// write it, everyone else is denied, be they administrators. (`aws:PrincipalArn` of a session is
/// its role's ARN; IAM user guide, "AWS global condition context keys".)
pub fn record_policy(readers: &Readers) -> String {
    let Readers {
        owner,
        role,
        break_glass,
    } = readers;
    let mut may_read = vec![owner.as_str(), role.as_str()];
    may_read.extend(break_glass.as_ref().map(RoleArn::as_str));
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
                "Condition": { "StringNotEquals": { "aws:PrincipalArn": may_read } },
            },
            {
                "Sid": "NobodyElseWrites",
                "Effect": "Deny",
                "Principal": "*",
                "Action": WRITES,
                "Resource": "*",
                "Condition": { "StringNotEquals": { "aws:PrincipalArn": readers.writers() } },
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
