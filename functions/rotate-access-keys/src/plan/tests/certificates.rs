//! Which certificate a new key is sealed to: whoever holds the old key may register one.

use super::*;
use crate::check::check;

/// A certificate that was pinned instead of the one that counts, stored for so long.
fn registered(age: SignedDuration) -> Certificate {
    Certificate::Usable {
        fingerprint: another(),
        expires_soon: None,
        certified: false,
        stored_since: Some(now() - age),
    }
}

fn certified() -> Certificate {
    Certificate::Usable {
        fingerprint: another(),
        expires_soon: None,
        certified: true,
        stored_since: None,
    }
}

/// Alice, who pinned another certificate, and a key that is due.
fn alice(certificate: Certificate, record: StoredRecord) -> User {
    let due = Key {
        used: used_at(now() - days(1)),
        ..key(OLD, true, days(90))
    };
    User {
        tags: BTreeMap::from([(PIN_TAG.to_owned(), another().to_string())]),
        certificate,
        record,
        ..user("alice", vec![due])
    }
}

/// A record that remembers the certificate that counts.
fn remembers() -> Record {
    Record {
        pin: Some(Pin {
            fingerprint: pinned(),
            certificate: String::new(),
        }),
        ..first_record()
    }
}

/// The same, with owner and operators told of the other one so long ago.
fn told(age: SignedDuration) -> StoredRecord {
    let mut record = remembers();
    for id in ["new-certificate", "finding:new-certificate"] {
        let id = format!("{id}:{}", another());
        record.notified.insert(id, now() - age);
    }
    StoredRecord::Own(record)
}

/// The plan for a user, which must break no promise.
fn planned(mode: Mode, user: User) -> String {
    planned_for(&snapshot(mode, vec![user]))
}

fn planned_for(snapshot: &Snapshot) -> String {
    let plan = plan(snapshot, &policy(), now());
    assert_eq!(check(snapshot, &plan, &policy(), now()), vec![]);
    in_short(&plan)
}

const TOLD: &str = "notify new-certificate:another; ! finding:new-certificate:another; ~ the new certificate another counts \
    from 1 Dec 2026 on, or once it is approved";
const WAITS: &str = "~ the new certificate another counts from ";
const ISSUED: &str = "issue (Due); notify issued";

/// R8
#[test]
fn a_new_certificate_counts_once_people_knew_of_it_for_the_grace_and_it_was_stored_as_long() {
    let remembered = || StoredRecord::Own(remembers());
    for (stored, record, says) in [
        (days(1), remembered(), TOLD),
        (days(300), remembered(), TOLD),
        (days(300), told(days(6)), WAITS),
        (days(7), told(days(6)), WAITS),
        (days(7), told(days(7)), ISSUED),
    ] {
        let plan = planned(Mode::Due, alice(registered(stored), record));
        assert!(plan.contains(says), "{plan}");
        assert_eq!(plan.contains("issue"), says == ISSUED, "{plan}");
    }
}

/// R8
#[test]
fn a_first_certificate_counts_at_once_only_if_nobody_holds_a_key() {
    let without_key = |certificate| User {
        keys: Vec::new(),
        ..alice(certificate, StoredRecord::Absent)
    };
    let absent = |age| alice(registered(days(age)), StoredRecord::Absent);
    for (mode, user, issues) in [
        (Mode::Force, without_key(registered(days(0))), true),
        (Mode::Force, absent(6), false),
        (Mode::Force, absent(7), true),
        (Mode::Due, absent(6), false),
        (Mode::Due, absent(7), true),
    ] {
        let plan = planned(mode, user);
        assert_eq!(plan.contains("issue ("), issues, "{plan}");
        assert_eq!(plan.contains("new-certificate"), !issues, "{plan}");
    }
}

/// R8, R9
#[test]
fn an_emergency_never_seals_to_a_certificate_in_its_grace() {
    for record in [StoredRecord::Absent, told(days(6))] {
        let plan = planned(Mode::Emergency, alice(registered(days(6)), record));
        assert!(plan.starts_with("disable exposed old; "), "{plan}");
        assert!(plan.contains("! finding:new-certificate:another"), "{plan}");
        assert!(!plan.contains("issue"), "{plan}");
    }
    let plan = planned(Mode::Emergency, alice(certified(), told(days(6))));
    assert!(plan.contains("issue (Emergency)"), "{plan}");
}

#[test]
fn a_certificate_that_the_former_one_certified_counts_at_once_and_nobody_is_alarmed() {
    let plan = planned(
        Mode::Due,
        alice(certified(), StoredRecord::Own(remembers())),
    );
    assert_eq!(plan, ISSUED);
}

#[test]
fn an_operator_approves_the_certificate_that_is_pinned_and_no_other() {
    let approve = |approved, certificate| Snapshot {
        approved: Some(approved),
        ..snapshot(
            Mode::Approve,
            vec![alice(certificate, StoredRecord::Own(remembers()))],
        )
    };
    let plan = planned_for(&approve(another(), registered(days(0))));
    assert_eq!(
        plan,
        format!("approve; notify certificate-approved:another; {ISSUED}")
    );
    let refused = Certificate::Refused {
        code: "expired".into(),
        reason: "It expired.".into(),
    };
    for (approved, certificate) in [(pinned(), registered(days(0))), (another(), refused)] {
        let plan = planned_for(&approve(approved, certificate));
        assert!(plan.contains("! finding:nothing-to-approve:"), "{plan}");
        assert!(!plan.contains("issue"), "{plan}");
    }
}

