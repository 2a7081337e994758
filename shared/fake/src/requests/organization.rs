//! Requests about the Organization and its StackSet.

use banto_domain::{AccountId, OuId, Region};
use banto_ports::OrgPolicyKind;
use serde_json::{Value, json};

/// The StackSet's name is the policy's, which the world does not know.
const STACK_SET: &str = "banto-baseline";

pub(crate) fn move_account(account: &AccountId, from: &OuId, to: &OuId) -> Value {
    json!({ "AccountId": account, "SourceParentId": from, "DestinationParentId": to })
}

pub(crate) fn effective_policy(account: &AccountId, kind: OrgPolicyKind) -> Value {
    let kind = match kind {
        OrgPolicyKind::S3 => "S3_POLICY",
        OrgPolicyKind::Ec2 => "DECLARATIVE_POLICY_EC2",
    };
    json!({ "PolicyType": kind, "TargetId": account })
}

pub(crate) fn stack_set_operations() -> Value {
    json!({ "StackSetName": STACK_SET, "CallAs": "SELF" })
}

pub(crate) fn stack_instances_of(account: &AccountId) -> Value {
    json!({ "StackSetName": STACK_SET, "CallAs": "SELF", "StackInstanceAccount": account })
}

/// An operation, as the adapter begins it; the units are the policy's, and the id is a random one.
pub(crate) fn stack_instances(accounts: &[AccountId], regions: &[Region]) -> Value {
    json!({
        "StackSetName": STACK_SET,
        "CallAs": "SELF",
        "OperationId": "00112233445566778899aabbccddeeff",
        "DeploymentTargets": {
            "Accounts": accounts,
            "AccountFilterType": "INTERSECTION",
            "OrganizationalUnitIds": ["r-ab12"],
        },
        "OperationPreferences": {
            "FailureTolerancePercentage": 100,
            "MaxConcurrentPercentage": 100,
            "RegionConcurrencyType": "PARALLEL",
        },
        "Regions": regions,
    })
}
