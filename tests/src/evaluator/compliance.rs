//! notify-compliance from an event to every kind of receiver, and by its schedule.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use banto::local::compliance::{self, Change, Queues};
use banto::local::proxy::Proxy;
use banto::local::slack::TOKEN;
use banto_fake::PolicyText;
use banto_notice::{Audience, Notice, Urgency};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::policy::Policy;
use super::rotation::{is_taken, secret_with_key};
use super::world::{Ending, ORGANIZATION, REGION, World};

const FUNCTION: &str = "notify-compliance";
const MANAGEMENT: &str = "111122223333";
const ORGANIZATIONS: &str = "AWSOrganizationsV20161128";
const CHANNEL: &str = "C0PAYMENTS";
const RULE: &str = "s3-bucket-public-read-prohibited";
pub const TEMPLATE: &str = include_str!("../../../functions/notify-compliance/iam-policy.json");
const PATIENCE: Duration = Duration::from_mins(5);

/// Rounds in which the queues must be empty: a message is tried five times before it is dead.
const ROUNDS: usize = 30;

pub struct Compliance {
    world: World,
    queues: Queues,
    payments: String,
    search: String,
    endpoint: Endpoint,
    policy: PolicyText,
}

impl Compliance {
    /// Two accounts, one of each team, the second within a unit of its own.
    async fn set(take: impl Fn(Policy) -> Policy) -> Self {
        let world = World::of(FUNCTION, MANAGEMENT).await;
        let (payments, search, unit) = organization(&world).await;
        nothing_is_known(&world.proxy);
        let queues = compliance::create(&world.aws).await.unwrap();
        let mail = [("EmailAddress", "banto@example.com")];
        let verified = world
            .aws
            .query("ses", "2010-12-01", "VerifyEmailIdentity", &mail);
        verified.await.unwrap();
        let endpoint = Endpoint::start().await;
        let policy = banto_toml(&world, &queues, &endpoint, &unit).await;
        world.grant(&take(Policy::render(TEMPLATE, &names()))).await;
        Self {
            world,
            queues,
            payments,
            search,
            endpoint,
            policy,
        }
    }

    /// A bucket that everybody can read, in an account.
    fn bad<'a>(&self, account: &'a str, resource: &'a str) -> Change<'a> {
        Change {
            account,
            rule: RULE,
            resource_type: "AWS::S3::Bucket",
            resource,
            compliant: false,
            at: self.world.now,
        }
    }

    async fn tell(&mut self, events: &[Value]) {
        self.queues.send(events).await.unwrap();
        self.settle().await;
    }

    /// Hands the function an event, and works off what it queued.
    async fn invoke(&mut self, event: &Value) {
        self.world.invoke(&self.policy, event).await;
        self.settle().await;
    }

    /// Works the queues off, time passing where messages wait, until they are empty.
    async fn settle(&mut self) {
        for _ in 0..ROUNDS {
            let mut function = self.world.start(&self.policy).await;
            let worked = self.queues.work_off(&mut function, PATIENCE).await;
            let log = function.stop().await;
            self.world.hear(&log, &format!("{worked:?}"));
            if worked.is_ok_and(|worked| worked.is_empty()) {
                if self.queues.waiting().await.unwrap() == 0 {
                    return;
                }
                let pause = SignedDuration::from_secs(62);
                self.world.advance(pause).await;
            }
        }
    }

    async fn end(self) -> Ending {
        let calls = self.world.proxy.calls();
        let count = |operation| {
            calls
                .iter()
                .filter(|call| is_taken(call, operation))
                .count()
        };
        let mut told = self.world.headlines();
        told.sort();
        let state = json!({
            "told": told,
            "published": count("sns:Publish"),
            "mailed": count("ses:SendEmail"),
            "posted": self.endpoint.posted.load(Ordering::SeqCst),
            "untold": compliance::untold(&self.world.aws).await.unwrap(),
            "waiting": self.queues.waiting().await.unwrap(),
            "dead": self.queues.dead().await.unwrap(),
        });
        self.world.end(state)
    }
}

