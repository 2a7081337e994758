//! The outboxes of routes, what was delivered from them, and the registry of their names.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, TransactWriteItem};
use banto_domain::compliance::{Digest, FindingGroup, Lane, OutboxBatch};
use banto_ports::{
    Cursor, DeliveredBatch, DeliveryCommit, ErrorKind, Outbox, Page, PortError, RouteLease,
    RouteRegistry,
};
use futures_util::future::try_join_all;

use super::ComplianceTable;
use super::calls::{CHECK, QUERY};
use super::items::{
    Item, Key, REGISTERED, REGISTRY, attribute, batch_of, check_version, days_after, digest_of,
    document, group_of, number, of_route, outbox_shards, read, registered, state_of, text, unmade,
    versioned,
};
use super::listing::{PAGE, Range};
use super::table::{Table, Write};

/// Days for which items are kept. A group whose findings come back within three months of its end
/// is told in its old thread. A digest is kept for a year and some: as long as people look back.
const GROUP_DAYS: i64 = 90;
const DIGEST_DAYS: i64 = 400;

/// A sort key after those of all batches, whose ids are of digits, letters and `#`.
const AFTER_BATCHES: &str = "entry#~";

#[async_trait]
impl Outbox for ComplianceTable {
    async fn waiting(
        &self,
        route: &str,
        from: Lane,
        limit: usize,
    ) -> Result<Vec<OutboxBatch>, PortError> {
        let ranges: Vec<Range> = outbox_shards(route)
            .iter()
            .map(|shard| Range::between(shard, &lane_prefix(from), AFTER_BATCHES))
            .collect();
        let shards = ranges.iter().map(|range| self.table.first(range, limit));
        let shards = try_join_all(shards).await?;
        let mut batches: Vec<OutboxBatch> = shards.into_iter().flatten().collect();
        batches.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        batches.truncate(enough(&batches, limit));
        Ok(batches)
    }

    async fn lane_page(
        &self,
        route: &str,
        lane: Lane,
        after: Option<Cursor>,
    ) -> Result<Page<OutboxBatch>, PortError> {
        let ranges: Vec<Range> = outbox_shards(route)
            .iter()
            .map(|shard| Range::of(shard, &lane_prefix(lane)))
            .collect();
        self.table.page(&ranges, "batch", after).await
    }

    async fn open_groups(
        &self,
        route: &str,
        after: Option<Cursor>,
    ) -> Result<Page<FindingGroup>, PortError> {
        let Key(pk, prefix) = of_route(route, "group#");
        let groups = Range::of(&pk, &prefix).open();
        self.table.page(&[groups], "group", after).await
    }

