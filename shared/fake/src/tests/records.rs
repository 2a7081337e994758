//! Secrets Manager: versions, tags, and what people do to secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use banto_domain::UserName;
use banto_domain::record::Record;
use banto_ports::{ErrorKind, Records};

use super::{days, done, kind, minutes, start, world};
use crate::{Reader, Run, World};

fn first() -> Record {
    let user_id = "AIDACKCEVSQ6C2EXAMPLE".parse().unwrap();
    Record::first(user_id).next("run-1")
}

/// A user with a record.
fn with_record() -> (Arc<World>, UserName, Arc<Run>) {
    let world = world();
    let alice = world.add_user("alice");
    let run = world.run(None);
    done(&run, Records::create(&*run, &alice, &first())).unwrap();
    (world, alice, run)
}

#[test]
fn a_record_is_read_with_its_token_and_its_versions_with_their_dates() {
    let (world, alice, run) = with_record();
    world.advance(minutes(1));
    let second = first().next("run-2");
    let token = second.write_token(0);
    done(&run, Records::write(&*run, &alice, &second, &token)).unwrap();
    let stored = done(&run, Records::read(&*run, &alice)).unwrap().unwrap();
    assert_eq!(
        (stored.text, stored.token),
        (second.to_text(), token.clone())
    );
    let versions = done(&run, run.versions(&alice)).unwrap();
    let expected = [
        (first().write_token(0), start()),
        (token, start() + minutes(1)),
    ];
    assert_eq!(versions, BTreeMap::from(expected));
}

#[test]
fn a_token_is_taken_for_good_by_its_bytes() {
    let (_, alice, run) = with_record();
    let token = first().write_token(0);
    let (record, write) = (first(), |record| {
        Records::write(&*run, &alice, record, &token)
    });
    assert!(done(&run, write(&record)).is_ok());
    let other = first().next("run-2");
    assert_eq!(kind(done(&run, write(&other))), Some(ErrorKind::Conflict));
    assert!(done(&run, Records::create(&*run, &alice, &first())).is_ok());
    let another = first().next("run-2");
    let another = Records::create(&*run, &alice, &another);
    assert_eq!(kind(done(&run, another)), Some(ErrorKind::Conflict));
}

#[test]
fn the_oldest_of_over_a_hundred_versions_is_removed_once_it_is_a_day_old() {
    let (world, alice, _) = with_record();
    let put = |number: usize| world.put_version(&alice, "text", &format!("{number:032}"));
    (2..=101).for_each(put);
    assert_eq!(world.record_tokens(&alice).len(), 101);
    world.advance(days(1));
    put(102);
    let tokens = world.record_tokens(&alice);
    assert_eq!(
        (tokens.len(), tokens[0].as_str()),
        (100, "00000000000000000000000000000003")
    );
}

#[test]
fn an_open_record_is_found_by_its_tags_and_a_stranger_costs_nobody_anything() {
    let (world, alice, run) = with_record();
    let bob = world.add_user("bob");
    world.put_record(&bob, "a record of an older release");
    let tags = |pairs: &[(&str, &str)]| {
        let owned = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        owned.collect::<BTreeMap<_, _>>()
    };
    let open = ("banto:open", "true");
    world.add_secret("banto/access-keys/none", &tags(&[open]));
    world.add_secret(
        "banto/access-keys/carol",
        &tags(&[open, ("banto:user", "dave")]),
    );
    world.add_secret(
        "banto/access-keys/two",
        &tags(&[open, ("banto:user", "a b")]),
    );
    world.add_secret(
        "banto/access-keys/other",
        &tags(&[("banto:opened", "true")]),
    );
    world.add_secret("elsewhere/alice", &tags(&[open, ("banto:user", "alice")]));
    let found = done(&run, run.open()).unwrap();
    assert_eq!(found.users, [alice.clone()].into());
    let strangers = ["none", "carol", "two"].map(|name| format!("banto/access-keys/{name}"));
    assert_eq!(found.strangers, strangers.into());
    done(&run, run.mark_open(&bob)).unwrap();
    done(&run, run.mark_closed(&alice)).unwrap();
    assert_eq!(done(&run, run.open()).unwrap().users, [bob].into());
    assert_eq!(world.record_tags(&alice), tags(&[("banto:user", "alice")]));
    assert!(!world.view().users[&alice].record_is_open);
}

#[test]
fn open_records_come_in_pages_and_show_late_where_the_list_lags() {
    let world = world();
    let run = world.run(None);
    world.lag(Reader::ListSecrets, minutes(5));
    for number in 0..250 {
        let user = world.add_user(&format!("user-{number}"));
        done(&run, Records::create(&*run, &user, &first())).unwrap();
    }
    assert!(done(&run, run.open()).unwrap().users.is_empty());
    world.advance(minutes(5));
    let before = world.call_count();
    let open = done(&run, run.open()).unwrap().users;
    assert_eq!((open.len(), world.call_count() - before), (250, 3));
    let closed = open.first().unwrap();
    done(&run, run.mark_closed(closed)).unwrap();
    assert!(done(&run, run.open()).unwrap().users.contains(closed));
}

