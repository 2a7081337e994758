//! The queues in front of a function: messages that wait, and those that were handed over. The
//! second one, of deliveries, is notify-compliance's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use banto_ports::{Delayed, ErrorKind, PortError, Queue, Received, ReceivedMessages};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::run::Run;
use crate::world::{State, World};

/// The queue's ARN, as its events tell it.
pub const QUEUE_ARN: &str = "arn:aws:sqs:eu-west-1:111122223333:banto-rotation";

/// The ARN of the queue of deliveries.
pub const DELIVERIES_ARN: &str = "arn:aws:sqs:eu-west-1:111122223333:banto-deliveries";

/// The queues' URLs.
const QUEUE_URL: &str = "https://sqs.eu-west-1.amazonaws.com/111122223333/banto-rotation";
const DELIVERIES_URL: &str = "https://sqs.eu-west-1.amazonaws.com/111122223333/banto-deliveries";

/// Most messages of one request. (SQS API reference, `SendMessageBatch`.)
const BATCH: usize = 10;

/// Most bytes of a message, and of all messages of one request. (SQS developer guide, "Amazon SQS
/// message quotas".)
const MAX_BYTES: usize = 1_048_576;

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
    /// The ARN of its queue.
    pub queue: &'static str,
    /// What it says.
    pub body: String,
    /// The group whose turn it takes.
    pub group: Option<String>,
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
    /// By the time from which they are seen, and by their order of those of the same time.
    waiting: BTreeMap<(Timestamp, usize), Queued>,
    /// By receipt.
    in_flight: BTreeMap<String, InFlight>,
    sent: usize,
    order: usize,
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
            queue: QUEUE_ARN,
            body: body.into(),
            group: None,
            visible_at: sent_at,
            sent_at,
            receives: 0,
            receipt: String::new(),
        }
    }
}

impl Messages {
    fn enqueue(&mut self, queue: &'static str, message: &Delayed, now: Timestamp) {
        self.sent += 1;
        let delay = SignedDuration::try_from(message.delay).unwrap_or(SignedDuration::MAX);
        let name = if queue == QUEUE_ARN {
            "message"
        } else {
            "delivery"
        };
        self.add(Queued {
            queue,
            group: message.group.clone(),
            visible_at: now + delay,
            ..Queued::new(&format!("{name}-{}", self.sent), &message.body, now)
        });
    }

    fn add(&mut self, message: Queued) {
        self.order += 1;
        self.waiting
            .insert((message.visible_at, self.order), message);
    }

    /// The time at which the next message becomes visible; `None` if there is none.
    fn next_at(&self) -> Option<Timestamp> {
        let (first, _) = self.waiting.keys().next()?;
        Some(*first)
    }

