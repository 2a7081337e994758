//! Issues that were interrupted: a key is deleted only with proof that Banto's own role made it.

use std::sync::Arc;

use banto_domain::{AccessKeyId, UserName};
use banto_fake::{Fault, FaultKind, Reader, World};
use banto_ports::ErrorKind;
use jiff::SignedDuration;

use super::harness::{
    alone, any_has, asked_about, by_queue, count, days, everyone, has, hours, is_active, is_there,
    minutes, operators_told, policy, record, run_daily, sealed, working,
};
use crate::harness::{handle, handle_on, handle_with};

/// The number of a call of the run that issues the key.
fn number_of(call: &str) -> usize {
    let (world, _, _) = alone(days(100));
    handle(&world, &policy(), &everyone());
    let calls = world.calls();
    let place = calls.iter().position(|made| made.name == call).unwrap();
    place + 1
}

/// Straight after a run whose CreateAccessKey had this fault.
fn interrupted(kind: FaultKind) -> (Arc<World>, UserName, AccessKeyId) {
    let (world, user, old) = alone(days(100));
    let call = number_of("iam:CreateAccessKey");
    let (_, run) = handle_with(&world, &policy(), &everyone(), Some(Fault { call, kind }));
    assert!(run.fault_fired());
    (world, user, old)
}

/// The key that nobody has the secret of.
fn orphan(world: &World, user: &UserName) -> AccessKeyId {
    let view = world.view();
    let mut keys = view.users[user].keys.iter();
    keys.find(|(_, key)| key.by_banto).unwrap().0.clone()
}

/// R2: a refusal that is certain leaves no intent that could explain a person's key.
#[test]
fn after_a_certain_refusal_a_key_that_the_person_makes_is_never_touched() {
    for kind in [
        ErrorKind::Throttled,
        ErrorKind::Denied,
        ErrorKind::LimitExceeded,
    ] {
        let (world, user, _) = interrupted(FaultKind::ErrorBefore(kind));
        assert!(record(&world.view(), &user).unwrap().intent.is_none());
        world.advance(minutes(15));
        let mine = world.add_key(&user, days(0));
        run_daily(&world, &policy(), 40);
        assert!(is_active(&world, &mine), "{kind:?}");
    }
}

/// R2: a person's key appeared in the window of the intent, and the answer was lost.
#[test]
fn after_a_lost_answer_a_key_that_the_person_makes_is_never_touched() {
    for delay in [minutes(0), minutes(2), minutes(19), minutes(30)] {
        let (world, user, _) = interrupted(FaultKind::ErrorBefore(ErrorKind::Unavailable));
        world.advance(delay);
        let mine = world.add_key(&user, days(0));
        run_daily(&world, &policy(), 40);
        assert!(is_active(&world, &mine), "{delay:#}");
    }
}

/// R2: the person's key takes the second place between the look and the new key.
#[test]
fn a_key_that_a_person_makes_just_before_ours_is_never_touched() {
    let (world, user, _) = alone(days(100));
    let run = world.run(None);
    let alice = user.clone();
    run.interfere_at("iam:CreateAccessKey", move |world| {
        drop(world.add_key(&alice, days(0)));
    });
    drop(handle_on(&run, &world, &policy(), &everyone()));
    assert_eq!(run.acts_to_come(), 0);
    let keys = world.view().users[&user].keys.clone();
    assert_eq!(keys.len(), 2);
    run_daily(&world, &policy(), 40);
    assert_eq!(world.view().users[&user].keys, keys);
}

/// R2 and R4: CloudTrail proves whose key it is, and the rotation goes on.
#[test]
fn an_orphan_that_cloudtrail_shows_to_be_ours_is_deleted_and_a_key_follows() {
    for lag in [minutes(0), minutes(15), minutes(50)] {
        let (world, user, old) = interrupted(FaultKind::CancelAfter);
        world.lag(Reader::LookupEvents, lag);
        let lost = orphan(&world, &user);
        for _ in 0..2 {
            world.advance(minutes(21));
            handle(&world, &policy(), &everyone());
            let is_proven = lag <= minutes(15);
            assert_eq!(is_there(&world, &user, &lost), !is_proven, "{lag:#}");
        }
        world.advance(hours(1));
        handle(&world, &policy(), &everyone());
        handle(&world, &policy(), &everyone());
        assert!(!is_there(&world, &user, &lost), "{lag:#}");
        assert_ne!(sealed(&world, &user), lost, "{lag:#}");
        assert!(is_active(&world, &old), "{lag:#}");
    }
}

