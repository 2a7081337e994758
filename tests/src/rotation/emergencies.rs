//! Emergencies: an exposed key ends, whoever stands in the way; its owner gets another one, and who
//! holds the exposed one gets nothing out of it.

use std::time::Duration;

use banto_domain::UserName;
use banto_domain::policy::ChangeWindow;
use banto_fake::{Driven, Fault, FaultKind, Reader, Sent, World, drive};
use banto_lambda::Invocation;
use banto_ports::ErrorKind;
use serde_json::json;

use super::harness::{
    Process, add_registered, alone, any_has, asked, by_queue, count, days, delivered, disabled,
    everyone, exposed, failure, hours, is_active, minutes, opened, operators_told, owners_told,
    policy, record, register, rotator, run_daily, sealed, start, subjects, working,
};
use crate::harness::{Sqs, enqueue, handle, handle_on, handle_with};

const ADMIN: &str = "arn:aws:iam::444455556666:role/admin";

/// R9: a request is told from others by its id, not by what the record holds.
#[test]
fn a_second_emergency_ends_the_key_that_the_first_one_issued() {
    let (world, user, _) = alone(days(10));
    by_queue(&world, &policy(), &asked(&user, "emergency"));
    let second = sealed(&world, &user);
    world.use_key(&second);
    world.advance(days(5));
    let before = owners_told(&world).len();
    by_queue(&world, &policy(), &asked(&user, "emergency"));
    assert!(!is_active(&world, &second));
    let third = sealed(&world, &user);
    assert_ne!(third, second);
    assert_eq!(working(&world, &user), [third]);
    assert!(any_has(&owners_told(&world)[before..], second.as_str()));
}

/// R9: what AWS refuses for a while is asked for again, and the owner is left without a key for
/// minutes only.
#[test]
fn an_emergency_whose_new_key_was_refused_goes_on_until_its_owner_has_one() {
    for kind in [
        ErrorKind::Throttled,
        ErrorKind::Denied,
        ErrorKind::Unavailable,
    ] {
        let (world, user, old) = alone(days(10));
        let up_at = world.now() + minutes(20);
        world.outage("iam:CreateAccessKey", kind, up_at);
        enqueue(&world, &[asked(&user, "emergency")]);
        let mut sqs = Sqs::default();
        assert_eq!(sqs.deliver(&world, &policy(), None), Some(1), "{kind:?}");
        assert!(!is_active(&world, &old), "{kind:?}");
        sqs.settle(&world, &policy(), &[]);
        assert_eq!(working(&world, &user), [sealed(&world, &user)], "{kind:?}");
        let issued = record(&world.view(), &user).unwrap().rotation.unwrap();
        // Where the answer may be lost, the lease of the intent must be over first.
        let late = issued.issued.created_at.duration_since(up_at);
        assert!(late <= minutes(30), "{kind:?}: {late:#}");
    }
}

#[test]
fn no_change_window_holds_up_an_emergency() {
    let (world, user, old) = alone(days(10));
    let mut policy = policy();
    policy.rotation.windows = vec![ChangeWindow {
        days: vec![jiff::civil::Weekday::Friday],
        from: jiff::civil::time(0, 0, 0, 0),
        to: jiff::civil::time(0, 30, 0, 0),
        time_zone: jiff::tz::TimeZone::UTC,
    }];
    by_queue(&world, &policy, &asked(&user, "emergency"));
    assert!(!is_active(&world, &old));
    assert_eq!(working(&world, &user), [sealed(&world, &user)]);
}

/// R1: an owner is told the truth about the key that is left.
#[test]
fn an_old_key_exposed_while_the_new_one_is_unfetched_has_its_envelope_sent() {
    let rotation = delivered();
    let world = &rotation.world;
    world.advance(hours(1));
    let before = owners_told(world).len();
    by_queue(world, &policy(), &exposed(&[&rotation.old]));
    assert_eq!(
        working(world, &rotation.user),
        std::slice::from_ref(&rotation.new)
    );
    let later = &owners_told(world)[before..];
    let envelope = later.iter().find(|text| text.contains("BEGIN PGP MESSAGE"));
    let envelope = opened(envelope.expect("no notice carries the envelope"));
    assert_eq!(envelope["AccessKeyId"], rotation.new.as_str());
    assert!(!any_has(later, "keeps working"), "{later:?}");
}

#[test]
fn a_time_that_is_too_short_is_no_success_and_what_aws_named_ends_all_the_same() {
    for is_named_by_aws in [false, true] {
        let (world, user, old) = alone(days(10));
        let event = if is_named_by_aws {
            exposed(&[&old])
        } else {
            asked(&user, "emergency")
        };
        let run = world.run(None);
        let short = Invocation::for_tests("short", Duration::from_secs(90));
        let (rotator, text) = (rotator(&run, &policy()), event.to_string());
        let handled = drive(&run, rotator.handle(text.as_bytes(), &short));
        assert!(failure(&handled).starts_with("Incomplete"));
        assert_eq!(is_active(&world, &old), !is_named_by_aws);
        by_queue(&world, &policy(), &event);
        assert_eq!(working(&world, &user), [sealed(&world, &user)]);
    }
}

