//! What the policy names, looked at where the credentials are: is it there, and does it work?

mod alarms;

use std::collections::BTreeSet;

use banto_aws::Aws;
use banto_domain::policy::Policy;
use banto_domain::policy::compliance::Destination;
use banto_domain::{QueueUrl, SecretArn, TopicArn};
use serde_json::{Value, json};

use super::probe::{Answer, Refused, elements, value};
use super::transcript::masked;
use crate::demo::Ending;
use crate::output::line;
use crate::table::table;

/// What there is besides, and nobody looked at.
const NOT_SEEN: &str = "\
Not looked at: rights of roles, rules of EventBridge, AWS Config, Athena,
senders of SES, keys of KMS, health roots, and what lies in
other accounts or regions.";

/// Something to look at, by one call.
#[derive(Debug, Clone)]
struct Check {
    what: String,
    call: &'static str,
    arguments: Value,
    judge: fn(&str) -> Result<String, String>,
}

/// What a look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Fine,
    Found,
    /// It could not be looked at.
    Blind,
}

#[derive(Debug, Clone, PartialEq)]
struct Finding {
    what: String,
    level: Level,
    words: String,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Found => "finding",
            Self::Blind => "not seen",
        }
    }
}

/// Looks at all that is of this account and region, and shows it.
pub(super) async fn run(aws: &Aws, policy: &Policy, account: &str, as_json: bool) -> Ending {
    let region = aws.region().to_string();
    let mut findings = vec![Finding {
        what: "policy and credentials".to_owned(),
        level: Level::Fine,
        words: format!(
            "the policy can be read; account {}, {region}",
            masked(account)
        ),
    }];
    let checks = checks(policy, account, &region);
    if checks.is_empty() {
        findings.push(Finding {
            what: "this account".to_owned(),
            level: Level::Found,
            words: "the policy names nothing here: take another account's credentials, or --region"
                .to_owned(),
        });
    }
    for check in checks {
        let answer = aws.plain(check.call, None, &check.arguments).await;
        findings.push(judged(&check, answer.map_err(Refused::from)));
    }
    if as_json {
        line(&format!("{:#}", shown_as_json(&findings, account, &region)));
    } else {
        line(&shown(&findings));
        line(NOT_SEEN);
    }
    match findings.iter().map(|finding| finding.level).max() {
        Some(Level::Found) => Ending::Code(1),
        Some(Level::Blind) if findings.iter().any(|f| f.level == Level::Found) => Ending::Code(1),
        Some(Level::Blind) => Ending::Code(3),
        _ => Ending::Done,
    }
}

fn shown(findings: &[Finding]) -> String {
    let mut table = table(&["looked at", "", "what, and what to do"]);
    for finding in findings {
        table.add_row([
            finding.what.as_str(),
            finding.level.word(),
            finding.words.as_str(),
        ]);
    }
    table.to_string()
}

fn shown_as_json(findings: &[Finding], account: &str, region: &str) -> Value {
    let one = |f: &Finding| json!({"what": f.what, "verdict": f.level.word(), "words": f.words});
    json!({
        "account": masked(account), "region": region,
        "findings": findings.iter().map(one).collect::<Vec<_>>(),
        "not_looked_at": NOT_SEEN.trim_start_matches("Not looked at: ").replace('\n', " "),
    })
}

/// Decides what an answer means.
fn judged(check: &Check, answer: Answer) -> Finding {
    let (level, words) = match answer {
        Ok(text) => match (check.judge)(&text) {
            Ok(words) => (Level::Fine, words),
            Err(words) => (Level::Found, words),
        },
        Err(refused) if is_missing(&refused) => (
            Level::Found,
            "is not there: apply its Terraform module".to_owned(),
        ),
        // S3 says so of a bucket of another region. (S3 API reference, "Error responses".)
        Err(refused) if refused.code == "PermanentRedirect" => {
            (Level::Fine, "is there, in another region".to_owned())
        }
        Err(refused) => (
            Level::Blind,
            format!(
                "{}: {}; allow it to these credentials",
                refused.call, refused.code
            ),
        ),
    };
    Finding {
        what: check.what.clone(),
        level,
        words,
    }
}

fn is_missing(refused: &Refused) -> bool {
    let code = refused.code.as_str();
    code.starts_with("NoSuch")
        || code.contains("NonExistentQueue")
        || code.contains("QueueDoesNotExist")
        || code.starts_with("ResourceNotFound")
        || code.starts_with("NotFound")
        || code == "missing"
}

