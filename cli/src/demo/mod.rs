//! `banto demo`: the real functions rotate real keys, bring an Organization's accounts to their baseline, and tell
//! people about noncompliance, on a local AWS, through 16 simulated days.
//!
//! The story is in `play`, `accounts` and `compliance`; who takes part is in `people`, how it looks in `show`.

mod accounts;
mod compliance;
mod people;
mod show;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::local::aws::{Aws, Credentials, caller_identity_by_boto3};
use crate::local::function_binary;
use crate::local::moto::Moto;
use crate::local::runtime_api::Function;
use crate::local::slack::Slack;
use crate::local::venv::Venv;
use people::{ACCOUNT, People, REGION};
use show::Show;

/// How a demo ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The story came to its end.
    Done,
    /// Ctrl-C.
    Interrupted,
}

/// Days from the first run to today, on which the story ends.
const DAYS: i64 = 16;

/// How long the function may take for an event.
const PATIENCE: Duration = Duration::from_secs(300);

/// Plays the demo. Whatever it started ends with it: after the story, after `--keep`'s Ctrl-C, or in the
/// middle.
pub async fn run(keep: bool) -> Result<Ending> {
    let show = Show::new();
    tokio::select! {
        played = play(&show, keep) => played.map(|()| Ending::Done),
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.context("can't listen for Ctrl-C")?;
            show.clear();
            show.line("Ended. Everything that the demo started is gone.");
            Ok(Ending::Interrupted)
        }
    }
}

/// Everything that the demo runs on.
struct Stage {
    moto: Moto,
    slack: Slack,
    venv: Venv,
    /// The functions' binaries.
    rotate_access_keys: PathBuf,
    onboard_accounts: PathBuf,
    notify_compliance: PathBuf,
    directory: TempDir,
    aws: Aws,
    credentials: Credentials,
    /// When the function ran first, on the simulated clock.
    first_day: Timestamp,
    now: Timestamp,
}

async fn play(show: &Show, keep: bool) -> Result<()> {
    let mut stage = Stage::set(show).await?;
    let people = People::settle(&mut stage, show).await?;
    show.clear();
    show.introduction(&people, stage.first_day);

    show.title("The plan for day 0, asked for with {\"dryRun\": true}");
    let plan = stage.invoke(&json!({ "dryRun": true })).await?;
    show.plan(&plan);

    stage.day(show, "Day 0: the daily run").await?;
    stage.once_more(show).await?;
    fetch(&stage, show, &people).await?;

    stage.advance(1).await?;
    stage
        .day(
            show,
            "Day 1: alice has used her new key, and its day of grace is over",
        )
        .await?;
    stage.quiet_days(show, 9).await?;
    stage.advance(1).await?;
    stage
        .day(
            show,
            "Day 11: alice's old key has been disabled for ten days",
        )
        .await?;
    stage.quiet_days(show, 2).await?;
    stage.advance(1).await?;
    stage
        .day(
            show,
            "Day 14: bob never fetched his key, and the policy sets a deadline",
        )
        .await?;
    open_notice(&stage, show, &people)?;

    stage.advance(2).await?;
    let key = stage
        .aws
        .access_keys("heidi")
        .await?
        .first()
        .context("heidi has no key")?
        .id
        .clone();
    show.title("Day 16: AWS Health finds heidi's key in public (AWS_RISK_CREDENTIALS_EXPOSED)");
    let answer = stage.invoke(&exposed(&key, stage.now)).await?;
    show.outcomes(&answer, stage.slack.posts());
    stage.once_more(show).await?;

    show.title("In the end");
    show.people(&people, &people.look(&stage.aws).await?);
    show.messages(&stage.slack.posts());
    let (organization, payments) = accounts::play(&mut stage, show).await?;
    compliance::play(&mut stage, show, &organization, &payments).await?;
    show.shortcomings();
    if keep {
        show.kept(stage.moto.endpoint(), &stage.credentials.access_key_id);
        std::future::pending::<()>().await;
    }
    Ok(())
}

impl Stage {
    async fn set(show: &Show) -> Result<Self> {
        let progress = |what: &str| show.progress(what);
        let venv = Venv::ensure(&progress).await?;
        let rotate_access_keys = function_binary("rotate-access-keys", &progress).await?;
        let onboard_accounts = function_binary("onboard-accounts", &progress).await?;
        let notify_compliance = function_binary("notify-compliance", &progress).await?;
        show.progress("starting a local AWS");
        let moto = Moto::start(&venv).await?;
        let slack = Slack::start().await?;
        let nobody = Aws::nobody(moto.endpoint(), REGION);
        let credentials = nobody
            .assume_role(&format!("arn:aws:iam::{ACCOUNT}:role/demo"))
            .await?;
        let aws = nobody.with_key(&credentials.access_key_id);
        let first_day = Timestamp::now() - SignedDuration::from_hours(24 * DAYS);
        let directory = tempfile::Builder::new()
            .prefix("banto-demo-")
            .tempdir()
            .context("can't make a directory")?;
        Ok(Self {
            moto,
            slack,
            venv,
            rotate_access_keys,
            onboard_accounts,
            notify_compliance,
            directory,
            aws,
            credentials,
            first_day,
            now: first_day,
        })
    }

    fn policy_path(&self) -> PathBuf {
        self.directory.path().join("banto.toml")
    }

    /// Sets the clock that the local AWS, Slack and the function all follow.
    async fn set_now(&mut self, now: Timestamp) -> Result<()> {
        self.now = now;
        self.slack.set_clock(now);
        self.moto.set_clock(now).await
    }

