//! Queues, their dead letters, and what schedules asked for in vain.

use std::collections::BTreeMap;

use banto_domain::QueueUrl;
use banto_domain::policy::Policy;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::check::{Ask, Check, Said, Topic, UNSEEN, second, text};
use super::functions;
use super::origin::{DEAD, FAILED, NOTIFY, Named, ONBOARD, Origin, REQUESTS, ROTATE, module_of};
use super::place::Here;
use super::xml::{element, members};
use crate::dates;
use crate::doctor::value;

/// A quarter of an hour, in which the metric of ages has a datapoint: SQS sends them every minute
/// to queues in use, and some minutes late. (SQS developer guide, "Monitoring Amazon SQS queues
/// using CloudWatch".)
const RECENT: SignedDuration = SignedDuration::from_mins(15);

/// The policy's keys of queues, and the functions that read them.
fn of_policy(policy: &Policy) -> Vec<(&QueueUrl, &'static str, &'static str)> {
    let mut queues = Vec::new();
    if let Some(compliance) = &policy.compliance {
        queues.push((&compliance.queue, "compliance.queue", NOTIFY));
        queues.push((&compliance.deliveries, "compliance.deliveries", NOTIFY));
    }
    if let Some(onboarding) = &policy.onboarding {
        queues.push((&onboarding.queue, "onboarding.queue", ONBOARD));
    }
    let notices = policy.notices.queue.iter();
    queues.extend(notices.map(|queue| (queue, "notices.queue", NOTIFY)));
    let revocations = policy.rotation.revocations.iter();
    queues.extend(revocations.map(|queue| (queue, "rotation.revocations", ONBOARD)));
    queues
}

pub(super) fn checks(here: &Here<'_>) -> Vec<Check> {
    let mut queues: BTreeMap<String, Origin> = BTreeMap::new();
    for (queue, key, function) in of_policy(here.policy) {
        if here.is_queue_here(queue) {
            let origin = Origin::new(module_of(function), Named::Policy(key));
            queues.entry(queue.name().to_owned()).or_insert(origin);
        }
    }
    let functions = here.functions();
    if functions.contains(&ROTATE) {
        queues.insert(REQUESTS.to_owned(), requests());
    }
    let working = queues.iter().map(|(name, own)| working(here, name, *own));
    let dead = queues.iter().map(|(name, own)| dead(here, name, *own));
    let failed = functions.into_iter().map(|function| failed(here, function));
    working.chain(dead).chain(failed).collect()
}

/// The queue of requests, which the policy does not have.
pub(super) fn requests() -> Origin {
    Origin::new(module_of(ROTATE), Named::Default("queue_name"))
}

/// The address of a queue of this account and region, as its partition has addresses.
fn url(here: &Here<'_>, name: &str) -> String {
    let url = QueueUrl::of_arn(&here.arn("sqs", name));
    url.map_or_else(String::new, |url| url.as_str().to_owned())
}

fn attributes(here: &Here<'_>, name: &str) -> Ask {
    let arguments = json!({"QueueUrl": url(here, name), "AttributeNames": ["All"]});
    Ask::aws("sqs:GetQueueAttributes", arguments)
}

/// The age of the oldest message, which only CloudWatch knows.
fn age(here: &Here<'_>, name: &str) -> Ask {
    let begin = here.now.checked_sub(RECENT).unwrap_or(here.now);
    let arguments = json!({
        "Namespace": "AWS/SQS", "MetricName": "ApproximateAgeOfOldestMessage",
        "Dimensions.member.1.Name": "QueueName", "Dimensions.member.1.Value": name,
        "StartTime": second(begin), "EndTime": second(here.now),
        "Period": 60, "Statistics.member.1": "Maximum",
    });
    Ask::aws("cloudwatch:GetMetricStatistics", arguments)
}

fn waiting(text: &str) -> String {
    value(text, "/Attributes/ApproximateNumberOfMessages").unwrap_or_default()
}

fn working(here: &Here<'_>, name: &str, origin: Origin) -> Check {
    let asks = vec![attributes(here, name)];
    let check = Check::new(Topic::Queues, format!("queue {name}"), asks, move |texts| {
        let text = texts.first().map(String::as_str).unwrap_or_default();
        vec![match value(text, "/Attributes/RedrivePolicy") {
            Some(_) => Said::fine(format!("{} messages wait", waiting(text))),
            None => Said::error(
                "has no dead letter queue: what fails comes again and again",
                &[],
            )
            .applied(origin),
        }]
    });
    check.made_by(origin)
}

/// The messages of a queue, with those that somebody is reading: they come back.
fn held(text: &str) -> u64 {
    let count = |name: &str| value(text, &format!("/Attributes/{name}"));
    [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
    ]
    .into_iter()
    .filter_map(|name| count(name)?.parse::<u64>().ok())
    .sum()
}

