//! What follows an emergency is not lost on the way: not where a thief goes on from user to user,
//! not where a deed fails once, and not where people act in between.

use banto_domain::policy::Selector;
use banto_fake::{Fault, FaultKind, Reader};
use banto_ports::ErrorKind;
use serde_json::{Value, json};

use super::harness::{
    alone, any_has, asked, by_queue, count, days, exposed, hours, is_active, minutes,
    operators_told, policy, record, register, run_daily, sealed, subjects, working,
};
use crate::harness::{Sqs, enqueue, handle, handle_on};

const ADMIN: &str = "arn:aws:iam::444455556666:role/admin";

/// What AWS Health tells of a key, as another event than the first.
fn exposed_again(key: &banto_domain::AccessKeyId) -> Value {
    let mut event = exposed(&[key]);
    event["detail"]["eventArn"] =
        json!("arn:aws:health:global::event/RISK/AWS_RISK_CREDENTIALS_EXPOSED/2");
    event
}

/// R9: a thief who goes on from key to key is followed, whatever the users are called by now.
#[test]
fn keys_that_were_made_with_one_another_end_at_all_their_owners() {
    let (world, user, old) = alone(days(10));
    let (bob, carol) = (world.add_user("bob"), world.add_user("carol"));
    let second = world.add_key_with(&bob, &old).unwrap();
    let third = world.add_key_with(&carol, &second).unwrap();
    world.rename_user(&carol, "caroline");
    world.lag(Reader::LookupEvents, minutes(10));
    let sqs = by_queue(&world, &policy(), &exposed(&[&old]));
    assert!(sqs.dead.is_empty());
    assert!(!is_active(&world, &second) && !is_active(&world, &third));
    assert_eq!(working(&world, &user), [sealed(&world, &user)]);
}

/// R4 and R9: the second look is not over before the keys that it found have ended.
#[test]
fn a_key_that_the_second_look_finds_ends_though_the_run_is_cut_short() {
    let mut fired = 0;
    for call in 1..40 {
        let (world, _, old) = alone(days(10));
        let bob = world.add_user("bob");
        let made = world.add_key_with(&bob, &old).unwrap();
        world.lag(Reader::LookupEvents, minutes(10));
        enqueue(&world, &[exposed(&[&old])]);
        let mut sqs = Sqs::default();
        let kind = FaultKind::CancelBefore;
        sqs.settle(&world, &policy(), &[(1, Fault { call, kind })]);
        fired += sqs.fired;
        assert!(!is_active(&world, &made), "second visit, call {call}");
    }
    assert!(fired > 10, "{fired}");
}

/// R9: an owner who was faster than AWS Health has sessions left, and no key.
#[test]
fn a_named_key_that_its_owner_deleted_has_its_sessions_ended() {
    let (world, user, old) = alone(days(10));
    let session = world.start_session(&old).unwrap();
    world.advance(minutes(20));
    world.delete_key(&old);
    by_queue(&world, &policy(), &exposed(&[&old]));
    assert!(!world.works(&session));
    assert!(world.view().users[&user].sessions_denied);
    assert!(any_has(&subjects(&world), "A session of yours was exposed"));
}

/// R9: what could not be done is not forgotten with the key that it was about.
#[test]
fn sessions_are_ended_once_there_is_room_though_the_key_had_to_make_room() {
    let (world, user, old) = alone(days(10));
    let parked = world.add_key(&user, days(50));
    world.set_active(&parked, false);
    let session = world.start_session(&old).unwrap();
    let until = world.now() + hours(3);
    world.outage("iam:AttachUserPolicy", ErrorKind::LimitExceeded, until);
    let sqs = by_queue(&world, &policy(), &exposed(&[&old]));
    assert!(sqs.dead.is_empty());
    assert!(!world.works(&session));
    assert_eq!(working(&world, &user), [sealed(&world, &user)]);
}

/// R9: a second exposure of a key is another one: it may have been active in between.
#[test]
fn a_later_exposure_of_a_known_key_ends_its_sessions_for_as_long_again() {
    let (world, user, old) = alone(days(10));
    by_queue(&world, &policy(), &exposed(&[&old]));
    world.advance(hours(28));
    world.set_active(&old, true);
    by_queue(&world, &policy(), &exposed_again(&old));
    assert!(!is_active(&world, &old));
    for _ in 0..30 {
        world.advance(hours(1));
        handle(&world, &policy(), &json!({}));
        assert!(world.view().users[&user].sessions_denied);
    }
}

/// R4: a daily run that can't take the denial off is followed by one that can.
#[test]
fn a_denial_that_could_not_be_taken_off_once_is_taken_off_later() {
    let (world, user, old) = alone(days(10));
    by_queue(&world, &policy(), &exposed(&[&old]));
    world.delete_key(&old);
    world.outage(
        "iam:DetachUserPolicy",
        ErrorKind::Throttled,
        world.now() + days(3) + hours(1),
    );
    run_daily(&world, &policy(), 3);
    assert!(world.view().users[&user].sessions_denied);
    run_daily(&world, &policy(), 2);
    let denied = &world.view().users[&user];
    assert!(!denied.sessions_denied);
    assert!(record(&world.view(), &user).unwrap().emergency.is_none());
}

