//! The instances of a service-managed StackSet.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{
    AccountFilterType, CallAs, DeploymentTargets, RegionConcurrencyType, StackDriftStatus,
    StackInstanceDetailedStatus as Detailed, StackInstanceStatus as Status, StackInstanceSummary,
    StackSetOperationPreferences,
};
use banto_domain::policy::onboarding::StackSet;
use banto_domain::{AccountId, Region};
use banto_ports::{ErrorKind, PortError, StackInstance, StackInstances};

use crate::errors::port_error;

/// CloudFormation's view of the StackSet.
#[derive(Debug)]
pub struct CloudFormationStacks {
    client: Client,
    stack_set: Option<StackSet>,
}

impl CloudFormationStacks {
    pub(crate) fn new(client: Client, stack_set: Option<StackSet>) -> Self {
        Self { client, stack_set }
    }

    fn stack_set(&self, call: &'static str) -> Result<(&StackSet, CallAs), PortError> {
        let none = || PortError::new(ErrorKind::Invalid, call, "the policy names no StackSet");
        let stack_set = self.stack_set.as_ref().ok_or_else(none)?;
        Ok((stack_set, if stack_set.delegated { CallAs::DelegatedAdmin } else { CallAs::SelfValue }))
    }
}

#[async_trait]
impl StackInstances for CloudFormationStacks {
    async fn of(&self, account: &AccountId) -> Result<BTreeMap<Region, StackInstance>, PortError> {
        const CALL: &str = "cloudformation:ListStackInstances";
        let (stack_set, call_as) = self.stack_set(CALL)?;
        let mut instances = BTreeMap::new();
        let mut token = None;
        loop {
            let request = self.client.list_stack_instances().stack_set_name(&stack_set.name).call_as(call_as.clone());
            let request = request.stack_instance_account(account.as_str()).set_next_token(token);
            let page = request.send().await.map_err(|error| port_error(CALL, &error))?;
            for summary in page.summaries() {
                if let Some(region) = summary.region().and_then(|region| region.parse().ok()) {
                    instances.insert(region, instance(summary));
                }
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(instances);
            }
        }
    }

    async fn create(&self, accounts: &[AccountId], regions: &[Region]) -> Result<(), PortError> {
        const CALL: &str = "cloudformation:CreateStackInstances";
        let (stack_set, call_as) = self.stack_set(CALL)?;
        let request = self.client.create_stack_instances().stack_set_name(&stack_set.name).call_as(call_as);
        let request = request.deployment_targets(targets(stack_set, accounts)).set_regions(Some(names(regions)));
        let sent = request.operation_preferences(preferences()).send().await;
        sent.map_err(|error| port_error(CALL, &error))?;
        Ok(())
    }

    async fn update(&self, accounts: &[AccountId], regions: &[Region]) -> Result<(), PortError> {
        const CALL: &str = "cloudformation:UpdateStackInstances";
        let (stack_set, call_as) = self.stack_set(CALL)?;
        let request = self.client.update_stack_instances().stack_set_name(&stack_set.name).call_as(call_as);
        let request = request.deployment_targets(targets(stack_set, accounts)).set_regions(Some(names(regions)));
        let sent = request.operation_preferences(preferences()).send().await;
        sent.map_err(|error| port_error(CALL, &error))?;
        Ok(())
    }
}

/// These accounts, as far as they are in the units that the StackSet may be deployed to.
fn targets(stack_set: &StackSet, accounts: &[AccountId]) -> DeploymentTargets {
    DeploymentTargets::builder()
        .set_accounts(Some(accounts.iter().map(ToString::to_string).collect()))
        .set_organizational_unit_ids(Some(stack_set.targets.iter().map(ToString::to_string).collect()))
        .account_filter_type(AccountFilterType::Intersection)
        .build()
}

fn names(regions: &[Region]) -> Vec<String> {
    regions.iter().map(ToString::to_string).collect()
}

/// One account that fails stops no other.
fn preferences() -> StackSetOperationPreferences {
    StackSetOperationPreferences::builder()
        .failure_tolerance_percentage(100)
        .max_concurrent_percentage(100)
        .region_concurrency_type(RegionConcurrencyType::Parallel)
        .build()
}

/// (CloudFormation API reference, `StackInstanceSummary`.)
fn instance(summary: &StackInstanceSummary) -> StackInstance {
    let why = || summary.status_reason().unwrap_or("CloudFormation gives no reason").to_owned();
    let detailed = summary.stack_instance_status().and_then(|status| status.detailed_status());
    match (summary.status(), detailed) {
        (Some(Status::Inoperable), _) | (_, Some(Detailed::Inoperable | Detailed::FailedImport)) => {
            StackInstance::Inoperable(why())
        }
        (_, Some(Detailed::Pending | Detailed::Running)) => StackInstance::Pending,
        (_, Some(Detailed::Failed | Detailed::Cancelled | Detailed::SkippedSuspendedAccount)) => {
            StackInstance::Failed(why())
        }
        (Some(Status::Current), _) if summary.drift_status() == Some(&StackDriftStatus::Drifted) => {
            StackInstance::Drifted
        }
        (Some(Status::Current), _) => StackInstance::Current,
        // Outdated without a failure: an operation has yet to reach it.
        _ => StackInstance::Pending,
    }
}