/// R4: one crash in the middle leaves no exposed key active.
#[test]
fn a_crash_between_two_exposed_keys_leaves_neither_active() {
    let with_two_keys = || {
        let (world, user, _) = alone(days(20));
        world.add_key(&user, days(5));
        (world, user)
    };
    let first_deed = {
        let (world, user) = with_two_keys();
        handle(&world, &policy(), &asked(&user, "emergency"));
        let calls = world.calls();
        let deed = calls
            .iter()
            .position(|call| call.name == "iam:UpdateAccessKey");
        deed.unwrap() + 1
    };
    for kind in [FaultKind::CancelBefore, FaultKind::CancelAfter] {
        let (world, user) = with_two_keys();
        enqueue(&world, &[asked(&user, "emergency")]);
        let mut sqs = Sqs::default();
        let fault = Fault {
            call: first_deed,
            kind,
        };
        sqs.deliver(&world, &policy(), Some(fault));
        sqs.settle(&world, &policy(), &[]);
        run_daily(&world, &policy(), 20);
        assert_eq!(working(&world, &user), [sealed(&world, &user)], "{kind:?}");
    }
}

/// R9: no record stands between an exposed key and its end.
#[test]
fn a_record_that_can_not_be_read_holds_up_the_new_key_and_not_the_end_of_the_old() {
    type Hurdle = fn(&World, &UserName);
    let hurdles: [(Hurdle, Hurdle); 3] = [
        (
            |world, _| world.deny_records(true),
            |world, _| world.deny_records(false),
        ),
        (World::schedule_deletion, World::restore_secret),
        (
            |world, _| {
                let until = world.now() + days(1);
                world.outage("secretsmanager:", ErrorKind::Unavailable, until);
            },
            |world, _| world.advance(days(1)),
        ),
    ];
    for (number, (hinder, mend)) in hurdles.into_iter().enumerate() {
        let rotation = delivered();
        let (world, user) = (&rotation.world, &rotation.user);
        world.use_key(&rotation.new);
        hinder(world, user);
        enqueue(world, &[exposed(&[&rotation.new])]);
        let mut sqs = Sqs::default();
        assert_eq!(sqs.deliver(world, &policy(), None), Some(1), "{number}");
        assert!(!is_active(world, &rotation.new), "{number}");
        world.advance(minutes(6));
        assert_eq!(sqs.deliver(world, &policy(), None), Some(1), "{number}");
        assert!(any_has(&operators_told(world), "alice"), "{number}");
        mend(world, user);
        sqs.settle(world, &policy(), &[]);
        let record = record(&world.view(), user).unwrap();
        assert!(record.exposed.contains(&rotation.new), "{number}");
    }
}

/// R2: room for the new key is made by deleting exposed ones, at once.
#[test]
fn an_emergency_about_both_keys_makes_room_and_leaves_nobody_without_a_key() {
    let rotation = disabled();
    let (world, user) = (&rotation.world, &rotation.user);
    world.advance(days(1));
    by_queue(world, &policy(), &asked(user, "emergency"));
    let newest = sealed(world, user);
    assert!(newest != rotation.new && newest != rotation.old);
    assert_eq!(working(world, user), [newest]);
    assert!(world.view().users[user].keys.len() <= 2);
}

/// R9: whoever holds an exposed key gets no further one out of it, whenever they try.
#[test]
fn a_key_that_a_thief_makes_before_between_or_after_our_calls_ends_too() {
    let calls = {
        let (world, _, old) = alone(days(10));
        let (_, run) = handle_with(&world, &policy(), &exposed(&[&old]), None);
        run.calls()
    };
    for call in 0..=calls + 1 {
        let (world, user, old) = alone(days(10));
        world.lag(Reader::LookupEvents, minutes(10));
        let session = world.start_session(&old).unwrap();
        let (thief, key, alice) = (session.clone(), old.clone(), user.clone());
        let steal = move |world: &World| {
            let made = world.add_key_with(&alice, &key);
            let made = made.or_else(|_| world.add_key_with(&alice, &thief));
            made.iter().for_each(|made| world.use_key(made));
        };
        let event = exposed(&[&old]);
        if call == 0 {
            steal(&world);
            by_queue(&world, &policy(), &event);
        } else {
            let run = world.run(None);
            run.interfere(call, steal.clone());
            drop(handle_on(&run, &world, &policy(), &event));
            if call > calls {
                steal(&world);
            }
            by_queue(&world, &policy(), &event);
        }
        run_daily(&world, &policy(), 3);
        let view = world.view();
        for (id, made) in &view.users[&user].keys {
            assert!(
                made.by_banto || !made.active,
                "before call {call}: {id} works"
            );
        }
        assert!(!working(&world, &user).is_empty(), "before call {call}");
    }
}

