//! Evidence that an owner was reached: Slack's `ok` to a direct message, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use banto_domain::policy::Policy;
use banto_domain::record::{Reason, Record};
use banto_domain::{AccessKeyId, UserName};
use banto_fake::{Driven, Fault, FaultKind, PolicyText, Sent, World, leaks};
use banto_ports::{ErrorKind, MemberState, PortError};
use jiff::Timestamp;
use rotate_access_keys::plan::{DisableReason, OtherKey, OwnerNotice};

use super::harness::{
    alone, any_has, count, days, delivered, everyone, exposed, hours, owners_told, policy, record,
    run_daily, sealed,
};
use crate::harness::{handle, handle_with};

/// Alice's id in Slack.
const ALICE: &str = "U024BE7LH";

const SLACK: &str = r#"[notices.slack]
operators = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/operators"
owners = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/owners"
"#;
const TOKEN: &str =
    r#"token = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/token""#;

fn policy_with(slack: &str) -> Policy {
    PolicyText::least()
        .with_lines("rotation", "deadline_days = 14")
        .and(slack)
        .parse()
}

/// A policy with webhooks, and a bot that writes to owners.
fn with_bot() -> Policy {
    policy_with(&format!("{SLACK}{TOKEN}"))
}

/// Alice, whose key is due, and who has a name in Slack.
fn due_alice(state: MemberState) -> (Arc<World>, UserName) {
    let (world, user, _) = alone(days(100));
    world.tag(&user, "banto:slack", ALICE);
    world.set_member(ALICE, state);
    (world, user)
}

fn record_of(world: &World, user: &UserName) -> Record {
    record(&world.view(), user).unwrap()
}

/// The direct messages so far.
fn direct(world: &World) -> Vec<String> {
    let to_alice = |sent: Sent| match sent {
        Sent::Direct(member, body) => {
            assert_eq!(member, ALICE);
            Some(body)
        }
        _ => None,
    };
    world.view().sent.into_iter().filter_map(to_alice).collect()
}

/// The messages in channels so far.
fn in_channels(world: &World) -> Vec<String> {
    let in_channel = |sent: Sent| match sent {
        Sent::Slack(body) => Some(body),
        _ => None,
    };
    let sent = world.view().sent;
    sent.into_iter().filter_map(in_channel).collect()
}

/// The rotation's notice is recorded as accepted, and nobody as reached.
fn assert_told_but_not_reached(world: &World, user: &UserName, case: &str) {
    let record = record_of(world, user);
    let rotation = record.rotation.as_ref().unwrap();
    assert!(rotation.delivered_at.is_some(), "{case}");
    assert_eq!(record.reached_by, None, "{case}");
    assert_eq!(record.reached_at(&rotation.issued.key), None, "{case}");
    assert!(!format!("{record:?}").contains("reached:"), "{case}");
}

#[test]
fn slacks_ok_to_a_direct_message_for_an_active_member_is_recorded_as_evidence() {
    let (world, user) = due_alice(MemberState::Active);
    handle(&world, &with_bot(), &everyone());
    let record = record_of(&world, &user);
    let rotation = record.rotation.as_ref().unwrap();
    let key = &rotation.issued.key;
    assert_eq!(record.reached_by.as_deref(), Some(ALICE));
    assert_eq!(record.reached_at(key), rotation.delivered_at);
    let direct = direct(&world);
    assert_eq!(direct.len(), 1, "{direct:?}");
    assert!(direct[0].contains(key.as_str()), "{direct:?}");
    assert_eq!(count(&world, "slack:users.info"), 1);
    // What operators read goes to their channel as ever, and nothing else does.
    assert_eq!(in_channels(&world).len(), 1);

    // That takes no write of its own.
    let (plain, _) = due_alice(MemberState::Active);
    handle(&plain, &policy_with(SLACK), &everyone());
    let writes = |world: &World| count(world, "secretsmanager:PutSecretValue");
    assert_eq!(writes(&world), writes(&plain));
}

