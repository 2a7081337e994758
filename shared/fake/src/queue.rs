//! The queue in front of a function: messages that wait, and those that were handed over.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use banto_ports::{Delayed, ErrorKind, PortError, Queue, Received, ReceivedMessages};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::run::Run;
use crate::world::World;

/// The queue's ARN, as its events tell it.
pub const QUEUE_ARN: &str = "arn:aws:sqs:eu-west-1:111122223333:banto-rotation";

/// The queue's URL.
const QUEUE_URL: &str = "https://sqs.eu-west-1.amazonaws.com/111122223333/banto-rotation";

/// Most messages of one request. (SQS API reference, `SendMessageBatch`.)
const BATCH: usize = 10;

/// The longest time for which a message stays hidden after it was handed over, however often that
/// is changed. (SQS API reference, `ChangeMessageVisibility`.)
const LONGEST_HIDDEN: SignedDuration = SignedDuration::from_hours(12);

/// Most seconds that Banto's adapter asks for: a message may have waited for minutes since it was
/// handed over.
const MOST_ASKED: u64 = 42_000;

/// A message of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// Its id.
    pub id: String,
    /// What it says.
    pub body: String,
    /// From when it is seen.
    pub visible_at: Timestamp,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// The number of times that it was handed over.
    pub receives: u32,
    /// The handle of the last receipt; empty before the first.
    pub receipt: String,
}

/// What waits, and what was handed over and may come back.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    waiting: Vec<Queued>,
    /// By receipt.
    in_flight: BTreeMap<String, InFlight>,
    sent: usize,
}

/// A message that was handed over.
#[derive(Debug)]
struct InFlight {
    since: Timestamp,
    /// Until when the function that has it hides it, if it said so.
    hidden_until: Option<Timestamp>,
}

impl Queued {
    /// A message that nobody has received yet.
    pub fn new(id: &str, body: impl Into<String>, sent_at: Timestamp) -> Self {
        Self {
            id: id.to_owned(),
            body: body.into(),
            visible_at: sent_at,
            sent_at,
            receives: 0,
            receipt: String::new(),
        }
    }
}

impl Messages {
    fn enqueue(&mut self, message: &Delayed, now: Timestamp) {
        self.sent += 1;
        let delay = SignedDuration::try_from(message.delay).unwrap_or(SignedDuration::MAX);
        self.waiting.push(Queued {
            visible_at: now + delay,
            ..Queued::new(&format!("message-{}", self.sent), &message.body, now)
        });
    }

    fn receive(&mut self, at_most: usize, now: Timestamp) -> Vec<Queued> {
        let mut taken = Vec::new();
        for message in std::mem::take(&mut self.waiting) {
            if message.visible_at <= now && taken.len() < at_most {
                taken.push(self.hand_over(message, now));
            } else {
                self.waiting.push(message);
            }
        }
        taken
    }

    fn hand_over(&mut self, message: Queued, now: Timestamp) -> Queued {
        let receives = message.receives + 1;
        let receipt = format!("receipt-{receives}-of-{}", message.id);
        let in_flight = InFlight {
            since: now,
            hidden_until: None,
        };
        self.in_flight.insert(receipt.clone(), in_flight);
        Queued {
            receives,
            receipt,
            ..message
        }
    }

    fn put_back(&mut self, message: Queued, otherwise: Timestamp) {
        let in_flight = self.in_flight.remove(&message.receipt);
        let hidden_until = in_flight.and_then(|in_flight| in_flight.hidden_until);
        self.waiting.push(Queued {
            visible_at: hidden_until.unwrap_or(otherwise),
            ..message
        });
    }

    fn hide(&mut self, receipt: &str, time: Duration, now: Timestamp) -> Result<(), PortError> {
        const CALL: &str = "sqs:ChangeMessageVisibility";
        let refused = |message| Err(PortError::new(ErrorKind::Invalid, CALL, message));
        let Some(in_flight) = self.in_flight.get_mut(receipt) else {
            return refused("ReceiptHandleIsInvalid");
        };
        let until = now + SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        if until.duration_since(in_flight.since) > LONGEST_HIDDEN {
            return refused("InvalidParameterValue: beyond 43200 seconds since it was received");
        }
        in_flight.hidden_until = Some(until);
        Ok(())
    }
}

impl World {
    /// Puts messages on the queue, as others do.
    pub fn enqueue(&self, messages: &[Delayed]) {
        let mut state = self.state();
        let now = state.now;
        for message in messages {
            state.queue.enqueue(message, now);
        }
    }

    /// Takes the messages that are visible now, at most so many.
    pub fn receive(&self, at_most: usize) -> Vec<Queued> {
        let mut state = self.state();
        let now = state.now;
        state.queue.receive(at_most, now)
    }

    /// Puts a message back, visible when the function that received it said, or else after a while.
    pub fn put_back(&self, message: Queued, otherwise: SignedDuration) {
        let mut state = self.state();
        let otherwise = state.now + otherwise;
        state.queue.put_back(message, otherwise);
    }

    /// When the next message becomes visible; `None` if there is none.
    pub fn next_message_at(&self) -> Option<Timestamp> {
        let state = self.state();
        let messages = state.queue.waiting.iter();
        messages.map(|message| message.visible_at).min()
    }

    /// The number of messages that wait.
    pub fn waiting_messages(&self) -> usize {
        self.state().queue.waiting.len()
    }
}

#[async_trait]
impl Queue for Run {
    async fn send(&self, messages: &[Delayed]) -> Result<(), PortError> {
        for batch in messages.chunks(BATCH) {
            let request = json!({ "QueueUrl": QUEUE_URL, "Entries": entries(batch) });
            self.ask("sqs:SendMessage", "", request, |state| {
                for message in batch {
                    state.queue.enqueue(message, state.now);
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }
}

/// Seconds, rounded up.
fn whole_seconds(time: Duration) -> u64 {
    let part = u64::from(time.subsec_nanos() > 0);
    time.as_secs().saturating_add(part)
}

fn entries(batch: &[Delayed]) -> Vec<Value> {
    let entries = batch.iter().enumerate().map(|(number, message)| {
        json!({
            "Id": number.to_string(),
            "MessageBody": message.body,
            "DelaySeconds": message.delay.as_secs(),
        })
    });
    entries.collect()
}

#[async_trait]
impl ReceivedMessages for Run {
    async fn hide(&self, message: &Received, time: Duration) -> Result<(), PortError> {
        let seconds = whole_seconds(time).min(MOST_ASKED);
        let request = json!({
            "QueueUrl": message.queue,
            "ReceiptHandle": message.receipt,
            "VisibilityTimeout": seconds,
        });
        let time = Duration::from_secs(seconds);
        self.ask(
            "sqs:ChangeMessageVisibility",
            &message.receipt,
            request,
            |state| state.queue.hide(&message.receipt, time, state.now),
        )
        .await
    }
}
