//! Keys whose age the credential report does not tell: nobody's is unknown for longer than a month.

use std::sync::Arc;

use banto_domain::AccessKeyId;
use banto_fake::{Driven, World};

use super::harness::{
    add_registered, any_has, asked, count, days, everyone, policy, start, subjects,
};
use crate::harness::{handle, handle_with};

/// The metrics of a scheduled run, in one text.
fn metrics(world: &Arc<World>) -> String {
    match handle_with(world, &policy(), &everyone(), None).0 {
        Driven::Done(Ok(answer)) => format!("{:?}", answer.metrics),
        other => panic!("{other:?}"),
    }
}

fn toggle(world: &World, key: &AccessKeyId) {
    world.set_active(key, false);
    world.set_active(key, true);
}

/// R7: a key that is toggled off and on looks young in the report.
#[test]
fn a_key_that_is_toggled_again_and_again_is_found_within_thirty_days() {
    for name in ["alice", "bob", "carol"] {
        let world = World::at(start());
        let (_, key) = add_registered(&world, name, days(400));
        toggle(&world, &key);
        let mut found_after = None;
        for day in 0..40 {
            if day % 10 == 0 {
                toggle(&world, &key);
            }
            handle(&world, &policy(), &everyone());
            if count(&world, "iam:CreateAccessKey") > 0 {
                found_after = Some(day);
                break;
            }
            world.advance(days(1));
        }
        let found_after = found_after.expect("the key is never found");
        assert!(found_after <= 30, "{name}: {found_after}");
        let is_told = any_has(&subjects(&world), "is ready to fetch");
        assert!(is_told, "{:?}", subjects(&world));
    }
}

/// The alarm on the oldest key's age is raised for one that can't be rotated either.
#[test]
fn the_age_of_a_toggled_key_is_known_within_thirty_days() {
    let world = World::at(start());
    let user = world.add_user("alice");
    let key = world.add_key(&user, days(400));
    toggle(&world, &key);
    let age = days(400).as_secs();
    let mut knows = Vec::new();
    for _ in 0..30 {
        let metrics = metrics(&world);
        let seconds = metrics.split("OldestKeyAge").nth(1).unwrap();
        let digits: String = seconds
            .chars()
            .skip_while(|c| !c.is_ascii_digit())
            .take_while(char::is_ascii_digit)
            .collect();
        knows.push(digits.parse::<i64>().unwrap() >= age);
        world.advance(days(1));
        toggle(&world, &key);
    }
    assert!(knows.contains(&true), "{knows:?}");
}

/// R7: nothing is done on the report's word alone.
#[test]
fn a_re_activated_old_key_looks_young_in_the_report_and_a_live_look_sees_its_age() {
    let world = World::at(start());
    let (user, old) = add_registered(&world, "alice", days(400));
    world.set_active(&old, false);
    world.set_active(&old, true);
    handle(&world, &policy(), &asked(&user, "due"));
    assert_eq!(count(&world, "iam:CreateAccessKey"), 1);
}
