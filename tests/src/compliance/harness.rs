//! The function on the world in memory, and the promises held against it.

use std::sync::{Arc, LazyLock};

use banto_domain::compliance::FindingKey;
use banto_domain::policy::{CompliancePolicy, Policy};
use banto_domain::{AccountId, Region, RuleName};
use banto_fake::{MemberAccount, PolicyText, Run, Sent, World};
use banto_lambda::{Invocation, InvocationError, Response};
use banto_notice::{NoticeSender, SecretCache, slack};
use banto_ports::AggregatedFinding;
use jiff::{SignedDuration, Timestamp};
use notify_compliance::deliver::route_sender::RouteSender;
use notify_compliance::delivery_queue::DeliveryQueue;
use notify_compliance::ingest::AccountMemory;
use notify_compliance::relay::Relay;
use notify_compliance::{Notifier, deliver, ingest};
use serde_json::{Value, json};

use crate::harness::{Function, enqueue, settle};

/// Who hears what in most tests.
const ROUTES: &str = r#"[compliance]
queue = "https://sqs.eu-west-1.amazonaws.com/999988887777/banto-compliance"
table = "banto-compliance"
aggregator = "banto"
owner_tag = "owner"
slack_token = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/token-AbCdEf"
mail_from = "banto@example.com"

[[compliance.routes]]
name = "payments"
tag = { key = "team", value = "payments" }
to = { channel = "C0PAYMENTS" }

[[compliance.routes]]
name = "search"
tag = { key = "team", value = "search" }
to = { webhook = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/search-AbCdEf" }
fallback = "arn:aws:sns:eu-west-1:111122223333:search"

[[compliance.routes]]
name = "auditors"
rules = ["root-*"]
to = { mail = ["auditors@example.com"] }

[compliance.default]
to = { topic = "arn:aws:sns:eu-west-1:111122223333:compliance" }

[compliance.rules.bucket-public]
title = "S3 bucket is public"
severity = "critical"
remedy = "Block public access to the bucket."
runbook = "https://wiki.example.com/runbooks/public-buckets"
"#;

pub const PAYMENTS: &str = "444455556666";
pub const SEARCH: &str = "555566667777";
pub const OTHER: &str = "666677778888";
pub const REGION: &str = "eu-west-1";

pub fn start() -> Timestamp {
    "2026-06-01T09:00:00Z".parse().unwrap()
}

pub fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// Read once: much of the time of the crash points would go into it.
static POLICY: LazyLock<Policy> = LazyLock::new(|| text().parse());

pub fn policy() -> CompliancePolicy {
    POLICY.compliance.clone().unwrap()
}

pub fn text() -> PolicyText {
    PolicyText::least().and(ROUTES)
}

/// The policy with some of its text replaced.
pub fn policy_with(replace: &[(&str, &str)]) -> CompliancePolicy {
    text().with_each(replace).parse().compliance.unwrap()
}

/// The policy with more at its end.
pub fn policy_and(more: &str) -> CompliancePolicy {
    text().and(more).parse().compliance.unwrap()
}

/// An Organization of three accounts: payments, search, and one of nobody's.
pub fn world() -> Arc<World> {
    let world = World::at(start());
    for (id, name, team) in [
        (PAYMENTS, "payments", "payments"),
        (SEARCH, "search", "search"),
        (OTHER, "legacy", "x"),
    ] {
        add_account(&world, id, name, team);
    }
    world
}

pub fn add_account(world: &World, id: &str, name: &str, team: &str) {
    let mut account = MemberAccount::new(id, name, &[REGION], world.now());
    account.org_tags = [
        ("team".to_owned(), team.to_owned()),
        ("owner".to_owned(), "alice".to_owned()),
    ]
    .into();
    world.add_account(account);
}

/// The function, on one run's view of the world.
pub fn notifier(run: &Arc<Run>, policy: &CompliancePolicy) -> Notifier {
    let delivery_queue = DeliveryQueue {
        queue: run.clone(),
        due_times: run.clone(),
        clock: run.clone(),
    };
    Notifier {
        policy: policy.clone(),
        ingest_ports: ingest::ports::Ports {
            findings: run.clone(),
            accounts: run.clone(),
            memory: AccountMemory::default(),
            organization: run.clone(),
            aggregator: run.clone(),
            delivery_queue: delivery_queue.clone(),
            clock: run.clone(),
        },
        deliver_ports: deliver::ports::Ports {
            outbox: run.clone(),
            lock: run.clone(),
            aggregator: run.clone(),
            sender: route_sender(run, policy),
            clock: run.clone(),
        },
        relay: Relay {
            log: run.clone(),
            sender: NoticeSender::new(
                run.clone(),
                run.clone(),
                run.clone(),
                POLICY.notices.clone(),
                run.clone(),
            ),
            clock: run.clone(),
        },
        delivery_queue,
    }
}

fn route_sender(run: &Arc<Run>, policy: &CompliancePolicy) -> RouteSender {
    RouteSender {
        chat: run.clone(),
        webhooks: run.clone(),
        topics: run.clone(),
        mailer: run.clone(),
        secrets: SecretCache::new(run.clone()),
        token: policy.slack_token.clone(),
        mail_from: policy.mail_from.clone(),
        clock: run.clone(),
    }
}

impl Function for CompliancePolicy {
    const HIDDEN: SignedDuration = SignedDuration::from_mins(6);

    async fn handle(
        &self,
        run: &Arc<Run>,
        event: &[u8],
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        notifier(run, self).handle(event, invocation).await
    }
}

// --- Events --------------------------------------------------------------------------------------

/// What AWS Config tells of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation<'a> {
    pub account: &'a str,
    pub rule: &'a str,
    pub resource: &'a str,
    pub compliant: bool,
    pub at: Timestamp,
}

