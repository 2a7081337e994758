//! Divides what is saved after a message into pieces that DynamoDB writes at once: pure.
//!
//! Each piece counts its own entries only, so that a run that ends between two of them counts
//! nothing twice.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::{
    Digest, FindingGroup, FindingKey, NotifiedIn, OutboxBatch, OutboxEntry,
};
use banto_ports::{DeliveredBatch, DeliveryCommit};

use super::counts::count;
use crate::deliver::delivery::GroupChange;

/// Most batches of a piece that are shortened rather than deleted: one may take 200 KB, and a
/// transaction of DynamoDB 4 MB. (DynamoDB developer guide, "Transactions".)
const MAX_SHORTENED: usize = 20;

/// Most groups of a piece. All groups of a route are in one partition of the table, which takes
/// 1,000 units of 1 KB a second: one with ten resources takes some 6 KB, and a transaction counts
/// twice. (DynamoDB developer guide, "Transactions", "Burst and adaptive capacity".)
pub(super) const MAX_GROUPS: usize = 40;

/// The batches of a lane, with the entries that still wait.
#[derive(Debug)]
pub(super) struct Waiting {
    batches: BTreeMap<String, OutboxBatch>,
    /// The batch of each entry, by its finding and revision.
    batch_of: BTreeMap<(FindingKey, u64), String>,
}

/// The pieces so far, and the one that is being filled.
struct Pieces<'a> {
    waiting: &'a mut Waiting,
    full: Vec<DeliveryCommit>,
    filling: DeliveryCommit,
    /// Batches that the piece touches.
    touched: BTreeSet<String>,
    /// The digest, as it is after the entries so far.
    digest: Option<Digest>,
}

impl Waiting {
    pub(super) fn new(batches: &[OutboxBatch]) -> Self {
        let mut waiting = Self {
            batches: BTreeMap::new(),
            batch_of: BTreeMap::new(),
        };
        for batch in batches {
            for entry in &batch.entries {
                let known = (entry.key.clone(), entry.revision);
                waiting.batch_of.insert(known, batch.id.clone());
            }
            waiting.batches.insert(batch.id.clone(), batch.clone());
        }
        waiting
    }

    /// Takes an entry out of its batch, whose id it returns.
    fn take(&mut self, entry: &OutboxEntry) -> Option<&String> {
        let id = (entry.key.clone(), entry.revision);
        let batch = self.batch_of.get(&id)?;
        if let Some(batch) = self.batches.get_mut(batch) {
            let is_it = |known: &OutboxEntry| known.revision == id.1 && known.key == id.0;
            batch.entries.retain(|known| !is_it(known));
        }
        Some(batch)
    }

    fn left(&self, id: &str) -> DeliveredBatch {
        let left = self.batches.get(id);
        DeliveredBatch {
            id: id.to_owned(),
            left: left.filter(|batch| !batch.entries.is_empty()).cloned(),
        }
    }
}

/// What is saved after a message about groups.
pub(super) fn commits(
    changes: &[GroupChange],
    digest: Option<&Digest>,
    waiting: &mut Waiting,
) -> Vec<DeliveryCommit> {
    let mut pieces = Pieces::new(digest, waiting);
    for change in changes {
        pieces.add(change);
    }
    pieces.close();
    pieces.full
}

/// What is saved of entries that are not told.
pub(super) fn drops(entries: &[OutboxEntry], waiting: &mut Waiting) -> Vec<DeliveryCommit> {
    let mut pieces = Pieces::new(None, waiting);
    for entry in entries {
        pieces.make_room(0);
        pieces.take(entry);
    }
    pieces.close();
    pieces.full
}

impl<'a> Pieces<'a> {
    fn new(digest: Option<&Digest>, waiting: &'a mut Waiting) -> Self {
        Self {
            waiting,
            full: Vec::new(),
            filling: DeliveryCommit::default(),
            touched: BTreeSet::new(),
            digest: digest.cloned(),
        }
    }

    /// Adds a group's entries, to several pieces if need be. Each of them has the group as it is
    /// then.
    fn add(&mut self, change: &GroupChange) {
        let mut group = FindingGroup {
            open: change.base().map_or(0, |base| base.open),
            resolved: change.base().map_or(0, |base| base.resolved),
            closed: change.base().map_or(0, |base| base.closed),
            ..change.after.clone()
        };
        if let Some(digest) = &self.digest {
            group.notified_in = NotifiedIn::Digest(digest.id.clone());
        }
        let mut left = change.entries.as_slice();
        while !left.is_empty() {
            self.make_room(1);
            let mut taken = 0;
            for entry in left {
                if taken > 0 && !self.has_room(1) {
                    break;
                }
                self.take(entry);
                count(&mut group, entry, change.out_of_order.contains(&entry.id()));
                self.count_in_digest(entry);
                taken += 1;
            }
            self.filling.groups.push(group.clone());
            left = left.get(taken..).unwrap_or_default();
            if !left.is_empty() {
                self.close();
            }
        }
    }

    /// True if the piece takes another batch and so many groups.
    fn has_room(&self, groups: usize) -> bool {
        self.filling.groups.len() + groups <= MAX_GROUPS && self.touched.len() < MAX_SHORTENED
    }

    fn make_room(&mut self, groups: usize) {
        if !self.has_room(groups) {
            self.close();
        }
    }

    fn take(&mut self, entry: &OutboxEntry) {
        if let Some(batch) = self.waiting.take(entry) {
            self.touched.insert(batch.clone());
        }
    }

    fn count_in_digest(&mut self, entry: &OutboxEntry) {
        if let Some(digest) = &mut self.digest {
            count_in_digest(digest, entry);
        }
    }

    fn close(&mut self) {
        if self.touched.is_empty() {
            return;
        }
        for id in std::mem::take(&mut self.touched) {
            self.filling.batches.push(self.waiting.left(&id));
        }
        self.filling.digest.clone_from(&self.digest);
        self.full.push(std::mem::take(&mut self.filling));
    }
}

fn count_in_digest(digest: &mut Digest, entry: &OutboxEntry) {
    digest.accounts.insert(entry.key.account.clone());
    digest
        .tally(&entry.key.rule, entry.severity)
        .count(&entry.change);
}