/// An older copy of a certificate does not unsay what it once said.
#[test]
fn what_the_certificate_that_counts_says_is_saved_when_it_says_more() {
    let seen = |fingerprint, text: &str| {
        Some(Pin {
            fingerprint,
            certificate: text.to_owned(),
        })
    };
    let with = |seen_certificate| User {
        seen_certificate,
        certificate: usable(),
        keys: Vec::new(),
        ..user("alice", Vec::new())
    };
    for (seen_certificate, saves) in [
        (seen(pinned(), "more"), true),
        (seen(pinned(), ""), false),
        (seen(another(), "more"), false),
        (None, false),
    ] {
        let user = User {
            record: StoredRecord::Own(remembers()),
            ..with(seen_certificate)
        };
        let plan = planned(Mode::Due, user);
        assert_eq!(plan.contains("saveCertificate"), saves, "{plan}");
    }
}

/// Alice with a new key of that use beside the old one, sealed to the former certificate.
fn unopened(certificate: Certificate, used: Used) -> User {
    let new = Key {
        used,
        ..key(NEW, true, days(2))
    };
    let record = record(delivered(days(2)));
    let mut user = alice(certificate, StoredRecord::Own(record));
    user.keys.push(new);
    user
}

/// A lost OpenPGP key is no dead end: the new key ends at once, so that nobody can begin to use it.
#[test]
fn a_key_that_its_owner_can_not_open_is_withdrawn_once_another_certificate_counts() {
    let plan = planned(Mode::Due, unopened(certified(), Used::Never));
    assert_eq!(plan, "withdraw; notify disabling:new; retire new");
    for (certificate, used) in [
        (registered(days(6)), Used::Never),
        (certified(), used_at(now())),
        (certified(), Used::Unknown),
        (usable(), Used::Never),
    ] {
        let plan = planned(Mode::Due, unopened(certificate, used));
        assert!(!plan.contains("retire"), "{plan}");
    }
    let acknowledged = User {
        acknowledged: Some(id(NEW)),
        ..unopened(certified(), Used::Never)
    };
    let plan = planned(Mode::Due, acknowledged);
    assert!(!plan.contains("retire"), "{plan}");
}

/// The same user, whose new key was withdrawn so many hours ago.
fn withdrawn(certificate: Certificate, used: Used, hours: i64) -> User {
    let mut user = unopened(certificate, used);
    let at = now() - SignedDuration::from_hours(hours);
    if let StoredRecord::Own(record) = &mut user.record {
        record.disabled.insert(id(NEW), at);
        if let Some(rotation) = &mut record.rotation {
            rotation.withdrawn_at = Some(at);
        }
        record.notified.insert(format!("disabling:{NEW}"), at);
        record.owed = Some(Owed {
            reason: Reason::Due,
            request: "request".into(),
            asked_at: at,
        });
    }
    for key in &mut user.keys {
        key.active &= key.id != id(NEW);
    }
    user
}

/// R7: a use shows hours late.
#[test]
fn a_withdrawn_key_makes_room_once_iam_must_show_a_use_and_shows_none() {
    let anew = "discard new; issue (Due); notify issued";
    let back = "restore new; notify restored:new";
    for (certificate, used, hours, expected) in [
        (certified(), Used::Never, 4, anew),
        (
            certified(),
            Used::Never,
            3,
            "~ the new key new was withdrawn",
        ),
        (
            certified(),
            Used::Unknown,
            24,
            "~ the new key new was withdrawn",
        ),
        (certified(), used_at(now() - days(1)), 24, back),
    ] {
        let plan = planned(Mode::Due, withdrawn(certificate, used, hours));
        assert!(plan.starts_with(expected), "{plan}");
    }
    // The certificate that it is sealed to is back.
    let mut user = withdrawn(usable(), Used::Never, 24);
    user.tags.insert(PIN_TAG.into(), PINNED.into());
    let plan = planned(Mode::Due, user);
    assert_eq!(plan, back);
}

/// R8: whoever had a key that was exposed is no newcomer, though it is gone.
#[test]
fn a_first_certificate_does_not_count_at_once_for_whoever_had_an_exposed_key() {
    let owed = |reason| Owed {
        reason,
        request: "earlier".into(),
        asked_at: now() - days(2),
    };
    let exposed = Record {
        exposed: BTreeSet::from([id(OLD)]),
        owed: Some(owed(Reason::Forced)),
        ..first_record()
    };
    let after_emergency = Record {
        owed: Some(owed(Reason::Emergency)),
        ..first_record()
    };
    for record in [exposed, after_emergency] {
        let user = User {
            keys: Vec::new(),
            ..alice(registered(days(2)), StoredRecord::Own(record))
        };
        let plan = planned(Mode::Due, user);
        assert!(plan.contains("new-certificate"), "{plan}");
        assert!(!plan.contains("issue"), "{plan}");
    }
}

/// R8: one that was put back is new again, and people hear of it again.
#[test]
fn a_certificate_that_was_put_back_after_people_were_told_is_told_again() {
    let put_back = planned(Mode::Due, alice(registered(days(1)), told(days(20))));
    assert!(
        put_back.starts_with("notify new-certificate:another"),
        "{put_back}"
    );
    let first = plan(
        &snapshot(Mode::Due, vec![alice(registered(days(1)), told(days(20)))]),
        &policy(),
        now(),
    );
    assert!(first.findings.iter().any(|finding| !finding.notified));
}
