//! A finding becomes a message, a storm collapses into one, a resolution
//! updates it.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use jiff::SignedDuration;
use serde_json::Value;

use super::environment::{ACCOUNT, Environment, PATIENCE, REGION};
use super::onboarding::Company;
use super::tour::{Scene, Tour};
use crate::local::compliance::{self, Change, Queues};
use crate::local::slack::{Post, TOKEN};
use crate::notices::terminal;

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

/// Scenes of this part.
pub(super) const SCENES: usize = 3;

const FOUND: Scene<'_> = Scene {
    title: "Compliance: a public bucket",
    happens: "AWS Config finds a bucket in the account payments that everyone may read, and its event comes twice.",
    notice: "the team's channel reads of it once, with what to do.",
};
const RESOLVED: Scene<'_> = Scene {
    title: "Compliance: the bucket is private again",
    happens: "AWS Config finds the bucket in order, and then both events come once more.",
    notice: "the first message is brought up to date and not followed by another, and nothing is said twice.",
};

/// The queues, and the function behind them.
pub(super) struct Office {
    queues: Queues,
    policy: PathBuf,
    /// The ids of the accounts in which the storm breaks.
    accounts: Vec<String>,
}

/// The name of the team's channel, by its id.
pub(super) fn channel_name() -> (String, String) {
    (CHANNEL.to_owned(), "payments".to_owned())
}

/// Makes what the function needs, and the accounts of the storm.
pub(super) async fn set_up(env: &mut Environment, company: &Company) -> Result<Office> {
    env.reach_last_day().await?;
    let queues = compliance::create(&env.aws).await?;
    let policy = env.directory.path().join("compliance.toml");
    std::fs::write(&policy, policy_text(env, &queues).await?).context("can't write the policy")?;
    let team = [("team", "payments"), ("owner", "alice")];
    let Company {
        organization,
        payments,
    } = company;
    organization.tag_account(payments, &team).await?;
    let mut accounts = Vec::new();
    for name in ACCOUNTS {
        let account = organization.create_account(name).await?;
        organization.tag_account(&account, &team).await?;
        accounts.push(account);
    }
    Ok(Office {
        queues,
        policy,
        accounts,
    })
}

/// Plays it, in an Organization that has an account of the payments team.
pub(super) async fn play(
    env: &mut Environment,
    tour: &Tour,
    office: &Office,
    payments: &str,
) -> Result<()> {
    tour.scene(&FOUND).await?;
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
    office.tell(env, &[event.clone(), event]).await?;
    let posts = office.posts(env);
    ensure!(posts.len() == 1, "a finding made {} messages", posts.len());
    let message = posts.first().context("nobody was told")?;
    tour.message(message);

    storm(env, tour, office).await?;

    tour.scene(&RESOLVED).await?;
    let resolved = Change {
        compliant: true,
        at: env.now,
        ..finding
    };
    office.tell(env, &[resolved.event()]).await?;
    update(env, tour, office, message)?;
    let said = office.posts(env).len();
    office
        .tell(env, &[resolved.event(), finding.event()])
        .await?;
    ensure!(office.posts(env).len() == said, "something was said twice");
    tour.paragraph("The same events again: nothing is said.");
    Ok(())
}

/// Shows what changed in a message.
fn update(env: &Environment, tour: &Tour, office: &Office, message: &Post) -> Result<()> {
    let posts = office.posts(env);
    let now = posts
        .iter()
        .find(|post| post.ts == message.ts)
        .context("the message is gone")?;
    ensure!(
        !now.earlier.is_empty(),
        "the message was not brought up to date"
    );
    let time = message.at.strftime("%H:%M");
    tour.paragraph(&format!(
        "The message of {time} has become this, where it changed:"
    ));
    let colour = tour.screen.colour;
    let before = terminal::lines(message, &tour.names, colour);
    let lines = terminal::lines(now, &tour.names, colour);
    let changed: Vec<String> = lines
        .into_iter()
        .filter(|line| !before.contains(line))
        .collect();
    tour.line(&changed.join("\n"));
    let in_thread = |post: &&Post| post.thread.as_ref() == Some(&message.ts);
    let replies = posts.iter().filter(in_thread).count();
    ensure!(replies == 1, "its thread has {replies} answers");
    tour.paragraph("\nAn answer in its thread tells those who follow it.");
    Ok(())
}

/// A rule is deployed to every account, and finds something everywhere.
async fn storm(env: &mut Environment, tour: &Tour, office: &Office) -> Result<()> {
    let buckets: Vec<String> = buckets().collect();
    let mut events = Vec::new();
    for account in &office.accounts {
        let change = |resource| Change {
            account,
            rule: STORM_RULE,
            resource_type: "AWS::S3::Bucket",
            resource,
            compliant: false,
            at: env.now,
        };
        events.extend(buckets.iter().map(|bucket| change(bucket).event()));
    }
    let happens = format!(
        "A new rule finds {RESOURCES} buckets in each of {} accounts: {} events at once.",
        office.accounts.len(),
        events.len()
    );
    tour.scene(&Scene {
        title: "Compliance: a storm",
        happens: &happens,
        notice: "the channel gets one message that counts them, and what it counts is in its thread.",
    })
    .await?;
    let before = office.posts(env).len();
    office.tell(env, &events).await?;
    let posts = office.posts(env).split_off(before);
    let messages = posts.iter().filter(|post| post.thread.is_none()).count();
    ensure!(messages == 1, "a storm made {messages} messages");
    for (index, post) in posts.iter().enumerate() {
        if index > 0 {
            tour.line("");
        }
        tour.message(post);
    }
    Ok(())
}

impl Office {
    /// Every message of the team's channel, as it is now.
    fn posts(&self, env: &Environment) -> Vec<Post> {
        env.slack
            .posts()
            .into_iter()
            .filter(|post| post.channel == CHANNEL)
            .collect()
    }

    /// Sees events taken in and told: works the queues off, time passing where messages wait.
    async fn tell(&self, env: &mut Environment, events: &[Value]) -> Result<()> {
        self.queues.send(events).await?;
        let mut function = self.start(env).await?;
        loop {
            let worked = self.queues.work_off(&mut function, PATIENCE).await;
            if worked.as_ref().is_ok_and(|worked| !worked.is_empty()) {
                continue;
            }
            let log = function.stop().await;
            let log = String::from_utf8_lossy(&log);
            worked.with_context(|| format!("its log:\n{log}"))?;
            let dead = self.queues.dead().await?;
            ensure!(
                dead == 0,
                "{dead} messages were never done; its log:\n{log}"
            );
            if self.queues.waiting().await? == 0 {
                return Ok(());
            }
            // Changes are collected for a minute before they are told, and what was not done comes
            // again after one.
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
