//! Every call of every invocation fails in every way: before and after its effect, by an error and
//! by the end of the process. Whatever happens, the messages that come again lead to all being
//! told, and nothing goes the wrong way.

use std::sync::Arc;

use banto_fake::{Fault, FaultKind, World};
use banto_notice::{Audience, Notice, Urgency};
use banto_ports::ErrorKind;
use serde_json::{Value, json};

use super::harness::{
    Evaluation, OTHER, PAYMENTS, SEARCH, account, add_account, breaches, minutes, policy, region,
    rule, scheduled, seen, start, tell, world,
};
use crate::harness::crash_points::{Played, Scene, at_once, one_fault, two_faults};
use crate::harness::{Sqs, enqueue, handle, settle};

/// What people must read on a way, or else by the fall-back: one of several wordings, for it
/// depends on the fault what is told together.
type Expected = (&'static str, Vec<String>);

/// A world in which messages are about to be worked off, and what people are told then.
struct Begun {
    name: &'static str,
    prepare: fn(&Arc<World>) -> Vec<Value>,
    expected: Vec<Expected>,
    /// How many messages there are when nothing fails.
    messages: usize,
    /// Whether what a fault held up may wait for the next daily schedule. Events come again before
    /// that.
    waits_for_the_next_day: bool,
}

fn bad(account: &'static str, rule: &'static str, resource: &'static str) -> Evaluation<'static> {
    Evaluation::bad(account, rule, resource, start())
}

const MANY: usize = 8;

/// The same in many accounts of the payments team.
fn many(world: &World, rule: &str) -> Vec<Value> {
    let each = (0..MANY).map(|number| {
        let id = format!("{:012}", 700_000_000_000_u64 + number as u64);
        add_account(world, &id, &format!("payments-{number}"), "payments");
        Evaluation::bad(&id, rule, "website", start()).event()
    });
    each.collect()
}

fn on(way: &'static str, wordings: &[&str]) -> Expected {
    (
        way,
        wordings
            .iter()
            .map(|wording| (*wording).to_owned())
            .collect(),
    )
}

/// Each account of [`many`], by itself or in the thread of a summary; or a summary that counts all
/// of them.
fn each_of_many(all: &str, count: usize, alone: fn(usize) -> String, what: &str) -> Vec<Expected> {
    let one = |number: usize| {
        let in_thread = format!(
            "payments-{number} ({:012}, alice): 1 {what}",
            700_000_000_000_u64 + number as u64
        );
        let among_rules = in_thread.replace(": 1", ": bucket-logging, 1");
        let titled = in_thread.replace(": 1", ": S3 bucket is public, 1");
        (
            "C0PAYMENTS",
            vec![
                all.to_owned(),
                alone(number),
                in_thread,
                among_rules,
                titled,
            ],
        )
    };
    (0..count).map(one).collect()
}

fn scenes() -> Vec<Begun> {
    vec![
        Begun {
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
        Begun {
            name: "resolved, and more found",
            prepare: |world| {
                let one = bad(PAYMENTS, "bucket-public", "one");
                tell(world, &policy(), &[one.event()]);
                world.advance(minutes(30));
                let now = world.now();
                vec![
                    one.good(now).event(),
                    Evaluation::bad(PAYMENTS, "bucket-public", "two", now).event(),
                ]
            },
            expected: vec![
                on(
                    "C0PAYMENTS",
                    &[
                        "1 more, 1 resolved in payments, 1 left",
                        "Resolved: one in payments",
                    ],
                ),
                on(
                    "C0PAYMENTS",
                    &[
                        "1 more, 1 resolved in payments, 1 left",
                        "public: two in payments",
                    ],
                ),
            ],
            messages: 1,
            waits_for_the_next_day: false,
        },
        Begun {
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
        Begun {
            name: "a storm goes on and ends",
            prepare: |world| {
                tell(world, &policy(), &many(world, "bucket-public"));
                world.advance(minutes(5));
                let mut events = many(world, "bucket-logging");
                let resolved = (0..4).map(|number| {
                    let id = format!("{:012}", 700_000_000_000_u64 + number);
                    Evaluation::bad(&id, "bucket-public", "website", start())
                        .good(world.now())
                        .event()
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
                each_of_many(
                    "4 open, 4 resolved",
                    4,
                    |number| format!("website in payments-{number}"),
                    "resolved",
                ),
            ]
            .concat(),
            messages: 2,
            waits_for_the_next_day: false,
        },
        Begun {
            name: "the daily comparison",
            prepare: |world| {
                let gone = bad(PAYMENTS, "bucket-public", "gone");
                let missed = bad(PAYMENTS, "bucket-logging", "missed");
                tell(world, &policy(), &[gone.event()]);
                world.advance(minutes(24 * 60));
                world.aggregate(
                    &account(PAYMENTS),
                    &region(),
                    &rule("bucket-public"),
                    Vec::new(),
                );
                world.aggregate(
                    &account(PAYMENTS),
                    &region(),
                    &rule("bucket-logging"),
                    vec![missed.found()],
                );
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
        Begun {
            name: "another function's notice",
            prepare: |_| {
                let headline = "payments is ready".to_owned();
                let notice = Notice::new(
                    "ready".into(),
                    Audience::Operators,
                    Urgency::Information,
                    headline,
                );
                vec![json!({ "kind": "relayNotice", "version": 1, "notice": notice })]
            },
            expected: vec![on("operators", &["payments is ready"])],
            messages: 1,
            waits_for_the_next_day: false,
        },
    ]
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
            .filter(|message| message.way == *way || message.text.contains("did not take it"));
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

impl Scene for Begun {
    fn name(&self) -> &str {
        self.name
    }

    fn play(&self, faults: &[(usize, Fault)]) -> Played {
        let (world, before) = set_up(self);
        let mut sqs = Sqs::default();
        sqs.settle(&world, &policy(), faults);
        // Each fault may cost a message that comes twice.
        let broken = broken(
            &world,
            self,
            before,
            sqs.dead.len(),
            self.messages + faults.len(),
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
    one_fault(&scenes());
}

#[test]
fn after_a_fault_in_the_invocation_that_follows_a_fault_everything_is_told_too() {
    let both = two_faults(
        &scenes(),
        3,
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
        sqs.settle_with_two(&world, &policy(), invocation, turns);
        // A notice of another function may be carried by both.
        let most = scene.messages + usize::from(scene.name.contains("another function"));
        broken(&world, scene, before, sqs.dead.len(), most)
    });
}
