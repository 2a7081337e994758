//! Records that were restored, tampered with, deleted, or written by somebody else: each costs its
//! own user at most, and a repair that the documentation names works.

use std::sync::Arc;

use banto_domain::UserName;
use banto_domain::record::Record;
use banto_fake::{Driven, World};
use banto_ports::ErrorKind;

use super::harness::{
    Delivered, add_registered, alone, any_has, by_queue, count, days, delivered, disabled,
    everyone, exposed, is_active, is_there, operators_told, policy, record, register, run_daily,
    sealed, start, subjects, working,
};
use crate::harness::{handle, handle_with};

/// The days until the old key is deleted; `None` if it is not within two months.
fn days_until_deleted(rotation: &Delivered) -> Option<usize> {
    (0..60).find(|_| {
        run_daily(&rotation.world, &policy(), 1);
        !is_there(&rotation.world, &rotation.user, &rotation.old)
    })
}

/// R4 and R9: an earlier version that was made current again, as OPERATIONS names it.
#[test]
fn after_an_earlier_version_was_restored_runs_go_on_and_an_exposed_key_ends() {
    for back in 1..=3 {
        let rotation = disabled();
        let (world, user) = (&rotation.world, &rotation.user);
        world.advance(days(1));
        world.restore_version(user, back);
        let mut conflicts = 0;
        for _ in 0..15 {
            world.advance(days(1));
            let (handled, _) = handle_with(world, &policy(), &everyone(), None);
            conflicts += usize::from(format!("{handled:?}").contains("ResourceExists"));
        }
        assert_eq!(conflicts, 0, "{back} versions back");
        assert!(
            days_until_deleted(&rotation).is_some(),
            "{back} versions back"
        );
        assert_eq!(working(world, user), std::slice::from_ref(&rotation.new));
        by_queue(world, &policy(), &exposed(&[&rotation.new]));
        assert!(!is_active(world, &rotation.new), "{back} versions back");
        assert_eq!(working(world, user), [sealed(world, user)]);
    }
}

/// A text that was saved before, written by hand under a token of the AWS CLI.
#[test]
fn after_a_saved_text_was_written_back_by_hand_runs_go_on() {
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    let saved = world.record(user).unwrap();
    world.use_key(&rotation.new);
    world.advance(days(2));
    handle(world, &policy(), &everyone());
    world.put_version(user, &saved, "00000000-0000-4000-8000-00000000abcd");
    assert!(days_until_deleted(&rotation).is_some());
    assert_eq!(working(world, user), [rotation.new]);
}

/// R4 and R9: whoever may write the secret can take the next tokens.
#[test]
fn tokens_that_somebody_else_took_hold_up_nobody_for_longer_than_a_lease() {
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    let honest = world.record(user).unwrap();
    let mut next = Record::from_text(&honest).unwrap();
    for _ in 0..5 {
        next = next.next("somebody");
        world.put_version(user, "taken", &next.write_token(0));
    }
    world.put_version(user, &honest, "00000000-0000-4000-8000-00000000abcd");
    world.use_key(&rotation.new);
    by_queue(world, &policy(), &exposed(&[&rotation.old]));
    assert!(!is_active(world, &rotation.old));
    let record = record(&world.view(), user).unwrap();
    assert!(record.exposed.contains(&rotation.old));
    run_daily(world, &policy(), 15);
    assert_eq!(working(world, user), [rotation.new]);
}

