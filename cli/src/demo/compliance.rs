//! The demo's third act: a finding becomes a message, a storm collapses into one, a resolution
//! updates it.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use jiff::SignedDuration;
use serde_json::Value;

use super::environment::{ACCOUNT, Environment, PATIENCE, REGION};
use super::show::{self, Show};
use crate::local::compliance::{self, Change, Queues};
use crate::local::organization::Organization;
use crate::local::slack::{Post, TOKEN};

/// The team's channel.
const CHANNEL: &str = "C0PAYMENTS";

/// Accounts of the storm, and resources in each.
pub(super) const ACCOUNTS: [&str; 8] = [
    "cart", "checkout", "fraud", "invoices", "ledger", "payouts", "refunds", "wallet",
];
const RESOURCES: usize = 12;

/// The rule of the storm, and the region in which it looks.
pub(super) const STORM_RULE: &str = "s3-bucket-ssl-requests-only";
pub(super) const FOUND_IN: &str = "eu-west-1";

/// The buckets that the storm's rule finds in each account.
pub(super) fn buckets() -> impl Iterator<Item = String> {
    (1..=RESOURCES).map(|number| format!("bucket-{number}"))
}

/// The queues, and the function behind it.
struct Act {
    queues: Queues,
    policy: PathBuf,
}

/// Plays the third act, in an Organization that has an account of the payments team.
pub(super) async fn play(
    env: &mut Environment,
    show: &Show,
    organization: &Organization,
    payments: &str,
) -> Result<()> {
    show.progress("making a table, queues and a channel");
    let queues = compliance::create(&env.aws).await?;
    let policy = env.directory.path().join("compliance.toml");
    std::fs::write(&policy, policy_text(env, &queues).await?).context("can't write the policy")?;
    let act = Act { queues, policy };
    let team = [("team", "payments"), ("owner", "alice")];
    organization.tag_account(payments, &team).await?;

    show.title("Compliance: AWS Config finds a public bucket in payments");
    let finding = Change {
        account: payments,
        rule: "s3-bucket-public-read-prohibited",
        resource_type: "AWS::S3::Bucket",
        resource: "payments-website",
        compliant: false,
        at: env.now,
    };
    // Events come at least once.
    let event = finding.event();
    act.tell(env, show, &[event.clone(), event]).await?;
    show.line("  The event came twice. What the team reads in its channel:");
    let message = act.posts(env).first().cloned().context("nobody was told")?;
    show.message(&message);

    storm(&act, env, show, organization, &team).await?;

    show.title("The bucket is private again");
    let resolved = Change {
        compliant: true,
        at: env.now,
        ..finding
    };
    act.tell(env, show, &[resolved.event()]).await?;
    let posts = act.posts(env);
    let message = posts
        .iter()
        .find(|post| post.ts == message.ts)
        .context("the message is gone")?;
    ensure!(
        !message.earlier.is_empty(),
        "the message was not brought up to date"
    );
    show.line("  The message was brought up to date, and answered in its thread:");
    show.message(message);
    for reply in posts
        .iter()
        .filter(|post| post.thread.as_deref() == Some(message.ts.as_str()))
    {
        show.line(&format!(
            "  In the thread:\n  {}",
            show::first_line(&reply.body)
        ));
    }
    let said = act.posts(env).len();
    act.tell(env, show, &[resolved.event(), finding.event()])
        .await?;
    ensure!(act.posts(env).len() == said, "something was said twice");
    show.line("  The same events again: nothing is said twice.");
    Ok(())
}

/// A rule is deployed to every account, and finds something everywhere.
async fn storm(
    act: &Act,
    env: &mut Environment,
    show: &Show,
    organization: &Organization,
    team: &[(&str, &str)],
) -> Result<()> {
    show.progress("making more accounts");
    let before = act.posts(env).len();
    let buckets: Vec<String> = buckets().collect();
    let mut events = Vec::new();
    for name in ACCOUNTS {
        let account = organization.create_account(name).await?;
        organization.tag_account(&account, team).await?;
        let change = |resource| Change {
            account: &account,
            rule: STORM_RULE,
            resource_type: "AWS::S3::Bucket",
            resource,
            compliant: false,
            at: env.now,
        };
        events.extend(buckets.iter().map(|bucket| change(bucket).event()));
    }
    show.clear();
    show.title(&format!(
        "A new rule finds {RESOURCES} buckets in each of {} accounts: {} events",
        ACCOUNTS.len(),
        events.len()
    ));
    act.tell(env, show, &events).await?;
    let posts = act.posts(env).split_off(before);
    let (threads, messages): (Vec<&Post>, Vec<&Post>) =
        posts.iter().partition(|post| post.thread.is_some());
    ensure!(
        messages.len() == 1,
        "a storm made {} messages",
        messages.len()
    );
    show.line(&format!(
        "  One message in the channel, {} in its thread:",
        threads.len()
    ));
    for message in &messages {
        show.message(message);
    }
    for reply in &threads {
        show.line("");
        show.message(reply);
    }
    Ok(())
}

impl Act {
    /// Every message of the team's channel, as it is now.
    fn posts(&self, env: &Environment) -> Vec<Post> {
        env.slack
            .posts()
            .into_iter()
            .filter(|post| post.channel == CHANNEL)
            .collect()
    }

    /// Sees events taken in and told: works the queues off, time passing where messages wait.
    async fn tell(&self, env: &mut Environment, show: &Show, events: &[Value]) -> Result<()> {
        self.queues.send(events).await?;
        show.progress("working off the queues");
        let mut function = self.start(env).await?;
        loop {
            let worked = self.queues.work_off(&mut function, PATIENCE).await;
            if worked.as_ref().is_ok_and(|worked| !worked.is_empty()) {
                ensure!(
                    worked?.iter().all(|message| message.done),
                    "a message was not done"
                );
                continue;
            }
            let log = function.stop().await;
            worked.with_context(|| format!("its log:\n{}", String::from_utf8_lossy(&log)))?;
            if self.queues.waiting().await? == 0 {
                show.clear();
                return Ok(());
            }
            // Changes are collected for a minute before they are told.
            env.set_now(env.now + SignedDuration::from_secs(62)).await?;
            function = self.start(env).await?;
        }
    }

    async fn start(&self, env: &Environment) -> Result<crate::local::runtime_api::Function> {
        env.start_function(&env.notify_compliance, env.moto.endpoint(), &self.policy)
            .await
    }
}

/// The rotation's policy, and who hears what.
async fn policy_text(env: &Environment, queues: &Queues) -> Result<String> {
    let rotation = std::fs::read_to_string(env.policy_path()).context("can't read the policy")?;
    let token = env.aws.create_secret("banto/slack/token", TOKEN).await?;
    let topic = format!("arn:aws:sns:{REGION}:{ACCOUNT}:compliance");
    Ok(format!(
        "{rotation}\n{}",
        compliance::policy_section(queues, &token, CHANNEL, &topic)
    ))
}