/// Everything that is of this account and region.
fn checks(policy: &Policy, account: &str, region: &str) -> Vec<Check> {
    let mut checks = Vec::new();
    let compliance = policy.compliance.as_ref();
    let queues = [
        policy.rotation.revocations.as_ref(),
        compliance.map(|compliance| &compliance.queue),
        compliance.map(|compliance| &compliance.deliveries),
        policy
            .onboarding
            .as_ref()
            .map(|onboarding| &onboarding.queue),
        policy.notices.queue.as_ref(),
    ];
    let is_queue_here = |queue: &&QueueUrl| {
        queue.account() == account && queue.region().is_none_or(|own| own == region)
    };
    for queue in queues.into_iter().flatten().filter(is_queue_here) {
        checks.push(of_queue(queue.name(), account, queue_works));
        checks.push(of_queue(
            &format!("{}-dead", queue.name()),
            account,
            queue_is_empty,
        ));
    }
    let is_topic_here = |topic: &&TopicArn| topic.account() == account && topic.region() == region;
    let is_secret_here =
        |secret: &&SecretArn| secret.account() == account && secret.region() == region;
    let (topics, secrets) = topics_and_secrets(policy);
    checks.extend(topics.into_iter().filter(is_topic_here).map(of_topic));
    checks.extend(secrets.into_iter().filter(is_secret_here).map(of_secret));
    for identity in &policy.rotation.accounts {
        if identity.id.as_str() == account && rotates_in(policy, region) {
            checks.push(of_bucket(&identity.certificate_bucket));
        }
    }
    checks.extend(functions(policy, account, region));
    // The policy may name a thing twice.
    let mut seen = BTreeSet::new();
    checks.retain(|check| seen.insert(check.what.clone()));
    if !checks.is_empty() {
        checks.push(of_alarms());
    }
    checks
}

/// The topics that people are told by, and the secrets that messages are sent with.
fn topics_and_secrets(policy: &Policy) -> (Vec<&TopicArn>, Vec<&SecretArn>) {
    let mut topics = vec![
        &policy.notices.operators_topic,
        &policy.notices.owners_topic,
    ];
    let slack = policy.notices.slack.as_ref();
    let mut secrets: Vec<&SecretArn> = slack
        .into_iter()
        .flat_map(|slack| {
            [
                Some(&slack.operators),
                Some(&slack.owners),
                slack.token.as_ref(),
            ]
        })
        .flatten()
        .collect();
    if let Some(compliance) = &policy.compliance {
        secrets.extend(&compliance.slack_token);
        for route in &compliance.routes {
            topics.push(&route.fallback);
            match &route.to {
                Destination::Topic(topic) => topics.push(topic),
                Destination::Webhook(secret) | Destination::Endpoint(secret) => {
                    secrets.push(secret);
                }
                Destination::Channel(_) | Destination::ChannelOf(_) | Destination::Mail(_) => {}
            }
        }
    }
    (topics, secrets)
}

/// True of the region that rotation runs in, which the policy names only by its signing key or by
/// the queue of revocations. Without either every region may be it.
fn rotates_in(policy: &Policy, region: &str) -> bool {
    let signing = policy.rotation.signing.as_ref();
    let queue = policy.rotation.revocations.as_ref();
    let own = signing
        .map(|signing| signing.key.region())
        .or_else(|| queue.and_then(QueueUrl::region));
    own.is_none_or(|own| own == region)
}

/// The functions that are of this account, with their tables and schedules.
fn functions(policy: &Policy, account: &str, region: &str) -> Vec<Check> {
    let mut checks = Vec::new();
    let rotates = |identity: &banto_domain::policy::IdentityAccount| {
        !identity.assume && identity.id.as_str() == account
    };
    if policy.rotation.accounts.iter().any(rotates) && rotates_in(policy, region) {
        checks.extend(function("banto-rotate-access-keys", account));
        // The module's default name: the policy does not have it.
        checks.push(of_queue("banto-rotation", account, queue_works));
        checks.push(of_queue("banto-rotation-dead", account, queue_is_empty));
    }
    if let Some(onboarding) = &policy.onboarding
        && onboarding.queue.account() == account
        && onboarding.home_region.to_string() == region
    {
        checks.extend(function("banto-onboard-accounts", account));
        checks.push(of_table(&onboarding.table));
    }
    if let Some(compliance) = &policy.compliance
        && compliance.queue.account() == account
        && compliance.queue.region().is_none_or(|own| own == region)
    {
        checks.extend(function("banto-notify-compliance", account));
        checks.push(of_table(&compliance.table));
        if let Some(report) = &policy.report {
            checks.extend(function("banto-report-compliance", account));
            checks.push(of_bucket(&report.archive.bucket));
            checks.push(of_bucket(&report.store.bucket));
        }
    }
    checks
}

fn of_queue(name: &str, account: &str, judge: fn(&str) -> Result<String, String>) -> Check {
    Check {
        what: format!("queue {name}"),
        call: "sqs:GetQueueAttributes",
        // SQS goes by the path alone. (SQS developer guide, "Queue and message identifiers".)
        arguments: json!({
            "QueueUrl": format!("https://queue.amazonaws.com/{account}/{name}"),
            "AttributeNames": ["All"],
        }),
        judge,
    }
}

