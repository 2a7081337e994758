//! The few AWS calls that set up an environment, and look at it afterwards.
//!
//! Plain HTTP, so that nothing of the SDK under test is trusted. The requests carry no signature:
//! the local AWS takes the caller from the access key id in the credential scope.

use std::fmt;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail, ensure};
use banto_domain::percent_encoded;
use bytes::Bytes;
use hyper::{Method, Request};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use zeroize::Zeroizing;

use super::http::Client;
use super::venv::{Venv, last_lines};

/// Asks who a key belongs to, with boto3.
const CALLER_IDENTITY: &str = include_str!("../../local/caller_identity.py");

/// A caller of the local AWS.
#[derive(Debug, Clone)]
pub struct Aws {
    client: Client,
    endpoint: String,
    region: String,
    access_key_id: String,
}

/// Credentials as AWS hands them out. Their secret part is wiped when they are dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key's id.
    pub access_key_id: String,
    /// The access key's secret.
    pub secret_access_key: Zeroizing<String>,
    /// The session token, if they are temporary.
    pub session_token: Option<String>,
}

/// Shows the key's id only.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// The local AWS's refusal of a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the local AWS answered {status}: {answer}")]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The end of the answer, in which the error has its code.
    pub answer: String,
}

impl Refused {
    /// The error's code where the answer is XML, as in `AccessDenied`.
    pub fn code(&self) -> Option<String> {
        element(&self.answer, "Code").ok()
    }
}

/// The managed policy that denies temporary credentials: only they have a time of issue. (IAM user
/// guide, "AWS global condition context keys".)
const DENY_SESSIONS: &str = "deny-temporary-credentials";