/// R9: a key that was made with the exposed one ends, be it another user's.
#[test]
fn a_key_that_was_made_for_somebody_else_with_the_exposed_one_ends_too() {
    let (world, user, old) = alone(days(10));
    let bob = world.add_user("bob");
    let made = world.add_key_with(&bob, &old).unwrap();
    world.lag(Reader::LookupEvents, minutes(10));
    let sqs = by_queue(&world, &policy(), &exposed(&[&old]));
    assert!(sqs.dead.is_empty());
    assert!(!is_active(&world, &made));
    assert!(any_has(&operators_told(&world), made.as_str()));
    assert_eq!(working(&world, &user), [sealed(&world, &user)]);
}

/// R9: exposed stays exposed.
#[test]
fn an_exposed_key_that_is_made_active_again_is_disabled_by_the_next_run() {
    let (world, user, old) = alone(days(10));
    by_queue(&world, &policy(), &exposed(&[&old]));
    for day in [1, 3, 9] {
        world.set_active(&old, true);
        run_daily(&world, &policy(), day);
        assert!(!is_active(&world, &old), "after {day} days");
        assert_eq!(working(&world, &user), [sealed(&world, &user)]);
    }
}

/// R9: sessions that were made with an exposed key outlive it.
#[test]
fn sessions_end_at_once_and_are_allowed_again_after_the_longest_is_over() {
    let (world, user, old) = alone(days(10));
    let session = world.start_session(&old).unwrap();
    enqueue(&world, &[exposed(&[&old])]);
    let mut sqs = Sqs::default();
    sqs.deliver(&world, &policy(), None);
    assert!(!world.works(&session));
    let denied_at = world.now();
    sqs.settle(&world, &policy(), &[]);
    let mut allowed_after = None;
    for _ in 0..100 {
        world.advance(hours(1));
        handle(&world, &policy(), &everyone());
        if !world.view().users[&user].sessions_denied {
            allowed_after = Some(world.now().duration_since(denied_at));
            break;
        }
    }
    let allowed_after = allowed_after.expect("sessions are denied for ever");
    assert!(allowed_after >= hours(36), "{allowed_after:#}");
    assert!(allowed_after <= hours(38), "{allowed_after:#}");
    assert!(record(&world.view(), &user).unwrap().emergency.is_none());
}

#[test]
fn sessions_that_can_not_be_ended_are_told_and_hold_up_no_new_key() {
    let full: fn(&World, &UserName) = |world, user| world.attach_policies(user, 10);
    let gone: fn(&World, &UserName) = |world, _| world.remove_deny_policy();
    for hinder in [full, gone] {
        let (world, user, old) = alone(days(10));
        hinder(&world, &user);
        let process = Process::start(&world, &policy());
        enqueue(&world, &[exposed(&[&old])]);
        let mut sqs = Sqs::default();
        assert_eq!(sqs.deliver(&world, &process, None), Some(1));
        assert_eq!(working(&world, &user), [sealed(&world, &user)]);
        world.advance(minutes(6));
        sqs.deliver(&world, &process, None);
        let told = operators_told(&world);
        assert!(any_has(&told, "ending the sessions failed"), "{told:?}");
    }
}

/// R9: what a full quota held up is done once there is room.
#[test]
fn sessions_end_once_there_is_room_for_the_denial() {
    let (world, user, old) = alone(days(10));
    let session = world.start_session(&old).unwrap();
    world.outage(
        "iam:AttachUserPolicy",
        ErrorKind::LimitExceeded,
        world.now() + hours(3),
    );
    let sqs = by_queue(&world, &policy(), &exposed(&[&old]));
    assert!(sqs.dead.is_empty());
    assert!(!world.works(&session));
    assert!(world.view().users[&user].sessions_denied);
    assert_eq!(count(&world, "iam:CreateAccessKey"), 1);
}

#[test]
fn roles_that_were_assumed_with_an_exposed_key_are_told_with_their_accounts() {
    let (world, _, old) = alone(days(10));
    world.assume_role(&old, ADMIN).unwrap();
    world.lag(Reader::LookupEvents, minutes(5));
    by_queue(&world, &policy(), &exposed(&[&old]));
    let told = operators_told(&world);
    let about_the_role: Vec<_> = told.iter().filter(|text| text.contains(ADMIN)).collect();
    assert_eq!(about_the_role.len(), 1, "{told:?}");
    assert!(about_the_role[0].contains("444455556666"));
}

