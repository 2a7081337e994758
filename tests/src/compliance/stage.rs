//! The function on the world in memory, its queue worked off as SQS would, and the promises held against it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use banto_domain::compliance::FindingKey;
use banto_domain::policy::{CompliancePolicy, Policy};
use banto_domain::{AccountId, Region, RuleName};
use banto_fake::{Driven, Fault, MemberAccount, Queued, Run, Sent, World, drive};
use banto_notice::{KeptSecrets, NoticeSender, slack};
use banto_ports::{Delayed, Found};
use banto_shell::{Answer, Failure, Invocation};
use jiff::{SignedDuration, Timestamp};
use notify_compliance::Notifier;
use notify_compliance::send::RouteSender;
use serde_json::{Value, json};

/// Who hears what in most tests.
pub const POLICY: &str = r#"
[rotation]
[[rotation.accounts]]
id = "111122223333"
role = "arn:aws:iam::111122223333:role/banto"
certificate_bucket = "certificates"

[notices]
operators_topic = "arn:aws:sns:eu-west-1:111122223333:operators"
owners_topic = "arn:aws:sns:eu-west-1:111122223333:owners"

[compliance]
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

/// How long SQS hides a message that was received.
const HIDDEN: SignedDuration = SignedDuration::from_mins(6);
/// How often SQS gives a message before it goes to the dead letter queue.
const RECEIVES: usize = 5;

pub fn start() -> Timestamp {
    "2026-06-01T09:00:00Z".parse().unwrap()
}

pub fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

pub fn policy() -> CompliancePolicy {
    policy_with(&[])
}

/// The policy with some of its text replaced.
pub fn policy_with(replace: &[(&str, &str)]) -> CompliancePolicy {
    let text = replace.iter().fold(POLICY.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    });
    Policy::parse(&text).unwrap_or_else(|problems| panic!("{problems}")).compliance.unwrap()
}

/// The policy with more at its end.
pub fn policy_and(more: &str) -> CompliancePolicy {
    let text = format!("{POLICY}\n{more}");
    Policy::parse(&text).unwrap_or_else(|problems| panic!("{problems}")).compliance.unwrap()
}

/// An Organization of three accounts: payments, search, and one of nobody's.
pub fn world() -> Arc<World> {
    let world = World::at(start());
    for (id, name, team) in [(PAYMENTS, "payments", "payments"), (SEARCH, "search", "search"), (OTHER, "legacy", "x")] {
        add_account(&world, id, name, team);
    }
    world
}

pub fn add_account(world: &World, id: &str, name: &str, team: &str) {
    let mut account = MemberAccount::new(id, name, &[REGION], world.now());
    account.org_tags = [("team".to_owned(), team.to_owned()), ("owner".to_owned(), "alice".to_owned())].into();
    world.add_account(account);
}

/// The function, on one run's view of the world.
pub fn notifier(run: &Arc<Run>, policy: &CompliancePolicy) -> Notifier {
    let notices = Policy::parse(POLICY).unwrap().notices;
    Notifier {
        policy: policy.clone(),
        ledger: run.clone(),
        organization: run.clone(),
        aggregator: run.clone(),
        queue: run.clone(),
        route_sender: RouteSender {
            chat: run.clone(),
            webhooks: run.clone(),
            topics: run.clone(),
            mailer: run.clone(),
            secrets: KeptSecrets::new(run.clone()),
            token: policy.slack_token.clone(),
            mail_from: policy.mail_from.clone(),
            clock: run.clone(),
        },
        notice_sender: NoticeSender::new(run.clone(), run.clone(), run.clone(), notices, run.clone()),
        clock: run.clone(),
        remembered: Default::default(),
    }
}

pub type Handled = Driven<Result<Answer, Failure>>;

/// Handles one event in the world; a fault befalls it if one is given.
pub fn handle_with(
    world: &Arc<World>,
    policy: &CompliancePolicy,
    event: &Value,
    fault: Option<Fault>,
) -> (Handled, Arc<Run>) {
    let run = world.run(fault);
    let notifier = notifier(&run, policy);
    let invocation = Invocation::for_tests(&format!("run-{}", world.call_count()), Duration::from_secs(900));
    let event = event.to_string();
    (drive(&run, notifier.handle(event.as_bytes(), &invocation)), run)
}

/// Handles one event that is expected to succeed, and returns the response.
pub fn handle(world: &Arc<World>, policy: &CompliancePolicy, event: &Value) -> Value {
    match handle_with(world, policy, event, None).0 {
        Driven::Done(Ok(answer)) => answer.response,
        Driven::Done(Err(failure)) => panic!("{}: {failure}", failure.kind),
        Driven::Cancelled => panic!("cancelled without a fault"),
    }
}

// --- Events --------------------------------------------------------------------------------------

/// What AWS Config tells of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told<'a> {
    pub account: &'a str,
    pub rule: &'a str,
    pub resource: &'a str,
    pub compliant: bool,
    pub at: Timestamp,
}

impl<'a> Told<'a> {
    pub fn bad(account: &'a str, rule: &'a str, resource: &'a str, at: Timestamp) -> Self {
        Self { account, rule, resource, compliant: false, at }
    }

