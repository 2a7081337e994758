//! What notify-compliance asks.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::Duration;

use banto_aws::{Aws, ComplianceClients};
use banto_domain::compliance::{
    AccountInfo, AskedFor, Change, Compliance, Digest, FindingGroup, FindingKey, FindingState,
    Lane, NotifiedIn, OutboxBatch, OutboxEntry, Resource, ResourceStatus, RouteState, Severity,
    Source,
};
use banto_domain::policy::Policy;
use banto_domain::{AccountId, Region, RuleName};
use banto_ports::{
    Delayed, DeliveryCommit, DeliverySchedule, ErrorKind, FindingChange, FindingCommit,
    FindingStore, Mail, Mailer, Outbox, PortError, Queue, RouteLease, RouteLock,
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use crate::service::{Asked, Canned, SECRET, Service, json_answer};

mod aggregator;
mod findings;
mod mail;
mod outbox;
mod reading;
mod routes;
mod transactions;

const POLICY: &str = include_str!("../../../../examples/banto.toml");

impl Service {
    fn compliance(&self) -> ComplianceClients {
        compliance(&self.aws())
    }
}

fn compliance(aws: &Aws) -> ComplianceClients {
    aws.compliance(&Policy::parse(POLICY).unwrap().compliance.unwrap())
}

fn account() -> AccountId {
    "444455556666".parse().unwrap()
}

fn region() -> Region {
    "eu-west-1".parse().unwrap()
}

fn rule() -> RuleName {
    "iam-user-mfa-enabled".parse().unwrap()
}

/// A user's finding, which is in IAM's region wherever the rule looked.
fn key(resource: &str) -> FindingKey {
    FindingKey {
        account: account(),
        region: "us-east-1".parse().unwrap(),
        rule: rule(),
        resource_type: "AWS::IAM::User".into(),
        resource_id: resource.into(),
    }
}

fn at(minute: i64) -> Timestamp {
    let begun: Timestamp = "2026-11-24T01:00:00.25Z".parse().unwrap();
    begun + SignedDuration::from_mins(minute)
}

fn state(compliance: Compliance) -> FindingState {
    FindingState {
        key: key("AIDA1"),
        evaluated_in: region(),
        compliance,
        recorded_at: at(0),
        told: BTreeSet::new(),
        changes: vec![at(0)],
        flapping: false,
        doubted_at: None,
        unknown_since: None,
        revision: 7,
    }
}

fn entry(revision: u64) -> OutboxEntry {
    OutboxEntry {
        key: key("AIDA1"),
        evaluated_in: region(),
        revision,
        recorded_at: at(0),
        change: Change::Found,
        source: Source::Event,
        severity: Severity::High,
        annotation: None,
    }
}

/// A batch of the lane of high severity, of so many entries.
fn batch(id: &str, entries: u64) -> OutboxBatch {
    OutboxBatch {
        id: id.into(),
        lane: Lane::High,
        entries: (0..entries).map(entry).collect(),
    }
}

fn group(open: u32) -> FindingGroup {
    FindingGroup {
        account: account(),
        account_name: "payments".into(),
        owner: None,
        rule: rule(),
        severity: Severity::High,
        notified_in: NotifiedIn::Untracked,
        since: at(0),
        open,
        resolved: 1,
        closed: 0,
        moved_to: Vec::new(),
        resources: vec![Resource {
            resource_type: "AWS::IAM::User".into(),
            id: "AIDA1".into(),
            name: Some("alice".into()),
            arn: None,
            region: "us-east-1".parse().unwrap(),
            evaluated_in: region(),
            status: ResourceStatus::Resolved,
            since: at(5),
            annotation: None,
        }],
    }
}

fn digest() -> Digest {
    Digest {
        id: "d1".into(),
        lane: Lane::High,
        message: None,
        since: at(0),
        rules: BTreeMap::new(),
        accounts: BTreeSet::new(),
    }
}

fn account_info() -> AccountInfo {
    AccountInfo {
        id: account(),
        name: "payments".into(),
        path: Vec::new(),
        tags: BTreeMap::new(),
        joined_at: None,
        fetched_at: at(0),
        asked_for: AskedFor::default(),
        is_closed: false,
    }
}

fn lease() -> RouteLease {
    RouteLease {
        route: "security".into(),
        holder: "run-1".into(),
        expires_at: at(5),
    }
}

fn change(expected_revision: Option<u64>) -> FindingChange {
    FindingChange {
        expected_revision,
        after: state(Compliance::Noncompliant),
    }
}

/// A change of a finding with so many batches.
fn finding_commit(batches: usize) -> FindingCommit {
    FindingCommit {
        findings: vec![change(None)],
        batches: (0..batches)
            .map(|index| (format!("route-{index}"), batch("1#0000000000001#0b", 1)))
            .collect(),
    }
}

fn text(document: &impl Serialize) -> Value {
    json!({ "S": serde_json::to_string(document).unwrap() })
}

fn seconds(at: Timestamp, days: i64) -> Value {
    json!({ "N": (at.as_second() + days * 86_400).to_string() })
}

fn done() -> Canned {
    json_answer(&json!({}))
}

fn pk(text: &str) -> Value {
    json!({ "S": text })
}

fn item_key(partition: &str, sk: &str) -> Value {
    json!({ "pk": pk(partition), "sk": pk(sk) })
}

fn account_item(sk: &str) -> Value {
    item_key("account#444455556666", sk)
}

/// The key of a finding, whose shard the last digit of its id tells.
fn finding_item(resource: &str) -> Value {
    let id = key(resource).id();
    let shard = u32::from_str_radix(&id[31..], 16).unwrap() % 8;
    item_key(
        &format!("account#444455556666#{shard}"),
        &format!("finding#{id}"),
    )
}

fn route_item(sk: &str) -> Value {
    item_key("route#security", sk)
}

/// The partition that a query asked for.
fn partition(asked: &Asked) -> String {
    let pk = asked.json()["ExpressionAttributeValues"][":pk"]["S"].clone();
    pk.as_str().unwrap().to_owned()
}

/// An item as it is kept: its key, its version, and more.
fn versioned(key: Value, more: Value) -> Value {
    with(with(key, json!({ "version": { "N": "1" } })), more)
}

/// An item with more attributes.
fn with(mut item: Value, more: Value) -> Value {
    item.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    item
}

/// A transaction that was cancelled, for these reasons.
fn cancelled(codes: &[&str]) -> Canned {
    let reasons: Vec<Value> = codes
        .iter()
        .map(|code| json!({ "Code": code, "Message": "in words" }))
        .collect();
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes.join(", ")),
        "CancellationReasons": reasons,
    });
    (400, body.to_string())
}