/// R9: not to know is no reason to be done.
#[test]
fn an_emergency_is_not_done_while_the_certificate_store_is_away() {
    let (world, user, old) = alone(days(10));
    world.outage("s3:", ErrorKind::Unavailable, world.now() + hours(2));
    enqueue(&world, &[asked(&user, "emergency")]);
    let mut sqs = Sqs::default();
    assert_eq!(sqs.deliver(&world, &policy(), None), Some(1));
    assert!(!is_active(&world, &old) && working(&world, &user).is_empty());
    world.advance(minutes(6));
    sqs.deliver(&world, &policy(), None);
    assert!(any_has(
        &operators_told(&world),
        "certificate could not be fetched"
    ));
    sqs.settle(&world, &policy(), &[]);
    assert_eq!(working(&world, &user), [sealed(&world, &user)]);
    let late = world.now().duration_since(start());
    assert!(late <= hours(2) + minutes(45), "{late:#}");
}

/// R9: people know why somebody has no key, and the request is done then.
#[test]
fn an_emergency_without_a_certificate_is_told_and_the_owed_key_comes_once_there_is_one() {
    let world = World::at(start());
    let user = world.add_user("alice");
    let old = world.add_key(&user, days(10));
    by_queue(&world, &policy(), &asked(&user, "emergency"));
    assert!(!is_active(&world, &old));
    assert!(any_has(
        &owners_told(&world),
        "aws iam tag-user --user-name=alice"
    ));
    assert!(any_has(&operators_told(&world), "can't be given a key"));
    run_daily(&world, &policy(), 14);
    register(&world, &user);
    run_daily(&world, &policy(), 1);
    assert_eq!(working(&world, &user), [sealed(&world, &user)]);
    assert!(any_has(&owners_told(&world), "BEGIN PGP MESSAGE"));
}

/// AWS sends an event of Health in more than one region.
#[test]
fn an_event_that_comes_twice_is_one_emergency() {
    let (world, user, old) = alone(days(10));
    enqueue(&world, &[exposed(&[&old]), exposed(&[&old])]);
    let mut sqs = Sqs::default();
    sqs.settle(&world, &policy(), &[]);
    enqueue(&world, &[exposed(&[&old])]);
    sqs.settle(&world, &policy(), &[]);
    assert_eq!(count(&world, "iam:CreateAccessKey"), 1);
    let subjects = subjects(&world);
    let notices = subjects.iter().filter(|one| one.contains("was exposed"));
    assert_eq!(notices.count(), 1, "{subjects:?}");
    assert_eq!(working(&world, &user), [sealed(&world, &user)]);
}

/// R9: an exposed key is disabled at once, and its owner gets another.
#[test]
fn an_exposed_key_is_disabled_at_once_and_the_notice_carries_the_new_one() {
    let world = World::at(start());
    let (user, old) = add_registered(&world, "alice", days(10));
    let event = json!({
        "source": "aws.health", "detail-type": "AWS Health Event", "account": "111122223333",
        "detail": {
            "service": "RISK", "eventTypeCode": "AWS_RISK_CREDENTIALS_EXPOSED",
            "eventArn": "arn:aws:health:us-east-1::event/RISK/AWS_RISK_CREDENTIALS_EXPOSED/example",
            "affectedEntities": [{ "entityValue": old }],
        },
    });
    handle(&world, &policy(), &event);
    let view = world.view();
    assert!(!view.users[&user].keys[&old].active);
    let Some(Sent::Topic(_, message)) = view
        .sent
        .iter()
        .find(|sent| format!("{sent:?}").contains("BEGIN PGP MESSAGE"))
    else {
        panic!("no notice carries the envelope")
    };
    let id = opened(&message.body)["AccessKeyId"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(
        opened(&message.body)["SecretAccessKey"],
        view.users[&user].keys[&id].secret
    );
    // The same event again, as AWS may send it.
    handle(&world, &policy(), &event);
    assert_eq!(world.view().users, view.users);
    assert_eq!(world.view().sent, view.sent);
}

/// R9: the request is not done until its goal is reached.
#[test]
fn an_emergency_that_could_not_be_finished_fails_so_that_lambda_tries_again() {
    let world = World::at(start());
    let (user, old) = add_registered(&world, "alice", days(10));
    let fault = Fault {
        call: 5,
        kind: FaultKind::ErrorBefore(ErrorKind::Throttled),
    };
    match handle_with(&world, &policy(), &asked(&user, "emergency"), Some(fault)).0 {
        Driven::Done(Err(failure)) => assert_eq!(failure.kind, "Incomplete"),
        other => panic!("{other:?}"),
    }
    handle(&world, &policy(), &asked(&user, "emergency"));
    assert!(!world.view().users[&user].keys[&old].active);
}
