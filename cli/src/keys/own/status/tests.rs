use std::collections::BTreeSet;

use banto_domain::policy::Policy;
use banto_domain::record::{Intent, Issued, Left, Pin, Reason, Rotation};
use banto_fake::PolicyText;
use banto_ports::{LastUse, LiveUser};
use banto_seal::holder::{Holder, Kind, Lifetime};
use jiff::SignedDuration;
use rotate_access_keys::snapshot::PIN_TAG;

use super::super::super::cloud::Stored;
use super::super::super::record::Signature;
use super::super::super::seen;
use super::*;
use crate::expected::holds;

const OLD: &str = "AKIAIOSFODNN7EXAMPLE";
const NEW: &str = "AKIAI44QH8DHBEXAMPLE";
const CERTIFICATE: &str = "D1A66E1A23B182C9980F788CFBFCC82A015E7330";

fn now() -> Timestamp {
    "2026-11-27T12:00:00Z".parse().unwrap()
}

fn ago(days: i64) -> Timestamp {
    now() - SignedDuration::from_hours(24 * days)
}

fn policy() -> Policy {
    PolicyText::least().parse()
}

fn key(id: &str, active: bool, age: i64, used: Option<i64>) -> Key {
    Key {
        id: id.parse().unwrap(),
        active,
        created_at: ago(age),
        used: match used {
            None => Used::Never,
            Some(days) => Used::Last(LastUse {
                at: ago(days),
                service: "s3".to_owned(),
                region: "eu-west-1".to_owned(),
            }),
        },
    }
}

