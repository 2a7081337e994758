//! Costs of notify-compliance: a storm of 100,000 events in the world in memory, and one process.

#[path = "../../src/compliance/harness.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod harness;

use std::fs;
use std::time::{Duration, Instant};

use banto::local::compliance::{self, TABLE};
use banto::local::function_binary;
use banto::local::organization::Organization;
use banto::local::runtime_api::Function;
use banto::local::slack::{Slack, TOKEN};
use banto_domain::compliance::NotifiedIn;
use banto_fake::{Driven, World, drive};
use banto_lambda::Invocation;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::cold_start::{self, Ground, Job, Tools, Variables, Way};
use crate::harness::{batch, failed};
use crate::table::{at_least, at_most, megabytes, row};
use harness::{Evaluation, account, add_account, breaches, notifier, policy, rule};

/// One rule in so many accounts, each with so many resources.
const ACCOUNTS: usize = 1_000;
const RESOURCES: usize = 100;
/// Events of an SQS batch, and events that come each second.
const BATCH: usize = 10;
const A_SECOND: usize = 1_000;

/// A rule is deployed everywhere, and finds everything wrong: all of it is told, in a handful of
/// messages.
pub fn storm() {
    let world = World::at(harness::start());
    let ids: Vec<String> = (0..ACCOUNTS)
        .map(|number| format!("{:012}", 700_000_000_000_u64 + number as u64))
        .collect();
    ids.iter()
        .for_each(|id| add_account(&world, id, &format!("payments-{id}"), "payments"));
    let (policy, run) = (policy(), world.run(None));
    let function = notifier(&run, &policy);
    let mut spent = Duration::ZERO;
    let mut handle = |event: &Value| {
        let event = event.to_string();
        let invocation = Invocation::for_tests(
            &format!("run-{}", world.call_count()),
            Duration::from_secs(900),
        );
        let begun = Instant::now();
        let handled = drive(&run, function.handle(event.as_bytes(), &invocation));
        spent += begun.elapsed();
        let Driven::Done(Ok(answer)) = handled else {
            panic!("{handled:?}")
        };
        assert!(
            failed(&answer.body).is_empty(),
            "something went back to the queue"
        );
    };
    let mut events = Vec::with_capacity(BATCH);
    let mut sent = 0;
    for resource in 0..RESOURCES {
        let resource = format!("bucket-{resource}");
        for id in &ids {
            let event = Evaluation::bad(id, "bucket-public", &resource, world.now())
                .event()
                .to_string();
            events.push(
                json!({ "messageId": format!("{sent}"), "eventSource": "aws:sqs", "body": event }),
            );
            sent += 1;
            if events.len() == BATCH {
                handle(&json!({ "Records": std::mem::take(&mut events) }));
            }
            if sent % A_SECOND == 0 {
                world.advance(SignedDuration::from_secs(1));
                let messages = world.receive(BATCH);
                if !messages.is_empty() {
                    handle(&batch(&messages));
                }
            }
        }
    }
    while let Some(next) = world.next_message_at() {
        world.advance(next.duration_since(world.now()).max(SignedDuration::ZERO));
        handle(&batch(&world.receive(BATCH)));
    }
    let total = ACCOUNTS * RESOURCES;
    let messages = world.slack_messages();
    let in_channel = messages
        .iter()
        .filter(|message| message.thread.is_none() || message.broadcast)
        .count();
    let counted = ids
        .iter()
        .filter_map(|id| world.finding_group("payments", &account(id), &rule("bucket-public")));
    let counted: u32 = counted
        .filter(|case| matches!(case.notified_in, NotifiedIn::Digest(_)))
        .map(|case| case.open)
        .sum();
    let called = |name: &str| {
        world
            .calls()
            .iter()
            .filter(|call| call.name == name)
            .count()
    };
    let refused = called("slack:chat.postMessage") - messages.len();
    row(
        "storm of 100,000 events: messages in the channel",
        in_channel,
    );
    row("storm: replies in its thread", messages.len() - in_channel);
    at_least(
        "storm: events that are counted in messages",
        counted,
        total as f64,
    );
    at_most(
        "storm: events that still wait",
        world.outbox("payments").len(),
        0.0,
    );
    at_most(
        "storm: messages that Slack refused for their pace",
        refused,
        0.0,
    );
    at_most(
        "storm: breaches of Slack's limits",
        breaches(&world).len(),
        0.0,
    );
    row(
        "storm: calls to AWS and Slack an event",
        format!("{:.2}", world.call_count() as f64 / total as f64),
    );
    row(
        "storm: CPU an event, µs, the world's own included",
        spent.as_micros() / total as u128,
    );
}

/// The real binary: the memory of telling a storm, and a cold start for an event that comes too
/// late.
pub async fn process(tools: &Tools) {
    let ground = Ground::start(tools).await;
    let slack = Slack::start().await.unwrap();
    let organization = Organization::create(&ground.aws).await.unwrap();
    let queue = compliance::create(&ground.aws).await.unwrap();
    let token = ground
        .aws
        .create_secret("banto/slack/token", TOKEN)
        .await
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("banto.toml");
    let text = harness::text()
        .with(
            "https://sqs.eu-west-1.amazonaws.com/999988887777/banto-compliance",
            &queue.url,
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
    let tell = record(
        0,
        &json!({ "kind": "deliver", "version": 1, "route": "payments" }),
    );
    function
        .invoke(&json!({ "Records": [tell] }), patience)
        .await
        .unwrap();
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
        in_python: include_str!("twins/notify_compliance.py"),
        in_node: include_str!("twins/notify_compliance.mjs"),
    };
    cold_start::compare(tools, &ground, &job).await;
}

/// A message as SQS hands it to the function.
fn record(number: usize, body: &Value) -> Value {
    json!({ "messageId": number.to_string(), "eventSource": "aws:sqs", "body": body.to_string() })
}
