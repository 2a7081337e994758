//! What operators do by `banto keys` and `banto replay`: the program itself, on a local AWS, with the
//! function before it.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use banto::local::aws::Aws;
use banto::local::function_binary;
use banto::local::proxy::{Fault, Proxy, Rule};
use banto::local::queue::Queue;
use banto_fake::PolicyText;
use banto_seal::holder::{Holder, Kind, Lifetime};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::super::local::{ACCOUNT, Local, REGION};
use super::desk::Desk;
use super::town::BUCKET;

/// Time that an invocation may take: the longest that Lambda allows.
const PATIENCE: Duration = Duration::from_mins(15);

struct Office {
    local: Local,
    desk: Arc<Desk>,
    queue: Queue,
    policy: PolicyText,
}

/// A command's end.
struct Ended {
    code: i32,
    shown: String,
    said: String,
}

impl Ended {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap(),
            shown: text(&output.stdout),
            said: text(&output.stderr),
        }
    }
}

impl Office {
    /// Users who have registered a certificate, each with a key of 100 days, and an operator.
    async fn of(users: &[&str]) -> Self {
        let local = Local::of("rotate-access-keys").await;
        let Local { aws, moto, now, .. } = &local;
        aws.create_bucket(BUCKET).await.unwrap();
        aws.create_denial_of_sessions().await.unwrap();
        let queue = Queue::create(aws, "banto-rotation").await.unwrap();
        let policy = local.least_policy().await;
        let policy = policy.with("role = ", "assume = false\nrole = ");
        let hundred_days = SignedDuration::from_hours(24 * 100);
        moto.set_clock(*now - hundred_days).await.unwrap();
        let lifetime = Lifetime {
            from: *now - hundred_days * 2,
            until: None,
        };
        let holder = Holder::generate("A <a@example.com>", Kind::Curve25519, lifetime).unwrap();
        for user in users {
            let certificate = holder.certificate().unwrap();
            let place = format!("certs/{user}.asc");
            aws.put_object(BUCKET, &place, certificate).await.unwrap();
            let pin = [("banto:openpgp", holder.fingerprint().as_str())];
            aws.create_user(user, "/developers/", &pin).await.unwrap();
            aws.create_access_key(user).await.unwrap();
        }
        moto.set_clock(*now).await.unwrap();
        let mut desk = Desk::before(&local);
        desk.region = REGION;
        let program = function_binary("banto", &|_: &str| {}).await.unwrap();
        symlink(program, desk.path("bin/banto")).unwrap();
        desk.write("banto.toml", &policy.to_string());
        let office = Self {
            local,
            desk: Arc::new(desk),
            queue,
            policy,
        };
        office.take_credentials().await;
        office
    }

    /// Puts an operator's credentials where a shell can read them.
    async fn take_credentials(&self) {
        let nobody = Aws::nobody(self.local.moto.endpoint(), REGION);
        let role = format!("arn:aws:iam::{ACCOUNT}:role/operator");
        let credentials = nobody.assume_role(&role).await.unwrap();
        let lines = format!(
            "export AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={} AWS_SESSION_TOKEN={}\n",
            credentials.access_key_id,
            credentials.secret_access_key.as_str(),
            credentials.session_token.unwrap(),
        );
        self.desk.write("credentials.sh", &lines);
    }

    /// Runs `banto` with these words.
    async fn banto(&self, words: &str) -> Ended {
        self.banto_at(self.local.moto.endpoint(), words, "").await
    }

    /// The same before an endpoint. The proxy is in this process, and works on meanwhile.
    async fn banto_at(&self, endpoint: &str, words: &str, input: &str) -> Ended {
        let command = self.command(endpoint, words);
        let (desk, input) = (Arc::clone(&self.desk), input.to_owned());
        let output = spawn_blocking(move || desk.try_run(&command, &input)).await;
        Ended::of(&output.unwrap())
    }

    fn command(&self, endpoint: &str, words: &str) -> String {
        let ahead = self.local.now.duration_since(Timestamp::now()).as_secs();
        format!(
            ". ./credentials.sh; AWS_ENDPOINT_URL={endpoint} BANTO_CLOCK_OFFSET_SECONDS={ahead} \
             banto {words}"
        )
    }

