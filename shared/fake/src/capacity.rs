//! The bounds of DynamoDB: of a transaction's size, and of a partition's writes in a second.

use std::collections::{BTreeMap, BTreeSet};

use banto_ports::{ErrorKind, PortError};
use jiff::Timestamp;
use serde_json::Value;

use crate::world::World;

/// Bytes that a write unit writes. (DynamoDB developer guide, "DynamoDB read and write operations",
/// as the next one.)
const UNIT_BYTES: usize = 1_024;
/// Write units that a transaction takes for each one of its parts: it prepares, then it commits.
const UNITS_IN_TRANSACTION: usize = 2;

/// Most parts of a transaction, and most bytes of all of them. (DynamoDB API reference,
/// `TransactWriteItems`.)
const MAX_PARTS: usize = 100;
const MAX_TRANSACTION_BYTES: usize = 4 * 1_024 * 1_024;
/// Most bytes of an item. (DynamoDB developer guide, "Quotas in Amazon DynamoDB".)
const MAX_ITEM_BYTES: usize = 400 * 1_024;

/// An item's partition and sort key.
type ItemKey = (String, String);

/// The writes of one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Writes {
    parts: Vec<Write>,
    is_transaction: bool,
}

/// A write of one item.
#[derive(Debug, PartialEq, Eq)]
struct Write {
    key: ItemKey,
    /// The bytes of the item, as far as the request tells.
    bytes: usize,
    kind: Kind,
}

/// A kind of write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Put,
    Update,
    Delete,
    Check,
}

/// The writes that a table's partitions take, and took in this second.
#[derive(Debug, Default)]
pub(crate) struct Capacity {
    /// Write units a second of a partition; without one they are not counted.
    per_second: Option<usize>,
    second: i64,
    taken: BTreeMap<String, usize>,
    /// The bytes of items that were written since there is a limit: a deletion takes the units of
    /// what it deletes.
    items: BTreeMap<ItemKey, usize>,
    /// The number of transactions to come that meet another one.
    contended: usize,
}

impl Writes {
    /// The writes of a request: a transaction, or one write.
    pub(crate) fn of(request: &Value) -> Self {
        let Some(parts) = request.get("TransactItems").and_then(Value::as_array) else {
            let kind = if request.get("Item").is_some() {
                Kind::Put
            } else if request.get("UpdateExpression").is_some() {
                Kind::Update
            } else {
                Kind::Delete
            };
            return Self {
                parts: vec![Write::of(request, kind)],
                is_transaction: false,
            };
        };
        let parts = parts.iter().filter_map(Value::as_object).flatten();
        let parts = parts.map(|(kind, write)| {
            let kind = match kind.as_str() {
                "Put" => Kind::Put,
                "Delete" => Kind::Delete,
                _ => Kind::Check,
            };
            Write::of(write, kind)
        });
        Self {
            parts: parts.collect(),
            is_transaction: true,
        }
    }

    pub(crate) fn is_transaction(&self) -> bool {
        self.is_transaction
    }

    /// The reason for which DynamoDB refuses these writes whatever the table holds, if it does.
    pub(crate) fn refusal(&self) -> Option<String> {
        let parts = self.parts.len();
        let bytes: usize = self.parts.iter().map(|write| write.bytes).sum();
        let keys: BTreeSet<&ItemKey> = self.parts.iter().map(|write| &write.key).collect();
        let largest = self.parts.iter().map(|write| write.bytes).max();
        if self.is_transaction && parts > MAX_PARTS {
            Some(format!(
                "{parts} items in a transaction, at most {MAX_PARTS}"
            ))
        } else if keys.len() < parts {
            Some("Transaction request cannot include multiple operations on one item".to_owned())
        } else if self.is_transaction && bytes > MAX_TRANSACTION_BYTES {
            Some(format!(
                "{bytes} bytes in a transaction, at most {MAX_TRANSACTION_BYTES}"
            ))
        } else if largest.is_some_and(|bytes| bytes > MAX_ITEM_BYTES) {
            Some("Item size has exceeded the maximum allowed size".to_owned())
        } else {
            None
        }
    }
}

