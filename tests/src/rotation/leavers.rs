//! Somebody leaves: every key and session ends at once, operators learn what there was, daily runs
//! issue nothing and delete in the end, and a mistake can be taken back.

use banto_domain::UserName;
use banto_fake::{Driven, Reader, World};
use banto_ports::ErrorKind;
use serde_json::{Value, json};

use super::harness::{
    Process, add_registered, alone, any_has, asked, by_queue, count, days, delivered, disabled,
    everyone, exposed, failure, hours, is_active, is_done, is_there, minutes, operators_told,
    owners_told, policy, record, run_daily, sealed, start, working,
};
use super::play::settle;
use super::stories::{End, Prepared};
use super::watch::{Terms, Watch};
use crate::harness::crash_points::Tally;
use crate::harness::{handle, handle_both, handle_with};

/// What Terraform invokes the function with.
fn leave(user: &UserName) -> Value {
    json!({ "account": "111122223333", "users": [user], "mode": "leave" })
}

/// Everything of a user ends at once, and the invocation says when it is done.
#[test]
fn whoever_leaves_has_no_key_and_no_session_from_then_on_and_operators_learn_what_they_had() {
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    world.use_key(&rotation.old);
    let session = world.start_session(&rotation.old).unwrap();
    world.advance(hours(1));
    let (to_owners, to_operators) = (owners_told(world).len(), operators_told(world).len());
    handle(world, &policy(), &leave(user));
    assert!(working(world, user).is_empty());
    assert!(!world.works(&session));
    // A person made the old one: it can be restored for ten days, as any other.
    assert!(is_there(world, user, &rotation.old) && is_there(world, user, &rotation.new));
    let [told] = &operators_told(world)[to_operators..] else {
        panic!("not one notice")
    };
    for piece in [
        "2 disabled, 1 gone",
        "alice left: no new key is issued; the user's own sessions are denied for good",
        "100 days old, last used for",
        "disabled now, deleted from 11 Jun 2026 on",
        "never used, as far as IAM shows",
        "the secret banto/access-keys/alice",
        "alice.asc",
        "to take it back, keys with it until they are deleted",
    ] {
        assert!(
            any_has(std::slice::from_ref(told), piece),
            "{piece}: {told}"
        );
    }
    assert_eq!(
        owners_told(world).len(),
        to_owners,
        "a leaver is not messaged"
    );
}

/// R6: asked again, and by the daily run, nothing more happens.
#[test]
fn a_leave_that_is_asked_for_again_is_done_already() {
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    world.advance(hours(1));
    handle(world, &policy(), &leave(user));
    world.advance(minutes(1));
    let (users, sent) = (world.view().users, world.view().sent.len());
    for event in [leave(user), leave(user), everyone()] {
        handle(world, &policy(), &event);
        assert_eq!(world.view().users, users);
        assert_eq!(world.view().sent.len(), sent);
    }
}

/// R11: neither age nor anybody's request gives a leaver a key, nor does an emergency.
#[test]
fn whoever_left_is_issued_no_key_whatever_is_asked_for() {
    let (world, user, old) = alone(days(100));
    handle(&world, &policy(), &leave(&user));
    let to_owners = owners_told(&world).len();
    for event in [
        asked(&user, "due"),
        asked(&user, "force"),
        exposed(&[&old]),
        asked(&user, "emergency"),
    ] {
        by_queue(&world, &policy(), &event);
        run_daily(&world, &policy(), 3);
    }
    assert_eq!(count(&world, "iam:CreateAccessKey"), 0);
    assert!(working(&world, &user).is_empty());
    assert!(any_has(
        &operators_told(&world),
        "gets no key until that is taken back"
    ));
    assert_eq!(owners_told(&world).len(), to_owners);
    // What an emergency denied for 36 hours stays denied.
    run_daily(&world, &policy(), 10);
    assert!(world.view().users[&user].sessions_denied);
}

