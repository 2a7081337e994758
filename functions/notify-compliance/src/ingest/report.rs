//! The outcome of observations.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::FindingKey;
use banto_domain::{AccountId, Breach};
use banto_ports::{ErrorKind, PortError};
use jiff::SignedDuration;

use super::plan::Plan;
use super::snapshot::Snapshot;

/// The outcome of observations, in all attempts.
#[derive(Debug, Default)]
pub struct Ingested {
    /// Findings that were not saved, and why. Whoever brought them brings them again.
    pub failed: BTreeMap<FindingKey, String>,
    /// Findings that could not be saved for now: AWS throttles, or there was no time. Nothing is
    /// wrong with them.
    pub held_up: BTreeSet<FindingKey>,
    /// Changes that were saved.
    pub saved: usize,
    /// Entries that were put into outboxes.
    pub queued: usize,
    /// Observations that changed nothing.
    pub skipped: usize,
    /// Routes on which something waits, and the longest that it may.
    pub(super) deliveries: BTreeMap<String, SignedDuration>,
    /// Findings whose entries are told only if a delivery is queued.
    pub(super) awaiting_delivery: BTreeSet<FindingKey>,
}

/// The plan of a real run, and what that would refuse to do.
#[derive(Debug, Default)]
pub(crate) struct DryRun {
    pub(crate) plan: Plan,
    /// Chains that are not in the plan for want of room in the answer.
    pub(crate) left_out: usize,
    pub(crate) refused: Vec<Breach>,
    /// Accounts that were to be compared, and for which there was no time.
    pub(crate) not_compared: Vec<AccountId>,
    /// Accounts that could not be looked up, so that nothing is planned for them.
    pub(crate) unknown_accounts: BTreeSet<AccountId>,
}

/// Most chains in the answer of a dry run. A chain is about 2 KB of JSON, and Lambda returns 6 MB
/// at most. (Lambda developer guide, "Lambda quotas".)
const MAX_CHAINS: usize = 1_000;

impl Ingested {
    pub(crate) fn add(&mut self, other: Self) {
        self.failed.extend(other.failed);
        self.held_up.extend(other.held_up);
        self.saved += other.saved;
        self.queued += other.queued;
        self.skipped += other.skipped;
    }

    /// True if nothing has to come again.
    #[cfg(test)]
    pub(crate) fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.held_up.is_empty()
    }

    /// Sorts a finding that was not saved by its reason.
    pub(super) fn add_error(&mut self, key: FindingKey, error: &PortError) {
        if matches!(error.kind, ErrorKind::Throttled | ErrorKind::Unavailable) {
            tracing::warn!(account.id = %key.account, rule.name = %key.rule, %error, "finding is held up");
            self.held_up.insert(key);
        } else {
            tracing::error!(account.id = %key.account, rule.name = %key.rule, %error, "finding was not taken in");
            self.failed.insert(key, error.to_string());
        }
    }

    pub(super) fn fail(&mut self, keys: BTreeSet<FindingKey>, why: &str) {
        for key in keys {
            tracing::error!(account.id = %key.account, rule.name = %key.rule, why, "finding was not taken in");
            self.failed.insert(key, why.to_owned());
        }
    }

    /// Adds the observations that change nothing, and the findings of accounts that could not be
    /// looked up.
    pub(super) fn add_plan(&mut self, snapshot: &Snapshot, plan: &Plan) {
        self.skipped += plan.skipped.values().sum::<usize>();
        for observation in &snapshot.observations {
            let key = &observation.key;
            if snapshot.nameless.contains(key) {
                self.held_up.insert(key.clone());
                continue;
            }
            if snapshot.accounts.contains_key(&key.account) {
                continue;
            }
            match snapshot.failed_accounts.get(&key.account) {
                Some(error) => self.add_error(key.clone(), error),
                None => self.fail([key.clone()].into(), "its account is not known"),
            }
        }
    }

    /// Notes that something waits on a route. Of several waits, the shortest counts.
    pub(super) fn add_delivery(&mut self, route: &str, after: SignedDuration) {
        let known = self.deliveries.entry(route.to_owned()).or_insert(after);
        *known = after.min(*known);
    }
}

impl DryRun {
    pub(super) fn add(&mut self, snapshot: &Snapshot, plan: Plan, refused: Vec<Breach>) {
        for (reason, count) in plan.skipped {
            *self.plan.skipped.entry(reason).or_default() += count;
        }
        for chain in plan.chains {
            if self.plan.chains.len() < MAX_CHAINS {
                self.plan.chains.push(chain);
            } else {
                self.left_out += 1;
            }
        }
        let room = MAX_CHAINS.saturating_sub(self.refused.len());
        self.refused.extend(refused.into_iter().take(room));
        self.unknown_accounts.extend(snapshot.unknown_accounts());
    }
}
