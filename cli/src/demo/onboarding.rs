//! An Organization whose accounts come to their baseline and stay there.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::environment::{ACCOUNT, Environment, PATIENCE, REGION, scheduled};
use super::show;
use super::tour::{Scene, Tour};
use crate::local::organization::{Organization, config, created};
use crate::local::proxy::{Fault, Proxy, Rule};
use crate::local::runtime_api::Function;
use crate::local::slack::Post;
use crate::notices::terminal;

/// The regions of the baseline.
const REGIONS: [&str; 3] = [REGION, "eu-west-1", "us-east-1"];

/// Minutes after which the queue shows a message again.
const AGAIN: i64 = 2;

/// Scenes of this part.
pub(super) const SCENES: usize = 3;

const BASELINE: Scene<'_> = Scene {
    title: "Onboarding: an Organization comes to its baseline",
    happens: "The daily run of onboard-accounts looks at every account, and gives each the AWS Config, roles and settings that it lacks.",
    notice: "search had a recorder of its own in eu-west-1, which was adopted and not replaced; former is closed, and is left alone.",
};
const CREATED: Scene<'_> = Scene {
    title: "Onboarding: a new account",
    happens: "The account payments is created, and its event arrives before AWS lets anyone in.",
    notice: "to be early is no failure: the message comes again until the account is in place, and then people are told.",
};
const DRIFT: Scene<'_> = Scene {
    title: "Onboarding: somebody changes what they should not",
    happens: "In payments a recorder is stopped and a role is widened; a dry run shows the repair, and the next run makes it.",
    notice: "what is in place is left as it is, and a second run changes nothing.",
};

/// An Organization, and what the other parts know of it.
pub(super) struct Company {
    pub(super) organization: Organization,
    /// The id of the payments team's account.
    pub(super) payments: String,
}

impl Company {
    /// Makes one of which nothing is shown.
    pub(super) async fn found(env: &Environment) -> Result<Self> {
        let organization = Organization::create(&env.aws).await?;
        let payments = organization.create_account("payments").await?;
        Ok(Self {
            organization,
            payments,
        })
    }
}

/// The Organization, and the function before it.
struct Act {
    organization: Organization,
    proxy: Proxy,
    policy: PathBuf,
}

/// Plays it, from the first daily run to a repair.
pub(super) async fn play(env: &mut Environment, tour: &Tour) -> Result<Company> {
    tour.scene(&BASELINE).await?;
    tour.step("making an Organization");
    let organization = Organization::create(&env.aws).await?;
    let proxy = Proxy::start(env.moto.endpoint()).await?;
    let policy = env.directory.path().join("accounts.toml");
    std::fs::write(&policy, policy_text(env, &organization)?).context("can't write the policy")?;
    let act = Act {
        organization,
        proxy,
        policy,
    };
    act.settle().await?;
    tour.step("the function runs");
    act.invoke(env, &scheduled(env.now)).await?;
    act.work_off(env).await?;
    let statuses = act.organization.statuses().await?;
    tour.line(&show::statuses(&tour.screen, &statuses, &REGIONS));

    tour.scene(&CREATED).await?;
    let payments = create(&act, env, tour).await?;

    tour.scene(&DRIFT).await?;
    drift(&act, env, tour, &payments).await?;
    Ok(Company {
        organization: act.organization,
        payments,
    })
}

/// An account is created; answers its id.
async fn create(act: &Act, env: &mut Environment, tour: &Tour) -> Result<String> {
    let payments = act.organization.create_account("payments").await?;
    // The local AWS lets everyone in at once; the real one does not.
    act.proxy.inject(Rule {
        operation: Some("sts:AssumeRole".into()),
        first: 1,
        times: 2,
        fault: Fault::Denied,
    });
    act.invoke(env, &created(&payments, env.now)).await?;
    act.work_off(env).await?;
    let mut looks = vec![act.look(env, &payments).await?];
    act.wait_for(env, &payments).await?;
    looks.push(act.look(env, &payments).await?);
    let screen = &tour.screen;
    tour.line(&show::condition_over_time(
        screen, "payments", &looks, &REGIONS,
    ));
    tour.message(&told_last(env)?);
    Ok(payments)
}

