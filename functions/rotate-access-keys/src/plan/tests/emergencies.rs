//! Emergencies: what is exposed, what appeared beside it, and what becomes of the owner.

use banto_domain::policy::Selector;

use super::*;
use crate::plan::WaitReason;
use crate::snapshot::TrailLook;

/// An event of AWS Health that names these keys.
fn named(keys: &[&str], users: Vec<User>) -> Snapshot {
    Snapshot {
        exposed: keys.iter().map(|key| id(key)).collect(),
        exposed_since: Some(now()),
        ..snapshot(Mode::Emergency, users)
    }
}

fn planned(snapshot: &Snapshot) -> String {
    in_short(&plan(snapshot, &policy(), now()))
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

#[test]
fn an_exposed_key_named_by_aws_spares_the_users_other_key() {
    let keys = vec![key(OLD, true, days(50)), key(NEW, true, days(20))];
    let snapshot = named(&[OLD], vec![user("alice", keys)]);
    assert_eq!(
        planned(&snapshot),
        "disable exposed old; denySessions; notify exposed:old; ! finding:exposed:old; \
         ~ CloudTrail shows all that was done with the exposed keys from 24 Nov 2026 01:15 UTC on"
    );
}

/// The same request that comes again issues no second key, and a later one ends that key too.
#[test]
fn an_emergency_asked_twice_spares_the_key_issued_in_between_unless_it_is_another_request() {
    let keys = vec![key(OLD, false, days(120)), key(NEW, true, minutes(30))];
    let mut record = Record {
        rotation: Some(Rotation {
            intent: Intent {
                reason: Reason::Emergency,
                request: Some("earlier".into()),
                ..intent(minutes(30))
            },
            ..delivered(minutes(30))
        }),
        ..emergency(minutes(31))
    };
    record.envelope = Some(StoredEnvelope {
        key: id(NEW),
        armored: "-----BEGIN PGP MESSAGE-----".into(),
    });
    let alice = User {
        record: StoredRecord::Own(record),
        ..user("alice", keys)
    };
    let again = Snapshot {
        asked: Asked::by("earlier", now()),
        ..snapshot(Mode::Emergency, vec![alice.clone()])
    };
    let plan_of_again = planned(&again);
    assert!(!plan_of_again.contains("disable"), "{plan_of_again}");
    let another = snapshot(Mode::Emergency, vec![alice]);
    let plan_of_another = planned(&another);
    assert!(
        plan_of_another.starts_with("disable exposed new+old; denySessions"),
        "{plan_of_another}"
    );
    assert!(
        plan_of_another.contains("delete exposed old; issue (Emergency)"),
        "{plan_of_another}"
    );
}

/// R9: an attacker's second key ends too.
#[test]
fn a_key_that_appeared_beside_an_exposed_one_ends_too() {
    for (age, ends) in [
        (minutes(1), true),
        (SignedDuration::from_hours(23), true),
        (days(2), false),
    ] {
        let keys = vec![key(OLD, true, days(50)), key(NEW, true, age)];
        let snapshot = named(&[OLD], vec![user("alice", keys)]);
        assert_eq!(
            planned(&snapshot).contains("disable new beside"),
            ends,
            "{age}"
        );
    }
}

#[test]
fn a_key_that_banto_issued_is_not_suspect() {
    let keys = vec![key(OLD, true, days(50)), key(NEW, true, minutes(30))];
    let alice = User {
        record: StoredRecord::Own(record(delivered(minutes(30)))),
        ..user("alice", keys)
    };
    let plan = planned(&named(&[OLD], vec![alice]));
    assert!(!plan.contains("beside"), "{plan}");
}

#[test]
fn a_key_that_another_run_may_be_storing_is_not_suspect() {
    let keys = vec![key(OLD, true, days(50)), key(NEW, true, minutes(1))];
    let alice = User {
        record: StoredRecord::Own(interrupted(intent(minutes(2)))),
        ..user("alice", keys)
    };
    let plan = planned(&named(&[OLD], vec![alice]));
    assert!(!plan.contains("beside"), "{plan}");
    assert!(
        plan.contains("~ another run may be issuing a key"),
        "{plan}"
    );
}

/// Exposed stays exposed: a person who makes such a key active again does not make it sound.
#[test]
fn an_exposed_key_that_is_made_active_again_is_disabled_again() {
    let keys = vec![key(OLD, true, days(50))];
    let mut record = emergency(days(3));
    record.emergency = None;
    let alice = User {
        record: StoredRecord::Own(record),
        ..user("alice", keys)
    };
    let plan = planned(&snapshot(Mode::Due, vec![alice]));
    assert!(
        plan.starts_with("disable exposed old; denySessions"),
        "{plan}"
    );
}

#[test]
fn an_exposed_key_is_never_restored() {
    let alice = User {
        record: StoredRecord::Own(emergency(days(3))),
        ..user("alice", vec![key(OLD, false, days(50))])
    };
    let asked = Snapshot {
        named_keys: BTreeSet::from([id(OLD)]),
        ..snapshot(Mode::Restore, vec![alice])
    };
    let plan = planned(&asked);
    assert!(!plan.contains("restore old"), "{plan}");
    assert!(
        plan.contains("! finding:exposed-not-restored:old"),
        "{plan}"
    );
}

#[test]
fn both_keys_exposed_leave_room_for_a_new_one() {
    let keys = vec![key(OLD, true, days(50)), key(NEW, true, days(20))];
    let plan = planned(&named(&[OLD, NEW], vec![user("alice", keys)]));
    assert!(
        plan.contains("delete exposed new; issue (Emergency); notify issued with envelope")
            || plan.contains("delete exposed old; issue (Emergency); notify issued with envelope"),
        "{plan}"
    );
}

/// A request is done when nothing that passes stands in its way.
#[test]
fn a_store_that_is_away_hinders_an_emergency_and_a_missing_certificate_does_not() {
    let refused = Certificate::Refused {
        code: "expired".into(),
        reason: "it expired".into(),
    };
    for (certificate, hinders) in [
        (Certificate::Unknown("denied".into()), true),
        (refused, false),
        (usable(), false),
    ] {
        let alice = User {
            certificate,
            ..user("alice", vec![key(OLD, true, days(50))])
        };
        let plan = plan(&named(&[OLD], vec![alice]), &policy(), now());
        let waits = plan.waiting.iter().any(|waiting| waiting.reason.hinders());
        assert_eq!(waits, hinders, "{plan:?}");
    }
}

#[test]
fn a_key_that_an_emergency_took_stays_owed_until_a_certificate_is_there() {
    let refused = Certificate::Refused {
        code: "expired".into(),
        reason: "it expired".into(),
    };
    let mut record = emergency(days(14));
    record.emergency = None;
    record.owed = Some(Owed {
        reason: Reason::Emergency,
        request: "earlier".into(),
        asked_at: now() - days(14),
    });
    record.disabled.clear();
    record.exposed.clear();
    let alice = |certificate| User {
        record: StoredRecord::Own(record.clone()),
        certificate,
        ..user("alice", vec![])
    };
    let without = planned(&snapshot(Mode::Due, vec![alice(refused)]));
    assert!(!without.contains("close"), "{without}");
    let with = planned(&snapshot(Mode::Due, vec![alice(usable())]));
    assert_eq!(with, "issue (Emergency); notify issued with envelope");
}

#[test]
fn sessions_stay_denied_for_as_long_as_the_longest_can_last() {
    let alice = |age| User {
        record: StoredRecord::Own(emergency(age)),
        trail: TrailLook::Seen {
            made: BTreeMap::new(),
            assumed: BTreeSet::new(),
            is_complete: true,
        },
        ..user("alice", vec![key(OLD, false, days(50))])
    };
    let of = |age| planned(&snapshot(Mode::Due, vec![alice(age)]));
    assert!(!of(SignedDuration::from_hours(35)).contains("allowSessions"));
    assert!(of(SignedDuration::from_hours(36)).contains("saveLook; allowSessions"));
}

#[test]
fn roles_that_were_assumed_with_an_exposed_key_are_told_with_their_accounts() {
    let role: RoleArn = "arn:aws:iam::444455556666:role/admin".parse().unwrap();
    let alice = User {
        trail: TrailLook::Seen {
            made: BTreeMap::new(),
            assumed: BTreeSet::from([role]),
            is_complete: true,
        },
        ..user("alice", vec![key(OLD, true, days(50))])
    };
    let plan = plan(&named(&[OLD], vec![alice]), &policy(), now());
    let lines: Vec<String> = plan
        .findings
        .iter()
        .map(|finding| crate::notices::finding(&finding.user, &finding.kind))
        .collect();
    let line = lines.join("; ");
    assert!(line.contains("role/admin in 444455556666"), "{line}");
}

/// R2: only CloudTrail's word, or an operator's, makes an orphan of a key.
#[test]
fn a_key_is_discarded_only_if_bantos_role_created_it() {
    let other: RoleArn = "arn:aws:iam::111122223333:role/other".parse().unwrap();
    let seen = |creator| Creations::Seen(BTreeMap::from([(id(NEW), creator)]));
    for (creations, expected) in [
        (seen(Some(role())), "discard new; dropIntent; close"),
        (seen(Some(other)), "dropIntent; close"),
        (seen(None), "dropIntent; close"),
        (
            Creations::Seen(BTreeMap::new()),
            "! finding:unproven-orphan:new",
        ),
        (
            Creations::Unknown("throttled".into()),
            "~ CloudTrail could not be asked: throttled",
        ),
    ] {
        let mut new = key(NEW, true, minutes(30));
        new.used = Used::Never;
        // Within the hour, so that CloudTrail may still tell.
        let waits = matches!(creations, Creations::Unknown(_));
        let age = if waits { minutes(30) } else { days(10) };
        new.created_at = now() - age;
        let alice = User {
            record: StoredRecord::Own(interrupted(intent(age))),
            creations,
            ..user("alice", vec![key(OLD, false, days(50)), new])
        };
        assert_eq!(planned(&snapshot(Mode::Due, vec![alice])), expected);
    }
}

#[test]
fn an_operator_may_discard_what_cloudtrail_does_not_explain_but_no_other_key() {
    let mut new = key(NEW, true, days(10));
    new.used = Used::Never;
    let alice = |record| User {
        record: StoredRecord::Own(record),
        creations: Creations::Seen(BTreeMap::new()),
        ..user("alice", vec![key(OLD, true, days(50)), new.clone()])
    };
    let discard = |record, key: &str| {
        let asked = Snapshot {
            named_keys: BTreeSet::from([id(key)]),
            ..snapshot(Mode::Discard, vec![alice(record)])
        };
        planned(&asked)
    };
    let left_over = || interrupted(intent(days(10)));
    assert_eq!(discard(left_over(), NEW), "discard new");
    for plan in [discard(left_over(), OLD), discard(first_record(), NEW)] {
        assert!(plan.starts_with("! finding:nothing-to-discard"), "{plan}");
    }
}

/// R7: what IAM shows late is not believed.
#[test]
fn a_new_key_that_does_not_show_yet_is_waited_for() {
    let alice = User {
        record: StoredRecord::Own(record(issued(minutes(5)))),
        ..user("alice", vec![key(OLD, true, days(120))])
    };
    let plan = plan(&snapshot(Mode::Due, vec![alice]), &policy(), now());
    assert!(plan.chains.is_empty(), "{plan:?}");
    let waits = plan.waiting.iter().map(|waiting| &waiting.reason);
    assert!(
        waits
            .clone()
            .any(|reason| matches!(reason, WaitReason::Iam { .. })),
        "{plan:?}"
    );
}

/// R7: a key that was disabled just now and still shows as active was not restored by a person.
#[test]
fn a_key_that_still_shows_as_active_was_not_restored() {
    let of = |age| {
        let mut record = record(proven(days(5)));
        record.disabled.insert(id(OLD), now() - age);
        let alice = User {
            record: StoredRecord::Own(record),
            ..user(
                "alice",
                vec![key(OLD, true, days(120)), key(NEW, true, days(5))],
            )
        };
        planned(&snapshot(Mode::Due, vec![alice]))
    };
    assert!(!of(minutes(10)).contains("restored"));
    assert!(of(minutes(15)).contains("save old restored"));
}

/// An emergency of a user whom the policy leaves alone ends the exposed key, and touches no other.
#[test]
fn an_emergency_of_an_exempt_user_rotates_no_sound_key() {
    let exempt = RotationPolicy {
        exclude: vec![Selector::User("alice".parse().unwrap())],
        ..policy()
    };
    let keys = vec![key(OLD, true, days(120)), key(NEW, true, days(95))];
    let snapshot = named(&[OLD], vec![user("alice", keys)]);
    let first = in_short(&plan(&snapshot, &exempt, now()));
    assert!(first.starts_with("disable exposed old"), "{first}");
    let later = User {
        record: StoredRecord::Own(emergency(days(3))),
        ..user(
            "alice",
            vec![key(OLD, false, days(120)), key(NEW, true, days(95))],
        )
    };
    let later = in_short(&plan(&snapshot_of(later), &exempt, now()));
    assert!(!later.contains("issue"), "{later}");
}

fn snapshot_of(user: User) -> Snapshot {
    snapshot(Mode::Due, vec![user])
}
