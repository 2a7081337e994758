//! What became of observations.

use std::collections::BTreeSet;

use banto_domain::compliance::FindingKey;
use banto_domain::{AccountId, Breach};
use banto_ports::ErrorKind;

use super::apply::ChainOutcome;
use super::plan::Plan;
use super::snapshot::Snapshot;

/// What ingest did with observations, in all attempts.
#[derive(Debug, Default)]
pub struct Ingested {
    /// Findings that were not saved. Whoever brought them brings them again.
    pub failed: BTreeSet<FindingKey>,
    /// Changes that were saved.
    pub saved: usize,
    /// Entries that were put into outboxes.
    pub queued: usize,
    /// Observations that changed nothing.
    pub skipped: usize,
    /// Routes on which something waits.
    pub(super) routes: BTreeSet<String>,
    /// Findings whose entries are told only if a delivery is queued.
    pub(super) awaiting_delivery: BTreeSet<FindingKey>,
}

/// What a real run would do, and what it would refuse to do.
#[derive(Debug)]
pub(crate) struct DryRun {
    pub(crate) plan: Plan,
    pub(crate) refused: Vec<Breach>,
    /// Accounts that were to be compared, and for which there was no time.
    pub(crate) not_compared: Vec<AccountId>,
    /// Accounts that could not be looked up, so that nothing is planned for them.
    pub(crate) unknown_accounts: BTreeSet<AccountId>,
}

impl Ingested {
    pub(crate) fn add(&mut self, other: Self) {
        self.failed.extend(other.failed);
        self.saved += other.saved;
        self.queued += other.queued;
        self.skipped += other.skipped;
    }

    /// Adds the observations that change nothing, and the findings of accounts that could not be
    /// looked up: these have failed.
    pub(super) fn add_plan(&mut self, snapshot: &Snapshot, plan: &Plan) {
        self.skipped += plan.skipped.values().sum::<usize>();
        for observation in &snapshot.observations {
            if !snapshot.accounts.contains_key(&observation.key.account) {
                self.failed.insert(observation.key.clone());
            }
        }
    }

    /// Adds outcomes, and returns the findings that another run changed first. Of a last attempt,
    /// these have failed.
    pub(super) fn add_outcomes(
        &mut self,
        outcomes: Vec<ChainOutcome>,
        is_last: bool,
    ) -> BTreeSet<FindingKey> {
        let mut conflicts = BTreeSet::new();
        for outcome in outcomes {
            self.saved += outcome.saved;
            self.queued += outcome.queued;
            self.routes.extend(outcome.routes);
            self.awaiting_delivery.insert(outcome.key.clone());
            match outcome.error {
                None => {}
                Some(error) if error.kind == ErrorKind::Conflict && !is_last => {
                    conflicts.insert(outcome.key);
                }
                Some(error) => {
                    let key = outcome.key;
                    tracing::error!(account.id = %key.account, rule.name = %key.rule, %error, "finding was not taken in");
                    self.failed.insert(key);
                }
            }
        }
        conflicts
    }
}
