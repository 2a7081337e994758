//! What the demo runs on: a local AWS, a Slack, the functions' binaries and a simulated clock.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::local::aws::{Aws, Credentials};
use crate::local::moto::Moto;
use crate::local::queue::{Queue, Worked};
use crate::local::runtime_api::Function;
use crate::local::slack::Slack;
use crate::local::venv::Venv;
use crate::local::{Progress, function_binary};

/// The identity account.
pub(super) const ACCOUNT: &str = "111122223333";
/// The region.
pub(super) const REGION: &str = "ap-northeast-1";
/// Days from the first day to today, on which all but the report ends.
pub(super) const DAYS: i64 = 16;

/// Longest time that a function may take for an event: Lambda allows no more.
pub(super) const PATIENCE: Duration = Duration::from_mins(15);

/// Everything that the demo runs on.
pub(super) struct Environment {
    pub(super) moto: Moto,
    pub(super) slack: Slack,
    pub(super) venv: Venv,
    /// The functions' binaries.
    pub(super) rotate_access_keys: PathBuf,
    pub(super) onboard_accounts: PathBuf,
    pub(super) notify_compliance: PathBuf,
    pub(super) report_compliance: PathBuf,
    pub(super) directory: TempDir,
    pub(super) aws: Aws,
    pub(super) credentials: Credentials,
    /// The story's first moment, on the simulated clock.
    pub(super) first_day: Timestamp,
    pub(super) now: Timestamp,
}

/// The story's first moment.
pub(super) fn first_day() -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(24 * DAYS)
}

impl Environment {
    /// Starts it all, on the first day.
    pub(super) async fn start(first_day: Timestamp, progress: &Progress<'_>) -> Result<Self> {
        let venv = Venv::ensure(progress).await?;
        let rotate_access_keys = function_binary("rotate-access-keys", progress).await?;
        let onboard_accounts = function_binary("onboard-accounts", progress).await?;
        let notify_compliance = function_binary("notify-compliance", progress).await?;
        let report_compliance = function_binary("report-compliance", progress).await?;
        progress("starting a local AWS");
        let moto = Moto::start(&venv).await?;
        let slack = Slack::start().await?;
        let nobody = Aws::nobody(moto.endpoint(), REGION);
        let credentials = nobody
            .assume_role(&format!("arn:aws:iam::{ACCOUNT}:role/demo"))
            .await?;
        let aws = nobody.with_key(&credentials.access_key_id);
        let directory = tempfile::Builder::new()
            .prefix("banto-demo-")
            .tempdir()
            .context("can't make a directory")?;
        let mut env = Self {
            moto,
            slack,
            venv,
            rotate_access_keys,
            onboard_accounts,
            notify_compliance,
            report_compliance,
            directory,
            aws,
            credentials,
            first_day,
            now: first_day,
        };
        env.set_now(first_day).await?;
        Ok(env)
    }

    /// Lets time pass until the last day, if it is not there yet.
    pub(super) async fn reach_last_day(&mut self) -> Result<()> {
        let last = self.first_day + SignedDuration::from_hours(24 * DAYS);
        self.set_now(self.now.max(last)).await
    }

    pub(super) fn policy_path(&self) -> PathBuf {
        self.directory.path().join("banto.toml")
    }

    /// Sets the clock that the local AWS, Slack and the function all follow.
    pub(super) async fn set_now(&mut self, now: Timestamp) -> Result<()> {
        self.now = now;
        self.slack.set_clock(now);
        self.moto.set_clock(now).await
    }

    /// Lets days pass, and a minute: no daily run starts on the same second.
    pub(super) async fn advance(&mut self, days: i64) -> Result<()> {
        self.advance_minutes(24 * 60 * days + 1).await
    }

    pub(super) async fn advance_minutes(&mut self, minutes: i64) -> Result<()> {
        self.set_now(self.now + SignedDuration::from_mins(minutes))
            .await
    }

    /// Starts a function with a policy, before the local AWS or a proxy of it.
    pub(super) async fn start_function(
        &self,
        binary: &Path,
        endpoint: &str,
        policy: &Path,
    ) -> Result<Function> {
        let offset = self.now.duration_since(Timestamp::now()).as_secs();
        let mut variables = vec![
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", self.credentials.access_key_id.clone()),
            (
                "AWS_SECRET_ACCESS_KEY",
                self.credentials.secret_access_key.to_string(),
            ),
            ("AWS_ENDPOINT_URL", endpoint.to_owned()),
            ("SLACK_API_URL", self.slack.api_url()),
            ("BANTO_POLICY", path_text(policy)?),
            ("BANTO_CLOCK_OFFSET_SECONDS", offset.to_string()),
        ];
        variables.extend(
            self.credentials
                .session_token
                .clone()
                .map(|token| ("AWS_SESSION_TOKEN", token)),
        );
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        Ok(Function::start(binary, variables).await?)
    }

    /// Starts the function anew, as after a day without events, and hands it one.
    pub(super) async fn invoke(&self, event: &Value) -> Result<Value> {
        let mut function = self.start_rotation().await?;
        let answer = function.invoke(event, PATIENCE).await;
        let log = function.stop().await;
        answer.with_context(|| failed(&log))
    }

    /// Starts the function anew, and hands it the messages of its queue that are visible now.
    pub(super) async fn work_off(&self, queue: &Queue) -> Result<Vec<Worked>> {
        let mut function = self.start_rotation().await?;
        let worked = queue.work_off(&mut function, PATIENCE).await;
        let log = function.stop().await;
        worked.with_context(|| failed(&log))
    }

    async fn start_rotation(&self) -> Result<Function> {
        let endpoint = self.moto.endpoint();
        self.start_function(&self.rotate_access_keys, endpoint, &self.policy_path())
            .await
    }
}

fn failed(log: &[u8]) -> String {
    let log = String::from_utf8_lossy(log);
    format!("the function failed; its log:\n{log}")
}

/// An event of EventBridge's schedule.
pub(super) fn scheduled(now: Timestamp) -> Value {
    json!({
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": now,
        "region": REGION,
        "resources": [format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/banto-rotate-access-keys")],
        "detail": {},
    })
}

fn path_text(path: &Path) -> Result<String> {
    path.to_str()
        .map(str::to_owned)
        .with_context(|| format!("{} is not UTF-8", path.display()))
}
