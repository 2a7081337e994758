//! Alarms in ALARM, and which of them tell somebody.

use serde_json::json;

use super::check::{Ask, Check, Said, Topic};
use super::functions::log;
use super::origin::{NOTIFY, ONBOARD, REPORT, ROTATE};
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
    let check = Check::new(Topic::Alarms, "alarms banto-*", vec![ask], judge);
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
    let loud: Vec<&str> = alarms.filter(|alarm| !is_silent(alarm)).collect();
    if loud.is_empty() {
        return vec![Said::fine("none is in ALARM")];
    }
    let names: Vec<&str> = loud.iter().map(|alarm| name(alarm)).collect();
    let why = format!(
        "$ aws cloudwatch describe-alarms --alarm-types MetricAlarm CompositeAlarm --alarm-names {} --query '[MetricAlarms,CompositeAlarms][].[AlarmName,AlarmDescription,StateReason]' --output text",
        names.join(" ")
    );
    let mut steps = vec![
        "see what each says; docs/OPERATIONS.md has its cause and its remedy, under \"Alarms\""
            .to_owned(),
        why,
    ];
    let functions = [ROTATE, ONBOARD, NOTIFY, REPORT];
    let alarmed = functions.into_iter().filter(|function| {
        let is_own = |name: &&str| name.starts_with(&format!("{function}-"));
        names.iter().any(is_own)
    });
    let logs: Vec<String> = alarmed.map(|function| log(function, "2h")).collect();
    if !logs.is_empty() {
        steps.push("and what the function says".to_owned());
        steps.extend(logs);
    }
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    vec![Said::warning(
        format!("in ALARM: {}", names.join(", ")),
        &steps,
    )]
}
