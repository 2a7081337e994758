//! Promises held against any snapshot at all, and the proof that `check` catches plans that break
//! them.

use proptest::prelude::*;

use super::*;
use crate::check::check;
use crate::plan::{Chain, DisableReason, OtherKey};

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

fn any_reason() -> impl Strategy<Value = Reason> {
    prop_oneof![
        Just(Reason::Due),
        Just(Reason::Forced),
        Just(Reason::Emergency)
    ]
}

prop_compose! {
    fn any_intent()(reason in any_reason(), age in any_age(), existing_keys in any_ids()) -> Intent {
        Intent { reason, existing_keys, ..intent(age) }
    }
}

prop_compose! {
    fn any_rotation()(
        intent in any_intent().boxed(),
        issued in prop_oneof![Just(NEW), Just(OLD)],
        delivered in proptest::option::of(any_age()),
        proven in proptest::option::of(any_age()),
    ) -> Rotation {
        let created_at = intent.intended_at;
        let delivered_at = delivered.map(|age| now() - age);
        let proven_at = proven.map(|age| now() - age);
        Rotation { intent, issued: Issued { key: id(issued), created_at }, delivered_at, proven_at, withdrawn_at: None }
    }
}

prop_compose! {
    fn any_emergency()(
        age in any_age(),
        denied in any::<bool>(),
        looked in proptest::option::of(any_age()),
        same_request in any::<bool>(),
    ) -> Emergency {
        let at = now() - age;
        Emergency {
            request: if same_request { "request" } else { "earlier" }.into(),
            asked_at: at,
            since: at,
            contained_at: at,
            sessions_denied_at: denied.then_some(at),
            revoked_at: None,
            looked_at: looked.map(|age| now() - age),
        }
    }
}

prop_compose! {
    fn any_left()(
        age in any_age(),
        worked in any_ids(),
        inactive in any_ids(),
        denied in any::<bool>(),
        revoked in any::<bool>(),
    ) -> Left {
        let at = now() - age;
        Left {
            worked,
            inactive,
            sessions_denied_at: denied.then_some(at),
            revoked_at: revoked.then_some(at),
            ..Left::new(at, None)
        }
    }
}

prop_compose! {
    fn any_record()(
        rotation in proptest::option::of(any_rotation().boxed()),
        intent in proptest::option::of(any_intent().boxed()),
        owed in proptest::option::of(any_reason()),
        emergency in proptest::option::weighted(0.3, any_emergency().boxed()),
        left in proptest::option::weighted(0.3, any_left().boxed()),
        is_reported in any::<bool>(),
        disabled in any_ids(),
        disabled_age in any_age(),
        restored in any_ids(),
        exposed in any_ids(),
        said in proptest::sample::subsequence(
            vec![
                "warning", "disabling", "will-end", "will-be-retired", "will-be-deleted", "deleting", "exposed",
                "will-end-unregistered", "reached",
            ],
            0..=9,
        ),
        said_age in any_age(),
        reached in proptest::option::of(any_age()),
        told_of_another in proptest::option::of(any_age()),
        pin in proptest::option::weighted(0.3, Just(another())),
    ) -> Record {
        let mut record = rotation.map_or_else(first_record, record);
        record.intent = intent;
        record.owed = owed.map(|reason| Owed { reason, request: "earlier".into(), asked_at: now() - said_age });
        record.emergency = emergency;
        record.left = left;
        if is_reported {
            record.notified.insert(Left::REPORTED.to_owned(), now() - said_age);
        }
        record.disabled = disabled.into_iter().map(|id| (id, now() - disabled_age)).collect();
        record.restored = restored;
        record.exposed = exposed;
        for what in said {
            let lead = if what.starts_with("will-") { ":1" } else { "" };
            record.notified.insert(format!("{what}:{OLD}{lead}"), now() - said_age);
        }
        record.notified.extend(reached.map(|age| (format!("reached:{NEW}"), now() - age)));
        if let Some(age) = told_of_another {
            for what in ["new-certificate", "finding:new-certificate"] {
                record.notified.insert(format!("{what}:{PINNED}"), now() - age);
            }
        }
        record.pin = pin.map(|fingerprint| Pin { fingerprint, certificate: String::new() });
        record
    }
}

fn any_creations() -> impl Strategy<Value = Creations> {
    let creator = prop_oneof![
        Just(None),
        Just(Some(role())),
        Just(Some(
            "arn:aws:iam::111122223333:role/other".parse().unwrap()
        )),
    ];
    prop_oneof![
        Just(Creations::NotAsked),
        Just(Creations::Unknown("throttled".into())),
        Just(Creations::Seen(BTreeMap::new())),
        creator.prop_map(|creator| Creations::Seen(BTreeMap::from([(id(NEW), creator)]))),
    ]
}

