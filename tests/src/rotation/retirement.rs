//! The end of old keys: none is disabled that somebody still uses, none unannounced, and none that
//! a person made or restored is touched.

use banto_domain::AccessKeyId;
use banto_domain::policy::Policy;
use banto_fake::{PolicyText, World};
use banto_ports::ErrorKind;

use super::harness::{
    Delivered, HOLDER, add_registered, another_holder, any_has, days, delivered, everyone, has,
    hours, is_active, is_there, operators_told, owners_told, policy, record, run_daily, start,
    subjects, told, working,
};
use crate::harness::handle;

/// A policy without a deadline, and with these lines.
fn patient(lines: &str) -> Policy {
    let lines = format!("deadline_days = \"never\"\n{lines}");
    PolicyText::least().with_lines("rotation", &lines).parse()
}

/// R1: the first use of the new key does not end the old one that a machine still uses.
#[test]
fn an_old_key_that_is_still_used_is_not_disabled_and_people_learn_where_it_is_used() {
    let rotation = delivered();
    let world = &rotation.world;
    let policy = patient("");
    for _ in 0..20 {
        world.use_key(&rotation.new);
        world.use_key(&rotation.old);
        run_daily(world, &policy, 1);
    }
    assert!(is_active(world, &rotation.old));
    let told = operators_told(world);
    let about: Vec<_> = told
        .iter()
        .filter(|text| has(text, "still uses the old one"))
        .collect();
    assert_eq!(about.len(), 1, "{told:?}");
    assert!(
        about[0].contains("s3") && about[0].contains("eu-west-1"),
        "{about:?}"
    );
    // Once it rests, it goes.
    world.use_key(&rotation.new);
    run_daily(world, &policy, 3);
    assert!(!is_active(world, &rotation.old));
    let notice = owners_told(world);
    let notice = notice
        .iter()
        .find(|text| text.contains("stops working now"));
    let notice = notice.expect("the owner was not told");
    assert!(
        notice.contains("s3") && notice.contains("eu-west-1"),
        "{notice}"
    );
}

/// The days after the first use of the new key until the old one is disabled.
fn days_of_rest(rotation: &Delivered, policy: &Policy) -> usize {
    rotation.world.use_key(&rotation.new);
    for day in 1..30 {
        run_daily(&rotation.world, policy, 1);
        if !is_active(&rotation.world, &rotation.old) {
            return day;
        }
    }
    panic!("the old key is never disabled")
}

#[test]
fn the_old_key_of_a_person_rests_a_day_and_that_of_a_machine_a_week() {
    let person = delivered();
    assert_eq!(days_of_rest(&person, &patient("")), 2);
    let machine = delivered();
    machine.world.tag(&machine.user, "kind", "machine");
    let policy = PolicyText::least()
        .and("[rotation.machines]\nwho = [{ tag = { key = \"kind\", value = \"machine\" } }]")
        .parse();
    assert_eq!(days_of_rest(&machine, &policy), 8);
}

/// A machine needs no key at all, and its findings say so.
#[test]
fn findings_about_machines_recommend_ways_without_keys() {
    let policy = PolicyText::least()
        .and("[rotation.machines]\nwho = [{ tag = { key = \"kind\", value = \"machine\" } }]")
        .parse();
    for is_machine in [true, false] {
        let world = World::at(start());
        let user = world.add_user("exporter");
        world.add_key(&user, days(100));
        if is_machine {
            world.tag(&user, "kind", "machine");
        }
        handle(&world, &policy, &everyone());
        let told = operators_told(&world);
        assert_eq!(any_has(&told, "Roles Anywhere"), is_machine, "{told:?}");
    }
}

