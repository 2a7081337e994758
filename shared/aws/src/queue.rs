//! The queue of accounts that wait.

use async_trait::async_trait;
use banto_domain::QueueUrl;
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
        let entries = batch.iter().enumerate().map(|(index, message)| {
            let delay = message.delay.as_secs().min(MAX_DELAY);
            json!({ "Id": index.to_string(), "MessageBody": message.body, "DelaySeconds": delay })
        });
        let body =
            json!({ "QueueUrl": self.url.as_str(), "Entries": entries.collect::<Vec<Value>>() });
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

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, messages: &[Delayed]) -> Result<(), PortError> {
        for batch in messages.chunks(BATCH) {
            self.send_batch(batch).await?;
        }
        Ok(())
    }
}
