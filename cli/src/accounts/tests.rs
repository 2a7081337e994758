//! The commands on the world in memory, and their screens.

mod applying;
mod looking;
mod revoking;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use banto_domain::AccountId;
use banto_domain::PerPlace;
use banto_domain::policy::Policy;
use banto_domain::status::{AccountStatus, Condition, Reason, ReasonKind};
use banto_fake::{
    Driven, FakeAccountAccess, MemberAccount, PolicyText, Run, World, assert_as_committed, drive,
};
use banto_lambda::Invocation;
use banto_lambda::event::Invoked;
use banto_notice::NoticeSender;
use banto_ports::{AccountState, ErrorKind, OrgAccount};
use jiff::{SignedDuration, Timestamp};
use onboard_accounts::dry_run::DryRun;
use onboard_accounts::event::{self, RevocationAsked, Scope, Trigger};
use onboard_accounts::message::{Cause, Message};
use onboard_accounts::{Onboarder, converge, fan_out};
use serde_json::{Value, json};

use super::{Wait, apply, look, plan, planned, revoke, saved, status};
use crate::ending::Ending;
use crate::expected;
use crate::terminal::Screen;

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
managed_policies = ["arn:aws:iam::aws:policy/AdministratorAccess"]

[onboarding.roles.readonly]
trusted = ["111122223333"]
inline_policies = { no-secrets = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]}' }

[onboarding.settings]
password_policy = { minimum_length = 16 }
ebs_encryption = true
"#;

const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];

const PAYMENTS: &str = "444455556666";
const SEARCH: &str = "555566667777";
const LEGACY: &str = "666677778888";

fn start() -> Timestamp {
    "2026-06-01T01:00:00Z".parse().unwrap()
}

fn policy() -> Policy {
    PolicyText::least().and(BASELINE).parse()
}

fn id(text: &str) -> AccountId {
    text.parse().unwrap()
}

/// The function's library as the command wires it, on one run's view of the world.
fn onboarder(run: &Arc<Run>, policy: Policy) -> Onboarder {
    let notices = policy.notices;
    let notice_sender =
        NoticeSender::new(run.clone(), run.clone(), run.clone(), notices, run.clone());
    let notice_sender = Arc::new(notice_sender);
    Onboarder {
        policy: policy.onboarding.unwrap(),
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

/// Does something with the library, up to its end.
fn with<T>(world: &Arc<World>, act: impl AsyncFnOnce(&Onboarder) -> T) -> T {
    with_policy(world, policy(), act)
}

fn with_policy<T>(world: &Arc<World>, policy: Policy, act: impl AsyncFnOnce(&Onboarder) -> T) -> T {
    let run = world.run(None);
    let onboarder = onboarder(&run, policy);
    match drive(&run, act(&onboarder)) {
        Driven::Done(done) => done,
        Driven::Cancelled => panic!("cancelled without a fault"),
    }
}

fn function(world: &Arc<World>, event: &Value) {
    function_by(world, &policy(), event);
}

fn function_by(world: &Arc<World>, policy: &Policy, event: &Value) {
    let invocation = Invocation::for_tests("run", Duration::from_secs(900));
    let event = event.to_string();
    let handled = with_policy(world, policy.clone(), async |it| {
        it.handle(event.as_bytes(), &invocation).await
    });
    handled.unwrap();
}

/// Hands the function what is on its queue, until nothing is.
fn settle(world: &Arc<World>) {
    settle_by(world, &policy());
}

fn settle_by(world: &Arc<World>, policy: &Policy) {
    while let Some(next) = world.next_message_at() {
        world.advance(next.duration_since(world.now()).max(SignedDuration::ZERO));
        let records = world.receive(10).into_iter().map(|message| {
            json!({
                "messageId": message.id,
                "receiptHandle": message.receipt,
                "body": message.body,
                "attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": "0" },
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": message.queue,
                "awsRegion": "eu-west-1",
            })
        });
        let records: Vec<Value> = records.collect();
        function_by(world, policy, &json!({ "Records": records }));
    }
}

/// An Organization in which payments and search came to their baseline.
fn world() -> Arc<World> {
    let world = World::at(start());
    add(&world, PAYMENTS, "payments");
    add(&world, SEARCH, "search");
    function(&world, &json!({}));
    settle(&world);
    world
}

fn add(world: &World, id: &str, name: &str) {
    world.add_account(MemberAccount::new(id, name, &REGIONS, start()));
}

/// The same with one account that lacks a role, a new one that can't be entered, and a closed one.
fn troubled() -> Arc<World> {
    let world = world();
    world.change_account(&id(SEARCH), |search| {
        let admin = "admin".parse().unwrap();
        search.roles.remove(&admin);
        search.region("us-east-1").ebs_encryption = false;
    });
    add(&world, LEGACY, "legacy");
    world.change_account(&id(LEGACY), |legacy| legacy.reachable_from = None);
    add(&world, "777788889999", "former");
    world.change_account(&id("777788889999"), |former| {
        former.org.state = AccountState::Closed
    });
    world
}

fn looked(world: &Arc<World>, accounts: &[&str]) -> DryRun {
    let accounts: Vec<String> = accounts.iter().map(|&it| it.to_owned()).collect();
    with(world, async |onboarder| {
        let scope = look::scope(onboarder, &accounts).await.unwrap();
        look::look(onboarder, scope).await.unwrap()
    })
}

fn rows(world: &Arc<World>) -> Vec<status::Row> {
    let looked = looked(world, &[]);
    let saved = with(world, async |onboarder| saved(onboarder, &looked).await);
    status::rows(&looked, &saved)
}
