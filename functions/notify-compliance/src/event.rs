//! Foreign bytes become our own [`Trigger`]; a shape that nobody expects is an error that says what came.
//!
//! AWS Config tells of a change in three wrappings of the same fields: an event of EventBridge, SNS's envelope
//! around a text, and that text alone. All of them may come one by one or as records of SQS.

use std::collections::BTreeSet;

use banto_domain::AccountId;
use banto_domain::compliance::{FindingKey, News, Standing};
use banto_notice::Notice;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most characters of a rule's own words that are kept. (AWS Config API reference, `PutEvaluations`: 256.)
const ANNOTATION: usize = 300;

/// Most bytes of a resource's type and id. (AWS Config API reference, `ResourceIdentifier`: 768 characters.)
const RESOURCE: usize = 1_024;

/// What an invocation is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// Records, each of which succeeds or fails alone.
    Batch(Vec<Record>),
    /// Things to take in at once; if one fails, the invocation does.
    Direct(Vec<Body>),
    /// Accounts to compare with the aggregator; all of them, if none is named.
    Reconcile(Option<BTreeSet<AccountId>>),
    /// A look at what would be said.
    Rehearsal {
        /// Of these changes.
        observations: Vec<Observation>,
        /// Of what the aggregator knows of these accounts; of all, if `None`.
        accounts: Option<BTreeSet<AccountId>>,
    },
}

/// A record of a batch, as SQS hands it over.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The message's id in SQS.
    pub id: String,
    /// What it says; or why that can't be read.
    pub body: Result<Body, String>,
}

/// What one message says.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// How a resource stands with a rule.
    Observation(Observation),
    /// A message of our own.
    Message(Message),
    /// Something of AWS Config that says nothing about compliance.
    Nothing,
}

/// How a resource was seen to stand with a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Which resource, under which rule.
    pub key: FindingKey,
    /// How it stands; `None` where AWS Config can't tell, which changes nothing.
    pub standing: Option<Standing>,
    /// How it stood before, where the event says so.
    pub was: Option<Standing>,
    /// When AWS Config recorded that.
    pub at: Timestamp,
    /// How it came to be known.
    pub news: News,
    /// The rule's own words on it.
    pub annotation: Option<String>,
}

/// A message of our own on the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase", deny_unknown_fields)]
pub enum Message {
    /// Tell what waits on a route.
    Tell {
        /// The route's name.
        route: String,
    },
    /// Compare an account with the aggregator.
    Reconcile {
        /// The account.
        account: AccountId,
    },
    /// Carry a notice of another function.
    Notice {
        /// What to tell.
        notice: Box<Notice>,
    },
}

/// An event that is none of ours, and what it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not JSON at all.
    #[error("the event is not JSON: {0}")]
    NotJson(String),
    /// An event of EventBridge that this function does not handle.
    #[error(
        "can't handle {detail_type:?} from {source_name:?}: expected a \"Scheduled Event\", or events of aws.config"
    )]
    Foreign {
        /// `detail-type` of the event.
        detail_type: String,
        /// `source` of the event.
        source_name: String,
    },
    /// A change of compliance that lacks what it must have.
    #[error("the compliance change can't be read: {0}")]
    Change(String),
    /// A request of our own shape with something wrong in it.
    #[error("{0}; expected {{\"accounts\": [\"111122223333\"], \"events\": [...], \"dryRun\": true | false}}")]
    Request(String),
}

/// What every event of EventBridge has. (EventBridge user guide, "AWS service event structure".)
#[derive(Deserialize)]
struct Envelope {
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    #[serde(default)]
    detail: Value,
}

/// Records of SQS or SNS. (Lambda developer guide, "Using Lambda with Amazon SQS" and "with Amazon SNS".)
#[derive(Deserialize)]
#[serde(untagged)]
enum RawRecord {
    Sqs {
        #[serde(rename = "messageId")]
        id: String,
        body: String,
        #[serde(rename = "eventSource")]
        source: String,
    },
    Sns {
        #[serde(rename = "Sns")]
        sns: SnsEnvelope,
    },
}

/// SNS's envelope. (SNS developer guide, "Amazon SNS message and JSON formats".)
#[derive(Deserialize)]
struct SnsEnvelope {
    #[serde(rename = "Message")]
    message: String,
}