/// R2: without proof, people must say. What they say settles it.
#[test]
fn an_orphan_without_proof_becomes_a_finding_that_discarding_settles() {
    let (world, user, _) = interrupted(FaultKind::CancelAfter);
    let lost = orphan(&world, &user);
    world.lag(Reader::LookupEvents, days(30));
    world.advance(minutes(40));
    handle(&world, &policy(), &everyone());
    assert!(!any_has(&operators_told(&world), lost.as_str()));
    world.advance(minutes(30));
    handle(&world, &policy(), &everyone());
    let finding = "that appeared when an issue was interrupted";
    assert!(any_has(&operators_told(&world), finding));
    run_daily(&world, &policy(), 10);
    let findings = operators_told(&world);
    let findings = findings.iter().filter(|text| has(text, finding));
    assert_eq!(findings.count(), 2, "at once, and as a week begins");
    assert!(is_there(&world, &user, &lost));
    by_queue(&world, &policy(), &asked_about(&user, "discard", &[&lost]));
    assert!(!is_there(&world, &user, &lost));
    run_daily(&world, &policy(), 1);
    let new = sealed(&world, &user);
    assert!(working(&world, &user).contains(&new));
}

/// R2: CloudTrail being away is no proof of anything.
#[test]
fn while_cloudtrail_is_away_nothing_is_deleted_and_operators_hear_of_it_once() {
    let (world, user, _) = interrupted(FaultKind::CancelAfter);
    let lost = orphan(&world, &user);
    let told = operators_told(&world).len();
    world.outage("cloudtrail:", ErrorKind::Denied, world.now() + days(3));
    run_daily(&world, &policy(), 2);
    assert!(is_there(&world, &user, &lost));
    let texts = operators_told(&world);
    assert_eq!(texts.len(), told + 1, "{texts:?}");
    assert!(any_has(&texts, "CloudTrail does not show"));
    run_daily(&world, &policy(), 2);
    assert!(!is_there(&world, &user, &lost));
    assert!(is_active(&world, &sealed(&world, &user)));
}

/// R2: whoever uses a key has its secret.
#[test]
fn an_orphan_that_somebody_uses_is_a_finding_and_is_kept() {
    let (world, user, _) = interrupted(FaultKind::CancelAfter);
    let lost = orphan(&world, &user);
    world.use_key(&lost);
    run_daily(&world, &policy(), 20);
    assert!(is_active(&world, &lost));
    assert!(any_has(
        &operators_told(&world),
        "whose secret was lost in a crash"
    ));
}

/// R2: discarding is for what an interrupted issue left, and for nothing else.
#[test]
fn a_key_that_no_interrupted_issue_explains_is_not_discarded() {
    let (world, user, old) = alone(days(10));
    let mine = world.add_key(&user, days(1));
    for key in [&old, &mine] {
        let event = asked_about(&user, "discard", &[key]);
        by_queue(&world, &policy(), &event);
        assert!(is_active(&world, key));
        let told = format!("was to have {key} discarded, but no interrupted issue explains it");
        assert!(any_has(&operators_told(&world), &told));
    }
}

/// R5: while the run that made the key may be at work, it is nobody's orphan.
#[test]
fn a_key_of_a_run_that_may_be_at_work_is_left_alone() {
    let (world, user, _) = interrupted(FaultKind::CancelAfter);
    let lost = orphan(&world, &user);
    for _ in 0..19 {
        world.advance(SignedDuration::from_mins(1));
        handle(&world, &policy(), &everyone());
    }
    assert!(is_active(&world, &lost));
    assert_eq!(count(&world, "iam:CreateAccessKey"), 1);
}
