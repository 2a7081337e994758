//! Every call of every run fails in every way, and two runs go on at once. Whatever happens, later
//! runs converge, and no promise is broken on the way.

use std::sync::Arc;

use banto_domain::UserName;
use banto_domain::policy::Policy;
use banto_fake::{Driven, Fault, FaultKind, World};
use banto_ports::ErrorKind;
use serde_json::Value;

use super::harness::{Watch, add_registered, asked, days, everyone, policy, record, start, story};
use crate::harness::crash_points::{Played, Scene, Tally, fault_of, one_fault, two_faults};
use crate::harness::{Function, handle, handle_twice, handle_with};

/// A world in which one run is about to happen, and that run's event.
struct Story {
    name: &'static str,
    /// True if an emergency or a deadline excuses a person without a key.
    excused: bool,
    event: fn(&UserName) -> Value,
    prepare: fn() -> (Arc<World>, UserName),
}

fn due() -> (Arc<World>, UserName) {
    let world = World::at(start());
    let (user, _) = add_registered(&world, "alice", days(100));
    (world, user)
}

/// Straight after a rotation, the new key used, the grace over.
fn proven() -> (Arc<World>, UserName) {
    let (world, user) = due();
    handle(&world, &policy(), &everyone());
    let new = record(&world.view(), &user).unwrap().envelope.unwrap().key;
    world.use_key(&new);
    world.advance(days(2));
    (world, user)
}

/// The deadline has passed, and nobody used the new key.
fn unproven() -> (Arc<World>, UserName) {
    let (world, user) = due();
    handle(&world, &policy(), &everyone());
    for _ in 0..13 {
        world.advance(days(1));
        handle(&world, &policy(), &everyone());
    }
    world.advance(days(1));
    (world, user)
}

/// The old key was disabled long ago, and its owner reminded.
fn retired() -> (Arc<World>, UserName) {
    let (world, user) = proven();
    for _ in 0..10 {
        handle(&world, &policy(), &everyone());
        world.advance(days(1));
    }
    (world, user)
}

fn stories() -> Vec<Story> {
    vec![
        Story {
            name: "issue",
            excused: false,
            event: |_| everyone(),
            prepare: due,
        },
        Story {
            name: "force",
            excused: false,
            event: |user| asked(user, "force"),
            prepare: || {
                let world = World::at(start());
                let (user, _) = add_registered(&world, "alice", days(10));
                (world, user)
            },
        },
        Story {
            name: "first key",
            excused: false,
            event: |user| asked(user, "force"),
            prepare: || {
                let (world, user) = due();
                let keys: Vec<_> = world.view().users[&user].keys.keys().cloned().collect();
                keys.iter().for_each(|key| world.delete_key(key));
                (world, user)
            },
        },
        Story {
            name: "emergency",
            excused: true,
            event: |user| asked(user, "emergency"),
            prepare: due,
        },
        Story {
            name: "warn",
            excused: false,
            event: |_| everyone(),
            prepare: || {
                let world = World::at(start());
                let (user, _) = add_registered(&world, "alice", days(85));
                (world, user)
            },
        },
        Story {
            name: "disable",
            excused: false,
            event: |_| everyone(),
            prepare: proven,
        },
        Story {
            name: "deadline",
            excused: true,
            event: |_| everyone(),
            prepare: unproven,
        },
        Story {
            name: "delete",
            excused: false,
            event: |_| everyone(),
            prepare: retired,
        },
    ]
}

/// Runs daily until a run does nothing, and the run straight after it neither; the owner uses each
/// new key as soon as it is told. Whether it came to that.
fn converge(world: &Arc<World>, policy: &Policy, user: &UserName) -> bool {
    let mut quiet = 0;
    for _ in 0..60 {
        let before = (world.view().users.clone(), world.view().sent.len());
        handle(world, policy, &everyone());
        let after = (world.view().users.clone(), world.view().sent.len());
        quiet = if before == after { quiet + 1 } else { 0 };
        let rotation = record(&world.view(), user).and_then(|record| record.rotation);
        if let Some(rotation) = rotation.filter(|rotation| rotation.delivered_at.is_some())
            && let Some(issued) = rotation
                .issued
                .filter(|issued| world.view().users[user].keys.contains_key(&issued.key))
        {
            world.use_key(&issued.key);
        }
        world.advance(days(1));
        if quiet > 14 {
            return true;
        }
    }
    false
}

