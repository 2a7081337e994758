//! Users who left: what ends, what is deleted when, what is reported, and the way back.

use super::*;
use crate::check::check;
use crate::plan::{Chain, FindingKind};

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

/// A user with these keys and this record.
fn alice(keys: Vec<Key>, record: Option<Record>) -> User {
    User {
        record: record.map_or(StoredRecord::Absent, StoredRecord::Own),
        ..user("alice", keys)
    }
}

/// The plan in short, once the check has found no breach.
fn planned(mode: Mode, alice: User) -> String {
    planned_by(&policy(), snapshot(mode, vec![alice]))
}

fn planned_by(policy: &RotationPolicy, snapshot: Snapshot) -> String {
    let plan = plan(&snapshot, policy, now());
    assert_eq!(check(&snapshot, &plan, policy, now()), vec![]);
    in_short(&plan)
}

fn old_and_new() -> Vec<Key> {
    vec![key(OLD, true, days(100)), key(NEW, true, days(3))]
}

/// A record that says that the user left, changed in one way.
fn left_with(record: Record, change: impl FnOnce(&mut Record)) -> Record {
    let mut record = record;
    change(&mut record);
    record
}

/// A user in some situation, in words, and the beginning of the plan of a leave.
type Situation = (&'static str, User, &'static str);

const BOTH: &str = "leave new+old; denyLeaver; ! finding:left";

/// Users of whom nothing is under way.
fn at_rest() -> Vec<Situation> {
    let old = || vec![key(OLD, true, days(10))];
    let mut disabled = record(proven(days(5)));
    disabled.disabled.insert(id(OLD), now() - days(3));
    let inactive = vec![key(OLD, false, days(100)), key(NEW, true, days(5))];
    let none = "leave ; denyLeaver; ! finding:left";
    let one = "leave old; denyLeaver; ! finding:left";
    let new = "leave new; denyLeaver; ! finding:left";
    vec![
        ("neither key nor record", alice(vec![], None), none),
        ("a person's key", alice(old(), None), one),
        ("two keys of a person", alice(old_and_new(), None), BOTH),
        (
            "an old key that was disabled",
            alice(inactive.clone(), Some(disabled)),
            new,
        ),
        (
            "a key that a person switched off",
            alice(inactive, None),
            BOTH,
        ),
    ]
}

/// Users of whom something is under way, which ends with the leave.
fn under_way() -> Vec<Situation> {
    let minutes = SignedDuration::from_mins;
    let old = || vec![key(OLD, true, days(10))];
    let owed = Owed {
        reason: Reason::Emergency,
        request: "earlier".into(),
        asked_at: now() - days(1),
    };
    let owed = left_with(first_record(), |record| record.owed = Some(owed));
    let untold = left_with(emergency(days(1)), |record| record.notified.clear());
    let with = |keys, record| alice(keys, Some(record));
    vec![
        (
            "a rotation that is not proven",
            with(old_and_new(), record(delivered(days(3)))),
            BOTH,
        ),
        (
            "a key that is not delivered",
            with(old_and_new(), record(issued(days(3)))),
            BOTH,
        ),
        (
            "an owed key",
            with(vec![], owed),
            "leave ; denyLeaver; ! finding:left",
        ),
        (
            "an interrupted issue that left a key",
            with(old_and_new(), interrupted(intent(days(3)))),
            "leave new+old; denyLeaver; dropIntent; ! finding:left",
        ),
        (
            "an issue that may be under way",
            with(old(), interrupted(intent(minutes(5)))),
            "leave old; denyLeaver; ! finding:left; ~ another run may be issuing a key",
        ),
        (
            "a new key that does not show yet",
            with(old(), record(issued(minutes(5)))),
            "leave old; denyLeaver; ! finding:left; ~ IAM does not show new yet",
        ),
        (
            "an emergency that is not over",
            with(old(), untold),
            "disable exposed old; denySessions; leave ; denyLeaver; ! finding:exposed:old; ! finding:left; ~ CloudTrail",
        ),
    ]
}

#[test]
fn every_key_ends_whoever_made_it_and_whatever_was_under_way() {
    for (words, alice, expected) in at_rest().into_iter().chain(under_way()) {
        let found = planned(Mode::Leave, alice);
        assert!(found.starts_with(expected), "{words}: {found}");
    }
}

