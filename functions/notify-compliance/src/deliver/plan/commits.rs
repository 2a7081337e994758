//! Divides what is saved after a message into pieces that DynamoDB writes at once: pure.
//!
//! Each piece counts its own entries only, so that a run that ends between two of them counts
//! nothing twice.

use banto_domain::compliance::{Digest, FindingGroup, NotifiedIn, OutboxEntry};
use banto_ports::DeliveryCommit;

use super::counts::{count_in_digest, counted};
use crate::deliver::delivery::GroupChange;

/// The pieces so far, and the one that is being filled.
struct Pieces {
    full: Vec<DeliveryCommit>,
    filling: DeliveryCommit,
    /// The digest, as it is after the entries so far.
    digest: Option<Digest>,
}

pub(super) fn commits(changes: &[GroupChange], digest: Option<&Digest>) -> Vec<DeliveryCommit> {
    let mut pieces = Pieces {
        full: Vec::new(),
        filling: DeliveryCommit::default(),
        digest: digest.cloned(),
    };
    for change in changes {
        pieces.add(change);
    }
    pieces.close();
    pieces.full
}

impl Pieces {
    /// Adds a group's entries, to several pieces if need be. Each of them has the group as it is
    /// then.
    fn add(&mut self, change: &GroupChange) {
        let mut counts = change
            .base()
            .map_or((0, 0), |base| (base.open, base.resolved));
        let mut is_new_account = is_new_in_digest(change, self.digest.as_ref());
        let mut left = change.entries.as_slice();
        while !left.is_empty() {
            // A piece takes the group and one of its entries at least.
            if self.room() < 2 {
                self.close();
            }
            let (taken, later) = left.split_at(left.len().min(self.room() - 1));
            left = later;
            for entry in taken {
                counts = counted(counts, entry);
                if let Some(digest) = &mut self.digest {
                    count_in_digest(digest, entry, std::mem::take(&mut is_new_account));
                }
            }
            self.push(change, counts, taken);
        }
    }

    fn room(&self) -> usize {
        DeliveryCommit::MAX_ITEMS - self.filling.groups.len() - self.filling.entries.len()
    }

    fn push(&mut self, change: &GroupChange, (open, resolved): (u32, u32), taken: &[OutboxEntry]) {
        let mut group = FindingGroup {
            open,
            resolved,
            ..change.after.clone()
        };
        if let Some(digest) = &self.digest {
            group.notified_in = NotifiedIn::Digest(digest.id.clone());
        }
        self.filling.groups.push(group);
        self.filling.entries.extend_from_slice(taken);
    }

    fn close(&mut self) {
        if !self.filling.groups.is_empty() {
            self.filling.digest.clone_from(&self.digest);
            self.full.push(std::mem::take(&mut self.filling));
        }
    }
}

/// True if the group begins in the digest, which then counts its account: it was not told there
/// before, or all of it was resolved.
fn is_new_in_digest(change: &GroupChange, digest: Option<&Digest>) -> bool {
    match (change.before.as_ref(), digest) {
        (Some(before), Some(digest)) => {
            before.notified_in != NotifiedIn::Digest(digest.id.clone()) || before.open == 0
        }
        _ => true,
    }
}
