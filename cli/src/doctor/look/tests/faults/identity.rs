//! Faults of the identity account.

use serde_json::json;

use super::super::super::check::{Level, Topic};
use super::super::IDENTITY;
use super::super::healthy::{certificate, listing};
use super::{Fault, fault};

pub(super) fn of_identity() -> Vec<Fault> {
    let (at, topic) = (IDENTITY, Topic::Certificates);
    let (body, list) = ("s3:GetObject", "s3:ListBucket");
    let ends = json!(certificate(Some(12)).0);
    let ended = json!(certificate(Some(-3)).0);
    let young = json!(listing("2026-11-26T12:00:00Z"));
    let old = json!({"Attributes": {"ApproximateNumberOfMessages": "2"}});
    let missing = Err("NoSuchBucket");
    vec![
        fault(
            "certificate-ends",
            at,
            (body, "", Ok(ends)),
            topic,
            Level::Warning,
        ),
        fault(
            "certificate-ended",
            at,
            (body, "", Ok(ended)),
            topic,
            Level::Warning,
        ),
        fault(
            "no-certificate",
            at,
            (body, "", Ok(json!("not a certificate"))),
            topic,
            Level::Warning,
        ),
        fault(
            "certificate-denied",
            at,
            (body, "", Err("AccessDenied")),
            topic,
            Level::Blind,
        ),
        fault(
            "pin-in-grace",
            at,
            (list, "prefix", Ok(young)),
            topic,
            Level::Note,
        ),
        fault(
            "bucket-missing",
            at,
            (list, "max-keys", missing),
            Topic::Storage,
            Level::Error,
        ),
        fault(
            "requests-dead",
            at,
            ("sqs:GetQueueAttributes", "banto-rotation-dead", Ok(old)),
            Topic::Queues,
            Level::Error,
        ),
    ]
}
