//! A local AWS with one developer whose key is due, and the function before it.

use std::time::Duration;

use banto::local::aws::caller_identity_by_boto3;
use banto::local::runtime_api::InvocationError;
use banto_fake::PolicyText;
use banto_seal::holder::{Holder, Kind, Lifetime};
use jiff::SignedDuration;
use serde_json::Value;

use super::local::{Local, REGION};

const BUCKET: &str = "certificates";

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
            holder,
            policy,
        }
    }

    /// Starts the function anew, hands it an event, and ends it.
    pub async fn invoke(&mut self, event: &Value) -> Result<Value, InvocationError> {
        let mut function = self.local.start(&self.policy()).await?;
        let answer = function.invoke(event, Duration::from_secs(300)).await;
        self.log = function.stop().await;
        answer
    }

    pub async fn advance_minutes(&mut self, minutes: i64) {
        self.local.advance(SignedDuration::from_mins(minutes)).await;
    }

    /// The credentials that alice finds in her envelope.
    pub async fn opened(&self) -> Vec<u8> {
        let record = self
            .local
            .aws
            .secret_value("banto/access-keys/alice")
            .await
            .unwrap();
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
        let record = self
            .local
            .aws
            .secret_value("banto/access-keys/alice")
            .await
            .unwrap();
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
