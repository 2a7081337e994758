//! Unwraps events: the foreign bytes of an invocation become [`Payload`]s of our own, whatever AWS
//! wrapped them in.
//!
//! An event of EventBridge, a request or a message reaches a function directly, as a record of SQS,
//! from a topic of SNS, or from a topic by way of SQS. SNS puts an envelope around it unless "raw
//! message delivery" is on. Each function reads all of these wrappings by [`decode`].
//!
//! Deliberately absent: the meaning of a payload, which each function decides, and logs.

use std::fmt;

use aws_lambda_events::eventbridge::EventBridgeEvent;
use jiff::Timestamp;
use serde_json::Value;

mod delivery;

pub use delivery::Delivery;

/// An invocation without its wrapping.
#[derive(Debug, Clone, PartialEq)]
pub enum Invoked<T> {
    /// Records of SQS, each of which succeeds or fails alone.
    Batch(Vec<Record<T>>),
    /// The one thing that the invocation is about, with which it succeeds or fails.
    Direct(T),
}

/// A record of SQS.
#[derive(Debug, Clone, PartialEq)]
pub struct Record<T> {
    /// The message's id in SQS; it names the record in the answer.
    pub id: String,
    /// The record's content, or the reason why it can't be read.
    pub payload: Result<T, String>,
    /// The message's text, as it came: whoever can't work on it yet may send it again.
    pub body: String,
    /// The delivery of the message by SQS.
    pub delivery: Delivery,
}

/// The content of a wrapping.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// An event of EventBridge.
    EventBridge(Event),
    /// Any other JSON object: a request, a message of our own, or a notification of AWS Config.
    Object(Value),
    /// Text that is not JSON.
    Text,
    /// News of SNS about a subscription itself.
    Subscription(Subscription),
}

/// An event of EventBridge, as far as it matters here.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The service that it comes from.
    pub source: String,
    /// Its kind, in the words of that service.
    pub detail_type: String,
    /// The account that it was sent in.
    pub account: Option<String>,
    /// The event's id, which stays the same when EventBridge delivers it again.
    pub id: Option<String>,
    /// When it happened, in the words of the service; `None` if that can't be read.
    pub time: Option<Timestamp>,
    /// All that the service says; null if it says nothing.
    pub detail: Value,
}

/// A topic of SNS tells a queue that a subscription waits for its confirmation, or has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// `SubscriptionConfirmation` or `UnsubscribeConfirmation`.
    pub kind: String,
    /// The topic's ARN.
    pub topic: String,
}

