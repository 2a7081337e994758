//! Foreign bytes become our own [`Trigger`]; a shape that nobody expects is an error that says what came.
//!
//! AWS Config tells of a change as an event of EventBridge, or as a notification of its own with the same fields. Both
//! may come in any wrapping.

use std::collections::BTreeSet;

use banto_domain::AccountId;
use banto_domain::compliance::{Compliance, FindingKey, Source};
use banto_lambda::event::{EnvelopeError, Event, Invoked, Payload, Subscription};
use banto_notice::QueueMessage;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// Most characters of a rule's own words that are kept. (AWS Config API reference, `PutEvaluations`: 256.)
const ANNOTATION: usize = 300;

/// Most bytes of a resource's type and id. (AWS Config API reference, `ResourceIdentifier`: 768 characters.)
const RESOURCE: usize = 1_024;

/// What a payload asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// Things to see to at once: one of an event or a message, all of a request that brings some.
    Items(Vec<Item>),
    /// Accounts to compare with the aggregator; all of them, if none is named.
    Reconcile(Option<BTreeSet<AccountId>>),
    /// A look at what would be said.
    DryRun {
        /// Of these changes.
        observations: Vec<Observation>,
        /// Of what the aggregator knows of these accounts; of all, if `None`.
        accounts: Option<BTreeSet<AccountId>>,
    },
}

/// What one event or message says.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// How a resource stands with a rule.
    Observation(Observation),
    /// A message of our own.
    Message(QueueMessage),
    /// Source of SNS about a subscription of the queue.
    Subscription(Subscription),
    /// Something of AWS Config that says nothing about compliance.
    Irrelevant,
}

/// How a resource was seen to stand with a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Which resource, under which rule.
    pub key: FindingKey,
    /// How it stands; `None` where AWS Config can't tell, which changes nothing.
    pub compliance: Option<Compliance>,
    /// How it stood before, where the event says so.
    pub was: Option<Compliance>,
    /// When AWS Config recorded that.
    pub at: Timestamp,
    /// How it came to be known.
    pub source: Source,
    /// The rule's own words on it.
    pub annotation: Option<String>,
}

/// An event that is none of ours, and what it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The wrapping can't be read.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
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
    #[error(
        "{0}; expected {{\"accounts\": [\"111122223333\"], \"events\": [...], \"dryRun\": true | false}}"
    )]
    Request(String),
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

/// Reads an event, whatever it is wrapped in.
///
/// ```
/// use banto_lambda::event::Invoked;
/// use notify_compliance::event::{Trigger, decode};
/// let invoked = decode(br#"{"accounts": ["111122223333"]}"#).unwrap();
/// assert!(matches!(invoked, Invoked::Direct(Trigger::Reconcile(Some(accounts))) if accounts.len() == 1));
/// ```
pub fn decode(event: &[u8]) -> Result<Invoked<Trigger>, EventError> {
    banto_lambda::event::decode(event, trigger)
}

fn trigger(payload: Payload) -> Result<Trigger, EventError> {
    match payload {
        Payload::EventBridge(event)
            if matches!(event.source.as_str(), "aws.events" | "aws.scheduler") =>
        {
            Ok(Trigger::Reconcile(None))
        }
        Payload::Object(request)
            if request.get("do").is_none() && request.get("messageType").is_none() =>
        {
            decode_request(request)
        }
        payload => Ok(Trigger::Items(vec![item(payload)?])),
    }
}

