//! Costs of rotate-access-keys: calls, plans and envelopes, and one process.

#[path = "../../src/rotation/harness.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod harness;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hint::black_box;
use std::time::Instant;

use banto_fake::World;
use banto_seal::holder::{Holder, Kind, Lifetime};
use banto_seal::{Credential, Recipient};
use jiff::SignedDuration;
use rotate_access_keys::event::Mode;
use rotate_access_keys::snapshot::{Certificate, Key, PIN_TAG, Snapshot, StoredRecord, Used, User};
use rotate_access_keys::{check, plan};
use secrecy::SecretString;
use serde_json::json;

use crate::cold_start::{self, Ground, Job, STARTS, Tools};
use crate::harness::handle;
use crate::table::{at_most, median, milliseconds, row};
use harness::{add_registered, days, everyone, policy, start};

/// Calls to AWS over 5,000 users.
pub fn calls() {
    let world = World::at(start());
    for number in 0..4_950 {
        let user = world.add_user(&format!("young-{number}"));
        world.add_key(&user, days(10));
    }
    handle(&world, &policy(), &everyone());
    at_most(
        "calls to AWS, 4,950 users, nobody due",
        world.calls().len(),
        2.0,
    );
    world.advance(SignedDuration::from_hours(5));
    for number in 0..50 {
        add_registered(&world, &format!("due-{number}"), days(100));
    }
    let mut policy = policy();
    policy.rotation.max_users_per_run = 50;
    let before = world.calls().len();
    handle(&world, &policy, &everyone());
    at_most(
        "calls to AWS, 5,000 users, 1 % due, first rotation",
        world.calls().len() - before,
        502.0,
    );
}

/// CPU time of planning and checking 5,000 users, all of them due.
pub fn planning() {
    let now = start();
    let fingerprint = "D1A66E1A23B182C9980F788CFBFCC82A015E7330";
    let user = |number: u32| User {
        name: format!("user-{number}").parse().unwrap(),
        id: "AIDACKCEVSQ6C2EXAMPLE".parse().unwrap(),
        arn: format!("arn:aws:iam::111122223333:user/user-{number}")
            .parse()
            .unwrap(),
        path: "/".into(),
        tags: BTreeMap::from([(PIN_TAG.to_owned(), fingerprint.to_owned())]),
        groups: BTreeSet::new(),
        keys: vec![Key {
            id: format!("AKIA{number:016}").parse().unwrap(),
            active: true,
            created_at: now - days(100),
            used: Used::Unknown,
        }],
        record: StoredRecord::Absent,
        certificate: Certificate::Usable {
            fingerprint: fingerprint.parse().unwrap(),
            expires_soon: None,
        },
    };
    let snapshot = Snapshot {
        account: "111122223333".parse().unwrap(),
        mode: Mode::Due,
        named_exposed: BTreeSet::new(),
        users: (0..5_000).map(user).collect(),
        not_observed: Vec::new(),
        users_in_order: 0,
        oldest_key: None,
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