fn names() -> [(&'static str, String); 11] {
    let topic = |name: &str| format!("arn:aws:sns:{REGION}:{MANAGEMENT}:{name}");
    let topics = [topic("operators"), topic("compliance")];
    let plain = [
        ("organization", ORGANIZATION),
        ("region", REGION),
        ("account", MANAGEMENT),
        ("aggregator_id", "banto"),
        ("queue", "banto-compliance"),
        ("deliveries", "banto-deliveries"),
        ("table", compliance::TABLE),
        ("mail_identity", "banto@example.com"),
        ("secrets_region", REGION),
        ("secrets_account", MANAGEMENT),
        ("topics", &topics.join("\", \"")),
    ];
    plain.map(|(name, value)| (name, value.to_owned()))
}

/// Makes the Organization; answers the accounts of payments and search, and the unit of search.
async fn organization(world: &World) -> (String, String, String) {
    let ask = async |operation: &str, input: Value| {
        let answer = world
            .aws
            .json("organizations", ORGANIZATIONS, operation, &input);
        answer.await.unwrap()
    };
    let root = ask("ListRoots", json!({})).await["Roots"][0]["Id"].clone();
    let unit = json!({ "ParentId": root, "Name": "search" });
    let unit = ask("CreateOrganizationalUnit", unit).await;
    let unit = unit["OrganizationalUnit"]["Id"].clone();
    let mut made = Vec::new();
    for name in ["payments", "search"] {
        let account = json!({ "AccountName": name, "Email": format!("{name}@example.com") });
        let account = ask("CreateAccount", account).await;
        let id = account["CreateAccountStatus"]["AccountId"].clone();
        let tags = json!([{ "Key": "team", "Value": name }]);
        ask("TagResource", json!({ "ResourceId": id, "Tags": tags })).await;
        made.push(id);
    }
    let moved =
        json!({ "AccountId": made[1], "SourceParentId": root, "DestinationParentId": unit });
    ask("MoveAccount", moved).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made[0]), text(&made[1]), text(&unit))
}

/// Routes to every kind of receiver.
async fn banto_toml(world: &World, queues: &Queues, endpoint: &Endpoint, unit: &str) -> PolicyText {
    for topic in ["operators", "owners"] {
        world.aws.create_topic(topic).await.unwrap();
    }
    let topic = world.aws.create_topic("compliance").await.unwrap();
    let token = secret_with_key(world, "banto/slack/token", TOKEN).await;
    let hook = world.slack.webhook("search");
    let hook = secret_with_key(world, "banto/slack/search", &hook).await;
    let operators = world.slack.webhook("operators");
    let operators = secret_with_key(world, "banto/slack/operators", &operators).await;
    let receiver = secret_with_key(world, "banto/endpoints/siem", &endpoint.secret()).await;
    let more = format!(
        r#"[[compliance.routes]]
name = "search"
ous = ["{unit}"]
to = {{ webhook = "{hook}" }}
[[compliance.routes]]
name = "auditors"
rules = ["root-*"]
to = {{ mail = ["auditors@example.com"] }}
[[compliance.routes]]
name = "siem"
tag = {{ key = "team", value = "search" }}
to = {{ endpoint = "{receiver}" }}
[notices.slack]
operators = "{operators}"
owners = "{operators}"
"#
    );
    PolicyText::least()
        .and(&compliance::policy_section(queues, &token, CHANNEL, &topic))
        .with_lines("compliance", "mail_from = \"banto@example.com\"")
        .and(&more)
}

/// A receiver of one's own: it takes every message and counts them.
struct Endpoint {
    port: u16,
    posted: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Endpoint {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let posted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&posted);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if take(stream).await.is_ok() {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self { port, posted, task }
    }

    fn secret(&self) -> String {
        // A key of 32 bytes.
        let key = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let url = format!("http://127.0.0.1:{}/hook", self.port);
        json!({ "url": url, "key": key }).to_string()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads one request whole, and answers it.
async fn take(mut stream: TcpStream) -> std::io::Result<()> {
    let mut read = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await?;
        read.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&read).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert!(count > 0, "half a request: {text}");
            continue;
        };
        let length = head.split_once("content-length: ").unwrap().1;
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        if body.len() >= length {
            break;
        }
    }
    let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
    stream.write_all(answer).await
}

