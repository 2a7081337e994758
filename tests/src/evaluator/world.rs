//! A function's real binary before a local AWS that enforces IAM, with a role of its own.

use std::path::PathBuf;
use std::time::Duration;

use banto::local::aws::Aws;
use banto::local::function_binary;
use banto::local::ministack::Ministack;
use banto::local::proxy::{Call, Proxy};
use banto::local::queue::{Queue, Worked};
use banto::local::runtime_api::Function;
use banto::local::slack::Slack;
use banto::local::venv::Venv;
use banto_fake::PolicyText;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::policy::Policy;

pub const REGION: &str = "eu-west-1";
pub const ORGANIZATION: &str = "o-exampleorgid";

/// The function's role. Its ARN is `role_arn`'s.
const ROLE: &str = "banto";

/// The moment at which every scenario begins, so that what people are told is the same in each.
const BEGIN: &str = "2026-12-01T10:00:00Z";

/// Time that an invocation may take: the longest that Lambda allows, since a run begins nothing
/// that it may have no time to end.
const PATIENCE: Duration = Duration::from_mins(15);

pub struct World {
    /// The function's account.
    pub account: &'static str,
    pub emulator: Ministack,
    pub proxy: Proxy,
    pub slack: Slack,
    /// The root user of the function's account, who is not checked.
    pub aws: Aws,
    /// The simulated clock, which the local AWS, Slack and the function follow.
    pub now: Timestamp,
    /// Everything that the function answered and logged.
    pub said: String,
    binary: PathBuf,
    directory: TempDir,
}

/// What a scenario came to.
pub struct Ending {
    /// What is to be seen from outside, without what differs from run to run.
    pub state: Value,
    /// Everything that the function answered and logged.
    pub said: String,
    /// The calls that the function made.
    pub calls: Vec<Call>,
}

pub fn role_arn(account: &str) -> String {
    format!("arn:aws:iam::{account}:role/{ROLE}")
}

impl World {
    pub async fn of(function: &str, account: &'static str) -> Self {
        let quiet = |_: &str| {};
        let venv = Venv::ensure_enforcing(&quiet).await.unwrap();
        let binary = function_binary(function, &quiet).await.unwrap();
        let emulator = Ministack::start(&venv, ORGANIZATION).await.unwrap();
        let proxy = Proxy::start(emulator.endpoint()).await.unwrap();
        let now = BEGIN.parse().unwrap();
        emulator.set_clock(now).await.unwrap();
        let slack = Slack::start().await.unwrap();
        slack.set_clock(now);
        let aws = Aws::nobody(emulator.endpoint(), REGION).with_key(account);
        Self {
            account,
            emulator,
            proxy,
            slack,
            aws,
            now,
            said: String::new(),
            binary,
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// Gives the function's role this policy, and no other.
    pub async fn grant(&self, policy: &Policy) {
        grant(&self.aws, "lambda.amazonaws.com", policy).await;
    }

    /// Starts the function anew with a session of its role, hands it an event, and ends it.
    pub async fn invoke(&mut self, policy: &PolicyText, event: &Value) {
        let mut function = self.start(policy).await;
        let answer = function.invoke(event, PATIENCE).await;
        self.hear(&function.stop().await, &format!("{answer:?}"));
    }

    /// Hands the function the messages of a queue that are visible now, and answers them.
    pub async fn work_off(&mut self, policy: &PolicyText, queue: &Queue) -> Vec<Worked> {
        let mut function = self.start(policy).await;
        let worked = queue.work_off(&mut function, PATIENCE).await;
        self.hear(&function.stop().await, &format!("{worked:?}"));
        worked.unwrap_or_default()
    }

    /// Lets time pass.
    pub async fn advance(&mut self, time: SignedDuration) {
        self.now += time;
        self.emulator.set_clock(self.now).await.unwrap();
        self.slack.set_clock(self.now);
    }

    /// What everybody was told in Slack, in a line each, without the ids of keys.
    pub fn headlines(&self) -> Vec<String> {
        let posts = self.slack.posts();
        let same = |word: &str| match word.strip_prefix("AKIA") {
            Some(_) => "AKIA…".to_owned(),
            None => word.to_owned(),
        };
        let text = |body: &Value| {
            let words = body["text"].as_str().unwrap().split(' ').map(same);
            words.collect::<Vec<_>>().join(" ")
        };
        posts.iter().map(|post| text(&post.body)).collect()
    }

    /// The end of a scenario.
    pub fn end(self, state: Value) -> Ending {
        Ending {
            state,
            said: self.said,
            calls: self.proxy.calls(),
        }
    }

    pub fn hear(&mut self, log: &[u8], answer: &str) {
        self.said.push_str(&String::from_utf8_lossy(log));
        self.said.push_str(answer);
        self.said.push('\n');
    }

    /// Starts the function anew with a session of its role.
    pub async fn start(&self, policy: &PolicyText) -> Function {
        let file = self.directory.path().join("banto.toml");
        std::fs::write(&file, policy.to_string()).unwrap();
        // Lambda renews a function's credentials; a session from before may be over by now.
        let session = self.aws.assume_role(&role_arn(self.account)).await.unwrap();
        let ahead = self.now.duration_since(Timestamp::now()).as_secs();
        let variables = [
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", session.access_key_id),
            (
                "AWS_SECRET_ACCESS_KEY",
                session.secret_access_key.to_string(),
            ),
            ("AWS_SESSION_TOKEN", session.session_token.unwrap()),
            ("AWS_ENDPOINT_URL", self.proxy.endpoint()),
            ("SLACK_API_URL", self.slack.api_url()),
            ("BANTO_POLICY", file.to_str().unwrap().to_owned()),
            ("BANTO_CLOCK_OFFSET_SECONDS", ahead.to_string()),
            ("BANTO_LOG", "info".to_owned()),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        Function::start(&self.binary, variables).await.unwrap()
    }
}

/// Makes the role of an account's function, which `trusted` may assume, with one policy.
pub async fn grant(account: &Aws, trusted: &str, policy: &Policy) {
    let kind = if trusted.starts_with("arn:") {
        "AWS"
    } else {
        "Service"
    };
    let trust = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { kind: trusted }, "Action": "sts:AssumeRole" }
    ] });
    let role = [
        ("RoleName", ROLE),
        ("AssumeRolePolicyDocument", &trust.to_string()),
    ];
    account.iam("CreateRole", &role).await.unwrap();
    let inline = [
        ("RoleName", ROLE),
        ("PolicyName", ROLE),
        ("PolicyDocument", &policy.to_string()),
    ];
    account.iam("PutRolePolicy", &inline).await.unwrap();
}