/// A key that nobody uses is retired: a new one would be one too many.
#[test]
fn a_key_that_nobody_uses_is_retired_by_policy_and_can_be_restored() {
    let policy = patient("retire_unused_after_days = 60");
    let world = World::at(start());
    let (user, old) = add_registered(&world, "alice", days(83));
    let (bob, used) = add_registered(&world, "bob", days(83));
    world.use_key(&used);
    handle(&world, &policy, &everyone());
    assert!(any_has(&owners_told(&world), old.as_str()));
    run_daily(&world, &policy, 6);
    assert!(is_active(&world, &old), "its owner is told before");
    assert_eq!(reminders(&world, &old), 3);
    run_daily(&world, &policy, 1);
    assert!(!is_active(&world, &old) && is_there(&world, &user, &old));
    assert_eq!(working(&world, &bob).len(), 2, "a key in use is rotated");
    assert_eq!(working(&world, &user), []);
    run_daily(&world, &policy, 12);
    assert!(!is_there(&world, &user, &old));
}

/// R7: a key that somebody begins to use after the reminder stays.
#[test]
fn a_key_that_is_used_after_the_reminder_is_rotated_and_not_retired() {
    let policy = patient("retire_unused_after_days = 60");
    let world = World::at(start());
    let (user, old) = add_registered(&world, "alice", days(91));
    handle(&world, &policy, &everyone());
    world.use_key(&old);
    run_daily(&world, &policy, 4);
    assert!(is_active(&world, &old));
    assert_eq!(working(&world, &user).len(), 2);
}

/// R1: without a deadline an unproven key ends nothing, and operators learn of it.
#[test]
fn without_a_deadline_an_unused_new_key_ends_nothing_and_is_told() {
    let rotation = delivered();
    let world = &rotation.world;
    run_daily(world, &patient(""), 60);
    assert!(is_active(world, &rotation.old));
    assert!(any_has(&operators_told(world), "has not used the new key"));
}

/// R1: a key that its owner acknowledged by a signature counts as used.
#[test]
fn an_acknowledged_key_ends_the_old_one_once_it_rested() {
    let rotation = delivered();
    let world = &rotation.world;
    let signed = HOLDER.acknowledge(&rotation.new).unwrap();
    world.put_acknowledgement(&rotation.user, signed.as_bytes());
    world.tag(&rotation.user, "banto:acknowledged", rotation.new.as_str());
    run_daily(world, &policy(), 3);
    assert!(!is_active(world, &rotation.old));
}

/// R1: whoever holds the old key may set the tag, and store a text of anybody's.
#[test]
fn a_tag_alone_or_somebody_elses_signature_acknowledges_nothing() {
    let mallory = another_holder();
    let of_another_key = HOLDER.acknowledge(&"AKIAOTHER00000000000".parse().unwrap());
    for signed in [
        None,
        Some("not signed".to_owned()),
        Some(of_another_key.unwrap()),
    ] {
        assert_acknowledges_nothing(|rotation| {
            if let Some(signed) = &signed {
                rotation
                    .world
                    .put_acknowledgement(&rotation.user, signed.as_bytes());
            }
        });
    }
    assert_acknowledges_nothing(|rotation| {
        let signed = mallory.acknowledge(&rotation.new).unwrap();
        rotation
            .world
            .put_acknowledgement(&rotation.user, signed.as_bytes());
    });
}

fn assert_acknowledges_nothing(act: impl Fn(&Delivered)) {
    let rotation = delivered();
    let world = &rotation.world;
    act(&rotation);
    world.tag(&rotation.user, "banto:acknowledged", rotation.new.as_str());
    run_daily(world, &patient(""), 30);
    assert!(is_active(world, &rotation.old));
    let record = record(&world.view(), &rotation.user).unwrap();
    assert_eq!(record.rotation.unwrap().proven_at, None);
}

/// The reminders so far that a key ends.
fn reminders(world: &World, key: &AccessKeyId) -> usize {
    let subject = format!("{key} stops working on");
    let subjects = subjects(world);
    subjects
        .iter()
        .filter(|told| told.contains(&subject))
        .count()
}

/// R1: the owner's own inactive old key waits for nobody, and nothing else is touched.
#[test]
fn an_old_key_that_its_owner_switched_off_comes_to_its_end_too() {
    let rotation = delivered();
    let world = &rotation.world;
    world.use_key(&rotation.new);
    world.set_active(&rotation.old, false);
    run_daily(world, &policy(), 20);
    assert_eq!(
        working(world, &rotation.user),
        std::slice::from_ref(&rotation.new)
    );
    assert!(
        !is_there(world, &rotation.user, &rotation.old),
        "{:?}",
        subjects(world)
    );
}