fn any_mode() -> impl Strategy<Value = Mode> {
    prop_oneof![
        4 => Just(Mode::Due),
        1 => Just(Mode::Force),
        2 => Just(Mode::Emergency),
        1 => Just(Mode::Restore),
        1 => Just(Mode::Discard),
        1 => Just(Mode::Approve),
        1 => Just(Mode::Leave),
    ]
}

fn any_certificate() -> impl Strategy<Value = Certificate> {
    let refused = Certificate::Refused {
        code: "expired".into(),
        reason: "it expired".into(),
    };
    let new = (any::<bool>(), proptest::option::of(any_age()));
    let new = new.prop_map(|(certified, stored)| Certificate::Usable {
        fingerprint: pinned(),
        expires_soon: None,
        certified,
        stored_since: stored.map(|age| now() - age),
    });
    prop_oneof![
        3 => Just(usable()),
        2 => new,
        1 => Just(Certificate::NotAsked),
        1 => Just(Certificate::Unknown("denied".into())),
        1 => Just(refused),
    ]
}

prop_compose! {
    fn any_snapshot()(
        mode in any_mode().boxed(),
        keys in any_keys().boxed(),
        record in proptest::option::weighted(0.8, any_record().boxed()),
        certificate in any_certificate().boxed(),
        creations in any_creations().boxed(),
        exposed in any_ids(),
        is_named in any::<bool>(),
        named_keys in any_ids(),
        approved in prop_oneof![Just(pinned()), Just(another())],
    ) -> Snapshot {
        let record = record.map_or(StoredRecord::Absent, StoredRecord::Own);
        let alice = User { record, certificate, creations, ..user("alice", keys) };
        let is_named = is_named && mode == Mode::Emergency;
        Snapshot {
            exposed: if is_named { exposed } else { BTreeSet::new() },
            exposed_since: is_named.then(now),
            named_keys,
            approved: (mode == Mode::Approve).then_some(approved),
            ..snapshot(mode, vec![alice])
        }
    }
}

fn any_policy() -> impl Strategy<Value = RotationPolicy> {
    let limits = (
        proptest::option::of(3i64..30),
        proptest::option::of(1i64..200),
        proptest::option::of(2i64..60),
        any::<bool>(),
    );
    limits.prop_map(|(deadline, unused, unregistered, revokes)| RotationPolicy {
        timings: RotationTimings {
            deadline: deadline.map(days),
            retire_unused_after: unused.map(days),
            disable_unregistered_after: unregistered.map(days),
            ..policy().timings
        },
        revocations: revokes.then(|| {
            "https://sqs.eu-west-1.amazonaws.com/999988887777/onboarding"
                .parse()
                .unwrap()
        }),
        ..policy()
    })
}

/// True if the only user of a snapshot is out once the run is over.
fn is_leaver(snapshot: &Snapshot) -> bool {
    let is_recorded = |user: &User| user.record().is_some_and(|record| record.left.is_some());
    let is_recorded = snapshot.users.iter().any(is_recorded);
    snapshot.mode == Mode::Leave || is_recorded && snapshot.mode != Mode::Restore
}

/// The same snapshot of somebody who left, or leaves now.
fn of_leaver(snapshot: Snapshot) -> Snapshot {
    if is_leaver(&snapshot) {
        return snapshot;
    }
    Snapshot {
        mode: Mode::Leave,
        exposed: BTreeSet::new(),
        exposed_since: None,
        approved: None,
        ..snapshot
    }
}

