//! A fault at every call: before and after its effect, by an error and by the end of the process.
//!
//! What a scene is, how it goes on after a fault and which promises it must keep is the function's
//! own; which faults befall it, and that each of them did, is seen to here.

use std::fmt;

use banto_fake::{Fault, FaultKind};
use banto_ports::ErrorKind;

/// What can happen to a call.
const KINDS: [FaultKind; 6] = [
    FaultKind::ErrorBefore(ErrorKind::Unavailable),
    FaultKind::ErrorAfter(ErrorKind::Unavailable),
    FaultKind::ErrorBefore(ErrorKind::Throttled),
    FaultKind::ErrorBefore(ErrorKind::Denied),
    FaultKind::CancelBefore,
    FaultKind::CancelAfter,
];

/// Calls of the second invocation that a second fault befalls at least, where a clean one makes
/// fewer: after a fault it has more to do.
const AFTER_A_FAULT: usize = 12;

/// A world in which something is about to happen.
pub trait Scene {
    /// Its name, for a failing test's message.
    fn name(&self) -> &str;

    /// Plays it in a fresh world until nothing is left to do. Each fault befalls one call of one
    /// invocation, by the invocation's number from 0.
    fn play(&self, faults: &[(usize, Fault)]) -> Played;
}

/// What came of playing a scene.
#[derive(Debug, Default)]
pub struct Played {
    /// How many calls each invocation made that a fault can befall.
    pub calls: Vec<usize>,
    /// How many faults befell their call.
    pub fired: usize,
    /// The promises that were broken on the way or in the end.
    pub broken: Vec<String>,
}

/// The fault that befalls an invocation, if one does.
pub fn fault_of(faults: &[(usize, Fault)], invocation: usize) -> Option<Fault> {
    faults
        .iter()
        .find(|(number, _)| *number == invocation)
        .map(|(_, fault)| *fault)
}

/// The calls of each invocation when nothing fails, which must keep every promise too.
fn clean(scene: &impl Scene) -> Vec<usize> {
    let Played { calls, broken, .. } = scene.play(&[]);
    assert_eq!(
        broken,
        Vec::<String>::new(),
        "{}: without a fault",
        scene.name()
    );
    assert!(
        calls.iter().sum::<usize>() > 2,
        "{}: a clean run makes {calls:?} calls",
        scene.name()
    );
    calls
}

/// Lets every kind of fault befall every call of every invocation, one in each world; answers how
/// many.
pub fn one_fault(scenes: &[impl Scene]) -> usize {
    one_fault_in("crash points", scenes, 1)
}

/// Does so in a kind of world, which is told with the count, at every `step`th call.
pub fn one_fault_in(what: &str, scenes: &[impl Scene], step: usize) -> usize {
    let mut tally = Tally::of(what);
    for scene in scenes {
        for (invocation, calls) in clean(scene).into_iter().enumerate() {
            let calls = (1 + invocation % step..=calls).step_by(step);
            for (call, kind) in calls.flat_map(|call| KINDS.map(|kind| (call, kind))) {
                let Played { fired, broken, .. } =
                    scene.play(&[(invocation, Fault { call, kind })]);
                let place = format!(
                    "{}, invocation {invocation}, call {call}, {kind:?}",
                    scene.name()
                );
                assert_eq!(fired, 1, "no fault: {place}");
                tally.add(place, broken);
            }
        }
    }
    tally.close()
}

/// Lets two faults befall two invocations in a row, at every `step`th call of each; answers in how
/// many worlds both befell one.
pub fn two_faults(scenes: &[impl Scene], step: usize, kinds: &[[FaultKind; 2]]) -> usize {
    let mut tally = Tally::of("crash points, two in a row");
    let mut both = 0;
    for scene in scenes {
        for (invocation, calls) in clean(scene).into_iter().enumerate() {
            let firsts = (1..=calls).step_by(step);
            let pairs = firsts.flat_map(|first| {
                let seconds = (1..=calls.max(AFTER_A_FAULT)).step_by(step);
                seconds
                    .flat_map(move |second| kinds.iter().map(move |kinds| ([first, second], kinds)))
            });
            for (calls, kinds) in pairs {
                let fault = |number: usize| {
                    (
                        invocation + number,
                        Fault {
                            call: calls[number],
                            kind: kinds[number],
                        },
                    )
                };
                let Played { fired, broken, .. } = scene.play(&[fault(0), fault(1)]);
                let place = format!(
                    "{}, invocation {invocation}, calls {calls:?}, {kinds:?}",
                    scene.name()
                );
                assert!(fired > 0, "no fault: {place}");
                // The second invocation may be shorter than that, for the first did a part of the
                // work.
                both += usize::from(fired == 2);
                tally.add(place, broken);
            }
        }
    }
    say!("of these pairs, both befell a call: {both}");
    tally.close();
    assert!(both > 0, "no second fault befell a call");
    both
}

/// Lets two invocations have each batch of messages at once: the first makes some calls before the
/// second begins, then they take turns. `play` does so for one invocation's batch, given the turns,
/// and answers what is broken.
pub fn at_once<S: Scene>(
    scenes: &[S],
    play: impl Fn(&S, usize, Vec<bool>) -> Vec<String>,
) -> usize {
    let mut tally = Tally::of("interleavings");
    for scene in scenes {
        for (invocation, calls) in clean(scene).into_iter().enumerate() {
            for first in 0..=calls {
                // Two invocations that come into each other's way make more calls than one.
                let in_turn = (0..calls * 6).map(|turn| turn % 2 == 1);
                let turns = std::iter::repeat_n(true, first).chain(in_turn).collect();
                let broken = play(scene, invocation, turns);
                tally.add(
                    format!(
                        "{}, invocation {invocation}, second from call {first}",
                        scene.name()
                    ),
                    broken,
                );
            }
        }
    }
    tally.close()
}

/// Counts what was tried, and collects the promises that were broken.
pub struct Tally {
    what: String,
    points: usize,
    broken: Vec<String>,
}

impl Tally {
    pub fn of(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            points: 0,
            broken: Vec::new(),
        }
    }

    pub fn add(&mut self, place: impl fmt::Display, broken: Vec<String>) {
        self.points += 1;
        self.broken
            .extend(broken.into_iter().map(|what| format!("{place}: {what}")));
    }

    /// Says how many there were; fails if there were none, or if any promise was broken.
    pub fn close(self) -> usize {
        let Self {
            what,
            points,
            broken,
        } = self;
        say!("{what}: {points}, promises broken: {}", broken.len());
        assert!(points > 0, "{what}: nothing was tried");
        assert!(
            broken.is_empty(),
            "{} of {points}:\n{}",
            broken.len(),
            broken.join("\n")
        );
        points
    }
}