/// AWS Config's `ComplianceChangeNotification`. (AWS Config developer guide, "Example compliance change".)
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangeNotification {
    aws_account_id: String,
    aws_region: String,
    config_rule_name: String,
    resource_type: String,
    resource_id: String,
    new_evaluation_result: Option<EvaluationResult>,
    old_evaluation_result: Option<EvaluationResult>,
    notification_creation_time: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EvaluationResult {
    compliance_type: Option<String>,
    result_recorded_time: Option<Timestamp>,
    annotation: Option<String>,
}

/// What people and other programs send.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Request {
    accounts: Option<BTreeSet<AccountId>>,
    #[serde(default)]
    events: Vec<Value>,
    #[serde(default)]
    dry_run: bool,
}

/// Reads an event.
///
/// ```
/// use notify_compliance::event::{Trigger, decode};
/// let trigger = decode(br#"{"accounts": ["111122223333"]}"#).unwrap();
/// assert!(matches!(trigger, Trigger::Reconcile(Some(accounts)) if accounts.len() == 1));
/// ```
pub fn decode(event: &[u8]) -> Result<Trigger, EventError> {
    let event: Value = serde_json::from_slice(event).map_err(|error| EventError::NotJson(error.to_string()))?;
    if let Some(records) = event.get("Records") {
        decode_records(records.clone())
    } else if event.get("source").is_some_and(|source| source == "aws.events" || source == "aws.scheduler") {
        Ok(Trigger::Reconcile(None))
    } else if event.get("detail-type").is_some() || event.get("messageType").is_some() {
        Ok(Trigger::Direct(vec![body(event)?]))
    } else {
        decode_request(event)
    }
}

fn decode_records(records: Value) -> Result<Trigger, EventError> {
    let records: Vec<RawRecord> = serde_json::from_value(records)
        .map_err(|_| EventError::Request("records of neither SQS nor SNS".to_owned()))?;
    let (mut batch, mut direct) = (Vec::new(), Vec::new());
    for record in records {
        match record {
            RawRecord::Sqs { source, .. } if source != "aws:sqs" => {
                return Err(EventError::Request(format!("records of {source:?} are none of ours")));
            }
            // A message that can't be read fails alone, and ends in the dead letter queue.
            RawRecord::Sqs { id, body, .. } => {
                batch.push(Record { id, body: text_body(&body).map_err(|error| error.to_string()) });
            }
            RawRecord::Sns { sns } => direct.push(sns_body(&sns)?),
        }
    }
    Ok(if direct.is_empty() { Trigger::Batch(batch) } else { Trigger::Direct(direct) })
}

fn decode_request(event: Value) -> Result<Trigger, EventError> {
    let Request { accounts, events, dry_run } =
        serde_json::from_value(event).map_err(|error| EventError::Request(error.to_string()))?;
    if accounts.as_ref().is_some_and(BTreeSet::is_empty) {
        return Err(EventError::Request("\"accounts\" is empty".to_owned()));
    }
    let bodies: Vec<Body> = events.into_iter().map(body).collect::<Result<_, _>>()?;
    match (dry_run, bodies.is_empty()) {
        (false, true) => Ok(Trigger::Reconcile(accounts)),
        (false, false) => Ok(Trigger::Direct(bodies)),
        (true, is_comparison) => {
            let observation = |body| match body {
                Body::Observation(observation) => Some(observation),
                Body::Message(_) | Body::Nothing => None,
            };
            let observations = bodies.into_iter().filter_map(observation).collect();
            // Of events alone, only they are looked at.
            let accounts = if is_comparison { accounts } else { Some(accounts.unwrap_or_default()) };
            Ok(Trigger::Rehearsal { observations, accounts })
        }
    }
}

fn text_body(text: &str) -> Result<Body, EventError> {
    let value: Value = serde_json::from_str(text).map_err(|error| EventError::NotJson(error.to_string()))?;
    if value.get("Type").is_some_and(|kind| kind == "Notification") {
        let envelope = serde_json::from_value(value).map_err(|error| EventError::Change(error.to_string()))?;
        return sns_body(&envelope);
    }
    body(value)
}