/// Findings that reach each kind of receiver, the end of one of them, and another function's
/// notice.
pub async fn changes(take: impl Fn(Policy) -> Policy) -> Ending {
    let mut compliance = Compliance::set(take).await;
    let (payments, search) = (compliance.payments.clone(), compliance.search.clone());
    let found = compliance.bad(&payments, "website");
    let root = Change {
        rule: "root-account-mfa-enabled",
        ..found
    };
    let events = [
        found,
        compliance.bad(&search, "website"),
        compliance.bad(MANAGEMENT, "website"),
        root,
    ];
    compliance.tell(&events.map(|change| change.event())).await;
    let pause = SignedDuration::from_mins(30);
    compliance.world.advance(pause).await;
    let resolved = Change {
        compliant: true,
        ..compliance.bad(&payments, "website")
    };
    compliance.tell(&[resolved.event()]).await;
    compliance.end().await
}

/// Another function's notice to operators.
pub async fn relayed(take: impl Fn(Policy) -> Policy) -> Ending {
    let mut compliance = Compliance::set(take).await;
    let headline = "An account is ready".to_owned();
    let notice = Notice::new(
        "ready".into(),
        Audience::Operators,
        Urgency::Action,
        headline,
    );
    let message = json!({ "kind": "relayNotice", "version": 1, "notice": notice });
    let message = json!({
        "QueueUrl": compliance.queues.deliveries_url(),
        "MessageBody": message.to_string(),
    });
    let aws = &compliance.world.aws;
    aws.json("sqs", "AmazonSQS", "SendMessage", &message)
        .await
        .unwrap();
    compliance.settle().await;
    compliance.end().await
}

/// The daily schedule two days after a finding, which stays open, and so is told again.
pub async fn daily_by_recorded_answers_of_the_aggregator(
    take: impl Fn(Policy) -> Policy,
) -> Ending {
    let mut compliance = Compliance::set(take).await;
    let payments = compliance.payments.clone();
    let event = compliance.bad(&payments, "website").event();
    compliance.tell(&[event]).await;
    let pause = SignedDuration::from_hours(49);
    compliance.world.advance(pause).await;
    let event = include_str!("../../../functions/rotate-access-keys/tests/events/scheduled.json");
    compliance
        .invoke(&serde_json::from_str(event).unwrap())
        .await;
    compliance.end().await
}

/// One account compared, of which a finding was missed.
pub async fn compared_by_recorded_answers_of_the_aggregator(
    take: impl Fn(Policy) -> Policy,
) -> Ending {
    let mut compliance = Compliance::set(take).await;
    let payments = compliance.payments.clone();
    one_is_missed(&compliance, &payments);
    compliance.invoke(&json!({ "accounts": [payments] })).await;
    compliance.end().await
}

/// The aggregator knows of a bucket that no event told of. The answers are as its API reference has
/// them.
fn one_is_missed(compliance: &Compliance, account: &str) {
    let rule = json!({ "ConfigRuleName": RULE, "AccountId": account, "AwsRegion": REGION,
        "Compliance": { "ComplianceType": "NON_COMPLIANT" } });
    let evaluation = json!({
        "EvaluationResultIdentifier": { "EvaluationResultQualifier":
            { "ConfigRuleName": RULE, "ResourceType": "AWS::S3::Bucket", "ResourceId": "missed" } },
        "ComplianceType": "NON_COMPLIANT",
        "ResultRecordedTime": compliance.world.now.as_second(),
        "AccountId": account, "AwsRegion": REGION,
    });
    let proxy = &compliance.world.proxy;
    proxy.answer(
        "config:DescribeAggregateComplianceByConfigRules",
        json!({ "AggregateComplianceByConfigRules": [rule] }),
    );
    proxy.answer(
        "config:GetAggregateComplianceDetailsByConfigRule",
        json!({ "AggregateEvaluationResults": [evaluation] }),
    );
}

/// The aggregator knows of nothing.
fn nothing_is_known(proxy: &Proxy) {
    proxy.answer(
        "config:DescribeAggregateComplianceByConfigRules",
        json!({ "AggregateComplianceByConfigRules": [] }),
    );
    proxy.answer(
        "config:BatchGetAggregateResourceConfig",
        json!({ "BaseConfigurationItems": [], "UnprocessedResourceIdentifiers": [] }),
    );
}
