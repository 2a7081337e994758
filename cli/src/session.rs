//! Whose credentials a command uses, and where: as in the AWS CLI.
//!
//! The keys that a profile holds itself are read from its file.
//! Sources that the AWS CLI has and this file does not (SSO, `aws login`, processes, roles with MFA,
//! containers, instances) are asked of the AWS CLI itself: docs/decisions/credential-sources.md.

use std::collections::BTreeSet;
use std::process::Stdio;

use anyhow::{Context as _, Result, anyhow, bail};
use banto_aws::Aws;
use banto_domain::{AccountId, UserName};
use banto_ports::ErrorKind;
use clap::Args;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;
use tokio::process::Command;
use zeroize::Zeroizing;

use crate::doctor::value;
use crate::ending::not_seen;
pub use crate::profiles::Keys;
use crate::profiles::{Paths, Profiles};

/// Whose credentials, and where. Every command that asks AWS has these options.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "AWS")]
pub struct Where {
    /// The profile whose credentials and region are used; AWS_PROFILE, if left out.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The region; left out, the one where Banto is by the policy, else AWS_REGION or the
    /// profile's.
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
}

/// AWS, with credentials that AWS has taken.
#[derive(Debug, Clone)]
pub struct Session {
    /// AWS, to make adapters of.
    pub aws: Aws,
    /// The account that the credentials are of.
    pub account: AccountId,
    /// Who calls, as `GetCallerIdentity` answers.
    pub arn: String,
}

impl Where {
    /// Finds credentials and a region, and asks AWS whose they are.
    ///
    /// # Errors
    /// If there are none, AWS refuses them, or it can't be reached; the text says what to do.
    pub async fn connect(&self) -> Result<Session> {
        self.connected().await.map_err(not_seen)
    }

    async fn connected(&self) -> Result<Session> {
        let aws = self.aws().await?;
        let answer = aws.plain("sts:GetCallerIdentity", None, &json!({})).await;
        let answer = answer.map_err(|error| {
            let told = untaken(error.kind);
            anyhow!(error).context(told)
        })?;
        let account = value(&answer, "Account").context("AWS did not say which account this is")?;
        Ok(Session {
            aws,
            account: account.parse()?,
            arn: value(&answer, "Arn").context("AWS did not say who this is")?,
        })
    }

    /// Finds credentials and a region, and asks nobody.
    ///
    /// # Errors
    /// If there are none.
    pub async fn aws(&self) -> Result<Aws> {
        let keys = self.keys().await?;
        let region = self.region().await;
        let aws = Aws::from_vars(|name| match name {
            "AWS_ACCESS_KEY_ID" => Some(keys.id.clone()),
            "AWS_SECRET_ACCESS_KEY" => Some(keys.secret.expose_secret().to_owned()),
            "AWS_SESSION_TOKEN" => keys.token.as_ref().map(|t| t.expose_secret().to_owned()),
            "AWS_REGION" | "AWS_DEFAULT_REGION" => region.clone(),
            _ => variable(name),
        });
        aws.map_err(|error| match region {
            None => anyhow!(
                "no region is known: give --region, or set AWS_REGION or the profile's region"
            ),
            Some(_) => error.into(),
        })
    }

    /// The credentials, in the AWS CLI's own order: a profile that was named, the environment,
    /// AWS_PROFILE, the profile `default`. (AWS CLI user guide, "Configuration settings and
    /// precedence".)
    async fn keys(&self) -> Result<Keys> {
        if self.profile.is_none() {
            match of_environment(variable) {
                FromEnvironment::Whole(keys) => return Ok(keys),
                FromEnvironment::Asks => return exported(None).await,
                FromEnvironment::Nothing => {}
            }
        }
        let profile = self.profile_name();
        let files = files()?;
        let own = files
            .as_ref()
            .map(|files| files.static_credentials(&profile));
        if let Some(keys) = own.transpose()?.flatten() {
            return Ok(keys);
        }
        let names = files.map(|files| files.names()).unwrap_or_default();
        // Credentials of a machine need no profile, and then `default` is none.
        if profile != "default" && !names.contains(&profile) {
            bail!("there is no profile {profile}{}", others(&names));
        }
        let exported = exported(self.profile.as_deref()).await;
        exported.map_err(|error| match profile.as_str() {
            "default" => anyhow!("{error:#}{}", others(&names)),
            _ => error,
        })
    }

