//! Packs chains into commits, as many into one as it takes: pure.

use std::collections::BTreeMap;

use banto_domain::compliance::{Lane, OutboxBatch, OutboxEntry};
use banto_ports::FindingCommit;
use jiff::Timestamp;

use crate::ingest::plan::Chain;

/// The numbers of findings and entries of a commit that is being packed.
#[derive(Default)]
struct Size<'a> {
    findings: usize,
    entries: BTreeMap<(&'a str, Lane), usize>,
}

/// Divides those chains that change something among commits.
pub(super) fn pack(chains: &[Chain]) -> Vec<Vec<&Chain>> {
    let mut commits: Vec<Vec<&Chain>> = Vec::new();
    let (mut commit, mut size) = (Vec::new(), Size::default());
    for chain in chains.iter().filter(|chain| chain.change.is_some()) {
        size.add(chain);
        if size.items() > FindingCommit::MAX_ITEMS && !commit.is_empty() {
            commits.push(std::mem::take(&mut commit));
            size = Size::default();
            size.add(chain);
        }
        commit.push(chain);
    }
    if !commit.is_empty() {
        commits.push(commit);
    }
    commits
}

impl<'a> Size<'a> {
    fn add(&mut self, chain: &'a Chain) {
        self.findings += 1;
        for (route, entry) in &chain.entries {
            *self.entries.entry((route, entry.lane())).or_default() += 1;
        }
    }

    fn items(&self) -> usize {
        let batches = self
            .entries
            .values()
            .map(|entries| entries.div_ceil(OutboxBatch::MAX_ENTRIES));
        self.findings + batches.sum::<usize>()
    }
}

/// The commit of chains: their changes, and a batch for each lane of each route.
pub(super) fn commit_of(chains: &[&Chain], now: Timestamp) -> FindingCommit {
    let mut entries: BTreeMap<(&str, Lane), Vec<OutboxEntry>> = BTreeMap::new();
    let mut commit = FindingCommit::default();
    for chain in chains {
        commit.findings.extend(chain.change.clone());
        for (route, entry) in &chain.entries {
            let waiting = entries.entry((route, entry.lane())).or_default();
            waiting.push(entry.clone());
        }
    }
    for ((route, lane), entries) in entries {
        for batch in entries.chunks(OutboxBatch::MAX_ENTRIES) {
            let batch = OutboxBatch::new(lane, batch.to_vec(), now);
            commit.batches.push((route.to_owned(), batch));
        }
    }
    commit
}
