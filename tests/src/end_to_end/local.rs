//! A function's real binary before a local AWS behind a proxy, and a local Slack.

use std::path::PathBuf;
use std::thread;

use banto::local::aws::{Aws, Credentials};
use banto::local::function_binary;
use banto::local::moto::Moto;
use banto::local::proxy::Proxy;
use banto::local::runtime_api::{Function, InvocationError};
use banto::local::slack::Slack;
use banto::local::venv::Venv;
use banto_fake::PolicyText;
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::policies;

/// The account that the function is in.
pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "eu-west-1";

pub struct Local {
    pub venv: Venv,
    pub moto: Moto,
    pub proxy: Proxy,
    pub slack: Slack,
    pub aws: Aws,
    pub credentials: Credentials,
    /// The simulated clock, which the local AWS, Slack and the function follow.
    pub now: Timestamp,
    /// `BANTO_LOG`.
    pub log_level: &'static str,
    function: String,
    binary: PathBuf,
    directory: TempDir,
}

impl Local {
    pub async fn of(function: &str) -> Self {
        let quiet = |_: &str| {};
        let venv = Venv::ensure(&quiet).await.unwrap();
        let binary = function_binary(function, &quiet).await.unwrap();
        let moto = Moto::start(&venv).await.unwrap();
        let proxy = Proxy::start(moto.endpoint()).await.unwrap();
        let slack = Slack::start().await.unwrap();
        let nobody = Aws::nobody(moto.endpoint(), REGION);
        let credentials = nobody
            .assume_role(&format!("arn:aws:iam::{ACCOUNT}:role/banto"))
            .await
            .unwrap();
        let aws = nobody.with_key(&credentials.access_key_id);
        let directory = tempfile::tempdir().unwrap();
        let (now, log_level) = (Timestamp::now(), "info");
        Self {
            venv,
            moto,
            proxy,
            slack,
            aws,
            credentials,
            now,
            log_level,
            function: function.to_owned(),
            binary,
            directory,
        }
    }

    /// The least that a policy must say, and the topics that it names.
    pub async fn least_policy(&self) -> PolicyText {
        let least = PolicyText::least();
        for topic in ["operators", "owners"] {
            let arn = self.aws.create_topic(topic).await.unwrap();
            assert!(least.to_string().contains(&arn), "{arn}");
        }
        least
    }

    /// Starts the function with a policy.
    pub async fn start(&self, policy: &PolicyText) -> Result<Function, InvocationError> {
        self.start_with(policy, &[]).await
    }

    /// Starts the function with a policy, some variables other than usual.
    pub async fn start_with(
        &self,
        policy: &PolicyText,
        other: &[(&str, &str)],
    ) -> Result<Function, InvocationError> {
        let file = self.directory.path().join("banto.toml");
        std::fs::write(&file, policy.to_string()).unwrap();
        let variables = [
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", self.credentials.access_key_id.clone()),
            (
                "AWS_SECRET_ACCESS_KEY",
                self.credentials.secret_access_key.to_string(),
            ),
            (
                "AWS_SESSION_TOKEN",
                self.credentials.session_token.clone().unwrap(),
            ),
            ("AWS_ENDPOINT_URL", self.proxy.endpoint()),
            ("SLACK_API_URL", self.slack.api_url()),
            ("BANTO_POLICY", file.to_str().unwrap().to_owned()),
            (
                "BANTO_CLOCK_OFFSET_SECONDS",
                self.now
                    .duration_since(Timestamp::now())
                    .as_secs()
                    .to_string(),
            ),
            ("BANTO_LOG", self.log_level.to_owned()),
        ];
        let other = other
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        // Of two variables of one name, the last is what the process sees.
        let variables = variables
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .chain(other);
        Function::start(&self.binary, variables).await
    }

    /// Lets time pass.
    pub async fn advance(&mut self, time: SignedDuration) {
        self.now += time;
        self.moto.set_clock(self.now).await.unwrap();
        self.slack.set_clock(self.now);
    }
}

impl Drop for Local {
    /// No run has made a call that AWS would have denied.
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        let calls = self.proxy.all_calls();
        let denied = policies::denied(&self.function, &self.credentials.access_key_id, &calls);
        assert_eq!(denied, Vec::<String>::new(), "{}", self.function);
    }
}
