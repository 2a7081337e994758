//! Promises held against any snapshot at all, and the proof that `check` catches plans that break
//! them.

use proptest::prelude::*;

use super::*;
use crate::check::check;
use crate::plan::{Chain, DisableReason};

fn any_age() -> impl Strategy<Value = SignedDuration> {
    prop_oneof![
        (0i64..400).prop_map(days),
        (0i64..60).prop_map(SignedDuration::from_mins),
        Just(days(90)),
        Just(days(14)),
        Just(days(10)),
        Just(days(1)),
    ]
}

fn any_used() -> impl Strategy<Value = Used> {
    prop_oneof![
        Just(Used::Unknown),
        Just(Used::Never),
        any_age().prop_map(|age| used_at(now() - age))
    ]
}

fn any_keys() -> impl Strategy<Value = Vec<Key>> {
    let key = |name: &'static str| {
        (any::<bool>(), any_age(), any_used()).prop_map(move |(active, age, used)| Key {
            used,
            ..key(name, active, age)
        })
    };
    prop_oneof![
        Just(vec![]),
        key(OLD).prop_map(|key| vec![key]),
        key(NEW).prop_map(|key| vec![key]),
        (key(OLD), key(NEW)).prop_map(|(old, new)| vec![old, new]),
    ]
}

fn any_ids() -> impl Strategy<Value = BTreeSet<AccessKeyId>> {
    proptest::sample::subsequence(vec![OLD, NEW], 0..=2)
        .prop_map(|ids| ids.into_iter().map(id).collect())
}

prop_compose! {
    fn any_rotation()(
        reason in prop_oneof![Just(Reason::Due), Just(Reason::Forced), Just(Reason::Emergency)],
        intended in any_age(),
        existing_keys in any_ids(),
        issued in proptest::option::of(prop_oneof![Just(NEW), Just(OLD)]),
        delivered in proptest::option::of(any_age()),
    ) -> Rotation {
        let issued = issued.map(|key| Issued { key: id(key), created_at: now() - intended });
        let delivered_at = delivered.filter(|_| issued.is_some()).map(|age| now() - age);
        Rotation { reason, existing_keys, issued, delivered_at, ..intent(intended) }
    }
}

prop_compose! {
    fn any_record()(
        rotation in proptest::option::of(any_rotation()),
        disabled in any_ids(),
        disabled_age in any_age(),
        restored in any_ids(),
        exposed in any_ids(),
        said in proptest::sample::subsequence(
            vec!["warning", "disabling", "will-be-disabled", "will-be-deleted", "deleting", "exposed"], 0..=6),
        said_age in any_age(),
    ) -> Record {
        let mut record = record(rotation);
        record.disabled = disabled.into_iter().map(|id| (id, now() - disabled_age)).collect();
        record.restored = restored;
        record.exposed = exposed;
        record.notified = said.into_iter().map(|what| (format!("{what}:{OLD}"), now() - said_age)).collect();
        record
    }
}

prop_compose! {
    fn any_snapshot()(
        mode in prop_oneof![4 => Just(Mode::Due), 1 => Just(Mode::Force), 1 => Just(Mode::Emergency)],
        keys in any_keys(),
        record in proptest::option::weighted(0.8, any_record()),
        certificate in prop_oneof![
            3 => Just(usable()),
            1 => Just(Certificate::NotAsked),
            1 => Just(Certificate::Unknown("denied".into())),
            1 => Just(Certificate::Refused { code: "expired".into(), reason: "it expired".into() }),
        ],
        exposed in any_ids(),
    ) -> Snapshot {
        let record = record.map_or(StoredRecord::Absent, StoredRecord::Own);
        let alice = User { record, certificate, ..user("alice", keys) };
        let named_exposed = if mode == Mode::Emergency { exposed } else { BTreeSet::new() };
        Snapshot { named_exposed, ..snapshot(mode, vec![alice]) }
    }
}

