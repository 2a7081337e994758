//! Costs of onboard-accounts: calls an account, a simulated Organization, and one process.

#[path = "../../src/onboarding/harness.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod harness;

#[path = "../../src/onboarding/stack_set.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use more of it")]
mod stack_set;

#[path = "../../src/onboarding/templates.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use more of it")]
mod templates;

use std::fs;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use banto::local::function_binary;
use banto::local::organization::{DASHBOARD, Organization, TABLE};
use banto::local::runtime_api::Function;
use banto_domain::policy::OnboardingPolicy;
use banto_domain::status::{AccountStatus, Condition};
use banto_fake::{MemberAccount, Queued, World};
use banto_lambda::Invocation;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::cold_start::{self, Ground, Job, Tools, Variables, Way};
use crate::harness::{Function as _, batch, failed, handle, settle};
use crate::table::{at_most, megabytes, row};
use harness::{by_stack_set, policy_with, scheduled, start};

const REGIONS: [&str; 4] = ["ap-northeast-1", "eu-west-1", "us-east-1", "us-west-2"];

/// The Organization of the simulation.
const ACCOUNTS: usize = 10_000;
/// How long each call takes, in milliseconds.
const LATENCY: i64 = 50;
/// How many batches of ten messages Lambda works off at once.
const AT_ONCE: usize = 100;
/// Calls a second that Organizations (an estimate: AWS publishes none) and STS (IAM user guide,
/// "IAM and AWS STS quotas") take. The SDK's own pace and retries, which would even this out, are
/// not part of the simulation.
const ORGANIZATIONS: u32 = 20;
const STS: u32 = 600;

fn four_regions(policy: fn(&[(&str, &str)]) -> OnboardingPolicy) -> OnboardingPolicy {
    policy(&[(
        "regions = [\"eu-west-1\", \"us-east-1\"]",
        "regions = [\"ap-northeast-1\", \"eu-west-1\", \"us-east-1\", \"us-west-2\"]",
    )])
}

/// Calls of a look at an account that is in place, all settings but the default VPC's on.
pub fn calls() {
    let direct = four_regions(policy_with);
    let without_vpc = |mut policy: OnboardingPolicy| {
        policy.baseline.settings.delete_default_vpc = false;
        policy
    };
    let stacked = OnboardingPolicy {
        baseline: direct.baseline.clone(),
        ..by_stack_set()
    };
    for (name, policy, budget) in [
        (
            "calls, account in place, 4 regions, direct",
            without_vpc(direct),
            28.0,
        ),
        (
            "calls, account in place, 4 regions, StackSet",
            without_vpc(stacked),
            29.0,
        ),
    ] {
        let world = World::at(start());
        world.add_account(MemberAccount::new(
            "444455556666",
            "payments",
            &REGIONS,
            start(),
        ));
        stack_set::deployed_by(&world, &policy);
        handle(&world, &policy, &scheduled());
        settle(&world, &policy);
        handle(&world, &policy, &scheduled());
        let message = world.receive(1);
        let before = world.calls().len();
        handle(&world, &policy, &batch(&message));
        at_most(name, world.calls().len() - before, budget);
    }
}

type Run = Pin<Box<dyn Future<Output = Value>>>;

/// 10,000 accounts in 4 regions, each call taking its time, Organizations and STS limited: from
/// nothing to in place, and a day later once more.
pub fn simulation() {
    let policy = Arc::new(four_regions(policy_with));
    let world = World::at(start());
    for number in 0..ACCOUNTS {
        let id = format!("{:012}", 400_000_000_000 + number as u64);
        world.add_account(MemberAccount::new(
            &id,
            &format!("team-{number}"),
            &REGIONS,
            start(),
        ));
    }
    world.take_time(SignedDuration::from_millis(LATENCY));
    world.limit("organizations", ORGANIZATIONS);
    world.limit("sts", STS);
    let begun = Instant::now();
    for round in ["from nothing to in place", "a day later, all in place"] {
        let (since, calls) = (world.now(), world.calls().len());
        invoke(&world, &policy, scheduled());
        work_off(&world, &policy);
        let statuses = world.statuses();
        let is_in_place = |status: &Option<AccountStatus>| {
            status
                .as_ref()
                .is_some_and(|status| *status.worst() == Condition::InPlace)
        };
        assert_eq!(
            statuses
                .values()
                .filter(|row| is_in_place(&row.status))
                .count(),
            ACCOUNTS
        );
        let last = statuses
            .values()
            .filter_map(|row| Some(row.status.as_ref()?.checked_at))
            .max();
        let minutes = last.unwrap_or(since).duration_since(since).as_secs_f64() / 60.0;
        row(
            &format!("10,000 accounts, {round}, simulated minutes"),
            format!("{minutes:.1}"),
        );
        let calls = (world.calls().len() - calls) as f64 / ACCOUNTS as f64;
        row(
            &format!("10,000 accounts, {round}, calls an account"),
            format!("{calls:.1}"),
        );
        world.advance_to(world.now() + SignedDuration::from_hours(24));
    }
    let count = |name: &str| {
        world
            .calls()
            .iter()
            .filter(|call| call.name == name)
            .count()
    };
    row(
        "of these, entering an account (at least 20,000)",
        count("sts:AssumeRole"),
    );
    let throttled = world
        .statuses()
        .values()
        .filter(|row| row.last_notified.is_some())
        .count();
    at_most(
        "accounts of which people were told anything",
        throttled,
        0.0,
    );
    row(
        "CPU of the simulation, s",
        format!("{:.1}", begun.elapsed().as_secs_f64()),
    );
}

