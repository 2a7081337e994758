//! Faults of the management account: trust, StackSets, rules, the pipeline.

use serde_json::{Value, json};

use super::super::super::check::{Level, Topic};
use super::super::MANAGEMENT;
use super::super::healthy::role;
use super::{Fault, fault};

pub(super) fn of_management() -> Vec<Fault> {
    let services = "organizations:ListAWSServiceAccessForOrganization";
    let none_trusted = json!({"EnabledServicePrincipals": [
        {"ServicePrincipal": "config.amazonaws.com"},
        {"ServicePrincipal": "config-multiaccountsetup.amazonaws.com"},
    ]});
    let billing = json!({"Organization": {"FeatureSet": "CONSOLIDATED_BILLING"}});
    let failed = json!(
        "<Summaries><member><Account>444455556666</Account><Region>us-east-1</Region>\
         <StatusReason>Role banto-forward-us-east-1 exists</StatusReason><StackInstanceStatus>\
         <DetailedStatus>FAILED</DetailedStatus></StackInstanceStatus></member></Summaries>"
    );
    let rules = "config:DescribeOrganizationConfigRuleStatuses";
    let not_updated = json!({"OrganizationConfigRuleStatuses": [{
        "OrganizationConfigRuleName": "encrypted-volumes", "OrganizationRuleStatus": "UPDATE_FAILED",
        "ErrorMessage": "Some accounts have no recorder",
    }]});
    let failed_rule = json!({"OrganizationConfigRuleStatuses": [{
        "OrganizationConfigRuleName": "encrypted-volumes", "OrganizationRuleStatus": "CREATE_FAILED",
        "ErrorCode": "OrganizationConfigRuleExecution", "ErrorMessage": "Some accounts have no recorder",
    }]});
    let any = json!("repo:example-org/*");
    let (at, trust, sets) = (MANAGEMENT, Topic::TrustedAccess, Topic::StackSets);
    let instances = "cloudformation:ListStackInstances";
    let delegates = "organizations:ListDelegatedAdministrators";
    let old = json!(["repo:example-org/banto:pull_request"]);
    let new = json!(["repo:example-org@123/banto@456:pull_request"]);
    let roles = |operator, own: &Value| ("iam:ListRoles", "", Ok(json!(role(operator, own))));
    vec![
        fault(
            "untrusted",
            at,
            (services, "", Ok(none_trusted)),
            trust,
            Level::Error,
        ),
        fault(
            "billing-only",
            at,
            ("organizations:DescribeOrganization", "", Ok(billing)),
            trust,
            Level::Error,
        ),
        fault(
            "no-delegate",
            at,
            (delegates, "", Ok(json!({}))),
            trust,
            Level::Error,
        ),
        fault(
            "stacks-failed",
            at,
            (instances, "banto-baseline", Ok(failed.clone())),
            sets,
            Level::Warning,
        ),
        fault(
            "forwarding-failed",
            at,
            (instances, "banto-event-forwarding", Ok(failed)),
            sets,
            Level::Error,
        ),
        fault(
            "stack-set-drifted",
            at,
            (
                "cloudformation:DescribeStackSet",
                "banto-baseline",
                Ok(json!("<DriftStatus>DRIFTED</DriftStatus>")),
            ),
            sets,
            Level::Warning,
        ),
        fault(
            "stack-set-missing",
            at,
            (
                "cloudformation:DescribeStackSet",
                "banto-baseline",
                Err("StackSetNotFoundException"),
            ),
            sets,
            Level::Error,
        ),
        fault(
            "rule-failed",
            at,
            (rules, "us-east-1", Ok(failed_rule)),
            Topic::Rules,
            Level::Error,
        ),
        fault(
            "rule-not-updated",
            at,
            (rules, "us-east-1", Ok(not_updated)),
            Topic::Rules,
            Level::Error,
        ),
        fault(
            "no-rules",
            at,
            (rules, "us-east-1", Ok(json!({}))),
            Topic::Rules,
            Level::Note,
        ),
        fault(
            "any-subject",
            at,
            roles("StringLike", &any),
            Topic::Pipeline,
            Level::Error,
        ),
        fault(
            "no-subject-with-ids",
            at,
            roles("StringEquals", &old),
            Topic::Pipeline,
            Level::Error,
        ),
        fault(
            "no-subject-without-ids",
            at,
            roles("StringEquals", &new),
            Topic::Pipeline,
            Level::Error,
        ),
        fault(
            "no-pipeline",
            at,
            ("iam:ListRoles", "", Ok(json!("<Roles/>"))),
            Topic::Pipeline,
            Level::Note,
        ),
    ]
}
