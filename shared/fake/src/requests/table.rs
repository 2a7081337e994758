//! Requests to DynamoDB: the tables' names are the policy's, which the world does not know.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value, json};

const TABLE: &str = "banto";

/// Most keys of a request. (DynamoDB API reference, `BatchGetItem`.)
const AT_ONCE: usize = 100;

pub(crate) fn text(text: impl Into<String>) -> Value {
    let text: String = text.into();
    json!({ "S": text })
}

pub(crate) fn texts(texts: &BTreeSet<String>) -> Value {
    json!({ "SS": texts })
}

pub(crate) fn number(number: i64) -> Value {
    json!({ "N": number.to_string() })
}

pub(crate) fn count(count: u64) -> Value {
    json!({ "N": count.to_string() })
}

/// A document, as JSON in a text.
#[expect(clippy::panic, reason = "a document that is no JSON is a defect")]
pub(crate) fn document(document: &impl Serialize) -> Value {
    match serde_json::to_string(document) {
        Ok(document) => text(document),
        Err(error) => panic!("{error}"),
    }
}

/// The key of an account's item.
pub(crate) fn account(id: &impl ToString) -> Value {
    json!({ "account": text(id.to_string()) })
}

/// The key of an item of compliance's table.
pub(crate) fn key(partition: &str, sort: &str) -> Value {
    json!({ "pk": text(partition), "sk": text(sort) })
}

/// An item with its version: a key, and further attributes.
pub(crate) fn item(key: &Value, attributes: &[(&str, Value)]) -> Value {
    let mut item: Map<String, Value> = key.as_object().cloned().unwrap_or_default();
    item.insert("version".to_owned(), number(1));
    let attributes = attributes.iter();
    item.extend(attributes.map(|(name, value)| ((*name).to_owned(), value.clone())));
    Value::Object(item)
}

pub(crate) fn get(key: &Value) -> Value {
    json!({ "TableName": TABLE, "Key": key, "ConsistentRead": true })
}

/// One request for each batch of keys.
pub(crate) fn get_all(keys: &[Value]) -> Vec<Value> {
    let batches = keys.chunks(AT_ONCE);
    let request = |keys: &[Value]| json!({ "RequestItems": { TABLE: { "Keys": keys } } });
    batches.map(request).collect()
}

pub(crate) fn put(item: &Value) -> Value {
    json!({ "TableName": TABLE, "Item": item })
}

pub(crate) fn delete(key: &Value) -> Value {
    json!({ "TableName": TABLE, "Key": key })
}

/// A check of an item, as a part of a transaction.
pub(crate) fn check(key: &Value, condition: &str, values: &Value) -> Value {
    json!({
        "TableName": TABLE,
        "Key": key,
        "ConditionExpression": condition,
        "ExpressionAttributeValues": values,
    })
}

/// An update with an expression, and the values that it names.
pub(crate) fn update(key: &Value, expression: &str, values: &[(&str, Value)]) -> Value {
    let values = values.iter();
    let values: Map<String, Value> = values
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    json!({
        "TableName": TABLE,
        "Key": key,
        "UpdateExpression": expression,
        "ExpressionAttributeValues": values,
    })
}

pub(crate) fn scan() -> Value {
    json!({ "TableName": TABLE })
}

/// A query for a partition's items whose sort key begins so; at most so many if that is told.
pub(crate) fn query(partition: &str, prefix: &str, limit: Option<usize>) -> Value {
    json!({
        "TableName": TABLE,
        "ConsistentRead": true,
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
        "ExpressionAttributeValues": { ":pk": text(partition), ":prefix": text(prefix) },
        "Limit": limit,
    })
}

/// A transaction of writes, each with its kind: `Put`, `Delete` or `ConditionCheck`.
pub(crate) fn transaction(writes: &[(&str, Value)]) -> Value {
    let writes = writes.iter().map(|(kind, write)| json!({ (*kind): write }));
    json!({ "TransactItems": writes.collect::<Vec<Value>>() })
}
