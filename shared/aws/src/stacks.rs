//! The instances of a service-managed StackSet.

use std::collections::BTreeMap;

use async_trait::async_trait;
use banto_domain::policy::onboarding::StackSet;
use banto_domain::{AccountId, OuId, Region};
use banto_ports::{ErrorKind, PortError, StackInstance, StackInstances};
use roxmltree::Node;

use crate::caller::Caller;
use crate::errors::lacking;
use crate::token_bucket::TokenBucket;
use crate::xml::{self, Element};

/// The version of the API. (CloudFormation API reference.)
const VERSION: &str = "2010-05-15";

/// Most operations of a page. (CloudFormation API reference, `ListStackSetOperations`.)
const LARGEST_PAGE: &str = "100";

/// AWS publishes no rate for StackSets. All accounts ask in the one account of the StackSet, so
/// that what it throttles holds up all of them.
const CALLS_PER_SECOND: u32 = 5;

/// CloudFormation's view of the StackSet.
#[derive(Debug)]
pub struct CloudFormationStacks {
    caller: Caller,
    calls: TokenBucket,
    stack_set: Option<StackSet>,
}

impl CloudFormationStacks {
    pub(crate) fn new(caller: Caller, stack_set: Option<StackSet>) -> Self {
        Self {
            caller,
            calls: TokenBucket::per_second(CALLS_PER_SECOND, CALLS_PER_SECOND),
            stack_set,
        }
    }

    async fn ask<K: AsRef<str>>(
        &self,
        call: &'static str,
        fields: &[(K, &str)],
    ) -> Result<String, PortError> {
        self.calls.acquire().await;
        self.caller.query(call, VERSION, fields).await
    }

    fn stack_set(&self, call: &'static str) -> Result<&StackSet, PortError> {
        let none = || PortError::new(ErrorKind::Invalid, call, "the policy names no StackSet");
        self.stack_set.as_ref().ok_or_else(none)
    }

    /// Begins an operation on the instances of accounts, as far as they are in the units that the
    /// StackSet may be deployed to. One account that fails stops no other.
    async fn operate(
        &self,
        call: &'static str,
        accounts: &[AccountId],
        regions: &[Region],
    ) -> Result<(), PortError> {
        let stack_set = self.stack_set(call)?;
        let operation = operation_id(call)?;
        let mut fields = vec![
            ("StackSetName".to_owned(), stack_set.name.as_str()),
            ("CallAs".to_owned(), call_as(stack_set)),
            ("OperationId".to_owned(), &operation),
            (
                "DeploymentTargets.AccountFilterType".to_owned(),
                "INTERSECTION",
            ),
            (
                "OperationPreferences.FailureTolerancePercentage".to_owned(),
                "100",
            ),
            (
                "OperationPreferences.MaxConcurrentPercentage".to_owned(),
                "100",
            ),
            (
                "OperationPreferences.RegionConcurrencyType".to_owned(),
                "PARALLEL",
            ),
        ];
        let lists: [(&str, Vec<&str>); 3] = [
            (
                "DeploymentTargets.Accounts",
                accounts.iter().map(AccountId::as_str).collect(),
            ),
            (
                "DeploymentTargets.OrganizationalUnitIds",
                stack_set.targets.iter().map(OuId::as_str).collect(),
            ),
            ("Regions", regions.iter().map(Region::as_str).collect()),
        ];
        for (name, members) in lists {
            fields.extend(
                (1..)
                    .zip(members)
                    .map(|(number, member)| (format!("{name}.member.{number}"), member)),
            );
        }
        match self.ask(call, &fields).await {
            // An earlier try began it, and only its answer was lost: nobody else knows the id.
            Err(error) if error.message.starts_with("OperationIdAlreadyExists") => Ok(()),
            answer => answer.map(drop),
        }
    }
}

