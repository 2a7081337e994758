//! Ingest and the comparison, in the world in memory.

use std::sync::Arc;
use std::time::Duration;

use banto_domain::compliance::{Change, Compliance, FindingKey, FindingState, OutboxEntry};
use banto_domain::policy::{CompliancePolicy, Policy};
use banto_domain::{AccountId, Region};
use banto_fake::{DeliveriesQueue, Driven, MemberAccount, World, drive};
use banto_lambda::Invocation;
use banto_notice::QueueMessage;
use banto_ports::{AggregatedRule, ErrorKind, PortError};
use jiff::{SignedDuration, Timestamp};

use super::ports::{Ports, Registered};
use super::reconcile::{Compared, compare_account};
use super::report::Ingested;
use super::*;
use crate::accounts::{AccountMemory, Accounts};
use crate::delivery_queue::DeliveryQueue;

mod comparing;
mod saving;

const ACCOUNT: &str = "111122223333";

/// The route of accounts of the team payments.
const PAYMENTS: &str = "payments";

/// The route of accounts of the team search.
const SEARCH: &str = "search";

fn start() -> Timestamp {
    "2026-06-01T09:00:00Z".parse().unwrap()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn policy() -> CompliancePolicy {
    let example = include_str!("../../../../examples/banto.toml");
    let search = "[[compliance.routes]]\nname = \"search\"\ntag = { key = \"team\", value = \"search\" }\nto = { channel = \"C0SEARCH\" }\n\n[compliance.default]";
    let text = example.replace("[compliance.default]", search);
    Policy::parse(&text).unwrap().compliance.unwrap()
}

/// A world with one account, of the team payments, which joined long ago.
fn world() -> Arc<World> {
    let world = World::at(start());
    let mut account =
        MemberAccount::new(ACCOUNT, "payments", &["eu-west-1"], start() - hours(9_000));
    account.org_tags.insert("team".into(), "payments".into());
    world.add_account(account);
    world
}

fn account() -> AccountId {
    ACCOUNT.parse().unwrap()
}

fn ireland() -> Region {
    "eu-west-1".parse().unwrap()
}

fn key(rule: &str, resource: &str) -> FindingKey {
    FindingKey::new(
        account(),
        &ireland(),
        rule.parse().unwrap(),
        "AWS::S3::Bucket".into(),
        resource.into(),
    )
}

fn rule(rule: &str) -> AggregatedRule {
    AggregatedRule {
        account: account(),
        region: ireland(),
        rule: rule.parse().unwrap(),
    }
}

fn event(key: &FindingKey, verdict: Verdict, at: Timestamp) -> Observation {
    Observation {
        key: key.clone(),
        evaluated_in: key.region.clone(),
        verdict,
        was: None,
        recorded_at: at,
        source: Source::Event,
        annotation: None,
    }
}

fn ports(run: &Arc<banto_fake::Run>) -> Ports {
    let delivery_queue = DeliveryQueue {
        deliveries: Arc::new(DeliveriesQueue(Arc::clone(run))),
        events: run.clone(),
        due_times: run.clone(),
        clock: run.clone(),
    };
    Ports {
        findings: run.clone(),
        registry: run.clone(),
        accounts: Arc::new(Accounts {
            cache: run.clone(),
            organization: run.clone(),
            clock: run.clone(),
            memory: AccountMemory::default(),
            queue: delivery_queue.clone(),
        }),
        aggregator: run.clone(),
        delivery_queue,
        clock: run.clone(),
        registered: Registered::default(),
    }
}

fn with_time_left(left: Duration) -> Invocation {
    Invocation::for_tests("run", left)
}

/// Ingests in a process of its own.
fn take_in_within(world: &Arc<World>, observations: &[Observation], left: Duration) -> Ingested {
    let run = world.run(None);
    let (ports, policy, invocation) = (ports(&run), policy(), with_time_left(left));
    let ingested = ingest(&ports, &policy, observations.to_vec(), &invocation);
    done(drive(&run, ingested))
}

fn take_in(world: &Arc<World>, observations: &[Observation]) -> Ingested {
    take_in_within(world, observations, Duration::from_secs(900))
}

/// Compares the account in a process of its own.
fn compare(world: &Arc<World>) -> Result<Compared, PortError> {
    let run = world.run(None);
    let (ports, policy, invocation) = (
        ports(&run),
        policy(),
        with_time_left(Duration::from_secs(900)),
    );
    let account = account();
    let compared = compare_account(&ports, &policy, &account, None, &invocation);
    done(drive(&run, compared))
}

fn done<T>(driven: Driven<T>) -> T {
    match driven {
        Driven::Done(value) => value,
        Driven::Cancelled => panic!("a fault ended the run"),
    }
}

/// The news that waits on a route, in the order in which it is worked.
fn news(world: &World, route: &str) -> Vec<Change> {
    let entries: Vec<OutboxEntry> = world.outbox(route);
    entries.into_iter().map(|entry| entry.change).collect()
}

fn known(world: &World, key: &FindingKey) -> FindingState {
    world.finding_state(key).unwrap()
}

fn reassign(world: &World, team: &str) {
    world.change_account(&account(), |account| {
        account.org_tags.insert("team".into(), team.into());
    });
}