    pub fn good(&self, at: Timestamp) -> Self {
        Self { compliant: true, at, ..self.clone() }
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
    pub fn found(&self) -> Found {
        Found { key: self.key(), at: self.at, annotation: None }
    }

    /// The event that EventBridge sends.
    pub fn event(&self) -> Value {
        let mut event: Value = serde_json::from_str(include_str!(
            "../../../functions/notify-compliance/tests/events/compliance-change.json"
        ))
        .unwrap();
        let (new, old) = if self.compliant { ("COMPLIANT", "NON_COMPLIANT") } else { ("NON_COMPLIANT", "COMPLIANT") };
        for (pointer, value) in [
            ("/account", self.account),
            ("/region", REGION),
            ("/detail/awsAccountId", self.account),
            ("/detail/awsRegion", REGION),
            ("/detail/configRuleName", self.rule),
            ("/detail/resourceId", self.resource),
            ("/detail/resourceType", "AWS::S3::Bucket"),
            ("/detail/newEvaluationResult/complianceType", new),
            ("/detail/newEvaluationResult/resultRecordedTime", &self.at.to_string()),
            ("/detail/oldEvaluationResult/complianceType", old),
        ] {
            *event.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value.into();
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

// --- The queue -----------------------------------------------------------------------------------

/// Puts events on the queue.
pub fn enqueue(world: &World, events: &[Value]) {
    let messages = events.iter().map(|event| Delayed { body: event.to_string(), delay: Duration::ZERO });
    world.enqueue(&messages.collect::<Vec<_>>());
}

pub fn batch(messages: &[Queued]) -> Value {
    let records = messages.iter().map(|message| {
        let Queued { id, body, .. } = message;
        json!({ "messageId": id, "eventSource": "aws:sqs", "body": body })
    });
    json!({ "Records": records.collect::<Vec<_>>() })
}

/// SQS: gives messages out, hides them, takes them back, and gives up on them in the end.
#[derive(Debug, Default)]
pub struct Sqs {
    received: BTreeMap<String, usize>,
    /// Messages that were given up.
    pub dead: Vec<Queued>,
    /// How many calls each invocation made.
    pub calls: Vec<usize>,
}

impl Sqs {
    /// Works off the queue, time passing where messages wait, until it is empty. Each fault befalls one invocation,
    /// by its number from 0; answers how many did.
    pub fn settle(&mut self, world: &Arc<World>, policy: &CompliancePolicy, faults: &[(usize, Fault)]) -> usize {
        let mut fired = 0;
        for number in 0..400 {
            let Some(next) = world.next_message_at() else { return fired };
            world.advance(next.duration_since(world.now()).max(SignedDuration::ZERO));
            let messages = world.receive(10);
            let fault = faults.iter().find(|(invocation, _)| *invocation == number).map(|(_, fault)| *fault);
            let (handled, run) = handle_with(world, policy, &batch(&messages), fault);
            fired += usize::from(run.fault_fired());
            self.calls.push(run.calls());
            let back: BTreeSet<String> = match handled {
                Driven::Done(Ok(answer)) => failed(&answer.response),
                // SQS gives a batch again whose invocation failed or ended.
                Driven::Done(Err(_)) | Driven::Cancelled => messages.iter().map(|message| message.id.clone()).collect(),
            };
            for message in messages.into_iter().filter(|message| back.contains(&message.id)) {
                let received = self.received.entry(message.id.clone()).or_default();
                *received += 1;
                if *received == RECEIVES {
                    self.dead.push(message);
                } else {
                    world.put_back(message, HIDDEN);
                }
            }
        }
        panic!("the queue does not empty: {} messages", world.waiting_messages());
    }
}

/// The records that a response sends back.
pub fn failed(response: &Value) -> BTreeSet<String> {
    let failures = response["batchItemFailures"].as_array().unwrap();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}

/// Works off the queue without faults; nothing may be given up.
pub fn settle(world: &Arc<World>, policy: &CompliancePolicy) {
    let mut sqs = Sqs::default();
    sqs.settle(world, policy, &[]);
    assert!(sqs.dead.is_empty(), "{:?}", sqs.dead);
}

/// Hands events over and sees them told.
pub fn tell(world: &Arc<World>, policy: &CompliancePolicy, events: &[Value]) {
    enqueue(world, events);
    settle(world, policy);
}

// --- What people see -----------------------------------------------------------------------------

/// A message that reached people: the way, the line that a lock screen shows, and everything that it ever said.
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
            text: message.bodies.iter().map(|body| format!("{body:#}\n")).collect(),
        })
        .collect();
    all.extend(world.sent().into_iter().map(|sent| match sent {
        Sent::Slack(body) => {
            let body: Value = serde_json::from_str(&body).unwrap();
            Seen { way: "webhook".into(), first: body["text"].as_str().unwrap().into(), text: format!("{body:#}") }
        }
        Sent::Topic(topic, message) => Seen {
            way: topic.as_str().rsplit(':').next().unwrap().to_owned(),
            first: message.subject.clone(),
            text: message.body,
        },
        Sent::Mail(mail) => Seen { way: mail.to.join(","), first: mail.subject, text: mail.text },
    }));
    all
}

/// What breaks N3 and N5 in all that people were ever shown: a message that Slack would refuse, and one that names
/// an account of another team. Topics named like fall-backs and the default one may name any account.
pub fn breaches(world: &World) -> Vec<String> {
    let mut broken = Vec::new();
    let bodies = world.slack_messages().into_iter().flat_map(|message| message.bodies);
    let webhooks = world.sent().into_iter().filter_map(|sent| match sent {
        Sent::Slack(body) => Some(serde_json::from_str(&body).unwrap()),
        Sent::Topic(..) | Sent::Mail(_) => None,
    });
    for body in bodies.chain(webhooks) {
        broken.extend(slack::check(&body).into_iter().map(|problem| format!("N3: {problem}: {body}")));
    }
    for message in seen(world) {
        let foreign: &[&str] = match message.way.as_str() {
            "C0PAYMENTS" => &[SEARCH, OTHER],
            "webhook" | "search" => &[PAYMENTS, OTHER],
            _ => &[],
        };
        broken.extend(
            foreign.iter().filter(|id| message.text.contains(**id)).map(|id| format!("N5: {id} in {message:?}")),
        );
    }
    broken
}
