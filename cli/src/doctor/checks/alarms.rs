//! Alarms in ALARM, and which of them tell somebody.

use crate::doctor::probe::elements;

/// True of an alarm that tells nobody: one half of another, or one that still waits to tell.
fn is_silent(alarm: &str, name: &str) -> bool {
    name.ends_with("-schedule-idle") || alarm.contains("<ActionsSuppressedBy>")
}

fn alarm_name(alarm: &str) -> &str {
    let names = elements(alarm, "AlarmName");
    names.first().copied().unwrap_or_default()
}

/// Judges the answer of DescribeAlarms: an alarm that tells somebody is a finding.
pub(super) fn no_alarm(text: &str) -> Result<String, String> {
    let names: Vec<&str> = ["CompositeAlarms", "MetricAlarms"]
        .iter()
        .filter_map(|list| {
            text.split_once(&format!("<{list}>"))?
                .1
                .split_once(&format!("</{list}>"))
        })
        .flat_map(|(list, _)| members(list))
        .filter(|alarm| !is_silent(alarm, alarm_name(alarm)))
        .map(alarm_name)
        .collect();
    if names.is_empty() {
        return Ok("none is in ALARM".to_owned());
    }
    Err(format!(
        "in ALARM: {}: docs/OPERATIONS.md",
        names.join(", ")
    ))
}

/// The members of a list in XML, which may have lists of their own in them.
fn members(list: &str) -> Vec<&str> {
    let (mut members, mut depth, mut begin) = (Vec::new(), 0_usize, 0);
    for (at, _) in list.match_indices("member>") {
        let before = list.get(..at).unwrap_or_default();
        if before.ends_with("</") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                members.extend(list.get(begin..at));
            }
        } else {
            if depth == 0 {
                begin = at;
            }
            depth += 1;
        }
    }
    members
}
