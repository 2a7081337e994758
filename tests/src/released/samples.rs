//! Every shape that outlives an invocation, written by the code that writes it, and read by the
//! code that reads it. Values are made field by field, so that a new field is not forgotten here.

use std::time::Duration;

use banto_domain::compliance::{
    AccountInfo, AskedFor, Change, Compliance, Digest, FindingGroup, FindingKey, FindingState,
    InFlight, Lane, LaneState, MessageRef, NotifiedIn, OpenDigest, OutboxBatch, OutboxEntry,
    Resource, ResourceStatus, RouteState, Severity, Source, Tally,
};
use banto_domain::record::{
    Emergency, Intent, Issued, KeptRecord, Left, Owed, Pin, Reason, Record, Rotation,
    StoredEnvelope,
};
use banto_domain::status::AccountStatus;
use banto_notice::{Notice, QueueMessage};
use jiff::Timestamp;
use onboard_accounts::converge::report::dashboard;
use onboard_accounts::message::Message;
use report_compliance::model::{AccountMonth, MonthReport, MonthSummary, VERSION};
use report_compliance::store::codec::{compressed, read_findings};
use serde_json::{Value, json};

use crate::harness::handle;
use crate::report::harness::{PAYMENTS, policy, scheduled, stored, two_months};

/// A shape: the name of its files, today's writer of a value with every field, and today's reader,
/// whose value is written again.
pub struct Shape {
    pub file: &'static str,
    pub write: fn() -> String,
    pub rewrite: fn(&str) -> Result<String, String>,
}

/// A shape that is a document in an item of a table, or an object: read and written by serde.
macro_rules! document {
    ($file:literal, $kind:ty, $version:expr, $sample:expr) => {
        Shape {
            file: $file,
            write: || pretty(&json!({ "version": $version, "document": $sample })),
            rewrite: |text| {
                let mut value: Value = serde_json::from_str(text).map_err(said)?;
                let document: $kind =
                    serde_json::from_value(value["document"].take()).map_err(said)?;
                value["document"] = json!(document);
                Ok(value.to_string())
            },
        }
    };
}

/// Every shape.
pub fn shapes() -> Vec<Shape> {
    vec![
        Shape {
            file: "record.txt",
            write: record,
            rewrite: |text| {
                let kept = KeptRecord::from_text(text).map_err(said)?;
                let (account, user) = kept.account.zip(kept.user).ok_or("nobody's")?;
                Ok(kept.record.to_text(&account, &user))
            },
        },
        document!("finding.json", FindingState, items(), finding()),
        document!("account.json", AccountInfo, items(), account()),
        document!("batch.json", OutboxBatch, items(), batch()),
        document!("groups.json", Vec<FindingGroup>, items(), groups()),
        document!("digest.json", Digest, items(), digest()),
        document!("route-state.json", RouteState, items(), route_state()),
        document!(
            "statuses.json",
            Vec<AccountStatus>,
            statuses_version(),
            statuses()
        ),
        document!(
            "report-account.json",
            AccountMonth,
            VERSION,
            month("accounts/444455556666")
        ),
        document!("report-month.json", MonthReport, VERSION, month("report")),
        document!(
            "report-summary.json",
            MonthSummary,
            VERSION,
            month("summary")
        ),
        Shape {
            file: "report-findings.json",
            write: || pretty(&json!({ "version": VERSION, "csv": findings_csv() })),
            rewrite: |text| {
                let value: Value = serde_json::from_str(text).map_err(said)?;
                let csv = value["csv"].as_str().unwrap_or_default();
                let rows = read_findings(&compressed(csv.as_bytes()).map_err(said)?);
                match rows.map_err(said)?.is_empty() {
                    true => Err("no findings".to_owned()),
                    false => Ok(text.to_owned()),
                }
            },
        },
        Shape {
            file: "accounts.json",
            write: || {
                let statuses: Vec<AccountStatus> = serde_json::from_value(statuses()).unwrap();
                pretty(&dashboard(&statuses, at(1)))
            },
            // The dashboard's page is its reader, and comes from the same release.
            rewrite: |text| Ok(text.to_owned()),
        },
        Shape {
            file: "notify-messages.json",
            write: || {
                let bodies = notify_messages().into_iter();
                messages(bodies.map(|message| message.body()))
            },
            rewrite: |text| {
                let value: Value = serde_json::from_str(text).map_err(said)?;
                let read: Result<Vec<QueueMessage>, _> =
                    serde_json::from_value(value["messages"].clone());
                Ok(messages(
                    read.map_err(said)?
                        .into_iter()
                        .map(|message| message.body()),
                ))
            },
        },
        Shape {
            file: "onboard-messages.json",
            write: || {
                let read: Vec<Message> = serde_json::from_value(onboard_messages()).unwrap();
                messages(read.iter().map(sent))
            },
            rewrite: |text| {
                let value: Value = serde_json::from_str(text).map_err(said)?;
                let list = value["messages"].as_array().cloned().unwrap_or_default();
                let read: Result<Vec<Message>, _> = list.into_iter().map(Message::decode).collect();
                Ok(messages(read.map_err(said)?.iter().map(sent)))
            },
        },
    ]
}