    /// The profile that counts. (botocore, `BOTOCORE_DEFAUT_SESSION_VARIABLES`.)
    pub(crate) fn profile_name(&self) -> String {
        let named = self.profile.clone();
        let named = named.or_else(|| variable("AWS_DEFAULT_PROFILE"));
        let named = named.or_else(|| variable("AWS_PROFILE"));
        named.unwrap_or_else(|| "default".to_owned())
    }

    async fn region(&self) -> Option<String> {
        let own = self.region.clone();
        let own = own.or_else(|| variable("AWS_REGION"));
        let own = own.or_else(|| variable("AWS_DEFAULT_REGION"));
        let profile = self.profile_name();
        let in_file = || files().ok()??.region(&profile).map(str::to_owned);
        let own = own.or_else(in_file);
        if own.is_some() {
            return own;
        }
        let mut command = aws_cli(self.profile.as_deref());
        let answer = command.args(["configure", "get", "region"]).output().await;
        let answer = String::from_utf8(answer.ok()?.stdout).ok()?;
        Some(answer.trim().to_owned()).filter(|region| !region.is_empty())
    }
}

impl Where {
    /// The same in a region of Banto's, unless `--region` says otherwise: what a profile's region is
    /// does not say where Banto is.
    #[must_use]
    pub fn or_in(&self, region: Option<&str>) -> Self {
        Self {
            profile: self.profile.clone(),
            region: self.region.clone().or_else(|| region.map(str::to_owned)),
        }
    }
}

impl Session {
    /// The IAM user who calls; nothing if a role or the root user does.
    pub fn user(&self) -> Option<UserName> {
        user_of(&self.arn)
    }
}

/// What is said where AWS did not tell whose credentials these are.
fn untaken(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Unavailable | ErrorKind::Throttled | ErrorKind::NotReady => {
            "AWS can't be reached, or does not answer now"
        }
        _ => "AWS does not take these credentials",
    }
}

/// The user of an ARN as `GetCallerIdentity` answers it: with a path, of which the name is the last
/// part. (IAM user guide, "IAM identifiers".)
fn user_of(arn: &str) -> Option<UserName> {
    let (_, resource) = arn.rsplit_once(':')?;
    let name = resource.strip_prefix("user/")?.rsplit('/').next()?;
    name.parse().ok()
}

/// What the environment says of credentials.
enum FromEnvironment {
    Whole(Keys),
    /// The AWS CLI is to be asked: for a role with a web identity, or what it says of half a key.
    Asks,
    Nothing,
}

