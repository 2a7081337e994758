//! A lane that holds more than can be told by group: it is counted as it is read, and becomes one
//! digest.

use std::collections::BTreeMap;
use std::time::Duration;

use banto_domain::RuleName;
use banto_domain::compliance::{Change, FindingGroup, FindingKey, OutboxBatch, OutboxEntry};
use banto_ports::PortError;

use super::lookups::{accounts_of, belongs, look_up, open_digest, over_meanwhile, still_told_here};
use super::ports::Ports;
use super::snapshot::{Flood, FloodBatch, FloodTally, Job, MAX_NAMED, Observed, Snapshot};
use crate::resource_names;

/// Least time in which another page is read: what was read is then sent and saved, a few hundred
/// transactions of some tens of milliseconds.
const READING_TIME: Duration = Duration::from_secs(120);

/// Most findings that are moved to other routes before a flood is told; further ones are moved
/// when it is looked at again.
const MAX_STRAYS: usize = 2_000;

/// Reads the lane to its end, a page at a time.
pub(super) async fn observe(
    ports: &Ports,
    job: &Job<'_>,
    mut snapshot: Snapshot,
) -> Result<Observed, PortError> {
    snapshot.batches.clear();
    let mut flood = Flood::default();
    let mut untold = Vec::new();
    let mut after = None;
    // What is not read for want of time is told after this.
    while job.has_time_for(READING_TIME) || snapshot.accounts.is_empty() {
        let name = &job.route.route.name;
        let page = ports.outbox.lane_page(name, snapshot.lane, after).await?;
        untold.extend(count_page(ports, job, &mut snapshot, &mut flood, page.items).await?);
        if untold.len() >= MAX_STRAYS {
            return Ok(Observed::Strays(untold));
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if !untold.is_empty() {
        return Ok(Observed::Strays(untold));
    }
    complete(ports, job, snapshot, flood).await
}

/// Counts a page, and returns its findings that belong to other routes and were not moved yet.
async fn count_page(
    ports: &Ports,
    job: &Job<'_>,
    snapshot: &mut Snapshot,
    flood: &mut Flood,
    batches: Vec<OutboxBatch>,
) -> Result<Vec<FindingKey>, PortError> {
    let mut unknown = accounts_of(batches.iter().flat_map(|batch| &batch.entries));
    unknown.retain(|account| !snapshot.accounts.contains_key(account));
    if !unknown.is_empty() {
        let infos = look_up(ports, job, &unknown).await?;
        snapshot.accounts.extend(infos);
    }
    let over = over_meanwhile(ports, job, snapshot.lane, &batches).await?;
    let mut belonging: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    let mut strays = Vec::new();
    for batch in &batches {
        let mut counted = FloodBatch {
            id: batch.id.clone(),
            entries: batch.entries.len(),
            counts: Vec::new(),
        };
        for entry in &batch.entries {
            let group = (entry.key.account.as_str(), entry.key.rule.as_str());
            let belongs = *belonging
                .entry(group)
                .or_insert_with(|| belongs(job, &snapshot.accounts, entry));
            if over.contains(&entry.key) {
                continue;
            }
            if belongs || entry.change.closes() {
                flood.count(&mut counted, entry);
                flood.accounts.insert(entry.key.account.clone());
                if snapshot.names_findings() {
                    name_first(&mut flood.first, entry);
                }
            } else {
                strays.push(entry.key.clone());
            }
        }
        flood.batches.push(counted);
    }
    still_told_here(ports, job, &strays).await
}

/// Keeps the most severe findings, the oldest of them first, as many as may be named.
fn name_first(first: &mut Vec<OutboxEntry>, entry: &OutboxEntry) {
    if entry.change.closes() {
        return;
    }
    let order = |known: &OutboxEntry| {
        (
            std::cmp::Reverse(known.severity),
            known.recorded_at,
            known.id(),
        )
    };
    if first.len() < MAX_NAMED {
        first.push(entry.clone());
        first.sort_by_cached_key(order);
    } else if let Some(last) = first.last_mut()
        && order(entry) < order(last)
    {
        *last = entry.clone();
        first.sort_by_cached_key(order);
    }
}

impl Flood {
    fn count(&mut self, batch: &mut FloodBatch, entry: &OutboxEntry) {
        let rule = self.number_of(&entry.key.rule);
        let known = batch.counts.iter_mut().find(|(known, _)| *known == rule);
        if let Some((_, tally)) = known {
            tally.count(&entry.change);
        } else {
            let mut tally = FloodTally {
                severity: entry.severity,
                found: 0,
                resolved: 0,
                closed: 0,
            };
            tally.count(&entry.change);
            batch.counts.push((rule, tally));
        }
    }

    /// The number of a rule, which goes by its own name.
    fn number_of(&mut self, rule: &RuleName) -> usize {
        if let Some(number) = self.numbers.get(rule) {
            return *number;
        }
        let own = rule.own();
        let known = self.rules.iter().position(|known| *known == own);
        let number = known.unwrap_or_else(|| {
            self.rules.push(own);
            self.rules.len() - 1
        });
        self.numbers.insert(rule.clone(), number);
        number
    }
}

impl FloodTally {
    fn count(&mut self, change: &Change) {
        match change {
            Change::Found | Change::Flapping { was_open: false } => self.found += 1,
            Change::Flapping { was_open: true } => {}
            Change::Resolved => self.resolved += 1,
            Change::Closed | Change::Moved { .. } => self.closed += 1,
        }
    }
}

async fn complete(
    ports: &Ports,
    job: &Job<'_>,
    mut snapshot: Snapshot,
    flood: Flood,
) -> Result<Observed, PortError> {
    if let Some(id) = open_digest(&snapshot) {
        let name = &job.route.route.name;
        snapshot.digests = ports.outbox.digests(name, &[id].into()).await?;
    }
    let groups = flood.first.iter();
    let groups = groups.map(|entry| FindingGroup::id_of(&entry.key.account, &entry.key.rule));
    let name = &job.route.route.name;
    snapshot.groups = ports.outbox.groups(name, &groups.collect()).await?;
    let named = flood.first.iter();
    let named = named.map(|entry| (entry.key.clone(), entry.evaluated_in.clone()));
    snapshot.facts = resource_names::facts(ports.aggregator.as_ref(), named.collect()).await;
    snapshot.flood = Some(flood);
    Ok(Observed::Lane(Box::new(snapshot)))
}
