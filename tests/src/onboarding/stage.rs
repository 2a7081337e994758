//! The function on the world in memory, its queue worked off as SQS would, and the promises held against it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use banto_domain::policy::{NoticePolicy, OnboardingPolicy, Policy};
use banto_domain::status::{AccountStatus, Standing};
use banto_domain::{AccountId, Region};
use banto_fake::{Driven, Entrance, Fault, MemberAccount, Queued, Run, Sent, World, drive};
use banto_notice::NoticeSender;
use banto_shell::{Answer, Failure, Invocation};
use jiff::{SignedDuration, Timestamp};
use onboard_accounts::Onboarder;
use serde_json::{Value, json};

/// What every account must have in most tests.
pub const POLICY: &str = r#"
[rotation]
[[rotation.accounts]]
id = "111122223333"
role = "arn:aws:iam::111122223333:role/banto"
certificate_bucket = "certificates"

[notices]
operators_topic = "arn:aws:sns:eu-west-1:111122223333:operators"
owners_topic = "arn:aws:sns:eu-west-1:111122223333:owners"

[onboarding]
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

pub fn policy() -> OnboardingPolicy {
    policy_with(&[])
}

/// The policy with some of its text replaced.
pub fn policy_with(replace: &[(&str, &str)]) -> OnboardingPolicy {
    let text = replace.iter().fold(POLICY.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    });
    Policy::parse(&text).unwrap_or_else(|problems| panic!("{problems}")).onboarding.unwrap()
}

pub fn by_stack_set() -> OnboardingPolicy {
    policy_with(&[
        ("way = \"direct\"", "way = \"stackset\""),
        (
            "[onboarding.config]",
            "[onboarding.stack_set]\nname = \"banto-baseline\"\ntargets = [\"r-ab12\"]\n[onboarding.config]",
        ),
    ])
}

fn notices() -> NoticePolicy {
    Policy::parse(POLICY).unwrap().notices
}

/// A new account in the world, `444455556666` unless told otherwise.
pub fn account(world: &World) -> AccountId {
    named_account(world, "444455556666", "payments")
}

pub fn named_account(world: &World, id: &str, name: &str) -> AccountId {
    world.add_account(MemberAccount::new(id, name, &REGIONS, world.now()))
}

/// The function, on one run's view of the world.
pub fn onboarder(run: &Arc<Run>, policy: &OnboardingPolicy) -> Onboarder {
    Onboarder {
        policy: policy.clone(),
        organization: run.clone(),
        members: Arc::new(Entrance(run.clone())),
        stacks: run.clone(),
        queue: run.clone(),
        statuses: run.clone(),
        dashboard: run.clone(),
        notice_sender: NoticeSender::new(run.clone(), run.clone(), run.clone(), notices(), run.clone()),
        clock: run.clone(),
    }
}

pub type Handled = Driven<Result<Answer, Failure>>;

/// Handles one event in the world; a fault befalls it if one is given.
pub fn handle_with(
    world: &Arc<World>,
    policy: &OnboardingPolicy,
    event: &Value,
    fault: Option<Fault>,
) -> (Handled, Arc<Run>) {
    let run = world.run(fault);
    let onboarder = onboarder(&run, policy);
    let invocation = Invocation::for_tests(&format!("run-{}", world.calls().len()), Duration::from_secs(900));
    let event = event.to_string();
    (drive(&run, onboarder.handle(event.as_bytes(), &invocation)), run)
}

/// Handles one event that is expected to succeed, and returns the response.
pub fn handle(world: &Arc<World>, policy: &OnboardingPolicy, event: &Value) -> Value {
    match handle_with(world, policy, event, None).0 {
        Driven::Done(Ok(answer)) => answer.response,
        Driven::Done(Err(failure)) => panic!("{}: {failure}", failure.kind),
        Driven::Cancelled => panic!("cancelled without a fault"),
    }
}

pub fn batch(messages: &[Queued]) -> Value {
    let records: Vec<Value> = (messages.iter())
        .map(|message| json!({ "messageId": message.id, "eventSource": "aws:sqs", "body": message.body }))
        .collect();
    json!({ "Records": records })
}

/// Works off the messages that are visible, as SQS would: those that come back become visible again after
/// the visibility timeout. Returns how many came back.
pub fn work_off(world: &Arc<World>, policy: &OnboardingPolicy) -> usize {
    let mut back = 0;
    loop {
        let messages = world.receive(10);
        if messages.is_empty() {
            return back;
        }
        let response = handle(world, policy, &batch(&messages));
        back += put_back(world, messages, &response);
    }
}

/// Puts those messages back that the response names.
pub fn put_back(world: &World, messages: Vec<Queued>, response: &Value) -> usize {
    let failed: Vec<&Value> =
        response["batchItemFailures"].as_array().unwrap().iter().map(|failure| &failure["itemIdentifier"]).collect();
    for message in messages.into_iter().filter(|message| failed.iter().any(|id| **id == *message.id)) {
        world.put_back(message, minutes(15));
    }
    failed.len()
}

/// Lets time pass and works the queue off, until it is empty.
pub fn settle(world: &Arc<World>, policy: &OnboardingPolicy) {
    for _ in 0..200 {
        work_off(world, policy);
        let Some(next) = world.next_message_at() else { return };
        world.advance(next.duration_since(world.now()).max(SignedDuration::from_secs(1)));
    }
    panic!("the queue does not empty");
}

pub fn scheduled() -> Value {
    recorded("scheduled")
}

pub fn created() -> Value {
    recorded("create-account-result")
}

/// A recorded event.
pub fn recorded(name: &str) -> Value {
    let path = format!("{}/../functions/onboard-accounts/tests/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The recorded status of an account.
pub fn status(world: &World, account: &AccountId) -> AccountStatus {
    world.statuses()[account].0.clone().unwrap()
}

pub fn is_in_place(world: &World, account: &AccountId) -> bool {
    *status(world, account).worst() == Standing::InPlace
}

/// What people were told, one text for each message.
pub fn told(world: &World) -> Vec<String> {
    let text = |sent: Sent| match sent {
        Sent::Slack(body) => body,
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