fn live(tags: &[(&str, &str)]) -> LiveUser {
    LiveUser {
        name: "alice".parse().unwrap(),
        id: "AIDACKCEVSQ6C2EXAMPLE".parse().unwrap(),
        arn: "arn:aws:iam::111122223333:user/alice".parse().unwrap(),
        path: "/".to_owned(),
        tags: tags
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

/// A user with a certificate that counts, whatever its record.
fn looked(keys: Vec<Key>, record: Option<Record>) -> Looked {
    let identity = policy().rotation.accounts.remove(0);
    let kept = match record {
        Some(record) => Kept::Believed(Box::new(record), Signature::NotAsked),
        None => Kept::Denied("secretsmanager:GetSecretValue: denied".to_owned()),
    };
    let mut user = seen::user(&identity, live(&[]), &kept, None, now()).user;
    user.keys = keys;
    user.certificate = Certificate::Usable {
        fingerprint: CERTIFICATE.parse().unwrap(),
        expires_soon: None,
        certified: false,
        stored_since: Some(ago(100)),
    };
    Looked {
        identity,
        kept,
        user,
        certificate_ends: Some(now() + SignedDuration::from_hours(24 * 700)),
    }
}

fn record(rotation: Option<Rotation>) -> Record {
    let mut record = Record::first("AIDACKCEVSQ6C2EXAMPLE".parse().unwrap());
    record.rotation = rotation;
    record.pin = Some(Pin {
        fingerprint: CERTIFICATE.parse().unwrap(),
        certificate: String::new(),
    });
    record
}

fn issued(days: i64, proven: Option<i64>) -> Rotation {
    Rotation {
        intent: Intent {
            reason: Reason::Due,
            request: None,
            intended_at: ago(days),
            existing_keys: BTreeSet::from([OLD.parse().unwrap()]),
            recipient: CERTIFICATE.parse().unwrap(),
        },
        issued: Issued {
            key: NEW.parse().unwrap(),
            created_at: ago(days),
        },
        delivered_at: Some(ago(days)),
        proven_at: proven.map(ago),
        withdrawn_at: None,
    }
}

/// Each situation, with its name.
fn situations() -> Vec<(&'static str, Looked)> {
    let old = || key(OLD, true, 100, Some(1));
    let reached = |mut record: Record| {
        record.notified.insert(format!("reached:{NEW}"), ago(3));
        record
    };
    let mut disabled = record(Some(issued(10, Some(9))));
    disabled.disabled.insert(OLD.parse().unwrap(), ago(4));
    let mut left = record(None);
    left.left = Some(Left::new(ago(2), None));
    let mut unregistered = looked(vec![key(OLD, true, 85, Some(0))], None);
    let no_pin = seen::user(
        &unregistered.identity,
        live(&[]),
        &unregistered.kept,
        None,
        now(),
    );
    unregistered.user.certificate = no_pin.user.certificate;
    let mut waits = looked(vec![key(OLD, true, 95, Some(0))], None);
    waits.user.certificate = Certificate::Usable {
        fingerprint: CERTIFICATE.parse().unwrap(),
        expires_soon: Some(now() + SignedDuration::from_hours(24 * 20)),
        certified: false,
        stored_since: Some(ago(2)),
    };
    let mut unreadable = looked(vec![old()], None);
    unreadable.user.record = StoredRecord::Unreadable("it is not signed".to_owned());
    vec![
        ("no key", looked(Vec::new(), None)),
        (
            "a young key",
            looked(vec![key(OLD, true, 40, Some(0))], None),
        ),
        ("no certificate", unregistered),
        (
            "a certificate that does not count yet, and ends soon",
            waits,
        ),
        (
            "a new key waits",
            looked(
                vec![old(), key(NEW, true, 3, None)],
                Some(reached(record(Some(issued(3, None))))),
            ),
        ),
        (
            "a new key arrived",
            looked(
                vec![key(OLD, true, 100, Some(3)), key(NEW, true, 3, Some(1))],
                Some(reached(record(Some(issued(3, Some(1)))))),
            ),
        ),
        (
            "an old key is disabled",
            looked(
                vec![key(OLD, false, 100, Some(5)), key(NEW, true, 10, Some(0))],
                Some(disabled),
            ),
        ),
        (
            "somebody left",
            looked(vec![key(OLD, false, 100, Some(5))], Some(left)),
        ),
        ("an unreadable record", unreadable),
    ]
}

#[test]
fn each_situation_is_shown_as_committed() {
    let policy = policy();
    holds("keys/status", |screen| {
        let mut text = String::new();
        for (name, looked) in situations() {
            let standing = Standing::of(&looked, &policy.rotation, now());
            text.push_str(&format!("=== {name} ===\n{}\n\n", standing.text(screen)));
        }
        text
    });
}

#[test]
fn the_json_has_what_the_screen_has() {
    let policy = policy();
    let looked = situations().swap_remove(4).1;
    let standing = Standing::of(&looked, &policy.rotation, now());
    let json = standing.to_json();
    assert_eq!(json["keys"][1]["id"], NEW);
    assert_eq!(json["keys"][1]["state"], "new, waits for you");
    assert_eq!(json["rotation"]["newKey"], NEW);
    assert_eq!(json["certificate"]["usable"], true);
    assert!(
        json["todo"][0]
            .as_str()
            .unwrap()
            .contains("banto keys fetch")
    );
    let next: Timestamp = json["next"][0]["at"].as_str().unwrap().parse().unwrap();
    assert!(next > now());
    assert!(standing.has_something_to_do());
}

#[test]
fn a_certificate_is_judged_as_the_rotator_judges_it() {
    let identity = policy().rotation.accounts.remove(0);
    let kept = Kept::Nothing;
    let lifetime = Lifetime {
        from: Timestamp::now() - SignedDuration::from_hours(1),
        until: None,
    };
    let made = Holder::generate("Alice <alice@example.com>", Kind::Curve25519, lifetime);
    let holder = made.unwrap();
    let certificate = holder.certificate().unwrap();
    let own = holder.fingerprint().as_str();
    let code = |tags: &[(&str, &str)], stored: Option<&str>| {
        let stored = stored.map(|text| Stored {
            bytes: text.as_bytes().to_vec(),
            since: None,
        });
        let seen = seen::user(
            &identity,
            live(tags),
            &kept,
            stored.as_ref(),
            Timestamp::now(),
        );
        match seen.user.certificate {
            Certificate::Refused { code, .. } => code,
            Certificate::Usable { fingerprint, .. } => fingerprint.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code(&[], None), "no-pin");
    assert_eq!(code(&[(PIN_TAG, "nonsense")], None), "bad-pin");
    assert_eq!(code(&[(PIN_TAG, CERTIFICATE)], None), "no-certificate");
    assert_eq!(
        code(&[(PIN_TAG, CERTIFICATE)], Some(&certificate)),
        "wrong-fingerprint"
    );
    assert_eq!(
        code(&[(PIN_TAG, own)], Some("nonsense")),
        "not-a-certificate"
    );
    assert_eq!(code(&[(PIN_TAG, own)], Some(&certificate)), own);
}
