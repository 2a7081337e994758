//! The functions: are they ready, does anything reach them, and did their schedules run?

use banto_domain::QueueUrl;
use banto_domain::policy::Policy;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::check::{Ask, Check, Said, Topic, items, second, text};
use super::organization::or_fine;
use super::origin::{NOTIFY, ONBOARD, Origin, REQUESTS, ROTATE};
use super::place::Here;
use super::xml::{element, members};
use crate::doctor::value;

/// Hours within which some schedule of a function must have run: a day, and two hours for what comes
/// late. (infra/modules/lambda-function, the alarm `schedule-idle`.)
const MISSED_HOURS: i64 = 26;

pub(super) fn checks(here: &Here<'_>) -> Vec<Check> {
    let functions = here.functions().into_iter();
    let looked =
        functions.flat_map(|name| [ready(name), reached(here, name), scheduled(here, name)]);
    let unplaced = here.unplaced().into_iter();
    looked.chain(unplaced.map(not_looked_for)).collect()
}

/// A function that the policy does not place: nothing of it is looked at, which must be said.
fn not_looked_for((name, why): (&'static str, &'static str)) -> Check {
    Check::new(Topic::Functions, name, Vec::new(), move |_| {
        let words = format!("{why}, so that it and what is its own are not looked at");
        vec![Said::note(
            words,
            &[
                "look at the function and its queues in the account that they are in: docs/doctor.md has \
               their names",
            ],
        )]
    })
}

/// The names of the queues that a function reads. report-compliance has none.
fn queues(policy: &Policy, function: &str) -> Vec<String> {
    let name = |queue: &QueueUrl| queue.name().to_owned();
    match function {
        ROTATE => vec![REQUESTS.to_owned()],
        ONBOARD => {
            let onboarding = policy.onboarding.iter();
            onboarding.map(|own| name(&own.queue)).collect()
        }
        NOTIFY => {
            let compliance = policy.compliance.iter();
            let queues = compliance.flat_map(|own| [&own.queue, &own.deliveries]);
            queues.map(name).collect()
        }
        _ => Vec::new(),
    }
}

fn ready(name: &'static str) -> Check {
    let arguments = json!({"path": format!("/2015-03-31/functions/{name}/configuration")});
    let ask = Ask::aws("lambda:GetFunctionConfiguration", arguments);
    let origin = Origin::of_function(name);
    let what = format!("function {name}");
    let check = Check::new(Topic::Functions, what, vec![ask], move |texts| {
        let text = texts.first().map(String::as_str).unwrap_or_default();
        let state = value(text, "/State").unwrap_or_default();
        let update = value(text, "/LastUpdateStatus").unwrap_or_default();
        let mut said = Vec::new();
        if state == "Failed" || update == "Failed" {
            let why =
                value(text, "/StateReason").or_else(|| value(text, "/LastUpdateStatusReason"));
            let why = why.unwrap_or_else(|| "Lambda does not say why".to_owned());
            let steps = ["mend what Lambda says, then"];
            said.push(Said::error(format!("can't run: {why}"), &steps).applied(origin));
        } else if !matches!(state.as_str(), "Active" | "Inactive") {
            let words = format!(
                "is {}",
                if state.is_empty() {
                    "in no known state"
                } else {
                    &state
                }
            );
            said.push(Said::warning(words, &["look again in a minute"]));
        }
        or_fine(said, "ready")
    });
    check.made_by(origin)
}

/// The event source mappings: one for each queue.
fn reached(here: &Here<'_>, name: &'static str) -> Check {
    let arguments = json!({
        "path": "/2015-03-31/event-source-mappings", "query": {"FunctionName": name},
    });
    let ask =
        Ask::aws("lambda:ListEventSourceMappings", arguments).all_pages("/NextMarker", "Marker");
    let what = format!("event source mappings of {name}");
    let (needed, origin) = (queues(here.policy, name), Origin::of_function(name));
    let check = Check::new(Topic::Functions, what, vec![ask], move |texts| {
        let all: Vec<Value> = texts
            .iter()
            .flat_map(|text| items(text, "/EventSourceMappings"))
            .collect();
        let is_off = |one: &&Value| matches!(text(one, "/State"), "Disabled" | "Disabling");
        let mut said: Vec<Said> = all.iter().filter(is_off).map(switched_off).collect();
        let known: Vec<&str> = all.iter().map(source).collect();
        let missing = needed
            .iter()
            .filter(|queue| !known.contains(&queue.as_str()));
        let missing: Vec<&str> = missing.map(String::as_str).collect();
        if !missing.is_empty() {
            let words = format!(
                "there is none of {}: nobody takes its messages",
                missing.join(", nor of ")
            );
            said.push(Said {
                is_absent: all.is_empty(),
                ..Said::error(words, &[]).applied(origin)
            });
        }
        or_fine(said, format!("{} mappings are on", all.len()))
    });
    // A function that reads no queue has none wherever it is.
    if queues(here.policy, name).is_empty() {
        return check;
    }
    check.made_by(origin)
}

