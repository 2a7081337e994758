//! Two runs go on at once, in every order. Whatever happens, one key is issued (R5).

use banto_domain::UserName;
use banto_domain::policy::Policy;
use banto_fake::Driven;
use serde_json::Value;

use super::harness::{alone, asked, count, days, everyone, policy, story};
use super::play::settle;
use super::stories::{End, Prepared};
use super::watch::{Terms, Watch};
use crate::harness::crash_points::Tally;
use crate::harness::{Handled, handle_twice, handle_with, invoke_on};

/// An event about a user, and its name.
type Event = (&'static str, fn(&UserName) -> Value);

/// What two runs are about.
const EVENTS: [Event; 3] = [
    ("everyone", |_| everyone()),
    ("force", |user| asked(user, "force")),
    ("emergency", |user| asked(user, "emergency")),
];

/// True if a run ended as one may beside another: that was faster, or what the plan rests on has
/// changed since.
fn is_expected(end: &Handled) -> bool {
    match end {
        Driven::Done(Ok(_)) => true,
        Driven::Done(Err(failure)) => {
            let said = failure.to_string();
            let is_beside_another = ["conflict", "another run may be issuing a key"]
                .iter()
                .any(|part| said.contains(part));
            failure.kind == "Incomplete" && is_beside_another
        }
        Driven::Cancelled => false,
    }
}

/// Plays two runs, the first of which makes some calls, then the second some, then the first again.
fn play(event: fn(&UserName) -> Value, away: usize, back: usize) -> Vec<String> {
    let policy = policy();
    let (world, user, old) = alone(days(100));
    let terms = Terms {
        exposed: [old].into(),
        ..Terms::default()
    };
    let event = event(&user);
    let is_emergency = event["mode"] == "emergency";
    let terms = if is_emergency {
        terms
    } else {
        Terms::default()
    };
    let watch = Watch::on(&world, &policy, terms.clone());
    let turns = std::iter::repeat_n(true, away).chain(std::iter::repeat_n(false, back));
    let ends = handle_twice(&world, &policy, &event, turns);
    let mut broken = Vec::new();
    for end in ends.iter().filter(|end| !is_expected(end)) {
        broken.push(format!("a run ended so: {end:?}"));
    }
    let created = count(&world, "iam:CreateAccessKey");
    if created > 1 {
        let calls = story(&world.calls());
        broken.push(format!("R5: {created} keys created\n{calls}"));
    }
    // A run that failed is tried again.
    world.advance(jiff::SignedDuration::from_mins(30));
    drop(invoke_on(
        &world.run(None),
        &world,
        &policy,
        "request",
        &event,
    ));
    let prepared = Prepared {
        world,
        user,
        event,
        terms,
        named: std::collections::BTreeSet::new(),
    };
    broken.extend(settle(&prepared, &policy, &watch, Some(End::OneNewKey)));
    broken
}

fn calls_of(policy: &Policy, event: fn(&UserName) -> Value) -> usize {
    let (world, user, _) = alone(days(100));
    handle_with(&world, policy, &event(&user), None).1.calls()
}

/// R5: two concurrent runs never issue two keys to one person.
#[test]
fn two_runs_interleaved_at_every_call_issue_one_key() {
    let mut tally = Tally::of("interleavings");
    for (name, event) in EVENTS {
        let calls = calls_of(&policy(), event) + 4;
        for away in 0..=calls {
            // Every second number of calls of the other: all of them take minutes.
            for back in (away % 2..=calls).step_by(2) {
                let place = format!("{name}: {away} calls of one, then {back} of the other");
                tally.add(place, play(event, away, back));
            }
        }
    }
    tally.close();
}