    async fn groups(
        &self,
        route: &str,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, FindingGroup>, PortError> {
        let groups: Vec<FindingGroup> = self
            .table
            .documents(ids.iter().map(|id| group_of(route, id)), "group")
            .await?;
        Ok(groups
            .into_iter()
            .map(|group| (group.id(), group))
            .collect())
    }

    async fn digests(
        &self,
        route: &str,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Digest>, PortError> {
        let digests: Vec<Digest> = self
            .table
            .documents(ids.iter().map(|id| digest_of(route, id)), "digest")
            .await?;
        Ok(digests
            .into_iter()
            .map(|digest| (digest.id.clone(), digest))
            .collect())
    }

    async fn commit(&self, lease: &RouteLease, commit: &DeliveryCommit) -> Result<(), PortError> {
        let route = &lease.route;
        let mut writes = vec![(CHECK, self.check_holder(lease)?)];
        for group in &commit.groups {
            writes.push(self.table.put_with(group_item(route, group)?)?);
        }
        if let Some(digest) = &commit.digest {
            let expires = Some(days_after(digest.since, DIGEST_DAYS));
            let item = document(digest_of(route, &digest.id), "digest", digest, expires)?;
            writes.push(self.table.put_with(item)?);
        }
        for batch in &commit.batches {
            writes.push(self.shorten(route, batch)?);
        }
        self.table.transact(writes).await
    }
}

impl ComplianceTable {
    /// The part of a transaction that fails if the run does not hold the route.
    fn check_holder(&self, lease: &RouteLease) -> Result<TransactWriteItem, PortError> {
        let check = ConditionCheck::builder()
            .table_name(&self.table.name)
            .set_key(Some(state_of(&lease.route).item()))
            .condition_expression("#holder = :holder")
            .expression_attribute_names("#holder", "holder")
            .expression_attribute_values(":holder", text(&lease.holder))
            .build()
            .map_err(unmade)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// The part of a transaction that takes what was delivered out of a batch.
    fn shorten(&self, route: &str, batch: &DeliveredBatch) -> Result<Write, PortError> {
        match &batch.left {
            Some(left) => self.table.put_with(batch_item(route, &batch.id, left)?),
            None => self.table.delete_with(batch_of(route, &batch.id)),
        }
    }
}

impl Table {
    /// The first batches of a shard: as many as have a number of entries, or all.
    async fn first(&self, range: &Range, limit: usize) -> Result<Vec<OutboxBatch>, PortError> {
        let mut batches: Vec<OutboxBatch> = Vec::new();
        let mut after = None;
        while entries_of(&batches) < limit {
            // A batch has an entry at least.
            let missing = limit - entries_of(&batches);
            let (items, last) = self.query(range, after, missing).await?;
            for item in &items {
                batches.push(read(QUERY, item, "batch")?);
            }
            after = last;
            if after.is_none() {
                break;
            }
        }
        Ok(batches)
    }
}

fn entries_of(batches: &[OutboxBatch]) -> usize {
    batches.iter().map(|batch| batch.entries.len()).sum()
}

/// The number of batches, from the first on, that have a number of entries together.
fn enough(batches: &[OutboxBatch], limit: usize) -> usize {
    let mut entries = 0;
    let needed = batches.iter().take_while(|batch| {
        let is_needed = entries < limit;
        entries += batch.entries.len();
        is_needed
    });
    needed.count()
}

/// The beginning of the sort keys of a lane's batches, whose ids begin with its rank.
fn lane_prefix(lane: Lane) -> String {
    format!("entry#{}", lane.rank())
}

pub(super) fn batch_item(route: &str, id: &str, batch: &OutboxBatch) -> Result<Item, PortError> {
    document(batch_of(route, id), "batch", batch, None)
}

fn group_item(route: &str, group: &FindingGroup) -> Result<Item, PortError> {
    let key = group_of(route, &group.id());
    let mut item = document(key, "group", group, group_expires(group))?;
    item.insert("open".to_owned(), number(group.open));
    Ok(item)
}

/// No clock says when a group was resolved; the times of its resources do well enough. A resolved
/// group that is gone too early begins anew, in a message of its own.
fn group_expires(group: &FindingGroup) -> Option<AttributeValue> {
    if group.open > 0 {
        return None;
    }
    let last = group.resources.iter().map(|resource| resource.since).max();
    Some(days_after(last.unwrap_or(group.since), GROUP_DAYS))
}

#[async_trait]
impl RouteRegistry for ComplianceTable {
    async fn registered_routes(&self) -> Result<BTreeSet<String>, PortError> {
        let range = Range::of(REGISTRY, REGISTERED);
        let mut routes = BTreeSet::new();
        let mut after = None;
        loop {
            let (items, last) = self.table.query(&range, after, PAGE).await?;
            for item in &items {
                // The others are reminded of what is open all the same.
                if let Err(error) = check_version(QUERY, item) {
                    tracing::error!(%error, "route left to another release");
                    continue;
                }
                let route = attribute(item, "sk").strip_prefix(REGISTERED);
                routes.extend(route.map(str::to_owned));
            }
            after = last;
            if after.is_none() {
                return Ok(routes);
            }
        }
    }

    async fn register_route(&self, route: &str) -> Result<(), PortError> {
        unless_of_another_release(self.table.put(versioned(registered(route))).await)
    }

    async fn deregister_route(&self, route: &str) -> Result<(), PortError> {
        unless_of_another_release(self.table.delete(registered(route)).await)
    }
}

/// A route that another release registered stays so.
fn unless_of_another_release(written: Result<(), PortError>) -> Result<(), PortError> {
    match written {
        Err(error) if error.kind == ErrorKind::Unreadable => Ok(()),
        written => written,
    }
}