fn decode_request(event: Value) -> Result<Trigger, EventError> {
    let Request {
        accounts,
        events,
        dry_run,
    } = serde_json::from_value(event).map_err(|error| EventError::Request(error.to_string()))?;
    if accounts.as_ref().is_some_and(BTreeSet::is_empty) {
        return Err(EventError::Request("\"accounts\" is empty".to_owned()));
    }
    let read = |event| item(banto_lambda::event::payload(event)?);
    let items: Vec<Item> = events.into_iter().map(read).collect::<Result<_, _>>()?;
    match (dry_run, items.is_empty()) {
        (false, true) => Ok(Trigger::Reconcile(accounts)),
        (false, false) => Ok(Trigger::Items(items)),
        (true, is_comparison) => {
            let observation = |item| match item {
                Item::Observation(observation) => Some(observation),
                Item::Message(_) | Item::Subscription(_) | Item::Irrelevant => None,
            };
            let observations = items.into_iter().filter_map(observation).collect();
            // Of events alone, only they are looked at.
            let accounts = if is_comparison {
                accounts
            } else {
                Some(accounts.unwrap_or_default())
            };
            Ok(Trigger::DryRun {
                observations,
                accounts,
            })
        }
    }
}

fn item(payload: Payload) -> Result<Item, EventError> {
    match payload {
        Payload::EventBridge(event) if event.source == "aws.config" => change(event.detail),
        Payload::EventBridge(Event {
            source,
            detail_type,
            ..
        }) => Err(EventError::Foreign {
            detail_type,
            source_name: source,
        }),
        Payload::Object(notification) if notification.get("messageType").is_some() => {
            change(notification)
        }
        Payload::Object(message) => {
            let message = serde_json::from_value(message)
                .map_err(|error| EventError::Request(error.to_string()))?;
            Ok(Item::Message(message))
        }
        // AWS Config's notes on oversized items are prose, and say nothing about compliance.
        Payload::Text => Ok(Item::Irrelevant),
        Payload::Subscription(subscription) => Ok(Item::Subscription(subscription)),
    }
}

fn change(detail: Value) -> Result<Item, EventError> {
    if detail
        .get("messageType")
        .is_none_or(|kind| kind != "ComplianceChangeNotification")
    {
        return Ok(Item::Irrelevant);
    }
    let change: ChangeNotification =
        serde_json::from_value(detail).map_err(|error| EventError::Change(error.to_string()))?;
    for (name, text) in [
        ("resourceType", &change.resource_type),
        ("resourceId", &change.resource_id),
    ] {
        if text.is_empty() || text.len() > RESOURCE {
            return Err(EventError::Change(format!(
                "`{name}` has {} bytes, not 1 to {RESOURCE}",
                text.len()
            )));
        }
    }
    let wrong = |error: banto_domain::NameError| EventError::Change(error.to_string());
    let new = change.new_evaluation_result;
    let verdict = new.as_ref().and_then(|new| new.compliance_type.as_deref());
    let (compliance, news) = match verdict {
        Some("NON_COMPLIANT") => (Some(Compliance::Noncompliant), Source::Event),
        Some("COMPLIANT") => (Some(Compliance::Compliant), Source::Event),
        // The rule no longer looks at it, most often since it was deleted.
        Some("NOT_APPLICABLE") | None => (Some(Compliance::Compliant), Source::NoLongerEvaluated),
        // Not known is not the same as in order.
        Some(_) => (None, Source::Event),
    };
    let was = change
        .old_evaluation_result
        .and_then(|old| old.compliance_type);
    let recorded = new
        .as_ref()
        .and_then(|new| new.result_recorded_time)
        .or(change.notification_creation_time);
    Ok(Item::Observation(Observation {
        key: FindingKey {
            account: change.aws_account_id.parse().map_err(wrong)?,
            region: change.aws_region.parse().map_err(wrong)?,
            rule: change.config_rule_name.parse().map_err(wrong)?,
            resource_type: change.resource_type,
            resource_id: change.resource_id,
        },
        compliance,
        was: was.map(|was| {
            if was == "NON_COMPLIANT" {
                Compliance::Noncompliant
            } else {
                Compliance::Compliant
            }
        }),
        at: recorded.ok_or_else(|| EventError::Change("it has no time".to_owned()))?,
        source: news,
        annotation: new
            .and_then(|new| new.annotation)
            .map(|text| text.chars().take(ANNOTATION).collect()),
    }))
}

