//! The scenes.

use std::sync::{Arc, LazyLock};

use banto_domain::compliance::Compliance;
use banto_domain::policy::CompliancePolicy;
use banto_fake::World;
use banto_notice::{Audience, Notice, Urgency};
use banto_ports::ErrorKind;
use serde_json::{Value, json};

use super::{Begun, Expected};
use crate::compliance::harness::{
    Evaluation, OTHER, PAYMENTS, SEARCH, account, add_account, minutes, policy, policy_with,
    region, rule, scheduled, start, tell,
};
use crate::harness::{batch, enqueue, enqueue_deliveries, handle, receive};

/// A policy in which the route of the payments team has another name.
static RENAMED: LazyLock<CompliancePolicy> =
    LazyLock::new(|| policy_with(&[("name = \"payments\"", "name = \"team-payments\"")]));

/// A scene that is over before the next day.
const SCENE: Begun = Begun {
    name: "",
    prepare: |_| Vec::new(),
    policy,
    expected: Vec::new(),
    messages: 0,
    waits_for_the_next_day: false,
    more_in_thread: 0,
    has_moved: false,
};

const MANY: usize = 8;

pub(super) fn scenes() -> Vec<Begun> {
    let (mut scenes, long) = (short_scenes(), long_scenes());
    scenes.extend(long);
    scenes
}

/// Scenes in which every call has its fault.
pub(super) fn short_scenes() -> Vec<Begun> {
    let mut scenes = findings();
    scenes.extend(moves());
    scenes.push(notice());
    scenes
}

/// Scenes of many calls.
pub(super) fn long_scenes() -> Vec<Begun> {
    let mut scenes = storms();
    scenes.extend(checks());
    scenes
}

pub(super) fn on(way: &'static str, wordings: &[&str]) -> Expected {
    let wordings = wordings.iter().map(|wording| (*wording).to_owned());
    (way, wordings.collect())
}

