//! The items of the table: their keys and shards, their documents as JSON, and their version.

use std::collections::HashMap;
use std::fmt::Display;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::AttributeValue;
use banto_domain::AccountId;
use banto_domain::compliance::FindingKey;
use banto_ports::{ErrorKind, PortError};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::calls::PUT;
use crate::errors::lacking;

/// The version of every item. Another one is refused: what it means is not known here.
const VERSION: i64 = 1;

/// The partition of the registry of routes, and the beginning of its sort keys.
pub(super) const REGISTRY: &str = "routes";
pub(super) const REGISTERED: &str = "route#";

/// The shards of an account's findings, and of a route's outbox.
const SHARDS: u32 = 8;

pub(super) type Item = HashMap<String, AttributeValue>;

/// An item's partition and sort key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(pub(super) String, pub(super) String);

impl Key {
    /// The key's attributes.
    pub(super) fn item(self) -> Item {
        HashMap::from([
            ("pk".to_owned(), text(self.0)),
            ("sk".to_owned(), text(self.1)),
        ])
    }
}

pub(super) fn of_account(account: &AccountId, sort: &str) -> Key {
    Key(format!("account#{account}"), sort.to_owned())
}

pub(super) fn finding(key: &FindingKey) -> Key {
    let id = key.id();
    Key(
        format!("account#{}#{}", key.account, shard_of(&id)),
        format!("finding#{id}"),
    )
}

/// The partitions of an account's findings.
pub(super) fn finding_shards(account: &AccountId) -> Vec<String> {
    shards(&format!("account#{account}"))
}

/// The partitions of a route's outbox.
pub(super) fn outbox_shards(route: &str) -> Vec<String> {
    shards(&format!("route#{route}"))
}

fn shards(pk: &str) -> Vec<String> {
    (0..SHARDS).map(|shard| format!("{pk}#{shard}")).collect()
}

/// The shard of an item, by the last hexadecimal digit of its id, which is part of a hash.
fn shard_of(id: &str) -> u32 {
    let digit = id.chars().last().and_then(|last| last.to_digit(16));
    digit.unwrap_or_default() % SHARDS
}

pub(super) fn of_route(route: &str, sort: &str) -> Key {
    Key(format!("route#{route}"), sort.to_owned())
}

pub(super) fn state_of(route: &str) -> Key {
    of_route(route, "state")
}

pub(super) fn schedule_of(route: &str) -> Key {
    of_route(route, "schedule")
}

pub(super) fn batch_of(route: &str, id: &str) -> Key {
    Key(
        format!("route#{route}#{}", shard_of(id)),
        format!("entry#{id}"),
    )
}

pub(super) fn group_of(route: &str, id: &str) -> Key {
    of_route(route, &format!("group#{id}"))
}

pub(super) fn digest_of(route: &str, id: &str) -> Key {
    of_route(route, &format!("digest#{id}"))
}

pub(super) fn compared(account: &AccountId) -> Key {
    of_account(account, "compared")
}

pub(super) fn registered(route: &str) -> Key {
    Key(REGISTRY.to_owned(), format!("{REGISTERED}{route}"))
}

pub(super) fn sent(notice: &str) -> Key {
    Key(format!("notice#{notice}"), "sent".to_owned())
}

pub(super) fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(super) fn number(number: impl Display) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// When an item expires, in seconds since 1970.
pub(super) fn days_after(at: Timestamp, days: i64) -> AttributeValue {
    number(at.as_second() + days * 24 * 60 * 60)
}

pub(super) fn json<T: Serialize>(document: &T) -> Result<String, PortError> {
    serde_json::to_string(document)
        .map_err(|error| PortError::new(ErrorKind::Invalid, PUT, error.to_string()))
}

pub(super) fn version() -> AttributeValue {
    number(VERSION)
}

/// An item with its version, and nothing else yet.
pub(super) fn versioned(key: Key) -> Item {
    let mut item = key.item();
    item.insert("version".to_owned(), version());
    item
}

/// An item that holds a time.
pub(super) fn timed(key: Key, name: &str, at: Timestamp) -> Item {
    let mut item = versioned(key);
    item.insert(name.to_owned(), text(at.to_string()));
    item
}

/// # Errors
/// If the item has another version, or none.
pub(super) fn check_version(call: &'static str, item: &Item) -> Result<(), PortError> {
    let came = match item.get("version") {
        Some(found) if *found == version() => return Ok(()),
        Some(AttributeValue::N(other)) => format!("version {other}"),
        Some(_) => "a version that is no number".to_owned(),
        None => "no version".to_owned(),
    };
    let message = format!(
        "{} has {came}; this Banto knows version {VERSION}",
        name(item)
    );
    Err(PortError::new(ErrorKind::Unreadable, call, message))
}

/// An item as errors name it: by its key, since its content is nobody's business.
fn name(item: &Item) -> String {
    format!(
        "the item {} {}",
        attribute(item, "pk"),
        attribute(item, "sk")
    )
}

pub(super) fn attribute<'a>(item: &'a Item, name: &str) -> &'a str {
    let text = item.get(name).and_then(|value| value.as_s().ok());
    text.map_or("", String::as_str)
}

/// An item that holds a document.
pub(super) fn document<T: Serialize>(
    key: Key,
    name: &str,
    document: &T,
    expires: Option<AttributeValue>,
) -> Result<Item, PortError> {
    let mut item = versioned(key);
    item.insert(name.to_owned(), text(json(document)?));
    item.extend(expires.map(|expires| ("expires".to_owned(), expires)));
    Ok(item)
}

/// Reads the document that an item holds.
///
/// # Errors
/// If the item has another version, or the document can't be read.
pub(super) fn read<T: DeserializeOwned>(
    call: &'static str,
    item: &Item,
    document: &str,
) -> Result<T, PortError> {
    check_version(call, item)?;
    serde_json::from_str(attribute(item, document)).map_err(|_| {
        let message = format!("`{document}` of {} can't be read", name(item));
        PortError::new(ErrorKind::Unreadable, call, message)
    })
}

pub(super) fn unmade(_: BuildError) -> PortError {
    lacking(PUT, "an item's key")
}
