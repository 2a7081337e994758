//! `banto config init`: a first banto.toml, from a few answers.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use banto_domain::policy::Policy;
use banto_domain::{AccountId, Partition, Region};
use clap::Args;

use super::places::{self, NewRegions};
use crate::ending::Ending;
use crate::{ask, output};

/// Answers that a first policy is made of.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  banto config init
  banto config init --account 111122223333 --region eu-west-1
  banto config init --account 111122223333 --region eu-west-1 --slack

On a terminal it asks for what is not given. It never overwrites a file.")]
pub struct Options {
    /// The account where your IAM users are.
    #[arg(long, value_name = "ID")]
    account: Option<AccountId>,
    /// The region where Banto's queues and topics are.
    #[arg(long, value_name = "REGION")]
    region: Option<Region>,
    /// The bucket of the users' OpenPGP certificates. Left out:
    /// banto-certificates-ID.
    #[arg(long, value_name = "BUCKET")]
    bucket: Option<String>,
    /// Tells people in Slack, too: the policy names the secrets that are to
    /// hold the webhooks and the bot's token.
    #[arg(long)]
    slack: bool,
    /// The file that is written.
    #[arg(long, value_name = "FILE", default_value = "banto.toml")]
    out: PathBuf,
    #[command(flatten)]
    new: NewRegions,
}

/// Writes it.
///
/// # Errors
/// If the file is there, something is not given and nobody can be asked, or it can't be written.
pub fn run(options: &Options) -> Result<Ending> {
    let out = options.out.display();
    if options.out.exists() {
        bail!("{out} is there already, and stays as it is: --out names another file");
    }
    let account = match &options.account {
        Some(account) => account.clone(),
        None => ask::parsed("Account with your IAM users (12 digits)", "--account ID")?,
    };
    let region = match &options.region {
        Some(region) => region.clone(),
        None => ask::parsed("Region of Banto's queues and topics", "--region REGION")?,
    };
    if !region.is_known() && !options.new.known.contains(&region) {
        bail!("--region {}", places::unknown(&region));
    }
    let text = text(&account, &region, options.bucket.as_deref(), options.slack);
    // What was given may be wrong in a way that no option's type knows, as a bucket's name.
    Policy::parse(&text).map_err(|problems| {
        let problems: Vec<&str> = problems.iter().map(|(_, problem)| problem).collect();
        anyhow::anyhow!("nothing was written: {}", problems.join("; "))
    })?;
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&options.out);
    match file {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{out} is there already, and stays as it is");
        }
        file => file
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| format!("can't write {out}"))?,
    }
    output::line(&format!(
        "{out} is written, with rotation switched off.\nNext: banto config check {out}"
    ));
    Ok(Ending::Done)
}

/// The first policy.
pub(super) fn text(
    account: &AccountId,
    region: &Region,
    bucket: Option<&str>,
    slack: bool,
) -> String {
    let partition: Partition = region.partition();
    let default = format!("banto-certificates-{account}");
    let bucket = bucket.unwrap_or(&default);
    let arn =
        |service: &str, name: &str| format!("arn:{partition}:{service}:{region}:{account}:{name}");
    let secret = |name: &str| arn("secretsmanager", &format!("secret:banto/slack/{name}"));
    let (operators, owners) = (arn("sns", "banto-operators"), arn("sns", "banto-owners"));
    let mut text = format!(
        r#"# Banto's policy. `banto config explain KEY` says what a key means, `banto config check` what all of it means.

[rotation]
enabled = false              # the kill switch: take this line out to begin
# include = [{{ group = "access-keys" }}]   # left out, every user's keys are replaced after 90 days

[[rotation.accounts]]        # where your IAM users are
id = "{account}"
role = "arn:{partition}:iam::{account}:role/banto/rotate-access-keys"
assume = false               # it is the function's own role
certificate_bucket = {bucket:?}

[notices]
operators_topic = "{operators}"
owners_topic = "{owners}"
"#
    );
    if slack {
        text += &format!(
            r#"
[notices.slack]              # secrets: the values of two are webhooks' URLs, that of `token` is a bot's
operators = "{}"
owners = "{}"
token = "{}"
"#,
            secret("operators"),
            secret("owners"),
            secret("token"),
        );
    }
    text += r#"
# Next, as you need them: [onboarding] sets up each new account, [compliance] tells of AWS Config's findings,
# [report] makes the monthly report. `banto config explain onboarding` lists a section's keys.
# For your editor: `banto config schema >banto.schema.json`, and `#:schema ./banto.schema.json` as the first line.
"#;
    text
}