/// An access key as IAM lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessKey {
    /// The key's id.
    pub id: String,
    /// True if it works.
    pub active: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Aws {
    /// Someone who is in no account yet and may call [`Aws::assume_role`].
    pub fn nobody(endpoint: &str, region: &str) -> Self {
        Self {
            client: Client::new(),
            endpoint: endpoint.to_owned(),
            region: region.to_owned(),
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        }
    }

    /// The owner of an access key.
    pub fn with_key(&self, access_key_id: &str) -> Self {
        Self {
            access_key_id: access_key_id.to_owned(),
            ..self.clone()
        }
    }

    /// Credentials of a role's session. The role need not exist.
    pub async fn assume_role(&self, role_arn: &str) -> Result<Credentials> {
        let role = [("RoleArn", role_arn), ("RoleSessionName", "local")];
        let answer = self.query("sts", "2011-06-15", "AssumeRole", &role).await?;
        read_credentials(&answer)
    }

    /// Creates a role that Lambda may assume; answers its ARN.
    pub async fn create_role(&self, name: &str) -> Result<String> {
        let trust = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ]});
        let role = [
            ("RoleName", name),
            ("AssumeRolePolicyDocument", &trust.to_string()),
        ];
        element(&self.iam("CreateRole", &role).await?, "Arn")
    }

    /// Creates the managed policy that ends a user's sessions once it is attached, as Terraform
    /// does.
    pub async fn create_denial_of_sessions(&self) -> Result<()> {
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Action": "*", "Resource": "*",
             "Condition": {"Null": {"aws:TokenIssueTime": "false"}}}
        ]});
        let policy = [
            ("PolicyName", DENY_SESSIONS),
            ("Path", "/banto/"),
            ("PolicyDocument", &document.to_string()),
        ];
        self.iam("CreatePolicy", &policy).await.map(drop)
    }

    /// Credentials of a session of the user who calls.
    pub async fn session(&self) -> Result<Credentials> {
        let answer = self.query("sts", "2011-06-15", "GetSessionToken", &[]);
        read_credentials(&answer.await?)
    }

    /// Creates a user with a path, as in `/developers/`, and tags; answers the user's ARN.
    pub async fn create_user(
        &self,
        name: &str,
        path: &str,
        tags: &[(&str, &str)],
    ) -> Result<String> {
        let mut user = vec![
            ("UserName".to_owned(), name.to_owned()),
            ("Path".to_owned(), path.to_owned()),
        ];
        user.extend(tag_fields(tags));
        let user: Vec<(&str, &str)> = user
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        element(&self.iam("CreateUser", &user).await?, "Arn")
    }

    /// Adds tags to a user, or changes them.
    pub async fn tag_user(&self, name: &str, tags: &[(&str, &str)]) -> Result<()> {
        let mut user = vec![("UserName".to_owned(), name.to_owned())];
        user.extend(tag_fields(tags));
        let user: Vec<(&str, &str)> = user
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        self.iam("TagUser", &user).await.map(drop)
    }

    /// Creates an access key.
    pub async fn create_access_key(&self, user: &str) -> Result<Credentials> {
        read_credentials(&self.iam("CreateAccessKey", &[("UserName", user)]).await?)
    }

    /// Makes an access key active or inactive.
    pub async fn set_key_active(&self, user: &str, key: &str, active: bool) -> Result<()> {
        let status = if active { "Active" } else { "Inactive" };
        let key = [("UserName", user), ("AccessKeyId", key), ("Status", status)];
        self.iam("UpdateAccessKey", &key).await.map(drop)
    }

    /// The user's access keys, oldest first.
    pub async fn access_keys(&self, user: &str) -> Result<Vec<AccessKey>> {
        let answer = self.iam("ListAccessKeys", &[("UserName", user)]).await?;
        let mut keys = Vec::new();
        for member in answer.split("<member>").skip(1) {
            let created_at = element(member, "CreateDate")?;
            keys.push(AccessKey {
                id: element(member, "AccessKeyId")?,
                active: element(member, "Status")? == "Active",
                created_at: created_at
                    .parse()
                    .with_context(|| format!("{created_at:?} is not a time"))?,
            });
        }
        keys.sort_by_key(|key| key.created_at);
        Ok(keys)
    }

    /// The ARN of whoever calls. The local AWS takes note that the key was used.
    pub async fn caller_identity(&self) -> Result<String> {
        element(
            &self
                .query("sts", "2011-06-15", "GetCallerIdentity", &[])
                .await?,
            "Arn",
        )
    }

    /// Creates an SNS topic; answers its ARN.
    pub async fn create_topic(&self, name: &str) -> Result<String> {
        element(
            &self
                .query("sns", "2010-03-31", "CreateTopic", &[("Name", name)])
                .await?,
            "TopicArn",
        )
    }

    /// Lets SES send mail from an address.
    pub async fn verify_mail_address(&self, address: &str) -> Result<()> {
        self.query(
            "ses",
            "2010-12-01",
            "VerifyEmailIdentity",
            &[("EmailAddress", address)],
        )
        .await
        .map(drop)
    }

    /// Lists buckets, which every owner of a key may try.
    pub async fn list_buckets(&self) -> Result<()> {
        self.send("s3", Method::GET, "/", &[], Bytes::new())
            .await
            .map(drop)
    }

    /// Creates a bucket, outside of us-east-1 with its location.
    pub async fn create_bucket(&self, name: &str) -> Result<()> {
        let location = match self.region.as_str() {
            "us-east-1" => String::new(),
            region => format!(
                "<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
            ),
        };
        self.send("s3", Method::PUT, &format!("/{name}"), &[], location.into())
            .await
            .map(drop)
    }

    /// Puts an object, whose key needs no escaping.
    pub async fn put_object(&self, bucket: &str, key: &str, body: impl Into<Bytes>) -> Result<()> {
        self.send(
            "s3",
            Method::PUT,
            &format!("/{bucket}/{key}"),
            &[],
            body.into(),
        )
        .await
        .map(drop)
    }

    /// Creates a secret in Secrets Manager; answers its ARN.
    pub async fn create_secret(&self, name: &str, value: &str) -> Result<String> {
        // Secrets Manager asks for a token of 32 to 64 characters; this one is as good as any.
        let secret = json!({"Name": name, "SecretString": value, "ClientRequestToken": format!("{name:0>32.64}")});
        let answer = self.secrets_manager("CreateSecret", &secret).await?;
        text(&answer, "ARN")
    }

    /// The current value of a secret.
    pub async fn secret_value(&self, id: &str) -> Result<String> {
        text(
            &self
                .secrets_manager("GetSecretValue", &json!({"SecretId": id}))
                .await?,
            "SecretString",
        )
    }

    /// Any operation of Secrets Manager.
    pub async fn secrets_manager(&self, operation: &str, input: &Value) -> Result<Value> {
        self.json("secretsmanager", "secretsmanager", operation, input)
            .await
    }

    /// Any operation of a service that speaks an AWS JSON protocol; `target` is the service's name
    /// in the header `x-amz-target`.
    pub async fn json(
        &self,
        service: &str,
        target: &str,
        operation: &str,
        input: &Value,
    ) -> Result<Value> {
        let target = format!("{target}.{operation}");
        let headers = [
            ("x-amz-target", target.as_str()),
            ("content-type", "application/x-amz-json-1.1"),
        ];
        let body = Bytes::from(input.to_string());
        let answer = self.send(service, Method::POST, "/", &headers, body).await;
        let answer = answer.with_context(|| format!("{service}:{operation}"))?;
        // Some operations answer nothing at all.
        if answer.is_empty() {
            Ok(Value::Null)
        } else {
            serde_json::from_str(&answer).context("not JSON")
        }
    }

    /// The text of an object, whose key needs no escaping.
    pub async fn object(&self, bucket: &str, key: &str) -> Result<String> {
        self.send(
            "s3",
            Method::GET,
            &format!("/{bucket}/{key}"),
            &[],
            Bytes::new(),
        )
        .await
    }

    /// The same caller in another region.
    pub fn in_region(&self, region: &str) -> Self {
        Self {
            region: region.to_owned(),
            ..self.clone()
        }
    }

    /// Any operation of IAM; answers XML.
    pub async fn iam(&self, operation: &str, input: &[(&str, &str)]) -> Result<String> {
        self.query("iam", "2010-05-08", operation, input).await
    }

    /// Any operation of a service that speaks the AWS query protocol; answers XML.
    pub async fn query(
        &self,
        service: &str,
        version: &str,
        operation: &str,
        input: &[(&str, &str)],
    ) -> Result<String> {
        let fields = [("Action", operation), ("Version", version)]
            .into_iter()
            .chain(input.iter().copied());
        let form: Vec<String> = fields
            .map(|(name, value)| format!("{name}={}", percent_encoded(value)))
            .collect();
        let headers = [(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        )];
        let answer = self
            .send(service, Method::POST, "/", &headers, form.join("&").into())
            .await;
        answer.with_context(|| format!("{service}:{operation}"))
    }

    async fn send(
        &self,
        service: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<String> {
        let scope = format!(
            "{}/20260101/{}/{service}/aws4_request",
            self.access_key_id, self.region
        );
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.endpoint))
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"),
            );
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.client.send(request.body(body)?).await?;
        let status = response.status();
        let body = String::from_utf8_lossy(response.body()).into_owned();
        if !status.is_success() {
            let (status, answer) = (status.as_u16(), last_lines(&body));
            return Err(Refused { status, answer }.into());
        }
        Ok(body)
    }
}

