//! The queue of accounts that wait.

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use banto_domain::QueueUrl;
use banto_ports::{Delayed, ErrorKind, PortError, Queue};

use crate::config::{Aws, Service};
use crate::errors::{lacking, port_error};

const CALL: &str = "sqs:SendMessage";

/// Most messages of a batch, and seconds of a delay. (SQS API reference, `SendMessageBatch`.)
const BATCH: usize = 10;
const MAX_DELAY: u64 = 900;

/// An SQS queue.
#[derive(Debug)]
pub struct SqsQueue {
    client: Client,
    url: QueueUrl,
}

impl SqsQueue {
    pub(crate) fn new(aws: &Aws, url: &QueueUrl) -> Self {
        let config = match url.region() {
            Some(region) => aws.in_region(Service::Sqs, region),
            None => aws.of(Service::Sqs),
        };
        Self { client: Client::new(&config), url: url.clone() }
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, messages: &[Delayed]) -> Result<(), PortError> {
        for batch in messages.chunks(BATCH) {
            let mut request = self.client.send_message_batch().queue_url(self.url.as_str());
            for (index, message) in batch.iter().enumerate() {
                let delay = i32::try_from(message.delay.as_secs().min(MAX_DELAY)).unwrap_or_default();
                let entry = SendMessageBatchRequestEntry::builder();
                let entry = entry.id(index.to_string()).message_body(&message.body).delay_seconds(delay).build();
                request = request.entries(entry.map_err(|_| lacking(CALL, "an entry's body"))?);
            }
            let answer = request.send().await.map_err(|error| port_error(CALL, &error))?;
            if let Some(failed) = answer.failed().first() {
                let kind = if failed.sender_fault { ErrorKind::Invalid } else { ErrorKind::Unavailable };
                let message =
                    format!("{} of {} messages were not taken: {}", answer.failed().len(), batch.len(), failed.code);
                return Err(PortError::new(kind, CALL, message));
            }
        }
        Ok(())
    }
}
