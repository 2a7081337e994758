//! Faults of functions, schedules, alarms and tables.

use serde_json::json;

use super::super::super::check::{Level, Topic};
use super::super::LOG_ARCHIVE;
use super::super::healthy::mappings as mapped;
use super::{Fault, fault};

pub(super) fn of_functions() -> Vec<Fault> {
    let (at, topic, error) = (LOG_ARCHIVE, Topic::Functions, Level::Error);
    let name = "banto-notify-compliance";
    let off = json!({"Schedules": [{"Name": "daily", "State": "DISABLED"}]});
    let broken = json!({"State": "Failed", "StateReason": "The key is disabled"});
    let mapping = json!({"EventSourceMappings": [{
        "State": "Disabled", "UUID": "14e0db71-5d35-4eb5-b481-8945cf9d10c2",
        "EventSourceArn": "arn:aws:sqs:ap-northeast-1:444455556666:banto-compliance",
    }, {
        "State": "Enabled",
        "EventSourceArn": "arn:aws:sqs:ap-northeast-1:444455556666:banto-deliveries",
    }]});
    let (ready, mappings) = (
        "lambda:GetFunctionConfiguration",
        "lambda:ListEventSourceMappings",
    );
    let schedules = "scheduler:ListSchedules";
    let alarm = json!(
        "<MetricAlarms><member><AlarmName>banto-notify-compliance-errors</AlarmName></member></MetricAlarms>"
    );
    let table = json!({"Table": {"TableStatus": "ARCHIVED"}});
    let statistics = "cloudwatch:GetMetricStatistics";
    let bad = |id, answer| fault(id, at, answer, topic, error);
    vec![
        bad("function-failed", (ready, name, Ok(broken))),
        bad(
            "function-missing",
            (ready, name, Err("ResourceNotFoundException")),
        ),
        bad("mapping-off", (mappings, name, Ok(mapping))),
        bad("no-mapping", (mappings, name, Ok(json!({})))),
        bad(
            "mapping-missing",
            (mappings, name, Ok(mapped(&["banto-compliance"]))),
        ),
        bad("schedule-off", (schedules, name, Ok(off))),
        bad(
            "no-schedule",
            (schedules, name, Ok(json!({"Schedules": []}))),
        ),
        fault(
            "schedule-missed",
            at,
            (statistics, name, Ok(json!("<Datapoints/>"))),
            topic,
            Level::Warning,
        ),
        fault(
            "alarm",
            at,
            ("cloudwatch:DescribeAlarms", "", Ok(alarm)),
            Topic::Alarms,
            Level::Warning,
        ),
        fault(
            "table-archived",
            at,
            ("dynamodb:DescribeTable", "", Ok(table)),
            Topic::Storage,
            error,
        ),
    ]
}