/// IAM deletes no user who has a key: the daily run deletes them when their recovery is over, and
/// nobody is told of dates that operators know.
#[test]
fn the_keys_of_a_leaver_are_deleted_by_the_daily_run_and_nothing_is_told_meanwhile() {
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    world.set_active(&rotation.old, false);
    world.advance(hours(1));
    handle(world, &policy(), &leave(user));
    let sent = world.view().sent.len();
    run_daily(world, &policy(), 9);
    assert_eq!(world.view().users[user].keys.len(), 2);
    assert_eq!(world.view().sent.len(), sent);
    run_daily(world, &policy(), 1);
    assert!(world.view().users[user].keys.is_empty());
    assert!(!world.view().users[user].record_is_open);
    assert!(world.view().users[user].sessions_denied);
    let record = record(&world.view(), user).unwrap();
    assert_eq!(
        record.left.unwrap().certificate.unwrap().as_str(),
        record.pin.unwrap().fingerprint.as_str()
    );
    run_daily(world, &policy(), 40);
    assert_eq!(world.view().sent.len(), sent + 1, "that they were deleted");
}

/// R11: a key that somebody makes, or makes active again, ends by the next daily run.
#[test]
fn a_key_that_works_again_or_came_since_ends_by_the_next_run() {
    let (world, user, old) = alone(days(10));
    handle(&world, &policy(), &leave(&user));
    let made = world.add_key(&user, days(0));
    world.advance(hours(1));
    world.set_active(&old, true);
    run_daily(&world, &policy(), 1);
    assert!(!is_active(&world, &old) && !is_active(&world, &made));
    assert!(any_has(&operators_told(&world), "disabled: the user left"));
}

/// A user of whom nothing is there but the name.
#[test]
fn a_user_without_a_key_leaves_too_and_one_whom_nobody_knows_is_an_error() {
    let world = World::at(start());
    let user = world.add_user("alice");
    handle(&world, &policy(), &leave(&user));
    assert!(world.view().users[&user].sessions_denied);
    assert!(any_has(&operators_told(&world), "alice has no access key"));
    let nobody = "alicia".parse().unwrap();
    let (handled, _) = handle_with(&world, &policy(), &leave(&nobody), None);
    assert_eq!(
        failure(&handled),
        "NoSuchUser: there is no such user in 111122223333: alicia"
    );
    // By the queue it is told, and asked for no more.
    let sqs = by_queue(&world, &policy(), &leave(&nobody));
    assert!(sqs.dead.is_empty() && world.next_message_at().is_none());
    assert!(any_has(&operators_told(&world), "alicia"));
}

/// An invocation that succeeds means that all has ended: whoever deletes the user rests on it.
#[test]
fn a_leave_that_is_not_done_fails_and_nothing_is_reported_before_it_is() {
    for call in [
        "iam:UpdateAccessKey",
        "iam:AttachUserPolicy",
        "secretsmanager:",
    ] {
        let (world, user, old) = alone(days(10));
        world.outage(call, ErrorKind::Unavailable, world.now() + hours(1));
        let (handled, _) = handle_with(&world, &policy(), &leave(&user), None);
        assert!(failure(&handled).starts_with("Incomplete"), "{call}");
        // What can end ends, and no record that can't be written stands before it.
        assert_eq!(
            is_active(&world, &old),
            call == "iam:UpdateAccessKey",
            "{call}"
        );
        assert!(!any_has(&operators_told(&world), "alice left"), "{call}");
        world.advance(hours(2));
        handle(&world, &policy(), &leave(&user));
        assert!(!is_active(&world, &old), "{call}");
        assert!(any_has(&operators_told(&world), "alice left"), "{call}");
    }
    let (world, user, old) = alone(days(10));
    let mut off = policy();
    off.rotation.enabled = false;
    let (handled, _) = handle_with(&world, &off, &leave(&user), None);
    assert!(failure(&handled).contains("rotation is switched off"));
    assert!(is_active(&world, &old));
}