impl<'a> Evaluation<'a> {
    pub fn bad(account: &'a str, rule: &'a str, resource: &'a str, at: Timestamp) -> Self {
        Self {
            account,
            rule,
            resource,
            compliant: false,
            at,
        }
    }

    pub fn good(&self, at: Timestamp) -> Self {
        Self {
            compliant: true,
            at,
            ..self.clone()
        }
    }

    pub fn key(&self) -> FindingKey {
        FindingKey {
            account: account(self.account),
            region: region(),
            rule: rule(self.rule),
            resource_type: "AWS::S3::Bucket".to_owned(),
            resource_id: self.resource.to_owned(),
        }
    }

    /// The same as the aggregator knows it.
    pub fn found(&self) -> AggregatedFinding {
        AggregatedFinding {
            key: self.key(),
            recorded_at: self.at,
            annotation: None,
        }
    }

    /// The event that EventBridge sends.
    pub fn event(&self) -> Value {
        let mut event: Value = serde_json::from_str(include_str!(
            "../../../functions/notify-compliance/tests/events/compliance-change.json"
        ))
        .unwrap();
        let (new, old) = if self.compliant {
            ("COMPLIANT", "NON_COMPLIANT")
        } else {
            ("NON_COMPLIANT", "COMPLIANT")
        };
        for (pointer, value) in [
            ("/account", self.account),
            ("/region", REGION),
            ("/detail/awsAccountId", self.account),
            ("/detail/awsRegion", REGION),
            ("/detail/configRuleName", self.rule),
            ("/detail/resourceId", self.resource),
            ("/detail/resourceType", "AWS::S3::Bucket"),
            ("/detail/newEvaluationResult/complianceType", new),
            (
                "/detail/newEvaluationResult/resultRecordedTime",
                &self.at.to_string(),
            ),
            ("/detail/oldEvaluationResult/complianceType", old),
        ] {
            *event
                .pointer_mut(pointer)
                .unwrap_or_else(|| panic!("{pointer}")) = value.into();
        }
        event
    }
}

pub fn account(id: &str) -> AccountId {
    id.parse().unwrap()
}

pub fn region() -> Region {
    REGION.parse().unwrap()
}

pub fn rule(name: &str) -> RuleName {
    name.parse().unwrap()
}

/// The daily schedule.
pub fn scheduled() -> Value {
    json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} })
}

/// Hands events over and sees them told.
pub fn tell(world: &Arc<World>, policy: &CompliancePolicy, events: &[Value]) {
    enqueue(world, events);
    settle(world, policy);
}

// --- What people see -----------------------------------------------------------------------------

/// A message that reached people: the way, the line that a lock screen shows, and everything that
/// it ever said.
#[derive(Debug, Clone)]
pub struct Seen {
    pub way: String,
    pub first: String,
    pub text: String,
}

/// Every message, in the order of each way.
pub fn seen(world: &World) -> Vec<Seen> {
    let mut all: Vec<Seen> = world
        .slack_messages()
        .into_iter()
        .map(|message| Seen {
            way: message.message.channel.clone(),
            first: message.bodies[0]["text"].as_str().unwrap().to_owned(),
            text: message
                .bodies
                .iter()
                .map(|body| format!("{body:#}\n"))
                .collect(),
        })
        .collect();
    all.extend(world.sent().into_iter().map(|sent| match sent {
        Sent::Slack(body) => {
            let body: Value = serde_json::from_str(&body).unwrap();
            Seen {
                way: "webhook".into(),
                first: body["text"].as_str().unwrap().into(),
                text: format!("{body:#}"),
            }
        }
        Sent::Direct(member, body) => Seen {
            way: member,
            first: body.clone(),
            text: body,
        },
        Sent::Topic(topic, message) => Seen {
            way: topic.as_str().rsplit(':').next().unwrap().to_owned(),
            first: message.subject.clone(),
            text: message.body,
        },
        Sent::Mail(mail) => Seen {
            way: mail.to.join(","),
            first: mail.subject,
            text: mail.text,
        },
    }));
    all
}

/// What breaks N3 and N5 in all that people were ever shown: a message that Slack would refuse, and
/// one that names an account of another team. Topics named like fall-backs and the default one may
/// name any account.
pub fn breaches(world: &World) -> Vec<String> {
    let mut broken = Vec::new();
    let bodies = world
        .slack_messages()
        .into_iter()
        .flat_map(|message| message.bodies);
    let webhooks = world.sent().into_iter().filter_map(|sent| match sent {
        Sent::Slack(body) => Some(serde_json::from_str(&body).unwrap()),
        Sent::Topic(..) | Sent::Mail(_) | Sent::Direct(..) => None,
    });
    for body in bodies.chain(webhooks) {
        broken.extend(
            slack::check(&body)
                .into_iter()
                .map(|problem| format!("N3: {problem}: {body}")),
        );
    }
    for message in seen(world) {
        let foreign: &[&str] = match message.way.as_str() {
            "C0PAYMENTS" => &[SEARCH, OTHER],
            "webhook" | "search" => &[PAYMENTS, OTHER],
            _ => &[],
        };
        broken.extend(
            foreign
                .iter()
                .filter(|id| message.text.contains(**id))
                .map(|id| format!("N5: {id} in {message:?}")),
        );
    }
    broken
}