/// R9: the owner of an exposed key gets another one, whoever the policy leaves alone.
#[test]
fn an_owed_key_comes_to_a_user_whom_the_policy_leaves_out_once_there_is_a_certificate() {
    let world = banto_fake::World::at(super::harness::start());
    let user = world.add_user("alice");
    let old = world.add_key(&user, days(10));
    let mut policy = policy();
    policy.rotation.exclude = vec![Selector::User(user.clone())];
    by_queue(&world, &policy, &exposed(&[&old]));
    run_daily(&world, &policy, 20);
    assert!(!world.view().users[&user].keys.contains_key(&old));
    register(&world, &user);
    run_daily(&world, &policy, 1);
    assert_eq!(working(&world, &user), [sealed(&world, &user)]);
}

/// R9: operators learn of roles though nobody could be told at the second look.
#[test]
fn roles_are_told_once_somebody_can_be_told() {
    let (world, _, old) = alone(days(10));
    world.assume_role(&old, ADMIN).unwrap();
    world.lag(Reader::LookupEvents, minutes(10));
    enqueue(&world, &[exposed(&[&old])]);
    let mut sqs = Sqs::default();
    sqs.deliver(&world, &policy(), None);
    world.outage("sns:", ErrorKind::Unavailable, world.now() + hours(2));
    sqs.settle(&world, &policy(), &[]);
    assert!(any_has(&operators_told(&world), ADMIN));
}

/// R4: an operator's emergency for a user whose key is gone already is no empty success.
#[test]
fn an_emergency_for_a_user_whose_key_is_gone_ends_the_sessions_and_brings_a_key() {
    let (world, user, _) = alone(days(100));
    handle(&world, &policy(), &json!({}));
    for key in world.view().users[&user].keys.keys() {
        world.delete_key(key);
    }
    world.advance(hours(1));
    by_queue(&world, &policy(), &asked(&user, "emergency"));
    assert!(world.view().users[&user].sessions_denied);
    assert_eq!(working(&world, &user), [sealed(&world, &user)]);
}

/// R4: a request that comes again for days does not begin a finished emergency anew.
#[test]
fn one_users_trouble_does_not_keep_anothers_emergency_open() {
    let (world, alice, _) = alone(days(10));
    let (bob, _) = super::harness::add_registered(&world, "bob", days(10));
    world.attach_policies(&bob, 10);
    let event = json!({ "users": [alice, bob], "mode": "emergency" });
    enqueue(&world, std::slice::from_ref(&event));
    let mut sqs = Sqs::default();
    for _ in 0..4 * 24 * 3 {
        sqs.deliver(&world, &policy(), None);
        world.advance(minutes(15));
    }
    assert!(!world.view().users[&alice].sessions_denied);
    let by_hand = world.add_key(&alice, days(0));
    world.advance(minutes(16));
    assert_eq!(sqs.deliver(&world, &policy(), None), Some(1));
    assert!(is_active(&world, &by_hand));
    assert_eq!(count(&world, "iam:CreateAccessKey"), 2);
}

/// R4: a key that a run disabled and did not get to record is led to its end.
#[test]
fn a_retired_key_is_deleted_in_the_end_though_its_run_was_cut_short() {
    let mut policy = policy();
    policy.rotation.timings.retire_unused_after = Some(days(30));
    let (world, user, old) = alone(days(84));
    let mut cut_short = 0;
    for _ in 0..30 {
        world.advance(days(1));
        // Records are away from right before the key is disabled.
        let run = world.run(None);
        run.interfere_at("iam:UpdateAccessKey", |world| {
            let until = world.now() + hours(1);
            world.outage(
                "secretsmanager:PutSecretValue",
                ErrorKind::Unavailable,
                until,
            );
        });
        drop(handle_on(&run, &world, &policy, &json!({})));
        cut_short += 1 - run.acts_to_come();
    }
    assert_eq!(cut_short, 1, "the key is disabled once");
    assert!(!world.view().users[&user].keys.contains_key(&old));
}

/// R9: sessions in roles are ended by whoever reaches every account, asked once an emergency.
#[test]
fn the_end_of_sessions_in_roles_is_handed_to_onboard_accounts_once_an_emergency() {
    let mut policy = policy();
    policy.rotation.revocations = Some(
        "https://sqs.eu-west-1.amazonaws.com/111122223333/banto-accounts"
            .parse()
            .unwrap(),
    );
    let (world, _, old) = alone(days(10));
    world.outage(
        "sqs:SendMessage",
        ErrorKind::Unavailable,
        world.now() + minutes(10),
    );
    let batch = crate::harness::batch(&[banto_fake::Queued::new(
        "1",
        exposed(&[&old]).to_string(),
        world.now(),
    )]);
    for _ in 0..4 {
        handle(&world, &policy, &batch);
        world.advance(minutes(16));
    }
    let sent = world.receive(10);
    assert_eq!(sent.len(), 1, "{sent:?}");
    let message: Value = serde_json::from_str(&sent[0].body).unwrap();
    assert_eq!(message["kind"], "revoke");
    assert_eq!(message["user"], "alice");
    assert_eq!(message["version"], 1);
    assert!(message["before"].is_string());
}