/// A record that somebody broke keeps no key of a leaver active, and the leave is not done.
#[test]
fn a_record_that_can_not_be_read_keeps_no_key_of_a_leaver_active() {
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    world.use_key(&rotation.new);
    world.deny_records(true);
    let (handled, _) = handle_with(world, &policy(), &leave(user), None);
    assert!(failure(&handled).starts_with("Incomplete"));
    assert!(working(world, user).is_empty());
    world.deny_records(false);
    handle(world, &policy(), &leave(user));
    assert!(record(&world.view(), user).unwrap().left.is_some());
}

/// Somebody was taken out of the map by mistake: all is as it was, and the rotation goes on.
#[test]
fn a_leave_that_is_taken_back_leaves_no_trace() {
    let rotation = disabled();
    let (world, user) = (&rotation.world, &rotation.user);
    let before = record(&world.view(), user).unwrap();
    world.advance(days(1));
    handle(world, &policy(), &leave(user));
    world.advance(days(1));
    let to_owners = owners_told(world).len();
    handle(world, &policy(), &asked(user, "restore"));
    assert_eq!(working(world, user), std::slice::from_ref(&rotation.new));
    assert!(!world.view().users[user].sessions_denied);
    assert_eq!(owners_told(world).len(), to_owners);
    assert!(any_has(
        &operators_told(world),
        "leave taken back, as asked"
    ));
    let after = record(&world.view(), user).unwrap();
    assert_eq!((after.left, &after.disabled), (None, &before.disabled));
    assert_eq!(
        (after.rotation, after.restored),
        (before.rotation, before.restored)
    );
    // The old key goes its way, and whoever leaves for good is reported anew.
    run_daily(world, &policy(), 12);
    assert!(!is_there(world, user, &rotation.old));
    let told = operators_told(world).len();
    handle(world, &policy(), &leave(user));
    assert!(any_has(&operators_told(world)[told..], "alice left"));
}

/// What a person had switched off stays so, and is theirs again.
#[test]
fn a_key_that_a_person_had_switched_off_stays_off_and_is_not_deleted_after_a_leave_is_taken_back() {
    let (world, user, old) = alone(days(10));
    let other = world.add_key(&user, days(5));
    world.set_active(&other, false);
    handle(&world, &policy(), &leave(&user));
    world.advance(days(1));
    handle(&world, &policy(), &asked(&user, "restore"));
    assert_eq!(working(&world, &user), [old]);
    run_daily(&world, &policy(), 20);
    assert!(is_there(&world, &user, &other));
}

/// R9: exposed stays exposed, and an emergency's denial outlasts the leave.
#[test]
fn a_leave_that_is_taken_back_revives_no_exposed_key_and_ends_no_emergency() {
    let (world, user, old) = alone(days(10));
    handle(&world, &policy(), &leave(&user));
    by_queue(&world, &policy(), &exposed(&[&old]));
    handle(&world, &policy(), &asked(&user, "restore"));
    assert!(!is_active(&world, &old));
    assert!(world.view().users[&user].sessions_denied);
    run_daily(&world, &policy(), 3);
    assert!(!world.view().users[&user].sessions_denied);
}

/// A later user of the same name is somebody else.
#[test]
fn a_new_user_of_a_leavers_name_gets_keys_as_anybody() {
    let (world, user, _) = alone(days(10));
    handle(&world, &policy(), &leave(&user));
    run_daily(&world, &policy(), 11);
    world.remove_user(&user);
    run_daily(&world, &policy(), 1);
    let (user, _) = add_registered(&world, "alice", days(100));
    run_daily(&world, &policy(), 8);
    assert!(working(&world, &user).contains(&sealed(&world, &user)));
}

