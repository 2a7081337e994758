//! The policy of the demo's rotation, which the other parts add to, and what it names.

use anyhow::{Context as _, Result};
use jiff::SignedDuration;

use super::environment::{ACCOUNT, Environment};
use crate::local::slack::TOKEN;

/// The bucket of certificates.
pub(super) const CERTIFICATES: &str = "banto-certificates-111122223333";

/// Makes the bucket, topics and secrets that the policy names, and writes it.
pub(super) async fn write(env: &Environment) -> Result<()> {
    let aws = &env.aws;
    aws.create_bucket(CERTIFICATES).await?;
    aws.create_denial_of_sessions().await?;
    let operators = aws.create_topic("banto-operators").await?;
    let owners = aws.create_topic("banto-owners").await?;
    let operators_hook = aws
        .create_secret("banto/slack/operators", &env.slack.webhook("operators"))
        .await?;
    let owners_hook = aws
        .create_secret("banto/slack/owners", &env.slack.webhook("developers"))
        .await?;
    // Another secret than that of compliance, which makes its own.
    let token = aws
        .create_secret("banto/slack/rotation-token", TOKEN)
        .await?;
    let frank_until = env.first_day + SignedDuration::from_hours(24 * 90);
    let policy = text(
        &[&operators, &owners, &operators_hook, &owners_hook, &token],
        &frank_until.strftime("%F").to_string(),
    );
    std::fs::write(env.policy_path(), policy).context("can't write the policy")
}

fn text(arns: &[&str; 5], frank_until: &str) -> String {
    let [operators, owners, operators_hook, owners_hook, token] = arns;
    format!(
        r#"[rotation]
rotate_after_days = 90
warn_before_days = 7
grace_days = 1
deadline_days = 14
remind_before_days = [2]
recovery_days = 10

[rotation.machines]
who = [{{ path = "/machines/" }}]
rotate_after_days = 365

[[rotation.accounts]]
id = "{ACCOUNT}"
role = "arn:aws:iam::{ACCOUNT}:role/banto/rotate-access-keys"
assume = false
certificate_bucket = "{CERTIFICATES}"

[[rotation.exemptions]]
user = "frank"
until = {frank_until}
reason = "on leave; his key is parked"

[notices]
operators_topic = "{operators}"
owners_topic = "{owners}"

[notices.slack]
operators = "{operators_hook}"
owners = "{owners_hook}"
token = "{token}"
"#
    )
}