/// R4: what an earlier try did not get to is done by the next, and what it did is not done again.
#[test]
fn a_leave_that_was_cut_short_goes_on_and_one_that_is_done_does_nothing_more() {
    let old = |active| vec![key(OLD, active, days(100))];
    let done = || left(days(1), &[OLD], &[]);
    let unrecorded = left_with(done(), |record| record.disabled.clear());
    let undenied = left_with(done(), |record| {
        record.left.as_mut().unwrap().sessions_denied_at = None;
    });
    let untold = left_with(done(), |record| record.notified.clear());
    let interrupted = left_with(done(), |record| record.intent = Some(intent(days(1))));
    let just_now = left(SignedDuration::from_mins(5), &[OLD], &[]);
    for (words, keys, record, expected) in [
        ("done", old(false), done(), "-"),
        (
            "not disabled",
            old(true),
            unrecorded.clone(),
            "leave old; denyLeaver",
        ),
        (
            "not recorded as disabled",
            old(false),
            unrecorded,
            "leave old; denyLeaver",
        ),
        ("not denied", old(false), undenied, "denyLeaver"),
        ("not told", old(false), untold, "! finding:left"),
        ("an intent is left", old(false), interrupted, "dropIntent"),
        (
            "made active again",
            old(true),
            done(),
            "leave old; denyLeaver",
        ),
        ("shows as active still", old(true), just_now, "-"),
        (
            "a key that came since",
            old_and_new(),
            done(),
            "leave new+old; denyLeaver",
        ),
        ("nothing is left", vec![], done(), "close"),
    ] {
        for mode in [Mode::Leave, Mode::Due] {
            let alice = alice(keys.clone(), Some(record.clone()));
            assert_eq!(planned(mode, alice), expected, "{words}, {mode:?}");
        }
    }
}

#[test]
fn the_keys_of_a_leaver_are_deleted_when_their_recovery_is_over_and_nobody_is_reminded() {
    let keys = || vec![key(OLD, false, days(100)), key(NEW, false, days(30))];
    let planned = |age, record: fn(SignedDuration) -> Record| {
        let alice = alice(keys(), Some(record(age)));
        planned(Mode::Due, alice)
    };
    let left = |age| left(age, &[OLD], &[NEW]);
    assert_eq!(planned(days(10) - hours(1), left), "-");
    assert_eq!(planned(days(10), left), "delete new; delete old; close");
    // Without a leave nobody's key is deleted untold.
    let not_left = |age| left_with(self::left(age, &[OLD], &[NEW]), |record| record.left = None);
    assert!(!planned(days(10), not_left).contains("delete new"));
}

/// R11: whatever is asked for, and however late the key is.
#[test]
fn whoever_left_is_not_rotated_warned_or_owed_a_key() {
    let asks = "~ left on 23 Nov 2026, and gets no key until that is taken back";
    for (mode, expected) in [(Mode::Due, "-"), (Mode::Force, asks), (Mode::Discard, asks)] {
        let alice = alice(
            vec![key(OLD, false, days(300))],
            Some(left(days(1), &[OLD], &[])),
        );
        assert_eq!(planned(mode, alice), expected, "{mode:?}");
    }
}

/// R9: an exposed key of a leaver ends as any other, and no new one comes.
#[test]
fn an_emergency_of_a_leaver_ends_the_key_and_issues_none() {
    let alice = |active| {
        let keys = vec![key(OLD, active, days(100))];
        alice(keys, Some(left(days(1), &[OLD], &[])))
    };
    for active in [false, true] {
        let found = planned(Mode::Emergency, alice(active));
        assert!(
            found.starts_with("disable exposed old; denySessions; "),
            "{found}"
        );
        assert!(
            !found.contains("issue") && !found.contains("notify"),
            "{found}"
        );
    }
    // Daily runs take no denial off that a leave needs, however long ago the emergency was.
    let record = left_with(left(days(5), &[OLD], &[]), |record| {
        let earlier = emergency(days(5));
        record.emergency = earlier.emergency;
        record.exposed = earlier.exposed;
        record.notified.extend(earlier.notified);
    });
    let alice = self::alice(vec![key(OLD, false, days(100))], Some(record));
    assert!(!planned(Mode::Due, alice).contains("allowSessions"));
}

/// A leave is no matter of the policy's pace: neither what it leaves out nor a window stops it. The
/// kill switch does.
#[test]
fn a_user_whom_the_policy_leaves_out_leaves_all_the_same() {
    let alice = || alice(vec![key(OLD, true, days(10))], None);
    let leave = |lines: &str| {
        let policy = PolicyText::least().and(lines).parse().rotation;
        planned_by(&policy, snapshot(Mode::Leave, vec![alice()]))
    };
    let excluded = leave("[[rotation.exclude]]\nuser = \"alice\"");
    assert_eq!(excluded, "leave old; denyLeaver; ! finding:left");
    let off = RotationPolicy {
        enabled: false,
        ..policy()
    };
    let found = planned_by(&off, snapshot(Mode::Leave, vec![alice()]));
    assert!(found.starts_with("~ rotation is switched off"), "{found}");
}

#[test]
fn the_end_of_sessions_in_roles_is_handed_on_once_and_again_when_a_key_worked_again() {
    let queue = "https://sqs.eu-west-1.amazonaws.com/999988887777/onboarding";
    let policy = RotationPolicy {
        revocations: Some(queue.parse().unwrap()),
        ..policy()
    };
    let old = |active| vec![key(OLD, active, days(100))];
    let record = || left(days(1), &[OLD], &[]);
    let owed = left_with(record(), |record| {
        record.left.as_mut().unwrap().revoked_at = None
    });
    for (alice, expected) in [
        (
            alice(old(true), None),
            "leave old; denyLeaver; revoke; ! finding:left",
        ),
        (alice(old(false), Some(record())), "-"),
        (alice(old(false), Some(owed)), "revoke"),
        (
            alice(old(true), Some(record())),
            "leave old; denyLeaver; revoke",
        ),
    ] {
        assert_eq!(
            planned_by(&policy, snapshot(Mode::Leave, vec![alice])),
            expected
        );
    }
}

