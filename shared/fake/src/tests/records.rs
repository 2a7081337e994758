//! Secrets Manager: versions, tags, and what people do to secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use banto_domain::record::{Readers, Record};
use banto_domain::{RoleArn, UserName};
use banto_ports::{ErrorKind, PortError, Records, Signer};

use super::{days, done, kind, minutes, start, world};
use crate::{KeyPair, Reader, Run, World};

fn first() -> Record {
    let user_id = "AIDACKCEVSQ6C2EXAMPLE".parse().unwrap();
    Record::first(user_id).next("run-1")
}

/// The text of a record.
fn text(record: &Record) -> String {
    record.to_text(&"111122223333".parse().unwrap(), &"alice".parse().unwrap())
}

/// Creates a record, as its writer does.
fn create(run: &Run, user: &UserName, record: &Record) -> Result<(), PortError> {
    let (text, token) = (text(record), record.write_token(0));
    done(run, Records::create(run, user, &text, &token))
}

/// Writes a version of a record.
fn write(run: &Run, user: &UserName, record: &Record, token: &str) -> Result<(), PortError> {
    done(run, Records::write(run, user, &text(record), token))
}

/// A user with a record.
fn with_record() -> (Arc<World>, UserName, Arc<Run>) {
    let world = world();
    let alice = world.add_user("alice");
    let run = world.run(None);
    create(&run, &alice, &first()).unwrap();
    (world, alice, run)
}

#[test]
fn a_record_is_read_with_its_token_and_its_versions_with_their_dates() {
    let (world, alice, run) = with_record();
    world.advance(minutes(1));
    let second = first().next("run-2");
    let token = second.write_token(0);
    write(&run, &alice, &second, &token).unwrap();
    let stored = done(&run, Records::read(&*run, &alice)).unwrap().unwrap();
    assert_eq!((stored.text, stored.token), (text(&second), token.clone()));
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
    assert!(write(&run, &alice, &first(), &token).is_ok());
    let other = first().next("run-2");
    let other = write(&run, &alice, &other, &token);
    assert_eq!(kind(other), Some(ErrorKind::Conflict));
    assert!(create(&run, &alice, &first()).is_ok());
    let another = first().next("run-2");
    let another = create(&run, &alice, &another);
    assert_eq!(kind(another), Some(ErrorKind::Conflict));
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
        create(&run, &user, &first()).unwrap();
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
    write(&run, &alice, &second, &token).unwrap();
    assert_eq!(read().unwrap().text, text(&first()));
    let other = first().next("run-3");
    let other = write(&run, &alice, &other, &token);
    assert_eq!(kind(other), Some(ErrorKind::Conflict));
    world.advance(minutes(1));
    assert_eq!(read().unwrap().text, text(&second));
    world.restore_version(&alice, 1);
    assert_eq!(read().unwrap().text, text(&second));
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
    assert_eq!(stored.text, text(&first()));
    // The bytes that a token is known for make no version current again.
    world.restore_version(&alice, 1);
    let (record, token) = (first(), first().write_token(0));
    assert!(write(&run, &alice, &record, &token).is_ok());
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
    let created = create(&run, &alice, &first());
    assert_eq!(kind(created), Some(ErrorKind::Invalid));
    assert!(done(&run, run.open()).unwrap().users.is_empty());
    world.restore_secret(&alice);
    assert!(done(&run, Records::read(&*run, &alice)).unwrap().is_some());
    world.schedule_deletion(&alice);
    world.advance(days(30));
    assert_eq!(done(&run, Records::read(&*run, &alice)), Ok(None));
    assert!(create(&run, &alice, &first()).is_ok());
}

#[test]
fn a_policy_of_somebody_else_denies_every_call_about_a_record() {
    let (world, alice, run) = with_record();
    world.deny_records(true);
    let second = first().next("run-2");
    let token = "00000000000000000000000000000002";
    for result in [
        done(&run, Records::read(&*run, &alice)).map(drop),
        write(&run, &alice, &second, token),
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
    drop(write(&run, &alice, &first(), "token"));
}

#[test]
fn a_version_is_read_by_its_token_with_its_date() {
    let (world, alice, run) = with_record();
    world.advance(minutes(1));
    let second = first().next("run-2");
    write(&run, &alice, &second, &second.write_token(0)).unwrap();
    let read = |token: &str| done(&run, run.read_version(&alice, token)).unwrap();
    let version = read(&first().write_token(0)).unwrap();
    assert_eq!(
        (version.text, version.written_at),
        (text(&first()), start())
    );
    assert_eq!(read("00000000-0000-4000-8000-00000000abcd"), None);
}

#[test]
fn a_role_that_a_records_policy_does_not_name_is_denied_all_but_the_policy_itself() {
    let (_, alice, run) = with_record();
    let role = |name: &str| {
        let arn = format!("arn:aws:iam::111122223333:role/{name}");
        arn.parse::<RoleArn>().unwrap()
    };
    let mut readers = Readers {
        owner: "arn:aws:iam::111122223333:user/alice".parse().unwrap(),
        role: role("old"),
        break_glass: None,
    };
    run.act_as(&role("new"));
    done(&run, run.protect(&alice, &readers)).unwrap();
    let second = first().next("run-2");
    for result in [
        done(&run, Records::read(&*run, &alice)).map(drop),
        done(
            &run,
            run.read_version(&alice, "00000000-0000-4000-8000-00000000abcd"),
        )
        .map(drop),
        write(&run, &alice, &second, &second.write_token(0)),
        done(&run, run.mark_open(&alice)),
        done(&run, run.mark_closed(&alice)),
    ] {
        assert_eq!(result.unwrap_err().kind, ErrorKind::Denied);
    }
    assert!(done(&run, run.versions(&alice)).is_ok());
    readers.break_glass = Some(role("new"));
    done(&run, run.protect(&alice, &readers)).unwrap();
    assert!(done(&run, Records::read(&*run, &alice)).is_ok());
}

#[test]
fn kms_signs_with_the_key_that_the_policy_names_until_another_stands_under_its_arn() {
    let (world, _, run) = with_record();
    let verifier = banto_receipt::Verifier::new(vec![KeyPair::of_kms().public().parse().unwrap()]);
    let signed = || {
        let signature = done(&run, run.sign(banto_receipt::digest("{}\n\n"))).unwrap();
        banto_receipt::with_signature("{}\n\n", &signature)
    };
    assert!(verifier.verify(&signed()).is_ok());
    assert_eq!(signed(), KeyPair::of_kms().signed("{}\n\n"));
    world.change_signing_key(true);
    assert!(verifier.verify(&signed()).is_err());
}
