//! Alarms in ALARM, and which of them tell somebody.

use serde_json::json;

use super::check::{Ask, Check, Said, Topic};
use super::place::Here;
use super::xml::{element, members};

/// Alarms of both types: without the types, composite ones would be left out. (CloudWatch API
/// reference, DescribeAlarms.)
pub(super) fn checks(here: &Here<'_>) -> Vec<Check> {
    let ask = Ask::aws(
        "cloudwatch:DescribeAlarms",
        json!({
            "AlarmNamePrefix": "banto-", "StateValue": "ALARM", "MaxRecords": 100,
            "AlarmTypes.member.1": "MetricAlarm", "AlarmTypes.member.2": "CompositeAlarm",
        }),
    )
    .all_pages("NextToken", "NextToken");
    let check = Check::new(Topic::Alarms, "alarms", vec![ask], judge);
    Some(check)
        .filter(|_| !here.functions().is_empty())
        .into_iter()
        .collect()
}

/// True of an alarm that tells nobody: one half of another, or one that still waits to tell.
fn is_silent(alarm: &str) -> bool {
    name(alarm).ends_with("-schedule-idle") || alarm.contains("<ActionsSuppressedBy>")
}

fn name(alarm: &str) -> &str {
    element(alarm, "AlarmName")
}

fn judge(texts: &[String]) -> Vec<Said> {
    let lists = ["CompositeAlarms", "MetricAlarms"];
    let alarms = texts
        .iter()
        .flat_map(|text| lists.map(|list| members(text, list)))
        .flatten();
    let names: Vec<&str> = alarms.filter(|alarm| !is_silent(alarm)).map(name).collect();
    if names.is_empty() {
        return vec![Said::fine("none is in ALARM")];
    }
    vec![Said::warning(
        format!("in ALARM: {}", names.join(", ")),
        &["docs/OPERATIONS.md has each with its cause and its remedy, under \"Alarms\""],
    )]
}
