//! Every permission of both policies: the scenario that misses it, or why none can.

use super::Scenario::{self, Changes, Daily, Due, Elsewhere, Exposed, Requests};
use super::policy::{self, Permission};
use super::{COMPLIANCE, ROTATION, compliance, rotation};

/// The statements' permissions that a scenario uses, by the first that shows it.
const CARRIED: [(Scenario, &str, &[&str]); 25] = [
    (
        Due,
        "ReadTheCredentialReport",
        &["iam:GenerateCredentialReport", "iam:GetCredentialReport"],
    ),
    (
        Due,
        "RotateTheUsersKeys",
        &[
            "iam:CreateAccessKey",
            "iam:DeleteAccessKey",
            "iam:GetUser",
            "iam:ListAccessKeys",
            "iam:UpdateAccessKey",
        ],
    ),
    // It tells whose key was found exposed, too.
    (Exposed, "RotateTheUsersKeys", &["iam:GetAccessKeyLastUsed"]),
    (
        Exposed,
        "EndTheUsersSessions",
        &["iam:AttachUserPolicy", "iam:DetachUserPolicy"],
    ),
    (
        Exposed,
        "ReadWhatWasDoneWithExposedKeys",
        &["cloudtrail:LookupEvents"],
    ),
    (Due, "ReadTheGroupsThatThePolicyNames", &["iam:GetGroup"]),
    (
        Due,
        "KeepTheRecords",
        &[
            "secretsmanager:CreateSecret",
            "secretsmanager:GetSecretValue",
            "secretsmanager:ListSecretVersionIds",
            "secretsmanager:PutResourcePolicy",
            "secretsmanager:PutSecretValue",
            "secretsmanager:UntagResource",
        ],
    ),
    (Requests, "KeepTheRecords", &["secretsmanager:TagResource"]),
    (Due, "SignTheRecords", &["kms:Sign"]),
    (Due, "FindTheOpenRecords", &["secretsmanager:ListSecrets"]),
    (Due, "ReadTheWebhooks", &["secretsmanager:GetSecretValue"]),
    (
        Due,
        "ReadTheCertificates",
        &["s3:GetObject", "s3:GetObjectVersion"],
    ),
    (
        Due,
        "LearnSinceWhenACertificateHasBeenStored",
        &["s3:ListBucketVersions"],
    ),
    (Exposed, "WorkOffTheQueue", &["sqs:ChangeMessageVisibility"]),
    (Due, "TellPeople", &["sns:Publish"]),
    (Elsewhere, "EnterOtherIdentityAccounts", &["sts:AssumeRole"]),
    (
        Requests,
        "HandRevocationsToOnboardAccounts",
        &["sqs:SendMessage"],
    ),
    (Daily, "ListTheAccounts", &["organizations:ListAccounts"]),
    (
        Changes,
        "LookAccountsUp",
        &[
            "organizations:DescribeAccount",
            "organizations:ListParents",
            "organizations:ListTagsForResource",
        ],
    ),
    (
        Changes,
        "FindTheUnitsAboveAUnit",
        &["organizations:ListParents"],
    ),
    (Changes, "WorkOffTheQueues", &["sqs:SendMessage"]),
    (
        Changes,
        "KeepTheLedger",
        &[
            "dynamodb:BatchGetItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
        ],
    ),
    (Changes, "TellByTopics", &["sns:Publish"]),
    (Changes, "TellByMail", &["ses:SendEmail"]),
    (
        Changes,
        "ReadTheTokenTheWebhooksAndTheEndpoints",
        &["secretsmanager:GetSecretValue"],
    ),
];

/// The permission without which only times differ: a request comes again at the queue's own time,
/// which is later than the one that the function asks for.
pub const ENDS_ALIKE: &str = "sqs:ChangeMessageVisibility";

const POLLED: &str = "Lambda's event source mapping calls it, and there is none";
const DECRYPTED: &str = "a secret's KMS key is never asked for";
const RECORDED: &str = "the aggregator's answers are recorded";

/// The permissions that no scenario can show, and why: without them all, each ends as with them.
const UNCARRIED: [(&[Scenario], &str, &[&str], &str); 6] = [
    (&ROTATION, "DecryptTheSecrets", &["kms:Decrypt"], DECRYPTED),
    (
        &ROTATION,
        "TellAMissingCertificateFromAForbiddenOne",
        &["s3:ListBucket"],
        "a missing object is told from a forbidden one without it",
    ),
    (
        &ROTATION,
        "WorkOffTheQueue",
        &[
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
        ],
        POLLED,
    ),
    (
        &COMPLIANCE,
        "DecryptTheSecrets",
        &["kms:Decrypt"],
        DECRYPTED,
    ),
    (
        &COMPLIANCE,
        "AskTheAggregator",
        &[
            "config:BatchGetAggregateResourceConfig",
            "config:DescribeAggregateComplianceByConfigRules",
            "config:GetAggregateComplianceDetailsByConfigRule",
        ],
        RECORDED,
    ),
    (
        &COMPLIANCE,
        "WorkOffTheQueues",
        &[
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
        ],
        POLLED,
    ),
];

/// Every permission in a table, each by itself.
pub fn carried(by: &[Scenario]) -> Vec<(Scenario, Permission)> {
    let rows = CARRIED
        .iter()
        .filter(|(scenario, ..)| by.contains(scenario));
    rows.flat_map(|(scenario, sid, actions)| {
        actions
            .iter()
            .map(|action| (*scenario, Permission { sid, action }))
    })
    .collect()
}

pub fn uncarried(of: &[Scenario]) -> Vec<(Permission, &'static str)> {
    let rows = UNCARRIED.iter().filter(|(scenarios, ..)| *scenarios == of);
    rows.flat_map(|(_, sid, actions, why)| {
        actions
            .iter()
            .map(|action| (Permission { sid, action }, *why))
    })
    .collect()
}

/// Every permission of the policy is in one of the two tables, once.
fn is_exact(scenarios: &[Scenario], template: &str) {
    let listed = carried(scenarios)
        .into_iter()
        .map(|(_, permission)| permission);
    let listed = listed.chain(
        uncarried(scenarios)
            .into_iter()
            .map(|(permission, _)| permission),
    );
    let mut listed: Vec<(String, String)> = listed
        .map(|Permission { sid, action }| (sid.to_owned(), action.to_owned()))
        .collect();
    let mut allowed = policy::permissions(template);
    listed.sort();
    allowed.sort();
    assert_eq!(listed, allowed);
}

#[test]
fn the_tables_have_each_permission_of_both_policies_once() {
    is_exact(&ROTATION, rotation::TEMPLATE);
    is_exact(&COMPLIANCE, compliance::TEMPLATE);
}
