use banto_fake::PolicyText;
use banto_ports::{AccountState, OrgAccount};

use super::*;
use crate::message::{Cause, ConvergeRequest};

/// A policy by StackSet, with two regions.
const BASELINE: &str = r#"[onboarding]
way = "stackset"
management_account = "999988887777"
home_region = "eu-west-1"
regions = ["eu-west-1", "us-east-1"]
queue = "https://sqs.eu-west-1.amazonaws.com/999988887777/banto"
table = "banto"
dashboard = { bucket = "dashboard" }
[onboarding.stack_set]
name = "banto"
targets = ["r-ab12"]
[onboarding.config]
bucket = "log-archive"
"#;

fn policy() -> OnboardingPolicy {
    let policy = PolicyText::least().and(BASELINE).parse();
    policy.onboarding.unwrap()
}

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

fn id(number: u32) -> AccountId {
    format!("{number:012}").parse().unwrap()
}

fn job(number: u32, instances: &[(&str, StackInstance)]) -> Job {
    let own = instances
        .iter()
        .map(|(name, instance)| (region(name), instance.clone()));
    Job {
        request: ConvergeRequest {
            account: OrgAccount {
                id: id(number),
                name: "payments".into(),
                state: AccountState::Active,
                path: Vec::new(),
                joined_at: None,
            },
            cause: Cause::Schedule,
            requested_at: "2026-11-24T01:00:00Z".parse().unwrap(),
            attempt: 0,
        },
        tags: BTreeMap::new(),
        instances: Some(Ok(own.collect())),
    }
}

#[test]
fn all_accounts_that_lack_the_same_regions_are_one_operation() {
    let failed = StackInstance::Failed("ResourceLimitExceeded".into());
    let jobs = [
        job(1, &[]),
        job(2, &[("eu-west-1", StackInstance::Current)]),
        job(3, &[]),
        job(
            4,
            &[("eu-west-1", failed), ("us-east-1", StackInstance::Pending)],
        ),
    ];
    assert_eq!(
        plan(&jobs, &policy()),
        [
            Operation::Create {
                accounts: vec![id(1), id(3)],
                regions: vec![region("eu-west-1"), region("us-east-1")],
            },
            Operation::Create {
                accounts: vec![id(2)],
                regions: vec![region("us-east-1")],
            },
            Operation::Update {
                accounts: vec![id(4)],
                regions: vec![region("eu-west-1")],
            },
        ]
    );
}

#[test]
fn accounts_that_have_their_instances_need_no_operation() {
    let current = [
        ("eu-west-1", StackInstance::Current),
        ("us-east-1", StackInstance::Current),
    ];
    assert_eq!(plan(&[job(1, &current)], &policy()), []);
}
