//! The demo's second act: an Organization whose accounts come to their baseline and stay there.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::environment::{ACCOUNT, Environment, PATIENCE, REGION, scheduled};
use super::show::{self, Show};
use crate::local::organization::{Organization, config, created};
use crate::local::proxy::{Fault, Proxy, Rule};
use crate::local::runtime_api::Function;

/// The regions of the baseline.
const REGIONS: [&str; 3] = [REGION, "eu-west-1", "us-east-1"];

/// The Organization, and the function before it.
struct Act {
    organization: Organization,
    proxy: Proxy,
    policy: PathBuf,
}

/// Plays the second act; answers the Organization, and the id of its account payments.
pub(super) async fn play(env: &mut Environment, show: &Show) -> Result<(Organization, String)> {
    show.progress("making an Organization");
    let organization = Organization::create(&env.aws).await?;
    let proxy = Proxy::start(env.moto.endpoint()).await?;
    let policy = env.directory.path().join("accounts.toml");
    std::fs::write(&policy, policy_text(env, &organization)?).context("can't write the policy")?;
    let act = Act {
        organization,
        proxy,
        policy,
    };

    let search = act.organization.create_account("search").await?;
    let own = json!({ "ConfigurationRecorder": {
        "name": "default",
        "roleARN": format!("arn:aws:iam::{search}:role/config"),
        "recordingGroup": { "allSupported": false, "resourceTypes": ["AWS::EC2::Instance"] },
    } });
    let inside = act.organization.inside(&search).await?;
    config(
        &inside.in_region("eu-west-1"),
        "PutConfigurationRecorder",
        &own,
    )
    .await?;
    let former = act.organization.create_account("former").await?;
    act.organization.close_account(&former).await?;
    show.clear();

    show.title("Accounts: the daily run brings the whole Organization to its baseline");
    show.line("  search had a recorder of its own in eu-west-1 (adopted); former is closed.");
    act.invoke(env, &scheduled(env.now)).await?;
    act.work_off(env, show).await?;
    show.statuses(&act.organization.statuses().await?, &REGIONS);

    show.title("An account is created, and its event arrives before AWS has set it up");
    let payments = act.organization.create_account("payments").await?;
    // The local AWS lets everyone in at once; the real one does not.
    act.proxy.inject(Rule {
        operation: Some("sts:AssumeRole".into()),
        first: 1,
        times: 2,
        fault: Fault::Denied,
    });
    act.invoke(env, &created(&payments, env.now)).await?;
    act.work_off(env, show).await?;
    show.statuses(&act.organization.statuses().await?, &REGIONS);
    act.wait_for(env, show, &payments).await?;
    show.line("  The message came again after a while on the simulated clock:");
    show.statuses(&act.organization.statuses().await?, &REGIONS);
    let posts = env.slack.posts();
    let ready = posts
        .iter()
        .rev()
        .find(|post| post.channel == "operators")
        .context("nobody was told")?;
    show.message(ready);

    drift(&act, env, show, &payments).await?;
    Ok((act.organization, payments))
}

/// Somebody changes what they should not.
async fn drift(act: &Act, env: &mut Environment, show: &Show, payments: &str) -> Result<()> {
    show.title("Somebody stops a recorder and widens a role; {\"dryRun\": true} shows the repair");
    let inside = act.organization.inside(payments).await?;
    let stop = json!({ "ConfigurationRecorderName": "banto" });
    config(
        &inside.in_region("us-east-1"),
        "StopConfigurationRecorder",
        &stop,
    )
    .await?;
    let wider = [
        ("RoleName", "readonly"),
        ("PolicyArn", "arn:aws:iam::aws:policy/IAMFullAccess"),
    ];
    inside.iam("AttachRolePolicy", &wider).await?;
    let plan = act
        .invoke(env, &json!({ "accounts": [payments], "dryRun": true }))
        .await?;
    for line in plan
        .get("diff")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .lines()
    {
        show.line(&format!("  {line}"));
    }
    act.invoke(env, &json!({ "accounts": [payments] })).await?;
    act.work_off(env, show).await?;
    let posts = env.slack.posts();
    let repaired = posts
        .iter()
        .rev()
        .find(|post| post.channel == "operators")
        .context("nobody was told")?;
    show.line(&format!(
        "  #operators: {}",
        show::first_line(&repaired.body)
    ));

    let before = act.proxy.calls().len();
    act.invoke(env, &scheduled(env.now)).await?;
    act.work_off(env, show).await?;
    let calls = act.proxy.calls().split_off(before);
    let is_change = |call: &str| {
        [
            "iam:Create",
            "iam:Put",
            "iam:Attach",
            "config:Put",
            "config:Start",
        ]
        .iter()
        .any(|verb| call.starts_with(verb))
    };
    let changes: Vec<&str> = calls
        .iter()
        .map(|call| call.operation.as_str())
        .filter(|call| is_change(call))
        .collect();
    ensure!(
        changes.is_empty(),
        "a second run changed something: {changes:?}"
    );
    show.line("  The same run again: nothing to change in any account.");
    Ok(())
}

impl Act {
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

    /// Works off the messages that are visible now, as SQS's event source mapping would.
    async fn work_off(&self, env: &Environment, show: &Show) -> Result<()> {
        show.progress("working off the queue");
        loop {
            let mut function = self.start(env).await?;
            let worked = self
                .organization
                .queue
                .work_off(&mut function, PATIENCE)
                .await;
            let log = function.stop().await;
            let worked =
                worked.with_context(|| format!("its log:\n{}", String::from_utf8_lossy(&log)))?;
            if worked.is_empty() {
                show.clear();
                return Ok(());
            }
            ensure!(
                worked.iter().all(|message| message.done),
                "a message was not done; the function's log:\n{}",
                String::from_utf8_lossy(&log)
            );
        }
    }

    /// Lets time pass until an account is in place.
    async fn wait_for(&self, env: &mut Environment, show: &Show, account: &str) -> Result<()> {
        for _ in 0..60 {
            env.set_now(env.now + SignedDuration::from_secs(20)).await?;
            self.work_off(env, show).await?;
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