fn any_policy() -> impl Strategy<Value = RotationPolicy> {
    proptest::option::of(3i64..30).prop_map(|deadline| RotationPolicy {
        timings: RotationTimings {
            deadline: deadline.map(days),
            ..policy().timings
        },
        ..policy()
    })
}

fn actions(plan: &Plan) -> Vec<Action> {
    plan.chains
        .iter()
        .flat_map(|chain| chain.actions.clone())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn no_plan_breaks_a_promise(snapshot in any_snapshot(), policy in any_policy()) {
        let plan = plan(&snapshot, &policy, now());
        prop_assert_eq!(check(&snapshot, &plan, &policy, now()), vec![]);
    }

    #[test]
    fn a_plan_is_the_same_each_time(snapshot in any_snapshot(), policy in any_policy()) {
        prop_assert_eq!(plan(&snapshot, &policy, now()), plan(&snapshot, &policy, now()));
    }

    #[test]
    fn the_kill_switch_stops_everything(snapshot in any_snapshot(), policy in any_policy()) {
        let off = RotationPolicy { enabled: false, ..policy };
        prop_assert!(plan(&snapshot, &off, now()).is_empty());
    }

    /// R7: unknown is never treated as used.
    #[test]
    fn unknown_use_never_retires_a_key_without_a_deadline(mut snapshot in any_snapshot()) {
        for key in snapshot.users.iter_mut().flat_map(|user| &mut user.keys) {
            key.used = Used::Unknown;
        }
        let actions = actions(&plan(&snapshot, &policy(), now()));
        let retires = |action: &Action| matches!(action, Action::Disable { .. } | Action::DiscardOrphan { .. });
        prop_assert!(!actions.iter().any(retires), "{:?}", actions);
    }

    /// R1: nobody loses a key unnotified.
    #[test]
    fn nothing_is_deleted_or_disabled_untold(snapshot in any_snapshot(), policy in any_policy()) {
        let plan = plan(&snapshot, &policy, now());
        let record = snapshot.users.iter().find_map(User::record);
        let mut told: Vec<String> = record.into_iter().flat_map(|record| record.notified.keys().cloned()).collect();
        for action in actions(&plan) {
            match action {
                Action::NotifyOwner(message) => told.push(message.id()),
                Action::Disable { key } => {
                    let id = format!("disabling:{key}");
                    prop_assert!(told.contains(&id), "{}", id);
                }
                Action::Delete { key } => {
                    for id in [format!("will-be-deleted:{key}"), format!("deleting:{key}")] {
                        prop_assert!(told.contains(&id), "{}", id);
                    }
                }
                _ => {}
            }
        }
    }

    /// Any action put where the planner did not put it is either harmless or caught: here, those
    /// that no snapshot without a record justifies.
    #[test]
    fn the_check_catches_unjustified_actions(
        keys in any_keys().prop_filter("a key to act on", |keys| !keys.is_empty()),
        which in 0usize..4,
    ) {
        let alice = user("alice", keys);
        let key = alice.keys[0].id.clone();
        let snapshot = snapshot(Mode::Due, vec![alice]);
        let action = [
            Action::Disable { key: key.clone() },
            Action::Delete { key: key.clone() },
            Action::DiscardOrphan { key: key.clone() },
            Action::DisableExposed { key },
        ][which].clone();
        let plan = by_hand(vec![action]);
        prop_assert!(!check(&snapshot, &plan, &policy(), now()).is_empty());
    }
}

fn by_hand(actions: Vec<Action>) -> Plan {
    Plan {
        account: "111122223333".parse().unwrap(),
        chains: vec![Chain {
            user: "alice".parse().unwrap(),
            actions,
        }],
        findings: Vec::new(),
        waiting: Vec::new(),
    }
}