fn bad(account: &'static str, rule: &'static str, resource: &'static str) -> Evaluation<'static> {
    Evaluation::bad(account, rule, resource, start())
}

/// One finding on each kind of way.
fn on_four_ways() -> Vec<Value> {
    vec![
        bad(PAYMENTS, "bucket-public", "website").event(),
        bad(SEARCH, "bucket-public", "index").event(),
        bad(OTHER, "root-mfa", "root").event(),
        bad(OTHER, "bucket-logging", "old").event(),
    ]
}

fn told_on_four_ways() -> Vec<Expected> {
    vec![
        on("C0PAYMENTS", &["S3 bucket is public: website in payments"]),
        on("webhook", &["S3 bucket is public: index in search"]),
        on("auditors@example.com", &["root-mfa: root in legacy"]),
        on("compliance", &["bucket-logging: old in legacy"]),
    ]
}

fn findings() -> Vec<Begun> {
    vec![
        Begun {
            name: "new findings on four ways",
            prepare: |_| on_four_ways(),
            expected: told_on_four_ways(),
            messages: 6,
            ..SCENE
        },
        Begun {
            name: "records that are held up",
            prepare: |world| {
                // Longer than an invocation tries a call again.
                let until = world.now() + minutes(1);
                world.outage("dynamodb:TransactWriteItems", ErrorKind::Throttled, until);
                on_four_ways()
            },
            expected: told_on_four_ways(),
            messages: 6,
            ..SCENE
        },
        Begun {
            name: "a resolution",
            prepare: |world| {
                let finding = bad(PAYMENTS, "bucket-logging", "website");
                tell(world, &policy(), &[finding.event()]);
                world.advance(minutes(30));
                vec![finding.good(world.now()).event()]
            },
            expected: vec![on("C0PAYMENTS", &["Resolved: website in payments"])],
            messages: 1,
            ..SCENE
        },
        Begun {
            name: "resolved, and more found",
            prepare: |world| {
                let one = bad(PAYMENTS, "bucket-public", "one");
                tell(world, &policy(), &[one.event()]);
                world.advance(minutes(30));
                let now = world.now();
                let two = Evaluation::bad(PAYMENTS, "bucket-public", "two", now);
                vec![one.good(now).event(), two.event()]
            },
            expected: ["Resolved: one in payments", "public: two in payments"]
                .map(|alone| {
                    let together = "1 new, 1 resolved in payments (1 open)";
                    on("C0PAYMENTS", &[together, alone])
                })
                .to_vec(),
            messages: 2,
            ..SCENE
        },
    ]
}

/// The same in many accounts of the payments team.
fn many(world: &World, rule: &str) -> Vec<Value> {
    let each = (0..MANY).map(|number| {
        let id = id_of(number);
        add_account(world, &id, &format!("payments-{number}"), "payments");
        Evaluation::bad(&id, rule, "website", start()).event()
    });
    each.collect()
}

fn id_of(number: usize) -> String {
    format!("{:012}", 700_000_000_000_u64 + number as u64)
}

/// Each account of [`many`], by itself or in the thread of a digest; or a digest that counts all
/// of them.
fn each_of_many(all: &str, count: usize, alone: &str, what: &str) -> Vec<Expected> {
    let one = |number: usize| {
        let place = format!("payments-{number} ({}, alice)", id_of(number));
        let wordings = [
            all.to_owned(),
            format!("{alone}website in payments-{number}"),
            format!("{place}: 1 {what}"),
            format!(
                "website in {}: bucket-public",
                place.replace("alice)", "alice, eu-west-1)")
            ),
        ];
        ("C0PAYMENTS", wordings.to_vec())
    };
    (0..count).map(one).collect()
}

fn storms() -> Vec<Begun> {
    vec![
        Begun {
            name: "an urgent storm",
            prepare: |world| many(world, "bucket-public"),
            // Each one is named, whatever counts them.
            expected: each_of_many("no digest is enough", MANY, "public: ", "new"),
            messages: 3,
            ..SCENE
        },
        Begun {
            name: "a storm goes on and ends",
            prepare: |world| {
                tell(world, &policy(), &many(world, "bucket-public"));
                world.advance(minutes(5));
                let mut events = many(world, "bucket-logging");
                let resolved = (0..4).map(|number| {
                    Evaluation::bad(&id_of(number), "bucket-public", "website", start())
                        .good(world.now())
                        .event()
                });
                events.extend(resolved);
                events
            },
            expected: [
                each_of_many(
                    "bucket-logging: 8 resources in 8 accounts",
                    MANY,
                    "bucket-logging: ",
                    "new",
                ),
                each_of_many("4 of 8 still open", 4, "Resolved: ", "resolved"),
            ]
            .concat(),
            messages: 4,
            ..SCENE
        },
    ]
}

/// Lets the aggregator know some rules of the account payments that find nothing.
fn list_nothing(world: &World, rules: &[&str]) {
    for name in rules {
        world.aggregate(&account(PAYMENTS), &region(), &rule(name), Vec::new());
    }
}

fn list_open(world: &World, finding: &Evaluation<'_>) {
    world.evaluate(&finding.key(), Compliance::Noncompliant, finding.at);
}

fn checks() -> Vec<Begun> {
    vec![
        Begun {
            name: "the daily check",
            prepare: |world| {
                let gone = bad(PAYMENTS, "bucket-logging", "gone");
                list_nothing(world, &["bucket-logging", "bucket-tags"]);
                handle(world, &policy(), &scheduled());
                tell(world, &policy(), &[gone.event()]);
                world.advance(minutes(24 * 60));
                let since = start() + minutes(60);
                world.evaluate(&gone.key(), Compliance::Compliant, since);
                list_open(world, &bad(PAYMENTS, "bucket-tags", "missed"));
                handle(world, &policy(), &scheduled());
                Vec::new()
            },
            expected: vec![
                on("C0PAYMENTS", &["Resolved: gone in payments"]),
                on("C0PAYMENTS", &["bucket-tags: missed in payments"]),
            ],
            messages: 2,
            waits_for_the_next_day: true,
            ..SCENE
        },
        Begun {
            name: "a first check takes over",
            prepare: |world| {
                list_open(world, &bad(PAYMENTS, "bucket-public", "crown-jewels"));
                list_open(world, &bad(PAYMENTS, "bucket-logging", "old"));
                handle(world, &policy(), &scheduled());
                Vec::new()
            },
            // One that can't be saved is found by the next check, and no longer taken over.
            expected: vec![
                on(
                    "C0PAYMENTS",
                    &[
                        "2 open findings taken over in 1 account",
                        "1 open finding taken over in 1 account",
                    ],
                ),
                on("C0PAYMENTS", &["crown-jewels"]),
                on(
                    "C0PAYMENTS",
                    &[
                        "2 open findings taken over in 1 account",
                        "1 open finding taken over in 1 account",
                        "bucket-logging: old",
                    ],
                ),
            ],
            messages: 4,
            more_in_thread: 1,
            waits_for_the_next_day: true,
            ..SCENE
        },
        Begun {
            name: "reminders",
            prepare: |world| {
                let finding = bad(PAYMENTS, "bucket-public", "website");
                tell(world, &policy(), &[finding.event()]);
                world.advance(minutes(24 * 60));
                handle(world, &policy(), &scheduled());
                Vec::new()
            },
            expected: vec![on("C0PAYMENTS", &["1 finding still open, the oldest for"])],
            messages: 2,
            ..SCENE
        },
    ]
}

/// Takes a finding in, and lets it wait.
fn take_in(world: &Arc<World>) {
    let finding = bad(PAYMENTS, "bucket-logging", "website");
    enqueue(world, &[finding.event()]);
    handle(world, &policy(), &batch(&receive(world)));
}

fn give_to_search(world: &World) {
    world.change_account(&account(PAYMENTS), |member| {
        member.org_tags.insert("team".into(), "search".into());
    });
}

fn moves() -> Vec<Begun> {
    let found = "bucket-logging: website in payments";
    vec![
        Begun {
            name: "an account moves while something waits",
            prepare: |world| {
                list_open(world, &bad(PAYMENTS, "bucket-logging", "website"));
                take_in(world);
                give_to_search(world);
                world.advance(minutes(90));
                Vec::new()
            },
            // While the account can't be looked up, its old team is told, and later that it moved.
            expected: vec![on("webhook", &[found])],
            messages: 2,
            waits_for_the_next_day: true,
            has_moved: true,
            ..SCENE
        },
        Begun {
            name: "an account moves after its finding was told",
            prepare: |world| {
                let finding = bad(PAYMENTS, "bucket-logging", "website");
                list_open(world, &finding);
                tell(world, &policy(), &[finding.event()]);
                give_to_search(world);
                world.advance(minutes(24 * 60));
                handle(world, &policy(), &scheduled());
                Vec::new()
            },
            expected: vec![
                on("C0PAYMENTS", &["Moved to search: website in payments"]),
                on("webhook", &[found]),
            ],
            messages: 2,
            waits_for_the_next_day: true,
            has_moved: true,
            ..SCENE
        },
        Begun {
            name: "a route that was renamed",
            prepare: |world| {
                take_in(world);
                Vec::new()
            },
            policy: || RENAMED.clone(),
            expected: vec![on("C0PAYMENTS", &[found])],
            messages: 1,
            ..SCENE
        },
    ]
}

fn notice() -> Begun {
    Begun {
        name: "another function's notice",
        prepare: |world| {
            let headline = "payments is ready".to_owned();
            let notice = Notice::new(
                "ready".into(),
                Audience::Operators,
                Urgency::Information,
                headline,
            );
            let message = json!({ "kind": "relayNotice", "version": 1, "notice": notice });
            enqueue_deliveries(world, &[message]);
            Vec::new()
        },
        expected: vec![on("operators", &["payments is ready"])],
        messages: 1,
        ..SCENE
    }
}
