//! Reads the lane of a route that is to be worked now, and what was told there of the same groups.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::Region;
use banto_domain::compliance::{
    Digest, FindingGroup, FindingKey, Lane, NotifiedIn, OutboxBatch, RouteState,
};
use banto_ports::PortError;
use jiff::{SignedDuration, Timestamp};

use super::flood;
use super::lookups::{accounts_of, belongs, look_up, open_digest, over_meanwhile, still_told_here};
use super::ports::Ports;
use super::snapshot::{Job, MAX_NAMED, Observed, Snapshot};
use crate::delays::LONGEST_DELAY;
use crate::resource_names;

/// Most entries that are told by group. More are a flood, which is counted as it is read: an entry
/// takes a kilobyte or two with all that is planned of it, so that these fit the function's memory
/// with room to spare.
const MAX_ENTRIES: usize = 2_000;

/// Most resources whose names are looked up for one delivery of a lane that does not name its
/// findings one by one: one call of AWS Config. Further ones go by their ids.
const MAX_LOOKED_UP: usize = 100;

/// The most urgent lane that neither rests nor has quiet hours.
pub(super) async fn observe(
    ports: &Ports,
    job: &Job<'_>,
    state: &RouteState,
    now: Timestamp,
) -> Result<Observed, PortError> {
    let mut again: Option<SignedDuration> = None;
    let mut from = Lane::Critical;
    loop {
        let mut waiting = read(ports, job, from).await?;
        let Some(lane) = waiting.first().map(|batch| batch.lane) else {
            return Ok(Observed::Nothing(again));
        };
        let Some(wait) = waits_for(job, state, &waiting, lane, now) else {
            waiting.retain(|batch| batch.lane == lane);
            return observe_lane(ports, job, state, waiting, now).await;
        };
        again = Some(again.map_or(wait, |known| known.min(wait)));
        match Lane::ALL.into_iter().find(|next| *next > lane) {
            Some(next) => from = next,
            None => return Ok(Observed::Nothing(again)),
        }
    }
}

async fn read(ports: &Ports, job: &Job<'_>, from: Lane) -> Result<Vec<OutboxBatch>, PortError> {
    let name = &job.route.route.name;
    ports.outbox.waiting(name, from, MAX_ENTRIES + 1).await
}

/// The time for which a lane can't be delivered.
fn waits_for(
    job: &Job<'_>,
    state: &RouteState,
    waiting: &[OutboxBatch],
    lane: Lane,
    now: Timestamp,
) -> Option<SignedDuration> {
    if job.route.is_quiet(lane, now) {
        return Some(LONGEST_DELAY);
    }
    let oldest = waiting.first().and_then(OutboxBatch::saved_at);
    let oldest = oldest.unwrap_or(now);
    job.route
        .rests_for(lane, state, oldest, job.policy.window, now)
}

async fn observe_lane(
    ports: &Ports,
    job: &Job<'_>,
    state: &RouteState,
    batches: Vec<OutboxBatch>,
    now: Timestamp,
) -> Result<Observed, PortError> {
    let lane = batches.first().map_or(Lane::Low, |batch| batch.lane);
    let mut snapshot = Snapshot::empty(job.route, state.clone(), lane);
    snapshot.oldest = batches.first().and_then(OutboxBatch::saved_at);
    snapshot.batches = batches;
    if snapshot.entries().count() > MAX_ENTRIES {
        return flood::observe(ports, job, snapshot).await;
    }
    let accounts = accounts_of(snapshot.entries());
    snapshot.accounts = look_up(ports, job, &accounts).await?;
    let strays = strays(job, &snapshot);
    let untold = still_told_here(ports, job, &strays).await?;
    if !untold.is_empty() {
        return Ok(Observed::Strays(untold));
    }
    snapshot.elsewhere = over_meanwhile(ports, job, lane, &snapshot.batches).await?;
    snapshot.elsewhere.extend(strays);
    let groups = group_ids(&snapshot);
    snapshot.groups = ports.outbox.groups(&job.route.route.name, &groups).await?;
    snapshot.digests = read_digests(ports, job, &snapshot).await?;
    let resources = resources_to_look_up(&snapshot);
    snapshot.facts = resource_names::facts(ports.aggregator.as_ref(), resources).await;
    tracing::debug!(route.name = job.route.route.name, %now, lane = ?lane, "lane observed");
    Ok(Observed::Lane(Box::new(snapshot)))
}

/// The findings that would be told here, and whose accounts belong to other routes.
fn strays(job: &Job<'_>, snapshot: &Snapshot) -> Vec<FindingKey> {
    let mut strays = BTreeSet::new();
    for entry in snapshot.entries() {
        if !entry.change.closes() && !belongs(job, &snapshot.accounts, entry) {
            strays.insert(entry.key.clone());
        }
    }
    strays.into_iter().collect()
}

/// The groups that entries are about.
fn group_ids(snapshot: &Snapshot) -> BTreeSet<String> {
    snapshot
        .entries()
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
    ids.extend(open_digest(snapshot));
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    ports.outbox.digests(&job.route.route.name, &ids).await
}

/// The resources that are looked up: those of IAM first, whose ids nobody knows.
fn resources_to_look_up(snapshot: &Snapshot) -> Vec<(FindingKey, Region)> {
    let most = if snapshot.names_findings() {
        MAX_NAMED
    } else {
        MAX_LOOKED_UP
    };
    let entries = snapshot.entries();
    let keys: BTreeMap<&FindingKey, &Region> = entries
        .map(|entry| (&entry.key, &entry.evaluated_in))
        .collect();
    let mut keys: Vec<(&FindingKey, &Region)> = keys.into_iter().collect();
    keys.sort_by_key(|(key, _)| !FindingKey::is_global(&key.resource_type));
    let first = keys.into_iter().take(most);
    first
        .map(|(key, region)| (key.clone(), region.clone()))
        .collect()
}
