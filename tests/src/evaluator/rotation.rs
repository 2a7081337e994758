//! rotate-access-keys from a key that is due to its deletion, by requests, in an emergency, and in
//! another account than its own.

use banto::local::aws::Aws;
use banto::local::proxy::{Fault, Rule};
use banto::local::queue::Queue;
use banto::local::slack::Refusal;
use banto_domain::AccessKeyId;
use banto_domain::record::Record;
use banto_fake::PolicyText;
use banto_seal::holder::{Holder, Kind, Lifetime};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::policy::Policy;
use super::world::{Ending, ORGANIZATION, REGION, World, grant, role_arn};

const FUNCTION: &str = "rotate-access-keys";
const IDENTITY: &str = "111122223333";
/// The function's account, where that is not alice's.
const ELSEWHERE: &str = "999988887777";
const BUCKET: &str = "certificates";
pub const TEMPLATE: &str = include_str!("../../../functions/rotate-access-keys/iam-policy.json");
/// The module that says which statements an identity account's role has.
const OF_IDENTITY: &str = include_str!("../../../infra/modules/rotator-role/policy/main.tf");

pub struct Rotation {
    world: World,
    identity: Aws,
    queue: Queue,
    holder: Holder,
    policy: PolicyText,
}

/// A day, and a minute in which the runs may begin.
const DAY: SignedDuration = SignedDuration::from_mins(24 * 60 + 1);

impl Rotation {
    /// Alice has registered a certificate, and a key of 100 days. `take` changes the policy that is
    /// granted.
    async fn with_due_alice(account: &'static str, take: impl Fn(Policy) -> Policy) -> Self {
        let world = World::of(FUNCTION, account).await;
        let identity = world.aws.with_key(IDENTITY);
        let queue = Queue::create(&world.aws, "banto-rotation").await.unwrap();
        hide_as_deployed(&world.aws, &queue).await;
        let accounts = Queue::create(&world.aws, "banto-accounts").await.unwrap();
        let (key, public_key) = signing_key(&identity).await;
        let policy = banto_toml(&world, &accounts.url, &key, &public_key).await;
        let names = names(account, &key);
        let rendered = take(Policy::render(TEMPLATE, &names));
        if account == IDENTITY {
            world.grant(&rendered).await;
        } else {
            let own = rendered.clone().with_statements(|sid| !is_of_identity(sid));
            world.grant(&own).await;
            let there = rendered.with_statements(is_of_identity);
            grant(&identity, &role_arn(account), &there).await;
        }
        let holder = alice(&world, &identity).await;
        Self {
            world,
            identity,
            queue,
            holder,
            policy,
        }
    }

    async fn invoke(&mut self, event: &Value) {
        self.world.invoke(&self.policy, event).await;
    }

    async fn scheduled(&mut self) {
        let event =
            include_str!("../../../functions/rotate-access-keys/tests/events/scheduled.json");
        self.invoke(&serde_json::from_str(event).unwrap()).await;
    }

    /// Puts an event on the queue, and has it worked off once; true if it was done.
    async fn tell(&mut self, event: &Value) -> bool {
        self.queue.send(std::slice::from_ref(event)).await.unwrap();
        self.work_off().await
    }

    async fn work_off(&mut self) -> bool {
        let worked = self.world.work_off(&self.policy, &self.queue).await;
        !worked.is_empty() && worked.iter().all(|message| message.done)
    }

    /// Whether each of alice's keys is active, the oldest first.
    async fn keys(&self) -> Vec<bool> {
        let keys = self.identity.access_keys("alice").await.unwrap();
        keys.iter().map(|key| key.active).collect()
    }

    async fn first_key(&self) -> String {
        let keys = self.identity.access_keys("alice").await.unwrap();
        keys[0].id.clone()
    }

    /// True while alice's sessions are denied.
    async fn attached(&self) -> bool {
        let user = [("UserName", "alice")];
        let listed = self.identity.iam("ListAttachedUserPolicies", &user).await;
        listed.unwrap().contains("deny-temporary-credentials")
    }