    /// The function works off its queue, or a run by schedule.
    async fn work(&mut self) {
        let mut function = self.local.start(&self.policy).await.unwrap();
        let worked = self.queue.work_off(&mut function, PATIENCE).await;
        function.stop().await;
        assert!(worked.unwrap().iter().all(|worked| worked.done));
    }

    async fn run_daily(&mut self) {
        self.local
            .advance(SignedDuration::from_mins(24 * 60 + 1))
            .await;
        let event = json!({ "source": "aws.events", "detail-type": "Scheduled Event" });
        let mut function = self.local.start(&self.policy).await.unwrap();
        let answer = function.invoke(&event, PATIENCE).await;
        function.stop().await;
        answer.unwrap();
    }

    /// Everything that a look must leave as it is.
    async fn everything(&self, users: &[&str]) -> Vec<String> {
        let mut everything = Vec::new();
        for user in users {
            let keys = self.local.aws.access_keys(user).await.unwrap();
            everything.push(format!("{keys:?}"));
        }
        let all = json!({});
        let secrets = self.local.aws.secrets_manager("ListSecrets", &all).await;
        everything.push(secrets.unwrap().to_string());
        everything.push(self.queue.waiting().await.unwrap().to_string());
        everything
    }
}

fn json_of(ended: &Ended) -> Value {
    serde_json::from_str(&ended.shown).unwrap_or_else(|_| panic!("{}{}", ended.shown, ended.said))
}

#[tokio::test]
async fn an_operator_plans_rotates_looks_and_restores_by_the_program() {
    let mut office = Office::of(&["alice", "bob"]).await;
    let before = office.everything(&["alice", "bob"]).await;
    let planned = office.banto("keys plan").await;
    assert_eq!(planned.code, 0, "{}{}", planned.shown, planned.said);
    assert_eq!(planned.shown.matches("issues a new key").count(), 2);
    let status = office.banto("keys status --all").await;
    assert_eq!(status.code, 1, "both are late: {}", status.shown);
    assert!(status.shown.contains("2 late"), "{}", status.shown);
    assert_eq!(office.everything(&["alice", "bob"]).await, before);

    let unasked = office.banto("keys rotate alice").await;
    assert_eq!(unasked.code, 2);
    assert!(unasked.said.contains("--yes"), "{}", unasked.said);
    let nowhere = office
        .banto("keys rotate alice --yes --queue nowhere")
        .await;
    assert_eq!(nowhere.code, 1);
    assert!(
        nowhere.said.contains("/nowhere: --queue"),
        "{}",
        nowhere.said
    );
    assert_eq!(office.everything(&["alice", "bob"]).await, before);

    let unknown = office.banto("keys leave alise --confirm alise").await;
    assert_eq!(unknown.code, 1);
    assert!(unknown.said.contains("no user alise"), "{}", unknown.said);
    assert_eq!(office.everything(&["alice", "bob"]).await, before);

    let sent = office.banto("keys rotate alice --yes").await;
    assert_eq!(sent.code, 0, "{}{}", sent.shown, sent.said);
    assert!(sent.shown.contains("banto keys status alice"));
    office.work().await;
    let status = json_of(&office.banto("keys status alice --json").await);
    let alice = &status["accounts"][0]["users"][0];
    let state = alice["state"].as_str().unwrap();
    assert!(state.ends_with(", unused"), "{alice:#}");

    let keys = office.local.aws.access_keys("alice").await.unwrap();
    let new = keys.last().unwrap().id.clone();
    let used = office.local.aws.with_key(&new).caller_identity().await;
    used.unwrap();
    for _ in 0..4 {
        office.run_daily().await;
    }
    let status = json_of(&office.banto("keys status alice --json").await);
    let alice = &status["accounts"][0]["users"][0];
    assert_eq!(alice["state"], "old key disabled", "{alice:#}");
    let sent = office.banto("keys restore alice --yes").await;
    assert_eq!(sent.code, 0, "{}{}", sent.shown, sent.said);
    assert!(sent.shown.contains("active again"), "{}", sent.shown);
    office.work().await;
    let keys = office.local.aws.access_keys("alice").await.unwrap();
    assert!(keys.iter().all(|key| key.active), "{keys:?}");
}