#[test]
fn a_text_shows_late_where_its_reader_lags_and_writes_act_on_the_truth() {
    let (world, alice, run) = with_record();
    world.lag(Reader::GetSecretValue, minutes(1));
    let read = || done(&run, Records::read(&*run, &alice)).unwrap();
    assert_eq!(read(), None);
    world.advance(minutes(1));
    let second = first().next("run-2");
    let token = second.write_token(0);
    done(&run, Records::write(&*run, &alice, &second, &token)).unwrap();
    assert_eq!(read().unwrap().text, first().to_text());
    let other = first().next("run-3");
    let other = done(&run, Records::write(&*run, &alice, &other, &token));
    assert_eq!(kind(other), Some(ErrorKind::Conflict));
    world.advance(minutes(1));
    assert_eq!(read().unwrap().text, second.to_text());
    world.restore_version(&alice, 1);
    assert_eq!(read().unwrap().text, second.to_text());
    world.advance(minutes(1));
    assert_eq!(read().unwrap().token, first().write_token(0));
}

#[test]
fn a_mark_on_a_record_that_is_gone_is_missing_and_taking_it_off_is_done() {
    let world = world();
    let alice = world.add_user("alice");
    let run = world.run(None);
    assert_eq!(
        kind(done(&run, run.mark_open(&alice))),
        Some(ErrorKind::Missing)
    );
    assert_eq!(kind(done(&run, run.mark_closed(&alice))), None);
    assert_eq!(done(&run, Records::read(&*run, &alice)), Ok(None));
}

#[test]
fn people_restore_rewrite_and_change_versions() {
    let (world, alice, run) = with_record();
    world.put_version(&alice, "by hand", "00000000-0000-4000-8000-00000000abcd");
    world.tamper(&alice, |text| format!("{text}, and changed"));
    assert_eq!(world.record(&alice).unwrap(), "by hand, and changed");
    world.restore_version(&alice, 2);
    let stored = done(&run, Records::read(&*run, &alice)).unwrap().unwrap();
    assert_eq!(stored.text, first().to_text());
    // The bytes that a token is known for make no version current again.
    world.restore_version(&alice, 1);
    let (record, token) = (first(), first().write_token(0));
    assert!(done(&run, Records::write(&*run, &alice, &record, &token)).is_ok());
    assert_eq!(world.record(&alice).unwrap(), "by hand");
    assert!(
        world
            .everything_written()
            .contains(&"by hand, and changed".to_owned())
    );
}

#[test]
fn a_secret_that_is_scheduled_for_deletion_is_refused_until_it_is_gone() {
    let (world, alice, run) = with_record();
    world.schedule_deletion(&alice);
    let error = done(&run, Records::read(&*run, &alice)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.message.contains("InvalidRequestException"), "{error}");
    assert!(error.message.contains("marked for deletion"), "{error}");
    let created = done(&run, Records::create(&*run, &alice, &first()));
    assert_eq!(kind(created), Some(ErrorKind::Invalid));
    assert!(done(&run, run.open()).unwrap().users.is_empty());
    world.restore_secret(&alice);
    assert!(done(&run, Records::read(&*run, &alice)).unwrap().is_some());
    world.schedule_deletion(&alice);
    world.advance(days(30));
    assert_eq!(done(&run, Records::read(&*run, &alice)), Ok(None));
    assert!(done(&run, Records::create(&*run, &alice, &first())).is_ok());
}

#[test]
fn a_policy_of_somebody_else_denies_every_call_about_a_record() {
    let (world, alice, run) = with_record();
    world.deny_records(true);
    let second = first().next("run-2");
    let write = Records::write(&*run, &alice, &second, "00000000000000000000000000000002");
    for result in [
        done(&run, Records::read(&*run, &alice)).map(drop),
        done(&run, write),
        done(&run, run.versions(&alice)).map(drop),
        done(&run, run.mark_closed(&alice)),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied);
        assert!(
            error
                .message
                .contains("explicit deny in a resource-based policy")
        );
    }
    world.deny_records(false);
    assert!(done(&run, Records::read(&*run, &alice)).is_ok());
}

#[test]
#[should_panic = "secretsmanager:PutSecretValue: ClientRequestToken: 5 characters, at least 32"]
fn a_token_that_aws_would_refuse_fails_the_test() {
    let (_, alice, run) = with_record();
    drop(done(&run, Records::write(&*run, &alice, &first(), "token")));
}
