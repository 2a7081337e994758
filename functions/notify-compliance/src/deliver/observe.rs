//! Reads what waits on a route, and what was told there of the same groups.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::{
    Digest, FindingGroup, FindingKey, NotifiedIn, OutboxEntry, RouteState,
};
use banto_ports::PortError;
use jiff::Timestamp;

use super::ports::Ports;
use super::snapshot::{Job, Snapshot};
use crate::resource_names;

/// Most entries that are delivered at once: an entry is a few hundred bytes, so that these fit the
/// function's memory with room to spare. What is left is read after them.
const MAX_ENTRIES: usize = 5_000;

/// Most resources whose names are looked up at once: one call of AWS Config. Further ones go by
/// their ids.
const MAX_NAMES: usize = 100;

/// While nothing can be delivered, groups, digests and names are not read.
pub(super) async fn observe(
    ports: &Ports,
    job: &Job<'_>,
    state: &RouteState,
    now: Timestamp,
) -> Result<Snapshot, PortError> {
    let waiting = ports.outbox.waiting(job.outbox, MAX_ENTRIES).await?;
    let mut snapshot = Snapshot::empty(job.route, state.clone());
    snapshot.has_more = waiting.len() == MAX_ENTRIES;
    for entry in waiting {
        if job.route.is_quiet(entry.severity, now) {
            snapshot.quiet += 1;
        } else {
            snapshot.entries.push(entry);
        }
    }
    if snapshot.is_ready(job.policy.window, now) {
        let groups = group_ids(&snapshot.entries);
        snapshot.groups = ports.outbox.groups(job.outbox, &groups).await?;
        snapshot.digests = read_digests(ports, job, &snapshot).await?;
        let unnamed = resources_to_name(&snapshot.entries);
        snapshot.names = resource_names::names(ports.aggregator.as_ref(), unnamed).await;
    }
    Ok(snapshot)
}

/// The groups that entries are about.
fn group_ids(entries: &[OutboxEntry]) -> BTreeSet<String> {
    entries
        .iter()
        .map(|entry| FindingGroup::id_of(&entry.key.account, &entry.key.rule))
        .collect()
}

async fn read_digests(
    ports: &Ports,
    job: &Job<'_>,
    snapshot: &Snapshot,
) -> Result<BTreeMap<String, Digest>, PortError> {
    let mut ids = BTreeSet::new();
    for group in snapshot.groups.values() {
        if let NotifiedIn::Digest(id) = &group.notified_in {
            ids.insert(id.clone());
        }
    }
    if let Some(open) = &snapshot.state.open_digest {
        ids.insert(open.id.clone());
    }
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    ports.outbox.digests(job.outbox, &ids).await
}

/// The resources whose names are looked up: those of IAM first, whose ids nobody knows.
fn resources_to_name(entries: &[OutboxEntry]) -> Vec<FindingKey> {
    let keys: BTreeSet<&FindingKey> = entries.iter().map(|entry| &entry.key).collect();
    let mut keys: Vec<&FindingKey> = keys.into_iter().collect();
    keys.sort_by_key(|key| !key.resource_type.starts_with("AWS::IAM::"));
    keys.into_iter().take(MAX_NAMES).cloned().collect()
}