#[test]
fn neither_a_webhook_nor_a_topic_is_evidence_and_a_notice_by_them_counts_as_before() {
    for (case, policy) in [
        ("a webhook", policy_with(SLACK)),
        ("a topic", policy()),
        ("a token, and a topic", with_bot()),
    ] {
        let (world, user) = due_alice(MemberState::Active);
        if case == "a token, and a topic" {
            world.fail_slack(Some(refused(ErrorKind::Denied, "invalid_auth")));
            world.fail_webhooks(Some(ErrorKind::Invalid));
        }
        handle(&world, &policy, &everyone());
        assert_told_but_not_reached(&world, &user, case);
        assert_eq!(direct(&world), [] as [String; 0], "{case}");
    }
}

fn refused(kind: ErrorKind, word: &str) -> PortError {
    PortError::new(kind, "slack:users.info", word)
}

/// A member who can't be reached, or a Slack that does not say that it took the message.
enum Obstacle {
    Member(Option<MemberState>),
    /// What `users.info` comes to, which is asked first.
    Refusal(PortError),
    /// The kind of what `chat.postMessage` comes to.
    Post(ErrorKind),
}

#[test]
fn whatever_keeps_slack_from_saying_ok_the_notice_goes_elsewhere_and_is_no_evidence() {
    let again = Some(Duration::from_secs(30));
    for (case, obstacle) in [
        ("user_not_found", Obstacle::Member(None)),
        (
            "deactivated",
            Obstacle::Member(Some(MemberState::Deactivated)),
        ),
        ("a bot", Obstacle::Member(Some(MemberState::Bot))),
        ("a stranger", Obstacle::Member(Some(MemberState::Outside))),
        (
            "missing_scope",
            Obstacle::Refusal(refused(ErrorKind::Denied, "missing_scope")),
        ),
        (
            "ok: false with status 200",
            Obstacle::Refusal(refused(ErrorKind::Invalid, "HTTP status 200")),
        ),
        (
            "html with status 200",
            Obstacle::Refusal(refused(
                ErrorKind::Unavailable,
                "an answer that can't be read",
            )),
        ),
        (
            "429 with Retry-After",
            Obstacle::Refusal(refused(ErrorKind::Throttled, "ratelimited").retry_after(again)),
        ),
        (
            "no answer in time",
            Obstacle::Refusal(refused(ErrorKind::Unavailable, "no answer in time")),
        ),
        ("channel_not_found", Obstacle::Post(ErrorKind::Missing)),
        ("no scope chat:write", Obstacle::Post(ErrorKind::Denied)),
        ("invalid_blocks", Obstacle::Post(ErrorKind::Invalid)),
        (
            "html for the message",
            Obstacle::Post(ErrorKind::Unavailable),
        ),
        ("429 for the message", Obstacle::Post(ErrorKind::Throttled)),
    ] {
        let (world, user, _) = alone(days(100));
        world.tag(&user, "banto:slack", ALICE);
        world.set_member(ALICE, MemberState::Active);
        match obstacle {
            Obstacle::Member(None) => world.tag(&user, "banto:slack", "U0NOBODY00"),
            Obstacle::Member(Some(state)) => world.set_member(ALICE, state),
            Obstacle::Refusal(error) => world.fail_slack(Some(error)),
            Obstacle::Post(kind) => {
                world.outage("slack:chat.postMessage", kind, world.now() + hours(1));
            }
        }
        handle(&world, &with_bot(), &everyone());
        assert_told_but_not_reached(&world, &user, case);
        assert_eq!(direct(&world), [] as [String; 0], "{case}");
        let channels = in_channels(&world);
        let key = sealed(&world, &user);
        assert!(any_has(&channels, key.as_str()), "{case}: {channels:?}");

        // Where the webhook does not take it either, the topic does.
        world.fail_webhooks(Some(ErrorKind::Invalid));
        world.outage("slack:", ErrorKind::Denied, world.now() + hours(1));
        handle(&world, &with_bot(), &exposed(&[&key]));
        assert_eq!(direct(&world), [] as [String; 0], "{case}");
        assert!(any_has(&owners_told(&world), key.as_str()), "{case}");
        assert_eq!(record_of(&world, &user).reached_by, None, "{case}");
    }
}

