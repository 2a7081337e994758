//! People who do nothing: none is told once and then forgotten, and nobody loses a key who was not
//! reached.

use std::collections::BTreeMap;

use banto_domain::UserName;
use banto_domain::policy::Policy;
use banto_fake::{PolicyText, Sent, World};
use banto_ports::MemberState;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::harness::{
    Process, add_registered, another_holder, any_has, asked, days, everyone, has, is_active,
    is_there, operators_told, owners_told, policy, register, run_daily, start,
};
use crate::harness::handle;

const SLACK: &str = r#"[notices.slack]
operators = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/operators"
owners = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/owners"
token = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/token""#;

/// Alice's id in Slack.
const ALICE: &str = "U024BE7LH";

fn with_bot() -> Policy {
    PolicyText::least().and(SLACK).parse()
}

/// Slack reaches this user from now on.
fn be_reached(world: &World, user: &UserName) {
    world.set_member(ALICE, MemberState::Active);
    world.tag(user, "banto:slack", ALICE);
}

/// The longest time for which nobody is told anything of a user whose key should have ended: a
/// week, and a day between two runs.
const LONGEST_SILENCE: SignedDuration = SignedDuration::from_hours(8 * 24);

/// Makes one kind of person who does nothing, with a key of that age.
type Idle = fn(&World, &str, SignedDuration) -> UserName;

/// The kinds of people who do nothing.
const IDLE: [(&str, Idle); 7] = [
    ("registers-nothing", registers_nothing),
    ("never-fetches", never_fetches),
    ("expired", expired),
    ("has-two-keys", has_two_keys),
    ("has-no-room", has_no_room),
    ("pins-nonsense", pins_nonsense),
    ("swapped", swapped),
];

fn registers_nothing(world: &World, name: &str, age: SignedDuration) -> UserName {
    let user = world.add_user(name);
    world.add_key(&user, age);
    user
}

fn never_fetches(world: &World, name: &str, age: SignedDuration) -> UserName {
    add_registered(world, name, age).0
}

/// The certificate expires soon.
fn expired(world: &World, name: &str, age: SignedDuration) -> UserName {
    let user = registers_nothing(world, name, age);
    let until = "2026-06-20T00:00:00Z".parse().unwrap();
    let holder = another_holder().extend(until).unwrap();
    world.tag(&user, "banto:openpgp", holder.fingerprint().as_str());
    let certificate = holder.certificate().unwrap();
    world.put_certificate_before(&user, certificate.as_bytes(), days(100));
    user
}

fn has_two_keys(world: &World, name: &str, age: SignedDuration) -> UserName {
    let user = never_fetches(world, name, age);
    world.add_key(&user, days(1));
    user
}

/// A key that Banto did not disable takes the second place.
fn has_no_room(world: &World, name: &str, age: SignedDuration) -> UserName {
    let user = never_fetches(world, name, age);
    let other = world.add_key(&user, days(1));
    world.set_active(&other, false);
    user
}

fn pins_nonsense(world: &World, name: &str, age: SignedDuration) -> UserName {
    let user = never_fetches(world, name, age);
    world.tag(&user, "banto:openpgp", "not a fingerprint");
    user
}

/// The stored certificate is not the pinned one.
fn swapped(world: &World, name: &str, age: SignedDuration) -> UserName {
    let user = never_fetches(world, name, age);
    let certificate = another_holder().certificate().unwrap();
    world.put_certificate(&user, certificate.as_bytes());
    user
}

/// The users of whom something was told in these notices, each of which names its user.
fn named(sent: &[Sent], users: &[UserName]) -> Vec<UserName> {
    let texts: Vec<String> = sent.iter().map(|sent| format!("{sent:?}")).collect();
    let mut named = users.to_vec();
    named.retain(|user| texts.iter().any(|text| text.contains(user.as_str())));
    named
}

/// True if one of the user's active keys is older than a key may become.
fn is_overdue(world: &World, user: &UserName) -> bool {
    let view = world.view();
    let mut keys = view.users[user].keys.values();
    keys.any(|key| key.active && view.now.duration_since(key.created_at) >= days(90))
}