#[cfg(test)]
mod tests {
    use banto_lambda::event::Record;
    use serde_json::json;

    use super::*;

    fn recorded(name: &str) -> String {
        let path = format!("{}/tests/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    }

    fn direct(event: &str) -> Trigger {
        match decode(event.as_bytes()).unwrap() {
            Invoked::Direct(trigger) => trigger,
            Invoked::Batch(records) => panic!("{records:?}"),
        }
    }

    fn batch(event: &Value) -> Vec<Record<Trigger>> {
        match decode(event.to_string().as_bytes()).unwrap() {
            Invoked::Batch(records) => records,
            Invoked::Direct(trigger) => panic!("{trigger:?}"),
        }
    }

    fn observation(event: &str) -> Observation {
        match direct(event) {
            Trigger::Items(items) => match items.as_slice() {
                [Item::Observation(observation)] => observation.clone(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    fn record(id: &str, body: &str) -> Value {
        json!({ "messageId": id, "eventSource": "aws:sqs", "body": body })
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
        assert_eq!(
            (event.compliance, event.was),
            (Some(Compliance::Noncompliant), Some(Compliance::Compliant))
        );
        assert_eq!(event.at, "2021-04-19T19:04:01.500Z".parse().unwrap());
        let detail: Value = serde_json::from_str::<Value>(&recorded("compliance-change")).unwrap()
            ["detail"]
            .clone();
        let said = Trigger::Items(vec![Item::Observation(event)]);
        for content in [recorded("compliance-change"), detail.to_string()] {
            let envelope = json!({ "Type": "Notification", "Message": content });
            let sns = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": envelope }] });
            for event in [&content, &envelope.to_string(), &sns.to_string()] {
                assert_eq!(direct(event), said, "{event}");
            }
            let records = batch(
                &json!({ "Records": [record("1", &content), record("2", &envelope.to_string())] }),
            );
            assert!(
                records
                    .iter()
                    .all(|record| record.payload.as_ref() == Ok(&said)),
                "{records:?}"
            );
        }
        assert_eq!(direct(&recorded("compliance-change-sns")), said);
    }

    #[test]
    fn a_schedule_or_a_request_says_the_same_in_every_wrapping() {
        let scheduled =
            r#"{"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}"#;
        for content in [
            scheduled,
            r#"{"accounts": ["111122223333"]}"#,
            r#"{"do": "deliver", "version": 1, "route": "payments"}"#,
        ] {
            let said = direct(content);
            let envelope = json!({ "Type": "Notification", "Message": content });
            let sns = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": envelope }] });
            assert_eq!(direct(&sns.to_string()), said, "{content}");
            let records = batch(
                &json!({ "Records": [record("1", content), record("2", &envelope.to_string())] }),
            );
            assert!(
                records
                    .iter()
                    .all(|record| record.payload.as_ref() == Ok(&said)),
                "{records:?}"
            );
        }
    }

    #[test]
    fn a_subscription_to_confirm_is_passed_over_and_named() {
        let records = batch(&serde_json::from_str(&recorded("subscription-confirmation")).unwrap());
        let Ok(Trigger::Items(items)) = &records[0].payload else {
            panic!("{records:?}")
        };
        let [Item::Subscription(subscription)] = items.as_slice() else {
            panic!("{items:?}")
        };
        assert_eq!(
            subscription.topic,
            "arn:aws:sns:eu-west-1:444455556666:config"
        );
    }

    #[test]
    fn every_verdict_of_a_rule_has_its_meaning() {
        let verdict = |verdict: &str| {
            let found = observation(&with(
                "/detail/newEvaluationResult/complianceType",
                verdict.into(),
            ));
            (found.compliance, found.source)
        };
        assert_eq!(
            verdict("NON_COMPLIANT"),
            (Some(Compliance::Noncompliant), Source::Event)
        );
        assert_eq!(
            verdict("COMPLIANT"),
            (Some(Compliance::Compliant), Source::Event)
        );
        assert_eq!(
            verdict("NOT_APPLICABLE"),
            (Some(Compliance::Compliant), Source::NoLongerEvaluated)
        );
        assert_eq!(verdict("INSUFFICIENT_DATA"), (None, Source::Event));
        let first = observation(&with("/detail/oldEvaluationResult", Value::Null));
        assert_eq!(first.was, None);
        let deleted = observation(&with("/detail/newEvaluationResult", Value::Null));
        assert_eq!(
            (deleted.compliance, deleted.source),
            (Some(Compliance::Compliant), Source::NoLongerEvaluated)
        );
        let odd = observation(&with("/detail/resourceType", "AWS::::Account".into()));
        assert_eq!(odd.key.resource_type, "AWS::::Account");
    }

    #[test]
    fn a_record_that_cannot_be_read_fails_alone() {
        let records = [
            record("good", &recorded("compliance-change")),
            record("half", "{\"source\": \"aws.con"),
            record(
                "foreign",
                r#"{"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification"}"#,
            ),
            record(
                "other",
                r#"{"source": "aws.config", "detail-type": "Config Rules Re-evaluation Status", "detail": {}}"#,
            ),
            record("nameless", &with("/detail/awsAccountId", "12".into())),
            record(
                "deliver",
                r#"{"do": "deliver", "version": 1, "route": "payments"}"#,
            ),
        ];
        let records = batch(&json!({ "Records": records }));
        let failed: Vec<&str> = records
            .iter()
            .filter(|record| record.payload.is_err())
            .map(|record| record.id.as_str())
            .collect();
        assert_eq!(failed, ["half", "foreign", "nameless"]);
        assert_eq!(
            records[3].payload,
            Ok(Trigger::Items(vec![Item::Irrelevant]))
        );
        let deliver = QueueMessage::Deliver {
            route: "payments".into(),
        };
        assert_eq!(
            records[5].payload,
            Ok(Trigger::Items(vec![Item::Message(deliver)]))
        );
    }

    #[test]
    fn what_is_none_of_ours_is_named() {
        for (event, says) in [
            ("{", "the event is not JSON"),
            (
                r#"{"source": "aws.ec2", "detail-type": "X", "detail": {}}"#,
                "can't handle \"X\" from \"aws.ec2\"",
            ),
            (r#"{"acounts": []}"#, "unknown field `acounts`"),
            (r#"{"accounts": []}"#, "\"accounts\" is empty"),
            (
                r#"{"Records": [{"eventSource": "aws:kinesis", "messageId": "1", "body": ""}]}"#,
                "aws:kinesis",
            ),
            (r#"{"Records": [{"eventID": "1"}]}"#, "neither SQS nor SNS"),
        ] {
            let error = decode(event.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(says), "{event}: {error}");
        }
    }

    #[test]
    fn schedules_requests_and_dry_run_are_told_apart() {
        let scheduled =
            r#"{"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}"#;
        assert_eq!(direct(scheduled), Trigger::Reconcile(None));
        let all = Trigger::DryRun {
            observations: Vec::new(),
            accounts: None,
        };
        assert_eq!(direct(r#"{"dryRun": true}"#), all);
        let event = recorded("compliance-change");
        let dry_run = direct(&format!("{{\"events\": [{event}], \"dryRun\": true}}"));
        assert!(
            matches!(dry_run, Trigger::DryRun { observations, accounts: Some(none) } if observations.len() == 1 && none.is_empty())
        );
    }

    #[test]
    fn a_note_on_an_oversized_item_is_passed_over_in_every_wrapping() {
        let nothing = Trigger::Items(vec![Item::Irrelevant]);
        let through_sns = r#"{"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "This resource is too large"}}]}"#;
        assert_eq!(direct(through_sns), nothing);
        let raw = batch(&serde_json::from_str(&recorded("oversized-item-raw")).unwrap());
        assert_eq!(raw[0].payload, Ok(nothing));
    }
}
