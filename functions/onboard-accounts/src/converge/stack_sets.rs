//! Operations on the StackSet, for all waiting accounts of a batch at once: CloudFormation works on
//! one operation at a time. Data first (which instances to make, which to deploy anew), then the
//! acting.

use std::collections::BTreeMap;

use banto_domain::policy::onboarding::{OnboardingPolicy, Way};
use banto_domain::status::Reason;
use banto_domain::{AccountId, Region};
use banto_ports::{PortError, StackInstance};
use futures_util::{StreamExt as _, stream};
use serde::Serialize;

use super::ports::Ports;
use super::reasons::{reason, stack_set_reason};
use super::snapshot::{Job, baseline_of, uses_stack_set};

/// The number of accounts whose instances are listed at once: each list is one call of
/// CloudFormation.
const CONCURRENT_LOOKS: usize = 8;

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

/// Lists the instances of every job's account that gets its baseline by StackSet.
pub async fn observe(ports: &Ports, jobs: &mut [Job], policy: &OnboardingPolicy) {
    if policy.way == Way::Direct {
        return;
    }
    let mut looks = Vec::new();
    for job in jobs {
        if uses_stack_set(policy, job.account()) && job.account().is_active() {
            looks.push(observe_job(ports, job));
        }
    }
    stream::iter(looks)
        .buffer_unordered(CONCURRENT_LOOKS)
        .collect::<Vec<()>>()
        .await;
}

async fn observe_job(ports: &Ports, job: &mut Job) {
    let instances = ports.stack_instances.list(&job.account().id).await;
    job.instances = Some(instances.map_err(|error| reason(&error)));
}

/// Accounts by the regions in which they wait for the same operation.
type ByRegions = BTreeMap<Vec<Region>, Vec<AccountId>>;

/// Decides which operations the accounts wait for: one for all that lack the same regions.
pub fn plan(jobs: &[Job], policy: &OnboardingPolicy) -> Vec<Operation> {
    let (mut missing, mut failed) = (ByRegions::new(), ByRegions::new());
    for job in jobs {
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
    let (Some(baseline), Some(Ok(instances))) = (baseline_of(policy, job), &job.instances) else {
        return;
    };
    let mut regions: Vec<Region> = baseline.regions.iter().flatten().cloned().collect();
    regions.retain(|region| waits(instances.get(region)));
    if !regions.is_empty() {
        let account = job.account().id.clone();
        waiting.entry(regions).or_default().push(account);
    }
}

/// Starts the operations. The accounts of one that can't be started learn the reason.
pub async fn apply(ports: &Ports, operations: &[Operation], jobs: &mut [Job]) {
    for operation in operations {
        match start(ports, operation).await {
            Ok(()) => tracing::info!(operation = ?operation, "StackSet operation started"),
            Err(error) => {
                tracing::warn!(operation = ?operation, %error, "StackSet operation not started");
                refuse(jobs, operation.accounts(), &stack_set_reason(&error));
            }
        }
    }
}

async fn start(ports: &Ports, operation: &Operation) -> Result<(), PortError> {
    let stack_instances = ports.stack_instances.as_ref();
    match operation {
        Operation::Create { accounts, regions } => stack_instances.create(accounts, regions).await,
        Operation::Update { accounts, regions } => stack_instances.update(accounts, regions).await,
    }
}

fn refuse(jobs: &mut [Job], accounts: &[AccountId], reason: &Reason) {
    for job in jobs {
        if accounts.contains(&job.account().id) {
            job.instances = Some(Err(reason.clone()));
        }
    }
}

impl Operation {
    pub fn accounts(&self) -> &[AccountId] {
        match self {
            Self::Create { accounts, .. } | Self::Update { accounts, .. } => accounts,
        }
    }
}

#[cfg(test)]
mod tests;
