//! What notify-compliance needs on the local AWS, and the events that come to it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::aws::Aws;
use super::queue::{Queue, Worked};
use super::runtime_api::Function;

const DYNAMODB: &str = "DynamoDB_20120810";

/// The table of what is known and was said.
pub const TABLE: &str = "banto-compliance";

/// The queue of events and that of deliveries.
#[derive(Debug, Clone)]
pub struct Queues {
    events: Queue,
    deliveries: Queue,
}

impl Queues {
    /// Puts events on the queue, as a rule of EventBridge does.
    pub async fn send(&self, events: &[Value]) -> Result<()> {
        self.events.send(events).await
    }

    /// Hands the function what is visible of events now, else what is visible of deliveries.
    pub async fn work_off(
        &self,
        function: &mut Function,
        patience: Duration,
    ) -> Result<Vec<Worked>> {
        let worked = self.events.work_off(function, patience).await?;
        if worked.is_empty() {
            return self.deliveries.work_off(function, patience).await;
        }
        Ok(worked)
    }

    /// The address of the queue of events.
    pub fn events_url(&self) -> &str {
        &self.events.url
    }

    /// The address of the queue of deliveries.
    pub fn deliveries_url(&self) -> &str {
        &self.deliveries.url
    }

    /// The number of messages that wait.
    pub async fn waiting(&self) -> Result<usize> {
        Ok(self.events.waiting().await? + self.deliveries.waiting().await?)
    }

    /// The number of dead letters.
    pub async fn dead(&self) -> Result<usize> {
        Ok(self.events.dead().await? + self.deliveries.dead().await?)
    }
}

/// Makes the table and the queues.
pub async fn create(aws: &Aws) -> Result<Queues> {
    let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
    let text = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
    let table = json!({
        "TableName": TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
        "AttributeDefinitions": [text("pk"), text("sk")],
    });
    aws.json("dynamodb", DYNAMODB, "CreateTable", &table)
        .await
        .context("can't make the table")?;
    Ok(Queues {
        events: Queue::create(aws, "banto-compliance").await?,
        deliveries: Queue::create(aws, "banto-deliveries").await?,
    })
}

/// A policy's section on compliance: the payments team reads in a channel, by the bot whose token
/// the secret has, and all else goes to a topic.
pub fn policy_section(queues: &Queues, token: &str, channel: &str, topic: &str) -> String {
    format!(
        r#"[compliance]
queue = "{events}"
deliveries = "{deliveries}"
table = "{TABLE}"
aggregator = "banto"
owner_tag = "owner"
slack_token = "{token}"

[[compliance.routes]]
name = "payments"
tag = {{ key = "team", value = "payments" }}
to = {{ channel = "{channel}" }}

[compliance.default]
to = {{ topic = "{topic}" }}
"#,
        events = queues.events.url,
        deliveries = queues.deliveries.url,
    )
}

/// The number of outbox entries on all routes.
pub async fn untold(aws: &Aws) -> Result<usize> {
    let scan = json!({ "TableName": TABLE });
    let answer = aws.json("dynamodb", DYNAMODB, "Scan", &scan).await?;
    let items = answer
        .get("Items")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let is_entry = |item: &&Value| {
        item.pointer("/sk/S")
            .and_then(Value::as_str)
            .is_some_and(|sk| sk.starts_with("entry#"))
    };
    Ok(items.iter().filter(is_entry).count())
}

/// A change of a resource under a rule, as EventBridge sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a> {
    /// The account.
    pub account: &'a str,
    /// The rule.
    pub rule: &'a str,
    /// The resource's type.
    pub resource_type: &'a str,
    /// The resource's id.
    pub resource: &'a str,
    /// True if it is as the rule wants it, from now on.
    pub compliant: bool,
    /// When AWS Config recorded that.
    pub at: Timestamp,
}

impl Change<'_> {
    /// The event. (AWS Config developer guide, "Monitoring AWS Config with Amazon EventBridge".)
    pub fn event(&self) -> Value {
        let Self {
            account,
            rule,
            resource_type,
            resource,
            compliant,
            at,
        } = self;
        let evaluation = |is_compliant: bool, annotation: Option<&str>| {
            let qualifier = json!({ "configRuleName": rule, "resourceType": resource_type, "resourceId": resource });
            let mut result = json!({
                "evaluationResultIdentifier": { "evaluationResultQualifier": qualifier, "orderingTimestamp": at },
                "complianceType": if is_compliant { "COMPLIANT" } else { "NON_COMPLIANT" },
                "resultRecordedTime": at,
                "configRuleInvokedTime": at,
            });
            if let (Some(fields), Some(annotation)) = (result.as_object_mut(), annotation) {
                fields.insert("annotation".to_owned(), annotation.into());
            }
            result
        };
        json!({
            "version": "0",
            "id": "3d0a7a4c-7a7b-4a64-9d7e-0f6a3c1a0b11",
            "detail-type": "Config Rules Compliance Change",
            "source": "aws.config",
            "account": account,
            "time": at,
            "region": "eu-west-1",
            "resources": [],
            "detail": {
                "resourceId": resource,
                "awsRegion": "eu-west-1",
                "awsAccountId": account,
                "configRuleName": rule,
                "recordVersion": "1.0",
                "configRuleARN": format!("arn:aws:config:eu-west-1:{account}:config-rule/config-rule-abc123"),
                "messageType": "ComplianceChangeNotification",
                "newEvaluationResult": evaluation(*compliant, (!compliant).then_some("The bucket policy lets everyone read.")),
                "oldEvaluationResult": evaluation(!compliant, None),
                "notificationCreationTime": at,
                "resourceType": resource_type,
            },
        })
    }
}
