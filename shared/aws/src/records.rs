//! The records of users, one secret each in Secrets Manager.

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::types::Tag;
use banto_domain::policy::IdentityAccount;
use banto_domain::record::{Record, secret_name};
use banto_domain::{RoleArn, UserArn, UserName};
use banto_ports::{ErrorKind, PortError, Records};
use serde_json::json;

use crate::errors::{lacking, port_error};

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
    async fn read(&self, user: &UserName) -> Result<Option<String>, PortError> {
        const CALL: &str = "secretsmanager:GetSecretValue";
        match self
            .client
            .get_secret_value()
            .secret_id(secret_name(user))
            .send()
            .await
        {
            Ok(answer) => answer
                .secret_string
                .map(Some)
                .ok_or_else(|| lacking(CALL, "a text")),
            Err(error) => match port_error(CALL, &error) {
                error if error.kind == ErrorKind::Missing => Ok(None),
                error => Err(error),
            },
        }
    }

    async fn create(&self, user: &UserName, record: &Record) -> Result<(), PortError> {
        let name = secret_name(user);
        let request = self
            .client
            .create_secret()
            .description(description(&name))
            .client_request_token(record.write_token())
            .secret_string(record.to_text())
            .tags(
                Tag::builder()
                    .key("banto:user")
                    .value(user.as_str())
                    .build(),
            )
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

    async fn write(&self, user: &UserName, record: &Record) -> Result<(), PortError> {
        let request = self
            .client
            .put_secret_value()
            .secret_id(secret_name(user))
            .client_request_token(record.write_token())
            .secret_string(record.to_text());
        request
            .send()
            .await
            .map_err(|error| port_error("secretsmanager:PutSecretValue", &error))?;
        Ok(())
    }
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