/// Lets 400 days pass. Returns the first silence that was too long.
fn first_silence(policy: &Policy, ages: &[i64], reached: bool) -> Option<String> {
    let world = World::at(start());
    let mut users = Vec::new();
    for ((name, idle), age) in IDLE.iter().zip(ages) {
        users.push(idle(&world, name, days(*age)));
    }
    if reached {
        users.iter().for_each(|user| be_reached(&world, user));
    }
    let process = Process::start(&world, policy);
    let begins: BTreeMap<UserName, Timestamp> = users
        .iter()
        .map(|user| (user.clone(), world.now()))
        .collect();
    let mut told_at = begins;
    for day in 0..400 {
        let before = world.view().sent.len();
        handle(&world, &process, &everyone());
        let sent = &world.view().sent[before..];
        for user in named(sent, &users) {
            told_at.insert(user, world.now());
        }
        for user in &users {
            if !is_overdue(&world, user) {
                told_at.insert(user.clone(), world.now());
            } else if world.now().duration_since(told_at[user]) > LONGEST_SILENCE {
                return Some(format!("{user}: day {day}"));
            }
        }
        world.advance(days(1));
    }
    None
}

fn ages() -> impl Strategy<Value = Vec<i64>> {
    proptest::collection::vec(2i64..300, IDLE.len())
}

proptest! {
    // Each case is four hundred runs.
    #![proptest_config(ProptestConfig { cases: 3, max_shrink_iters: 0, ..ProptestConfig::default() })]

    /// As long as a key works that should have ended, its owner or operators hear of it once a
    /// week.
    #[test]
    fn in_400_days_in_which_people_do_nothing_nobody_is_told_once_and_then_forgotten(ages in ages()) {
        prop_assert_eq!(first_silence(&policy(), &ages, false), None);
    }

    #[test]
    fn in_400_days_in_which_people_who_were_reached_do_nothing_nobody_is_forgotten(ages in ages()) {
        prop_assert_eq!(first_silence(&with_bot(), &ages, true), None);
    }
}

/// A key that is the only one and that nobody fetches is not forgotten either.
#[test]
fn a_first_key_that_nobody_fetches_is_told_of_week_by_week_with_its_envelope() {
    let world = World::at(start());
    let user = world.add_user("alice");
    register(&world, &user);
    handle(&world, &policy(), &asked(&user, "force"));
    run_daily(&world, &policy(), 30);
    let told = owners_told(&world);
    let told: Vec<_> = told
        .iter()
        .filter(|text| has(text, "still waits for you"))
        .collect();
    assert_eq!(told.len(), 4);
    assert!(told.iter().all(|text| text.contains("BEGIN PGP MESSAGE")));
    let line = "no other key of theirs works";
    assert!(any_has(&operators_told(&world), line));
}

/// With evidence that the owner was reached, a forced rotation ends by itself; without, never.
#[test]
fn a_rotation_ends_after_30_days_if_its_owner_was_reached_and_else_operators_are_asked_for_help() {
    for is_reached in [true, false] {
        let world = World::at(start());
        let (user, old) = add_registered(&world, "alice", days(100));
        if is_reached {
            be_reached(&world, &user);
        }
        let policy = with_bot();
        handle(&world, &policy, &everyone());
        run_daily(&world, &policy, 29);
        assert!(is_active(&world, &old));
        run_daily(&world, &policy, 40);
        assert_eq!(is_active(&world, &old), !is_reached);
        let sent = world.view().sent;
        let asks = sent.iter().any(|sent| {
            let text = format!("{sent:?}");
            text.contains("nothing shows that they were reached")
        });
        assert_eq!(asks, !is_reached);
    }
}

/// Those who register nothing lose the key, if the policy says so and they were reached.
#[test]
fn a_key_whose_owner_registers_nothing_ends_by_policy_once_its_owner_was_reached() {
    for is_reached in [true, false] {
        let world = World::at(start());
        let user = world.add_user("alice");
        let old = world.add_key(&user, days(88));
        if is_reached {
            be_reached(&world, &user);
        }
        let lines = "disable_unregistered_after_days = 60";
        let policy = PolicyText::least()
            .with_lines("rotation", lines)
            .and(SLACK)
            .parse();
        run_daily(&world, &policy, 60);
        assert!(is_active(&world, &old));
        run_daily(&world, &policy, 5);
        assert_eq!(is_active(&world, &old), !is_reached);
        run_daily(&world, &policy, 12);
        assert_eq!(is_there(&world, &user, &old), !is_reached);
    }
}
