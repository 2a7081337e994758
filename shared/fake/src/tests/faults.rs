//! Outages, people who act between two calls, and a clock that jumps.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use banto_ports::{AccessKeys, Clock, ErrorKind};
use futures_util::future::{Either, select};
use jiff::SignedDuration;

use super::{days, done, kind, minutes, start, world};
use crate::{Call, Driven, Fault, FaultKind, drive};

#[test]
fn an_outage_fails_its_calls_before_their_effect_until_it_ends() {
    let world = world();
    let alice = world.add_user("alice");
    world.outage("iam:Create", ErrorKind::Unavailable, start() + minutes(30));
    for run in [world.run(None), world.run(None)] {
        let created = done(&run, AccessKeys::create(&*run, &alice));
        assert_eq!(kind(created), Some(ErrorKind::Unavailable));
        assert!(done(&run, run.keys(&alice)).unwrap().is_empty());
    }
    world.advance(minutes(30));
    let run = world.run(None);
    assert!(done(&run, AccessKeys::create(&*run, &alice)).is_ok());
}

#[test]
fn an_outage_after_the_effect_loses_the_answer_alone() {
    let world = world();
    let alice = world.add_user("alice");
    world.outage_after("iam:", ErrorKind::Unavailable, start() + minutes(30));
    let run = world.run(None);
    let created = done(&run, AccessKeys::create(&*run, &alice));
    assert_eq!(kind(created), Some(ErrorKind::Unavailable));
    assert_eq!(world.view().users[&alice].keys.len(), 1);
}

#[test]
fn somebody_acts_just_before_a_call_has_its_effect() {
    let world = world();
    let alice = world.add_user("alice");
    let key = world.add_key(&alice, days(1));
    let deleted = key.clone();
    let run = world.run_with(None, 2, move |world| world.delete_key(&deleted));
    assert_eq!(done(&run, run.keys(&alice)).unwrap().len(), 1);
    assert_eq!(run.acts_to_come(), 1);
    let disabled = done(&run, run.set_active(&alice, &key, false));
    assert_eq!(kind(disabled), Some(ErrorKind::Missing));
    assert_eq!(run.acts_to_come(), 0);
}

#[test]
fn somebody_acts_at_the_call_that_a_fault_befalls_and_the_watcher_tells_them_apart() {
    let world = world();
    let alice = world.add_user("alice");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    world.watch(move |view, call: &Call| {
        let users = view.users.values();
        let keys: usize = users.map(|user| user.keys.len()).sum();
        log.lock().unwrap().push((call.name, keys));
    });
    let fault = Fault {
        call: 1,
        kind: FaultKind::CancelAfter,
    };
    let run = world.run(Some(fault));
    let user = alice.clone();
    run.interfere_at("iam:CreateAccessKey", move |world| {
        world.add_key(&user, SignedDuration::ZERO);
    });
    let end = drive(&run, AccessKeys::create(&*run, &alice));
    assert!(matches!(end, Driven::Cancelled) && run.fault_fired());
    let expected = [(Call::PERSON, 1), ("iam:CreateAccessKey", 2)];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[test]
fn a_clock_that_jumps_leaves_aws_its_own_dates() {
    let world = world();
    let alice = world.add_user("alice");
    let run = world.run(None);
    world.jump(-days(1));
    assert_eq!((run.now(), world.now()), (start() - days(1), start()));
    let key = done(&run, AccessKeys::create(&*run, &alice)).unwrap();
    assert_eq!(key.created_at, start());
    world.jump(days(3));
    world.advance(minutes(1));
    assert_eq!(run.now(), start() + days(2) + minutes(1));
}

#[test]
fn a_pause_that_limits_a_future_is_over_only_if_that_takes_so_long() {
    let world = world();
    let alice = world.add_user("alice");
    let run = world.run(None);
    let within = async |limit: u64, pause: u64| {
        let work = async {
            for _ in 0..3 {
                run.keys(&alice).await?;
                run.sleep(Duration::from_secs(pause)).await;
            }
            run.keys(&alice).await
        };
        let (work, limit) = (pin!(work), pin!(run.sleep(Duration::from_secs(limit))));
        match select(work, limit).await {
            Either::Left((done, _)) => done.map(|_| true),
            Either::Right(((), _)) => Ok(false),
        }
    };
    assert_eq!(done(&run, within(210, 60)), Ok(true));
    assert_eq!(world.now(), start() + minutes(3));
    assert_eq!(run.calls(), 4);
    assert_eq!(done(&run, within(150, 60)), Ok(false));
    assert_eq!(
        world.now(),
        start() + minutes(5) + SignedDuration::from_secs(30)
    );
    assert_eq!(run.calls(), 7);
}

#[test]
fn where_calls_take_time_a_pause_ends_with_it_and_one_that_is_dropped_holds_nobody() {
    let world = world();
    world.take_time(SignedDuration::from_millis(50));
    let run = world.run(None);
    {
        let mut pause = pin!(run.sleep(Duration::from_secs(60)));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..20 {
            assert!(pause.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(world.next_timer(), Some(start() + minutes(1)));
    }
    assert_eq!(world.next_timer(), None);
    let mut pause = pin!(run.sleep(Duration::from_secs(60)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(pause.as_mut().poll(&mut context).is_pending());
    world.advance_to(start() + minutes(1));
    assert!(pause.as_mut().poll(&mut context).is_ready());
}