#[tokio::test]
async fn an_operator_waits_for_a_rotation_and_sees_the_delivery() {
    let mut office = Office::of(&["alice"]).await;
    let command = office.command(
        office.local.moto.endpoint(),
        "keys rotate alice --yes --wait",
    );
    let desk = Arc::clone(&office.desk);
    let waiting = spawn_blocking(move || desk.try_run(&command, ""));
    while office.queue.waiting().await.unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    office.work().await;
    let ended = Ended::of(&waiting.await.unwrap());
    assert_eq!(ended.code, 0, "{}{}", ended.shown, ended.said);
    let keys = office.local.aws.access_keys("alice").await.unwrap();
    let delivered = format!("alice: the new key {} is delivered", keys[1].id);
    assert!(ended.said.contains(&delivered), "{}", ended.said);
}

#[tokio::test]
async fn what_aws_denies_is_named_and_what_it_throttles_is_asked_again() {
    let office = Office::of(&["alice"]).await;
    // One of its own: that of the function is held to the policy of the function.
    let proxy = Proxy::start(office.local.moto.endpoint()).await.unwrap();
    let breaks = |operation: &str, times, fault| {
        proxy.reset();
        proxy.inject(Rule {
            operation: Some(operation.to_owned()),
            first: 1,
            times,
            fault,
        });
    };
    let at = proxy.endpoint();
    breaks("iam:GetCredentialReport", 99, Fault::Denied);
    let denied = office.banto_at(&at, "keys plan", "").await;
    assert_eq!(denied.code, 3);
    let names = ["iam:GetCredentialReport", ACCOUNT];
    assert!(
        names.iter().all(|name| denied.said.contains(name)),
        "{}",
        denied.said
    );

    fs::write(
        office.desk.path("all.json"),
        json!({ "source": "aws.events", "detail-type": "Scheduled Event" }).to_string(),
    )
    .unwrap();
    let replay = "replay all.json --function rotate-access-keys --dry-run";
    let denied = office.banto_at(&at, replay, "").await;
    assert_eq!(denied.code, 3, "{}{}", denied.shown, denied.said);

    breaks("iam:ListAccessKeys", 2, Fault::Throttled);
    let throttled = office.banto_at(&at, "keys plan", "").await;
    assert_eq!(throttled.code, 0, "{}", throttled.said);

    breaks("secretsmanager:GetSecretValue", 99, Fault::Denied);
    let closed = office.banto_at(&at, "keys plan", "").await;
    assert_eq!(closed.code, 1, "{}", closed.said);
    assert!(
        closed.shown.contains("may not read the records"),
        "{}",
        closed.shown
    );
    assert!(
        !closed.shown.contains("issues a new key"),
        "{}",
        closed.shown
    );
}

#[tokio::test]
async fn an_event_is_replayed_dry_and_for_real() {
    let office = Office::of(&["alice"]).await;
    let before = office.everything(&["alice"]).await;
    fs::write(
        office.desk.path("event.json"),
        json!({ "Messages": [{
            "MessageId": "8d0e1f2a-0000-4000-8000-000000000001", "ReceiptHandle": "handle",
            "Body": json!({ "users": ["alice"], "mode": "force" }).to_string(),
        }] })
        .to_string(),
    )
    .unwrap();
    let dry = office.banto("replay event.json --dry-run").await;
    assert_eq!(dry.code, 0, "{}{}", dry.shown, dry.said);
    assert!(dry.shown.contains("issues a new key"), "{}", dry.shown);
    assert_eq!(office.everything(&["alice"]).await, before);

    let wrong = office
        .banto("replay event.json --confirm 999988887777")
        .await;
    assert_eq!(wrong.code, 1);
    assert_eq!(office.everything(&["alice"]).await, before);

    let real = office
        .banto(&format!("replay event.json --confirm {ACCOUNT} --json"))
        .await;
    assert_eq!(real.code, 0, "{}{}", real.shown, real.said);
    let real = json_of(&real);
    assert_eq!(
        real["answers"][0]["response"]["batchItemFailures"],
        json!([])
    );
    assert_ne!(real["messages"], json!([]), "owner and operators are told");
    let keys = office.local.aws.access_keys("alice").await.unwrap();
    assert_eq!(keys.len(), 2);

    let foreign = json!({ "source": "aws.ec2", "detail-type": "EC2 Spot", "detail": {} });
    let endpoint = office.local.moto.endpoint();
    let foreign = office
        .banto_at(endpoint, "replay - --dry-run", &foreign.to_string())
        .await;
    assert_eq!(foreign.code, 2);
    assert!(
        foreign.said.contains("rotate-access-keys:"),
        "{}",
        foreign.said
    );
}
