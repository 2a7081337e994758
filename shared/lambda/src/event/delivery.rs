//! The delivery of a message by SQS: from where, when, and how often.
//!
//! Deliberately absent: errors. What can't be read here is not known, and the message itself is as
//! good as before. (Lambda developer guide, "Using Lambda with Amazon SQS", "Example Amazon SQS
//! message event".)

use std::num::NonZeroU32;
use std::str::FromStr;

use banto_domain::QueueUrl;
use banto_ports::Received;
use jiff::Timestamp;
use serde_json::Value;

/// The delivery of a message by SQS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The queue and the handle by which the message can be hidden for longer; `None` where one of
    /// them is unknown.
    pub received: Option<Received>,
    /// The number of times that the message was handed over, this one included; 1 where SQS does
    /// not tell. It is approximate.
    pub count: u32,
    /// When the message was sent to the queue.
    pub sent_at: Option<Timestamp>,
    /// The group whose turn it took on the queue, if it has one. (SQS developer guide, "Amazon SQS
    /// fair queues".)
    pub group: Option<String>,
}

impl Default for Delivery {
    /// The first delivery of a message of which nothing else is known.
    fn default() -> Self {
        Self {
            received: None,
            count: 1,
            group: None,
            sent_at: None,
        }
    }
}

impl Delivery {
    /// Reads the fields around a record's body.
    pub(super) fn of(record: &Value) -> Self {
        Self {
            received: received(record),
            count: attribute(record, "ApproximateReceiveCount").map_or(1, NonZeroU32::get),
            sent_at: sent_at(record),
            group: attribute(record, "MessageGroupId"),
        }
    }
}

fn received(record: &Value) -> Option<Received> {
    Some(Received {
        queue: QueueUrl::of_arn(text(record, "eventSourceARN")?)?,
        receipt: text(record, "receiptHandle")?.to_owned(),
    })
}

/// Returns when the message was sent; SQS tells milliseconds. (SQS API reference, `ReceiveMessage`,
/// `SentTimestamp`.)
fn sent_at(record: &Value) -> Option<Timestamp> {
    Timestamp::from_millisecond(attribute(record, "SentTimestamp")?).ok()
}

/// A number of the system attributes, which are texts.
fn attribute<T: FromStr>(record: &Value, name: &str) -> Option<T> {
    text(record.get("attributes")?, name)?.parse().ok()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A record as Lambda hands it over, with all its fields.
    fn record() -> Value {
        json!({
            "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
            "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
            "body": "{}",
            "attributes": {
                "ApproximateReceiveCount": "3",
                "SentTimestamp": "1545082649183",
                "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                "ApproximateFirstReceiveTimestamp": "1545082649185",
            },
            "messageAttributes": {},
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:banto-rotation",
            "awsRegion": "us-east-1",
        })
    }

    /// The record with one of its parts replaced.
    fn with(pointer: &str, part: Value) -> Value {
        let mut record = record();
        *record.pointer_mut(pointer).unwrap() = part;
        record
    }

    #[test]
    fn a_delivery_tells_its_queue_its_handle_its_number_and_when_it_was_sent() {
        let expected = Delivery {
            received: Some(Received {
                queue: "https://sqs.us-east-1.amazonaws.com/111122223333/banto-rotation"
                    .parse()
                    .unwrap(),
                receipt: "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a".to_owned(),
            }),
            count: 3,
            sent_at: Some("2018-12-17T21:37:29.183Z".parse().unwrap()),
            group: None,
        };
        assert_eq!(Delivery::of(&record()), expected);
    }

    #[test]
    fn a_record_without_attributes_is_a_first_delivery() {
        assert_eq!(Delivery::of(&json!({ "body": "{}" })), Delivery::default());
        assert_eq!(Delivery::default().count, 1);
    }

    #[test]
    fn an_attribute_that_cannot_be_read_is_as_good_as_absent_and_costs_no_other() {
        for unreadable in ["-1", "0", "many", "4294967296", ""] {
            let delivery = Delivery::of(&with(
                "/attributes/ApproximateReceiveCount",
                json!(unreadable),
            ));
            assert_eq!(delivery.count, 1, "{unreadable}");
            assert!(delivery.received.is_some() && delivery.sent_at.is_some());
        }
        for unreadable in [json!("yesterday"), json!("9223372036854775807"), json!([])] {
            let delivery = Delivery::of(&with("/attributes/SentTimestamp", unreadable.clone()));
            assert_eq!(delivery.sent_at, None, "{unreadable}");
            assert_eq!(delivery.count, 3);
        }
        for (pointer, part) in [
            ("/eventSourceARN", json!("arn:aws:s3:::banto")),
            ("/eventSourceARN", json!(5)),
            ("/receiptHandle", Value::Null),
        ] {
            let delivery = Delivery::of(&with(pointer, part.clone()));
            assert_eq!(delivery.received, None, "{pointer} {part}");
            assert_eq!(delivery.count, 3);
        }
        let delivery = Delivery::of(&with("/attributes", json!(5)));
        assert_eq!((delivery.count, delivery.sent_at), (1, None));
        assert!(delivery.received.is_some());
    }
}
