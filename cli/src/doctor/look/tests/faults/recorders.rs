//! Faults of AWS Config.

use serde_json::json;

use super::super::super::check::{Level, Topic};
use super::super::LOG_ARCHIVE;
use super::{Fault, fault};

pub(super) fn of_recorders() -> Vec<Fault> {
    let (at, topic, error) = (LOG_ARCHIVE, Topic::Recorders, Level::Error);
    let status = "config:DescribeConfigurationRecorderStatus";
    let channels = "config:DescribeDeliveryChannels";
    let stopped = json!({"ConfigurationRecordersStatus": [{"name": "banto", "recording": false}]});
    let failing = json!({"ConfigurationRecordersStatus": [{
        "name": "banto", "recording": true, "lastStatus": "FAILURE", "lastErrorCode": "AccessDenied",
        "lastErrorMessage": "the role can't be assumed",
    }]});
    let linked = json!({"ConfigurationRecorders": [
        {"name": "AWSConfigurationRecorderForSecurityHub", "servicePrincipal": "securityhub.amazonaws.com"},
    ]});
    let undelivered = json!({"DeliveryChannelsStatus": [{"configSnapshotDeliveryInfo": {
        "lastStatus": "FAILURE", "lastErrorCode": "InsufficientDeliveryPolicyException",
    }}]});
    let elsewhere = json!({"DeliveryChannels": [{"s3BucketName": "somebody-else"}]});
    vec![
        fault(
            "recorder-stopped",
            at,
            (status, "us-east-1", Ok(stopped)),
            topic,
            error,
        ),
        fault(
            "recorder-fails",
            at,
            (status, "us-east-1", Ok(failing)),
            topic,
            error,
        ),
        fault(
            "recorder-of-a-service",
            at,
            (
                "config:DescribeConfigurationRecorders",
                "us-east-1",
                Ok(linked),
            ),
            topic,
            error,
        ),
        fault(
            "no-channel",
            at,
            (channels, "us-east-1", Ok(json!({}))),
            topic,
            error,
        ),
        fault(
            "channel-elsewhere",
            at,
            (channels, "us-east-1", Ok(elsewhere)),
            topic,
            Level::Warning,
        ),
        fault(
            "not-delivered",
            at,
            (
                "config:DescribeDeliveryChannelStatus",
                "us-east-1",
                Ok(undelivered),
            ),
            topic,
            error,
        ),
    ]
}