fn failed<T: Debug>(result: Result<T, PortError>) -> (ErrorKind, &'static str) {
    let error = result.unwrap_err();
    (error.kind, error.call)
}

#[tokio::test]
async fn clients_ask_nothing_before_they_are_used_and_each_service_where_it_is() {
    let (service, mail) = (Service::answering([]), Service::answering([done()]));
    let (all, ses) = (
        format!("http://127.0.0.1:{}", service.port),
        format!("http://127.0.0.1:{}", mail.port),
    );
    let aws = Aws::from_vars(|name| match name {
        "AWS_REGION" => Some("eu-west-1".to_owned()),
        "AWS_ACCESS_KEY_ID" => Some("AKIAIOSFODNN7EXAMPLE".to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some(SECRET.to_owned()),
        "AWS_ENDPOINT_URL" => Some(all.clone()),
        "AWS_ENDPOINT_URL_SESV2" => Some(ses.clone()),
        _ => None,
    });
    let clients = compliance(&aws.unwrap());
    clients.queue.send(&[]).await.unwrap();
    clients.mailer.send(&mail_to_security()).await.unwrap();
    assert_eq!((service.asked().len(), mail.asked().len()), (0, 1));
}

#[tokio::test]
async fn deliveries_have_a_queue_of_their_own() {
    let taken = || json_answer(&json!({ "Successful": [], "Failed": [] }));
    let service = Service::answering([taken(), taken()]);
    let clients = service.compliance();
    for queue in [&clients.queue, &clients.deliveries] {
        let message = Delayed {
            body: "{}".into(),
            delay: Duration::ZERO,
            group: None,
        };
        queue.send(&[message]).await.unwrap();
    }
    let urls: Vec<Value> = service
        .asked()
        .iter()
        .map(|asked| asked.json()["QueueUrl"].clone())
        .collect();
    let expected = ["compliance", "deliveries"]
        .map(|name| format!("https://sqs.ap-northeast-1.amazonaws.com/999988887777/banto-{name}"));
    assert_eq!(urls, expected);
}

fn mail_to_security() -> Mail {
    Mail {
        from: "banto@example.com".into(),
        to: vec!["security@example.com".into(), "sre@example.com".into()],
        subject: "番頭: 3 findings".into(),
        text: "plain".into(),
        html: "<p>rich</p>".into(),
        attachments: Vec::new(),
        configuration_set: None,
    }
}
