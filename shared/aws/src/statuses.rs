//! The status of each account: an item in a DynamoDB table, and all of them for the dashboard.
//!
//! The item has the key `account`, the status as JSON in `status`, in `lastNotified` the mark of
//! the news that people were last notified of and in `notifiedAt` when, in `repairs` a set of
//! repairs that people were not told of yet, in `heldCondition` and `heldSince` the condition that
//! it is in without being in order and since when, and the `version` of this shape. Each writer
//! sets its own attributes only, so that nobody overwrites what another wrote; but a status in order
//! takes those two away. An item of another version is neither read nor overwritten, nor deleted.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use banto_domain::AccountId;
use banto_domain::policy::onboarding::Dashboard as Place;
use banto_domain::status::{AccountStatus, Condition};
use banto_ports::{
    AccountRow, AccountStatuses, Dashboard, ErrorKind, Held, LastNotified, PortError, Told,
};

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

fn texts(texts: &BTreeSet<String>) -> AttributeValue {
    AttributeValue::Ss(texts.iter().cloned().collect())
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

/// True if an item was not deleted since it has another version.
fn is_of_another_release(error: &SdkError<DeleteItemError, HttpResponse>) -> bool {
    let error = error.as_service_error();
    error.is_some_and(DeleteItemError::is_conditional_check_failed_exception)
}

impl DynamoDbStatuses {
    /// Updates an account's item, and returns the item as it was before. The expression comes after
    /// `SET #version = :version`.
    async fn update(
        &self,
        account: &AccountId,
        expression: &str,
        values: HashMap<String, AttributeValue>,
    ) -> Result<Item, PortError> {
        let mut request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("account", text(account.as_str()))
            .update_expression(format!("SET #version = :version{expression}"))
            .condition_expression("attribute_not_exists(account) OR #version = :version")
            .expression_attribute_names("#version", "version")
            .set_expression_attribute_values(Some(values))
            .expression_attribute_values(":version", version())
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        // `status` is a reserved word of DynamoDB's expressions.
        if expression.contains("#status") {
            request = request.expression_attribute_names("#status", "status");
        }
        let answer = request.send().await.map_err(|error| update_error(&error))?;
        Ok(answer.attributes.unwrap_or_default())
    }
}

#[async_trait]
impl AccountStatuses for DynamoDbStatuses {
    async fn row(&self, account: &AccountId) -> Result<AccountRow, PortError> {
        const CALL: &str = "dynamodb:GetItem";
        let request = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("account", text(account.as_str()))
            .consistent_read(true);
        let answer = request
            .send()
            .await
            .map_err(|error| port_error(CALL, &error))?;
        row(CALL, &answer.item.unwrap_or_default())
    }

    async fn add_repairs(
        &self,
        account: &AccountId,
        repairs: &BTreeSet<String>,
    ) -> Result<(), PortError> {
        // DynamoDB has no empty sets.
        if repairs.is_empty() {
            return Ok(());
        }
        let values = HashMap::from([(":repairs".to_owned(), texts(repairs))]);
        self.update(account, " ADD repairs :repairs", values)
            .await?;
        Ok(())
    }

    async fn save_status(&self, status: &AccountStatus) -> Result<AccountRow, PortError> {
        let document = serde_json::to_string(status)
            .map_err(|error| PortError::new(ErrorKind::Invalid, UPDATE, error.to_string()))?;
        let values = HashMap::from([(":status".to_owned(), text(document))]);
        // Its trouble is over: whoever finds it in the next one is not to take it for the same.
        let expression = match status.worst() {
            Condition::InPlace | Condition::LeftAlone { .. } => {
                ", #status = :status REMOVE heldCondition, heldSince"
            }
            Condition::Drifted { .. } | Condition::NotReady(_) | Condition::Failed(_) => {
                ", #status = :status"
            }
        };
        let old = self.update(&status.account, expression, values).await?;
        row(UPDATE, &old)
    }

    async fn save_held(&self, account: &AccountId, held: &Held) -> Result<(), PortError> {
        let values = HashMap::from([
            (":condition".to_owned(), text(&held.condition)),
            (":since".to_owned(), text(held.since.to_string())),
        ]);
        let expression = ", heldCondition = :condition, heldSince = :since";
        self.update(account, expression, values).await?;
        Ok(())
    }

    async fn save_told(&self, account: &AccountId, told: &Told) -> Result<(), PortError> {
        if *told == Told::default() {
            return Ok(());
        }
        let (mut expression, mut values) = (String::new(), HashMap::new());
        if let Some(news) = &told.news {
            expression.push_str(", lastNotified = :mark, notifiedAt = :at");
            values.insert(":mark".to_owned(), text(&news.mark));
            values.insert(":at".to_owned(), text(news.at.to_string()));
        }
        if !told.repairs.is_empty() {
            expression.push_str(" DELETE repairs :repairs");
            values.insert(":repairs".to_owned(), texts(&told.repairs));
        }
        self.update(account, &expression, values).await?;
        Ok(())
    }

    async fn delete(&self, account: &AccountId) -> Result<(), PortError> {
        let request = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("account", text(account.as_str()))
            .condition_expression("attribute_not_exists(account) OR #version = :version")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", version());
        match request.send().await {
            Ok(_) => Ok(()),
            // Its release deletes it: who looks at all accounts each day finds it again.
            Err(error) if is_of_another_release(&error) => {
                tracing::error!(account.id = %account, "status of another release not deleted");
                Ok(())
            }
            Err(error) => Err(port_error("dynamodb:DeleteItem", &error)),
        }
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
                statuses.extend(readable_status(CALL, item));
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(statuses);
            }
        }
    }
}

