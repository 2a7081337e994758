//! The queue in front of a function, as SQS and Lambda's event source mapping treat it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use banto_fake::{Driven, Fault, Queued, Run, World};
use banto_ports::Delayed;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::crash_points::fault_of;
use super::{Function, handle_on, handle_twice};

/// Messages of a batch.
const BATCH: usize = 10;
/// More invocations than any test needs, where a message may come hundreds of times: a queue that
/// takes longer never empties.
const MOST_INVOCATIONS: usize = 5_000;

/// Gives messages out, hides them, takes them back, and gives up on them in the end.
#[derive(Debug, Default)]
pub struct Sqs {
    /// Messages that were given up.
    pub dead: Vec<Queued>,
    /// How many calls each invocation made.
    pub calls: Vec<usize>,
    /// How many faults befell their call.
    pub fired: usize,
}

impl Sqs {
    /// Hands over the messages that are visible now, and takes those back that were not done: how
    /// many, or `None` if no message is visible. They come again when the function said, or else
    /// after the queue's own time. A fault befalls the invocation if one is given.
    pub fn deliver<F: Function>(
        &mut self,
        world: &Arc<World>,
        function: &F,
        fault: Option<Fault>,
    ) -> Option<usize> {
        world.next_message_at().filter(|at| *at <= world.now())?;
        self.deliver_on(&world.run(fault), world, function)
    }

    /// Does so on a run that a test has made, for one in which somebody else acts.
    pub fn deliver_on<F: Function>(
        &mut self,
        run: &Arc<Run>,
        world: &Arc<World>,
        function: &F,
    ) -> Option<usize> {
        let messages = world.receive(BATCH);
        if messages.is_empty() {
            return None;
        }
        let handled = handle_on(run, world, function, &batch(&messages));
        self.calls.push(run.calls());
        self.fired += usize::from(run.fault_fired());
        let back: BTreeSet<String> = match handled {
            Driven::Done(Ok(answer)) => failed(&answer.body),
            // SQS gives a batch again whose invocation failed or ended.
            Driven::Done(Err(_)) | Driven::Cancelled => {
                messages.iter().map(|message| message.id.clone()).collect()
            }
        };
        for message in messages
            .into_iter()
            .filter(|message| back.contains(&message.id))
        {
            if message.receives >= F::RECEIVES {
                self.dead.push(message);
            } else {
                world.put_back(message, F::HIDDEN);
            }
        }
        Some(back.len())
    }

    /// Works off the queue, time passing where messages wait, until it is empty. Each fault befalls
    /// one invocation, by its number from 0.
    pub fn settle(
        &mut self,
        world: &Arc<World>,
        function: &impl Function,
        faults: &[(usize, Fault)],
    ) {
        for number in 0..MOST_INVOCATIONS {
            if !wait(world) {
                return;
            }
            self.deliver(world, function, fault_of(faults, number));
        }
        panic!(
            "the queue does not empty: {} messages",
            world.waiting_messages()
        );
    }

    /// Works off the queue, one invocation's messages being handed to two at once. Each turn says
    /// whether the next call is the first one's.
    pub fn settle_with_two(
        &mut self,
        world: &Arc<World>,
        function: &impl Function,
        invocation: usize,
        turns: impl IntoIterator<Item = bool>,
    ) {
        for _ in 0..invocation {
            wait(world);
            self.deliver(world, function, None);
        }
        handle_twice(world, function, &batch(&receive(world)), turns);
        self.settle(world, function, &[]);
    }
}

/// Lets time pass until a message is visible; whether there is one.
fn wait(world: &World) -> bool {
    let next = world.next_message_at();
    if let Some(next) = next {
        world.advance(next.duration_since(world.now()).max(SignedDuration::ZERO));
    }
    next.is_some()
}

/// The next batch, time passing until there is one; none if the queue is empty.
pub fn receive(world: &World) -> Vec<Queued> {
    wait(world);
    world.receive(BATCH)
}

/// Works off the messages that are visible now; answers how many were not done, and are hidden for
/// a while.
pub fn work_off(world: &Arc<World>, function: &impl Function) -> usize {
    let mut sqs = Sqs::default();
    std::iter::from_fn(|| sqs.deliver(world, function, None)).sum()
}

/// Works off the queue without faults; nothing may be given up.
pub fn settle(world: &Arc<World>, function: &impl Function) {
    let mut sqs = Sqs::default();
    sqs.settle(world, function, &[]);
    assert!(sqs.dead.is_empty(), "{:?}", sqs.dead);
}

/// Puts events on the queue.
pub fn enqueue(world: &World, events: &[Value]) {
    world.enqueue(&at_once(events));
}

/// Puts messages on the queue of deliveries.
pub fn enqueue_deliveries(world: &World, messages: &[Value]) {
    world.enqueue_deliveries(&at_once(messages));
}

/// Messages that are visible at once.
fn at_once(bodies: &[Value]) -> Vec<Delayed> {
    let messages = bodies.iter().map(|body| Delayed {
        body: body.to_string(),
        delay: Duration::ZERO,
        group: None,
    });
    messages.collect()
}

/// Messages as Lambda hands them to a function. (Lambda developer guide, "Using Lambda with Amazon
/// SQS", "Example Amazon SQS message event".)
pub fn batch(messages: &[Queued]) -> Value {
    let records: Vec<Value> = messages.iter().map(record).collect();
    json!({ "Records": records })
}

fn record(message: &Queued) -> Value {
    json!({
        "messageId": message.id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": message.receives.to_string(),
            "SentTimestamp": message.sent_at.as_millisecond().to_string(),
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": message.queue,
        "awsRegion": "eu-west-1",
    })
}

/// The records that a response sends back.
pub fn failed(response: &Value) -> BTreeSet<String> {
    let failures = response["batchItemFailures"].as_array().unwrap();
    failures
        .iter()
        .map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned())
        .collect()
}
