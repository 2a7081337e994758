use banto_domain::Breach;
use banto_domain::policy::onboarding::Way;
use banto_fake::PolicyText;
use banto_ports::{AccountState, OrgAccount};
use jiff::SignedDuration;

use super::*;
use crate::converge::check::check_operation;
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

fn now() -> Timestamp {
    "2026-11-24T01:00:00Z".parse().unwrap()
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
            requested_at: now(),
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
        plan(&jobs, &policy(), now()),
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
    assert_eq!(plan(&[job(1, &current)], &policy(), now()), []);
}

/// A policy under which new accounts wait for Control Tower, and one that was just created.
fn new_to_control_tower() -> (OnboardingPolicy, Job) {
    let mut joined = job(1, &[]);
    joined.request.cause = Cause::Joined;
    let policy = OnboardingPolicy {
        control_tower: true,
        ..policy()
    };
    (policy, joined)
}

#[test]
fn a_new_account_gets_no_instances_before_control_tower_had_its_hour() {
    let (policy, joined) = new_to_control_tower();
    let jobs = [joined];
    assert_eq!(plan(&jobs, &policy, now()), []);
    let later = now() + SignedDuration::from_hours(1);
    assert_eq!(plan(&jobs, &policy, later).len(), 1);
}

/// A change to what was seen or to the policy, after which an operation is no longer right.
type Change = fn(&mut Job, &mut OnboardingPolicy);

#[test]
fn the_check_refuses_operations_that_the_planner_would_never_plan() {
    let operation = Operation::Create {
        accounts: vec![id(1)],
        regions: vec![region("eu-west-1")],
    };
    let what = |job: Job, policy: &OnboardingPolicy| {
        Breach::join(&check_operation(&[job], &operation, policy, now()))
    };
    let (control_tower, joined) = new_to_control_tower();
    assert_eq!(what(job(1, &[]), &policy()), "");
    assert_eq!(
        what(joined, &control_tower),
        "O1: 000000000001: Control Tower has not set the account up yet"
    );
    let changes: [(Change, &str); 7] = [
        (|_, policy| policy.enabled = false, "the kill switch is off"),
        (
            |job, _| job.request.account.state = AccountState::Suspended,
            "not active",
        ),
        (|_, policy| policy.way = Way::Direct, "does not reach"),
        (
            |job, policy| policy.management_account = job.account().id.clone(),
            "does not reach",
        ),
        (
            |_, policy| policy.baseline.regions = None,
            "not in the baseline",
        ),
        (|job, _| job.instances = None, "were not seen"),
        (
            |job, _| {
                let current = (region("eu-west-1"), StackInstance::Current);
                job.instances = Some(Ok([current].into()));
            },
            "eu-west-1 has an instance",
        ),
    ];
    for (change, says) in changes {
        let (mut job, mut policy) = (job(1, &[]), policy());
        change(&mut job, &mut policy);
        let what = what(job, &policy);
        assert!(what.contains(says), "{says}: {what}");
    }
    let unknown = check_operation(&[], &operation, &policy(), now());
    assert_eq!(unknown[0].what, "the account was not looked up");
    let update = Operation::Update {
        accounts: vec![id(1)],
        regions: vec![region("eu-west-1")],
    };
    let update = check_operation(&[job(1, &[])], &update, &policy(), now());
    assert_eq!(update[0].what, "the instance in eu-west-1 did not fail");
}