    async fn record(&self) -> Option<Record> {
        let text = self.identity.secret_value("banto/access-keys/alice").await;
        Record::from_text(&text.ok()?).ok()
    }

    /// Alice tags herself with her new key, if she has one; answers that.
    async fn name_new_key(&self) -> Option<AccessKeyId> {
        let key = self.record().await?.rotation?.issued.key;
        let tag = [("banto:acknowledged", key.as_str())];
        self.identity.tag_user("alice", &tag).await.unwrap();
        Some(key)
    }

    /// Alice says that her new key works, and signs it.
    async fn acknowledge(&self) {
        if let Some(key) = self.name_new_key().await {
            let signed = self.holder.acknowledge(&key).unwrap();
            let object = "certs/alice.acknowledged";
            let identity = &self.identity;
            identity.put_object(BUCKET, object, signed).await.unwrap();
        }
    }

    /// Tags of alice's record, and who may read it.
    async fn access(&self) -> Value {
        let secret = json!({ "SecretId": "banto/access-keys/alice" });
        let described = self.identity.secrets_manager("DescribeSecret", &secret);
        let described = described.await.unwrap_or_default();
        let policy = self.identity.secrets_manager("GetResourcePolicy", &secret);
        let policy = policy.await.unwrap_or_default();
        let tags = described["Tags"].as_array().cloned().unwrap_or_default();
        let tags: Vec<&Value> = tags.iter().map(|tag| &tag["Key"]).collect();
        json!({ "tags": tags, "policy": policy["ResourcePolicy"].is_string() })
    }

    async fn end(self, mut state: Value) -> Ending {
        state["keys"] = json!(self.keys().await);
        state["access"] = self.access().await;
        state["told"] = json!(self.world.headlines());
        state["waiting"] = json!(self.queue.waiting().await.unwrap());
        state["published"] = json!(published(&self.world));
        self.world.end(state)
    }
}

/// Notices that SNS took.
fn published(world: &World) -> usize {
    let calls = world.proxy.calls();
    let taken = |call: &&_| is_taken(call, "sns:Publish");
    calls.iter().filter(taken).count()
}

pub fn is_taken(call: &banto::local::proxy::Call, operation: &str) -> bool {
    call.operation == operation && call.status == Some(200)
}

/// True of a statement that is the identity account's role's.
fn is_of_identity(sid: &str) -> bool {
    let (_, sids) = OF_IDENTITY.split_once("sids = [").unwrap();
    let (sids, _) = sids.split_once(']').unwrap();
    sids.contains(&format!("\"{sid}\""))
}