/// The first moment at which alice knew of her new key, and each notice to her.
fn reached_at(world: &World, user: &UserName) -> Option<Timestamp> {
    let record = record_of(world, user);
    let key = &record.rotation.as_ref()?.issued.key;
    record.reached_at(key)
}

/// Lets 16 days pass in which nobody uses the new key, and returns the first moment at which its
/// owner was reached, with the number of direct messages until then.
fn first_reached(world: &Arc<World>, user: &UserName) -> Option<(Timestamp, usize)> {
    let mut first = reached_at(world, user).map(|at| (at, direct(world).len()));
    while record_of(world, user).disabled.is_empty() {
        run_daily(world, &with_bot(), 1);
        let now = reached_at(world, user);
        first = first.or(now.map(|at| (at, direct(world).len())));
        assert_eq!(now, first.map(|(at, _)| at), "the first moment stays");
    }
    first
}

#[test]
fn the_first_notice_that_reaches_an_owner_counts_be_it_the_reminder_and_later_ones_do_not() {
    for slack_was_away in [false, true] {
        let (world, user) = due_alice(MemberState::Active);
        if slack_was_away {
            world.outage("slack:", ErrorKind::Denied, world.now() + hours(1));
        }
        handle(&world, &with_bot(), &everyone());
        let delivered_at = record_of(&world, &user).rotation.unwrap().delivered_at;
        let first = first_reached(&world, &user);
        let (at, told) = first.expect("never reached");
        assert_eq!(Some(at) == delivered_at, !slack_was_away);
        assert_eq!(told, 1);
        // Before the end of the old key come three reminders; the first message is the new key's,
        // or, a week later, that it still waits.
        assert_eq!(direct(&world).len(), 5);
        let record = record_of(&world, &user);
        let old = record.disabled.keys().next().unwrap();
        assert!(record.reached_at(old) > Some(at), "of its end she was told");
    }
}

#[test]
fn an_owner_who_was_told_of_an_exposure_was_reached_about_the_exposed_key() {
    let rotation = delivered();
    let (world, user, old) = (&rotation.world, &rotation.user, &rotation.old);
    world.tag(user, "banto:slack", ALICE);
    world.set_member(ALICE, MemberState::Active);
    handle(world, &with_bot(), &exposed(&[old]));
    let record = record_of(world, user);
    assert_eq!(record.reached_at(old), Some(world.now()));
    assert_eq!(record.reached_at(&rotation.new), None);
}

#[test]
fn each_notice_reaches_its_owner_about_the_keys_that_it_names_or_about_the_new_one() {
    let rotation = delivered();
    let record = record_of(&rotation.world, &rotation.user);
    let at = rotation.world.now();
    let key: AccessKeyId = "AKIAOTHER00000000000".parse().unwrap();
    let (named, new) = (vec![key.clone()], vec![rotation.new.clone()]);
    let keys = || [key.clone()].into();
    let last_use = None;
    for (notice, expected) in [
        (
            OwnerNotice::Issued {
                reason: Reason::Due,
                old: keys(),
                carry_envelope: false,
                deadline_days: None,
            },
            &new,
        ),
        (
            OwnerNotice::WillBeDisabled {
                key: key.clone(),
                at,
                days: 3,
                last_use: last_use.clone(),
            },
            &new,
        ),
        (
            OwnerNotice::WillBeRetired {
                key: key.clone(),
                at,
                days: 3,
                last_use: last_use.clone(),
            },
            &named,
        ),
        (
            OwnerNotice::Disabling {
                key: key.clone(),
                reason: DisableReason::Deadline,
                restorable_until: at,
                last_use,
            },
            &named,
        ),
        (
            OwnerNotice::Warning {
                key: key.clone(),
                rotates_at: at,
                certificate: None,
                certificate_problem: None,
                certificate_expires_at: None,
            },
            &named,
        ),
        (
            OwnerNotice::CertificateProblem {
                key: Some(key.clone()),
                code: "missing".into(),
                reason: "There is none.".into(),
            },
            &named,
        ),
        (
            OwnerNotice::Exposed {
                keys: keys(),
                other: OtherKey::None,
            },
            &named,
        ),
        (OwnerNotice::Restored { key: key.clone() }, &named),
        (
            OwnerNotice::WillBeDeleted {
                key: key.clone(),
                at,
                days: 3,
            },
            &named,
        ),
        (OwnerNotice::Deleting { key: key.clone() }, &named),
        (
            OwnerNotice::NotFetched {
                key: rotation.new.clone(),
                old: keys(),
            },
            &new,
        ),
        (
            OwnerNotice::SessionExposed {
                request: "one".into(),
            },
            &Vec::new(),
        ),
    ] {
        let about: Vec<AccessKeyId> = notice.keys(&record).into_iter().collect();
        assert_eq!(about, *expected, "{notice:?}");
    }
}