/// Somebody changes what they should not.
async fn drift(act: &Act, env: &mut Environment, tour: &Tour, payments: &str) -> Result<()> {
    let inside = act.organization.inside(payments).await?;
    let stop = json!({ "ConfigurationRecorderName": "banto" });
    let there = inside.in_region("us-east-1");
    config(&there, "StopConfigurationRecorder", &stop).await?;
    let wider = [
        ("RoleName", "readonly"),
        ("PolicyArn", "arn:aws:iam::aws:policy/IAMFullAccess"),
    ];
    inside.iam("AttachRolePolicy", &wider).await?;
    let plan = act
        .invoke(env, &json!({ "accounts": [payments], "dryRun": true }))
        .await?;
    let diff = plan.get("diff").and_then(Value::as_str).unwrap_or_default();
    tour.line(diff.trim_end());
    act.invoke(env, &json!({ "accounts": [payments] })).await?;
    act.work_off(env).await?;
    let repaired = terminal::headline(&told_last(env)?);
    tour.paragraph(&format!("\nOperators read: {repaired}"));

    let before = act.proxy.calls().len();
    act.invoke(env, &scheduled(env.now)).await?;
    act.work_off(env).await?;
    let calls = act.proxy.calls().split_off(before);
    let changing = [
        "iam:Create",
        "iam:Put",
        "iam:Attach",
        "config:Put",
        "config:Start",
    ];
    let mut calls = calls.iter().map(|call| call.operation.as_str());
    let change = calls.find(|call| changing.iter().any(|verb| call.starts_with(verb)));
    ensure!(
        change.is_none(),
        "a second run changed something: {change:?}"
    );
    tour.paragraph("The same run again: nothing to change in any account.");
    Ok(())
}

/// The latest message to operators.
fn told_last(env: &Environment) -> Result<Post> {
    let mut posts = env.slack.posts().into_iter().rev();
    let last = posts.find(|post| post.channel == "operators");
    last.context("nobody was told")
}

impl Act {
    /// Makes an account that has a recorder of its own, and one that is closed.
    async fn settle(&self) -> Result<()> {
        let search = self.organization.create_account("search").await?;
        let own = json!({ "ConfigurationRecorder": {
            "name": "default",
            "roleARN": format!("arn:aws:iam::{search}:role/config"),
            "recordingGroup": { "allSupported": false, "resourceTypes": ["AWS::EC2::Instance"] },
        } });
        let inside = self.organization.inside(&search).await?;
        let there = inside.in_region("eu-west-1");
        config(&there, "PutConfigurationRecorder", &own).await?;
        let former = self.organization.create_account("former").await?;
        self.organization.close_account(&former).await
    }

    /// The status of an account, and the time.
    async fn look(&self, env: &Environment, account: &str) -> Result<(String, Value)> {
        let statuses = self.organization.statuses().await?;
        let mut statuses = statuses.into_iter().map(|(status, _)| status);
        let status = statuses.find(|status| status["account"] == account);
        let time = env.now.strftime("%H:%M:%S").to_string();
        Ok((time, status.context("the account has no status")?))
    }

    async fn start(&self, env: &Environment) -> Result<Function> {
        env.start_function(&env.onboard_accounts, &self.proxy.endpoint(), &self.policy)
            .await
    }

    async fn invoke(&self, env: &Environment, event: &Value) -> Result<Value> {
        let mut function = self.start(env).await?;
        let answer = function.invoke(event, PATIENCE).await;
        let log = function.stop().await;
        answer.with_context(|| {
            format!(
                "the function failed; its log:\n{}",
                String::from_utf8_lossy(&log)
            )
        })
    }

    /// Works off the queue, as SQS's event source mapping would: a message that was not done, as on
    /// a machine that is too busy to answer, comes again after a while.
    async fn work_off(&self, env: &mut Environment) -> Result<()> {
        let queue = &self.organization.queue;
        let mut is_all_done = true;
        loop {
            let mut function = self.start(env).await?;
            let worked = queue.work_off(&mut function, PATIENCE).await;
            let log = function.stop().await;
            let log = String::from_utf8_lossy(&log);
            let worked = worked.with_context(|| format!("its log:\n{log}"))?;
            if worked.is_empty() && is_all_done {
                return Ok(());
            }
            if worked.is_empty() {
                env.advance_minutes(AGAIN).await?;
                is_all_done = true;
            }
            is_all_done &= worked.iter().all(|message| message.done);
            ensure!(
                queue.dead().await? == 0,
                "a message was never done; the function's log:\n{log}"
            );
        }
    }

    /// Lets time pass until an account is in place.
    async fn wait_for(&self, env: &mut Environment, account: &str) -> Result<()> {
        for _ in 0..60 {
            env.set_now(env.now + SignedDuration::from_secs(20)).await?;
            self.work_off(env).await?;
            let statuses = self.organization.statuses().await?;
            let is_in_place = |status: &Value| {
                let field = |pointer| status.pointer(pointer).and_then(Value::as_str);
                field("/account") == Some(account) && field("/global/condition") == Some("inPlace")
            };
            if statuses.iter().any(|(status, _)| is_in_place(status)) {
                return Ok(());
            }
        }
        anyhow::bail!("{account} does not come to its baseline")
    }
}

/// The rotation's policy, and what accounts must have.
fn policy_text(env: &Environment, organization: &Organization) -> Result<String> {
    let rotation = std::fs::read_to_string(env.policy_path()).context("can't read the policy")?;
    Ok(format!(
        "{rotation}\n{}",
        organization.policy_section(ACCOUNT, &REGIONS)
    ))
}
