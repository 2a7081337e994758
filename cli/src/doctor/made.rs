//! What probes make: how it is called, found again, and removed with all that is in it.

use std::fmt;
use std::time::Duration;

use banto_aws::Aws;
use serde_json::{Value, json};

use super::probe::{Answer, Kind, Refused, value};

/// Beginning of the name of everything that a probe makes.
pub(crate) const PREFIX: &str = "banto-probe-";

/// A thing that was made, or whose making was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) kind: Kind,
    /// Its name; of a key its id, of a topic its ARN.
    pub(crate) name: String,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", word(self.kind), self.name)
    }
}

/// A kind in words.
pub(crate) fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Alias => "alias of KMS",
        Kind::Bucket => "bucket",
        Kind::Key => "key of KMS (deleted after 7 days)",
        Kind::Queue => "queue",
        Kind::Role => "role",
        Kind::Secret => "secret",
        Kind::Table => "table",
        Kind::Topic => "topic",
        Kind::User => "user",
    }
}

async fn ask(aws: &Aws, call: &'static str, arguments: Value) -> Answer {
    let answer = aws.plain(call, None, &arguments).await;
    answer.map_err(Refused::from)
}

/// True of a refusal that says that the thing isn't there.
pub(crate) fn is_gone(refused: &Refused) -> bool {
    let code = refused.code.as_str();
    code.starts_with("NoSuch")
        || code.contains("NonExistentQueue")
        || code.contains("QueueDoesNotExist")
        || matches!(
            code,
            "ResourceNotFoundException" | "NotFoundException" | "NotFound"
        )
}

/// How often a removal is tried: the services' lists lag behind by seconds.
const TRIES: usize = 5;

/// Removes a thing, and tries again where the service may not know yet that it was made
/// (`is_sure`), or that what was in it is gone.
pub(crate) async fn remove_again(
    aws: &Aws,
    made: &Made,
    is_sure: bool,
    pause: Duration,
) -> Result<(), Refused> {
    let mut last = removed(aws, made).await;
    for _ in 1..TRIES {
        if !matches!(&last, Err(refused) if comes_later(refused, is_sure)) {
            break;
        }
        tokio::time::sleep(pause).await;
        last = removed(aws, made).await;
    }
    last.or_else(|refused| {
        if is_gone(&refused) {
            Ok(())
        } else {
            Err(refused)
        }
    })
}

/// True of a refusal that may be none in a moment.
pub(crate) fn comes_later(refused: &Refused, is_sure: bool) -> bool {
    is_sure && is_gone(refused) || refused.code.starts_with("DeleteConflict")
}

/// Removes a thing.
async fn removed(aws: &Aws, made: &Made) -> Result<(), Refused> {
    let name = made.name.as_str();
    let removed = match made.kind {
        Kind::Alias => ask(aws, "kms:DeleteAlias", json!({"AliasName": name})).await,
        // KMS keeps a key for seven days at least. (KMS API reference, ScheduleKeyDeletion.)
        Kind::Key => {
            let arguments = json!({"KeyId": name, "PendingWindowInDays": 7});
            ask(aws, "kms:ScheduleKeyDeletion", arguments).await
        }
        Kind::Queue => remove_queue(aws, name).await,
        Kind::Secret => {
            let arguments = json!({"SecretId": name, "ForceDeleteWithoutRecovery": true});
            ask(aws, "secretsmanager:DeleteSecret", arguments).await
        }
        Kind::Table => remove_table(aws, name).await,
        Kind::Topic => ask(aws, "sns:DeleteTopic", json!({"TopicArn": name})).await,
        Kind::Bucket => remove_bucket(aws, name).await,
        Kind::User => remove_user(aws, name).await,
        Kind::Role => remove_role(aws, name).await,
    };
    removed.map(drop)
}

async fn remove_queue(aws: &Aws, name: &str) -> Answer {
    let found = ask(aws, "sqs:GetQueueUrl", json!({"QueueName": name})).await?;
    let url = value(&found, "/QueueUrl").unwrap_or_default();
    ask(aws, "sqs:DeleteQueue", json!({"QueueUrl": url})).await
}

/// A table that is being made can't be deleted yet.
async fn remove_table(aws: &Aws, name: &str) -> Answer {
    let mut last = ask(aws, "dynamodb:DeleteTable", json!({"TableName": name})).await;
    for _ in 0..30 {
        if !matches!(&last, Err(refused) if refused.code == "ResourceInUseException") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        last = ask(aws, "dynamodb:DeleteTable", json!({"TableName": name})).await;
    }
    last
}

async fn remove_bucket(aws: &Aws, name: &str) -> Answer {
    let list = json!({"bucket": name, "path": "/", "query": {"versions": ""}});
    let found = ask(aws, "s3:ListObjectVersions", list).await?;
    let keys = super::probe::elements(&found, "Key");
    for (key, version) in keys.iter().zip(super::probe::elements(&found, "VersionId")) {
        let arguments = json!({
            "method": "DELETE", "bucket": name, "path": format!("/{key}"),
            "query": {"versionId": version},
        });
        ask(aws, "s3:DeleteObject", arguments).await?;
    }
    let arguments = json!({"method": "DELETE", "bucket": name, "path": "/"});
    ask(aws, "s3:DeleteBucket", arguments).await
}

async fn remove_user(aws: &Aws, name: &str) -> Answer {
    let user = json!({"UserName": name});
    let keys = ask(aws, "iam:ListAccessKeys", user.clone()).await?;
    for key in super::probe::elements(&keys, "AccessKeyId") {
        let arguments = json!({"UserName": name, "AccessKeyId": key});
        ask(aws, "iam:DeleteAccessKey", arguments).await?;
    }
    let policies = ask(aws, "iam:ListUserPolicies", user.clone()).await?;
    for policy in super::probe::elements(&policies, "member") {
        let arguments = json!({"UserName": name, "PolicyName": policy});
        ask(aws, "iam:DeleteUserPolicy", arguments).await?;
    }
    ask(aws, "iam:DeleteUser", user).await
}

async fn remove_role(aws: &Aws, name: &str) -> Answer {
    let role = json!({"RoleName": name});
    let policies = ask(aws, "iam:ListRolePolicies", role.clone()).await?;
    for policy in super::probe::elements(&policies, "member") {
        let arguments = json!({"RoleName": name, "PolicyName": policy});
        ask(aws, "iam:DeleteRolePolicy", arguments).await?;
    }
    ask(aws, "iam:DeleteRole", role).await
}
