//! The operations on the StackSet that a batch of accounts waits for: which instances to make, and
//! which to deploy anew. CloudFormation works on one operation at a time, so that all accounts that
//! wait for the same are in one.

use std::collections::BTreeMap;

use banto_domain::policy::onboarding::OnboardingPolicy;
use banto_domain::{AccountId, Region};
use banto_ports::StackInstance;
use jiff::Timestamp;
use serde::Serialize;

use super::expected::{expected_baseline, is_new_to_control_tower};
use super::snapshot::Job;

/// One operation on the StackSet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Operation {
    /// Make instances in each of these accounts and regions.
    Create {
        accounts: Vec<AccountId>,
        regions: Vec<Region>,
    },
    /// Deploy existing instances anew in each of these accounts and regions.
    Update {
        accounts: Vec<AccountId>,
        regions: Vec<Region>,
    },
}

impl Operation {
    pub fn accounts(&self) -> &[AccountId] {
        match self {
            Self::Create { accounts, .. } | Self::Update { accounts, .. } => accounts,
        }
    }

    pub fn regions(&self) -> &[Region] {
        match self {
            Self::Create { regions, .. } | Self::Update { regions, .. } => regions,
        }
    }
}

/// Accounts by the regions in which they wait for the same operation.
type ByRegions = BTreeMap<Vec<Region>, Vec<AccountId>>;

/// Decides which operations the accounts wait for: one for all that lack the same regions. An
/// account that waits for Control Tower gets no instances yet; recorders are not looked at here, so
/// that only Control Tower's event or the hour ends that wait.
pub fn plan(jobs: &[Job], policy: &OnboardingPolicy, now: Timestamp) -> Vec<Operation> {
    let (mut missing, mut failed) = (ByRegions::new(), ByRegions::new());
    for job in jobs {
        if is_new_to_control_tower(job, policy, now) {
            continue;
        }
        add(&mut missing, job, policy, |it| it.is_none());
        add(&mut failed, job, policy, |it| {
            matches!(it, Some(StackInstance::Failed(_)))
        });
    }
    let mut operations = Vec::new();
    for (regions, accounts) in missing {
        operations.push(Operation::Create { accounts, regions });
    }
    for (regions, accounts) in failed {
        operations.push(Operation::Update { accounts, regions });
    }
    operations
}

/// Adds a job's account under the regions of its baseline whose instances wait.
fn add(
    waiting: &mut ByRegions,
    job: &Job,
    policy: &OnboardingPolicy,
    waits: fn(Option<&StackInstance>) -> bool,
) {
    let (Ok(baseline), Some(Ok(instances))) = (expected_baseline(job, policy), &job.instances)
    else {
        return;
    };
    let mut regions: Vec<Region> = baseline.regions.iter().flatten().cloned().collect();
    regions.retain(|region| waits(instances.get(region)));
    if !regions.is_empty() {
        let account = job.account().id.clone();
        waiting.entry(regions).or_default().push(account);
    }
}

#[cfg(test)]
mod tests;
