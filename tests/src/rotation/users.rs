//! Users who are renamed, moved, deleted or made again, whose names differ in case only, or whom
//! the policy leaves out: a user is who has the unique id.

use banto_domain::UserName;
use banto_domain::policy::{Policy, Selector};
use banto_domain::record::Record;
use banto_fake::World;
use banto_ports::ErrorKind;

use super::harness::{
    Signed, add_registered, any_has, asked, by_queue, count, days, delivered, disabled, everyone,
    exposed, has, is_active, is_there, operators_told, policy, record, register, run_daily, sealed,
    start, working,
};
use crate::harness::handle;

/// R4: the record follows a rename, and the rotation comes to its end.
#[test]
fn a_rotation_follows_a_user_who_is_renamed_in_the_middle_of_it() {
    for name in ["alicia", "ALICE"] {
        let rotation = delivered();
        let world = &rotation.world;
        let user = world.rename_user(&rotation.user, name);
        register(world, &user);
        world.use_key(&rotation.new);
        run_daily(world, &policy(), 16);
        assert_eq!(
            working(world, &user),
            std::slice::from_ref(&rotation.new),
            "{name}"
        );
        assert!(!is_there(world, &user, &rotation.old), "{name}");
        let record = record(&world.view(), &user).unwrap();
        assert_eq!(record.rotation.unwrap().issued.key, rotation.new, "{name}");
        assert!(!world.view().users[&user].record_is_open, "{name}");
        assert!(!world.record_tags(&rotation.user).contains_key("banto:open"));
        assert_eq!(count(world, "iam:CreateAccessKey"), 1, "{name}");
    }
}

/// R4: two renames before anybody looks.
#[test]
fn a_rotation_follows_a_user_who_is_renamed_twice_and_back() {
    for last in ["alina", "alice"] {
        let rotation = delivered();
        let world = &rotation.world;
        let once = world.rename_user(&rotation.user, "alicia");
        run_daily(world, &policy(), 1);
        let user = world.rename_user(&once, last);
        register(world, &user);
        world.use_key(&rotation.new);
        run_daily(world, &policy(), 20);
        assert_eq!(
            working(world, &user),
            std::slice::from_ref(&rotation.new),
            "{last}"
        );
        assert_eq!(count(world, "iam:CreateAccessKey"), 1, "{last}");
    }
}

/// A name that another user had before.
#[test]
fn a_renamed_user_does_not_inherit_what_a_former_user_of_the_name_left() {
    let rotation = delivered();
    let world = &rotation.world;
    let (bob, _) = add_registered(world, "bob", days(100));
    run_daily(world, &policy(), 1);
    let former = record(&world.view(), &bob).unwrap();
    world.remove_user(&bob);
    let user = world.rename_user(&rotation.user, "bob");
    register(world, &user);
    world.use_key(&rotation.new);
    run_daily(world, &policy(), 16);
    let record = record(&world.view(), &user).unwrap();
    assert_ne!(record.user_id, former.user_id);
    assert_eq!(record.rotation.unwrap().issued.key, rotation.new);
    assert_eq!(working(world, &user), std::slice::from_ref(&rotation.new));
}

/// The owner can read the record under the present ARN after the next run.
#[test]
fn a_user_who_is_moved_can_read_the_record_after_the_next_run() {
    let rotation = delivered();
    let (world, user) = (&rotation.world, &rotation.user);
    world.move_user(user, "/developers/");
    run_daily(world, &policy(), 1);
    let view = world.view();
    let reader = view.users[user].record_reader.as_ref().unwrap();
    let expected = "arn:aws:iam::111122223333:user/developers/alice";
    assert_eq!(reader.as_str(), expected);
    run_daily(world, &policy(), 1);
    assert_eq!(count(world, "secretsmanager:PutResourcePolicy"), 2);
}

/// A user who is gone in the middle of a rotation ends with a finding, once.
#[test]
fn a_user_who_is_gone_in_the_middle_of_a_rotation_is_told_once() {
    let rotation = delivered();
    let world = &rotation.world;
    world.remove_user(&rotation.user);
    run_daily(world, &policy(), 5);
    let told = operators_told(world);
    let about = told.iter().filter(|text| has(text, "alice is gone"));
    assert_eq!(about.count(), 1, "{told:?}");
    assert!(!world.record_tags(&rotation.user).contains_key("banto:open"));
}

