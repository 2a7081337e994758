//! What AWS shows late, or what changes between a look and a deed: neither is believed for longer
//! than it must be.

use std::sync::Arc;

use banto_domain::AccessKeyId;
use banto_fake::{Reader, World};
use jiff::SignedDuration;

use super::harness::{
    Delivered, add_registered, alone, any_has, asked, by_queue, count, days, delivered, disabled,
    everyone, exposed, hours, is_active, is_there, minutes, operators_told, policy, record,
    run_daily, sealed, start, subjects, working,
};
use crate::harness::{handle, handle_on, handle_with};

/// R7: a list that does not show the new key yet.
#[test]
fn a_new_key_that_does_not_show_yet_is_not_taken_for_gone() {
    let (world, user, old) = alone(days(100));
    world.lag(Reader::ListAccessKeys, SignedDuration::from_secs(30));
    handle(&world, &policy(), &everyone());
    let new = sealed(&world, &user);
    for _ in 0..4 {
        world.advance(SignedDuration::from_secs(5));
        handle(&world, &policy(), &everyone());
        // Who asks by name learns that it is waited for.
        drop(handle_with(&world, &policy(), &asked(&user, "due"), None));
    }
    assert_eq!(count(&world, "iam:CreateAccessKey"), 1);
    world.use_key(&new);
    run_daily(&world, &policy(), 20);
    assert_eq!(working(&world, &user), [new]);
    assert!(!is_there(&world, &user, &old));
}

/// R7: a list that still shows the old key active.
#[test]
fn a_disabled_key_that_still_shows_active_is_not_taken_for_restored() {
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    world.use_key(&rotation.new);
    world.advance(days(2));
    world.lag(Reader::ListAccessKeys, minutes(10));
    handle(world, &policy(), &everyone());
    assert!(!is_active(world, &rotation.old));
    for _ in 0..5 {
        world.advance(minutes(2));
        handle(world, &policy(), &everyone());
    }
    let record = record(&world.view(), user).unwrap();
    assert!(record.restored.is_empty() && record.disabled.contains_key(&rotation.old));
    run_daily(world, &policy(), 12);
    assert!(
        !is_there(world, user, &rotation.old),
        "{:?}",
        subjects(world)
    );
}

/// R7: the use of a key shows hours late, and counts as if it might have been.
#[test]
fn an_old_key_that_may_have_been_used_since_is_not_disabled() {
    let rotation = delivered();
    let world = &rotation.world;
    world.lag(Reader::GetAccessKeyLastUsed, hours(4));
    world.use_key(&rotation.new);
    world.advance(hours(23));
    world.use_key(&rotation.old);
    for pause in [2, 4, 12] {
        world.advance(hours(pause));
        handle(world, &policy(), &everyone());
        assert!(is_active(world, &rotation.old), "{pause}");
    }
    run_daily(world, &policy(), 2);
    assert!(!is_active(world, &rotation.old));
}

/// R7 and R9: a list that still shows an exposed key active.
#[test]
fn an_exposed_key_that_still_shows_active_is_disabled_again_and_told_once() {
    let (world, user, old) = alone(days(10));
    world.lag(Reader::ListAccessKeys, minutes(14));
    by_queue(&world, &policy(), &exposed(&[&old]));
    run_daily(&world, &policy(), 3);
    assert_eq!(working(&world, &user), [sealed(&world, &user)]);
    assert_eq!(count(&world, "iam:CreateAccessKey"), 1);
    let subjects = subjects(&world);
    let about = subjects.iter().filter(|one| one.contains("was exposed"));
    assert_eq!(about.count(), 1, "{subjects:?}");
}

/// Straight before the run that disables the old key.
fn to_be_disabled() -> Delivered {
    let rotation = delivered();
    rotation.world.use_key(&rotation.new);
    rotation.world.advance(days(2));
    rotation
}

/// The number of the call of that run which disables the old key.
fn number_of_the_deed() -> usize {
    let rotation = to_be_disabled();
    let before = rotation.world.call_count();
    handle(&rotation.world, &policy(), &everyone());
    let calls = rotation.world.calls().split_off(before);
    let deed = calls
        .iter()
        .position(|call| call.name == "iam:UpdateAccessKey");
    deed.unwrap() + 1
}

/// R1: right before and right after, it is looked at what the disabling rests on.
#[test]
fn an_owner_who_ends_the_new_key_between_look_and_deed_keeps_the_old_one() {
    let acts: [fn(&World, &AccessKeyId); 2] =
        [|world, new| world.set_active(new, false), World::delete_key];
    let deed = number_of_the_deed();
    for act in acts {
        for call in 1..=deed + 1 {
            let rotation = to_be_disabled();
            let run = rotation.world.run(None);
            let new = rotation.new.clone();
            run.interfere(call, move |world| act(world, &new));
            drop(handle_on(&run, &rotation.world, &policy(), &everyone()));
            assert_eq!(run.acts_to_come(), 0, "{call}");
            assert!(
                is_active(&rotation.world, &rotation.old),
                "before call {call}"
            );
            // What is seen before the deed stops it; what comes later has it undone.
            let deeds = count(&rotation.world, "iam:UpdateAccessKey");
            assert_eq!(deeds == 0, call < deed, "before call {call}");
            // And no later run takes it away.
            run_daily(&rotation.world, &policy(), 3);
            assert!(
                is_active(&rotation.world, &rotation.old),
                "before call {call}"
            );
        }
    }
}

/// R2: a person who restores a key at the last moment has it back.
#[test]
fn a_key_that_is_restored_between_look_and_deletion_is_kept() {
    let rotation = disabled();
    let world = &rotation.world;
    run_daily(world, &policy(), 9);
    world.advance(days(1));
    let run = world.run(None);
    let old = rotation.old.clone();
    run.interfere_at("sns:Publish", move |world| world.set_active(&old, true));
    drop(handle_on(&run, world, &policy(), &everyone()));
    assert_eq!(run.acts_to_come(), 0);
    assert!(is_active(world, &rotation.old));
    run_daily(world, &policy(), 20);
    assert!(is_active(world, &rotation.old));
    assert!(any_has(&operators_told(world), "which Banto had disabled"));
}

/// AWS takes requests of a clock that is a few minutes off.
#[test]
fn a_clock_that_is_minutes_off_changes_nothing() {
    for skew in [minutes(-4), minutes(4)] {
        let world: Arc<World> = World::at(start());
        world.jump(skew);
        let (user, old) = add_registered(&world, "alice", days(100));
        world.lag(Reader::ListAccessKeys, SignedDuration::from_secs(30));
        handle(&world, &policy(), &everyone());
        let new = sealed(&world, &user);
        world.jump(-skew - skew);
        world.advance(SignedDuration::from_secs(10));
        handle(&world, &policy(), &everyone());
        world.use_key(&new);
        run_daily(&world, &policy(), 20);
        assert_eq!(working(&world, &user), [new], "{skew:#}");
        assert!(!is_there(&world, &user, &old), "{skew:#}");
    }
}

/// R5 and R7: what the report shows late is not taken for absent.
#[test]
fn a_report_that_is_hours_old_issues_no_second_key() {
    let world = World::at(start());
    let (user, _) = add_registered(&world, "alice", days(100));
    handle(&world, &policy(), &everyone());
    // The report still shows one old key.
    world.advance(SignedDuration::from_hours(3));
    handle(&world, &policy(), &everyone());
    assert_eq!(count(&world, "iam:CreateAccessKey"), 1);
    assert_eq!(world.view().users[&user].keys.len(), 2);
}