/// Lets further runs converge, and says what is not true in the end: one key, active, in the
/// owner's hands.
fn settled(world: &Arc<World>, policy: &Policy, user: &UserName, story: &str) -> Vec<String> {
    let mut broken = Vec::new();
    if !converge(world, policy, user) {
        broken.push(format!("R4: did not converge:\n{}", story_of(world)));
    }
    let view = world.view();
    let keys: Vec<_> = view.users[user].keys.values().collect();
    let is_settled = keys.len() == 1 && keys[0].active && (keys[0].by_banto || story == "warn");
    if !is_settled {
        broken.push(format!(
            "R4: not one new key in the end, but {keys:?}\n{}",
            story_of(world)
        ));
    }
    broken
}

fn story_of(world: &World) -> String {
    story(&world.calls())
}

impl Scene for Story {
    fn name(&self) -> &str {
        self.name
    }

    fn play(&self, faults: &[(usize, Fault)]) -> Played {
        let policy = policy();
        let (world, user) = (self.prepare)();
        let watch = Watch::on(&world, &policy, self.excused);
        let event = (self.event)(&user);
        let mut played = Played::default();
        for invocation in 0..faults.len().max(1) {
            if invocation > 0 {
                world.advance(days(1));
            }
            let (_, run) = handle_with(&world, &policy, &event, fault_of(faults, invocation));
            played.calls.push(run.calls());
            played.fired += usize::from(run.fault_fired());
        }
        if event != everyone() {
            // Lambda retries a failed asynchronous event; here after the intent's lease.
            world.advance(Policy::HIDDEN);
            handle(&world, &policy, &event);
        }
        world.advance(Policy::HIDDEN);
        played.broken = settled(&world, &policy, &user, self.name);
        played.broken.extend(watch.broken());
        played
    }
}

/// R4, with R1, R2, R5 and R8 watched at every step.
#[test]
fn after_a_fault_at_any_call_further_runs_converge_and_no_promise_is_broken() {
    let points = one_fault(&stories());
    assert!(points > 300, "{points}");
}

/// R4, for two crashes in a row.
#[test]
fn after_faults_in_two_runs_in_a_row_further_runs_converge() {
    let kinds = [
        FaultKind::CancelAfter,
        FaultKind::ErrorAfter(ErrorKind::Unavailable),
    ]
    .map(|kind| [kind; 2]);
    two_faults(&stories()[..1], 1, &kinds);
}

/// R5: two concurrent runs never issue two keys to one person.
#[test]
fn two_runs_interleaved_at_every_call_issue_one_key() {
    let policy = policy();
    let mut tally = Tally::of("interleavings");
    let events: [fn(&UserName) -> Value; 3] = [
        |_| everyone(),
        |user| asked(user, "force"),
        |user| asked(user, "emergency"),
    ];
    for (number, event) in events.into_iter().enumerate() {
        let calls = {
            let (world, user) = due();
            handle_with(&world, &policy, &event(&user), None).1.calls() + 4
        };
        for (away, back) in (0..=calls).flat_map(|away| (0..=calls).map(move |back| (away, back))) {
            let (world, user) = due();
            let watch = Watch::on(&world, &policy, number == 2);
            let turns = std::iter::repeat_n(true, away).chain(std::iter::repeat_n(false, back));
            let ends = handle_twice(&world, &policy, &event(&user), turns);
            let mut broken = Vec::new();
            for end in ends {
                let is_expected = match &end {
                    Driven::Done(Ok(_)) => true,
                    // A named user's run may say that another was faster.
                    Driven::Done(Err(failure)) => {
                        failure.kind == "Incomplete" && failure.to_string().contains("conflict")
                    }
                    Driven::Cancelled => false,
                };
                assert!(is_expected, "{away} {back}: {end:?}");
            }
            let created = world
                .calls()
                .iter()
                .filter(|call| call.name == "iam:CreateAccessKey")
                .count();
            if created > 1 {
                broken.push(format!("R5: {created} keys created\n{}", story_of(&world)));
            }
            world.advance(Policy::HIDDEN);
            broken.extend(settled(&world, &policy, &user, "issue"));
            broken.extend(watch.broken());
            tally.add(
                format!("event {number}, {away} calls of one, then {back} of the other"),
                broken,
            );
        }
    }
    tally.close();
}
