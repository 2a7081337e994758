//! An Organization on the local AWS: its accounts, and the queue, table and bucket of onboard-accounts.

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::aws::Aws;
use super::runtime_api::{Function, InvocationError};

const ORGANIZATIONS: &str = "AWSOrganizationsV20161128";
const SQS: &str = "AmazonSQS";
const DYNAMODB: &str = "DynamoDB_20120810";
const CONFIG: &str = "StarlingDoveService";

/// The table of accounts, and the bucket that the dashboard reads.
pub const TABLE: &str = "banto-accounts";
/// The bucket that the dashboard reads.
pub const DASHBOARD: &str = "banto-dashboard";

/// How often a message is tried before it goes to the dead letter queue, and for how long it is hidden
/// while it is worked on, in seconds.
const TRIES: u32 = 5;
const HIDDEN: u32 = 60;

/// An Organization, as its management account sees it.
#[derive(Debug, Clone)]
pub struct Organization {
    management: Aws,
    /// The queue of accounts that wait.
    pub queue: String,
    /// Its dead letter queue.
    pub dead_letters: String,
}

/// A message of the queue that was worked off, and whether it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worked {
    /// What it said.
    pub body: String,
    /// Whether it was done, and not left to come again.
    pub done: bool,
}

impl Organization {
    /// Makes an Organization of the caller's account, with the queue, table and bucket that the function
    /// needs.
    pub async fn create(management: &Aws) -> Result<Self> {
        management.json("organizations", ORGANIZATIONS, "CreateOrganization", &json!({ "FeatureSet": "ALL" })).await?;
        let dead_letters = create_queue(management, json!({ "QueueName": "banto-accounts-dead" })).await?;
        let arn = json!({ "QueueUrl": dead_letters, "AttributeNames": ["QueueArn"] });
        let arn = management.json("sqs", SQS, "GetQueueAttributes", &arn).await?;
        let redrive = json!({ "deadLetterTargetArn": arn.pointer("/Attributes/QueueArn"), "maxReceiveCount": TRIES });
        let attributes = json!({ "RedrivePolicy": redrive.to_string(), "VisibilityTimeout": HIDDEN.to_string() });
        let queue = json!({ "QueueName": "banto-accounts", "Attributes": attributes });
        let queue = create_queue(management, queue).await?;
        let table = json!({
            "TableName": TABLE,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{ "AttributeName": "account", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "account", "AttributeType": "S" }],
        });
        management.json("dynamodb", DYNAMODB, "CreateTable", &table).await?;
        management.create_bucket(DASHBOARD).await?;
        Ok(Self { management: management.clone(), queue, dead_letters })
    }

    /// Creates an account; answers its id.
    pub async fn create_account(&self, name: &str) -> Result<String> {
        let account = json!({ "AccountName": name, "Email": format!("{name}@example.com") });
        let answer = self.management.json("organizations", ORGANIZATIONS, "CreateAccount", &account).await?;
        let id = answer.pointer("/CreateAccountStatus/AccountId").and_then(Value::as_str);
        id.map(str::to_owned).context("the local AWS tells no account id")
    }

    /// Closes an account, which is then suspended.
    pub async fn close_account(&self, id: &str) -> Result<()> {
        let account = json!({ "AccountId": id });
        self.management.json("organizations", ORGANIZATIONS, "CloseAccount", &account).await.map(drop)
    }

    /// A caller inside an account.
    pub async fn inside(&self, id: &str) -> Result<Aws> {
        let role = format!("arn:aws:iam::{id}:role/OrganizationAccountAccessRole");
        let credentials = self.management.assume_role(&role).await?;
        Ok(self.management.with_key(&credentials.access_key_id))
    }

    /// Receives messages that are visible now, hands them to the function as SQS's event source mapping
    /// does, and deletes those that it does not send back. Nothing, if none is visible.
    pub async fn work_off(&self, function: &mut Function, patience: std::time::Duration) -> Result<Vec<Worked>> {
        let ask = json!({ "QueueUrl": self.queue, "MaxNumberOfMessages": 10 });
        let answer = self.management.json("sqs", SQS, "ReceiveMessage", &ask).await?;
        let messages = answer.get("Messages").and_then(Value::as_array).cloned().unwrap_or_default();
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let records: Vec<Value> = (messages.iter())
            .map(|message| {
                json!({
                    "messageId": message["MessageId"],
                    "receiptHandle": message["ReceiptHandle"],
                    "body": message["Body"],
                    "eventSource": "aws:sqs",
                    "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:banto-accounts",
                    "awsRegion": "eu-west-1",
                })
            })
            .collect();
        let answered = function.invoke(&json!({ "Records": records }), patience).await;
        let answered =
            answered.map_err(|InvocationError { error_type, message }| anyhow::anyhow!("{error_type}: {message}"))?;
        let Some(back) = answered.get("batchItemFailures").and_then(Value::as_array) else {
            bail!("the function answered {answered}");
        };
        let mut worked = Vec::new();
        for message in &messages {
            let done = !back.iter().any(|failure| failure["itemIdentifier"] == message["MessageId"]);
            if done {
                let receipt = json!({ "QueueUrl": self.queue, "ReceiptHandle": message["ReceiptHandle"] });
                self.management.json("sqs", SQS, "DeleteMessage", &receipt).await?;
            }
            worked.push(Worked { body: message["Body"].as_str().unwrap_or_default().to_owned(), done });
        }
        Ok(worked)
    }

    /// How many messages wait in a queue, seen, hidden and delayed ones together.
    pub async fn waiting(&self, queue: &str) -> Result<usize> {
        let names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ];
        let ask = json!({ "QueueUrl": queue, "AttributeNames": names });
        let answer = self.management.json("sqs", SQS, "GetQueueAttributes", &ask).await?;
        let count = |name: &&str| answer.get("Attributes")?.get(*name)?.as_str()?.parse::<usize>().ok();
        Ok(names.iter().filter_map(count).sum())
    }

    /// The recorded status of each account, and what people were told of it.
    pub async fn statuses(&self) -> Result<Vec<(Value, Option<String>)>> {
        let answer = self.management.json("dynamodb", DYNAMODB, "Scan", &json!({ "TableName": TABLE })).await?;
        let items = answer.get("Items").and_then(Value::as_array).cloned().unwrap_or_default();
        let statuses = items.iter().filter_map(|item| {
            let status = serde_json::from_str(item.pointer("/status/S")?.as_str()?).ok()?;
            Some((status, item.pointer("/told/S").and_then(Value::as_str).map(str::to_owned)))
        });
        let mut statuses: Vec<(Value, Option<String>)> = statuses.collect();
        statuses.sort_by_key(|(status, _)| status["account"].to_string());
        Ok(statuses)
    }
}

