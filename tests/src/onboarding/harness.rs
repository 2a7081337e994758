//! The function on the world in memory, and the promises held against it.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use banto_domain::policy::{OnboardingPolicy, Policy};
use banto_domain::status::{AccountStatus, Condition};
use banto_domain::{AccountId, Region};
use banto_fake::{
    FakeAccountAccess, MemberAccount, MemberRegion, Permissions, Policies, PolicyText, Run, Sent,
    World,
};
use banto_lambda::{Invocation, InvocationError, Response};
use banto_notice::NoticeSender;
use banto_ports::{LiveRecorder, Recorder, RecorderStatus, RecordingGroup};
use jiff::{SignedDuration, Timestamp};
use onboard_accounts::{Onboarder, converge, fan_out};
use serde_json::{Value, json};

use super::stack_set::deployed_by;
use crate::harness::{Function, handle, settle};

/// What every account must have in most tests.
const BASELINE: &str = r#"[onboarding]
way = "direct"
management_account = "999988887777"
home_region = "eu-west-1"
regions = ["eu-west-1", "us-east-1"]
queue = "https://sqs.eu-west-1.amazonaws.com/999988887777/banto-accounts"
table = "banto-accounts"
dashboard = { bucket = "banto-dashboard" }

[onboarding.config]
bucket = "banto-log-archive"

[onboarding.roles.admin]
trusted = ["111122223333"]
max_session_hours = 4
managed_policies = ["arn:aws:iam::aws:policy/AdministratorAccess"]

[onboarding.roles.readonly]
trusted = ["111122223333"]
conditions = '{"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}'
managed_policies = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
inline_policies = { no-secrets = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]}' }
tags = { team = "platform" }

[onboarding.settings]
password_policy = { minimum_length = 16 }
block_public_access = true
ebs_encryption = true
delete_default_vpc = true
contacts = { security = { name = "Alice", title = "Security", email = "security@example.com", phone = "+81 3 0000 0000" } }
"#;

pub const REGIONS: [&str; 3] = ["ap-east-1", "eu-west-1", "us-east-1"];

pub fn start() -> Timestamp {
    "2026-06-01T01:00:00Z".parse().unwrap()
}

pub fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// Read once: much of the time of the crash points would go into it.
static POLICY: LazyLock<Policy> = LazyLock::new(|| text().parse());

pub fn policy() -> OnboardingPolicy {
    POLICY.onboarding.clone().unwrap()
}

pub fn text() -> PolicyText {
    PolicyText::least().and(BASELINE)
}

/// The policy with some of its text replaced.
pub fn policy_with(replace: &[(&str, &str)]) -> OnboardingPolicy {
    text().with_each(replace).parse().onboarding.unwrap()
}

pub fn by_stack_set() -> OnboardingPolicy {
    by_stack_set_with(&[])
}

/// The policy by StackSet, with some of its text replaced.
pub fn by_stack_set_with(replace: &[(&str, &str)]) -> OnboardingPolicy {
    let stack_set = "[onboarding.stack_set]\nname = \"banto-baseline\"\ntargets = [\"r-ab12\"]\n[onboarding.config]";
    let mut all = vec![
        ("way = \"direct\"", "way = \"stackset\""),
        ("[onboarding.config]", stack_set),
    ];
    all.extend(replace);
    policy_with(&all)
}

