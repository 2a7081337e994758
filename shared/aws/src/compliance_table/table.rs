//! Requests to the table: reads by key, writes alone and all at once.

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_sdk_dynamodb::types::{
    Delete, KeysAndAttributes, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use banto_ports::{ErrorKind, PortError};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::calls::{BATCH_GET, DELETE, GET, PUT};
use super::items::{Item, Key, check_version, read, unmade, version};
use crate::cancellation::cancelled;
use crate::errors::port_error;

/// Most items that are read or written at once. (DynamoDB API reference, `BatchGetItem`,
/// `TransactWriteItems`.)
const AT_ONCE: usize = 100;

/// Pauses before keys are asked for again that DynamoDB did not come to: the first one, which
/// doubles, and the last. Together they are 1.6 s, after which the table is throttled for longer
/// than a run should wait.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_millis(800);

/// A part of a transaction, and the call that it stands for.
pub(super) type Write = (&'static str, TransactWriteItem);

/// Why an item was not written. Where another release wrote the one that is there, its version says
/// so.
pub(super) fn write_error<E>(call: &'static str, error: &SdkError<E, HttpResponse>) -> PortError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let cause = error.as_service_error().and_then(Error::source);
    let refused = cause.and_then(|cause| cause.downcast_ref::<ConditionalCheckFailedException>());
    let there = refused.and_then(ConditionalCheckFailedException::item);
    match there.map(|item| check_version(call, item)) {
        Some(Err(of_another_release)) => of_another_release,
        Some(Ok(())) | None => port_error(call, error),
    }
}

/// True of an item that is not there, or that this release may change.
const IS_OURS: &str = "attribute_not_exists(pk) OR #version = :version";

/// One table of DynamoDB.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) client: Client,
    pub(super) name: String,
}

impl Table {
    /// An item, read consistently.
    pub(super) async fn item(&self, key: Key) -> Result<Option<Item>, PortError> {
        let request = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key.item()))
            .consistent_read(true);
        Ok(request
            .send()
            .await
            .map_err(|error| port_error(GET, &error))?
            .item)
    }

    /// The time that an item holds.
    pub(super) async fn time(&self, key: Key, name: &str) -> Result<Option<Timestamp>, PortError> {
        let Some(item) = self.item(key).await? else {
            return Ok(None);
        };
        check_version(GET, &item)?;
        let time = item.get(name).and_then(|time| time.as_s().ok());
        Ok(time.and_then(|time| time.parse().ok()))
    }

    /// Those items that there are.
    pub(super) async fn items(
        &self,
        keys: BTreeSet<Key>,
        is_consistent: bool,
    ) -> Result<Vec<Item>, PortError> {
        let keys: Vec<Key> = keys.into_iter().collect();
        let mut items = Vec::new();
        for batch in keys.chunks(AT_ONCE) {
            let keys = batch.iter().map(|key| key.clone().item()).collect();
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .consistent_read(is_consistent);
            let mut wanted = HashMap::from([(self.name.clone(), wanted.build().map_err(unmade)?)]);
            let mut pause = FIRST_PAUSE;
            loop {
                let answer = self
                    .client
                    .batch_get_item()
                    .set_request_items(Some(wanted))
                    .send()
                    .await;
                let answer = answer.map_err(|error| port_error(BATCH_GET, &error))?;
                items.extend(
                    answer
                        .responses
                        .into_iter()
                        .flatten()
                        .flat_map(|(_, found)| found),
                );
                wanted = answer.unprocessed_keys.unwrap_or_default();
                if wanted.is_empty() {
                    break;
                }
                if pause > LAST_PAUSE {
                    return Err(PortError::new(
                        ErrorKind::Throttled,
                        BATCH_GET,
                        "keys remain unprocessed",
                    ));
                }
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        }
        Ok(items)
    }

    /// The documents of those items that there are.
    pub(super) async fn documents<T: DeserializeOwned>(
        &self,
        keys: impl Iterator<Item = Key>,
        name: &str,
    ) -> Result<Vec<T>, PortError> {
        let items = self.items(keys.collect(), true).await?;
        items
            .iter()
            .map(|item| read(BATCH_GET, item, name))
            .collect()
    }

    /// Puts an item in the place of what was there, but of what another release wrote: that stays.
    pub(super) async fn put(&self, item: Item) -> Result<(), PortError> {
        let request = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression(IS_OURS)
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", version())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let sent = request.send().await;
        sent.map_err(|error| write_error(PUT, &error))?;
        Ok(())
    }

    /// Deletes an item, which may be gone, but not what another release wrote.
    pub(super) async fn delete(&self, key: Key) -> Result<(), PortError> {
        let request = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(key.item()))
            .condition_expression(IS_OURS)
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", version())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let sent = request.send().await;
        sent.map_err(|error| write_error(DELETE, &error))?;
        Ok(())
    }

    /// The put of an item as a part of a transaction.
    pub(super) fn put_with(&self, item: Item) -> Result<Write, PortError> {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(item))
            .build()
            .map_err(unmade)?;
        Ok((PUT, TransactWriteItem::builder().put(put).build()))
    }

    /// The deletion of an item as a part of a transaction.
    pub(super) fn delete_with(&self, key: Key) -> Result<Write, PortError> {
        let delete = Delete::builder()
            .table_name(&self.name)
            .set_key(Some(key.item()))
            .build()
            .map_err(unmade)?;
        Ok((DELETE, TransactWriteItem::builder().delete(delete).build()))
    }

    /// Writes all or nothing. The SDK gives the transaction a token, by which DynamoDB knows it
    /// again when it is tried again.
    pub(super) async fn transact(&self, writes: Vec<Write>) -> Result<(), PortError> {
        let (calls, items): (Vec<&'static str>, Vec<TransactWriteItem>) =
            writes.into_iter().unzip();
        if items.len() > AT_ONCE {
            let message = format!(
                "{} items are to be written at once, and {AT_ONCE} can be",
                items.len()
            );
            return Err(PortError::new(ErrorKind::Invalid, PUT, message));
        }
        let sent = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .send()
            .await;
        sent.map_err(|error| cancelled(&calls, &error))?;
        Ok(())
    }
}