/// R9: sessions in roles are ended by whoever reaches every account.
#[test]
fn the_end_of_a_leavers_sessions_in_roles_is_handed_to_onboard_accounts_once() {
    let mut policy = policy();
    let queue = "https://sqs.eu-west-1.amazonaws.com/111122223333/banto-accounts";
    policy.rotation.revocations = Some(queue.parse().unwrap());
    let (world, user, _) = alone(days(10));
    for _ in 0..3 {
        handle(&world, &policy, &leave(&user));
        world.advance(minutes(16));
    }
    let sent = world.receive(10);
    assert_eq!(sent.len(), 1, "{sent:?}");
    let message: Value = serde_json::from_str(&sent[0].body).unwrap();
    assert_eq!(
        (&message["kind"], &message["user"]),
        (&json!("revoke"), &json!("alice"))
    );
    assert!(any_has(
        &operators_told(&world),
        "those in roles are handed to onboard-accounts"
    ));
}

/// R7: what IAM shows late is waited for: the leave fails until the key of a run that was at work
/// has ended, too.
#[test]
fn a_key_that_was_issued_just_before_ends_with_the_rest_though_iam_shows_it_late() {
    let (world, user, _) = alone(days(100));
    world.lag(Reader::ListAccessKeys, minutes(5));
    world.advance(minutes(10));
    handle(&world, &policy(), &everyone());
    let (handled, _) = handle_with(&world, &policy(), &leave(&user), None);
    assert!(failure(&handled).contains("IAM does not show"));
    world.advance(minutes(6));
    handle(&world, &policy(), &leave(&user));
    assert!(working(&world, &user).is_empty());
}

/// R11 and R5: a run that issues a key goes on beside the leave, in every order. The leave is not
/// done before that key has ended, or it was never made.
#[test]
fn a_leave_beside_a_run_that_issues_a_key_leaves_none_active() {
    let policy = policy();
    let prepare = || alone(days(100));
    let calls = {
        let (world, ..) = prepare();
        handle_with(&world, &policy, &everyone(), None).1.calls() + 2
    };
    let mut tally = Tally::of("interleavings of a leave");
    for away in 0..=calls {
        // Every second number of calls of the other: all of them take minutes.
        for back in (away % 2..=calls).step_by(2) {
            let (world, user, _) = prepare();
            let terms = Terms {
                leaves: true,
                ..Terms::default()
            };
            let watch = Watch::on(&world, &policy, terms.clone());
            let turns = std::iter::repeat_n(true, away).chain(std::iter::repeat_n(false, back));
            let event = leave(&user);
            let ends = handle_both(&world, &policy, [&everyone(), &event], turns);
            let mut broken = Vec::new();
            let works = working(&world, &user);
            if is_done(&ends[1]) && !works.is_empty() {
                broken.push(format!("R11: done, but {works:?} work"));
            }
            // Whoever is refused asks again.
            world.advance(minutes(30));
            handle(&world, &policy, &event);
            let works = working(&world, &user);
            if !works.is_empty() {
                broken.push(format!("R11: {works:?} work in the end"));
            }
            let prepared = Prepared {
                world,
                user,
                event,
                terms,
                named: std::collections::BTreeSet::new(),
            };
            broken.extend(settle(&prepared, &policy, &watch, Some(End::Out)));
            tally.add(
                format!("{away} calls of the run, then {back} of the leave"),
                broken,
            );
        }
    }
    tally.close();
}

/// An operator is told once a day what keeps a leave from its end, and it goes on by itself.
#[test]
fn a_leave_by_the_queue_comes_again_until_it_is_done() {
    let (world, user, old) = alone(days(10));
    world.outage("iam:", ErrorKind::Unavailable, world.now() + hours(3));
    let process = Process::start(&world, &policy());
    let sqs = by_queue(&world, &process, &leave(&user));
    assert!(sqs.dead.is_empty());
    assert!(!is_active(&world, &old));
    let told = operators_told(&world);
    assert_eq!(
        told.iter().filter(|text| text.contains("failed")).count(),
        1,
        "{told:?}"
    );
    assert!(matches!(
        handle_with(&world, &policy(), &leave(&user), None).0,
        Driven::Done(Ok(_))
    ));
}
