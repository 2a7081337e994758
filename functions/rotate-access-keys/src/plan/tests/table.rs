//! A table of every situation that one user can be in: keys x record x use x certificate x policy x
//! mode. `expected.txt` beside this file is read by people; `BLESS=1` writes it anew.

use banto_fake::assert_as_committed;

use super::*;
use crate::check::check;

const EXPECTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/plan/tests/expected.txt");

/// The keys a user can have, in words and as they are.
fn keys() -> Vec<(&'static str, Vec<Key>)> {
    let new = |active| key(NEW, active, days(20));
    let old = |active, age| Key {
        used: used_at(now() - days(30)),
        ..key(OLD, active, days(age))
    };
    vec![
        ("no key", vec![]),
        ("young", vec![old(true, 10)]),
        ("in warning", vec![old(true, 84)]),
        ("due", vec![old(true, 90)]),
        ("inactive", vec![old(false, 90)]),
        ("due, new", vec![old(true, 120), new(true)]),
        ("due, new inactive", vec![old(true, 120), new(false)]),
        ("inactive, new", vec![old(false, 120), new(true)]),
        ("inactive, new inactive", vec![old(false, 120), new(false)]),
        (
            "inactive, new due",
            vec![old(false, 200), key(NEW, true, days(95))],
        ),
        ("new alone", vec![new(true)]),
        ("new alone due", vec![key(NEW, true, days(95))]),
    ]
}

/// The record of a rotation whose old key was disabled so many days ago, and its owner perhaps
/// reminded of the deletion.
fn disabled(age: i64, reminded: Option<i64>) -> Record {
    let mut record = record(delivered(days(20)));
    record.disabled.insert(id(OLD), now() - days(age));
    record
        .notified
        .insert(format!("disabling:{OLD}"), now() - days(age));
    if let Some(reminded) = reminded {
        record
            .notified
            .insert(format!("will-be-deleted:{OLD}:1"), now() - days(reminded));
    }
    record
}

/// The record of a rotation whose owner was reached when the new key was delivered.
fn reached(age: i64) -> Record {
    let mut record = record(delivered(days(age)));
    record
        .notified
        .insert(format!("reached:{NEW}"), now() - days(age));
    record
}

/// The same, reminded of the deadline two days ago for the last time.
fn reminded(age: i64) -> Record {
    let mut record = reached(age);
    record
        .notified
        .insert(format!("will-end:{OLD}:1"), now() - days(2));
    record
}

/// The record of an emergency about which CloudTrail was asked for the last time.
fn looked(age: i64) -> Record {
    let mut record = emergency(days(age));
    if let Some(emergency) = &mut record.emergency {
        emergency.looked_at = Some(now() - days(age) + SignedDuration::from_hours(1));
    }
    record
}

