//! Queues, their dead letters, and what schedules asked for in vain.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::check::{Ask, Check, Said, Topic, second};
use super::functions;
use super::place::{Here, REQUESTS};
use super::xml::{element, members};
use crate::dates;
use crate::doctor::value;

/// A quarter of an hour, in which the metric of ages has a datapoint: SQS sends them every minute
/// to queues in use, and some minutes late. (SQS developer guide, "Monitoring Amazon SQS queues
/// using CloudWatch".)
const RECENT: SignedDuration = SignedDuration::from_mins(15);

pub(super) fn checks(here: &Here<'_>) -> Vec<Check> {
    let policy = here.policy;
    let compliance = policy.compliance.as_ref();
    let named = [
        policy.rotation.revocations.as_ref(),
        compliance.map(|compliance| &compliance.queue),
        compliance.map(|compliance| &compliance.deliveries),
        policy
            .onboarding
            .as_ref()
            .map(|onboarding| &onboarding.queue),
        policy.notices.queue.as_ref(),
    ];
    let named = named
        .into_iter()
        .flatten()
        .filter(|queue| here.is_queue_here(queue));
    let mut names: BTreeSet<String> = named.map(|queue| queue.name().to_owned()).collect();
    let functions = here.functions();
    if functions.contains(&"banto-rotate-access-keys") {
        names.insert(REQUESTS.to_owned());
    }
    let queues = names.iter().map(|name| working(here, name));
    let dead = names.iter().map(|name| dead(here, name));
    let failed = functions.into_iter().map(|function| failed(here, function));
    queues.chain(dead).chain(failed).collect()
}

fn url(here: &Here<'_>, name: &str) -> String {
    format!(
        "https://sqs.{}.amazonaws.com/{}/{name}",
        here.region, here.account
    )
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

fn working(here: &Here<'_>, name: &str) -> Check {
    let asks = vec![attributes(here, name)];
    Check::new(Topic::Queues, format!("queue {name}"), asks, |texts| {
        let text = texts.first().map(String::as_str).unwrap_or_default();
        vec![match value(text, "/Attributes/RedrivePolicy") {
            Some(_) => Said::fine(format!("{} messages wait", waiting(text))),
            None => Said::error(
                "has no dead letter queue: what fails comes again and again",
                &["apply its Terraform module"],
            ),
        }]
    })
}

/// Messages in words, and how old the oldest is.
fn letters(texts: &[String], now: Timestamp) -> Option<String> {
    let count = texts.first().map(|text| waiting(text)).unwrap_or_default();
    if count == "0" || count.is_empty() {
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
    let plural = if count == "1" { "" } else { "s" };
    Some(match since {
        Some(since) => format!(
            "{count} message{plural}, the oldest of {}",
            dates::in_words(since, now)
        ),
        None => format!("{count} message{plural}"),
    })
}

fn dead(here: &Here<'_>, name: &str) -> Check {
    let dead = format!("{name}-dead");
    let asks = vec![attributes(here, &dead), age(here, &dead)];
    let (url, now) = (url(here, &dead), here.now);
    let arn = format!("arn:aws:sqs:{}:{}:{dead}", here.region, here.account);
    Check::new(
        Topic::Queues,
        format!("dead letters of {name}"),
        asks,
        move |texts| {
            let Some(words) = letters(texts, now) else {
                return vec![Said::fine("none")];
            };
            let read = format!("$ aws sqs receive-message --queue-url {url}");
            let again = format!("$ aws sqs start-message-move-task --source-arn {arn}");
            let delete = format!("$ aws sqs purge-queue --queue-url {url}");
            vec![Said::error(
                words,
                &[
                    "read one, and put its body into a file",
                    &read,
                    "see what the function says of it, which changes nothing",
                    "$ banto replay letter.json --dry-run",
                    "mend the cause, then send them all again",
                    &again,
                    "or, where docs/OPERATIONS.md says that the next daily run does for them, delete them",
                    &delete,
                ],
            )]
        },
    )
}

fn failed(here: &Here<'_>, function: &'static str) -> Check {
    let name = format!("{function}-failed");
    let asks = vec![attributes(here, &name), age(here, &name)];
    let (url, now) = (url(here, &name), here.now);
    let what = format!("failed runs of {function}");
    Check::new(Topic::Queues, what, asks, move |texts| {
        let Some(words) = letters(texts, now) else {
            return vec![Said::fine("none")];
        };
        let read = format!("$ aws sqs receive-message --queue-url {url}");
        let [run, log] = functions::run(function);
        let delete = format!("$ aws sqs purge-queue --queue-url {url}");
        vec![Said::error(
            words,
            &[
                "read one: it has the error",
                &read,
                "mend it, run the function, and see in its log how that went",
                &run,
                &log,
                "delete them",
                &delete,
            ],
        )]
    })
}
