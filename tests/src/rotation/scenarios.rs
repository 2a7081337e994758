//! Stories of whole rotations, each the guard of something that people rely on.

use std::time::Duration;

use banto_domain::record::Record;
use banto_fake::{Driven, Fault, FaultKind, ReportShape, Sent, World, drive};
use banto_lambda::Invocation;
use banto_ports::ErrorKind;
use jiff::SignedDuration;
use rotate_access_keys::Rotator;
use serde_json::json;

use super::harness::{
    HOLDER, add_registered, asked, days, everyone, opened, policy, record, rotator, start,
};
use crate::harness::{handle, handle_with};

/// The subjects of everything sent so far.
fn subjects(world: &World) -> Vec<String> {
    let sent = world.view().sent;
    let subject = |sent: Sent| match sent {
        Sent::Topic(_, message) => Some(message.subject),
        Sent::Slack(_) | Sent::Mail(_) => None,
    };
    sent.into_iter().filter_map(subject).collect()
}

fn count(world: &World, call: &str) -> usize {
    world
        .calls()
        .iter()
        .filter(|made| made.name == call)
        .count()
}

#[test]
fn a_whole_rotation_tells_each_thing_once_and_leaves_one_key() {
    let world = World::at(start());
    let (user, old) = add_registered(&world, "alice", days(82));
    for day in 0..30 {
        handle(&world, &policy(), &everyone());
        if day == 9 {
            let sealed = record(&world.view(), &user).unwrap().envelope.unwrap();
            assert_eq!(
                opened(&sealed.armored)["SecretAccessKey"],
                world.view().users[&user].keys[&sealed.key].secret
            );
            world.use_key(&sealed.key);
        }
        world.advance(days(1) + SignedDuration::from_secs(7));
    }
    let view = world.view();
    assert!(!view.users[&user].keys.contains_key(&old));
    assert_eq!(view.users[&user].keys.len(), 1);
    let about = |what: &str| {
        subjects(&world)
            .iter()
            .filter(|subject| subject.contains(what))
            .count()
    };
    assert_eq!(about("is replaced on"), 1, "{:#?}", subjects(&world));
    assert_eq!(about("is ready to fetch"), 1);
    assert_eq!(about("stops working now"), 1);
    assert_eq!(about("is deleted on"), 1);
    assert_eq!(about("is deleted now"), 1);
}

/// R6: a second run straight after a clean one does nothing.
#[test]
fn a_second_run_straight_after_does_nothing() {
    let world = World::at(start());
    add_registered(&world, "alice", days(100));
    add_registered(&world, "bob", days(85));
    world.add_key(&add_registered(&world, "carol", days(100)).0, days(50));
    let dave = world.add_user("dave");
    world.add_key(&dave, days(100));
    handle(&world, &policy(), &everyone());
    let (users, sent) = (world.view().users, world.view().sent.len());
    handle(&world, &policy(), &everyone());
    assert_eq!((world.view().users, world.view().sent.len()), (users, sent));
}

