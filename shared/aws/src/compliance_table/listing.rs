//! Queries: ranges of sort keys, page by page and shard after shard.

use banto_ports::{Cursor, ErrorKind, Page, PortError};
use serde::de::DeserializeOwned;

use super::calls::QUERY;
use super::items::{Item, Key, attribute, number, read, text};
use super::table::Table;
use crate::errors::port_error;

/// Most items that a page reads. Findings have about 1 KB, and DynamoDB ends a page at 1 MB anyway
/// (DynamoDB API reference, `Query`), so that a function of 128 MB holds a page many times over.
pub(super) const PAGE: usize = 1_000;

/// Items of one partition whose sort keys begin with a text, or are between two.
#[derive(Debug, Clone)]
pub(super) struct Range {
    pk: String,
    from: String,
    to: Option<String>,
    only_open: bool,
}

impl Range {
    /// Items whose sort keys begin with a text.
    pub(super) fn of(pk: &str, prefix: &str) -> Self {
        Self {
            pk: pk.to_owned(),
            from: prefix.to_owned(),
            to: None,
            only_open: false,
        }
    }

    /// Items whose sort keys are between two texts.
    pub(super) fn between(pk: &str, from: &str, to: &str) -> Self {
        Self {
            to: Some(to.to_owned()),
            ..Self::of(pk, from)
        }
    }

    /// Only those whose attribute `open` is more than 0.
    pub(super) fn open(self) -> Self {
        Self {
            only_open: true,
            ..self
        }
    }

    fn condition(&self) -> &'static str {
        match self.to {
            None => "pk = :pk AND begins_with(sk, :from)",
            Some(_) => "pk = :pk AND sk BETWEEN :from AND :to",
        }
    }
}

impl Table {
    /// A page of items in the order of their sort keys, and the sort key after which the next page
    /// begins, if there is one.
    pub(super) async fn query(
        &self,
        range: &Range,
        after: Option<String>,
        limit: usize,
    ) -> Result<(Vec<Item>, Option<String>), PortError> {
        let mut request = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression(range.condition())
            .expression_attribute_values(":pk", text(&range.pk))
            .expression_attribute_values(":from", text(&range.from))
            .set_limit(i32::try_from(limit).ok())
            .set_exclusive_start_key(after.map(|sk| Key(range.pk.clone(), sk).item()));
        if let Some(to) = &range.to {
            request = request.expression_attribute_values(":to", text(to));
        }
        if range.only_open {
            request = request
                .filter_expression("#open > :none")
                .expression_attribute_names("#open", "open")
                .expression_attribute_values(":none", number(0));
        }
        let answer = request.send().await;
        let answer = answer.map_err(|error| port_error(QUERY, &error))?;
        let last = answer.last_evaluated_key;
        let last = last.map(|last| attribute(&last, "sk").to_owned());
        Ok((answer.items.unwrap_or_default(), last))
    }

    /// A page of the documents of ranges, which are read one after the other.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        ranges: &[Range],
        name: &str,
        after: Option<Cursor>,
    ) -> Result<Page<T>, PortError> {
        let (index, sk) = after.map_or(Ok((0, None)), place)?;
        let range = ranges.get(index).ok_or_else(no_place)?;
        let (items, last) = self.query(range, sk, PAGE).await?;
        let items: Result<Vec<T>, PortError> =
            items.iter().map(|item| read(QUERY, item, name)).collect();
        let next = match last {
            Some(sk) => Some(cursor(index, &sk)),
            None if index + 1 < ranges.len() => Some(cursor(index + 1, "")),
            None => None,
        };
        Ok(Page {
            items: items?,
            next,
        })
    }
}

/// The place after a sort key of a range, or before all of them.
fn cursor(index: usize, sk: &str) -> Cursor {
    Cursor(format!("{index}|{sk}"))
}

fn place(cursor: Cursor) -> Result<(usize, Option<String>), PortError> {
    let parts = cursor.0.split_once('|');
    let (index, sk) = parts.ok_or_else(no_place)?;
    let index = index.parse().map_err(|_| no_place())?;
    Ok((index, (!sk.is_empty()).then(|| sk.to_owned())))
}

fn no_place() -> PortError {
    PortError::new(
        ErrorKind::Invalid,
        QUERY,
        "the cursor is not of this listing",
    )
}