/// R10: numbers and dates that no run of Banto writes, and a text of any kind.
#[test]
fn wild_values_in_a_record_cost_its_own_user_only_and_are_told() {
    type Change = fn(&str) -> String;
    let changes: [(&str, Change); 9] = [
        ("no record", |_| "not a record".to_owned()),
        ("nothing", |_| String::new()),
        ("a sequence that can't be counted", |text| {
            replaced(text, "\"sequence\":", &u64::MAX.to_string())
        }),
        ("a negative sequence", |text| {
            replaced(text, "\"sequence\":", "-1")
        }),
        ("a date in the year 9999", |text| {
            replaced(text, "\"deliveredAt\":", "\"9999-12-30T22:00:00Z\"")
        }),
        ("a date before all keys", |text| {
            replaced(text, "\"intendedAt\":", "\"-009999-01-02T01:59:59Z\"")
        }),
        ("a date still to come", |text| {
            replaced(text, "\"deliveredAt\":", "\"2027-01-01T00:00:00Z\"")
        }),
        ("no date", |text| {
            replaced(text, "\"deliveredAt\":", "\"soon\"")
        }),
        ("another field", |text| {
            text.replacen('{', "{\"more\":1,", 1)
        }),
    ];
    for (what, change) in changes {
        let rotation = delivered();
        let world = &rotation.world;
        world.use_key(&rotation.new);
        let (bob, _) = add_registered(world, "bob", days(100));
        world.tamper(&rotation.user, change);
        let keys = world.view().users[&rotation.user].keys.clone();
        run_daily(world, &policy(), 2);
        assert_eq!(
            working(world, &bob).len(),
            2,
            "{what}: {:?}",
            subjects(world)
        );
        assert_eq!(world.view().users[&rotation.user].keys, keys, "{what}");
        let told = operators_told(world);
        assert!(any_has(&told, "the stored record can't be read"), "{what}");
        // And an exposed key of theirs ends all the same.
        let mut sqs = crate::harness::Sqs::default();
        crate::harness::enqueue(world, &[exposed(&[&rotation.new])]);
        sqs.deliver(world, &policy(), None);
        assert!(!is_active(world, &rotation.new), "{what}");
    }
}

/// The text with the value of the first field of this name replaced.
fn replaced(text: &str, field: &str, value: &str) -> String {
    let (before, rest) = text
        .split_once(field)
        .expect("the record has no such field");
    let end = rest.find([',', '}']).unwrap();
    format!("{before}{field}{value}{}", &rest[end..])
}

/// R2 and R10: a forged intent makes no orphan of a person's key.
#[test]
fn a_forged_intent_has_no_key_deleted() {
    let (world, user, _) = alone(days(100));
    handle(&world, &policy(), &everyone());
    let rotation = record(&world.view(), &user).unwrap().rotation.unwrap();
    let (bob, _) = add_registered(&world, "bob", days(100));
    world.advance(days(1));
    let fresh = world.add_key(&bob, days(0));
    let mut forged = Record::first(bob_id(&world, &bob)).next("somebody");
    let mut intent = rotation.intent;
    intent.intended_at = world.now();
    intent.existing_keys.clear();
    forged.intent = Some(intent);
    let account = "111122223333".parse().unwrap();
    world.put_record(&bob, &forged.to_text(&account, &bob));
    let keys = world.view().users[&bob].keys.clone();
    run_daily(&world, &policy(), 20);
    assert_eq!(world.view().users[&bob].keys, keys);
    assert!(is_active(&world, &fresh));
}

fn bob_id(world: &Arc<World>, bob: &UserName) -> banto_domain::UserId {
    let run = world.run(None);
    let user = banto_fake::drive(&run, banto_ports::AccessKeys::user(&*run, bob));
    match user {
        Driven::Done(Ok(user)) => user.id,
        other => panic!("{other:?}"),
    }
}

/// A secret that somebody scheduled for deletion is told, and taken up again once that is taken
/// back.
#[test]
fn a_secret_that_is_scheduled_for_deletion_is_told_and_taken_up_again() {
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    world.use_key(&rotation.new);
    world.schedule_deletion(user);
    let named = super::harness::asked(user, "due");
    world.advance(days(2));
    let (handled, _) = handle_with(world, &policy(), &named, None);
    assert!(super::harness::failure(&handled).contains("marked for deletion"));
    assert!(is_active(world, &rotation.old));
    world.restore_secret(user);
    assert!(days_until_deleted(&rotation).is_some());
}