fn start_run(world: &Arc<World>, policy: &Arc<OnboardingPolicy>, event: Value) -> Run {
    let (run, policy) = (world.run(None), Arc::clone(policy));
    Box::pin(async move {
        let invocation = Invocation::for_tests("run", Duration::from_secs(900));
        let answer = policy
            .handle(&run, event.to_string().as_bytes(), &invocation)
            .await;
        answer
            .unwrap_or_else(|failure| panic!("{}: {failure}", failure.kind))
            .body
    })
}

fn poll(run: &mut Run) -> Poll<Value> {
    run.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn invoke(world: &Arc<World>, policy: &Arc<OnboardingPolicy>, event: Value) {
    let mut run = start_run(world, policy, event);
    while poll(&mut run).is_pending() {
        world.advance_to(world.next_timer().unwrap());
    }
}

fn work_off(world: &Arc<World>, policy: &Arc<OnboardingPolicy>) {
    let mut active: Vec<(Run, Vec<Queued>)> = Vec::new();
    loop {
        while active.len() < AT_ONCE {
            let messages = world.receive(10);
            if messages.is_empty() {
                break;
            }
            active.push((start_run(world, policy, batch(&messages)), messages));
        }
        let mut running = Vec::new();
        let mut ended = 0;
        for (mut run, messages) in active {
            match poll(&mut run) {
                Poll::Ready(response) => {
                    ended += 1;
                    let back = failed(&response);
                    for message in messages
                        .into_iter()
                        .filter(|message| back.contains(&message.id))
                    {
                        world.put_back(message, OnboardingPolicy::HIDDEN);
                    }
                }
                Poll::Pending => running.push((run, messages)),
            }
        }
        active = running;
        let next = [
            world.next_timer(),
            world.next_message_at().filter(|_| active.len() < AT_ONCE),
        ];
        match next.into_iter().flatten().min() {
            Some(next) if ended == 0 => world.advance_to(next),
            None if active.is_empty() => return,
            _ => {}
        }
    }
}

/// The real binary: the memory of a batch of ten accounts, and a cold start for one that was asked
/// for.
pub async fn process(tools: &Tools) {
    let ground = Ground::start(tools).await;
    let organization = Organization::create(&ground.aws).await.unwrap();
    let mut accounts = Vec::new();
    for number in 0..9 {
        accounts.push(
            organization
                .create_account(&format!("team-{number}"))
                .await
                .unwrap(),
        );
    }
    let topic = ground.aws.create_topic("operators").await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("banto.toml");
    let text = harness::text()
        .with("\"999988887777\"", "\"111122223333\"")
        .with(
            "https://sqs.eu-west-1.amazonaws.com/999988887777/banto-accounts",
            &organization.queue.url,
        )
        .with("\"banto-accounts\"", &format!("\"{TABLE}\""))
        .with("\"banto-dashboard\"", &format!("\"{DASHBOARD}\""))
        .with("arn:aws:sns:eu-west-1:111122223333:operators", &topic)
        .with(
            "[\"eu-west-1\", \"us-east-1\"]",
            "[\"ap-northeast-1\", \"eu-west-1\", \"us-east-1\", \"us-west-2\"]",
        )
        .with("delete_default_vpc = true", "delete_default_vpc = false");
    fs::write(&file, text.to_string()).unwrap();
    let own: Variables = vec![("BANTO_POLICY".to_owned(), file.display().to_string())];

    let binary = function_binary("onboard-accounts", &|_| {}).await.unwrap();
    let variables = ground.variables(Way::Plain, &own);
    let mut function = Function::start(&binary, variables.clone()).await.unwrap();
    let patience = Duration::from_secs(300);
    function.invoke(&scheduled(), patience).await.unwrap();
    let worked = organization
        .queue
        .work_off(&mut function, patience)
        .await
        .unwrap();
    assert_eq!(worked.iter().filter(|message| message.done).count(), 10);
    row(
        "onboard-accounts: peak memory, 10 accounts, MB",
        megabytes(cold_start::peak(&function)),
    );
    function.stop().await;

    let event = json!({ "source": "aws.organizations", "detail-type": "AWS API Call via CloudTrail",
        "detail": { "eventName": "MoveAccount", "errorCode": "AccessDenied" } });
    cold_start::without_calls("onboard-accounts", &binary, &variables, &event).await;
    let job = Job {
        function: "onboard-accounts",
        event: json!({ "accounts": accounts.get(..1) }),
        variables: own
            .into_iter()
            .chain([("QUEUE_URL".to_owned(), organization.queue.url.clone())])
            .collect(),
        in_python: include_str!("twins/onboard_accounts.py"),
        in_node: include_str!("twins/onboard_accounts.mjs"),
    };
    cold_start::compare(tools, &ground, &job).await;
}
