//! A local AWS with one developer whose key is due, and the function before it.

use std::time::Duration;

use banto::local::aws::caller_identity_by_boto3;
use banto::local::queue::{Queue, Worked};
use banto::local::runtime_api::InvocationError;
use banto::local::slack::TOKEN;
use banto_domain::record::Record;
use banto_fake::PolicyText;
use banto_ports::MemberState;
use banto_seal::holder::{Holder, Kind, Lifetime};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::local::{Local, REGION};

const BUCKET: &str = "certificates";

/// The secret that holds alice's record.
const RECORD: &str = "banto/access-keys/alice";

/// Time that an invocation may take: the longest that Lambda allows, since a run begins nothing
/// that it may have no time to end.
const PATIENCE: Duration = Duration::from_mins(15);

pub struct Harness {
    pub local: Local,
    /// Everything that the function printed when it was last invoked.
    pub log: Vec<u8>,
    /// Lines to add to the policy's first section.
    pub policy_problem: Option<&'static str>,
    /// True if the policy names a group, so that its members are asked for.
    pub exempt_group: bool,
    /// True if the function assumes the identity account's role, instead of being in that account.
    pub assume: bool,
    /// The queue of requests.
    pub queue: Queue,
    holder: Holder,
    policy: PolicyText,
}

impl Harness {
    /// Alice has registered a certificate, and a key of 100 days.
    pub async fn with_due_alice() -> Self {
        let local = Local::of("rotate-access-keys").await;
        let Local {
            aws,
            slack,
            moto,
            now,
            ..
        } = &local;
        aws.create_bucket(BUCKET).await.unwrap();
        aws.create_denial_of_sessions().await.unwrap();
        let queue = Queue::create(aws, "banto-rotation").await.unwrap();
        let revocations = Queue::create(aws, "banto-accounts").await.unwrap();
        let operators = aws
            .create_secret("banto/slack/operators", &slack.webhook("operators"))
            .await
            .unwrap();
        let owners = aws
            .create_secret("banto/slack/owners", &slack.webhook("owners"))
            .await
            .unwrap();
        let webhooks =
            format!("[notices.slack]\noperators = \"{operators}\"\nowners = \"{owners}\"\n");
        let policy = local
            .least_policy()
            .await
            .with("role = ", "assume = false\nrole = ")
            .with_lines(
                "rotation",
                &format!("revocations = \"{}\"", revocations.url),
            )
            .and(&webhooks);
        moto.set_clock(*now - SignedDuration::from_hours(24 * 100))
            .await
            .unwrap();
        let lifetime = Lifetime {
            from: *now - SignedDuration::from_hours(24 * 200),
            until: None,
        };
        let holder =
            Holder::generate("Alice <alice@example.com>", Kind::Curve25519, lifetime).unwrap();
        aws.put_object(BUCKET, "certs/alice.asc", holder.certificate().unwrap())
            .await
            .unwrap();
        let tags = [("banto:openpgp", holder.fingerprint().as_str())];
        aws.create_user("alice", "/developers/", &tags)
            .await
            .unwrap();
        aws.create_access_key("alice").await.unwrap();
        moto.set_clock(*now).await.unwrap();
        Self {
            local,
            log: Vec::new(),
            policy_problem: None,
            exempt_group: false,
            assume: false,
            queue,
            holder,
            policy,
        }
    }

    /// Gives the policy a bot token, and alice an id in Slack, where she is an active member.
    pub async fn write_directly(&mut self, member: &str) {
        let Local { aws, slack, .. } = &self.local;
        let token = aws.create_secret("banto/slack/token", TOKEN).await.unwrap();
        aws.tag_user("alice", &[("banto:slack", member)])
            .await
            .unwrap();
        slack.set_member(member, MemberState::Active);
        let line = format!("token = \"{token}\"");
        self.policy = self.policy.clone().with_lines("notices.slack", &line);
    }

    /// Starts the function anew, hands it an event, and ends it.
    pub async fn invoke(&mut self, event: &Value) -> Result<Value, InvocationError> {
        let mut function = self.local.start(&self.policy()).await?;
        let answer = function.invoke(event, PATIENCE).await;
        self.log = function.stop().await;
        answer
    }

    /// Puts an event on the queue, and has the queue worked off once.
    pub async fn tell(&mut self, event: &Value) -> Vec<Worked> {
        self.queue.send(std::slice::from_ref(event)).await.unwrap();
        self.work_off().await
    }

    /// Hands the function the messages of the queue that are visible now.
    pub async fn work_off(&mut self) -> Vec<Worked> {
        let mut function = self.local.start(&self.policy()).await.unwrap();
        let worked = self.queue.work_off(&mut function, PATIENCE).await;
        self.log = function.stop().await;
        worked.unwrap()
    }

    /// Somebody writes a version of alice's record under the token of the next one, and leaves the
    /// present version current.
    pub async fn take_next_token(&self) {
        let record = Record::from_text(&self.record().await).unwrap();
        let version = json!({
            "SecretId": RECORD,
            "ClientRequestToken": record.next("somebody").write_token(0),
            "SecretString": "somebody else's",
            "VersionStages": ["SOMEBODY"],
        });
        let aws = &self.local.aws;
        aws.secrets_manager("PutSecretValue", &version)
            .await
            .unwrap();
    }

    /// What everybody was told in Slack, in a line each.
    pub fn headlines(&self) -> Vec<String> {
        let posts = self.local.slack.posts();
        posts
            .iter()
            .map(|post| post.body["text"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The text of alice's record.
    pub async fn record(&self) -> String {
        self.local.aws.secret_value(RECORD).await.unwrap()
    }

    pub async fn advance_minutes(&mut self, minutes: i64) {
        self.local.advance(SignedDuration::from_mins(minutes)).await;
    }

    /// The credentials that alice finds in her envelope.
    pub async fn opened(&self) -> Vec<u8> {
        let record = self.record().await;
        self.holder.open(&record).unwrap().to_vec()
    }

    /// The ARN of the caller who signs with these credentials; the signature is checked.
    pub async fn caller(&self, credentials: &[u8]) -> String {
        self.local.moto.check_credentials(true).await.unwrap();
        let caller = caller_identity_by_boto3(
            &self.local.venv,
            self.local.moto.endpoint(),
            REGION,
            credentials,
        )
        .await;
        self.local.moto.check_credentials(false).await.unwrap();
        caller.unwrap()
    }

    /// Alice uses her new key.
    pub async fn use_new_key(&self) {
        let payload = self.opened().await;
        self.caller(&payload).await;
    }

    /// Every secret that the local AWS has made, as only the local AWS knows it: the function's own
    /// credentials, and, where an envelope is stored, what is in it.
    pub async fn every_secret(&self) -> Vec<String> {
        let mut secrets = vec![self.local.credentials.secret_access_key.to_string()];
        let record = self.record().await;
        if record.contains("BEGIN PGP MESSAGE") {
            let payload: Value =
                serde_json::from_slice(&self.holder.open(&record).unwrap()).unwrap();
            secrets.push(payload["SecretAccessKey"].as_str().unwrap().to_owned());
        }
        secrets
    }

    fn policy(&self) -> PolicyText {
        let mut policy = self.policy.clone();
        if let Some(problem) = self.policy_problem {
            policy = policy.with_lines("rotation", problem);
        }
        if self.exempt_group {
            policy =
                policy.and("[[rotation.exemptions]]\ngroup = \"parked\"\nuntil = 2099-01-01\nreason = \"parked\"\n");
        }
        if self.assume {
            policy.with("assume = false", "assume = true")
        } else {
            policy
        }
    }
}
