//! The harness treats a function as SQS and Lambda do.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use banto_domain::QueueUrl;
use banto_fake::{Driven, Fault, FaultKind, QUEUE_ARN, Run, World};
use banto_lambda::{Invocation, InvocationError, Metrics, Response};
use banto_ports::{AccessKeys, ErrorKind, Received, ReceivedMessages};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Function, Sqs, enqueue, handle_on, invoke_async};

/// A function that hides what it is handed, and is never done.
#[derive(Default)]
struct NeverDone {
    /// For how long it hides a message the first time; later it does not say.
    first: Duration,
    /// The attributes of each record that it was handed.
    seen: Mutex<Vec<Value>>,
}

impl Function for NeverDone {
    const HIDDEN: SignedDuration = SignedDuration::from_mins(30);
    const RECEIVES: u32 = 3;

    async fn handle(
        &self,
        run: &Arc<Run>,
        event: &[u8],
        _: &Invocation,
    ) -> Result<Response, InvocationError> {
        let event: Value = serde_json::from_slice(event).unwrap();
        let record = &event["Records"][0];
        let received = Received {
            queue: QueueUrl::of_arn(record["eventSourceARN"].as_str().unwrap()).unwrap(),
            receipt: record["receiptHandle"].as_str().unwrap().to_owned(),
        };
        if record["attributes"]["ApproximateReceiveCount"] == "1" {
            run.hide(&received, self.first).await.unwrap();
        }
        self.seen.lock().unwrap().push(record["attributes"].clone());
        let id = record["messageId"].as_str().unwrap().to_owned();
        Ok(Response::of_batch([id], Metrics::default()))
    }
}

/// A function that reads a user, and fails if it can't.
#[derive(Default)]
struct Reads(Mutex<Vec<Invocation>>);

impl Function for Reads {
    const HIDDEN: SignedDuration = SignedDuration::from_mins(30);

    async fn handle(
        &self,
        run: &Arc<Run>,
        _: &[u8],
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        self.0.lock().unwrap().push(invocation.clone());
        match run.user(&"alice".parse().unwrap()).await {
            Ok(user) => Ok(Response {
                body: json!(user.path),
                metrics: Metrics::default(),
            }),
            Err(error) => Err(InvocationError::new("Failed", error)),
        }
    }
}

fn start() -> Timestamp {
    "2026-06-01T01:00:00Z".parse().unwrap()
}

#[test]
fn a_message_comes_again_when_the_function_said_and_then_when_the_queue_does() {
    let world = World::at(start());
    let function = NeverDone {
        first: Duration::from_secs(7_200),
        ..NeverDone::default()
    };
    enqueue(&world, &[json!({})]);
    let mut sqs = Sqs::default();
    sqs.settle(&world, &function, &[]);
    assert_eq!(world.now(), start() + SignedDuration::from_mins(120 + 30));
    assert_eq!((sqs.dead.len(), sqs.calls), (1, vec![1, 0, 0]));
    let sent = start().as_millisecond().to_string();
    let attributes =
        |count: &str| json!({ "ApproximateReceiveCount": count, "SentTimestamp": sent });
    assert_eq!(
        *function.seen.lock().unwrap(),
        ["1", "2", "3"].map(attributes)
    );
    assert!(QUEUE_ARN.ends_with(":banto-rotation"));
}

#[test]
fn an_event_that_nobody_waits_for_is_tried_three_times_under_one_request_id() {
    let world = World::at(start());
    world.add_user("alice");
    let fails = |number: usize, kind| (number, Fault { call: 1, kind });
    let error = FaultKind::ErrorBefore(ErrorKind::Unavailable);
    let faults = [fails(0, error), fails(1, FaultKind::CancelAfter)];
    let function = Reads::default();
    let attempts = invoke_async(&world, &function, &json!({}), &faults);
    assert!(attempts.succeeded());
    assert_eq!((attempts.calls, attempts.fired), (vec![1, 1, 1], 2));
    assert_eq!(world.now(), start() + SignedDuration::from_mins(3));
    let invocations = function.0.lock().unwrap();
    let request_id = &invocations[0].request_id;
    assert!(invocations.iter().all(|one| one.request_id == *request_id));
    let runs: std::collections::BTreeSet<&str> =
        invocations.iter().map(|one| one.run.as_str()).collect();
    assert_eq!(runs.len(), 3);
}

#[test]
fn an_event_that_fails_three_times_is_given_up_and_one_that_succeeds_is_not_repeated() {
    let world = World::at(start());
    let attempts = invoke_async(&world, &Reads::default(), &json!({}), &[]);
    assert!(!attempts.succeeded());
    assert_eq!(attempts.handled.len(), 3);
    world.add_user("alice");
    let attempts = invoke_async(&world, &Reads::default(), &json!({}), &[]);
    assert_eq!((attempts.succeeded(), attempts.handled.len()), (true, 1));
}

#[test]
fn somebody_acts_while_an_event_is_handled() {
    let world = World::at(start());
    let alice = world.add_user("alice");
    let run = world.run_with(None, 1, move |world| world.move_user(&alice, "/moved/"));
    match handle_on(&run, &world, &Reads::default(), &json!({})) {
        Driven::Done(Ok(response)) => assert_eq!(response.body, "/moved/"),
        other => panic!("{other:?}"),
    }
}