/// Any operation of AWS Config.
pub async fn config(aws: &Aws, operation: &str, input: &Value) -> Result<Value> {
    aws.json("config", CONFIG, operation, input).await
}

/// What EventBridge sends when an account was created, in Organizations' own odd dates and with its name
/// masked.
pub fn created(account: &str, now: Timestamp) -> Value {
    let date = now.strftime("%b %-d, %Y %-I:%M:%S %p").to_string();
    json!({
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "AWS Service Event via CloudTrail",
        "source": "aws.organizations",
        "account": "111122223333",
        "time": now,
        "region": "us-east-1",
        "resources": [],
        "detail": {
            "eventSource": "organizations.amazonaws.com",
            "eventName": "CreateAccountResult",
            "awsRegion": "us-east-1",
            "eventType": "AwsServiceEvent",
            "requestParameters": null,
            "responseElements": null,
            "recipientAccountId": "111122223333",
            "serviceEventDetails": {
                "createAccountStatus": {
                    "id": "car-examplecreateaccountrequestid111",
                    "state": "SUCCEEDED",
                    "accountName": "****",
                    "accountId": account,
                    "requestedTimestamp": date,
                    "completedTimestamp": date,
                },
            },
        },
    })
}

async fn create_queue(aws: &Aws, queue: Value) -> Result<String> {
    let answer = aws.json("sqs", SQS, "CreateQueue", &queue).await?;
    answer.get("QueueUrl").and_then(Value::as_str).map(str::to_owned).context("the local AWS tells no queue's URL")
}
