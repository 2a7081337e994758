//! The status of each account: an item in a DynamoDB table, and all of them for the dashboard.
//!
//! The item has the key `account`, the status as JSON in `status`, in `lastNotified` the mark of
//! the news that people were last notified of, and the `version` of this shape. Each writer sets
//! its own attribute only, so that nobody overwrites what another wrote. An item of another version
//! is neither read nor overwritten.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use banto_domain::AccountId;
use banto_domain::policy::onboarding::Dashboard as Place;
use banto_domain::status::AccountStatus;
use banto_ports::{AccountStatuses, Dashboard, ErrorKind, PortError, PreviousStatus};

use crate::errors::{lacking, port_error};
use crate::objects::S3;

const UPDATE: &str = "dynamodb:UpdateItem";

/// The version of an account's item.
const VERSION: u32 = 1;

/// An item of the table, by attribute.
type Item = HashMap<String, AttributeValue>;

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

fn version() -> AttributeValue {
    AttributeValue::N(VERSION.to_string())
}

/// Refuses an item of another version, or of none.
fn check_version(call: &'static str, item: &Item) -> Result<(), PortError> {
    let found = match item.get("version") {
        Some(AttributeValue::N(found)) if *found == VERSION.to_string() => return Ok(()),
        Some(AttributeValue::N(found)) => format!("version {found}"),
        Some(_) | None => "no version".to_owned(),
    };
    let message = format!("an account's item has {found}; this Banto knows version {VERSION}");
    Err(PortError::new(ErrorKind::Invalid, call, message))
}

/// Why an item was not written: most often because it has another version.
fn update_error(error: &SdkError<UpdateItemError, HttpResponse>) -> PortError {
    if let Some(UpdateItemError::ConditionalCheckFailedException(refused)) =
        error.as_service_error()
        && let Some(item) = refused.item()
        && let Err(error) = check_version(UPDATE, item)
    {
        return error;
    }
    port_error(UPDATE, error)
}

impl DynamoDbStatuses {
    /// Sets one attribute of an account's item, and returns the item as it was before.
    async fn set(
        &self,
        account: &AccountId,
        attribute: &str,
        value: &str,
    ) -> Result<Option<Item>, PortError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("account", text(account.as_str()))
            .update_expression("SET #attribute = :value, #version = :version")
            .condition_expression("attribute_not_exists(account) OR #version = :version")
            .expression_attribute_names("#attribute", attribute)
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":value", text(value))
            .expression_attribute_values(":version", version())
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let answer = request.send().await.map_err(|error| update_error(&error))?;
        Ok(answer.attributes)
    }
}

#[async_trait]
impl AccountStatuses for DynamoDbStatuses {
    async fn save_status(&self, status: &AccountStatus) -> Result<PreviousStatus, PortError> {
        let document = serde_json::to_string(status)
            .map_err(|error| PortError::new(ErrorKind::Invalid, UPDATE, error.to_string()))?;
        let old = self.set(&status.account, "status", &document).await?;
        let Some(old) = old.filter(|old| !old.is_empty()) else {
            return Ok(PreviousStatus::default());
        };
        check_version(UPDATE, &old)?;
        Ok(PreviousStatus {
            status: status_of(UPDATE, &old)?,
            last_notified: string(&old, "lastNotified").cloned(),
        })
    }

    async fn save_last_notified(
        &self,
        account: &AccountId,
        notified: &str,
    ) -> Result<(), PortError> {
        self.set(account, "lastNotified", notified).await?;
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
                check_version(CALL, item)?;
                statuses.extend(status_of(CALL, item)?);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(statuses);
            }
        }
    }
}

fn string<'a>(item: &'a Item, attribute: &str) -> Option<&'a String> {
    item.get(attribute)?.as_s().ok()
}

/// The status in an item; `None` of an account that people were notified of before its status was
/// saved, or whose status was deleted meanwhile.
fn status_of(call: &'static str, item: &Item) -> Result<Option<AccountStatus>, PortError> {
    let Some(document) = string(item, "status") else {
        return Ok(None);
    };
    let status = serde_json::from_str(document)
        .map_err(|error| lacking(call, &format!("a status that can be read ({error})")))?;
    Ok(Some(status))
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