/// Reads the environment as botocore does, which takes no profile's key where half a key or a web
/// identity is named. (botocore, `EnvProvider` and `create_credential_resolver`.)
fn of_environment(variable: impl Fn(&str) -> Option<String>) -> FromEnvironment {
    let id = variable("AWS_ACCESS_KEY_ID");
    let identity = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"].map(&variable);
    match (id, variable("AWS_SECRET_ACCESS_KEY")) {
        (Some(id), Some(secret)) => FromEnvironment::Whole(Keys {
            id,
            secret: secret.into(),
            token: ["AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"]
                .into_iter()
                .find_map(variable)
                .map(Into::into),
        }),
        (Some(_), None) => FromEnvironment::Asks,
        (None, _) if identity.iter().all(Option::is_some) => FromEnvironment::Asks,
        (None, _) => FromEnvironment::Nothing,
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The profile files, where anything says where they are.
fn files() -> Result<Option<Profiles>> {
    let paths = Paths::here().ok();
    paths.map(|paths| paths.read()).transpose()
}

/// Most profiles that are named to whoever took another: a line or two of a terminal.
const NAMED: usize = 8;

/// The profiles that could have been meant.
fn others(names: &BTreeSet<String>) -> String {
    let named = names.iter().filter(|name| *name != "default");
    let named: Vec<&str> = named.take(NAMED).map(String::as_str).collect();
    match named.as_slice() {
        [] => String::new(),
        named => format!("; give --profile, of which there are: {}", named.join(", ")),
    }
}

/// The AWS CLI, for a profile.
fn aws_cli(profile: Option<&str>) -> Command {
    let mut command = Command::new("aws");
    if let Some(profile) = profile {
        command.args(["--profile", profile]);
    }
    // A question, as for a code of MFA, goes to the terminal itself.
    command.stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Asks the AWS CLI for a profile's credentials, wherever it has them from. They come by a pipe.
async fn exported(profile: Option<&str>) -> Result<Keys> {
    let mut command = aws_cli(profile);
    command.args(["configure", "export-credentials", "--format", "process"]);
    let of = profile.map_or(
        "the environment or the default profile".to_owned(),
        |name| format!("the profile {name}"),
    );
    let answer = match command.output().await {
        Ok(answer) => answer,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
            "no credentials of {of}: AWS_ACCESS_KEY_ID is not set, and there is no AWS CLI \
             (`aws`) to ask for others"
        ),
        Err(error) => return Err(error).context("the AWS CLI can't be started"),
    };
    if !answer.status.success() {
        let why = String::from_utf8_lossy(&answer.stderr);
        if why.trim_start().to_lowercase().starts_with("usage:") {
            bail!(
                "no credentials of {of}: no key is in the environment or in ~/.aws/credentials, and this \
                 AWS CLI can't be asked for others (version 2 can)"
            );
        }
        let why = why.trim().lines().last().unwrap_or("it does not say why");
        bail!("no credentials of {of}: the AWS CLI says: {}", cut(why));
    }
    read_exported(&Zeroizing::new(answer.stdout)).with_context(|| format!("no credentials of {of}"))
}

/// Longest part of another program's complaint that is repeated: a few lines of a terminal.
const QUOTED_CHARS: usize = 300;

/// The part of another program's complaint that is repeated.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(QUOTED_CHARS).collect()
}

/// Reads the form that `credential_process` has. (AWS SDKs and Tools reference guide, "Process
/// credential provider".)
fn read_exported(answer: &[u8]) -> Result<Keys> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Exported {
        access_key_id: String,
        secret_access_key: String,
        session_token: Option<String>,
    }
    // What serde says of an error may repeat what it read.
    let read: Exported = serde_json::from_slice(answer)
        .map_err(|_| anyhow!("the AWS CLI's answer is not in the form of credential_process"))?;
    Ok(Keys {
        id: read.access_key_id,
        secret: read.secret_access_key.into(),
        token: read.session_token.map(Into::into),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_the_last_part_of_its_arn_and_a_role_is_none() {
        let user = |arn: &str| user_of(arn).map(|name| name.to_string());
        assert_eq!(
            user("arn:aws:iam::111122223333:user/developers/alice"),
            Some("alice".to_owned())
        );
        assert_eq!(
            user("arn:aws:sts::111122223333:assumed-role/admin/alice"),
            None
        );
        assert_eq!(user("arn:aws:iam::111122223333:root"), None);
    }

    #[test]
    fn the_environment_is_read_as_botocore_reads_it() {
        let read = |set: &[(&str, &str)]| {
            of_environment(|name| {
                let found = set.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let (id, secret) = (
            ("AWS_ACCESS_KEY_ID", "AKIA"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
        );
        let (file, role) = (
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
            ("AWS_ROLE_ARN", "arn"),
        );
        assert!(matches!(read(&[secret]), FromEnvironment::Nothing));
        assert!(matches!(read(&[role]), FromEnvironment::Nothing));
        assert!(matches!(read(&[id]), FromEnvironment::Asks));
        assert!(matches!(read(&[file, role]), FromEnvironment::Asks));
        let tokens = [("AWS_SESSION_TOKEN", "new"), ("AWS_SECURITY_TOKEN", "old")];
        let FromEnvironment::Whole(keys) = read(&[id, secret, file, role, tokens[0], tokens[1]])
        else {
            panic!("a whole key comes first")
        };
        assert_eq!(keys.token.unwrap().expose_secret(), "old");
    }

    #[test]
    fn what_the_aws_cli_exports_is_read_and_a_fault_repeats_none_of_it() {
        let keys = read_exported(
            br#"{"Version": 1, "AccessKeyId": "ASIAIOSFODNN7EXAMPLE", "SecretAccessKey": "s3cret",
                 "SessionToken": "t0ken", "Expiration": "2026-11-27T13:00:00+00:00"}"#,
        )
        .unwrap();
        assert_eq!(keys.id, "ASIAIOSFODNN7EXAMPLE");
        assert_eq!(keys.secret.expose_secret(), "s3cret");
        assert_eq!(keys.token.unwrap().expose_secret(), "t0ken");

        let error = read_exported(br#"{"SecretAccessKey": "s3cret"}"#).unwrap_err();
        assert!(!format!("{error:#}").contains("s3cret"));
    }
}
