//! Costs of rotate-access-keys: calls, plans and envelopes, and one process.

#[path = "../../src/rotation/harness.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod harness;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use banto_domain::policy::Policy;
use banto_fake::World;
use banto_seal::holder::{Holder, Kind, Lifetime};
use banto_seal::{Credential, Recipient};
use jiff::SignedDuration;
use rotate_access_keys::event::Asked;
use rotate_access_keys::snapshot::{Certificate, Key, PIN_TAG, Snapshot, Used, User};
use rotate_access_keys::{check, plan};
use secrecy::SecretString;
use serde_json::json;

use crate::cold_start::{self, Ground, Job, STARTS, Tools};
use crate::harness::handle;
use crate::table::{at_most, median, milliseconds, row};
use harness::{add_registered, days, everyone, policy, start};

/// Users of an organization who are in order, and users whose key comes of age on one day.
const IN_ORDER: usize = 4_950;
const DUE: usize = 50;

/// Calls to AWS over 5,000 users: those of the run itself (the credential report, the list of open
/// records, the operators' summary), those for users in order whom the day's slice looks at, and
/// those for users with a rotation, their notices included.
#[derive(Debug, Default)]
struct Counted {
    of_run: usize,
    for_slice: usize,
    for_users: usize,
    /// The users of the slice.
    slice: BTreeSet<String>,
}

impl Counted {
    /// Counts the calls of one scheduled run.
    fn of_run(world: &Arc<World>, policy: &Policy) -> Self {
        let before = world.calls().len();
        handle(world, policy, &everyone());
        let mut counted = Self::default();
        for call in world.calls().iter().skip(before) {
            if call.subject.starts_with("young-") {
                counted.for_slice += 1;
                counted.slice.insert(call.subject.clone());
            } else if call.subject.is_empty() || call.subject.ends_with(":operators") {
                counted.of_run += 1;
            } else {
                counted.for_users += 1;
            }
        }
        counted
    }
}

/// Prints the calls to AWS over 5,000 users.
pub fn calls() {
    let world = World::at(start());
    for number in 0..IN_ORDER {
        let user = world.add_user(&format!("young-{number}"));
        world.add_key(&user, days(10));
    }
    let mut policy = policy();
    let quiet = Counted::of_run(&world, &policy);
    at_most("calls to AWS, 4,950 users, nobody due", quiet.of_run, 3.0);
    let slice = quiet.slice.len();
    at_most(
        &format!("the same, for each of the day's slice of {slice}"),
        quiet.for_slice as f64 / slice as f64,
        1.0,
    );

    world.advance(SignedDuration::from_hours(5));
    for number in 0..DUE {
        add_registered(&world, &format!("due-{number}"), days(100));
    }
    policy.rotation.max_users_per_run = DUE;
    let issues = Counted::of_run(&world, &policy);
    // The report may be asked for again.
    at_most("calls to AWS, 5,000 users, 1 % due", issues.of_run, 4.0);
    let each = |counted: &Counted| counted.for_users as f64 / DUE as f64;
    at_most("the same, for each who gets a new key", each(&issues), 13.0);
    for day in 1..=2 {
        world.advance(days(1));
        let open = Counted::of_run(&world, &policy);
        let what = format!("the same, {day} d later, for each open rotation");
        at_most(&what, each(&open), 5.0);
    }
}

/// CPU time of planning and checking 5,000 users, all of them due.
pub fn planning() {
    let now = start();
    let fingerprint = "D1A66E1A23B182C9980F788CFBFCC82A015E7330";
    let user = |number: u32| User {
        tags: BTreeMap::from([(PIN_TAG.to_owned(), fingerprint.to_owned())]),
        keys: vec![Key {
            id: format!("AKIA{number:016}").parse().unwrap(),
            active: true,
            created_at: now - days(100),
            used: Used::Unknown,
        }],
        certificate: Certificate::Usable {
            fingerprint: fingerprint.parse().unwrap(),
            expires_soon: None,
            certified: false,
            stored_since: None,
        },
        ..User::new(
            format!("user-{number}").parse().unwrap(),
            "AIDACKCEVSQ6C2EXAMPLE".parse().unwrap(),
            format!("arn:aws:iam::111122223333:user/user-{number}")
                .parse()
                .unwrap(),
            "/",
        )
    };
    let account = "111122223333".parse().unwrap();
    let role = "arn:aws:iam::111122223333:role/banto".parse().unwrap();
    let snapshot = Snapshot {
        users: (0..5_000).map(user).collect(),
        ..Snapshot::empty(account, role, Asked::by("scheduled", now))
    };
    let policy = policy().rotation;
    let mut took = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        black_box(plan::plan(black_box(&snapshot), &policy, now));
        took.push(begun.elapsed());
    }
    let made = plan::plan(&snapshot, &policy, now);
    at_most(
        "planning 5,000 users, all due, ms",
        milliseconds(median(&mut took)),
        10.0,
    );
    let begun = Instant::now();
    black_box(check::check(&snapshot, &made, &policy, now));
    row("checking that plan, ms", milliseconds(begun.elapsed()));
}

/// CPU time of an envelope for each kind of certificate.
pub fn sealing() {
    let now = start();
    let secret = SecretString::from("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    let (account, user) = ("111122223333".parse().unwrap(), "alice".parse().unwrap());
    let key = "AKIAIOSFODNN7EXAMPLE".parse().unwrap();
    let credential = Credential {
        account: &account,
        user: &user,
        key: &key,
        secret: &secret,
        created_at: now,
    };
    for kind in [
        Kind::Curve25519,
        Kind::Curve25519V6,
        Kind::NistP256,
        Kind::NistP384,
        Kind::NistP521,
        Kind::Rsa2048,
        Kind::Rsa4096,
    ] {
        let lifetime = Lifetime {
            from: now - days(1),
            until: None,
        };
        let holder = Holder::generate("Alice", kind, lifetime).unwrap();
        let certificate = holder.certificate().unwrap();
        let recipient =
            Recipient::parse(certificate.as_bytes(), holder.fingerprint(), now).unwrap();
        let mut took = Vec::new();
        for _ in 0..50 {
            let begun = Instant::now();
            black_box(recipient.seal(&credential).unwrap());
            took.push(begun.elapsed());
        }
        at_most(
            &format!("sealing to {kind:?}, ms"),
            milliseconds(median(&mut took)),
            1.0,
        );
    }
}

/// The real binary on an account without users.
pub async fn process(tools: &Tools) {
    let ground = Ground::start(tools).await;
    let directory = tempfile::tempdir().unwrap();
    let policy = directory.path().join("banto.toml");
    fs::write(
        &policy,
        "[rotation]\n[[rotation.accounts]]\nid = \"111122223333\"\nrole = \"arn:aws:iam::111122223333:role/bench\"\n\
         assume = false\ncertificate_bucket = \"certificates\"\n[notices]\n\
         operators_topic = \"arn:aws:sns:eu-west-1:111122223333:operators\"\n\
         owners_topic = \"arn:aws:sns:eu-west-1:111122223333:owners\"\n",
    )
    .unwrap();
    let job = Job {
        function: "rotate-access-keys",
        event: json!({}),
        variables: vec![("BANTO_POLICY".to_owned(), policy.display().to_string())],
        in_python: include_str!("twins/rotate_access_keys.py"),
        in_node: include_str!("twins/rotate_access_keys.mjs"),
    };
    cold_start::compare(tools, &ground, &job).await;
}
