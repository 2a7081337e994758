//! CloudTrail: who did what with which credential, and how late it shows.

use banto_domain::CredentialId;
use banto_ports::{AccessKeys, ErrorKind, Trail};

use super::{days, done, kind, minutes, start, world};
use crate::Reader;

const ADMIN: &str = "arn:aws:iam::444455556666:role/admin";

#[test]
fn a_creation_tells_whose_session_made_it() {
    let world = world();
    let alice = world.add_user("alice");
    let bob = world.add_user("bob");
    let old = world.add_key(&alice, days(10));
    let run = world.run(None);
    let by_banto = done(&run, AccessKeys::create(&*run, &bob)).unwrap().id;
    world.advance(minutes(1));
    let by_key = world.add_key_with(&alice, &old).unwrap();
    let session = world.assume_role(&by_key, ADMIN).unwrap();
    let by_role = world.add_key_with(&bob, &session).unwrap();
    let found = done(&run, run.key_creations(start() - days(20), world.now())).unwrap();
    let roles = found.iter().map(|creation| {
        (
            &creation.key,
            creation.by_role.as_ref().map(|role| role.as_str()),
        )
    });
    let expected = [
        (&by_role, Some(ADMIN)),
        (&by_key, None),
        (&by_banto, Some("arn:aws:iam::111122223333:role/banto")),
        (&old, None),
    ];
    assert_eq!(roles.collect::<Vec<_>>(), expected);
    assert_eq!((&found[1].user, found[1].at), (&alice, world.now()));
    let recent = done(&run, run.key_creations(world.now(), world.now())).unwrap();
    assert_eq!(recent.len(), 2);
}

#[test]
fn the_activity_of_a_credential_is_what_was_done_with_it() {
    let world = world();
    let alice = world.add_user("alice");
    let bob = world.add_user("bob");
    let key = world.add_key(&alice, days(10));
    let created = world.add_key_with(&bob, &key).unwrap();
    let session = world.assume_role(&key, ADMIN).unwrap();
    world.assume_role(&key, ADMIN).unwrap();
    let further = world.add_key_with(&alice, &session).unwrap();
    let run = world.run(None);
    let of_key = done(&run, run.activity(&(&key).into(), start() - days(1))).unwrap();
    assert_eq!((of_key.user.as_ref(), of_key.role), (Some(&alice), None));
    assert_eq!(
        (of_key.created.len(), &of_key.created[0].key),
        (1, &created)
    );
    assert_eq!(of_key.assumed, [ADMIN.parse().unwrap()]);
    let of_session = done(&run, run.activity(&(&session).into(), start())).unwrap();
    assert_eq!(
        (of_session.user, of_session.role),
        (None, Some(ADMIN.parse().unwrap()))
    );
    assert_eq!(of_session.created[0].key, further);
    let nobody: CredentialId = "AKIA0000000000000000".parse().unwrap();
    let of_nobody = done(&run, run.activity(&nobody, start())).unwrap();
    assert!(of_nobody.is_complete && of_nobody.user.is_none());
}

#[test]
fn a_credential_that_does_not_work_creates_nothing() {
    let world = world();
    let alice = world.add_user("alice");
    let key = world.add_key(&alice, days(10));
    let session = world.start_session(&key).unwrap();
    world.set_active(&key, false);
    assert_eq!(
        kind(world.add_key_with(&alice, &key)),
        Some(ErrorKind::Denied)
    );
    assert_eq!(world.assume_role(&key, ADMIN), None);
    let second = world.add_key_with(&alice, &session).unwrap();
    assert_eq!(
        kind(world.add_key_with(&alice, &second)),
        Some(ErrorKind::LimitExceeded)
    );
}

#[test]
fn an_event_shows_late() {
    let world = world();
    let alice = world.add_user("alice");
    world.add_key(&alice, minutes(0));
    world.lag(Reader::LookupEvents, minutes(15));
    let run = world.run(None);
    let seen = || {
        let until = world.now();
        let creations = run.key_creations(start() - days(1), until);
        done(&run, creations).unwrap().len()
    };
    assert_eq!(seen(), 0);
    world.advance(minutes(15));
    assert_eq!(seen(), 1);
}

#[test]
fn what_was_forgotten_is_not_taken_for_what_never_was_by_a_clock_that_is_right() {
    let world = world();
    let alice = world.add_user("alice");
    let bob = world.add_user("bob");
    let key = world.add_key(&alice, days(10));
    world.add_key_with(&bob, &key).unwrap();
    world.advance(days(90) + minutes(1));
    let run = world.run(None);
    let creations = || done(&run, run.key_creations(start(), world.now()));
    assert_eq!(kind(creations()), Some(ErrorKind::Missing));
    let activity = done(&run, run.activity(&(&key).into(), start())).unwrap();
    assert!(!activity.is_complete && activity.created.is_empty());
    // CloudTrail itself answers as if nothing had been.
    world.jump(-days(1));
    assert_eq!(creations(), Ok(Vec::new()));
}

#[test]
fn ten_pages_are_read_and_more_is_told() {
    let world = world();
    let alice = world.add_user("alice");
    let bob = world.add_user("bob");
    let key = world.add_key(&alice, days(10));
    world.add_key_with(&bob, &key).unwrap();
    world.call_with(&key, 499);
    let run = world.run(None);
    let activity = done(&run, run.activity(&(&key).into(), start())).unwrap();
    assert!(activity.is_complete && activity.created.len() == 1);
    world.call_with(&key, 1);
    let before = run.calls();
    let activity = done(&run, run.activity(&(&key).into(), start())).unwrap();
    assert!(!activity.is_complete && activity.created.is_empty());
    assert_eq!(run.calls() - before, 10);
}

#[test]
fn more_creations_than_are_read_are_an_error_and_no_shorter_list() {
    let world = world();
    let run = world.run(None);
    let creations = || done(&run, run.key_creations(start(), world.now()));
    for number in 0..500 {
        let user = world.add_user(&format!("user-{number}"));
        world.add_key(&user, minutes(0));
    }
    assert_eq!(creations().unwrap().len(), 500);
    let alice = world.add_user("alice");
    world.add_key(&alice, minutes(0));
    assert_eq!(kind(creations()), Some(ErrorKind::LimitExceeded));
}

#[test]
fn a_time_that_ends_before_it_begins_is_refused() {
    let world = world();
    let run = world.run(None);
    let asked = run.key_creations(start(), start() - minutes(1));
    assert_eq!(kind(done(&run, asked)), Some(ErrorKind::Invalid));
}
