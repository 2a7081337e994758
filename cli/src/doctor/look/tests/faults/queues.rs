//! Faults of queues and dead letters.

use serde_json::json;

use super::super::super::check::{Level, Topic};
use super::super::LOG_ARCHIVE;
use super::{Fault, fault};

pub(super) fn of_queues() -> Vec<Fault> {
    let attributes = "sqs:GetQueueAttributes";
    let three = json!({"Attributes": {"ApproximateNumberOfMessages": "3"}});
    // Somebody is reading it.
    let one = json!({"Attributes": {
        "ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "1",
    }});
    let undying = json!({"Attributes": {"ApproximateNumberOfMessages": "0"}});
    let (at, topic, error) = (LOG_ARCHIVE, Topic::Queues, Level::Error);
    let gone = Err("AWS.SimpleQueueService.NonExistentQueue");
    vec![
        fault(
            "dead-letters",
            at,
            (attributes, "banto-deliveries-dead", Ok(three)),
            topic,
            error,
        ),
        fault(
            "failed-runs",
            at,
            (attributes, "banto-notify-compliance-failed", Ok(one)),
            topic,
            error,
        ),
        fault(
            "no-dead-letter-queue",
            at,
            (attributes, "666/banto-deliveries\"", Ok(undying)),
            topic,
            error,
        ),
        fault(
            "no-queue",
            at,
            (attributes, "666/banto-deliveries\"", gone),
            topic,
            error,
        ),
        fault(
            "queue-denied",
            at,
            (attributes, "666/banto-deliveries\"", Err("AccessDenied")),
            topic,
            Level::Blind,
        ),
    ]
}