/// An attempt whose answer is lost is made again: the owner may read a notice twice.
#[test]
fn a_direct_message_whose_answer_is_lost_is_sent_again_and_is_evidence_once_slack_says_so() {
    let post = {
        let (world, _) = due_alice(MemberState::Active);
        let before = world.calls().len();
        handle(&world, &with_bot(), &everyone());
        let calls = world.calls();
        let made = calls[before..].iter();
        1 + made
            .take_while(|call| call.name != "slack:chat.postMessage")
            .count()
    };
    let (world, user) = due_alice(MemberState::Active);
    let lost = Fault {
        call: post,
        kind: FaultKind::ErrorAfter(ErrorKind::Unavailable),
    };
    let (handled, run) = handle_with(&world, &with_bot(), &everyone(), Some(lost));
    assert!(matches!(handled, Driven::Done(Ok(_))) && run.fault_fired());
    assert_eq!(direct(&world).len(), 2);
    assert!(reached_at(&world, &user).is_some());
}

/// R3, too: a direct message holds no more of a secret than any other notice.
#[test]
fn after_a_fault_at_any_call_nobody_counts_as_reached_who_was_not_written_to() {
    let calls = {
        let (world, _) = due_alice(MemberState::Active);
        handle_with(&world, &with_bot(), &everyone(), None)
            .1
            .calls()
    };
    let mut points = 0;
    for call in 1..=calls {
        for kind in [
            FaultKind::ErrorBefore(ErrorKind::Denied),
            FaultKind::ErrorBefore(ErrorKind::Unavailable),
            FaultKind::ErrorAfter(ErrorKind::Unavailable),
            FaultKind::CancelBefore,
            FaultKind::CancelAfter,
        ] {
            let (world, user) = due_alice(MemberState::Active);
            let case = format!("call {call}, {kind:?}");
            handle_with(&world, &with_bot(), &everyone(), Some(Fault { call, kind }));
            for _ in 0..2 {
                if let Some(record) = record(&world.view(), &user)
                    && let Some(rotation) = &record.rotation
                    && record.reached_at(&rotation.issued.key).is_some()
                {
                    let key = rotation.issued.key.as_str();
                    assert!(any_has(&direct(&world), key), "{case}");
                }
                run_daily(&world, &with_bot(), 1);
            }
            let record = record_of(&world, &user);
            let rotation = record.rotation.as_ref().expect(&case);
            let leaked = leaks::scan(&world.secrets(), world.everything_written());
            assert!(leaked.is_empty(), "{case}: {leaked:?}");
            let was_written_to = any_has(&direct(&world), rotation.issued.key.as_str());
            let is_reached = record.reached_at(&rotation.issued.key).is_some();
            assert!(rotation.delivered_at.is_some(), "{case}");
            // Of a message whose answers were all lost nobody knows.
            assert!(!is_reached || was_written_to, "{case}");
            points += 1;
        }
    }
    assert!(points > 50, "{points}");
}