/// An account's item as the function knows it; an empty one where there is none.
fn row(call: &'static str, item: &Item) -> Result<AccountRow, PortError> {
    if item.is_empty() {
        return Ok(AccountRow::default());
    }
    check_version(call, item)?;
    let repairs = item.get("repairs").and_then(|set| set.as_ss().ok());
    Ok(AccountRow {
        status: readable_status(call, item),
        last_notified: last_notified(call, item)?,
        repairs: repairs.into_iter().flatten().cloned().collect(),
        held: held(item),
    })
}

fn last_notified(call: &'static str, item: &Item) -> Result<Option<LastNotified>, PortError> {
    let (Some(mark), Some(at)) = (string(item, "lastNotified"), string(item, "notifiedAt")) else {
        return Ok(None);
    };
    let at = at
        .parse()
        .map_err(|_| lacking(call, "a time of the last notice that can be read"))?;
    Ok(Some(LastNotified {
        mark: mark.clone(),
        at,
    }))
}

/// Since when an account is in its condition. It is for people to read, and holds nothing up: where it
/// can't be read, it is not known.
fn held(item: &Item) -> Option<Held> {
    Some(Held {
        condition: string(item, "heldCondition")?.clone(),
        since: string(item, "heldSince")?.parse().ok()?,
    })
}

fn string<'a>(item: &'a Item, attribute: &str) -> Option<&'a String> {
    item.get(attribute)?.as_s().ok()
}

/// The status in an item; `None` of one that another release wrote, which is to hide no other and
/// to hold up no repair.
fn readable_status(call: &'static str, item: &Item) -> Option<AccountStatus> {
    let status = check_version(call, item).and_then(|()| status_of(call, item));
    status.unwrap_or_else(|error| {
        let account = string(item, "account").map_or("", String::as_str);
        tracing::error!(account.id = account, %error, "status not read");
        None
    })
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
        let headers = vec![("content-type", "application/json".to_owned())];
        let (place, document) = (&self.place, document.as_bytes().to_vec());
        self.s3
            .put(CALL, &place.bucket, &place.key, headers, document)
            .await
    }
}
