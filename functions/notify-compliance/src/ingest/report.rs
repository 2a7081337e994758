//! What became of observations.

use std::collections::BTreeSet;

use banto_domain::compliance::FindingKey;
use banto_domain::{AccountId, Breach};
use banto_ports::ErrorKind;

use super::apply::ChainOutcome;
use super::plan::Plan;
use super::snapshot::Snapshot;

#[derive(Debug, Default)]
pub struct Ingested {
    /// Findings that were not saved. Whoever brought them brings them again.
    pub failed: BTreeSet<FindingKey>,
    /// Changes that were saved.
    pub saved: usize,
    /// Entries that were put into outboxes.
    pub queued: usize,
    /// Findings that were observed and did not change.
    pub skipped: usize,
    /// Routes on which something waits.
    pub(super) routes: BTreeSet<String>,
    /// Findings that depend on the deliveries being queued.
    pub(super) touched: BTreeSet<FindingKey>,
}

/// What a real run would do, and what it would refuse to do.
#[derive(Debug)]
pub(crate) struct DryRun {
    pub(crate) plan: Plan,
    pub(crate) refused: Vec<Breach>,
    /// Accounts for which there was no time.
    pub(crate) left: Vec<AccountId>,
}

impl Ingested {
    pub(crate) fn add(&mut self, other: Self) {
        self.failed.extend(other.failed);
        self.saved += other.saved;
        self.queued += other.queued;
        self.skipped += other.skipped;
    }

    /// Adds the observations that the plan has no chain for: skipped ones, and failed ones of
    /// accounts that could not be looked up.
    pub(super) fn add_plan(&mut self, snapshot: &Snapshot, plan: &Plan) {
        let planned: BTreeSet<&FindingKey> = plan.chains.iter().map(|chain| &chain.key).collect();
        for observation in &snapshot.observations {
            let key = &observation.key;
            if !snapshot.accounts.contains_key(&key.account) {
                self.failed.insert(key.clone());
            }
            if !planned.contains(key) {
                self.skipped += 1;
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
            self.touched.insert(outcome.key.clone());
            match outcome.error {
                None => {}
                Some(error) if error.kind == ErrorKind::Conflict && !is_last => {
                    conflicts.insert(outcome.key);
                }
                Some(error) => {
                    let key = outcome.key;
                    tracing::error!(account.id = %key.account, rule.name = %key.rule, %error, "finding was not saved");
                    self.failed.insert(key);
                }
            }
        }
        conflicts
    }
}