#[test]
fn a_leave_that_is_taken_back_gives_back_what_worked_and_nothing_else() {
    let keys = || vec![key(OLD, false, days(100)), key(NEW, false, days(30))];
    let restore = |record: Record, named: &[&str]| {
        let snapshot = Snapshot {
            named_keys: named.iter().map(|key| id(key)).collect(),
            ..snapshot(Mode::Restore, vec![alice(keys(), Some(record))])
        };
        planned_by(&policy(), snapshot)
    };
    assert_eq!(restore(left(days(1), &[OLD], &[NEW]), &[]), "take back old");
    assert_eq!(
        restore(left(days(1), &[OLD, NEW], &[]), &[]),
        "take back new+old"
    );
    assert_eq!(
        restore(left(days(1), &[OLD, NEW], &[]), &[OLD]),
        "take back old"
    );
    let exposed = left_with(left(days(1), &[OLD, NEW], &[]), |record| {
        record.exposed = BTreeSet::from([id(OLD)]);
        record.notified.insert(format!("exposed:{OLD}"), now());
    });
    assert_eq!(
        restore(exposed, &[]),
        "take back new; ! finding:exposed:old"
    );
}

/// The report says what each key was, and when it is deleted.
#[test]
fn what_the_user_had_is_reported_with_age_use_and_end() {
    let mut keys = vec![key(OLD, false, days(100)), key(NEW, true, days(3))];
    keys[1].used = used_at(now() - hours(5));
    let mut record = record(proven(days(3)));
    record.disabled.insert(id(OLD), now() - days(2));
    let plan = plan(
        &snapshot(Mode::Leave, vec![alice(keys, Some(record))]),
        &policy(),
        now(),
    );
    let [finding] = plan.findings.try_into().unwrap();
    let FindingKind::Left {
        keys,
        certificate,
        revokes,
        ..
    } = finding.kind
    else {
        panic!("{finding:?}")
    };
    let ends: Vec<_> = keys
        .iter()
        .map(|key| (key.worked, key.deleted_at))
        .collect();
    assert_eq!(ends, [(false, now() + days(8)), (true, now() + days(10))]);
    assert_eq!(keys[1].used, used_at(now() - hours(5)));
    assert_eq!(certificate.unwrap().0, pinned());
    assert!(!revokes);
}

/// R11, by the check alone.
#[test]
fn the_check_catches_what_a_leaver_must_not_get() {
    let alice = || {
        let record = left_with(left(days(1), &[OLD], &[]), |record| {
            record.emergency = emergency(days(3)).emergency
        });
        alice(vec![key(OLD, false, days(100))], Some(record))
    };
    let restored = OwnerNotice::Restored { key: id(OLD) };
    let actions = [
        Action::Issue {
            reason: Reason::Forced,
            request: None,
            existing_keys: BTreeSet::from([id(OLD)]),
            recipient: pinned(),
        },
        Action::Owe {
            reason: Reason::Forced,
            request: "request".into(),
            asked_at: now(),
        },
        Action::Restore { key: id(OLD) },
        Action::NotifyOwner(restored),
        Action::AllowSessions,
        Action::TakeBack {
            keys: BTreeSet::from([id(OLD)]),
            allows_sessions: false,
        },
    ];
    for action in actions {
        let kind = action.kind();
        let chain = Chain {
            user: "alice".parse().unwrap(),
            actions: vec![action],
        };
        let plan = Plan {
            chains: vec![chain],
            ..Plan::empty("111122223333".parse().unwrap())
        };
        let breaches = check(&snapshot(Mode::Due, vec![alice()]), &plan, &policy(), now());
        assert!(
            breaches.iter().any(|breach| breach.promise == "R11"),
            "{kind}: {breaches:?}"
        );
    }
}

/// R11: a plan that ends only one of two keys is refused.
#[test]
fn the_check_catches_a_leave_that_spares_a_key() {
    let actions = vec![Action::Leave(Leave {
        worked: BTreeSet::from([id(OLD)]),
        inactive: BTreeSet::new(),
        certificate: None,
    })];
    let chain = Chain {
        user: "alice".parse().unwrap(),
        actions,
    };
    let plan = Plan {
        chains: vec![chain],
        ..Plan::empty("111122223333".parse().unwrap())
    };
    let snapshot = snapshot(Mode::Leave, vec![alice(old_and_new(), None)]);
    let breaches = check(&snapshot, &plan, &policy(), now());
    let promises: Vec<_> = breaches
        .iter()
        .map(|breach| breach.promise.to_string())
        .collect();
    assert_eq!(promises, ["R11"]);
}