/// Messages in words, and how old the oldest is.
fn letters(texts: &[String], now: Timestamp) -> Option<String> {
    let count = texts.first().map(|text| held(text)).unwrap_or_default();
    if count == 0 {
        return None;
    }
    let points = texts
        .get(1)
        .map(|text| members(text, "Datapoints"))
        .unwrap_or_default();
    let ages = points
        .iter()
        .filter_map(|point| element(point, "Maximum").parse::<f64>().ok());
    let oldest = ages.fold(None, |oldest: Option<f64>, age| {
        Some(oldest.map_or(age, |o| o.max(age)))
    });
    let since = oldest.and_then(|seconds| {
        let age = SignedDuration::try_from_secs_f64(seconds).ok()?;
        now.checked_sub(age).ok()
    });
    let plural = if count == 1 { "" } else { "s" };
    Some(match since {
        Some(since) => format!(
            "{count} message{plural}, the oldest of {}",
            dates::in_words(since, now)
        ),
        None => format!("{count} message{plural}"),
    })
}

/// Reads a message into a file, as `banto replay` takes one. Whoever reads it hides it from others
/// for half a minute. (SQS developer guide, "Amazon SQS visibility timeout".)
fn read(url: &str, file: &str) -> String {
    format!(
        "$ aws sqs receive-message --queue-url {url} --attribute-names All --wait-time-seconds 5 > {file}"
    )
}

fn dead(here: &Here<'_>, name: &str, origin: Origin) -> Check {
    let dead = format!("{name}{DEAD}");
    // Without the queue itself nothing is known of where its dead letters go.
    let source = attributes(here, name).or_missing().or_unseen();
    let asks = vec![attributes(here, &dead), age(here, &dead), source];
    let (url, now) = (url(here, &dead), here.now);
    let (arn, name) = (here.arn("sqs", &dead), name.to_owned());
    let what = format!("dead letter queue {dead}");
    let check = Check::new(Topic::Queues, what, asks, move |texts| {
        let Some(words) = letters(texts, now) else {
            return vec![Said::fine("empty")];
        };
        let source = texts.get(2).map(String::as_str).unwrap_or_default();
        let redrive = value(source, "/Attributes/RedrivePolicy").unwrap_or_default();
        let read = read(&url, "letter.json");
        let delete = format!("$ aws sqs purge-queue --queue-url {url}");
        let mut steps = vec![
            "read one into a file, and see what its function says of it, which changes nothing",
            &read,
            "$ banto replay letter.json --dry-run",
        ];
        let again = format!("$ aws sqs start-message-move-task --source-arn {arn}");
        let mend = format!("mend the cause, then send them all back to {name}");
        let first = format!(
            "mend the cause, and apply the module {}: {name} does not name this queue for its dead \
             letters, and SQS sends none back before it does; then",
            origin.module
        );
        let is_source = source.starts_with(UNSEEN) || is_source(&redrive, &arn);
        steps.push(if is_source { &mend } else { &first });
        let or = if origin.module == module_of(ROTATE) {
            "or, where nobody wants what they ask for any more, delete them"
        } else {
            "or, where docs/OPERATIONS.md says that the next daily run does for them, delete them"
        };
        steps.extend([again.as_str(), or, &delete]);
        vec![Said::error(words, &steps)]
    });
    check.made_by(origin.with(DEAD))
}

/// True if a queue's redrive policy sends its dead letters to this one. SQS moves messages back from
/// no other queue. (SQS API reference, StartMessageMoveTask.)
fn is_source(policy: &str, dead: &str) -> bool {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    text(&policy, "/deadLetterTargetArn") == dead
}

/// What Lambda and the schedules gave up. SQS moves nothing back from such a queue, which is no
/// queue's: the function is run anew. (SQS API reference, StartMessageMoveTask.)
fn failed(here: &Here<'_>, function: &'static str) -> Check {
    let name = format!("{function}{FAILED}");
    let asks = vec![attributes(here, &name), age(here, &name)];
    let (url, now) = (url(here, &name), here.now);
    let what = format!("queue of failed runs {name}");
    let check = Check::new(Topic::Queues, what, asks, move |texts| {
        let Some(words) = letters(texts, now) else {
            return vec![Said::fine("empty")];
        };
        let read = read(&url, "failed.json");
        let [run, log] = functions::run(function);
        let delete = format!("$ aws sqs purge-queue --queue-url {url}");
        vec![Said::error(
            words,
            &[
                "read one, which has the event and the error, and see what the function says of it now",
                &read,
                "$ banto replay failed.json --dry-run",
                "mend the cause, run the function, and see in its log how that went",
                &run,
                &log,
                "delete them",
                &delete,
            ],
        )]
    });
    check.made_by(Origin::of_function(function).with(FAILED))
}