/// A new key that is switched off is a finding, and keeps the old one.
#[test]
fn a_new_key_that_is_switched_off_keeps_the_old_one() {
    let rotation = delivered();
    let world = &rotation.world;
    world.use_key(&rotation.new);
    world.set_active(&rotation.new, false);
    run_daily(world, &policy(), 30);
    assert!(is_active(world, &rotation.old));
    assert!(any_has(
        &operators_told(world),
        "switched off before the old one was retired"
    ));
}

/// The deadline is reminded of before it comes.
#[test]
fn a_deadline_is_reminded_of_and_then_kept() {
    let rotation = delivered();
    let world = &rotation.world;
    world.use_key(&rotation.new);
    for day in 1..=13 {
        world.use_key(&rotation.old);
        run_daily(world, &policy(), 1);
        assert!(is_active(world, &rotation.old), "day {day}");
    }
    assert_eq!(reminders(world, &rotation.old), 3, "{:?}", told(world));
    world.advance(hours(1));
    world.use_key(&rotation.old);
    run_daily(world, &policy(), 2);
    assert!(!is_active(world, &rotation.old), "{:?}", told(world));
}

/// R2: a key that a person made is never deleted.
#[test]
fn keys_that_a_person_made_are_found_then_listed_week_by_week_and_never_touched() {
    let world = World::at(start());
    let (user, _) = add_registered(&world, "alice", days(200));
    world.add_key(&user, days(150));
    let keys = world.view().users[&user].keys.clone();
    for _ in 0..20 {
        handle(&world, &policy(), &everyone());
        world.advance(days(1));
    }
    assert_eq!(world.view().users[&user].keys, keys);
    assert_eq!(subjects(&world).len(), 3, "{:?}", subjects(&world));
}

#[test]
fn a_key_that_a_person_restores_is_left_alone_from_then_on() {
    let world = World::at(start());
    let (user, old) = add_registered(&world, "alice", days(100));
    handle(&world, &policy(), &everyone());
    world.use_key(&record(&world.view(), &user).unwrap().envelope.unwrap().key);
    world.advance(days(2));
    handle(&world, &policy(), &everyone());
    assert!(!world.view().users[&user].keys[&old].active);
    world.set_active(&old, true);
    for _ in 0..30 {
        world.advance(days(1));
        handle(&world, &policy(), &everyone());
    }
    assert!(world.view().users[&user].keys[&old].active);
}

/// R1: nobody loses a key unnotified.
#[test]
fn no_key_is_disabled_unless_its_owners_notice_was_accepted() {
    let world = World::at(start());
    let (user, old) = add_registered(&world, "alice", days(100));
    handle(&world, &policy(), &everyone());
    world.use_key(&record(&world.view(), &user).unwrap().envelope.unwrap().key);
    world.fail_topics(Some(ErrorKind::Unavailable));
    for _ in 0..40 {
        world.advance(days(1));
        handle(&world, &policy(), &everyone());
    }
    assert!(world.view().users[&user].keys[&old].active);
    world.fail_topics(None);
    handle(&world, &policy(), &everyone());
    assert!(!world.view().users[&user].keys[&old].active);
}

/// R4: a key that was used, and that a person deactivated before the function did, ends as others
/// do, and nobody hears of it day by day.
#[test]
fn an_old_key_that_its_owner_used_and_deactivated_is_deleted_in_the_end() {
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    world.use_key(&rotation.old);
    world.set_active(&rotation.old, false);
    world.use_key(&rotation.new);
    run_daily(world, &policy(), 20);
    assert!(!is_there(world, user, &rotation.old));
    assert_eq!(working(world, user), std::slice::from_ref(&rotation.new));
    let told = owners_told(world);
    let about = told.iter().filter(|text| has(text, "was disabled")).count();
    assert!(about <= 1, "{told:?}");
}