fn waiting(text: &str) -> String {
    value(text, "/Attributes/ApproximateNumberOfMessages").unwrap_or_default()
}

fn queue_works(text: &str) -> Result<String, String> {
    match value(text, "/Attributes/RedrivePolicy") {
        Some(_) => Ok(format!("{} messages wait", waiting(text))),
        None => Err("has no dead letter queue: apply its Terraform module".to_owned()),
    }
}

fn queue_is_empty(text: &str) -> Result<String, String> {
    match waiting(text).as_str() {
        "0" => Ok("empty".to_owned()),
        n => Err(format!(
            "{n} dead letters: docs/OPERATIONS.md says how to send them again"
        )),
    }
}

/// Alarms of both types: without the types, composite ones would be left out. (CloudWatch API
/// reference, DescribeAlarms.)
fn of_alarms() -> Check {
    Check {
        what: "alarms".to_owned(),
        call: "cloudwatch:DescribeAlarms",
        arguments: json!({
            "AlarmNamePrefix": "banto-", "StateValue": "ALARM", "MaxRecords": 100,
            "AlarmTypes.member.1": "MetricAlarm", "AlarmTypes.member.2": "CompositeAlarm",
        }),
        judge: alarms::no_alarm,
    }
}

fn of_table(name: &str) -> Check {
    Check {
        what: format!("table {name}"),
        call: "dynamodb:DescribeTable",
        arguments: json!({"TableName": name}),
        judge: |text| match value(text, "/Table/TableStatus").as_deref() {
            Some("ACTIVE") => Ok("active".to_owned()),
            other => Err(format!("is {}", other.unwrap_or("in an unknown state"))),
        },
    }
}

fn of_topic(topic: &TopicArn) -> Check {
    Check {
        what: format!("topic {}", topic.name()),
        call: "sns:ListSubscriptionsByTopic",
        arguments: json!({"TopicArn": topic.as_str()}),
        judge: |text| match elements(text, "SubscriptionArn") {
            arns if arns.is_empty() => Err("nobody is subscribed".to_owned()),
            arns if arns.contains(&"PendingConfirmation") => {
                Err("a subscription waits for its link to be followed".to_owned())
            }
            arns => Ok(format!("{} subscriptions", arns.len())),
        },
    }
}

fn of_secret(secret: &SecretArn) -> Check {
    Check {
        what: format!("secret {}", secret.name()),
        call: "secretsmanager:DescribeSecret",
        arguments: json!({"SecretId": secret.as_str()}),
        judge: |text| match (
            value(text, "/DeletedDate"),
            value(text, "/VersionIdsToStages"),
        ) {
            (Some(_), _) => Err("is about to be deleted: restore it".to_owned()),
            (None, Some(_)) => Ok("has a value".to_owned()),
            (None, None) => Err("has no value: put one".to_owned()),
        },
    }
}

fn of_bucket(name: &str) -> Check {
    Check {
        what: format!("bucket {name}"),
        call: "s3:ListBucket",
        arguments: json!({"bucket": name, "path": "/", "query": {"list-type": "2", "max-keys": "1"}}),
        judge: |_| Ok("is there".to_owned()),
    }
}

fn function(name: &str, account: &str) -> [Check; 3] {
    let function = Check {
        what: format!("function {name}"),
        call: "lambda:GetFunctionConfiguration",
        arguments: json!({"path": format!("/2015-03-31/functions/{name}/configuration")}),
        judge: |text| match value(text, "/State").as_deref() {
            Some("Active" | "Inactive") => Ok("ready".to_owned()),
            other => Err(format!("is {}", other.unwrap_or("in an unknown state"))),
        },
    };
    let schedules = Check {
        what: format!("schedules of {name}"),
        call: "scheduler:ListSchedules",
        arguments: json!({"path": "/schedules", "query": {"ScheduleGroup": name}}),
        judge: |text| {
            let json: Value = serde_json::from_str(text).unwrap_or_default();
            let all = json.get("Schedules").and_then(Value::as_array);
            let is_off = |s: &&Value| s.get("State").is_some_and(|state| state == "DISABLED");
            match all.map(|all| (all.len(), all.iter().filter(is_off).count())) {
                None | Some((0, _)) => Err("has none: apply its Terraform module".to_owned()),
                Some((n, 0)) => Ok(format!("{n} enabled")),
                Some((_, off)) => Err(format!("{off} disabled: enable them")),
            }
        },
    };
    let failed = of_queue(&format!("{name}-failed"), account, queue_is_empty);
    [function, schedules, failed]
}

#[cfg(test)]
mod tests;