/// The first record, changed in one way.
fn first_with(change: impl FnOnce(&mut Record)) -> Record {
    let mut record = first_record();
    change(&mut record);
    record
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// Records that speak of no new key.
fn records_without_rotation() -> Vec<(&'static str, Record)> {
    let warned = |record: &mut Record| {
        let id = format!("warning:{OLD}");
        record.notified.insert(id, now() - days(1));
    };
    let owed = Owed {
        reason: Reason::Forced,
        request: "earlier".into(),
        asked_at: now() - days(1),
    };
    vec![
        ("record without rotation", first_record()),
        ("warned", first_with(warned)),
        ("intent 5 min ago", interrupted(intent(minutes(5)))),
        ("intent 30 min ago", interrupted(intent(minutes(30)))),
        ("intent 20 d ago", interrupted(intent(days(20)))),
        ("owed", first_with(|record| record.owed = Some(owed))),
        (
            "noted as exposed",
            first_with(|record| record.exposed = BTreeSet::from([id(OLD)])),
        ),
        ("left 1 d ago", left(days(1), &[OLD], &[])),
        ("left 10 d ago", left(days(10), &[OLD], &[NEW])),
        ("exposed 5 min ago", emergency(minutes(5))),
        ("exposed 1 d ago", looked(1)),
        ("exposed 2 d ago", looked(2)),
    ]
}

/// Records of a rotation.
fn records_of_a_rotation() -> Vec<(&'static str, Record)> {
    let mut restored = record(delivered(days(20)));
    restored.restored.insert(id(OLD));
    vec![
        ("issued", record(issued(days(20)))),
        ("issued 5 min ago", record(issued(minutes(5)))),
        ("delivered 12 h ago", record(delivered(hours(12)))),
        ("delivered 1 d ago", record(delivered(days(1)))),
        ("delivered 12 d ago", record(delivered(days(12)))),
        ("delivered 14 d ago", record(delivered(days(14)))),
        ("reached 5 d ago", reached(5)),
        ("reached 12 d ago", reached(12)),
        ("reached 14 d ago", reached(14)),
        ("proven 20 d ago", record(proven(days(20)))),
        ("reached 14 d ago, reminded", reminded(14)),
        ("disabled 1 d ago", disabled(1, None)),
        ("disabled 8 d ago", disabled(8, None)),
        ("disabled 10 d ago", disabled(10, None)),
        ("disabled 9 d ago, reminded", disabled(9, Some(1))),
        ("disabled 10 d ago, reminded", disabled(10, Some(2))),
        ("restored", restored),
    ]
}

/// The records that can be stored, in words and as they are.
fn stored_records() -> Vec<(&'static str, StoredRecord)> {
    let mut stored_records = vec![
        ("no record", StoredRecord::Absent),
        (
            "a former user's record",
            StoredRecord::FormerUser(disabled(10, Some(2))),
        ),
        (
            "an unreadable record",
            StoredRecord::Unreadable("line 1 column 1".into()),
        ),
    ];
    let own = records_without_rotation()
        .into_iter()
        .chain(records_of_a_rotation());
    stored_records.extend(own.map(|(name, record)| (name, StoredRecord::Own(record))));
    stored_records
}

/// The knowledge that there can be of the new key's use.
fn uses() -> [Use; 5] {
    let long_ago = || used_at(now() - days(30));
    let of = |words, new, old, acknowledged| Use {
        words,
        new,
        old,
        acknowledged,
    };
    [
        of("use unknown", Used::Unknown, long_ago(), false),
        of("never used", Used::Never, long_ago(), false),
        of("used", used_at(now() - days(2)), long_ago(), false),
        of(
            "used, the old one too",
            used_at(now() - days(2)),
            used_at(now()),
            false,
        ),
        of("acknowledged", Used::Never, long_ago(), true),
    ]
}

/// What is known of the use of both keys.
struct Use {
    words: &'static str,
    new: Used,
    old: Used,
    /// True if the new key is acknowledged.
    acknowledged: bool,
}

/// One situation: what is true in it, in words, and as values.
struct Situation {
    mode: &'static str,
    keys: &'static str,
    record: &'static str,
    /// The details that matter in some situations only: the policy, the new key's use, the
    /// certificate.
    details: [&'static str; 3],
    snapshot: Snapshot,
    policy: RotationPolicy,
}

impl Situation {
    fn plan(&self) -> Plan {
        plan(&self.snapshot, &self.policy, now())
    }
}

/// Every situation, those that differ in details only one after the other.
fn every_situation() -> impl Iterator<Item = Vec<Situation>> {
    let modes = [
        (Mode::Due, "due"),
        (Mode::Force, "force"),
        (Mode::Emergency, "emergency"),
    ];
    modes.into_iter().flat_map(|(mode, mode_name)| {
        keys().into_iter().flat_map(move |(keys_name, keys)| {
            stored_records()
                .into_iter()
                .map(move |(record_name, stored)| {
                    let alice = User {
                        record: stored,
                        ..user("alice", keys.clone())
                    };
                    let situation = |details, policy, alice| Situation {
                        mode: mode_name,
                        keys: keys_name,
                        record: record_name,
                        details,
                        snapshot: snapshot(mode, vec![alice]),
                        policy,
                    };
                    in_every_detail(&alice)
                        .map(|(details, policy, alice)| situation(details, policy, alice))
                        .collect()
                })
        })
    })
}

/// One user under each policy, with each knowledge of the new key's use, with each certificate.
fn in_every_detail(
    alice: &User,
) -> impl Iterator<Item = ([&'static str; 3], RotationPolicy, User)> {
    let with = |deadline| RotationPolicy {
        timings: RotationTimings {
            deadline,
            ..policy().timings
        },
        ..policy()
    };
    let refused = Certificate::Refused {
        code: "expired".into(),
        reason: "it expired".into(),
    };
    let certificates = [
        ("certificate usable", usable()),
        ("refused", refused),
        ("not fetched", Certificate::Unknown("denied".into())),
    ];
    let policies = [
        ("no deadline", with(None)),
        ("deadline", with(Some(days(14)))),
    ];
    policies.into_iter().flat_map(move |(policy_name, policy)| {
        let certificates = certificates.clone();
        uses().into_iter().flat_map(move |of| {
            let policy = policy.clone();
            certificates
                .clone()
                .into_iter()
                .map(move |(certificate_name, certificate)| {
                    let mut alice = User {
                        certificate,
                        ..alice.clone()
                    };
                    for key in &mut alice.keys {
                        let used = if key.id == id(NEW) { &of.new } else { &of.old };
                        key.used = used.clone();
                    }
                    if of.acknowledged {
                        alice.acknowledged = Some(id(NEW));
                    }
                    if certificate_name.starts_with("another") {
                        alice.tags.insert(PIN_TAG.into(), another().to_string());
                    }
                    (
                        [policy_name, of.words, certificate_name],
                        policy.clone(),
                        alice,
                    )
                })
        })
    })
}

/// The lines of one situation: a line for each combination of those details that matter in it.
fn lines(situations: &[Situation]) -> Vec<String> {
    let plans: Vec<([&str; 3], String)> = situations
        .iter()
        .map(|situation| (situation.details, in_short(&situation.plan())))
        .collect();
    let matters = [0, 1, 2].map(|detail| {
        plans.iter().any(|(these, plan)| {
            plans.iter().any(|(those, other)| {
                plan != other
                    && (0..3).all(|place| (these[place] == those[place]) == (place != detail))
            })
        })
    });
    let mut lines = Vec::new();
    for (details, plan) in &plans {
        let first = &situations[0];
        let mattering = details
            .iter()
            .zip(matters)
            .filter(|(_, matters)| *matters)
            .map(|(detail, _)| *detail);
        let words: Vec<&str> = [first.mode, first.keys, first.record]
            .into_iter()
            .chain(mattering)
            .collect();
        let line = format!("{} => {plan}", words.join(" | "));
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

#[test]
fn no_situation_breaks_a_promise() {
    for situation in every_situation().flatten() {
        let plan = situation.plan();
        let breaches = check(&situation.snapshot, &plan, &situation.policy, now());
        let words = [situation.mode, situation.keys, situation.record];
        assert!(
            breaches.is_empty(),
            "{words:?} {:?}: {}: {breaches:?}",
            situation.details,
            in_short(&plan)
        );
    }
}

#[test]
fn every_situation_is_planned_as_the_table_says() {
    let found: Vec<String> = every_situation()
        .flat_map(|situations| lines(&situations))
        .collect();
    assert_as_committed(EXPECTED, &(found.join("\n") + "\n"));
}