/// An event whose wrapping can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The bytes are not JSON.
    #[error("the event is not JSON: {0}")]
    NotJson(String),
    /// The JSON is none that AWS or a person sends.
    #[error("the event is {0}, not an object")]
    NotAnObject(&'static str),
    /// An event of EventBridge lacks a field, or has one of another type.
    #[error("the event of EventBridge can't be read: {0}")]
    EventBridge(String),
    /// `Records` is no list.
    #[error("`Records` is {0}, not an array")]
    NotAnArray(&'static str),
    /// Records of another service.
    #[error("records of {0} are of neither SQS nor SNS")]
    Foreign(String),
    /// A record or an envelope lacks a field, or has one of another type.
    #[error("the record of {service} can't be read: {problem}")]
    Record {
        /// The service.
        service: &'static str,
        /// The problem with the record.
        problem: String,
    },
}

/// Unwraps an event and reads each payload by `meaning`. A record of SQS that can't be read fails
/// alone, since it would otherwise hold up its whole batch; it ends in the dead letter queue.
///
/// # Errors
/// If the wrapping, or the payload of an event that is no batch, can't be read.
pub fn decode<T, E>(
    event: &[u8],
    meaning: impl Fn(Payload) -> Result<T, E>,
) -> Result<Invoked<T>, E>
where
    E: From<EnvelopeError> + fmt::Display,
{
    let event: Value =
        serde_json::from_slice(event).map_err(|error| EnvelopeError::NotJson(error.to_string()))?;
    let records = match event {
        Value::Object(mut fields) if fields.contains_key("Records") => {
            fields.remove("Records").unwrap_or_default()
        }
        event => return Ok(Invoked::Direct(meaning(payload(event)?)?)),
    };
    let Value::Array(records) = records else {
        return Err(EnvelopeError::NotAnArray(kind_of(&records)).into());
    };
    match records.as_slice() {
        [record] if source(record) == Some("aws:sns") => {
            Ok(Invoked::Direct(meaning(sns_record(record)?)?))
        }
        _ => {
            let read = |record| {
                let record = sqs_record(record)?;
                let payload = record
                    .payload
                    .and_then(|payload| meaning(payload).map_err(|error| error.to_string()));
                Ok(Record {
                    id: record.id,
                    payload,
                    body: record.body,
                    delivery: record.delivery,
                })
            };
            Ok(Invoked::Batch(
                records
                    .iter()
                    .map(read)
                    .collect::<Result<_, EnvelopeError>>()?,
            ))
        }
    }
}

/// Reads an object that may be an event of EventBridge, SNS's envelope around something, or
/// something of our own.
///
/// # Errors
/// If it is no object, or one of AWS's that lacks a field.
pub fn payload(value: Value) -> Result<Payload, EnvelopeError> {
    match text(&value, "Type") {
        Some("Notification") => notification(&value),
        Some(kind @ ("SubscriptionConfirmation" | "UnsubscribeConfirmation")) => {
            let topic = text(&value, "TopicArn")
                .unwrap_or("a topic without a name")
                .to_owned();
            Ok(Payload::Subscription(Subscription {
                kind: kind.to_owned(),
                topic,
            }))
        }
        _ => content(value),
    }
}

/// Reads a record of a batch. A record without an id can't be sent back alone, so that the batch
/// fails with it.
///
/// `aws_lambda_events::sqs::SqsMessage` is not used: it refuses a record for an attribute that
/// nobody needs.
fn sqs_record(record: &Value) -> Result<Record<Payload>, EnvelopeError> {
    match source(record) {
        Some("aws:sqs") => {}
        Some("aws:sns") => return Err(broken("SNS", "it is one of several")),
        Some(other) => return Err(EnvelopeError::Foreign(format!("{other:?}"))),
        None => return Err(EnvelopeError::Foreign("no event source".to_owned())),
    }
    let id = text(record, "messageId")
        .ok_or_else(|| broken("SQS", "it has no messageId"))?
        .to_owned();
    let body = match record.get("body") {
        None | Some(Value::Null) => Err(broken("SQS", "it has no body")),
        Some(Value::String(body)) => Ok(body),
        Some(other) => Err(broken("SQS", format!("its body is {}", kind_of(other)))),
    };
    let text = body
        .as_ref()
        .map_or_else(|_| String::new(), |body| (*body).clone());
    let payload = body
        .and_then(|body| parsed(body, payload))
        .map_err(|error| error.to_string());
    Ok(Record {
        id,
        payload,
        body: text,
        delivery: Delivery::of(record),
    })
}

/// Reads a record that SNS hands to a function itself. It hands over one at a time. (SNS FAQs,
/// "Will a notification contain more than one message?")
fn sns_record(record: &Value) -> Result<Payload, EnvelopeError> {
    notification(record.get("Sns").unwrap_or(&Value::Null))
}

/// Reads SNS's envelope. `aws_lambda_events::sns::SnsMessage` asks for dates, signatures and URLs
/// besides, which a message lacks that a person sends again; only its text matters.
fn notification(envelope: &Value) -> Result<Payload, EnvelopeError> {
    let message = text(envelope, "Message").ok_or_else(|| broken("SNS", "it has no Message"))?;
    // AWS wraps no envelope into another, so that one inside this is content.
    parsed(message, content)
}

fn broken(service: &'static str, problem: impl ToString) -> EnvelopeError {
    EnvelopeError::Record {
        service,
        problem: problem.to_string(),
    }
}

/// Reads a text by `read` if it is JSON. A text that begins as an object and is not JSON was torn
/// on its way.
fn parsed(
    text: &str,
    read: fn(Value) -> Result<Payload, EnvelopeError>,
) -> Result<Payload, EnvelopeError> {
    match serde_json::from_str(text) {
        Ok(value) => read(value),
        Err(error) if text.trim_start().starts_with('{') => {
            Err(EnvelopeError::NotJson(error.to_string()))
        }
        Err(_) => Ok(Payload::Text),
    }
}

/// Reads an object that nothing is wrapped around.
fn content(mut value: Value) -> Result<Payload, EnvelopeError> {
    if !value.is_object() {
        return Err(EnvelopeError::NotAnObject(kind_of(&value)));
    }
    if value.get("detail-type").is_none() {
        return Ok(Payload::Object(value));
    }
    let (id, time) = (taken(&mut value, "id"), taken(&mut value, "time"));
    // A detail that is absent is as good as none: the library asks for it, and EventBridge always
    // sends it.
    let event: EventBridgeEvent<Option<Value>> = serde_json::from_value(value)
        .map_err(|error| EnvelopeError::EventBridge(error.to_string()))?;
    let EventBridgeEvent {
        source,
        detail_type,
        account,
        detail,
        ..
    } = event;
    Ok(Payload::EventBridge(Event {
        source,
        detail_type,
        account,
        id,
        time: time.and_then(|time| time.parse().ok()),
        detail: detail.unwrap_or_default(),
    }))
}

/// Takes a text out of an object, before the library refuses the event for a value that it does not
/// know: neither the id nor the time is needed to act. `None` if it is no text.
fn taken(value: &mut Value, key: &str) -> Option<String> {
    match value.as_object_mut()?.remove(key)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// The service that a record comes from. SQS and SNS spell the field in two ways.
fn source(record: &Value) -> Option<&str> {
    text(record, "eventSource").or_else(|| text(record, "EventSource"))
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

impl EnvelopeError {
    /// The error of a function that knows no [`Payload::Text`]. It leaves the text out, which may
    /// say anything.
    pub fn text() -> Self {
        Self::NotJson("it is plain text".to_owned())
    }
}

impl fmt::Display for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind.as_str() {
            "SubscriptionConfirmation" => write!(
                f,
                "{} asks to confirm its subscription: until somebody does, nothing of it arrives here",
                self.topic
            ),
            _ => write!(
                f,
                "the subscription to {} has ended: nothing of it arrives here any more",
                self.topic
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Reads an event and keeps its payload as it is.
    fn read(event: &Value) -> Invoked<Payload> {
        decode(event.to_string().as_bytes(), Ok::<_, EnvelopeError>).unwrap()
    }

    fn refusal(event: &str) -> String {
        decode(event.as_bytes(), Ok::<_, EnvelopeError>)
            .unwrap_err()
            .to_string()
    }

    fn sqs(bodies: &[&str]) -> Value {
        let records = bodies
            .iter()
            .zip(1..)
            .map(|(body, number)| json!({ "messageId": number.to_string(), "eventSource": "aws:sqs", "body": body }));
        json!({ "Records": records.collect::<Vec<_>>() })
    }

    /// A message as AWS sends it, with all its fields. (SNS developer guide, "HTTP/HTTPS
    /// notification JSON format".)
    fn envelope(message: &str) -> Value {
        json!({
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": "arn:aws:sns:us-east-1:111122223333:health",
            "Subject": "My First Message",
            "Message": message,
            "Timestamp": "2026-11-24T00:54:06.655Z",
            "SignatureVersion": "1",
            "Signature": "EXAMPLEw6JRN...",
            "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-example.pem",
            "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=example",
        })
    }

    fn sns(message: &str) -> Value {
        let record = json!({
            "EventVersion": "1.0",
            "EventSubscriptionArn": "arn:aws:sns:us-east-1:111122223333:health:21be56ed-a058-49f5-8c98-aedd2564c486",
            "EventSource": "aws:sns",
            "Sns": envelope(message),
        });
        json!({ "Records": [record] })
    }

    #[test]
    fn a_payload_is_the_same_in_every_wrapping() {
        let event = json!({
            "version": "0", "id": "1", "detail-type": "AWS Health Event", "source": "aws.health",
            "account": "111122223333", "time": "2026-11-24T01:00:00Z", "region": "us-east-1", "resources": [],
            "detail": { "service": "RISK" }, "new-field": true,
        });
        let bare = json!({ "detail-type": "Scheduled Event", "source": "aws.events" });
        let request = json!({ "users": ["alice"] });
        let parsed = |source: &str, detail_type: &str, account: Option<&str>, detail: Value| {
            let (source, detail_type) = (source.to_owned(), detail_type.to_owned());
            let is_whole = account.is_some();
            Payload::EventBridge(Event {
                source,
                detail_type,
                account: account.map(str::to_owned),
                id: is_whole.then(|| "1".to_owned()),
                time: is_whole.then(|| "2026-11-24T01:00:00Z".parse().unwrap()),
                detail,
            })
        };
        for (content, payload) in [
            (
                &event,
                parsed(
                    "aws.health",
                    "AWS Health Event",
                    Some("111122223333"),
                    json!({ "service": "RISK" }),
                ),
            ),
            (
                &bare,
                parsed("aws.events", "Scheduled Event", None, Value::Null),
            ),
            (&request, Payload::Object(request.clone())),
        ] {
            let text = content.to_string();
            let batch = |body: &str| {
                Invoked::Batch(vec![Record {
                    id: "1".into(),
                    payload: Ok(payload.clone()),
                    body: body.to_owned(),
                    delivery: Delivery::default(),
                }])
            };
            let wrapped = envelope(&text).to_string();
            let (bare, inner) = (batch(&text), batch(&wrapped));
            let direct = Invoked::Direct(payload);
            assert_eq!(read(content), direct, "{content}");
            assert_eq!(read(&sns(&text)), direct, "{content}");
            assert_eq!(read(&envelope(&text)), direct, "{content}");
            assert_eq!(read(&sqs(&[&text])), bare, "{content}");
            assert_eq!(read(&sqs(&[&wrapped])), inner, "{content}");
        }
    }

    #[test]
    fn an_envelope_that_a_person_sends_again_needs_nothing_but_its_message() {
        let short = json!({ "Type": "Notification", "Message": "{}" }).to_string();
        let Invoked::Batch(records) = read(&sqs(&[&short])) else {
            panic!("no batch")
        };
        assert_eq!(records[0].payload, Ok(Payload::Object(json!({}))));
        let direct =
            json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Message": "{}" } }] });
        assert_eq!(read(&direct), Invoked::Direct(Payload::Object(json!({}))));
    }

    #[test]
    fn a_record_that_cannot_be_read_fails_alone() {
        let mut event = sqs(&[
            "{}",
            "{\"half",
            "[1]",
            r#"{"detail-type": "X"}"#,
            r#"{"Type": "Notification"}"#,
            "refused",
            "The notification was too large for SNS; a summary follows.\n\n{}",
        ]);
        let records = event["Records"].as_array_mut().unwrap();
        records.push(json!({ "messageId": "8", "eventSource": "aws:sqs" }));
        records.push(
            json!({ "messageId": "9", "eventSource": "aws:sqs", "body": 5, "attributes": {} }),
        );
        records.push(
            json!({ "messageId": "10", "eventSource": "aws:sqs", "body": "{}", "attributes": 5 }),
        );
        let meaning = |payload| match payload {
            Payload::Text => Ok("text"),
            Payload::Object(_) => Ok("object"),
            _ => Err(EnvelopeError::NotJson("the meaning is refused".into())),
        };
        let Invoked::Batch(records) = decode(event.to_string().as_bytes(), meaning).unwrap() else {
            panic!("no batch")
        };
        let expected = [
            ("1", Ok("object")),
            ("2", Err("the event is not JSON")),
            ("3", Err("the event is an array, not an object")),
            (
                "4",
                Err("the event of EventBridge can't be read: missing field `source`"),
            ),
            (
                "5",
                Err("the record of SNS can't be read: it has no Message"),
            ),
            ("6", Ok("text")),
            ("7", Ok("text")),
            ("8", Err("the record of SQS can't be read: it has no body")),
            (
                "9",
                Err("the record of SQS can't be read: its body is a number"),
            ),
            // What is around the body is of no use to whoever only acts on it.
            ("10", Ok("object")),
        ];
        assert_eq!(records.len(), expected.len());
        for (Record { id, payload, .. }, (number, said)) in records.iter().zip(expected) {
            assert_eq!(id, number);
            match (payload, said) {
                (Ok(payload), Ok(said)) => assert_eq!(*payload, said, "{id}"),
                (Err(error), Err(said)) => assert!(error.contains(said), "{id}: {error}"),
                other => panic!("{id}: {other:?}"),
            }
        }
        let foreign = sqs(&[r#"{"detail-type": "X", "source": "aws.ec2"}"#]);
        let Invoked::Batch(records) = decode(foreign.to_string().as_bytes(), meaning).unwrap()
        else {
            panic!("no batch")
        };
        assert!(
            records[0]
                .payload
                .as_ref()
                .unwrap_err()
                .contains("the meaning is refused")
        );
    }

    #[test]
    fn a_record_carries_its_delivery() {
        let mut event = sqs(&["{}"]);
        event["Records"][0]["attributes"] = json!({ "ApproximateReceiveCount": "2" });
        let Invoked::Batch(records) = read(&event) else {
            panic!("no batch")
        };
        let expected = Delivery {
            count: 2,
            ..Delivery::default()
        };
        assert_eq!(records[0].delivery, expected);
    }

    #[test]
    fn an_id_or_a_time_that_cannot_be_read_costs_no_event() {
        for (id, time) in [
            (json!(5), json!("yesterday")),
            (Value::Null, json!(1_764_000_000)),
        ] {
            let event = json!({ "detail-type": "X", "source": "aws.health", "id": id, "time": time, "detail": {} });
            let Invoked::Direct(Payload::EventBridge(event)) = read(&event) else {
                panic!("no event")
            };
            assert_eq!((event.id, event.time), (None, None), "{id} {time}");
        }
    }

    #[test]
    fn an_envelope_inside_another_is_not_opened() {
        let twice = envelope(&envelope("{}").to_string());
        assert_eq!(
            read(&twice),
            Invoked::Direct(Payload::Object(envelope("{}")))
        );
    }

    #[test]
    fn a_subscription_that_waits_for_its_confirmation_is_no_broken_message() {
        let confirmation = json!({
            "Type": "SubscriptionConfirmation", "Token": "confidential", "Message": "Please confirm.",
            "TopicArn": "arn:aws:sns:eu-west-1:444455556666:config",
            "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=confidential",
        });
        let Invoked::Batch(records) = read(&sqs(&[&confirmation.to_string()])) else {
            panic!("no batch")
        };
        let Ok(Payload::Subscription(subscription)) = &records[0].payload else {
            panic!("{records:?}")
        };
        let said = subscription.to_string();
        assert!(
            said.contains("arn:aws:sns:eu-west-1:444455556666:config asks to confirm"),
            "{said}"
        );
        assert!(!format!("{subscription:?}").contains("confidential"));
        let ended = envelope("")
            .to_string()
            .replace("\"Notification\"", "\"UnsubscribeConfirmation\"");
        assert!(matches!(
            payload(serde_json::from_str(&ended).unwrap()),
            Ok(Payload::Subscription(_))
        ));
    }

    #[test]
    fn anything_else_is_an_error_that_says_what_came() {
        let two = sns("{}")["Records"][0].clone();
        for (event, says) in [
            ("nonsense".to_owned(), "the event is not JSON: "),
            ("[]".to_owned(), "the event is an array, not an object"),
            (
                r#"{"Records": "none"}"#.to_owned(),
                "`Records` is a string, not an array",
            ),
            (
                r#"{"Records": [{"eventSource": "aws:s3"}]}"#.to_owned(),
                "records of \"aws:s3\" are of neither SQS nor SNS",
            ),
            (
                r#"{"Records": [{"eventID": "1"}]}"#.to_owned(),
                "records of no event source are of neither SQS nor SNS",
            ),
            (
                r#"{"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}"#.to_owned(),
                "it has no messageId",
            ),
            (
                json!({ "Records": [two, two] }).to_string(),
                "the record of SNS can't be read: it is one of several",
            ),
            (
                r#"{"detail-type": "X", "source": 5}"#.to_owned(),
                "the event of EventBridge can't be read: invalid type",
            ),
        ] {
            let error = refusal(&event);
            assert!(error.contains(says), "{event}: {error}");
        }
        assert_eq!(read(&json!({ "Records": [] })), Invoked::Batch(Vec::new()));
    }
}