fn said(error: impl ToString) -> String {
    error.to_string()
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

/// Messages of a queue, which all have the same version.
fn messages(bodies: impl Iterator<Item = String>) -> String {
    let bodies: Vec<Value> = bodies
        .map(|body| serde_json::from_str(&body).unwrap())
        .collect();
    pretty(&json!({ "version": bodies[0]["version"], "messages": bodies }))
}

fn sent(message: &Message) -> String {
    message.delayed(Duration::ZERO).unwrap().body
}

/// The version that an adapter gives items, which is its own business.
fn version_in(source: &str) -> u64 {
    let (_, rest) = source.split_once("\nconst VERSION: ").unwrap();
    let (_, rest) = rest.split_once(" = ").unwrap();
    rest.split(';').next().unwrap().parse().unwrap()
}

fn items() -> u64 {
    version_in(include_str!(
        "../../../shared/aws/src/compliance_table/items.rs"
    ))
}

fn statuses_version() -> u64 {
    version_in(include_str!("../../../shared/aws/src/statuses.rs"))
}

fn at(hour: i64) -> Timestamp {
    "2026-11-27T00:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_hours(hour)
}

fn record() -> String {
    let keys = ["AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE"];
    let [old, new] = keys.map(|key| key.parse::<banto_domain::AccessKeyId>().unwrap());
    let recipient: banto_domain::Fingerprint =
        "0123456789ABCDEF0123456789ABCDEF01234567".parse().unwrap();
    let intent = Intent {
        reason: Reason::Due,
        request: Some("request".to_owned()),
        intended_at: at(1),
        existing_keys: [old.clone()].into(),
        recipient: recipient.clone(),
    };
    let record = Record {
        user_id: "AIDAIOSFODNN7EXAMPLE".parse().unwrap(),
        readers: Some("v2 readers".to_owned()),
        sequence: 7,
        run: "run".to_owned(),
        open: true,
        intent: Some(intent.clone()),
        rotation: Some(Rotation {
            intent,
            issued: Issued {
                key: new.clone(),
                created_at: at(2),
            },
            delivered_at: Some(at(3)),
            proven_at: Some(at(4)),
            withdrawn_at: Some(at(5)),
        }),
        owed: Some(Owed {
            reason: Reason::Forced,
            request: "request".to_owned(),
            asked_at: at(6),
        }),
        disabled: [(old.clone(), at(7))].into(),
        restored: [old.clone()].into(),
        exposed: [old.clone()].into(),
        emergency: Some(Emergency {
            request: "request".to_owned(),
            asked_at: at(8),
            since: at(9),
            contained_at: at(10),
            sessions_denied_at: Some(at(11)),
            revoked_at: Some(at(12)),
            looked_at: Some(at(13)),
        }),
        last_emergency: Some("request".to_owned()),
        left: Some(Left {
            at: at(14),
            worked: [new.clone()].into(),
            inactive: [old].into(),
            sessions_denied_at: Some(at(15)),
            revoked_at: Some(at(16)),
            certificate: Some(recipient.clone()),
        }),
        notified: [("warning".to_owned(), at(17))].into(),
        pin: Some(Pin {
            fingerprint: recipient,
            certificate: "xjMEaQ==".to_owned(),
        }),
        reached_by: Some("U0ALICE".to_owned()),
        envelope: Some(StoredEnvelope {
            key: new,
            armored: "-----BEGIN PGP MESSAGE-----\n\nwV4D\n-----END PGP MESSAGE-----\n".to_owned(),
        }),
    };
    record.to_text(&"111122223333".parse().unwrap(), &"alice".parse().unwrap())
}

fn key() -> FindingKey {
    FindingKey {
        account: PAYMENTS.parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        rule: "s3-bucket-versioning-enabled".parse().unwrap(),
        resource_type: "AWS::S3::Bucket".to_owned(),
        resource_id: "website".to_owned(),
    }
}

fn finding() -> FindingState {
    FindingState {
        key: key(),
        evaluated_in: key().region,
        compliance: Compliance::Noncompliant,
        recorded_at: at(1),
        told: ["payments".to_owned()].into(),
        changes: vec![at(1)],
        flapping: true,
        doubted_at: Some(at(2)),
        unknown_since: Some(at(3)),
        revision: 2,
    }
}

fn account() -> AccountInfo {
    AccountInfo {
        id: key().account,
        name: "payments".to_owned(),
        path: vec!["ou-ab12-cdef3456".parse().unwrap()],
        tags: [("team".to_owned(), "payments".to_owned())].into(),
        joined_at: Some(at(1)),
        fetched_at: at(2),
        asked_for: AskedFor {
            path: true,
            tags: true,
        },
        is_closed: true,
    }
}

/// A batch with an entry of each change, source and severity.
fn batch() -> OutboxBatch {
    let to = vec!["search".to_owned()];
    let changes = [
        (Change::Found, Source::Event, Severity::Critical),
        (Change::Resolved, Source::DailyCheck, Severity::High),
        (Change::Closed, Source::Takeover, Severity::Medium),
        (Change::Moved { to }, Source::Event, Severity::Low),
        (
            Change::Flapping { was_open: true },
            Source::Event,
            Severity::Low,
        ),
    ];
    let entries = changes.map(|(change, source, severity)| OutboxEntry {
        key: key(),
        evaluated_in: key().region,
        revision: 2,
        recorded_at: at(1),
        change,
        source,
        severity,
        annotation: Some("because".to_owned()),
    });
    OutboxBatch {
        id: "0#1795737600000#0b".to_owned(),
        lane: Lane::Critical,
        entries: entries.into(),
    }
}

fn message_ref() -> MessageRef {
    MessageRef {
        channel: "C0PAYMENTS".to_owned(),
        ts: "1795737600.000100".to_owned(),
    }
}

/// A group for each way in which people were notified.
fn groups() -> Vec<FindingGroup> {
    let ways = [
        NotifiedIn::Message(message_ref()),
        NotifiedIn::Digest("digest".to_owned()),
        NotifiedIn::Untracked,
    ];
    let group = |notified_in| FindingGroup {
        account: key().account,
        account_name: "payments".to_owned(),
        owner: Some("alice".to_owned()),
        rule: key().rule,
        severity: Severity::High,
        notified_in,
        since: at(1),
        open: 1,
        resolved: 1,
        closed: 1,
        moved_to: vec!["search".to_owned()],
        resources: vec![Resource {
            resource_type: key().resource_type,
            id: key().resource_id,
            name: Some("website".to_owned()),
            arn: Some("arn:aws:s3:::website".to_owned()),
            region: key().region,
            evaluated_in: key().region,
            status: ResourceStatus::Open,
            since: at(1),
            annotation: Some("because".to_owned()),
        }],
    };
    ways.map(group).into()
}

fn digest() -> Digest {
    let tally = Tally {
        severity: Severity::High,
        open: 1,
        resolved: 2,
        closed: 3,
    };
    Digest {
        id: "digest".to_owned(),
        lane: Lane::High,
        message: Some(message_ref()),
        since: at(1),
        rules: [(key().rule, tally)].into(),
        accounts: [key().account].into(),
    }
}

fn route_state() -> RouteState {
    let lane = LaneState {
        open_digest: Some(OpenDigest {
            id: "digest".to_owned(),
            opened_at: at(1),
        }),
        last_digest_at: Some(at(2)),
    };
    RouteState {
        next_at: Some(at(3)),
        failures: 1,
        breaker_open_until: Some(at(4)),
        lanes: [(Lane::Critical, lane)].into(),
        in_flight: Some(InFlight {
            id: "batch".to_owned(),
            at: at(5),
            said: Some("hash".to_owned()),
        }),
        reminded_at: [(Severity::High, at(6))].into(),
    }
}

/// A status for each condition.
fn statuses() -> Value {
    let reason = |condition: &str| json!({ "condition": condition, "kind": "denied", "detail": "AccessDenied" });
    let conditions = [
        json!({ "condition": "inPlace" }),
        json!({ "condition": "leftAlone", "because": "run by a vendor" }),
        json!({ "condition": "drifted", "items": ["the recorder"] }),
        reason("notReady"),
        reason("failed"),
    ];
    let statuses = conditions.map(|condition| {
        json!({
            "account": PAYMENTS, "name": "payments", "checkedAt": at(1), "global": condition,
            "regions": { "eu-west-1": condition },
        })
    });
    let read: Vec<AccountStatus> = serde_json::from_value(json!(statuses)).unwrap();
    json!(read)
}

fn notify_messages() -> Vec<QueueMessage> {
    let notices = [
        json!("operators"),
        json!({ "route": "payments" }),
        json!({ "owner": { "account": "111122223333", "user": "alice", "slack": "U0ALICE" } }),
    ];
    let notices = notices.map(|audience| {
        let notice = json!({
            "id": "1", "audience": audience, "urgency": "action", "mentions": ["U0ALICE"],
            "headline": "Look", "paragraphs": ["a"], "facts": [["a", "b"]],
            "steps": [{ "text": "a", "command": "b" }], "sections": [{ "title": "a", "lines": ["b"] }],
            "envelope": "a", "links": [{ "label": "a", "url": "https://example.com" }],
            "attributes": { "a": "b" },
        });
        let notice: Notice = serde_json::from_value(notice).unwrap();
        QueueMessage::RelayNotice {
            notice: Box::new(notice),
        }
    });
    let mut messages = vec![
        QueueMessage::Deliver {
            route: "payments".to_owned(),
            attempts: 1,
        },
        QueueMessage::Reconcile {
            account: key().account,
            after: Some(banto_notice::ComparedUpTo {
                rule: key().rule,
                is_first: true,
            }),
            attempts: 1,
        },
        QueueMessage::Remind {
            route: "payments".to_owned(),
        },
    ];
    messages.extend(notices);
    messages
}

/// A message of each kind, without its version.
fn onboard_messages() -> Value {
    let account = json!({
        "id": PAYMENTS, "name": "payments", "state": "active", "path": ["ou-ab12-cdef3456"],
        "joinedAt": at(1), "wasCreated": true,
    });
    let revocation =
        json!({ "account": "111122223333", "user": "alice", "before": at(2), "attempt": 1 });
    let mut revoke = revocation.clone();
    revoke["kind"] = json!("revoke");
    json!([
        { "kind": "converge", "account": account, "cause": "joined", "requestedAt": at(1), "attempt": 1 },
        { "kind": "publishDashboard" },
        { "kind": "failed", "step": "creation", "event": "1", "subject": "car-1", "reason": "EMAIL_ALREADY_EXISTS" },
        { "kind": "find", "account": PAYMENTS, "cause": "controlTower", "requestedAt": at(1), "attempt": 1 },
        revoke,
        { "kind": "revocationBegun", "revocation": revocation, "accounts": 2 },
        {
            "kind": "revokeIn", "account": account, "user": "alice", "before": at(2), "requestedAt": at(1),
            "attempt": 1, "notBefore": at(3), "told": [null, "admin"],
        },
    ])
}

/// An object of a month, as a run makes it.
fn month(name: &str) -> Value {
    let made = made(&format!("months/2026-10/{name}.json"));
    serde_json::from_str(&made).unwrap()
}

fn findings_csv() -> String {
    made(&format!("findings/month=2026-10/{PAYMENTS}.csv.gz"))
}

fn made(key: &str) -> String {
    let world = two_months();
    handle(&world, &policy(), &scheduled());
    stored(&world, key).unwrap_or_else(|| panic!("there is no {key}"))
}
