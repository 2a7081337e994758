//! The real binary of notify-compliance, on a local AWS.

use std::fs;
use std::time::Duration;

use banto::local::compliance::{self, TABLE};
use banto::local::function_binary;
use banto::local::organization::Organization;
use banto::local::runtime_api::Function;
use banto::local::slack::{Slack, TOKEN};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::harness::{self, Evaluation};
use crate::cold_start::{self, Ground, Job, Tools, Variables, Way};
use crate::table::{megabytes, row};

/// The real binary: the memory of telling a storm, and a cold start for an event that comes too
/// late.
pub async fn process(tools: &Tools) {
    let ground = Ground::start(tools).await;
    let slack = Slack::start().await.unwrap();
    let organization = Organization::create(&ground.aws).await.unwrap();
    let queues = compliance::create(&ground.aws).await.unwrap();
    let token = ground
        .aws
        .create_secret("banto/slack/token", TOKEN)
        .await
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("banto.toml");
    let text = harness::text()
        .with(
            "https://sqs.eu-west-1.amazonaws.com/111122223333/banto-rotation",
            queues.events_url(),
        )
        .with(
            "https://sqs.eu-west-1.amazonaws.com/111122223333/banto-deliveries",
            queues.deliveries_url(),
        )
        .with(
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/token-AbCdEf",
            &token,
        );
    fs::write(&file, text.to_string()).unwrap();
    let own = [
        ("SLACK_API_URL", slack.api_url()),
        ("BANTO_POLICY", file.display().to_string()),
    ];
    let own: Variables = own.map(|(name, value)| (name.to_owned(), value)).into();
    let variables = ground.variables(Way::Plain, &own);

    // Twelve accounts with twenty resources each: moto slows down with the size of its table.
    let binary = function_binary("notify-compliance", &|_| {}).await.unwrap();
    let mut function = Function::start(&binary, variables.clone()).await.unwrap();
    let patience = Duration::from_secs(300);
    let mut accounts = Vec::new();
    for number in 0..12 {
        let id = organization
            .create_account(&format!("payments-{number}"))
            .await
            .unwrap();
        organization
            .tag_account(&id, &[("team", "payments")])
            .await
            .unwrap();
        let buckets: Vec<String> = (0..20).map(|bucket| format!("bucket-{bucket}")).collect();
        let events = buckets
            .iter()
            .map(|bucket| Evaluation::bad(&id, "bucket-public", bucket, harness::start()).event());
        let records: Vec<Value> = events
            .enumerate()
            .map(|(number, event)| record(number, &event))
            .collect();
        let answer = function
            .invoke(&json!({ "Records": records }), patience)
            .await
            .unwrap();
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
        accounts.push(id);
    }
    let tell = json!({ "kind": "deliver", "version": 1, "route": "payments" });
    function.invoke(&tell, patience).await.unwrap();
    assert_eq!(compliance::untold(&ground.aws).await.unwrap(), 0);
    row(
        "notify-compliance: messages in the channel for 240 findings",
        slack
            .posts()
            .iter()
            .filter(|post| post.thread.is_none())
            .count(),
    );
    row(
        "notify-compliance: peak memory of these, MB",
        megabytes(cold_start::peak(&function)),
    );
    function.stop().await;

    cold_start::without_calls(
        "notify-compliance",
        &binary,
        &variables,
        &json!({ "Records": [] }),
    )
    .await;
    let before = harness::start() - SignedDuration::from_hours(1);
    let late = Evaluation::bad(&accounts[0], "bucket-public", "bucket-0", before).event();
    let job = Job {
        function: "notify-compliance",
        event: json!({ "Records": [record(0, &late)] }),
        variables: own
            .into_iter()
            .chain([("TABLE".to_owned(), TABLE.to_owned())])
            .collect(),
        in_python: include_str!("../twins/notify_compliance.py"),
        in_node: include_str!("../twins/notify_compliance.mjs"),
    };
    cold_start::compare(tools, &ground, &job).await;
}

/// A message as SQS hands it to the function.
fn record(number: usize, body: &Value) -> Value {
    json!({ "messageId": number.to_string(), "eventSource": "aws:sqs", "body": body.to_string() })
}