fn sns_body(envelope: &SnsEnvelope) -> Result<Body, EventError> {
    // AWS Config's notes on oversized items are prose, and say nothing about compliance.
    match serde_json::from_str(&envelope.message) {
        Ok(message) => body(message),
        Err(_) => Ok(Body::Nothing),
    }
}

fn body(value: Value) -> Result<Body, EventError> {
    if value.get("do").is_some() {
        let message = serde_json::from_value(value).map_err(|error| EventError::Request(error.to_string()))?;
        return Ok(Body::Message(message));
    }
    if value.get("messageType").is_some() {
        return change(value);
    }
    let envelope: Envelope = serde_json::from_value(value).map_err(|error| EventError::Request(error.to_string()))?;
    if envelope.source != "aws.config" {
        return Err(EventError::Foreign { detail_type: envelope.detail_type, source_name: envelope.source });
    }
    change(envelope.detail)
}

fn change(detail: Value) -> Result<Body, EventError> {
    if detail.get("messageType").is_none_or(|kind| kind != "ComplianceChangeNotification") {
        return Ok(Body::Nothing);
    }
    let change: ChangeNotification =
        serde_json::from_value(detail).map_err(|error| EventError::Change(error.to_string()))?;
    for (name, text) in [("resourceType", &change.resource_type), ("resourceId", &change.resource_id)] {
        if text.is_empty() || text.len() > RESOURCE {
            return Err(EventError::Change(format!("`{name}` has {} bytes, not 1 to {RESOURCE}", text.len())));
        }
    }
    let wrong = |error: banto_domain::NameError| EventError::Change(error.to_string());
    let new = change.new_evaluation_result;
    let verdict = new.as_ref().and_then(|new| new.compliance_type.as_deref());
    let (standing, news) = match verdict {
        Some("NON_COMPLIANT") => (Some(Standing::Noncompliant), News::Event),
        Some("COMPLIANT") => (Some(Standing::Compliant), News::Event),
        // The rule no longer looks at it, most often since it was deleted.
        Some("NOT_APPLICABLE") | None => (Some(Standing::Compliant), News::Gone),
        // Not known is not the same as in order.
        Some(_) => (None, News::Event),
    };
    let was = change.old_evaluation_result.and_then(|old| old.compliance_type);
    let recorded = new.as_ref().and_then(|new| new.result_recorded_time).or(change.notification_creation_time);
    Ok(Body::Observation(Observation {
        key: FindingKey {
            account: change.aws_account_id.parse().map_err(wrong)?,
            region: change.aws_region.parse().map_err(wrong)?,
            rule: change.config_rule_name.parse().map_err(wrong)?,
            resource_type: change.resource_type,
            resource_id: change.resource_id,
        },
        standing,
        was: was.map(|was| if was == "NON_COMPLIANT" { Standing::Noncompliant } else { Standing::Compliant }),
        at: recorded.ok_or_else(|| EventError::Change("it has no time".to_owned()))?,
        news,
        annotation: new.and_then(|new| new.annotation).map(|text| text.chars().take(ANNOTATION).collect()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(name: &str) -> String {
        let path = format!("{}/tests/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    }

    fn observation(text: &str) -> Observation {
        match text_body(text).unwrap() {
            Body::Observation(observation) => observation,
            other => panic!("{other:?}"),
        }
    }

    /// A recorded event with a part of it replaced.
    fn with(pointer: &str, value: Value) -> String {
        let mut event: Value = serde_json::from_str(&recorded("compliance-change")).unwrap();
        *event.pointer_mut(pointer).unwrap() = value;
        event.to_string()
    }

    #[test]
    fn a_change_says_the_same_however_it_is_wrapped() {
        let event = observation(&recorded("compliance-change"));
        assert_eq!(event.key.account.as_str(), "111122223333");
        assert_eq!(event.key.rule.as_str(), "access-keys-rotated");
        assert_eq!((event.standing, event.was), (Some(Standing::Noncompliant), Some(Standing::Compliant)));
        assert_eq!(event.at, "2021-04-19T19:04:01.500Z".parse().unwrap());
        let detail: Value = serde_json::from_str::<Value>(&recorded("compliance-change")).unwrap()["detail"].clone();
        assert_eq!(observation(&detail.to_string()), event);
        assert_eq!(observation(&recorded("compliance-change-sns")), event);
    }

    #[test]
    fn every_verdict_of_a_rule_has_its_meaning() {
        let verdict = |verdict: &str| {
            let found = observation(&with("/detail/newEvaluationResult/complianceType", verdict.into()));
            (found.standing, found.news)
        };
        assert_eq!(verdict("NON_COMPLIANT"), (Some(Standing::Noncompliant), News::Event));
        assert_eq!(verdict("COMPLIANT"), (Some(Standing::Compliant), News::Event));
        assert_eq!(verdict("NOT_APPLICABLE"), (Some(Standing::Compliant), News::Gone));
        assert_eq!(verdict("INSUFFICIENT_DATA"), (None, News::Event));
        let first = observation(&with("/detail/oldEvaluationResult", Value::Null));
        assert_eq!(first.was, None);
        let deleted = observation(&with("/detail/newEvaluationResult", Value::Null));
        assert_eq!((deleted.standing, deleted.news), (Some(Standing::Compliant), News::Gone));
        let odd = observation(&with("/detail/resourceType", "AWS::::Account".into()));
        assert_eq!(odd.key.resource_type, "AWS::::Account");
    }

    #[test]
    fn a_record_that_cannot_be_read_fails_alone() {
        let record =
            |id: &str, body: &str| serde_json::json!({ "messageId": id, "eventSource": "aws:sqs", "body": body });
        let records = [
            record("good", &recorded("compliance-change")),
            record("half", "{\"source\": \"aws.con"),
            record("foreign", r#"{"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification"}"#),
            record(
                "other",
                r#"{"source": "aws.config", "detail-type": "Config Rules Re-evaluation Status", "detail": {}}"#,
            ),
            record("nameless", &with("/detail/awsAccountId", "12".into())),
            record("tell", r#"{"do": "tell", "route": "payments"}"#),
        ];
        let event = serde_json::json!({ "Records": records }).to_string();
        let Trigger::Batch(records) = decode(event.as_bytes()).unwrap() else { panic!("no batch") };
        let failed: Vec<&str> =
            records.iter().filter(|record| record.body.is_err()).map(|record| record.id.as_str()).collect();
        assert_eq!(failed, ["half", "foreign", "nameless"]);
        assert_eq!(records[3].body, Ok(Body::Nothing));
        assert_eq!(records[5].body, Ok(Body::Message(Message::Tell { route: "payments".into() })));
    }

    #[test]
    fn what_is_none_of_ours_is_named() {
        for (event, says) in [
            ("{", "the event is not JSON"),
            (r#"{"source": "aws.ec2", "detail-type": "X", "detail": {}}"#, "can't handle \"X\" from \"aws.ec2\""),
            (r#"{"acounts": []}"#, "unknown field `acounts`"),
            (r#"{"accounts": []}"#, "\"accounts\" is empty"),
            (r#"{"Records": [{"eventSource": "aws:kinesis", "messageId": "1", "body": ""}]}"#, "aws:kinesis"),
            (r#"{"Records": [{"eventID": "1"}]}"#, "neither SQS nor SNS"),
        ] {
            let error = decode(event.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(says), "{event}: {error}");
        }
    }

    #[test]
    fn schedules_requests_and_rehearsals_are_told_apart() {
        let scheduled = br#"{"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}"#;
        assert_eq!(decode(scheduled), Ok(Trigger::Reconcile(None)));
        let all = Trigger::Rehearsal { observations: Vec::new(), accounts: None };
        assert_eq!(decode(br#"{"dryRun": true}"#), Ok(all));
        let event = recorded("compliance-change");
        let rehearsal = decode(format!("{{\"events\": [{event}], \"dryRun\": true}}").as_bytes()).unwrap();
        assert!(
            matches!(rehearsal, Trigger::Rehearsal { observations, accounts: Some(none) } if observations.len() == 1 && none.is_empty())
        );
        let oversized =
            r#"{"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "This resource is too large"}}]}"#;
        assert_eq!(decode(oversized.as_bytes()), Ok(Trigger::Direct(vec![Body::Nothing])));
    }
}