/// R4: a record that is not believed tells nothing of its user, who is found once it is mended.
#[test]
fn a_renamed_user_whose_record_is_not_believed_is_not_taken_for_gone() {
    let spoils: [fn(&World, &UserName); 3] = [
        |world, name| world.strip_signature(name),
        |world, name| world.tamper(name, |_| "not a record".to_owned()),
        |world, _| world.deny_records(true),
    ];
    for (number, spoil) in spoils.into_iter().enumerate() {
        let _signed = Signed::from_now(true);
        let rotation = delivered();
        let (world, name) = (&rotation.world, &rotation.user);
        let good = world.record(name).unwrap();
        let user = world.rename_user(name, "alicia");
        register(world, &user);
        spoil(world, name);
        run_daily(world, &policy(), 3);
        let told = operators_told(world);
        assert!(!any_has(&told, "alice is gone"), "{number}: {told:?}");
        assert!(any_has(&told, "alice: not looked at"), "{number}: {told:?}");
        let tags = world.record_tags(name);
        assert!(tags.contains_key("banto:open"), "{number}");
        world.deny_records(false);
        world.tamper(name, |_| good);
        world.use_key(&rotation.new);
        run_daily(world, &policy(), 20);
        let keys = working(world, &user);
        assert_eq!(keys, std::slice::from_ref(&rotation.new), "{number}");
        assert_eq!(count(world, "iam:CreateAccessKey"), 1, "{number}");
    }
}

/// IAM's names are one whatever the case of the letters; the record is kept under IAM's own.
#[test]
fn a_name_in_another_case_is_the_same_user_with_one_record() {
    let world = World::at(start());
    let (user, _) = add_registered(&world, "Alice", days(100));
    handle(&world, &policy(), &everyone());
    world.advance(days(1));
    let other = "aLICE".parse().unwrap();
    by_queue(&world, &policy(), &asked(&other, "force"));
    by_queue(&world, &policy(), &asked(&other, "emergency"));
    assert!(world.record(&other).is_none());
    assert_eq!(working(&world, &user), [sealed(&world, &user)]);
}

/// R2: users whom the policy leaves out are not touched, nor looked at where their path tells so.
#[test]
fn users_outside_the_include_or_inside_the_exclude_are_not_touched() {
    type Change = fn(&mut Policy);
    let changes: [Change; 2] = [
        |policy| policy.rotation.include = vec![Selector::Path("/developers/".into())],
        |policy| policy.rotation.exclude = vec![Selector::Path("/machines/".into())],
    ];
    for change in changes {
        let world = World::at(start());
        let outside = world.add_user_at("/machines/", "exporter");
        world.add_key(&outside, days(400));
        let inside = world.add_user_at("/developers/", "alice");
        register(&world, &inside);
        world.add_key(&inside, days(100));
        let keys = world.view().users[&outside].keys.clone();
        let mut policy = policy();
        change(&mut policy);
        for _ in 0..32 {
            handle(&world, &policy, &everyone());
            world.use_key(&sealed(&world, &inside));
            world.advance(days(1));
        }
        assert_eq!(world.view().users[&outside].keys, keys);
        assert_eq!(working(&world, &inside), [sealed(&world, &inside)]);
        let calls = world.calls();
        assert!(calls.iter().all(|call| call.subject != outside.as_str()));
        assert!(
            operators_told(&world)
                .iter()
                .all(|text| !text.contains("exporter"))
        );
    }
}

/// R10: a user whom IAM does not let Banto look at costs the others nothing.
#[test]
fn a_user_whom_banto_may_not_look_at_holds_up_nobody() {
    let rotation = disabled();
    let world = &rotation.world;
    let (bob, _) = add_registered(world, "bob", days(100));
    world.outage("iam:GetUser", ErrorKind::Denied, world.now() + days(2));
    run_daily(world, &policy(), 1);
    assert!(any_has(&operators_told(world), "not looked at"));
    run_daily(world, &policy(), 2);
    assert_eq!(working(world, &bob).len(), 2);
    by_queue(world, &policy(), &exposed(&[&rotation.new]));
    assert!(!is_active(world, &rotation.new));
}

#[test]
fn a_later_user_of_the_same_name_inherits_nothing() {
    let world = World::at(start());
    let (user, _) = add_registered(&world, "alice", days(100));
    handle(&world, &policy(), &everyone());
    let first = world.view().users[&user].clone();
    world.remove_user(&user);
    add_registered(&world, "alice", days(100));
    world.advance(days(1));
    handle(&world, &policy(), &everyone());
    let (old, new) = (
        Record::from_text(&first.record.unwrap()).unwrap(),
        record(&world.view(), &user).unwrap(),
    );
    assert_ne!(old.user_id, new.user_id);
    assert_ne!(old.envelope.unwrap().key, new.envelope.unwrap().key);
    assert_eq!(count(&world, "secretsmanager:PutResourcePolicy"), 2);
}
