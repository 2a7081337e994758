//! Messages that queues have handed over to a function, and that are not done.

use std::time::Duration;

use async_trait::async_trait;
use banto_ports::{PortError, Received, ReceivedMessages};
use serde_json::json;

use crate::caller::Request;
use crate::config::Aws;
use crate::queue::caller;

/// Most seconds for which a message is hidden. SQS refuses to hide one for more than 12 hours,
/// counted from when it handed it over (SQS API reference, `ChangeMessageVisibility`); 20 minutes
/// less, since Lambda may have collected a batch for 5 minutes, and a function worked for 15.
/// (Lambda developer guide, "Lambda quotas" and `MaximumBatchingWindowInSeconds`.)
const MAX_HIDDEN: u64 = 12 * 60 * 60 - 20 * 60;

/// Messages that queues have handed over, each with the queue that it came from.
#[derive(Debug)]
pub(crate) struct SqsMessages(Aws);

impl SqsMessages {
    pub(crate) fn new(aws: Aws) -> Self {
        Self(aws)
    }
}

#[async_trait]
impl ReceivedMessages for SqsMessages {
    async fn hide(&self, message: &Received, time: Duration) -> Result<(), PortError> {
        const CALL: &str = "sqs:ChangeMessageVisibility";
        let body = json!({
            "QueueUrl": message.queue.as_str(),
            "ReceiptHandle": message.receipt,
            "VisibilityTimeout": whole_seconds(time).min(MAX_HIDDEN),
        });
        let request = Request::aws_json(CALL, "1.0", "AmazonSQS.ChangeMessageVisibility", &body);
        // The answer is empty.
        caller(&self.0, &message.queue).ask(request).await.map(drop)
    }
}

/// Seconds, rounded up: rounded down, half a second would show the message at once.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs()
        .saturating_add(u64::from(time.subsec_nanos() > 0))
}
