//! Every call of every invocation fails in every way: before and after its effect, by an error and
//! by the end of the process. Whatever happens, the messages that come again lead to all being
//! told, and nothing goes the wrong way.

use std::sync::Arc;

use banto_domain::policy::CompliancePolicy;
use banto_fake::{Fault, FaultKind, World};
use banto_ports::ErrorKind;
use serde_json::Value;

use super::harness::{PAYMENTS, breaches, minutes, scheduled, seen, world};
use crate::harness::crash_points::{Played, Scene, at_once, one_fault, one_fault_in, two_faults};
use crate::harness::{Sqs, enqueue, handle, settle};

mod flood;
mod scenes;

use scenes::{long_scenes, scenes, short_scenes};

/// What people must read on a way, or else by the fall-back: one of several wordings, for it
/// depends on the fault what is told together.
type Expected = (&'static str, Vec<String>);

/// A world in which messages are about to be worked off, and what people are told then.
struct Begun {
    name: &'static str,
    prepare: fn(&Arc<World>) -> Vec<Value>,
    /// The policy from then on.
    policy: fn() -> CompliancePolicy,
    expected: Vec<Expected>,
    /// How many messages there are when nothing fails, with the reminders of the next day.
    messages: usize,
    /// Further messages that come again with a digest that comes twice, for its thread does too.
    more_in_thread: usize,
    /// Whether what a fault held up may wait for the next daily schedule. Events come again before
    /// that.
    waits_for_the_next_day: bool,
    /// True if the account payments is the search team's by now, so that it may be named there.
    has_moved: bool,
}

/// Every scene.
pub fn all() -> Vec<Box<dyn Scene>> {
    let scenes = scenes().into_iter();
    scenes
        .map(|scene| Box::new(scene) as Box<dyn Scene>)
        .collect()
}

fn set_up(scene: &Begun) -> (Arc<World>, usize) {
    let world = world();
    let events = (scene.prepare)(&world);
    enqueue(&world, &events);
    let before = seen(&world).len();
    (world, before)
}

/// What nobody has read.
fn unread(world: &World, scene: &Begun) -> Vec<String> {
    let messages = seen(world);
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_read = |(way, wordings): &&Expected| {
        let mut read = messages
            .iter()
            .filter(|message| message.way == *way || message.text.contains("Sent by SNS: "));
        read.any(|message| {
            let text = words(&format!("{} {}", message.first, message.text));
            wordings.iter().any(|wording| text.contains(wording))
        })
    };
    let unread = scene.expected.iter().filter(|expected| !is_read(expected));
    unread
        .map(|(_, wordings)| format!("N1: nobody read {wordings:?}"))
        .collect()
}

/// What must be true in the end, whatever happened on the way.
fn broken(
    world: &Arc<World>,
    scene: &Begun,
    before: usize,
    dead: usize,
    most: usize,
) -> Vec<String> {
    let policy = &(scene.policy)();
    let mut broken = unread(world, scene);
    if scene.waits_for_the_next_day {
        broken.clear();
    }
    // What a single failure left waiting is taken up by the next day's schedule.
    world.advance(minutes(24 * 60));
    handle(world, policy, &scheduled());
    settle(world, policy);
    broken.extend(unread(world, scene));
    for route in ["payments", "team-payments", "search", "auditors", "default"] {
        if !world.outbox(route).is_empty() {
            broken.push(format!("N1: something still waits on {route}"));
        }
    }
    if dead > 0 {
        broken.push(format!("{dead} dead letters"));
    }
    let told = seen(world).len() - before;
    if told > most {
        broken.push(format!("N1: {told} messages, not {most} at the most"));
    }
    let calls = seen(world).len();
    handle(world, policy, &scheduled());
    settle(world, policy);
    if seen(world).len() != calls {
        broken.push(format!("said again: {:?}", seen(world).last()));
    }
    broken.extend(breaches(world).into_iter().filter(|breach| {
        let is_named_to_search = ["webhook", "search"]
            .iter()
            .any(|way| breach.starts_with(&format!("N5: {PAYMENTS} in Seen {{ way: {way:?}")));
        !(scene.has_moved && is_named_to_search)
    }));
    broken
}

impl Scene for Begun {
    fn name(&self) -> &str {
        self.name
    }

    fn play(&self, faults: &[(usize, Fault)]) -> Played {
        let (world, before) = set_up(self);
        let mut sqs = Sqs::default();
        sqs.settle(&world, &(self.policy)(), faults);
        // Each fault may cost a message that comes twice.
        let broken = broken(
            &world,
            self,
            before,
            sqs.dead.len(),
            self.messages + faults.len() + self.more_in_thread * faults.len().saturating_sub(1),
        );
        Played {
            calls: sqs.calls,
            fired: sqs.fired,
            broken,
        }
    }
}

#[test]
fn after_a_fault_at_any_call_everything_is_told_and_at_most_one_message_comes_twice() {
    one_fault(&short_scenes());
    one_fault_in("crash points of long scenes", &long_scenes(), 2);
}

#[test]
fn after_a_fault_in_the_invocation_that_follows_a_fault_everything_is_told_too() {
    let both = two_faults(
        &scenes(),
        5,
        &[[
            FaultKind::CancelAfter,
            FaultKind::ErrorAfter(ErrorKind::Unavailable),
        ]],
    );
    assert!(both > 100, "{both}");
}

#[test]
fn two_invocations_at_once_lose_nothing_and_tell_nothing_twice() {
    at_once(&scenes(), |scene, invocation, turns| {
        let (world, before) = set_up(scene);
        let mut sqs = Sqs::default();
        sqs.settle_with_two(&world, &(scene.policy)(), invocation, turns);
        // A notice of another function may be carried by both.
        let most = scene.messages + usize::from(scene.name.contains("another function"));
        broken(&world, scene, before, sqs.dead.len(), most)
    });
}
