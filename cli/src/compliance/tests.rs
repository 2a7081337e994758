//! Open findings in the world in memory, waivers in a policy's text, and their screens.

mod findings;
mod waivers;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use banto_domain::AccountId;
use banto_domain::compliance::{
    AccountInfo, AskedFor, Compliance, FindingKey, FindingState, Severity,
};
use banto_domain::policy::{CompliancePolicy, Policy};
use banto_fake::{
    Driven, MemberAccount, PolicyText, Run, TableItem, World, assert_as_committed, drive,
};
use banto_ports::{AccountCache as _, ErrorKind, FindingChange, FindingCommit, FindingStore as _};
use clap::Parser;
use jiff::{SignedDuration, Timestamp};

use super::edit::{self, Target, Terms};
use super::look::{Seen, look};
use super::wiring::Ports;
use super::{Command, Open, ending, show, waive};
use crate::ending::Ending;
use crate::expected;
use crate::terminal::Screen;

const ROUTES: &str = r#"[compliance]
queue = "https://sqs.eu-west-1.amazonaws.com/111122223333/banto-compliance"
deliveries = "https://sqs.eu-west-1.amazonaws.com/111122223333/banto-deliveries"
table = "banto-compliance"
aggregator = "banto"
owner_tag = "owner"

[compliance.default]
to = { topic = "arn:aws:sns:eu-west-1:111122223333:compliance" }

[compliance.rules.bucket-public]
title = "S3 bucket is public"
severity = "critical"
remedy = "Block public access to the bucket."

[[waivers]]                  # accepted for a while
rule = "access-keys-rotated"
account = "444455556666"
owner = "alice"
reason = "the vendor's tool can't rotate"   # asked in March
until = 2026-12-31

[[waivers]]
rule = "bucket-public"
resource = "website-*"
owner = "alice"
reason = "a public website"
until = 2026-08-31
"#;

const PAYMENTS: &str = "444455556666";
const SEARCH: &str = "555566667777";

fn start() -> Timestamp {
    "2026-06-01T09:00:00Z".parse().unwrap()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn text() -> String {
    PolicyText::least().and(ROUTES).to_string()
}

fn policy() -> CompliancePolicy {
    Policy::parse(&text()).unwrap().compliance.unwrap()
}

fn key(account: &str, rule: &str, resource: &str) -> FindingKey {
    FindingKey {
        account: account.parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        rule: rule.parse().unwrap(),
        resource_type: "AWS::S3::Bucket".to_owned(),
        resource_id: resource.to_owned(),
    }
}

/// A finding that was open for so many hours when the world began, and that payments' route knows.
fn state(key: FindingKey, open_for: i64) -> FindingState {
    let at = start() - hours(open_for);
    FindingState {
        key,
        evaluated_in: "eu-west-1".parse().unwrap(),
        compliance: Compliance::Noncompliant,
        recorded_at: at,
        told: BTreeSet::from(["payments".to_owned()]),
        changes: vec![at],
        flapping: false,
        doubted_at: None,
        unknown_since: None,
        revision: 1,
    }
}

fn run<T>(world: &Arc<World>, act: impl AsyncFnOnce(Arc<Run>) -> T) -> T {
    let run = world.run(None);
    match drive(&run, act(run.clone())) {
        Driven::Done(done) => done,
        Driven::Cancelled => panic!("cancelled without a fault"),
    }
}

fn save(world: &Arc<World>, states: Vec<FindingState>) {
    run(world, async |run| {
        for after in states {
            let change = FindingChange {
                expected_revision: None,
                after,
            };
            let commit = FindingCommit {
                findings: vec![change],
                batches: Vec::new(),
            };
            run.save_findings(&commit).await.unwrap();
        }
    });
}

fn add_account(world: &Arc<World>, id: &str, name: &str, owner: &str) {
    world.add_account(MemberAccount::new(id, name, &["eu-west-1"], start()));
    let info = AccountInfo {
        id: id.parse().unwrap(),
        name: name.to_owned(),
        path: Vec::new(),
        tags: BTreeMap::from([("owner".to_owned(), owner.to_owned())]),
        joined_at: None,
        fetched_at: start(),
        asked_for: AskedFor::default(),
        is_closed: false,
    };
    run(world, async |run| run.save_account(&info).await.unwrap());
}

/// Two accounts with findings of each kind: open, untold, waived by id and by name, muted, told
/// that it is over.
fn world() -> Arc<World> {
    let world = World::at(start());
    add_account(&world, PAYMENTS, "payments", "alice");
    add_account(&world, SEARCH, "search", "bob");
    let mut untold = state(key(SEARCH, "bucket-public", "reports"), 1);
    untold.told = BTreeSet::new();
    let mut muted = state(key(SEARCH, "encrypted-volumes", "vol-0a1b2c3d"), 30);
    muted.flapping = true;
    muted.changes.push(start() - hours(2));
    muted.compliance = Compliance::Compliant;
    let mut over = state(key(SEARCH, "encrypted-volumes", "vol-gone"), 90);
    over.compliance = Compliance::Compliant;
    let buckets = ["assets", "backups", "invoices", "logs", "statements"];
    let public = buckets.iter().enumerate();
    let public = public.map(|(n, bucket)| {
        let hours = i64::try_from(n).unwrap() * 24 + 5;
        state(key(PAYMENTS, "bucket-public", bucket), hours)
    });
    let mut states: Vec<FindingState> = public.collect();
    states.extend([
        untold,
        muted,
        over,
        state(key(PAYMENTS, "access-keys-rotated", "AIDAEXAMPLE"), 2_000),
        state(key(SEARCH, "bucket-public", "b-1234"), 48),
        state(key(PAYMENTS, "s3-bucket-versioning-enabled", "archive"), 3),
    ]);
    save(&world, states);
    world.name_resource(&key(SEARCH, "bucket-public", "b-1234"), "website-home");
    world
}

/// The options of `compliance open`, as the command line has them.
fn options(arguments: &[&str]) -> Open {
    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: Command,
    }
    let line = ["compliance", "open"].iter().chain(arguments);
    match Line::try_parse_from(line).unwrap().command {
        Command::Open(open) => open,
        _ => panic!("another command"),
    }
}

fn seen(world: &Arc<World>, arguments: &[&str]) -> anyhow::Result<Seen> {
    let (policy, options) = (policy(), options(arguments));
    run(world, async |run| {
        let ports = Ports {
            organization: run.clone(),
            accounts: run.clone(),
            findings: run.clone(),
            aggregator: run.clone(),
            clock: run.clone(),
        };
        look(&ports, &policy, &options).await
    })
}
