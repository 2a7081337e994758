//! The queue of accounts that wait.

use async_trait::async_trait;
use banto_domain::QueueUrl;
use banto_domain::compliance::short_hash;
use banto_ports::{Delayed, ErrorKind, PortError, Queue};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::{Caller, Request};
use crate::config::Aws;
use crate::errors::lacking;
use crate::service::Service;

const CALL: &str = "sqs:SendMessage";

/// Most messages of a batch, and seconds of a delay. (SQS API reference, `SendMessageBatch`.)
const BATCH: usize = 10;
const MAX_DELAY: u64 = 900;

/// Most characters of a group's id. (SQS API reference, `SendMessageBatchRequestEntry`.)
const MAX_GROUP: usize = 128;

/// An SQS queue. (SQS API reference, `SendMessageBatch`, in AWS's JSON 1.0 protocol.)
#[derive(Debug)]
pub struct SqsQueue {
    caller: Caller,
    url: QueueUrl,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    failed: Vec<Failed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Failed {
    code: String,
    sender_fault: bool,
}

/// Asks SQS where a queue is.
pub(crate) fn caller(aws: &Aws, url: &QueueUrl) -> Caller {
    match url.region() {
        Some(region) => aws.caller_in(Service::Sqs, region),
        None => aws.caller(Service::Sqs),
    }
}

impl SqsQueue {
    pub(crate) fn new(aws: &Aws, url: &QueueUrl) -> Self {
        Self {
            caller: caller(aws, url),
            url: url.clone(),
        }
    }

    async fn send_batch(&self, batch: &[Delayed]) -> Result<(), PortError> {
        let mut entries = Vec::new();
        for (index, message) in batch.iter().enumerate() {
            entries.push(entry(index, message));
        }
        let body = json!({ "QueueUrl": self.url.as_str(), "Entries": entries });
        let request = Request::aws_json(CALL, "1.0", "AmazonSQS.SendMessageBatch", &body);
        let answer = self.caller.ask(request).await?;
        let answer: Answer = serde_json::from_slice(&answer)
            .map_err(|_| lacking(CALL, "messages that were taken or not"))?;
        let Some(first) = answer.failed.first() else {
            return Ok(());
        };
        let kind = if first.sender_fault {
            ErrorKind::Invalid
        } else {
            ErrorKind::Unavailable
        };
        let message = format!(
            "{} of {} messages were not taken: {}",
            answer.failed.len(),
            batch.len(),
            first.code
        );
        Err(PortError::new(kind, CALL, message))
    }
}

/// A message of a batch. (SQS API reference, `SendMessageBatchRequestEntry`.)
fn entry(index: usize, message: &Delayed) -> Value {
    let delay = message.delay.as_secs().min(MAX_DELAY);
    let mut entry =
        json!({ "Id": index.to_string(), "MessageBody": message.body, "DelaySeconds": delay });
    if let (Some(fields), Some(group)) = (entry.as_object_mut(), &message.group) {
        fields.insert("MessageGroupId".to_owned(), json!(group_id(group)));
    }
    entry
}

/// A group's name as SQS takes it. One that SQS would refuse, like the name of a route with a space
/// in it, is hashed: without a group, or in a common one, its messages would delay those of others.
/// (SQS API reference, `SendMessageBatchRequestEntry`: letters, digits and punctuation.)
fn group_id(group: &str) -> String {
    let is_plain =
        (1..=MAX_GROUP).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain {
        group.to_owned()
    } else {
        short_hash(&[group])
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, messages: &[Delayed]) -> Result<(), PortError> {
        for batch in messages.chunks(BATCH) {
            self.send_batch(batch).await?;
        }
        Ok(())
    }
}