impl Write {
    fn of(write: &Value, kind: Kind) -> Self {
        let (item, key) = (write.get("Item"), write.get("Key"));
        let values = write.get("ExpressionAttributeValues");
        let key_of = |name: &str| {
            let value = item.or(key).and_then(|item| item.get(name)?.get("S"));
            value.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        // Of an item that is put, the values are those of its condition.
        let told = [item.or(key), values.filter(|_| item.is_none())];
        Self {
            key: (key_of("pk"), key_of("sk")),
            bytes: told.into_iter().flatten().map(bytes_of).sum(),
            kind,
        }
    }
}

/// The bytes of attributes, with their names. (DynamoDB developer guide, "DynamoDB item sizes and
/// formats".)
fn bytes_of(attributes: &Value) -> usize {
    let attributes = attributes.as_object().into_iter().flatten();
    let bytes = attributes.map(|(name, value)| {
        let text = value.get("S").or(value.get("N")).and_then(Value::as_str);
        name.len() + text.unwrap_or_default().len()
    });
    bytes.sum()
}

impl Capacity {
    /// Takes the units of some writes from their partitions: all of them, or an error.
    pub(crate) fn take(
        &mut self,
        call: &'static str,
        writes: &Writes,
        now: Timestamp,
    ) -> Result<(), PortError> {
        if writes.is_transaction && self.contended > 0 {
            self.contended -= 1;
            let message = "TransactionConflict: Transaction is ongoing for the item";
            return Err(PortError::new(ErrorKind::Conflict, call, message));
        }
        let Some(per_second) = self.per_second else {
            return Ok(());
        };
        if self.second != now.as_second() {
            self.second = now.as_second();
            self.taken.clear();
        }
        let asked = self.units(writes);
        let taken = |partition: &str| self.taken.get(partition).copied().unwrap_or_default();
        if asked
            .iter()
            .any(|(pk, units)| taken(pk) + units > per_second)
        {
            return Err(throttled(call, writes.is_transaction));
        }
        for (partition, units) in asked {
            *self.taken.entry(partition).or_default() += units;
        }
        self.remember(writes);
        Ok(())
    }

    /// The units that writes take, by partition. A write takes those of the larger item: as it was,
    /// or as it is to be.
    fn units(&self, writes: &Writes) -> BTreeMap<String, usize> {
        let times = if writes.is_transaction {
            UNITS_IN_TRANSACTION
        } else {
            1
        };
        let mut units = BTreeMap::new();
        for write in &writes.parts {
            let before = self.items.get(&write.key).copied().unwrap_or_default();
            let of_write = write.bytes.max(before).div_ceil(UNIT_BYTES).max(1);
            *units.entry(write.key.0.clone()).or_default() += times * of_write;
        }
        units
    }

    fn remember(&mut self, writes: &Writes) {
        for write in &writes.parts {
            match write.kind {
                Kind::Put | Kind::Update => {
                    self.items.insert(write.key.clone(), write.bytes);
                }
                Kind::Delete => drop(self.items.remove(&write.key)),
                Kind::Check => {}
            }
        }
    }
}

/// The error of a partition that takes no more in this second.
fn throttled(call: &'static str, is_transaction: bool) -> PortError {
    let message = if is_transaction {
        "ThrottlingError: Throughput exceeds the current capacity for one or more items"
    } else {
        "ThrottlingException: Throughput exceeds the current capacity of your table or index"
    };
    PortError::new(ErrorKind::Throttled, call, message)
}

impl World {
    /// Limits each partition of compliance's table to so many write units a second, as DynamoDB
    /// does at 1,000; `None` lifts the limit. (DynamoDB developer guide, "Best practices for
    /// designing and using partition keys effectively".)
    pub fn limit_table(&self, units_per_second: Option<usize>) {
        self.state().compliance.capacity.per_second = units_per_second;
    }

    /// Lets this many transactions to come meet another one that is under way on one of their
    /// items: DynamoDB cancels them.
    pub fn contend(&self, transactions: usize) {
        self.state().compliance.capacity.contended = transactions;
    }
}
