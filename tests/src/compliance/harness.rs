//! The function on the world in memory, and the promises held against it.

use std::sync::{Arc, LazyLock};

use banto_domain::compliance::FindingKey;
use banto_domain::policy::{CompliancePolicy, Policy};
use banto_domain::{AccountId, Region, RuleName};
use banto_fake::{
    DeliveriesQueue, MemberAccount, Permissions, Policies, PolicyText, Run, Sent, World,
};
use banto_lambda::{Invocation, InvocationError, Response};
use banto_notice::{NoticeSender, SecretCache, slack};
use banto_ports::AggregatedEvaluation;
use jiff::{SignedDuration, Timestamp};
use notify_compliance::accounts::{AccountMemory, Accounts};
use notify_compliance::deliver::route_sender::RouteSender;
use notify_compliance::delivery_queue::DeliveryQueue;
use notify_compliance::ingest::ports::Registered;
use notify_compliance::relay::Relay;
use notify_compliance::{Notifier, deliver, ingest};
use serde_json::{Value, json};

use crate::harness::{Function, batch, enqueue, failed, handle, settle};

/// Who hears what in most tests.
const ROUTES: &str = r#"[compliance]
queue = "https://sqs.eu-west-1.amazonaws.com/111122223333/banto-rotation"
deliveries = "https://sqs.eu-west-1.amazonaws.com/111122223333/banto-deliveries"
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

/// The policy without reminders, for tests that count messages over days.
pub fn unreminded() -> CompliancePolicy {
    unreminded_with(&[])
}

/// The policy without reminders, with some of its text replaced.
pub fn unreminded_with(replace: &[(&str, &str)]) -> CompliancePolicy {
    let none = "\n[compliance.reminders]\ncritical = false\nhigh = false\n";
    let policy = text().and(none).with_each(replace).parse();
    policy.compliance.unwrap()
}

pub fn day() -> SignedDuration {
    SignedDuration::from_hours(24)
}

/// A bucket that was found not to be compliant as the world began.
pub fn bad(
    account: &'static str,
    rule: &'static str,
    resource: &'static str,
) -> Evaluation<'static> {
    Evaluation::bad(account, rule, resource, start())
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

/// What the function may do in AWS.
pub static PERMISSIONS: LazyLock<Permissions> = LazyLock::new(|| {
    Permissions::new(
        "notify-compliance",
        include_str!("../../../functions/notify-compliance/iam-policy.json"),
        &[],
    )
});

/// The function, on one run's view of the world.
pub fn notifier(run: &Arc<Run>, policy: &CompliancePolicy) -> Notifier {
    run.hold_to(Policies {
        own: &PERMISSIONS,
        session: None,
    });
    let delivery_queue = DeliveryQueue {
        events: run.clone(),
        deliveries: Arc::new(DeliveriesQueue(run.clone())),
        due_times: run.clone(),
        clock: run.clone(),
    };
    let accounts = Arc::new(Accounts {
        cache: run.clone(),
        organization: run.clone(),
        clock: run.clone(),
        memory: AccountMemory::default(),
        queue: delivery_queue.clone(),
    });
    Notifier {
        policy: policy.clone(),
        ingest_ports: ingest::ports::Ports {
            findings: run.clone(),
            registry: run.clone(),
            registered: Registered::default(),
            accounts: Arc::clone(&accounts),
            aggregator: run.clone(),
            delivery_queue: delivery_queue.clone(),
            clock: run.clone(),
        },
        deliver_ports: deliver::ports::Ports {
            outbox: run.clone(),
            findings: run.clone(),
            registry: run.clone(),
            accounts,
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
        endpoints: run.clone(),
        secrets: SecretCache::new(run.clone()),
        token: policy.slack_token.clone(),
        mail_from: policy.mail_from.clone(),
        clock: run.clone(),
    }
}

impl Function for CompliancePolicy {
    /// (infra/modules/notify-compliance.)
    const HIDDEN: SignedDuration = SignedDuration::from_mins(30);

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
        FindingKey::new(
            account(self.account),
            &region(),
            rule(self.rule),
            "AWS::S3::Bucket".to_owned(),
            self.resource.to_owned(),
        )
    }

    /// The same as the aggregator knows it.
    pub fn found(&self) -> AggregatedEvaluation {
        AggregatedEvaluation {
            key: self.key(),
            evaluated_in: region(),
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

/// Lets a day pass and the daily check come, so many times, and sees all of it told.
pub fn check_daily(world: &Arc<World>, policy: &CompliancePolicy, days: usize) {
    for _ in 0..days {
        world.advance(day());
        handle(world, policy, &scheduled());
        settle(world, policy);
    }
}

/// Works off both queues second by second for so long, as their event source mappings do: each has
/// one invocation a second, of as many messages as it takes at once.
pub fn work(world: &Arc<World>, policy: &CompliancePolicy, time: SignedDuration) {
    let until = world.now() + time;
    while world.now() < until {
        work_a_second(world, policy, 10);
    }
}

/// Works until a message says something, for so long at the most: the time that it took, and the
/// world's time is then.
pub fn work_until_told(
    world: &Arc<World>,
    policy: &CompliancePolicy,
    words: &str,
    at_most: SignedDuration,
    events_at_once: usize,
) -> Option<SignedDuration> {
    let begun = world.now();
    while world.now() <= begun + at_most {
        if seen(world)
            .iter()
            .any(|message| message.text.contains(words))
        {
            return Some(world.now().duration_since(begun));
        }
        work_a_second(world, policy, events_at_once);
    }
    None
}

/// One invocation of each mapping, and the rest of the second.
fn work_a_second(world: &Arc<World>, policy: &CompliancePolicy, events_at_once: usize) {
    let next = world.now() + SignedDuration::from_secs(1);
    for messages in [
        world.receive_deliveries(10),
        world.receive_events(events_at_once),
    ] {
        if messages.is_empty() {
            continue;
        }
        let back = failed(&handle(world, policy, &batch(&messages)));
        for message in messages {
            if back.contains(&message.id) {
                world.put_back(message, CompliancePolicy::HIDDEN);
            }
        }
    }
    world.advance_to(next);
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
        Sent::Endpoint { body, .. } => Seen {
            way: "endpoint".into(),
            first: body.clone(),
            text: body,
        },
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

/// The first lines of the messages on one way.
pub fn lines(world: &World, way: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for message in seen(world) {
        if message.way == way {
            lines.push(message.first);
        }
    }
    lines
}

/// What the bot's messages in a channel say by now, without those in threads.
pub fn now_in_channel(world: &World, channel: &str) -> Vec<String> {
    let messages = world.slack_messages().into_iter();
    let above = messages.filter(|message| message.thread.is_none());
    let there = above.filter(|message| message.message.channel == channel);
    there.map(|message| message.text().to_owned()).collect()
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
        Sent::Topic(..) | Sent::Mail(_) | Sent::Direct(..) | Sent::Endpoint { .. } => None,
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