/// A record that is gone: its keys are a person's then, and nothing of theirs is touched.
#[test]
fn without_its_record_nothing_of_a_rotation_is_retired_or_deleted() {
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    world.use_key(&rotation.new);
    world.schedule_deletion(user);
    world.advance(days(31));
    run_daily(world, &policy(), 30);
    assert!(is_active(world, &rotation.old) && is_active(world, &rotation.new));
    assert!(any_has(&operators_told(world), "has two active keys"));
}

/// A mark that names no user of its secret.
#[test]
fn a_mark_that_belongs_to_nothing_costs_a_look_and_is_told() {
    let world = World::at(start());
    let tags = [("banto:open".to_owned(), "true".to_owned())].into();
    world.add_secret("banto/access-keys/nobody", &tags);
    let (alice, _) = add_registered(&world, "alice", days(100));
    handle(&world, &policy(), &everyone());
    assert!(any_has(&operators_told(&world), "banto/access-keys/nobody"));
    assert_eq!(working(&world, &alice).len(), 2);
}

/// Not to know the open records holds up nobody whom the report shows, and is told.
#[test]
fn while_open_records_can_not_be_listed_those_who_are_due_are_served() {
    let (world, user, _) = alone(days(100));
    world.outage(
        "secretsmanager:ListSecrets",
        ErrorKind::Denied,
        world.now() + days(1),
    );
    handle(&world, &policy(), &everyone());
    assert_eq!(working(&world, &user).len(), 2);
    assert!(any_has(
        &operators_told(&world),
        "the open records: not looked at"
    ));
}

/// A mark that stayed behind costs a look, and never a rotation.
#[test]
fn a_stale_mark_is_taken_off_and_issues_nothing() {
    let rotation = disabled();
    let (world, user) = (&rotation.world, &rotation.user);
    run_daily(world, &policy(), 14);
    assert!(!world.view().users[user].record_is_open);
    let created = count(world, "iam:CreateAccessKey");
    world.tag_record(user, "banto:open", Some("true"));
    run_daily(world, &policy(), 1);
    assert!(!world.view().users[user].record_is_open);
    assert_eq!(count(world, "iam:CreateAccessKey"), created);
}

/// An open record is looked at by every scheduled run, and a closed one by none.
#[test]
fn a_record_is_marked_for_as_long_as_something_is_left_to_do() {
    let (world, user, _) = alone(days(100));
    register(&world, &user);
    let is_open = || world.view().users[&user].record_is_open;
    handle(&world, &policy(), &everyone());
    assert!(is_open());
    world.use_key(&sealed(&world, &user));
    run_daily(&world, &policy(), 8);
    assert!(is_open());
    run_daily(&world, &policy(), 6);
    assert!(!is_open(), "{:?}", record(&world.view(), &user));
}

/// R10: what others wrote into a record is told.
#[test]
fn a_record_that_can_not_be_read_stops_everything_but_is_told() {
    let world = World::at(start());
    let (user, _) = add_registered(&world, "alice", days(100));
    world.put_record(&user, "not a record");
    let keys = world.view().users[&user].keys.clone();
    handle(&world, &policy(), &everyone());
    assert_eq!(world.view().users[&user].keys, keys);
    assert!(
        subjects(&world)
            .iter()
            .any(|subject| subject.contains("1 to look at"))
    );
}

/// R10: a record of another version is left alone, and operators learn which version it has.
#[test]
fn a_record_of_another_version_is_left_alone_and_operators_learn_which() {
    let world = World::at(start());
    let (user, _) = add_registered(&world, "alice", days(100));
    handle(&world, &policy(), &everyone());
    let later = world.view().users[&user]
        .record
        .as_deref()
        .unwrap()
        .replace("\"version\":2", "\"version\":3");
    world.put_record(&user, &later);
    let keys = world.view().users[&user].keys.clone();
    world.advance(days(1));
    handle(&world, &policy(), &everyone());
    assert_eq!(world.view().users[&user].keys, keys);
    let written = world.everything_written().join(" ");
    assert!(written.contains("it has version 3, but"), "{written}");
}