fn names(account: &str, signing_key: &str) -> [(&'static str, String); 14] {
    let topic = |name: &str| format!("arn:aws:sns:{REGION}:{account}:{name}");
    let queue = |name: &str| format!("arn:aws:sqs:{REGION}:{account}:{name}");
    [
        ("account", IDENTITY.to_owned()),
        ("region", REGION.to_owned()),
        ("user_path", "/developers/".to_owned()),
        ("signing_key", signing_key.to_owned()),
        ("secrets_region", REGION.to_owned()),
        ("secrets_account", account.to_owned()),
        ("certificate_bucket", BUCKET.to_owned()),
        ("certificate_prefix", "certs/".to_owned()),
        ("queue_arn", queue("banto-rotation")),
        ("operators_topic", topic("operators")),
        ("owners_topic", topic("owners")),
        ("identity_roles", role_arn(IDENTITY)),
        ("organization", ORGANIZATION.to_owned()),
        ("revocations_queue_arn", queue("banto-accounts")),
    ]
}

/// Hides messages for as long as the deployed queue does: so a message that the function hid for a
/// shorter time is told from one that it could not.
async fn hide_as_deployed(aws: &Aws, queue: &Queue) {
    let attributes = json!({ "VisibilityTimeout": "900" });
    let set = json!({ "QueueUrl": queue.url, "Attributes": attributes });
    aws.json("sqs", "AmazonSQS", "SetQueueAttributes", &set)
        .await
        .unwrap();
}

/// A key that signs records; answers its ARN and its public key.
async fn signing_key(aws: &Aws) -> (String, String) {
    let key = json!({ "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY" });
    let key = aws.json("kms", "TrentService", "CreateKey", &key).await;
    let arn = key.unwrap()["KeyMetadata"]["Arn"]
        .as_str()
        .unwrap()
        .to_owned();
    let asked = json!({ "KeyId": arn });
    let public = aws
        .json("kms", "TrentService", "GetPublicKey", &asked)
        .await;
    let public = public.unwrap()["PublicKey"].as_str().unwrap().to_owned();
    (arn, public)
}

/// A secret that has a KMS key of its own; answers its ARN.
pub async fn secret_with_key(world: &World, name: &str, value: &str) -> String {
    let key = world
        .aws
        .json("kms", "TrentService", "CreateKey", &json!({}))
        .await;
    let secret = json!({
        "Name": name,
        "SecretString": value,
        "KmsKeyId": key.unwrap()["KeyMetadata"]["Arn"],
        "ClientRequestToken": format!("{name:0>32.64}"),
    });
    let made = world.aws.secrets_manager("CreateSecret", &secret).await;
    made.unwrap()["ARN"].as_str().unwrap().to_owned()
}

/// The policy's text: signed records, a group, webhooks, and short times.
async fn banto_toml(world: &World, revocations: &str, key: &str, public_key: &str) -> PolicyText {
    for topic in ["operators", "owners"] {
        world.aws.create_topic(topic).await.unwrap();
    }
    let operators = world.slack.webhook("operators");
    let operators = secret_with_key(world, "banto/slack/operators", &operators).await;
    let owners = world.slack.webhook("owners");
    let owners = secret_with_key(world, "banto/slack/owners", &owners).await;
    let account = world.account;
    let is_other = account != IDENTITY;
    PolicyText::least()
        .with_each(&[
            ("eu-west-1:111122223333:operators", &format!("{REGION}:{account}:operators")),
            ("eu-west-1:111122223333:owners", &format!("{REGION}:{account}:owners")),
            ("role = ", &format!("assume = {is_other}\nrole = ")),
        ])
        .with_lines(
            "rotation",
            &format!(
                "revocations = \"{revocations}\"\nsigning_key = \"{key}\"\n\
                 signing_public_keys = [\"{public_key}\"]\nremind_before_days = [1]\nrecovery_days = 2\n"
            ),
        )
        .and("[[rotation.exemptions]]\ngroup = \"parked\"\nuntil = 2099-01-01\nreason = \"parked\"\n")
        .and(&format!("[notices.slack]\noperators = \"{operators}\"\nowners = \"{owners}\"\n"))
}

/// Makes alice, her certificate, her key and the group that she is not in.
async fn alice(world: &World, identity: &Aws) -> Holder {
    let now = world.now;
    identity.create_bucket(BUCKET).await.unwrap();
    identity.create_denial_of_sessions().await.unwrap();
    identity
        .iam("CreateGroup", &[("GroupName", "parked")])
        .await
        .unwrap();
    let long_ago = now - SignedDuration::from_hours(24 * 100);
    world.emulator.set_clock(long_ago).await.unwrap();
    let lifetime = Lifetime {
        from: now - SignedDuration::from_hours(24 * 200),
        until: None,
    };
    let holder = Holder::generate("Alice <alice@example.com>", Kind::Curve25519, lifetime).unwrap();
    let certificate = holder.certificate().unwrap();
    identity
        .put_object(BUCKET, "certs/alice.asc", certificate)
        .await
        .unwrap();
    let tags = [("banto:openpgp", holder.fingerprint().as_str())];
    identity
        .create_user("alice", "/developers/", &tags)
        .await
        .unwrap();
    identity.create_access_key("alice").await.unwrap();
    world.emulator.set_clock(now).await.unwrap();
    holder
}

/// A key that is due, from the new key to the old one's deletion.
pub async fn due(take: impl Fn(Policy) -> Policy) -> Ending {
    let mut rotation = Rotation::with_due_alice(IDENTITY, take).await;
    // The owner's notice goes to SNS, which Slack refuses.
    rotation.world.slack.refuse(3, Refusal::ServerError);
    rotation.scheduled().await;
    let issued = rotation.keys().await;
    // On the first day the tag is there, and what it names is not.
    rotation.name_new_key().await;
    rotation.world.advance(DAY).await;
    rotation.scheduled().await;
    rotation.acknowledge().await;
    for _ in 0..7 {
        rotation.world.advance(DAY).await;
        rotation.scheduled().await;
    }
    let is_open = rotation
        .record()
        .await
        .map(|record| record.rotation.is_some());
    rotation
        .end(json!({ "issued": issued, "open": is_open }))
        .await
}

/// A new key by a request, the old key restored, and the user's leave.
pub async fn requests(take: impl Fn(Policy) -> Policy) -> Ending {
    let mut rotation = Rotation::with_due_alice(IDENTITY, take).await;
    let mut seen = Vec::new();
    let forced = json!({ "users": ["alice"], "mode": "force" });
    let done = rotation.tell(&forced).await;
    seen.push(json!([done, rotation.keys().await]));
    rotation.acknowledge().await;
    for _ in 0..4 {
        rotation.world.advance(DAY).await;
        rotation.scheduled().await;
    }
    seen.push(json!(rotation.keys().await));
    for mode in ["restore", "leave"] {
        let request = json!({ "users": ["alice"], "mode": mode });
        let done = rotation.tell(&request).await;
        seen.push(json!([mode, done, rotation.keys().await]));
    }
    rotation.end(json!({ "seen": seen })).await
}

/// A key that AWS found exposed, whose first message is not done.
pub async fn exposed(take: impl Fn(Policy) -> Policy) -> Ending {
    let mut rotation = Rotation::with_due_alice(IDENTITY, take).await;
    let key = rotation.first_key().await;
    // A role that the key's owner entered, so that its session is to be revoked.
    let thief = rotation.identity.with_key(&key);
    drop(thief.session().await);
    let once = Rule::nth("iam:UpdateAccessKey", 1, Fault::Denied);
    rotation.world.proxy.inject(once);
    let event = exposure(&key, rotation.world.now.to_string());
    let mut seen = vec![json!([rotation.tell(&event).await, rotation.keys().await])];
    // The first while a message that was not hidden for a shorter time can't be seen yet.
    for minutes in [4, 16, 37 * 60] {
        let time = SignedDuration::from_mins(minutes);
        rotation.world.advance(time).await;
        let done = rotation.work_off().await;
        seen.push(json!([
            done,
            rotation.keys().await,
            rotation.attached().await
        ]));
    }
    rotation.scheduled().await;
    seen.push(json!(rotation.attached().await));
    rotation.end(json!({ "seen": seen })).await
}

/// A key that is due in another account than the function's.
pub async fn elsewhere(take: impl Fn(Policy) -> Policy) -> Ending {
    let mut rotation = Rotation::with_due_alice(ELSEWHERE, take).await;
    rotation.scheduled().await;
    rotation.end(json!({})).await
}

/// AWS Health's event about a key that was found in public.
fn exposure(key: &str, now: String) -> Value {
    json!({
        "detail-type": "AWS Health Event",
        "source": "aws.health",
        "account": IDENTITY,
        "time": now,
        "detail": {
            "eventArn": "arn:aws:health:us-east-1::event/RISK/AWS_RISK_CREDENTIALS_EXPOSED/example",
            "eventTypeCode": "AWS_RISK_CREDENTIALS_EXPOSED",
            "affectedEntities": [{ "entityValue": key }],
        },
    })
}
