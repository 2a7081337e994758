//! The StackSet's side of a convergence: lists the instances of a batch's accounts, and starts the
//! operations that `operations.rs` plans.

use banto_domain::AccountId;
use banto_domain::policy::onboarding::{OnboardingPolicy, Way};
use banto_domain::status::Reason;
use banto_ports::PortError;
use futures_util::{StreamExt as _, stream};

use super::expected::uses_stack_set;
use super::operations::Operation;
use super::ports::Ports;
use super::reasons::{reason, stack_set_reason};
use super::snapshot::Job;

/// The number of accounts whose instances are listed at once: as many as are worked on at once,
/// each with one call of CloudFormation.
const CONCURRENT_LOOKS: usize = 8;

/// Lists the instances of every job's account that gets its baseline by StackSet.
pub async fn observe(ports: &Ports, jobs: &mut [Job], policy: &OnboardingPolicy) {
    if policy.way == Way::Direct {
        return;
    }
    let mut looks = Vec::new();
    for job in jobs {
        if uses_stack_set(job.account(), policy) && job.account().is_active() {
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

/// Tells the accounts of an operation why it is not started.
pub fn refuse(jobs: &mut [Job], accounts: &[AccountId], reason: &Reason) {
    for job in jobs {
        if accounts.contains(&job.account().id) {
            job.instances = Some(Err(reason.clone()));
        }
    }
}