fn breached(user: User, actions: Vec<Action>, promise: &str) {
    let breaches = check(
        &snapshot(Mode::Due, vec![user]),
        &by_hand(actions),
        &policy(),
        now(),
    );
    assert!(
        breaches.iter().any(|breach| breach.promise == promise),
        "{promise}: {breaches:?}"
    );
}

fn issue(existing_keys: &[&str], recipient: Fingerprint) -> Action {
    Action::Issue {
        reason: Reason::Due,
        existing_keys: existing_keys.iter().map(|key| id(key)).collect(),
        recipient,
    }
}

#[test]
fn the_check_catches_a_third_key() {
    let keys = vec![key(OLD, true, days(100)), key(NEW, false, days(1))];
    breached(
        user("alice", keys),
        vec![issue(&[OLD, NEW], pinned())],
        "R2",
    );
}

#[test]
fn the_check_catches_a_foreign_recipient() {
    let other = "A".repeat(40).parse().unwrap();
    breached(
        user("alice", vec![key(OLD, true, days(100))]),
        vec![issue(&[OLD], other)],
        "R8",
    );
}

#[test]
fn the_check_catches_an_issue_beside_another_run() {
    let record = record(Some(intent(SignedDuration::from_mins(1))));
    let alice = User {
        record: StoredRecord::Own(record),
        ..user("alice", vec![key(OLD, true, days(100))])
    };
    breached(alice, vec![issue(&[OLD], pinned())], "R5");
}

#[test]
fn the_check_catches_an_intent_that_forgets_a_key() {
    breached(
        user("alice", vec![key(OLD, true, days(100))]),
        vec![issue(&[], pinned())],
        "R5",
    );
}

#[test]
fn the_check_catches_disabling_on_unknown_use() {
    let keys = vec![key(OLD, true, days(100)), key(NEW, true, days(3))];
    let alice = User {
        record: StoredRecord::Own(record(Some(delivered(days(3))))),
        ..user("alice", keys)
    };
    let tell = OwnerNotice::Disabling {
        key: id(OLD),
        reason: DisableReason::NewKeyUsed,
        restorable_until: now(),
    };
    breached(
        alice,
        vec![Action::NotifyOwner(tell), Action::Disable { key: id(OLD) }],
        "R7",
    );
}

#[test]
fn the_check_catches_disabling_untold() {
    let mut keys = vec![key(OLD, true, days(100)), key(NEW, true, days(3))];
    keys[1].used = used_at(now());
    let alice = User {
        record: StoredRecord::Own(record(Some(delivered(days(3))))),
        ..user("alice", keys)
    };
    breached(alice, vec![Action::Disable { key: id(OLD) }], "R1");
}

#[test]
fn the_check_catches_deleting_too_early() {
    let mut record = record(Some(delivered(days(20))));
    record
        .disabled
        .insert(id(OLD), now() - days(10) + SignedDuration::from_secs(1));
    let keys = vec![key(OLD, false, days(100)), key(NEW, true, days(20))];
    let alice = User {
        record: StoredRecord::Own(record),
        ..user("alice", keys)
    };
    breached(alice, vec![Action::Delete { key: id(OLD) }], "R2");
}

#[test]
fn the_check_catches_an_exposed_key_that_is_not_disabled_first() {
    let keys = vec![key(OLD, true, days(20)), key(NEW, true, days(1))];
    let mut record = record(None);
    record.exposed.insert(id(NEW));
    let alice = User {
        record: StoredRecord::Own(record),
        ..user("alice", keys)
    };
    let notice = OwnerNotice::Exposed {
        keys: BTreeSet::from([id(NEW)]),
        has_other: true,
    };
    breached(
        alice,
        vec![
            Action::NotifyOwner(notice),
            Action::DisableExposed { key: id(NEW) },
        ],
        "R9",
    );
}

#[test]
fn the_check_catches_a_user_nobody_saw() {
    breached(
        user("bob", vec![key(OLD, true, days(100))]),
        vec![issue(&[OLD], pinned())],
        "R7",
    );
}