/// Asks STS with boto3 whose key this is, signed as AWS wants it; answers the ARN. The credentials
/// are in the shape of the AWS CLI's `credential_process`, and never on disk or a command line.
pub async fn caller_identity_by_boto3(
    venv: &Venv,
    endpoint: &str,
    region: &str,
    credentials: &[u8],
) -> Result<String> {
    let mut boto3 = Command::new(venv.python())
        .args(["-I", "-c", CALLER_IDENTITY, endpoint, region])
        .env_clear()
        // Without it, boto3 looks for a configuration in the home directory.
        .env("AWS_CONFIG_FILE", Path::new("/dev/null"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("can't run boto3")?;
    let Some(mut stdin) = boto3.stdin.take() else {
        bail!("boto3 has no standard input")
    };
    stdin.write_all(credentials).await?;
    drop(stdin);
    let output = boto3.wait_with_output().await?;
    // The last line of a traceback is the error; it names no secret.
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "sts:GetCallerIdentity: {}",
        said.trim_end().lines().last().unwrap_or_default()
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn read_credentials(answer: &str) -> Result<Credentials> {
    Ok(Credentials {
        access_key_id: element(answer, "AccessKeyId")?,
        secret_access_key: Zeroizing::new(element(answer, "SecretAccessKey")?),
        session_token: element(answer, "SessionToken").ok(),
    })
}

fn tag_fields(tags: &[(&str, &str)]) -> Vec<(String, String)> {
    let numbered = (1..).zip(tags);
    let fields = numbered.flat_map(|(n, (key, value))| {
        [
            (format!("Tags.member.{n}.Key"), (*key).to_owned()),
            (format!("Tags.member.{n}.Value"), (*value).to_owned()),
        ]
    });
    fields.collect()
}

/// The text of the first element of this name. What is read here, AWS never writes with entities.
fn element(xml: &str, name: &str) -> Result<String> {
    let text = xml
        .split_once(&format!("<{name}>"))
        .and_then(|(_, rest)| rest.split_once(&format!("</{name}>")));
    Ok(text
        .with_context(|| format!("the local AWS's answer has no {name}"))?
        .0
        .to_owned())
}

fn text(json: &Value, name: &str) -> Result<String> {
    let text = json.get(name).and_then(Value::as_str);
    Ok(text
        .with_context(|| format!("the local AWS's answer has no {name}"))?
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_never_shows_a_secret() {
        let credentials = Credentials {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
            secret_access_key: Zeroizing::new("not-for-your-eyes".into()),
            session_token: Some("nor-this".into()),
        };
        assert_eq!(
            format!("{credentials:?}"),
            "Credentials { access_key_id: \"AKIAIOSFODNN7EXAMPLE\", .. }"
        );
    }

    #[test]
    fn tags_are_numbered_fields() {
        let fields = tag_fields(&[("banto:openpgp", "A"), ("team", "b")]);
        assert_eq!(
            fields[3],
            ("Tags.member.2.Value".to_owned(), "b".to_owned())
        );
    }

    #[test]
    fn an_answer_that_lacks_an_element_is_an_error_that_names_it() {
        assert_eq!(
            element("<A><Arn>arn:aws:x</Arn></A>", "Arn").unwrap(),
            "arn:aws:x"
        );
        assert!(
            element("<A/>", "Arn")
                .unwrap_err()
                .to_string()
                .contains("no Arn")
        );
    }
}