    fn receive(&mut self, at_most: usize, now: Timestamp) -> Vec<Queued> {
        let mut taken = Vec::new();
        while taken.len() < at_most
            && self.next_at().is_some_and(|next| next <= now)
            && let Some((_, message)) = self.waiting.pop_first()
        {
            taken.push(self.hand_over(message, now));
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
        self.add(Queued {
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

impl State {
    /// The queue of an ARN.
    fn queue_of(&mut self, arn: &str) -> &mut Messages {
        if arn == DELIVERIES_ARN {
            &mut self.deliveries
        } else {
            &mut self.queue
        }
    }

    /// Sends a batch of messages.
    fn send(&mut self, queue: &'static str, batch: &[Delayed]) -> Result<(), PortError> {
        let bytes: usize = batch.iter().map(|message| message.body.len()).sum();
        if bytes > MAX_BYTES {
            let message = format!("BatchRequestTooLong: {bytes} bytes, at most {MAX_BYTES}");
            return Err(PortError::new(ErrorKind::Invalid, SEND, message));
        }
        let now = self.now;
        for message in batch {
            self.queue_of(queue).enqueue(queue, message, now);
        }
        Ok(())
    }

    /// Takes messages of a queue that are visible now, at most so many.
    fn receive(&mut self, queue: &str, at_most: usize) -> Vec<Queued> {
        let now = self.now;
        self.queue_of(queue).receive(at_most, now)
    }
}

impl World {
    /// Puts messages on the queue, as others do.
    pub fn enqueue(&self, messages: &[Delayed]) {
        let mut state = self.state();
        let now = state.now;
        for message in messages {
            state.queue.enqueue(QUEUE_ARN, message, now);
        }
    }

    /// Puts messages on the queue of deliveries, as other functions do.
    pub fn enqueue_deliveries(&self, messages: &[Delayed]) {
        let mut state = self.state();
        let now = state.now;
        for message in messages {
            state.deliveries.enqueue(DELIVERIES_ARN, message, now);
        }
    }

    /// Takes the messages of one queue that are visible now, at most so many: of the queue of
    /// deliveries if it has any, for each queue has a mapping of its own.
    pub fn receive(&self, at_most: usize) -> Vec<Queued> {
        let deliveries = self.receive_deliveries(at_most);
        if deliveries.is_empty() {
            self.receive_events(at_most)
        } else {
            deliveries
        }
    }

    /// Takes the messages of the queue of events that are visible now, at most so many.
    pub fn receive_events(&self, at_most: usize) -> Vec<Queued> {
        self.state().receive(QUEUE_ARN, at_most)
    }

    /// Takes the messages of the queue of deliveries that are visible now, at most so many.
    pub fn receive_deliveries(&self, at_most: usize) -> Vec<Queued> {
        self.state().receive(DELIVERIES_ARN, at_most)
    }

    /// Puts a message back, visible when the function that received it said, or else after a while.
    pub fn put_back(&self, message: Queued, otherwise: SignedDuration) {
        let mut state = self.state();
        let otherwise = state.now + otherwise;
        state.queue_of(message.queue).put_back(message, otherwise);
    }

    /// The time at which the next message of either queue becomes visible; `None` if there is none.
    pub fn next_message_at(&self) -> Option<Timestamp> {
        let state = self.state();
        let next = [state.queue.next_at(), state.deliveries.next_at()];
        next.into_iter().flatten().min()
    }

    /// The number of messages that wait, in both queues.
    pub fn waiting_messages(&self) -> usize {
        let state = self.state();
        state.queue.waiting.len() + state.deliveries.waiting.len()
    }
}

/// The call that sends messages.
const SEND: &str = "sqs:SendMessage";

#[async_trait]
impl Queue for Run {
    async fn send(&self, messages: &[Delayed]) -> Result<(), PortError> {
        self.send_to(QUEUE_ARN, messages).await
    }
}

/// The queue of deliveries, as a run sends to it.
#[derive(Debug, Clone)]
pub struct DeliveriesQueue(pub Arc<Run>);

#[async_trait]
impl Queue for DeliveriesQueue {
    async fn send(&self, messages: &[Delayed]) -> Result<(), PortError> {
        self.0.send_to(DELIVERIES_ARN, messages).await
    }
}

impl Run {
    async fn send_to(&self, queue: &'static str, messages: &[Delayed]) -> Result<(), PortError> {
        let url = if queue == DELIVERIES_ARN {
            DELIVERIES_URL
        } else {
            QUEUE_URL
        };
        for batch in messages.chunks(BATCH) {
            let requests = if batch.iter().any(|message| message.body.len() > MAX_BYTES) {
                Vec::new()
            } else {
                vec![json!({ "QueueUrl": url, "Entries": entries(batch) })]
            };
            self.ask_by("sqs:SendMessageBatch", SEND, "", &requests, |state| {
                state.send(queue, batch)
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
            "MessageGroupId": message.group,
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
            |state| {
                // No two queues have the same receipt.
                let is_delivery = state.deliveries.in_flight.contains_key(&message.receipt);
                let queue = if is_delivery {
                    DELIVERIES_ARN
                } else {
                    QUEUE_ARN
                };
                let now = state.now;
                state.queue_of(queue).hide(&message.receipt, time, now)
            },
        )
        .await
    }
}