#[test]
fn a_dry_run_answers_the_plan_and_changes_nothing() {
    let world = World::at(start());
    add_registered(&world, "alice", days(100));
    let answer = handle(&world, &policy(), &json!({ "dryRun": true }));
    assert_eq!(
        answer["accounts"][0]["plan"]["chains"][0]["actions"][0]["kind"],
        "issue"
    );
    assert_eq!(answer["dryRun"], true);
    let writes = [
        "iam:Create",
        "iam:Update",
        "iam:Delete",
        "secretsmanager:Create",
        "secretsmanager:Put",
        "sns:",
    ];
    assert!(
        !world
            .calls()
            .iter()
            .any(|call| writes.iter().any(|write| call.name.starts_with(write)))
    );
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

#[test]
fn the_report_is_waited_for_and_read_whatever_its_columns() {
    for shape in [
        ReportShape {
            polls: 5,
            other_columns: true,
        },
        ReportShape {
            polls: 0,
            other_columns: false,
        },
    ] {
        let world = World::at(start());
        world.shape_report(shape);
        add_registered(&world, "alice", days(100));
        handle(&world, &policy(), &everyone());
        assert_eq!(count(&world, "iam:CreateAccessKey"), 1, "{shape:?}");
    }
}

#[test]
fn a_report_that_never_comes_is_an_error_and_not_an_endless_wait() {
    let world = World::at(start());
    world.shape_report(ReportShape {
        polls: usize::MAX,
        other_columns: false,
    });
    match handle_with(&world, &policy(), &everyone(), None).0 {
        Driven::Done(Err(failure)) => assert_eq!(failure.kind, "NothingSeen"),
        other => panic!("{other:?}"),
    }
    assert!(count(&world, "iam:GetCredentialReport") < 20);
}

/// R2: a key that a person made is never deleted.
#[test]
fn keys_that_a_person_made_are_found_once_and_never_touched() {
    let world = World::at(start());
    let (user, _) = add_registered(&world, "alice", days(200));
    world.add_key(&user, days(150));
    let keys = world.view().users[&user].keys.clone();
    for _ in 0..20 {
        handle(&world, &policy(), &everyone());
        world.advance(days(1));
    }
    assert_eq!(world.view().users[&user].keys, keys);
    assert_eq!(subjects(&world).len(), 1, "{:?}", subjects(&world));
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
        .replace("\"version\":1", "\"version\":2");
    world.put_record(&user, &later);
    let keys = world.view().users[&user].keys.clone();
    world.advance(days(1));
    handle(&world, &policy(), &everyone());
    assert_eq!(world.view().users[&user].keys, keys);
    let written = world.everything_written().join(" ");
    assert!(written.contains("it has version 2, but"), "{written}");
}

#[test]
fn a_dry_run_takes_the_same_way_and_costs_no_call_while_the_kill_switch_is_off() {
    let world = World::at(start());
    add_registered(&world, "alice", days(100));
    let mut off = policy();
    off.rotation.enabled = false;
    let body = handle(&world, &off, &json!({ "dryRun": true }));
    let waiting = &body["accounts"][0]["plan"]["waiting"][0];
    assert_eq!(waiting["waitingFor"], "killSwitch");
    assert!(world.calls().is_empty(), "{:?}", world.calls());
}

/// R9: an exposed key is disabled at once, and its owner gets another.
#[test]
fn an_exposed_key_is_disabled_at_once_and_the_notice_carries_the_new_one() {
    let world = World::at(start());
    let (user, old) = add_registered(&world, "alice", days(10));
    let event = json!({
        "source": "aws.health", "detail-type": "AWS Health Event", "account": "111122223333",
        "detail": {
            "service": "RISK", "eventTypeCode": "AWS_RISK_CREDENTIALS_EXPOSED",
            "affectedEntities": [{ "entityValue": old }],
        },
    });
    handle(&world, &policy(), &event);
    let view = world.view();
    assert!(!view.users[&user].keys[&old].active);
    let Some(Sent::Topic(_, message)) = view
        .sent
        .iter()
        .find(|sent| format!("{sent:?}").contains("BEGIN PGP MESSAGE"))
    else {
        panic!("no notice carries the envelope")
    };
    let id = opened(&message.body)["AccessKeyId"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(
        opened(&message.body)["SecretAccessKey"],
        view.users[&user].keys[&id].secret
    );
    // The same event again, as AWS may send it.
    handle(&world, &policy(), &event);
    assert_eq!(world.view().users, view.users);
    assert_eq!(world.view().sent, view.sent);
}

/// R9: the request is not done until its goal is reached.
#[test]
fn an_emergency_that_could_not_be_finished_fails_so_that_lambda_tries_again() {
    let world = World::at(start());
    let (user, old) = add_registered(&world, "alice", days(10));
    let fault = Fault {
        call: 5,
        kind: FaultKind::ErrorBefore(ErrorKind::Throttled),
    };
    match handle_with(&world, &policy(), &asked(&user, "emergency"), Some(fault)).0 {
        Driven::Done(Err(failure)) => assert_eq!(failure.kind, "Incomplete"),
        other => panic!("{other:?}"),
    }
    handle(&world, &policy(), &asked(&user, "emergency"));
    assert!(!world.view().users[&user].keys[&old].active);
}

#[test]
fn near_the_deadline_a_run_stops_between_actions_and_the_next_one_goes_on() {
    let world = World::at(start());
    let (user, _) = add_registered(&world, "alice", days(100));
    let run = world.run(None);
    let invocation = Invocation::for_tests("short", Duration::from_secs(30));
    let (rotator, event) = (rotator(&run, &policy()), everyone().to_string());
    let Driven::Done(Ok(answer)) = drive(&run, rotator.handle(event.as_bytes(), &invocation))
    else {
        panic!("the run must end in order")
    };
    assert_eq!(
        answer.body["accounts"][0]["outcomes"][0]["left"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(count(&world, "iam:CreateAccessKey"), 0);
    handle(&world, &policy(), &everyone());
    assert_eq!(world.view().users[&user].keys.len(), 2);
}

/// R10: a fault costs at most its own user.
#[test]
fn one_user_who_can_not_be_looked_at_holds_up_nobody_else() {
    let world = World::at(start());
    add_registered(&world, "alice", days(100));
    let (bob, _) = add_registered(&world, "bob", days(100));
    let clean = handle_with(&world, &policy(), &json!({ "dryRun": true }), None)
        .1
        .calls();
    let mut held_up = 0;
    for call in 3..=clean {
        let world = World::at(start());
        add_registered(&world, "alice", days(100));
        add_registered(&world, "bob", days(100));
        let fault = Fault {
            call,
            kind: FaultKind::ErrorBefore(ErrorKind::Throttled),
        };
        handle_with(&world, &policy(), &everyone(), Some(fault));
        let issued = count(&world, "iam:CreateAccessKey");
        assert!(issued >= 1, "call {call}");
        held_up += 2 - issued;
    }
    assert!(held_up > 0, "no fault mattered");
    drop(bob);
}

#[test]
fn one_identity_account_that_fails_holds_up_no_other() {
    let (sound, broken) = (World::at(start()), World::at(start()));
    add_registered(&sound, "alice", days(100));
    broken.shape_report(ReportShape {
        polls: usize::MAX,
        other_columns: false,
    });
    let (run, broken_run) = (sound.run(None), broken.run(None));
    let (mut rotator, other) = (rotator(&run, &policy()), rotator(&broken_run, &policy()));
    let mut accounts = other.accounts;
    accounts[0].identity.id = "444455556666".parse().unwrap();
    accounts.append(&mut rotator.accounts);
    let rotator = Rotator {
        accounts,
        ..rotator
    };
    let invocation = Invocation::for_tests("two", Duration::from_secs(900));
    let handled = |event: serde_json::Value| {
        let event = event.to_string();
        drive(&run, async {
            rotator.handle(event.as_bytes(), &invocation).await
        })
    };
    let Driven::Done(Ok(answer)) = handled(everyone()) else {
        panic!("the sound account must be served")
    };
    assert!(
        answer.body["accounts"][0]["failures"][0]
            .as_str()
            .unwrap()
            .contains("credential report")
    );
    assert_eq!(count(&sound, "iam:CreateAccessKey"), 1);

    // Which alice? And there is no such account.
    for (event, says) in [
        (
            json!({ "users": ["alice"], "mode": "force" }),
            "\"account\" is missing",
        ),
        (
            json!({ "users": ["alice"], "account": "999999999999" }),
            "no account 999999999999",
        ),
    ] {
        let Driven::Done(Err(failure)) = handled(event) else {
            panic!("{says}")
        };
        assert!(failure.to_string().contains(says), "{failure}");
        // Nothing is wrong with the request's shape, so the answer does not go on about it.
        assert!(!failure.to_string().contains("expected"), "{failure}");
    }
}

/// R8: the recipient is the pinned one.
#[test]
fn a_certificate_that_was_swapped_gets_no_key() {
    let world = World::at(start());
    let (user, _) = add_registered(&world, "alice", days(100));
    world.tag(&user, "banto:openpgp", &"A".repeat(40));
    handle(&world, &policy(), &everyone());
    assert_eq!(count(&world, "iam:CreateAccessKey"), 0);
    assert!(
        world
            .everything_written()
            .iter()
            .any(|text| text.contains("tell the")),
        "the owner must be warned"
    );
    world.tag(&user, "banto:openpgp", HOLDER.fingerprint().as_str());
    handle(&world, &policy(), &everyone());
    assert_eq!(count(&world, "iam:CreateAccessKey"), 1);
}

#[test]
fn a_run_over_5000_users_makes_at_most_2_calls_and_10_for_each_due_user() {
    let world = World::at(start());
    for number in 0..4_950 {
        let user = world.add_user(&format!("young-{number}"));
        world.add_key(&user, days(10));
    }
    handle(&world, &policy(), &everyone());
    assert_eq!(world.calls().len(), 2, "nobody is due");

    world.advance(SignedDuration::from_hours(5));
    for number in 0..50 {
        add_registered(&world, &format!("due-{number}"), days(100));
    }
    let before = world.calls().len();
    let policy = {
        let mut policy = policy();
        policy.rotation.max_users_per_run = 50;
        policy
    };
    handle(&world, &policy, &everyone());
    let calls = world.calls().len() - before;
    assert_eq!(count(&world, "iam:CreateAccessKey"), 50);
    say!("calls for 50 due of 5,000: {calls}, budget 502");
    // The operators' summary is one call more.
    assert!(calls <= 2 + 10 * 50 + 1, "{calls}");
}

/// Bodies as records of SQS, whose ids count from 1.
fn records(bodies: &[String]) -> serde_json::Value {
    let record = |(id, body): (usize, &String)| json!({ "messageId": id.to_string(), "eventSource": "aws:sqs", "body": body });
    json!({ "Records": (1..).zip(bodies).map(record).collect::<Vec<_>>() })
}

fn comes_again(ids: &[&str]) -> serde_json::Value {
    let failure = |id: &&str| json!({ "itemIdentifier": id });
    json!({ "batchItemFailures": ids.iter().map(failure).collect::<Vec<_>>() })
}

#[test]
fn a_record_that_fails_comes_again_and_no_other_does() {
    let world = World::at(start());
    let (alice, exposed) = add_registered(&world, "alice", days(10));
    let (bob, old) = add_registered(&world, "bob", days(10));
    let elsewhere = json!({ "users": ["alice"], "account": "999999999999" });
    let confirmation = json!({ "Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:us-east-1:111122223333:health" });
    let through_sns =
        json!({ "Type": "Notification", "Message": asked(&bob, "emergency").to_string() });
    let bodies = [
        asked(&alice, "emergency").to_string(),
        "{\"users\": [\"ali".to_owned(),
        elsewhere.to_string(),
        confirmation.to_string(),
        through_sns.to_string(),
    ];
    assert_eq!(
        handle(&world, &policy(), &records(&bodies)),
        comes_again(&["2", "3"])
    );
    let users = world.view().users;
    assert!(!users[&alice].keys[&exposed].active && !users[&bob].keys[&old].active);
    // The two are told apart, though one invocation saw to both.
    let runs = [&alice, &bob].map(|user| record(&world.view(), user).unwrap().run);
    assert_ne!(runs[0], runs[1]);
}

/// R4: what a fault cut short is finished by later runs.
#[test]
fn a_record_that_could_not_be_finished_comes_again_until_it_is() {
    let world = World::at(start());
    let (user, old) = add_registered(&world, "alice", days(10));
    let event = records(&[asked(&user, "emergency").to_string()]);
    let fault = Fault {
        call: 5,
        kind: FaultKind::ErrorBefore(ErrorKind::Throttled),
    };
    let Driven::Done(Ok(answer)) = handle_with(&world, &policy(), &event, Some(fault)).0 else {
        panic!("no answer")
    };
    assert_eq!(answer.body, comes_again(&["1"]));

    let run = world.run(None);
    let (rotator, late) = (
        rotator(&run, &policy()),
        Invocation::for_tests("late", Duration::from_secs(30)),
    );
    let text = event.to_string();
    let Driven::Done(Ok(answer)) = drive(&run, rotator.handle(text.as_bytes(), &late)) else {
        panic!("no answer")
    };
    assert_eq!(answer.body, comes_again(&["1"]));

    assert_eq!(handle(&world, &policy(), &event), comes_again(&[]));
    assert!(!world.view().users[&user].keys[&old].active);
    assert_eq!(count(&world, "iam:CreateAccessKey"), 1);
}
