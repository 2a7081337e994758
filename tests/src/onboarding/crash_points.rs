//! Every call of a convergence fails in every way. Whatever happens, the messages that come again lead to
//! the baseline, nothing outside it is touched, and nobody's account stays unrecorded in silence.

use std::sync::Arc;
use std::time::Duration;

use banto_domain::AccountId;
use banto_domain::policy::OnboardingPolicy;
use banto_fake::{Driven, Fault, FaultKind, World, interleave};
use banto_ports::{ErrorKind, LiveRecorder, Recorder, RecordingGroup};
use banto_shell::Invocation;
use serde_json::Value;

use super::stack_set::deployed_by;
use super::stage::{
    account, batch, by_stack_set, created, foreign, handle, handle_with, is_in_place, minutes, onboarder, policy,
    put_back, scheduled, settle, start, status, told,
};

const KINDS: [FaultKind; 6] = [
    FaultKind::ErrorBefore(ErrorKind::Unavailable),
    FaultKind::ErrorAfter(ErrorKind::Unavailable),
    FaultKind::ErrorBefore(ErrorKind::Throttled),
    FaultKind::ErrorBefore(ErrorKind::Denied),
    FaultKind::CancelBefore,
    FaultKind::CancelAfter,
];

/// A world in which a message is about to be worked off.
struct Scene {
    name: &'static str,
    policy: fn() -> OnboardingPolicy,
    prepare: fn(&Arc<World>, &AccountId),
}

fn scenes() -> Vec<Scene> {
    vec![
        Scene { name: "new account", policy, prepare: |_, _| {} },
        Scene { name: "by StackSet", policy: by_stack_set, prepare: |world, _| deployed_by(world, &by_stack_set()) },
        Scene {
            name: "existing recorder",
            policy,
            prepare: |world, account| {
                world.change_account(account, |member| {
                    member.region("eu-west-1").recorder = Some(existing());
                    member.roles.insert("auditor".parse().unwrap(), (foreign_role("auditor"), 3_600));
                });
            },
        },
        Scene {
            name: "drift",
            policy,
            prepare: |world, account| {
                handle(world, &policy(), &created());
                settle(world, &policy());
                world.change_account(account, |member| {
                    let admin = &mut member.roles.get_mut(&"admin".parse().unwrap()).unwrap().0;
                    admin.trust = serde_json::json!({ "Statement": [] });
                    member.region("us-east-1").status.as_mut().unwrap().recording = false;
                    member.region("us-east-1").ebs_encryption = false;
                });
            },
        },
    ]
}

fn existing() -> LiveRecorder {
    let group = RecordingGroup::Only(["AWS::EC2::Instance".to_owned()].into());
    let role = "arn:aws:iam::444455556666:role/config".to_owned();
    let recorder =
        Recorder { name: "default".into(), role, group, continuous: true, continuous_of: Default::default() };
    LiveRecorder { recorder, service: None }
}

pub fn foreign_role(name: &str) -> banto_ports::LiveRole {
    banto_ports::LiveRole {
        name: name.parse().unwrap(),
        path: "/".into(),
        trust: serde_json::json!({ "Statement": [] }),
        managed_policies: Default::default(),
        inline_policies: Default::default(),
        boundary: None,
        tags: Default::default(),
    }
}

fn staged(scene: &Scene) -> (Arc<World>, AccountId, Vec<banto_fake::Queued>) {
    let world = World::at(start());
    let account = account(&world);
    (scene.prepare)(&world, &account);
    handle(&world, &(scene.policy)(), &created());
    let messages = world.receive(1);
    (world, account, messages)
}

/// What must be true in the end, whatever happened on the way.
fn settled(world: &Arc<World>, policy: &OnboardingPolicy, account: &AccountId, before: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    settle(world, policy);
    // What a single failure left for people is taken up by the next day's survey.
    world.advance(minutes(24 * 60));
    handle(world, policy, &scheduled());
    settle(world, policy);
    if !is_in_place(world, account) {
        broken.push(format!("not in place: {:?}", status(world, account)));
    }
    if foreign(&world.account(account)) != *before {
        broken.push("O1: something outside the baseline changed".to_owned());
    }
    let (writes, messages) = (world.writes().len(), told(world).len());
    handle(world, policy, &scheduled());
    settle(world, policy);
    let again: Vec<String> = world.writes().split_off(writes);
    let again: Vec<&String> = again
        .iter()
        .filter(|call| !["dynamodb:UpdateItem", "sqs:SendMessage", "s3:PutObject"].contains(&call.as_str()))
        .collect();
    if !again.is_empty() {
        broken.push(format!("O4: the second run wrote {again:?}"));
    }
    if told(world).len() != messages {
        broken.push(format!("said again: {:?}", told(world).last()));
    }
    broken
}

