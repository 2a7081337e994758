//! Memory of the real process where there is most to hold: the comparison of an account with
//! 100,000 open findings, and the delivery of a flood.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use banto::local::function_binary;
use banto::local::runtime_api::Function;
use banto::local::slack::{Slack, TOKEN};
use banto_domain::compliance::{
    AccountInfo, AskedFor, Change, Compliance, FindingKey, FindingState, Lane, OutboxBatch,
    OutboxEntry, Severity, Source,
};
use banto_fake::DELIVERIES_ARN;
use banto_notice::QueueMessage;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::canned::{Canned, State};
use super::harness::{self, account, region, rule};
use crate::cold_start;
use crate::table::{at_most, megabytes, row};

/// Findings of one account, and entries of one route.
const MANY: usize = 100_000;

/// Accounts that a flood is about.
const ACCOUNTS: usize = 5_000;

/// The memory of the function, in MB. (docs/OPERATIONS.md.)
const MEMORY: f64 = 128.0;

/// The function's timeout. (docs/OPERATIONS.md.)
const TIMEOUT: Duration = Duration::from_secs(300);

/// Prints the memory of both.
pub async fn memory() {
    let binary = function_binary("notify-compliance", &|_| {}).await.unwrap();
    let reconcile = QueueMessage::Reconcile {
        account: account(harness::PAYMENTS),
        after: None,
        attempts: 0,
    };
    let deliver = QueueMessage::Deliver {
        route: "payments".to_owned(),
        attempts: 0,
    };
    measure(
        &binary,
        "comparison, all 100,000 open findings known",
        &reconcile,
        |state| {
            findings(state, None);
            state.listed = (0..MANY).map(finding_key).collect();
        },
    )
    .await;
    measure(
        &binary,
        "comparison, 100,000 open findings to close",
        &reconcile,
        |state| {
            findings(
                state,
                Some(Timestamp::now() - SignedDuration::from_hours(24)),
            );
        },
    )
    .await;
    measure(
        &binary,
        "comparison, 100,000 open findings taken over",
        &reconcile,
        |state| {
            account_items(state, &[harness::PAYMENTS.to_owned()]);
            state.listed = (0..MANY).map(finding_key).collect();
        },
    )
    .await;
    for lane in [Lane::Medium, Lane::Critical] {
        let what = format!("delivery of a flood of 100,000 entries, {lane:?}");
        measure(&binary, &what, &deliver, |state| flood(state, lane)).await;
    }
}

/// Has a new process handle a message, and again where there was not the time for all of it.
async fn measure(binary: &Path, what: &str, message: &QueueMessage, fill: impl FnOnce(&mut State)) {
    let (canned, slack) = (Canned::start(), Slack::start().await.unwrap());
    {
        let mut state = canned.state.lock().unwrap();
        TOKEN.clone_into(&mut state.secret);
        fill(&mut state);
    }
    let directory = tempfile::tempdir().unwrap();
    let variables = variables(&canned, &slack, directory.path());
    let mut function = Function::start(binary, variables).await.unwrap();
    let begun = Instant::now();
    let answer = function.invoke(&record(message), TIMEOUT).await.unwrap();
    let took = begun.elapsed();
    assert_eq!(
        answer,
        json!({ "batchItemFailures": [] }),
        "{}",
        String::from_utf8_lossy(&function.log())
    );
    at_most(
        &format!("{what}: peak memory, MB"),
        megabytes(cold_start::peak(&function)),
        MEMORY,
    );
    row(
        &format!("{what}: seconds"),
        format!("{:.0}", took.as_secs_f64()),
    );
    let (calls, waiting) = {
        let state = canned.state.lock().unwrap();
        (state.calls, state.waiting())
    };
    row(&format!("{what}: calls to AWS"), calls);
    if matches!(message, QueueMessage::Deliver { .. }) {
        at_most(&format!("{what}: batches that still wait"), waiting, 0.0);
        row(&format!("{what}: messages"), slack.posts().len());
    }
    function.stop().await;
}

fn variables(canned: &Canned, slack: &Slack, directory: &Path) -> Vec<(String, String)> {
    let policy: PathBuf = directory.join("banto.toml");
    let text = harness::text().and("[compliance.rules.storm]\nseverity = \"medium\"\n");
    fs::write(&policy, text.to_string()).unwrap();
    let variables = [
        ("AWS_REGION", "eu-west-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "of-the-bench".to_owned()),
        ("AWS_ENDPOINT_URL", canned.url.clone()),
        ("SLACK_API_URL", slack.api_url()),
        ("BANTO_POLICY", policy.display().to_string()),
    ];
    variables
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

fn record(message: &QueueMessage) -> Value {
    let record = json!({
        "messageId": "1",
        "receiptHandle": "1",
        "body": message.body(),
        "eventSource": "aws:sqs",
        "eventSourceARN": DELIVERIES_ARN,
    });
    json!({ "Records": [record] })
}

fn finding_key(number: usize) -> FindingKey {
    key(harness::PAYMENTS, "bucket-public", number)
}

fn key(id: &str, name: &str, number: usize) -> FindingKey {
    FindingKey::new(
        account(id),
        &region(),
        rule(name),
        "AWS::S3::Bucket".to_owned(),
        format!("payments-production-eu-west-1-artifacts-{number:06}"),
    )
}

/// Findings that the table knows as open, and since when the daily check doubts it.
fn findings(state: &mut State, doubted_at: Option<Timestamp>) {
    account_items(state, &[harness::PAYMENTS.to_owned()]);
    let at = harness::start();
    for number in 0..MANY {
        state.add_finding(&FindingState {
            key: finding_key(number),
            evaluated_in: region(),
            compliance: Compliance::Noncompliant,
            recorded_at: at,
            told: ["payments".to_owned()].into(),
            changes: vec![at],
            flapping: false,
            doubted_at,
            unknown_since: None,
            revision: 1,
        });
    }
}

/// Entries that wait, of many accounts.
fn flood(state: &mut State, lane: Lane) {
    let ids = 0..ACCOUNTS as u64;
    let ids: Vec<String> = ids
        .map(|number| format!("{:012}", 700_000_000_000 + number))
        .collect();
    account_items(state, &ids);
    let (name, severity) = match lane {
        Lane::Critical => ("bucket-public", Severity::Critical),
        _ => ("storm", Severity::Medium),
    };
    let now = Timestamp::now();
    let entries: Vec<OutboxEntry> = (0..MANY)
        .map(|number| OutboxEntry {
            key: key(&ids[number % ACCOUNTS], name, number),
            evaluated_in: region(),
            revision: 1,
            recorded_at: now,
            change: Change::Found,
            source: Source::Event,
            severity,
            annotation: Some("The bucket policy allows public read access.".to_owned()),
        })
        .collect();
    for entries in entries.chunks(OutboxBatch::MAX_ENTRIES) {
        state.add_batch("payments", &OutboxBatch::new(lane, entries.to_vec(), now));
    }
}

/// Accounts of the team that the route is for, as they were just looked up.
fn account_items(state: &mut State, ids: &[String]) {
    for id in ids {
        let tags = [("team", "payments"), ("owner", "alice")];
        let info = AccountInfo {
            id: account(id),
            name: format!("payments-{id}"),
            path: Vec::new(),
            tags: tags
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            joined_at: None,
            fetched_at: Timestamp::now(),
            asked_for: AskedFor {
                path: true,
                tags: true,
            },
            is_closed: false,
        };
        let pk = format!("account#{id}");
        state.add(&pk, "account", "account", &json!(info), json!({}));
    }
}