fn actions(plan: &Plan) -> Vec<Action> {
    plan.chains
        .iter()
        .flat_map(|chain| chain.actions.clone())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

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
    fn the_kill_switches_stop_everything(snapshot in any_snapshot(), policy in any_policy()) {
        let off = RotationPolicy { enabled: false, emergencies: false, ..policy };
        prop_assert!(plan(&snapshot, &off, now()).is_empty());
    }

    /// R9: the kill switch of rotation stops no emergency.
    #[test]
    fn a_disabled_rotation_plans_an_emergency_as_an_enabled_one(snapshot in any_snapshot(), policy in any_policy()) {
        let snapshot = Snapshot { mode: Mode::Emergency, ..snapshot };
        let off = RotationPolicy { enabled: false, ..policy.clone() };
        prop_assert_eq!(plan(&snapshot, &off, now()), plan(&snapshot, &policy, now()));
    }

    /// R9: whatever is recorded and seen, no key that AWS named stays active.
    #[test]
    fn a_named_key_is_always_disabled_first(snapshot in any_snapshot(), policy in any_policy()) {
        let mut disabled = BTreeSet::new();
        for action in actions(&plan(&snapshot, &policy, now())) {
            match action {
                Action::DisableExposed(exposed) => disabled.extend(exposed.keys),
                _ => break,
            }
        }
        for key in snapshot.users.iter().flat_map(|user| &user.keys) {
            let is_named = snapshot.exposed.contains(&key.id);
            prop_assert!(!is_named || !key.active || disabled.contains(&key.id), "{}", key.id);
        }
    }

    /// R7: unknown is never treated as used.
    #[test]
    fn unknown_use_never_retires_a_key_without_a_deadline(mut snapshot in any_snapshot()) {
        for key in snapshot.users.iter_mut().flat_map(|user| &mut user.keys) {
            key.used = Used::Unknown;
        }
        for record in snapshot.users.iter_mut().map(|user| &mut user.record) {
            if let StoredRecord::Own(Record { rotation: Some(rotation), .. }) = record {
                rotation.proven_at = None;
            }
        }
        let never = RotationPolicy {
            timings: RotationTimings { deadline: None, ..policy().timings },
            ..policy()
        };
        let actions = actions(&plan(&snapshot, &never, now()));
        let retires = |action: &Action| matches!(action, Action::Disable { .. } | Action::DiscardOrphan { .. });
        prop_assert!(!actions.iter().any(retires), "{:?}", actions);
    }

    /// R1: nobody loses a key by a deadline who was not reached.
    #[test]
    fn nobody_who_was_not_reached_loses_a_key_by_a_date(mut snapshot in any_snapshot(), policy in any_policy()) {
        for user in &mut snapshot.users {
            for key in &mut user.keys {
                key.used = Used::Never;
            }
            if let StoredRecord::Own(record) = &mut user.record {
                record.notified.retain(|id, _| !id.starts_with("reached:"));
                record.rotation.iter_mut().for_each(|rotation| rotation.proven_at = None);
            }
        }
        for action in actions(&plan(&snapshot, &policy, now())) {
            if let Action::Disable { reason, .. } = action {
                prop_assert_eq!(reason, DisableReason::Unused);
            }
        }
    }

    /// R8: no key is sealed to a certificate that is new and that nobody vouches for, whoever holds
    /// the old key.
    #[test]
    fn nothing_is_sealed_to_a_pin_in_its_grace(mut snapshot in any_snapshot(), policy in any_policy()) {
        for user in &mut snapshot.users {
            user.certificate = Certificate::Usable {
                fingerprint: pinned(),
                expires_soon: None,
                certified: false,
                stored_since: Some(now() - policy.pin_grace + SignedDuration::from_mins(61)),
            };
            if let StoredRecord::Own(record) = &mut user.record {
                record.pin = Some(Pin { fingerprint: another(), certificate: String::new() });
            }
        }
        snapshot.approved = None;
        let is_known = snapshot.users.iter().any(|user| user.record().is_some());
        let has_key = snapshot.users.iter().any(|user| user.keys.iter().any(|key| key.active));
        let issues = actions(&plan(&snapshot, &policy, now())).iter().any(Action::is_issue);
        prop_assert!(!issues || !(is_known || has_key));
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
                Action::Disable { key, .. } => {
                    let id = format!("disabling:{key}");
                    prop_assert!(told.contains(&id), "{}", id);
                }
                // Operators were told the date of a leaver's.
                Action::Delete { .. } if is_leaver(&snapshot) => {}
                Action::Delete { key } => {
                    for id in [format!("will-be-deleted:{key}:1"), format!("deleting:{key}")] {
                        prop_assert!(told.contains(&id), "{}", id);
                    }
                }
                _ => {}
            }
        }
    }

    /// R11: whatever is recorded and asked for, no key of a leaver works, none is issued, and
    /// nobody writes to them.
    #[test]
    fn whoever_left_keeps_no_key_and_gets_none(snapshot in any_snapshot(), policy in any_policy()) {
        let snapshot = of_leaver(snapshot);
        let actions = actions(&plan(&snapshot, &policy, now()));
        let gives = |action: &Action| action.is_issue() || action.is_notice()
            || matches!(action, Action::Owe { .. } | Action::Restore { .. } | Action::TakeBack { .. });
        prop_assert!(!actions.iter().any(gives), "{:?}", actions);
        let ended: BTreeSet<_> = actions.iter().filter(|action| action.is_disabling()).flat_map(Action::keys).collect();
        for user in &snapshot.users {
            for key in user.keys.iter().filter(|key| key.active) {
                let disabled_at = user.record().and_then(|record| record.disabled.get(&key.id));
                let shows_late = disabled_at.is_some_and(|at| now().duration_since(*at) < SignedDuration::from_mins(15));
                prop_assert!(ended.contains(&key.id) || shows_late, "{}", key.id);
            }
        }
    }

    /// R2: a leave deletes no key before its recovery is over.
    #[test]
    fn a_leave_deletes_nothing_at_once(snapshot in any_snapshot(), policy in any_policy()) {
        let snapshot = of_leaver(snapshot);
        let record = snapshot.users.iter().find_map(User::record);
        for action in actions(&plan(&snapshot, &policy, now())) {
            prop_assert!(!action.is_discard());
            if let Action::Delete { key } = action {
                let disabled_at = record.and_then(|record| record.disabled.get(&key));
                prop_assert!(disabled_at.is_some_and(|at| now().duration_since(*at) >= days(10)), "{}", key);
            }
        }
    }

    /// Any action put where the planner did not put it is either harmless or caught: here, those
    /// that no snapshot without a record justifies.
    #[test]
    fn the_check_catches_unjustified_actions(
        keys in any_keys().prop_filter("a key to act on", |keys| !keys.is_empty()),
        which in 0usize..11,
    ) {
        let alice = user("alice", keys);
        let key = alice.keys[0].id.clone();
        let snapshot = snapshot(Mode::Due, vec![alice]);
        let action = [
            disable(&key),
            Action::Disable { key: key.clone(), stand_in: None, reason: DisableReason::Unused },
            Action::Delete { key: key.clone() },
            Action::DeleteExposed { key: key.clone() },
            Action::Restore { key: key.clone() },
            Action::DiscardOrphan { key: key.clone(), proof: OrphanProof::Trail },
            Action::DiscardOrphan { key: key.clone(), proof: OrphanProof::Operator },
            disable_exposed(&key),
            leave(&key),
            Action::DenyLeaver,
            Action::TakeBack { keys: BTreeSet::from([key.clone()]), allows_sessions: true },
        ][which].clone();
        let plan = by_hand(vec![action]);
        prop_assert!(!check(&snapshot, &plan, &policy(), now()).is_empty());
    }
}

