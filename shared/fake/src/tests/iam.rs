//! IAM: names, lag, quotas and sessions.

use banto_domain::UserName;
use banto_ports::{AccessKeys, ErrorKind, KeyOwner, UserSessions};

use jiff::SignedDuration;

use super::{days, done, kind, minutes, start, world};
use crate::Reader;

#[test]
fn a_user_is_found_whatever_the_case_of_the_letters_under_the_kept_name() {
    let world = world();
    let alice = world.add_user("Alice");
    let key = world.add_key(&alice, days(1));
    let asked: UserName = "aLICE".parse().unwrap();
    let run = world.run(None);
    assert_eq!(done(&run, run.user(&asked)).unwrap().name, alice);
    assert_eq!(done(&run, run.keys(&asked)).unwrap()[0].id, key);
    done(&run, run.set_active(&asked, &key, false)).unwrap();
    assert!(!world.view().users[&alice].keys[&key].active);
    done(&run, AccessKeys::create(&*run, &asked)).unwrap();
    assert_eq!(world.view().users[&alice].keys.len(), 2);
    done(&run, AccessKeys::delete(&*run, &asked, &key)).unwrap();
    assert_eq!(world.view().users[&alice].keys.len(), 1);
}

#[test]
fn a_lagging_list_shows_a_key_late_and_a_status_late_and_writes_act_on_the_truth() {
    let world = world();
    let alice = world.add_user("alice");
    let old = world.add_key(&alice, days(100));
    world.lag(Reader::ListAccessKeys, minutes(10));
    let run = world.run(None);
    let listed = || {
        let keys = done(&run, run.keys(&alice)).unwrap();
        let active = |key: banto_ports::LiveKey| (key.id, key.active);
        keys.into_iter().map(active).collect::<Vec<_>>()
    };
    let new = done(&run, AccessKeys::create(&*run, &alice)).unwrap().id;
    done(&run, run.set_active(&alice, &old, false)).unwrap();
    assert_eq!(listed(), [(old.clone(), true)]);
    let third = done(&run, AccessKeys::create(&*run, &alice));
    assert_eq!(kind(third), Some(ErrorKind::LimitExceeded));
    world.advance(minutes(9));
    assert_eq!(listed(), [(old.clone(), true)]);
    world.advance(minutes(1));
    assert_eq!(listed(), [(old.clone(), false), (new.clone(), true)]);
    done(&run, AccessKeys::delete(&*run, &alice, &old)).unwrap();
    assert_eq!(listed().len(), 2);
    world.advance(minutes(10));
    assert_eq!(listed(), [(new, true)]);
}

#[test]
fn each_reader_has_its_own_lag() {
    let world = world();
    let alice = world.add_user("alice");
    let key = world.add_key(&alice, days(100));
    world.advance(days(1));
    world.lag(Reader::GetAccessKeyLastUsed, minutes(240));
    world.use_key(&key);
    world.tag(&alice, "team", "red");
    let run = world.run(None);
    assert_eq!(done(&run, run.usage(&key)).unwrap().last, None);
    assert_eq!(done(&run, run.user(&alice)).unwrap().tags["team"], "red");
    world.lag(Reader::GetUser, minutes(5));
    assert!(done(&run, run.user(&alice)).unwrap().tags.is_empty());
    world.advance(minutes(240));
    assert!(done(&run, run.usage(&key)).unwrap().last.is_some());
    assert_eq!(done(&run, run.user(&alice)).unwrap().tags["team"], "red");
}