#[async_trait]
impl StackInstances for CloudFormationStacks {
    async fn list(
        &self,
        account: &AccountId,
    ) -> Result<BTreeMap<Region, StackInstance>, PortError> {
        const CALL: &str = "cloudformation:ListStackInstances";
        let stack_set = self.stack_set(CALL)?;
        let mut instances = BTreeMap::new();
        let mut token: Option<String> = None;
        loop {
            let mut fields = vec![
                ("StackSetName", stack_set.name.as_str()),
                ("CallAs", call_as(stack_set)),
                ("StackInstanceAccount", account.as_str()),
            ];
            fields.extend(token.as_deref().map(|token| ("NextToken", token)));
            let text = self.ask(CALL, &fields).await?;
            let document = xml::document(CALL, &text)?;
            let result = document.root_element().child("ListStackInstancesResult");
            let result = result.ok_or_else(|| lacking(CALL, "its result"))?;
            for summary in result.child("Summaries").iter().flat_map(Node::children) {
                if let Some(region) = summary
                    .text_of("Region")
                    .and_then(|region| region.parse().ok())
                {
                    instances.insert(region, instance(summary));
                }
            }
            token = result.text_of("NextToken").map(str::to_owned);
            if token.is_none() {
                return Ok(instances);
            }
        }
    }

    /// Reads the newest operations only, which come first: one that is under way is hardly ever
    /// older than a hundred others. A page may be empty and yet not the last.
    async fn is_operating(&self) -> Result<bool, PortError> {
        const CALL: &str = "cloudformation:ListStackSetOperations";
        let stack_set = self.stack_set(CALL)?;
        let mut token: Option<String> = None;
        loop {
            let mut fields = vec![
                ("StackSetName", stack_set.name.as_str()),
                ("CallAs", call_as(stack_set)),
                ("MaxResults", LARGEST_PAGE),
            ];
            fields.extend(token.as_deref().map(|token| ("NextToken", token)));
            let text = self.ask(CALL, &fields).await?;
            let document = xml::document(CALL, &text)?;
            let result = document
                .root_element()
                .child("ListStackSetOperationsResult");
            let result = result.ok_or_else(|| lacking(CALL, "its result"))?;
            let summaries = result.child("Summaries");
            let summaries = summaries.iter().flat_map(Node::children);
            let operations: Vec<Node<'_, '_>> = summaries.filter(Node::is_element).collect();
            token = result.text_of("NextToken").map(str::to_owned);
            if !operations.is_empty() || token.is_none() {
                return Ok(operations.into_iter().any(is_under_way));
            }
        }
    }

    async fn create(&self, accounts: &[AccountId], regions: &[Region]) -> Result<(), PortError> {
        self.operate("cloudformation:CreateStackInstances", accounts, regions)
            .await
    }

    async fn update(&self, accounts: &[AccountId], regions: &[Region]) -> Result<(), PortError> {
        self.operate("cloudformation:UpdateStackInstances", accounts, regions)
            .await
    }
}

fn call_as(stack_set: &StackSet) -> &'static str {
    if stack_set.delegated {
        "DELEGATED_ADMIN"
    } else {
        "SELF"
    }
}

/// Names an operation, so that a request that is tried again begins no second one.
fn operation_id(call: &'static str) -> Result<String, PortError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|_| {
        PortError::new(
            ErrorKind::Unavailable,
            call,
            "the machine gives no random numbers",
        )
    })?;
    Ok(id.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// True of an operation that has not ended. (CloudFormation API reference,
/// `StackSetOperationSummary`.)
fn is_under_way(operation: Node<'_, '_>) -> bool {
    matches!(
        operation.text_of("Status"),
        Some("QUEUED" | "RUNNING" | "STOPPING")
    )
}

/// (CloudFormation API reference, `StackInstanceSummary`.)
fn instance(summary: Node<'_, '_>) -> StackInstance {
    let why = || {
        summary
            .text_of("StatusReason")
            .unwrap_or("CloudFormation gives no reason")
            .to_owned()
    };
    let detailed = summary
        .child("StackInstanceStatus")
        .and_then(|status| status.text_of("DetailedStatus"));
    match (summary.text_of("Status"), detailed) {
        (Some("INOPERABLE"), _) | (_, Some("INOPERABLE" | "FAILED_IMPORT")) => {
            StackInstance::Inoperable(why())
        }
        (_, Some("PENDING" | "RUNNING")) => StackInstance::Pending,
        (_, Some("FAILED" | "CANCELLED" | "SKIPPED_SUSPENDED_ACCOUNT")) => {
            StackInstance::Failed(why())
        }
        (Some("CURRENT"), _) => StackInstance::Current,
        // Outdated without a failure: an operation has yet to reach it.
        _ => StackInstance::Pending,
    }
}