fn disable(key: &AccessKeyId) -> Action {
    Action::Disable {
        key: key.clone(),
        stand_in: Some(id(NEW)),
        reason: DisableReason::NewKeyUsed,
    }
}

fn disable_exposed(key: &AccessKeyId) -> Action {
    Action::DisableExposed(Exposed {
        keys: BTreeSet::from([key.clone()]),
        is_beside: false,
        request: "request".into(),
        asked_at: now(),
        since: now(),
        owed: false,
    })
}

fn leave(key: &AccessKeyId) -> Action {
    Action::Leave(Leave {
        worked: BTreeSet::from([key.clone()]),
        inactive: BTreeSet::new(),
        certificate: None,
    })
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
        request: None,
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
    let record = interrupted(intent(SignedDuration::from_mins(1)));
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
        record: StoredRecord::Own(record(delivered(days(3)))),
        ..user("alice", keys)
    };
    let tell = OwnerNotice::Disabling {
        key: id(OLD),
        reason: DisableReason::NewKeyUsed,
        restorable_until: now(),
        last_use: None,
    };
    breached(
        alice,
        vec![Action::NotifyOwner(tell), disable(&id(OLD))],
        "R7",
    );
}

#[test]
fn the_check_catches_disabling_untold() {
    let mut keys = vec![key(OLD, true, days(100)), key(NEW, true, days(3))];
    keys[1].used = used_at(now());
    let alice = User {
        record: StoredRecord::Own(record(delivered(days(3)))),
        ..user("alice", keys)
    };
    breached(alice, vec![disable(&id(OLD))], "R1");
}

#[test]
fn the_check_catches_deleting_too_early() {
    let mut record = record(delivered(days(20)));
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
    let mut record = first_record();
    record.exposed.insert(id(NEW));
    let alice = User {
        record: StoredRecord::Own(record),
        ..user("alice", keys)
    };
    let notice = OwnerNotice::Exposed {
        keys: BTreeSet::from([id(NEW)]),
        other: OtherKey::InUse,
    };
    breached(
        alice,
        vec![Action::NotifyOwner(notice), disable_exposed(&id(NEW))],
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