/// The policy of each way, with some of its text replaced.
pub fn both_ways(replace: &[(&str, &str)]) -> [(&'static str, OnboardingPolicy); 2] {
    [
        ("direct", policy_with(replace)),
        ("by StackSet", by_stack_set_with(replace)),
    ]
}

/// A world in which an account was created and is in place.
pub fn in_place(policy: &OnboardingPolicy) -> (Arc<World>, AccountId) {
    let world = World::at(start());
    let id = account(&world);
    deployed_by(&world, policy);
    handle(&world, policy, &created());
    settle(&world, policy);
    assert!(is_in_place(&world, &id), "{:?}", status(&world, &id));
    (world, id)
}

/// Lets a day pass, and works a daily run off.
pub fn daily(world: &Arc<World>, policy: &OnboardingPolicy) {
    world.advance(minutes(24 * 60));
    handle(world, policy, &scheduled());
    settle(world, policy);
}

/// Those of the messages to people that have these words.
pub fn told_with(world: &World, words: &str) -> Vec<String> {
    let mut told = told(world);
    told.retain(|told| told.contains(words));
    told
}

/// A new account in the world, `444455556666` unless told otherwise.
pub fn account(world: &World) -> AccountId {
    named_account(world, "444455556666", "payments")
}

pub fn named_account(world: &World, id: &str, name: &str) -> AccountId {
    world.add_account(MemberAccount::new(id, name, &REGIONS, world.now()))
}

/// Lets a tool that was here before record these types in a region.
pub fn record_by_others(view: &mut MemberRegion, group: RecordingGroup) {
    view.recorder = Some(LiveRecorder {
        recorder: Recorder {
            name: "default".into(),
            role: "arn:aws:iam::444455556666:role/own".into(),
            group,
            continuous: true,
            continuous_of: Default::default(),
        },
        service: None,
    });
    view.status = Some(RecorderStatus {
        recording: true,
        started_at: Some(start()),
        error: None,
    });
}

/// What the function may do in AWS.
pub static PERMISSIONS: LazyLock<Permissions> = LazyLock::new(|| {
    Permissions::new(
        "onboard-accounts",
        include_str!("../../../functions/onboard-accounts/iam-policy.json"),
        &[],
    )
});

/// What its sessions in other accounts may do.
pub static SESSION_PERMISSIONS: LazyLock<Permissions> = LazyLock::new(|| {
    Permissions::new(
        "onboard-accounts, in other accounts",
        include_str!("../../../functions/onboard-accounts/session-policy.json"),
        &[],
    )
});

/// The function, on one run's view of the world.
pub fn onboarder(run: &Arc<Run>, policy: &OnboardingPolicy) -> Onboarder {
    run.hold_to(Policies {
        own: &PERMISSIONS,
        session: Some(&SESSION_PERMISSIONS),
    });
    let notice_sender = Arc::new(NoticeSender::new(
        run.clone(),
        run.clone(),
        run.clone(),
        POLICY.notices.clone(),
        run.clone(),
    ));
    Onboarder {
        policy: policy.clone(),
        fan_out: fan_out::ports::Ports {
            organization: run.clone(),
            queue: run.clone(),
            statuses: run.clone(),
            notice_sender: notice_sender.clone(),
            clock: run.clone(),
        },
        converge: converge::ports::Ports {
            organization: run.clone(),
            account_access: Arc::new(FakeAccountAccess(run.clone())),
            stack_instances: run.clone(),
            queue: run.clone(),
            statuses: run.clone(),
            dashboard: run.clone(),
            notice_sender,
            clock: run.clone(),
        },
    }
}

impl Function for OnboardingPolicy {
    const HIDDEN: SignedDuration = SignedDuration::from_mins(15);

    async fn handle(
        &self,
        run: &Arc<Run>,
        event: &[u8],
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        onboarder(run, self).handle(event, invocation).await
    }
}

pub fn scheduled() -> Value {
    recorded("scheduled")
}

pub fn created() -> Value {
    recorded("create-account-result")
}

/// A recorded event.
pub fn recorded(name: &str) -> Value {
    let path = format!(
        "{}/../functions/onboard-accounts/tests/events/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The recorded status of an account.
pub fn status(world: &World, account: &AccountId) -> AccountStatus {
    world.statuses()[account].status.clone().unwrap()
}

pub fn is_in_place(world: &World, account: &AccountId) -> bool {
    *status(world, account).worst() == Condition::InPlace
}

/// What people were told, one text for each message.
pub fn told(world: &World) -> Vec<String> {
    let text = |sent: Sent| match sent {
        Sent::Slack(body) | Sent::Direct(_, body) | Sent::Endpoint { body, .. } => body,
        Sent::Topic(_, message) => format!("{}\n{}", message.subject, message.body),
        Sent::Mail(mail) => format!("{}\n{}", mail.subject, mail.text),
    };
    world.sent().into_iter().map(text).collect()
}

pub fn region(name: &str) -> Region {
    name.parse().unwrap()
}

/// Everything in an account that the baseline does not speak of, as it is: what O1 protects.
pub fn foreign(member: &MemberAccount) -> Value {
    let roles: BTreeMap<&str, String> = (member.roles.iter())
        .filter(|(name, (role, _))| {
            !role.tags.contains_key("banto:managed") && name.as_str() != "AWSServiceRoleForConfig"
        })
        .map(|(name, role)| (name.as_str(), format!("{role:?}")))
        .collect();
    let other: Vec<String> = member
        .regions
        .iter()
        .filter(|(name, _)| name.as_str() == "ap-east-1")
        .map(|(_, view)| format!("{view:?}"))
        .collect();
    json!({ "roles": roles, "regions": other, "name": member.org.name })
}