#[test]
fn after_a_fault_at_any_call_the_account_is_in_place_and_no_promise_is_broken() {
    let (mut points, mut broken) = (0, Vec::new());
    for scene in scenes() {
        let policy = (scene.policy)();
        let (world, _, messages) = staged(&scene);
        let (_, clean) = handle_with(&world, &policy, &batch(&messages), None);
        assert!(clean.calls() > 5, "{}: a clean run makes {} calls", scene.name, clean.calls());
        for call in 1..=clean.calls() {
            for kind in KINDS {
                let (world, account, messages) = staged(&scene);
                let before = foreign(&world.account(&account));
                let (handled, run) = handle_with(&world, &policy, &batch(&messages), Some(Fault { call, kind }));
                assert!(run.fault_fired(), "{}: no fault at call {call}", scene.name);
                match handled {
                    Driven::Done(Ok(answer)) => drop(put_back(&world, messages, &answer.response)),
                    // SQS gives a batch again whose invocation failed or ended.
                    Driven::Done(Err(_)) | Driven::Cancelled => {
                        messages.into_iter().for_each(|message| world.put_back(message, minutes(15)));
                    }
                }
                points += 1;
                let found = settled(&world, &policy, &account, &before);
                broken.extend(found.into_iter().map(|what| format!("{}, call {call}, {kind:?}: {what}", scene.name)));
            }
        }
    }
    say!("crash points: {points}, promises broken: {}", broken.len());
    assert!(broken.is_empty(), "{} of {points}:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn after_a_fault_in_the_run_that_follows_a_fault_the_account_is_in_place_too() {
    let (mut points, mut broken) = (0, Vec::new());
    for scene in scenes() {
        let policy = (scene.policy)();
        let (world, _, messages) = staged(&scene);
        let calls = handle_with(&world, &policy, &batch(&messages), None).1.calls();
        for first in (1..=calls).step_by(4) {
            for second in (1..=calls).step_by(4) {
                let (world, account, messages) = staged(&scene);
                let before = foreign(&world.account(&account));
                for (call, kind) in
                    [(first, FaultKind::CancelAfter), (second, FaultKind::ErrorAfter(ErrorKind::Unavailable))]
                {
                    // The second run may be shorter than the first, which did a part of its work.
                    let (handled, _) = handle_with(&world, &policy, &batch(&messages), Some(Fault { call, kind }));
                    if let Driven::Done(Ok(answer)) = handled {
                        put_back(&world, messages.clone(), &answer.response);
                    }
                }
                messages.into_iter().for_each(|message| world.put_back(message, minutes(15)));
                points += 1;
                let found = settled(&world, &policy, &account, &before);
                broken.extend(
                    found.into_iter().map(|what| format!("{}, calls {first} and {second}: {what}", scene.name)),
                );
            }
        }
    }
    say!("crash points, two in a row: {points}, promises broken: {}", broken.len());
    assert!(broken.is_empty(), "{} of {points}:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn two_invocations_on_one_account_at_once_lead_to_the_same() {
    let (mut points, mut broken) = (0, Vec::new());
    for scene in scenes() {
        let policy = (scene.policy)();
        let calls = {
            let (world, _, messages) = staged(&scene);
            handle_with(&world, &policy, &batch(&messages), None).1.calls()
        };
        for first in 0..=calls {
            let (world, account, messages) = staged(&scene);
            let before = foreign(&world.account(&account));
            let (one, other) = (world.run(None), world.run(None));
            let (left, right) = (onboarder(&one, &policy), onboarder(&other, &policy));
            let invocation = Invocation::for_tests("run", Duration::from_secs(900));
            let event = batch(&messages).to_string();
            // The first run has made some calls when the second begins; then they take turns.
            let turns = (0..first).map(|_| true).chain((0..calls * 4).map(|turn| turn % 2 == 1));
            let _ = interleave(
                (&one, left.handle(event.as_bytes(), &invocation)),
                (&other, right.handle(event.as_bytes(), &invocation)),
                turns,
            );
            points += 1;
            let found = settled(&world, &policy, &account, &before);
            // Both may have told the same news, once each.
            let found = found.into_iter().filter(|what| !what.starts_with("said again"));
            broken.extend(found.map(|what| format!("{}, second from call {first}: {what}", scene.name)));
        }
    }
    say!("interleavings: {points}, promises broken: {}", broken.len());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
