//! A queue on the local AWS, worked off as SQS's event source mapping does.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::aws::Aws;
use super::runtime_api::{Function, InvocationError};

const SQS: &str = "AmazonSQS";

/// How often a message is tried before it goes to the dead letter queue, and for how long it is
/// hidden while it is worked on, in seconds.
const TRIES: u32 = 5;
const HIDDEN: u32 = 60;

/// A queue with its dead letter queue.
#[derive(Debug, Clone)]
pub struct Queue {
    aws: Aws,
    /// Its URL.
    pub url: String,
    arn: String,
    dead_letters: String,
}

/// A message of the queue that was worked off, and whether it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worked {
    /// Its body.
    pub body: String,
    /// True if it was done, and not left to come again.
    pub done: bool,
}

impl Queue {
    /// Makes a queue and its dead letter queue.
    pub async fn create(aws: &Aws, name: &str) -> Result<Self> {
        let dead_letters = create(aws, json!({ "QueueName": format!("{name}-dead") })).await?;
        let redrive = json!({ "deadLetterTargetArn": arn(aws, &dead_letters).await?, "maxReceiveCount": TRIES });
        let attributes = json!({ "RedrivePolicy": redrive.to_string(), "VisibilityTimeout": HIDDEN.to_string() });
        let url = create(aws, json!({ "QueueName": name, "Attributes": attributes })).await?;
        Ok(Self {
            aws: aws.clone(),
            arn: arn(aws, &url).await?,
            url,
            dead_letters,
        })
    }

    /// Puts events on the queue, as a rule of EventBridge does.
    pub async fn send(&self, events: &[Value]) -> Result<()> {
        for event in events {
            let message = json!({ "QueueUrl": self.url, "MessageBody": event.to_string() });
            self.aws.json("sqs", SQS, "SendMessage", &message).await?;
        }
        Ok(())
    }

    /// Receives messages that are visible now, hands them to the function as SQS's event source
    /// mapping does, and deletes those that it does not send back. Nothing, if none is visible.
    pub async fn work_off(
        &self,
        function: &mut Function,
        patience: Duration,
    ) -> Result<Vec<Worked>> {
        let ask =
            json!({ "QueueUrl": self.url, "MaxNumberOfMessages": 10, "AttributeNames": ["All"] });
        let answer = self.aws.json("sqs", SQS, "ReceiveMessage", &ask).await?;
        let messages = answer
            .get("Messages")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let records: Vec<Value> = messages
            .iter()
            .map(|message| self.record(message))
            .collect();
        let answered = function
            .invoke(&json!({ "Records": records }), patience)
            .await;
        let answered = answered.map_err(
            |InvocationError {
                 error_type,
                 message,
             }| anyhow::anyhow!("{error_type}: {message}"),
        )?;
        let Some(back) = answered.get("batchItemFailures").and_then(Value::as_array) else {
            bail!("the function answered {answered}");
        };
        let mut worked = Vec::new();
        for message in &messages {
            let done = !back
                .iter()
                .any(|failure| failure["itemIdentifier"] == message["MessageId"]);
            if done {
                let receipt =
                    json!({ "QueueUrl": self.url, "ReceiptHandle": message["ReceiptHandle"] });
                self.aws.json("sqs", SQS, "DeleteMessage", &receipt).await?;
            }
            worked.push(Worked {
                body: message["Body"].as_str().unwrap_or_default().to_owned(),
                done,
            });
        }
        Ok(worked)
    }

    /// A message as Lambda hands it to a function. (Lambda developer guide, "Using Lambda with
    /// Amazon SQS".)
    fn record(&self, message: &Value) -> Value {
        json!({
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self.arn,
            "awsRegion": self.arn.split(':').nth(3),
        })
    }

    /// The number of messages that wait: visible, hidden and delayed ones together.
    pub async fn waiting(&self) -> Result<usize> {
        self.count(&self.url).await
    }

    /// The number of dead letters.
    pub async fn dead(&self) -> Result<usize> {
        self.count(&self.dead_letters).await
    }

    async fn count(&self, url: &str) -> Result<usize> {
        let names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ];
        let ask = json!({ "QueueUrl": url, "AttributeNames": names });
        let answer = self
            .aws
            .json("sqs", SQS, "GetQueueAttributes", &ask)
            .await?;
        let count = |name: &&str| {
            answer
                .get("Attributes")?
                .get(*name)?
                .as_str()?
                .parse::<usize>()
                .ok()
        };
        Ok(names.iter().filter_map(count).sum())
    }
}

async fn create(aws: &Aws, queue: Value) -> Result<String> {
    let answer = aws.json("sqs", SQS, "CreateQueue", &queue).await?;
    answer
        .get("QueueUrl")
        .and_then(Value::as_str)
        .map(str::to_owned)
        .context("the local AWS tells no queue's URL")
}

async fn arn(aws: &Aws, url: &str) -> Result<String> {
    let ask = json!({ "QueueUrl": url, "AttributeNames": ["QueueArn"] });
    let answer = aws.json("sqs", SQS, "GetQueueAttributes", &ask).await?;
    let arn = answer.pointer("/Attributes/QueueArn");
    arn.and_then(Value::as_str)
        .map(str::to_owned)
        .context("the local AWS tells no queue's ARN")
}