    /// Lets days pass, and a minute: no daily run starts on the same second.
    async fn advance(&mut self, days: i64) -> Result<()> {
        let pause = SignedDuration::from_hours(24 * days) + SignedDuration::from_mins(1);
        self.set_now(self.now + pause).await
    }

    /// Starts a function with a policy, before the local AWS or a proxy of it.
    async fn start(&self, binary: &Path, endpoint: &str, policy: &Path) -> Result<Function> {
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
    async fn invoke(&self, event: &Value) -> Result<Value> {
        let mut function = self
            .start(
                &self.rotate_access_keys,
                self.moto.endpoint(),
                &self.policy_path(),
            )
            .await?;
        let answer = function.invoke(event, PATIENCE).await;
        let log = function.stop().await;
        answer.with_context(|| {
            format!(
                "the function failed; its log:\n{}",
                String::from_utf8_lossy(&log)
            )
        })
    }

    /// A daily run, and what it did.
    async fn day(&self, show: &Show, title: &str) -> Result<()> {
        show.title(title);
        let answer = self.invoke(&scheduled(self.now)).await?;
        show.outcomes(&answer, self.slack.posts());
        Ok(())
    }

    /// Daily runs of which only the deeds are shown.
    async fn quiet_days(&mut self, show: &Show, days: i64) -> Result<()> {
        for _ in 0..days {
            self.advance(1).await?;
            let day = self.now.duration_since(self.first_day).as_hours() / 24;
            show.progress(&format!("day {day}"));
            let answer = self.invoke(&scheduled(self.now)).await?;
            if show::did_anything(&answer) {
                show.title(&format!("Day {day}: the daily run"));
                show.outcomes(&answer, self.slack.posts());
            }
        }
        show.clear();
        Ok(())
    }

    /// The same run again, straight away.
    async fn once_more(&self, show: &Show) -> Result<()> {
        let answer = self.invoke(&scheduled(self.now)).await?;
        ensure!(
            !show::did_anything(&answer),
            "a second run did something: {answer}"
        );
        show.line("  The same run again, straight away: nothing to do.");
        Ok(())
    }
}

/// Alice opens her envelope and uses what is inside.
async fn fetch(stage: &Stage, show: &Show, people: &People) -> Result<()> {
    show.title("Alice fetches her key, as anyone can with plain aws and gpg");
    let alice = people.get("alice")?;
    let old = stage
        .aws
        .access_keys("alice")
        .await?
        .first()
        .context("alice has no key")?
        .id
        .clone();
    let record = stage
        .aws
        .with_key(&old)
        .secret_value("banto/access-keys/alice")
        .await?;
    show.envelope(&record);
    let holder = alice.holder.as_ref().context("alice has no certificate")?;
    let payload = holder.open(&record)?;
    // With the check on, the local AWS recomputes the signature from the secret that it knows.
    stage.moto.check_credentials(true).await?;
    let caller =
        caller_identity_by_boto3(&stage.venv, stage.moto.endpoint(), REGION, &payload).await;
    stage.moto.check_credentials(false).await?;
    let caller = caller.context("the new key does not work")?;
    let inside: Value = serde_json::from_slice(&payload).context("the payload is not JSON")?;
    let key = inside
        .get("AccessKeyId")
        .and_then(Value::as_str)
        .unwrap_or_default();
    show.fetched(key, &caller);
    if !caller.ends_with("/alice") {
        bail!("the new key belongs to {caller}");
    }
    Ok(())
}

/// Bob, whose key is dead, opens the envelope that the notice itself carried.
fn open_notice(stage: &Stage, show: &Show, people: &People) -> Result<()> {
    let posts = stage.slack.posts();
    let texts = posts.iter().rev().flat_map(|post| show::texts(&post.body));
    let envelope = texts
        .into_iter()
        .find(|text| text.contains("BEGIN PGP MESSAGE"))
        .context("no notice has an envelope")?;
    let envelope = envelope.trim_matches('`');
    let bob = people
        .get("bob")?
        .holder
        .as_ref()
        .context("bob has no certificate")?;
    let payload: Value =
        serde_json::from_slice(&bob.open(envelope)?).context("the payload is not JSON")?;
    show.opened(
        payload
            .get("AccessKeyId")
            .and_then(Value::as_str)
            .unwrap_or_default(),
    );
    Ok(())
}

/// What EventBridge sends on schedule.
fn scheduled(now: Timestamp) -> Value {
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

/// What AWS Health sends when a key is found in public.
fn exposed(key: &str, now: Timestamp) -> Value {
    json!({
        "version": "0",
        "id": "121345678-1234-1234-1234-123456789012",
        "detail-type": "AWS Health Event",
        "source": "aws.health",
        "account": ACCOUNT,
        "time": now,
        "region": "us-east-1",
        "resources": [],
        "detail": {
            "eventArn": "arn:aws:health:us-east-1::event/AWS_RISK_CREDENTIALS_EXPOSED_XYZ",
            "service": "RISK",
            "eventTypeCode": "AWS_RISK_CREDENTIALS_EXPOSED",
            "eventTypeCategory": "issue",
            "affectedEntities": [{ "entityValue": key }],
        },
    })
}

fn path_text(path: &Path) -> Result<String> {
    path.to_str()
        .map(str::to_owned)
        .with_context(|| format!("{} is not UTF-8", path.display()))
}
