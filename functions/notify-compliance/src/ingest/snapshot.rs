//! What is seen before a plan is made, and the ports through which it is seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use banto_domain::AccountId;
use banto_domain::compliance::{AccountInfo, FindingKey, FindingState};
use banto_domain::policy::CompliancePolicy;
use banto_ports::{AccountCache, Aggregator, Clock, FindingStore, Organization};

use super::account_memory::AccountMemory;
use crate::event::Observation;
use crate::schedule::Scheduler;

/// All that this half reaches.
pub struct Ports {
    pub findings: Arc<dyn FindingStore>,
    pub accounts: Arc<dyn AccountCache>,
    pub memory: AccountMemory,
    pub organization: Arc<dyn Organization>,
    pub aggregator: Arc<dyn Aggregator>,
    pub scheduler: Scheduler,
    pub clock: Arc<dyn Clock>,
}

/// What a look is about.
#[derive(Debug)]
pub struct Job<'a> {
    pub observations: &'a [Observation],
    /// Says whether tags, units and names need to be known.
    pub policy: &'a CompliancePolicy,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    pub observations: Vec<Observation>,
    /// The findings that have a state.
    pub findings: BTreeMap<FindingKey, FindingState>,
    /// An account that could not be looked up is left out, and nothing is planned of it.
    pub accounts: BTreeMap<AccountId, AccountInfo>,
    /// Names of those resources that a waiver may name.
    pub names: BTreeMap<FindingKey, String>,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}
