//! Every call of every invocation fails in every way: before and after its effect, by an error and by the end of the
//! process. Whatever happens, the messages that come again lead to all being told, and nothing goes the wrong way.

use std::sync::Arc;
use std::time::Duration;

use banto_fake::{Fault, FaultKind, World, interleave};
use banto_notice::{Audience, Notice, Urgency};
use banto_ports::ErrorKind;
use banto_shell::Invocation;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::stage::{
    OTHER, PAYMENTS, SEARCH, Sqs, Told, account, add_account, batch, breaches, enqueue, failed, handle, minutes,
    notifier, policy, region, rule, scheduled, seen, settle, start, tell, world,
};

const KINDS: [FaultKind; 6] = [
    FaultKind::ErrorBefore(ErrorKind::Unavailable),
    FaultKind::ErrorAfter(ErrorKind::Unavailable),
    FaultKind::ErrorBefore(ErrorKind::Throttled),
    FaultKind::ErrorBefore(ErrorKind::Denied),
    FaultKind::CancelBefore,
    FaultKind::CancelAfter,
];

/// What people must read on a way, or else by the fall-back: one of several wordings, for it depends on the fault
/// what is told together.
type Expected = (&'static str, Vec<String>);

/// A world in which messages are about to be worked off, and what people are told then.
struct Scene {
    name: &'static str,
    prepare: fn(&Arc<World>) -> Vec<Value>,
    expected: Vec<Expected>,
    /// How many messages there are when nothing fails.
    messages: usize,
    /// Whether what a fault held up may wait for the next daily schedule. Events come again before that.
    waits_for_the_next_day: bool,
}

fn bad(account: &'static str, rule: &'static str, resource: &'static str) -> Told<'static> {
    Told::bad(account, rule, resource, start())
}

const MANY: usize = 8;

/// The same in many accounts of the payments team.
fn many(world: &World, rule: &str) -> Vec<Value> {
    let each = (0..MANY).map(|number| {
        let id = format!("{:012}", 700_000_000_000_u64 + number as u64);
        add_account(world, &id, &format!("payments-{number}"), "payments");
        Told::bad(&id, rule, "website", start()).event()
    });
    each.collect()
}

fn on(way: &'static str, wordings: &[&str]) -> Expected {
    (way, wordings.iter().map(|wording| (*wording).to_owned()).collect())
}

/// Each account of [`many`], by itself or in the thread of a summary; or a summary that counts all of them.
fn each_of_many(all: &str, count: usize, alone: fn(usize) -> String, what: &str) -> Vec<Expected> {
    let one = |number: usize| {
        let in_thread = format!("payments-{number} ({:012}, alice): 1 {what}", 700_000_000_000_u64 + number as u64);
        let among_rules = in_thread.replace(": 1", ": bucket-logging, 1");
        let titled = in_thread.replace(": 1", ": S3 bucket is public, 1");
        ("C0PAYMENTS", vec![all.to_owned(), alone(number), in_thread, among_rules, titled])
    };
    (0..count).map(one).collect()
}

fn scenes() -> Vec<Scene> {
    vec![
        Scene {
            name: "new findings on four ways",
            prepare: |_| {
                vec![
                    bad(PAYMENTS, "bucket-public", "website").event(),
                    bad(SEARCH, "bucket-public", "index").event(),
                    bad(OTHER, "root-mfa", "root").event(),
                    bad(OTHER, "bucket-logging", "old").event(),
                ]
            },
            expected: vec![
                on("C0PAYMENTS", &["S3 bucket is public: website in payments"]),
                on("webhook", &["S3 bucket is public: index in search"]),
                on("auditors@example.com", &["root-mfa: root in legacy"]),
                on("compliance", &["bucket-logging: old in legacy"]),
            ],
            messages: 4,
            waits_for_the_next_day: false,
        },
        Scene {
            name: "resolved, and more found",
            prepare: |world| {
                let one = bad(PAYMENTS, "bucket-public", "one");
                tell(world, &policy(), &[one.event()]);
                world.advance(minutes(30));
                let now = world.now();
                vec![one.good(now).event(), Told::bad(PAYMENTS, "bucket-public", "two", now).event()]
            },
            expected: vec![
                on("C0PAYMENTS", &["1 more, 1 resolved in payments, 1 left", "Resolved: one in payments"]),
                on("C0PAYMENTS", &["1 more, 1 resolved in payments, 1 left", "public: two in payments"]),
            ],
            messages: 1,
            waits_for_the_next_day: false,
        },
        Scene {
            name: "a storm begins",
            prepare: |world| many(world, "bucket-public"),
            expected: each_of_many(
                "8 resources in 8 accounts",
                MANY,
                |number| format!("S3 bucket is public: website in payments-{number}"),
                "found",
            ),
            messages: 2,
            waits_for_the_next_day: false,
        },
        Scene {
            name: "a storm goes on and ends",
            prepare: |world| {
                tell(world, &policy(), &many(world, "bucket-public"));
                world.advance(minutes(5));
                let mut events = many(world, "bucket-logging");
                let resolved = (0..4).map(|number| {
                    let id = format!("{:012}", 700_000_000_000_u64 + number);
                    Told::bad(&id, "bucket-public", "website", start()).good(world.now()).event()
                });
                events.extend(resolved);
                events
            },
            expected: [
                each_of_many(
                    "8 open, 0 resolved",
                    MANY,
                    |number| format!("bucket-logging: website in payments-{number}"),
                    "found",
                ),
                each_of_many("4 open, 4 resolved", 4, |number| format!("website in payments-{number}"), "resolved"),
            ]
            .concat(),
            messages: 2,
            waits_for_the_next_day: false,
        },
        Scene {
            name: "the daily comparison",
            prepare: |world| {
                let gone = bad(PAYMENTS, "bucket-public", "gone");
                let missed = bad(PAYMENTS, "bucket-logging", "missed");
                tell(world, &policy(), &[gone.event()]);
                world.advance(minutes(24 * 60));
                world.aggregate(&account(PAYMENTS), &region(), &rule("bucket-public"), Vec::new());
                world.aggregate(&account(PAYMENTS), &region(), &rule("bucket-logging"), vec![missed.found()]);
                handle(world, &policy(), &scheduled());
                Vec::new()
            },
            expected: vec![
                on("C0PAYMENTS", &["Resolved: gone in payments"]),
                on("C0PAYMENTS", &["bucket-logging: missed in payments"]),
            ],
            messages: 2,
            waits_for_the_next_day: true,
        },
        Scene {
            name: "another function's notice",
            prepare: |_| {
                let headline = "payments is ready".to_owned();
                let notice = Notice::new("ready".into(), Audience::Operators, Urgency::Information, headline);
                vec![json!({ "do": "notice", "notice": notice })]
            },
            expected: vec![on("operators", &["payments is ready"])],
            messages: 1,
            waits_for_the_next_day: false,
        },
    ]
}

fn staged(scene: &Scene) -> (Arc<World>, usize) {
    let world = world();
    let events = (scene.prepare)(&world);
    enqueue(&world, &events);
    let before = seen(&world).len();
    (world, before)
}

/// What nobody has read.
fn unread(world: &World, scene: &Scene) -> Vec<String> {
    let messages = seen(world);
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_read = |(way, wordings): &&Expected| {
        let mut read =
            messages.iter().filter(|message| message.way == *way || message.text.contains("did not take it"));
        read.any(|message| {
            let text = words(&format!("{} {}", message.first, message.text));
            wordings.iter().any(|wording| text.contains(wording))
        })
    };
    let unread = scene.expected.iter().filter(|expected| !is_read(expected));
    unread.map(|(_, wordings)| format!("N1: nobody read {wordings:?}")).collect()
}

/// What must be true in the end, whatever happened on the way.
fn broken(world: &Arc<World>, scene: &Scene, before: usize, dead: usize, most: usize) -> Vec<String> {
    let mut broken = unread(world, scene);
    if scene.waits_for_the_next_day {
        broken.clear();
    }
    // What a single failure left waiting is taken up by the next day's schedule.
    world.advance(minutes(24 * 60));
    handle(world, &policy(), &scheduled());
    settle(world, &policy());
    broken.extend(unread(world, scene));
    for route in ["payments", "search", "auditors", "default"] {
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
    handle(world, &policy(), &scheduled());
    settle(world, &policy());
    if seen(world).len() != calls {
        broken.push(format!("said again: {:?}", seen(world).last()));
    }
    broken.extend(breaches(world));
    broken
}

/// Works the scene off, each fault befalling one call of one invocation: how many calls the invocations made, how
/// many faults there were, and what is broken in the end.
fn run(scene: &Scene, faults: &[(usize, Fault)], most: usize) -> (Vec<usize>, usize, Vec<String>) {
    let (world, before) = staged(scene);
    let mut sqs = Sqs::default();
    let fired = sqs.settle(&world, &policy(), faults);
    let found = broken(&world, scene, before, sqs.dead.len(), most);
    (sqs.calls, fired, found)
}

#[test]
fn after_a_fault_at_any_call_everything_is_told_and_at_most_one_message_comes_twice() {
    let (mut points, mut all) = (0, Vec::new());
    for scene in scenes() {
        let (calls, _, found) = run(&scene, &[], scene.messages);
        assert_eq!(found, Vec::<String>::new(), "{}", scene.name);
        assert!(calls.iter().sum::<usize>() >= 3, "{}: {calls:?}", scene.name);
        for (invocation, count) in calls.iter().enumerate() {
            for call in 1..=*count {
                for kind in KINDS {
                    let fault = [(invocation, Fault { call, kind })];
                    let (_, fired, found) = run(&scene, &fault, scene.messages + 1);
                    points += 1;
                    let place = format!("{}, invocation {invocation}, call {call}, {kind:?}", scene.name);
                    assert_eq!(fired, 1, "no fault: {place}");
                    all.extend(found.into_iter().map(|what| format!("{place}: {what}")));
                }
            }
        }
    }
    say!("crash points: {points}, promises broken: {}", all.len());
    assert!(all.is_empty(), "{} of {points}:\n{}", all.len(), all.join("\n"));
}

#[test]
fn after_a_fault_in_the_invocation_that_follows_a_fault_everything_is_told_too() {
    let (mut points, mut all) = (0, Vec::new());
    for scene in scenes() {
        let (calls, _, _) = run(&scene, &[], scene.messages);
        for (invocation, count) in calls.iter().enumerate() {
            for first in (1..=*count).step_by(3) {
                for second in (1..=12).step_by(3) {
                    let faults = [
                        (invocation, Fault { call: first, kind: FaultKind::CancelAfter }),
                        (invocation + 1, Fault { call: second, kind: FaultKind::ErrorAfter(ErrorKind::Unavailable) }),
                    ];
                    // The second invocation may be shorter than that.
                    let (_, fired, found) = run(&scene, &faults, scene.messages + 2);
                    points += usize::from(fired == 2);
                    let place = format!("{}, invocation {invocation}, calls {first} and {second}", scene.name);
                    all.extend(found.into_iter().map(|what| format!("{place}: {what}")));
                }
            }
        }
    }
    say!("crash points, two in a row: {points}, promises broken: {}", all.len());
    assert!(all.is_empty() && points > 100, "{} of {points}:\n{}", all.len(), all.join("\n"));
}

#[test]
fn two_invocations_at_once_lose_nothing_and_tell_nothing_twice() {
    let (mut points, mut all) = (0, Vec::new());
    for scene in scenes() {
        let (calls, _, _) = run(&scene, &[], scene.messages);
        for (invocation, count) in calls.iter().enumerate() {
            for first in 0..=*count {
                let (world, before) = staged(&scene);
                // The invocations before it go on as ever.
                for _ in 0..invocation {
                    let next = world.next_message_at().unwrap();
                    world.advance(next.duration_since(world.now()).max(SignedDuration::ZERO));
                    assert!(failed(&handle(&world, &policy(), &batch(&world.receive(10)))).is_empty());
                }
                let next = world.next_message_at().unwrap();
                world.advance(next.duration_since(world.now()).max(SignedDuration::ZERO));
                let event = batch(&world.receive(10)).to_string();
                let (one, other) = (world.run(None), world.run(None));
                let (policy, time) = (policy(), Duration::from_secs(900));
                let (left, right) = (notifier(&one, &policy), notifier(&other, &policy));
                let (here, there) = (Invocation::for_tests("one", time), Invocation::for_tests("other", time));
                // The first has made some calls when the second begins; then they take turns.
                let turns = (0..first).map(|_| true).chain((0..count * 6).map(|turn| turn % 2 == 1));
                let _ = interleave(
                    (&one, left.handle(event.as_bytes(), &here)),
                    (&other, right.handle(event.as_bytes(), &there)),
                    turns,
                );
                let mut sqs = Sqs::default();
                sqs.settle(&world, &policy, &[]);
                points += 1;
                // A notice of another function may be carried by both.
                let most = scene.messages + usize::from(scene.name.contains("another function"));
                let found = broken(&world, &scene, before, sqs.dead.len(), most);
                let place = format!("{}, invocation {invocation}, second from call {first}", scene.name);
                all.extend(found.into_iter().map(|what| format!("{place}: {what}")));
            }
        }
    }
    say!("interleavings: {points}, promises broken: {}", all.len());
    assert!(all.is_empty(), "{} of {points}:\n{}", all.len(), all.join("\n"));
}