#[test]
fn a_user_who_is_gone_or_renamed_shows_for_a_while_where_a_reader_lags() {
    let world = world();
    let alice = world.add_user_at("/developers/", "alice");
    let key = world.add_key(&alice, days(100));
    world.lag(Reader::GetUser, minutes(5));
    world.advance(minutes(5));
    let id = {
        let run = world.run(None);
        done(&run, run.user(&alice)).unwrap().id
    };
    let renamed = world.rename_user(&alice, "alicia");
    world.move_user(&renamed, "/operators/");
    let run = world.run(None);
    assert_eq!(done(&run, run.user(&alice)).unwrap().path, "/developers/");
    assert_eq!(
        kind(done(&run, run.user(&renamed))),
        Some(ErrorKind::Missing)
    );
    assert_eq!(
        done(&run, run.usage(&key)).unwrap().owner,
        KeyOwner::User(renamed.clone())
    );
    world.lag(Reader::GetAccessKeyLastUsed, minutes(5));
    assert_eq!(
        done(&run, run.usage(&key)).unwrap().owner,
        KeyOwner::User(alice.clone())
    );
    world.lag(Reader::GetAccessKeyLastUsed, minutes(0));
    world.advance(minutes(5));
    assert_eq!(kind(done(&run, run.user(&alice))), Some(ErrorKind::Missing));
    let found = done(&run, run.user(&renamed)).unwrap();
    assert_eq!((found.id, found.path.as_str()), (id.clone(), "/operators/"));
    assert!(found.arn.as_str().ends_with(":user/operators/alicia"));
    world.remove_user(&renamed);
    assert!(done(&run, run.user(&renamed)).is_ok());
    world.advance(minutes(5));
    assert_eq!(
        kind(done(&run, run.user(&renamed))),
        Some(ErrorKind::Missing)
    );
    let again = world.add_user("alicia");
    world.advance(minutes(5));
    assert_ne!(done(&run, run.user(&again)).unwrap().id, id);
}

#[test]
fn a_key_seems_older_than_its_call_by_the_part_of_a_second_and_shows_no_earlier_for_it() {
    let world = world();
    let alice = world.add_user("alice");
    world.advance(minutes(10));
    world.advance(SignedDuration::from_millis(700));
    world.lag(Reader::ListAccessKeys, SignedDuration::from_millis(500));
    let run = world.run(None);
    let created = done(&run, AccessKeys::create(&*run, &alice)).unwrap();
    assert_eq!(created.created_at, start() + minutes(10));
    assert!(done(&run, run.keys(&alice)).unwrap().is_empty());
    world.advance(SignedDuration::from_millis(500));
    let listed = done(&run, run.keys(&alice)).unwrap();
    assert_eq!(listed[0].created_at, created.created_at);
}

#[test]
fn a_user_who_is_removed_is_in_no_group() {
    let world = world();
    let alice = world.add_user("alice");
    let bob = world.add_user("bob");
    world.add_to_group(&alice, "developers");
    world.add_to_group(&bob, "developers");
    let renamed = world.rename_user(&bob, "robert");
    world.remove_user(&alice);
    let run = world.run(None);
    let members = done(&run, run.members(&"developers".parse().unwrap()));
    assert_eq!(members.unwrap(), [renamed].into());
}

#[test]
fn a_key_of_the_root_user_is_nobody_elses() {
    let world = world();
    let key = world.add_root_key();
    let run = world.run(None);
    assert_eq!(done(&run, run.usage(&key)).unwrap().owner, KeyOwner::Root);
    let alice = world.add_user("alice");
    let disabled = done(&run, run.set_active(&alice, &key, false));
    assert_eq!(kind(disabled), Some(ErrorKind::Missing));
    assert!(world.works(&key));
}

#[test]
fn a_denial_ends_a_users_sessions_until_it_is_taken_off() {
    let world = world();
    let alice = world.add_user("alice");
    let key = world.add_key(&alice, days(1));
    let session = world.start_session(&key).unwrap();
    let run = world.run(None);
    done(&run, run.deny(&alice)).unwrap();
    done(&run, run.deny(&alice)).unwrap();
    assert!(world.view().users[&alice].sessions_denied);
    assert!(!world.works(&session) && world.works(&key));
    done(&run, run.allow(&alice)).unwrap();
    done(&run, run.allow(&alice)).unwrap();
    assert!(world.works(&session));
    world.advance(days(2));
    assert!(!world.works(&session));
}

#[test]
fn a_denial_needs_the_policy_and_room_for_it() {
    let world = world();
    let alice = world.add_user("alice");
    let bob: UserName = "bob".parse().unwrap();
    let run = world.run(None);
    assert_eq!(kind(done(&run, run.deny(&bob))), Some(ErrorKind::Missing));
    assert_eq!(kind(done(&run, run.allow(&bob))), None);
    world.attach_policies(&alice, 9);
    done(&run, run.deny(&alice)).unwrap();
    done(&run, run.allow(&alice)).unwrap();
    world.attach_policies(&alice, 10);
    assert_eq!(
        kind(done(&run, run.deny(&alice))),
        Some(ErrorKind::LimitExceeded)
    );
    world.remove_deny_policy();
    assert_eq!(kind(done(&run, run.deny(&alice))), Some(ErrorKind::Missing));
    assert!(!world.view().users[&alice].sessions_denied);
}
