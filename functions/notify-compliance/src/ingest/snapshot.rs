//! What is seen before a plan is made.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::AccountId;
use banto_domain::compliance::{AccountInfo, FindingKey, FindingState};
use banto_domain::policy::CompliancePolicy;
use banto_ports::{PortError, ResourceFacts};

use crate::event::Observation;

/// The subject of a look.
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
    /// One that can't be looked up stays as it was last known; one never known is left out, and
    /// nothing is planned for it.
    pub accounts: BTreeMap<AccountId, AccountInfo>,
    /// The reasons why accounts could not be looked up.
    pub failed_accounts: BTreeMap<AccountId, PortError>,
    /// Facts of those resources that a waiver may name.
    pub facts: BTreeMap<FindingKey, ResourceFacts>,
    /// Findings that a waiver may cover by a name that can't be read for now: they wait.
    pub nameless: BTreeSet<FindingKey>,
}

impl Snapshot {
    /// The name of a finding's resource, where a waiver may go by it.
    pub(super) fn name_of(&self, key: &FindingKey) -> Option<&str> {
        self.facts.get(key)?.name.as_deref()
    }

    /// The accounts of observations that could not be looked up, and were never known.
    pub fn unknown_accounts(&self) -> BTreeSet<AccountId> {
        let mut unknown = BTreeSet::new();
        for observation in &self.observations {
            let account = &observation.key.account;
            if !self.accounts.contains_key(account) {
                unknown.insert(account.clone());
            }
        }
        unknown
    }
}