/// The name of the queue that a mapping reads.
fn source(mapping: &Value) -> &str {
    let source = text(mapping, "/EventSourceArn").rsplit(':').next();
    source.unwrap_or_default()
}

fn switched_off(mapping: &Value) -> Said {
    let words = format!("that of {} is switched off", source(mapping));
    let on = format!(
        "$ aws lambda update-event-source-mapping --enabled --uuid {}",
        text(mapping, "/UUID")
    );
    Said::error(words, &[&on])
}

fn scheduled(here: &Here<'_>, name: &'static str) -> Check {
    let now = here.now;
    let begin = now
        .checked_sub(SignedDuration::from_hours(MISSED_HOURS))
        .unwrap_or(now);
    let group = json!({"path": "/schedules", "query": {"ScheduleGroup": name}});
    let metric = json!({
        "Namespace": "AWS/Scheduler", "MetricName": "InvocationAttemptCount",
        "Dimensions.member.1.Name": "ScheduleGroup", "Dimensions.member.1.Value": name,
        "StartTime": second(begin), "EndTime": second(now),
        "Period": 3600, "Statistics.member.1": "Sum",
    });
    let asks = vec![
        Ask::aws("scheduler:ListSchedules", group).all_pages("/NextToken", "NextToken"),
        Ask::aws("cloudwatch:GetMetricStatistics", metric),
    ];
    let what = format!("schedule group {name}");
    let check = Check::new(Topic::Functions, what, asks, move |texts| {
        let [schedules, runs] = texts else {
            return Vec::new();
        };
        of_schedules(name, &items(schedules, "/Schedules"), runs, begin)
    });
    check.made_by(Origin::of_function(name))
}

fn of_schedules(function: &'static str, all: &[Value], runs: &str, begin: Timestamp) -> Vec<Said> {
    let origin = Origin::of_function(function);
    let is_off = |one: &&Value| text(one, "/State") == "DISABLED";
    let off: Vec<&str> = all
        .iter()
        .filter(is_off)
        .map(|one| text(one, "/Name"))
        .collect();
    if all.is_empty() {
        let words = "there is no schedule in it: nothing runs the function by time";
        return vec![Said::absent(words, Some(origin))];
    }
    if !off.is_empty() {
        let words = format!("switched off: {}", off.join(", "));
        // UpdateSchedule sets all that it is not given to a default, the target's input among it.
        // (EventBridge Scheduler API reference, UpdateSchedule.)
        let why = "Scheduler has no call that does no more than switch one on, so";
        return vec![Said::error(words, &[why]).applied(origin)];
    }
    let points = members(runs, "Datapoints");
    let ran = points.iter().filter_map(|point| {
        let sum = element(point, "Sum").parse::<f64>().ok()?;
        Some(element(point, "Timestamp")).filter(|_| sum > 0.0)
    });
    if let Some(last) = ran.max() {
        let last = last.parse::<Timestamp>();
        let last = last.map(|at| format!(", last in the hour from {}", at.strftime("%H:%M UTC")));
        let last = last.unwrap_or_default();
        return vec![Said::fine(format!("{} on{last}", all.len()))];
    }
    if all.iter().all(|one| is_younger(one, begin)) {
        return vec![Said::fine(format!(
            "{} on, and younger than a day",
            all.len()
        ))];
    }
    let [run, log] = run(function);
    let words = format!("none has run the function for {MISSED_HOURS} hours");
    let said = Said::warning(words, &[]).applied(origin);
    vec![said.then(&["make up for the run, and read its log", &run, &log])]
}

/// True of a schedule that was made after a moment. Dates are seconds, with a fraction or without.
/// (EventBridge Scheduler API reference, ScheduleSummary.)
fn is_younger(schedule: &Value, than: Timestamp) -> bool {
    let made = schedule.get("CreationDate").and_then(Value::as_f64);
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds of this century are exact"
    )]
    let than = than.as_second() as f64;
    made.unwrap_or_default() > than
}

/// Has a function run as its schedule does, and shows its log. The AWS CLI gives up waiting after a
/// minute and calls again, and a run may take fifteen: it waits for none. (AWS CLI user guide,
/// `--cli-read-timeout`; Lambda developer guide, "Lambda quotas".)
pub(super) fn run(function: &str) -> [String; 2] {
    [
        format!(
            "$ aws lambda invoke --function-name {function} --invocation-type Event --cli-binary-format raw-in-base64-out --payload '{{}}' answer.json"
        ),
        format!("{} --follow", log(function, "15m")),
    ]
}

/// Shows a function's log since so long.
pub(super) fn log(function: &str, since: &str) -> String {
    format!("$ aws logs tail /aws/lambda/{function} --since {since}")
}
