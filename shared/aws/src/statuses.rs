//! What is known of each account: an item in a DynamoDB table, and all of them for the dashboard.
//!
//! The item has the key `account`, the status as JSON in `status`, and in `lastNotified` what people were last told.
//! Each writer sets its own attribute only, so that nobody overwrites what another wrote.

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use banto_domain::AccountId;
use banto_domain::policy::onboarding::Dashboard as Place;
use banto_domain::status::AccountStatus;
use banto_ports::{AccountStatuses, Dashboard, ErrorKind, PortError, PreviousStatus};

use crate::errors::{lacking, port_error};
use crate::objects::S3;

const UPDATE: &str = "dynamodb:UpdateItem";

/// The table of accounts.
#[derive(Debug)]
pub struct DynamoDbStatuses {
    client: Client,
    table: String,
}

/// The object that the dashboard reads.
#[derive(Debug)]
pub struct S3Dashboard {
    s3: S3,
    place: Place,
}

impl DynamoDbStatuses {
    pub(crate) fn new(client: Client, table: &str) -> Self {
        Self {
            client,
            table: table.to_owned(),
        }
    }
}

impl S3Dashboard {
    pub(crate) fn new(s3: S3, place: &Place) -> Self {
        Self {
            s3,
            place: place.clone(),
        }
    }
}

fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

#[async_trait]
impl AccountStatuses for DynamoDbStatuses {
    async fn save_status(&self, status: &AccountStatus) -> Result<PreviousStatus, PortError> {
        let document = serde_json::to_string(status)
            .map_err(|error| PortError::new(ErrorKind::Invalid, UPDATE, error.to_string()))?;
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("account", text(status.account.as_str()));
        let request = request
            .update_expression("SET #status = :status")
            .expression_attribute_names("#status", "status");
        let request = request
            .expression_attribute_values(":status", text(document))
            .return_values(ReturnValue::AllOld);
        let answer = request
            .send()
            .await
            .map_err(|error| port_error(UPDATE, &error))?;
        let old = |name: &str| {
            answer
                .attributes()
                .and_then(|old| old.get(name)?.as_s().ok())
        };
        // A status from before a release that reads it no more is as good as none.
        let status = old("status").and_then(|document| serde_json::from_str(document).ok());
        Ok(PreviousStatus {
            status,
            last_notified: old("lastNotified").cloned(),
        })
    }

    async fn save_last_notified(
        &self,
        account: &AccountId,
        notified: &str,
    ) -> Result<(), PortError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("account", text(account.as_str()));
        let request = request
            .update_expression("SET lastNotified = :notified")
            .expression_attribute_values(":notified", text(notified));
        request
            .send()
            .await
            .map_err(|error| port_error(UPDATE, &error))?;
        Ok(())
    }

    async fn delete(&self, account: &AccountId) -> Result<(), PortError> {
        let request = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("account", text(account.as_str()));
        request
            .send()
            .await
            .map_err(|error| port_error("dynamodb:DeleteItem", &error))?;
        Ok(())
    }

    async fn all(&self) -> Result<Vec<AccountStatus>, PortError> {
        const CALL: &str = "dynamodb:Scan";
        let mut statuses = Vec::new();
        let mut start = None;
        loop {
            let request = self
                .client
                .scan()
                .table_name(&self.table)
                .set_exclusive_start_key(start);
            let page = request
                .send()
                .await
                .map_err(|error| port_error(CALL, &error))?;
            for item in page.items() {
                // Told before it was recorded, or forgotten while it was: there is no status to show.
                let Some(document) = item.get("status").and_then(|status| status.as_s().ok())
                else {
                    continue;
                };
                let status = serde_json::from_str(document);
                statuses.push(status.map_err(|error| {
                    lacking(CALL, &format!("a status that can be read ({error})"))
                })?);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(statuses);
            }
        }
    }
}

#[async_trait]
impl Dashboard for S3Dashboard {
    async fn publish(&self, document: &str) -> Result<(), PortError> {
        const CALL: &str = "s3:PutObject";
        self.s3
            .put(
                CALL,
                &self.place.bucket,
                &self.place.key,
                "application/json",
                document,
            )
            .await
    }
}
