//! A table of every situation that one user can be in: keys x record x use x certificate x policy x
//! mode. `expected.txt` beside this file is read by people; `BLESS=1` writes it anew.

use banto_fake::assert_as_committed;

use super::*;
use crate::check::check;
use crate::snapshot::ACKNOWLEDGED_TAG;

const EXPECTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/plan/tests/expected.txt");

/// The keys a user can have, in words and as they are.
fn keys() -> Vec<(&'static str, Vec<Key>)> {
    let new = |active| key(NEW, active, days(20));
    let old = |active, age| key(OLD, active, days(age));
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

/// The records that can be stored, in words and as they are.
fn stored_records() -> Vec<(&'static str, StoredRecord)> {
    let disabled = |age: i64, reminded: Option<i64>| {
        let mut record = record(Some(delivered(days(20))));
        record.disabled.insert(id(OLD), now() - days(age));
        record
            .notified
            .insert(format!("disabling:{OLD}"), now() - days(age));
        if let Some(reminded) = reminded {
            record
                .notified
                .insert(format!("will-be-deleted:{OLD}"), now() - days(reminded));
        }
        record
    };
    let reminded = |age: i64| {
        let mut record = record(Some(delivered(days(age))));
        record
            .notified
            .insert(format!("will-be-disabled:{OLD}"), now() - days(2));
        record
    };
    let mut restored = record(Some(delivered(days(20))));
    restored.restored.insert(id(OLD));
    let mut exposed = record(None);
    exposed.exposed.insert(id(OLD));
    let mut exposed_disabled = exposed.clone();
    exposed_disabled.disabled.insert(id(OLD), now() - days(1));
    let mut warned = record(None);
    warned
        .notified
        .insert(format!("warning:{OLD}"), now() - days(1));
    let records = [
        ("record without rotation", record(None)),
        ("warned", warned),
        (
            "intent 5 min ago",
            record(Some(intent(SignedDuration::from_mins(5)))),
        ),
        ("intent 20 d ago", record(Some(intent(days(20))))),
        ("issued", record(Some(issued(days(20))))),
        (
            "delivered 12 h ago",
            record(Some(delivered(SignedDuration::from_hours(12)))),
        ),
        ("delivered 1 d ago", record(Some(delivered(days(1))))),
        ("delivered 12 d ago", record(Some(delivered(days(12))))),
        ("delivered 14 d ago", record(Some(delivered(days(14))))),
        ("delivered 14 d ago, reminded", reminded(14)),
        ("disabled 1 d ago", disabled(1, None)),
        ("disabled 8 d ago", disabled(8, None)),
        ("disabled 10 d ago", disabled(10, None)),
        ("disabled 9 d ago, reminded", disabled(9, Some(1))),
        ("disabled 10 d ago, reminded", disabled(10, Some(2))),
        ("restored", restored),
        ("noted as exposed", exposed),
        ("exposed, disabled", exposed_disabled),
    ];
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
    stored_records.extend(records.map(|(name, record)| (name, StoredRecord::Own(record))));
    stored_records
}

/// The knowledge that there can be of the new key's use.
fn uses() -> [(&'static str, Used, bool); 4] {
    [
        ("use unknown", Used::Unknown, false),
        ("never used", Used::Never, false),
        ("used", used_at(now() - days(1)), false),
        ("acknowledged", Used::Never, true),
    ]
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
    let with_deadline = RotationPolicy {
        timings: RotationTimings {
            deadline: Some(days(14)),
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
    [("no deadline", policy()), ("deadline", with_deadline)]
        .into_iter()
        .flat_map(move |(policy_name, policy)| {
            let certificates = certificates.clone();
            uses()
                .into_iter()
                .flat_map(move |(use_name, used, acknowledged)| {
                    let policy = policy.clone();
                    certificates
                        .clone()
                        .into_iter()
                        .map(move |(certificate_name, certificate)| {
                            let mut alice = User {
                                certificate,
                                ..alice.clone()
                            };
                            for key in alice.keys.iter_mut().filter(|key| key.id == id(NEW)) {
                                key.used = used.clone();
                            }
                            if acknowledged {
                                alice.tags.insert(ACKNOWLEDGED_TAG.into(), NEW.into());
                            }
                            (
                                [policy_name, use_name, certificate_name],
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
