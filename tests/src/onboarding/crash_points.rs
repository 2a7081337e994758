//! Every call of a convergence fails in every way. Whatever happens, the messages that come again
//! lead to the baseline, nothing outside it is touched, and nobody's account stays unrecorded in
//! silence.

use std::sync::Arc;

use banto_domain::AccountId;
use banto_domain::policy::OnboardingPolicy;
use banto_fake::{Fault, FaultKind, World};
use banto_ports::{ErrorKind, LiveRecorder, Recorder, RecordingGroup};
use serde_json::Value;

use super::harness::{
    account, by_stack_set, created, foreign, is_in_place, minutes, policy, scheduled, start,
    status, told,
};
use super::stack_set::deployed_by;
use crate::harness::crash_points::{Played, Scene, at_once, one_fault, two_faults};
use crate::harness::{Sqs, handle, settle};

/// A world in which a message is about to be worked off.
struct Begun {
    name: &'static str,
    policy: fn() -> OnboardingPolicy,
    prepare: fn(&Arc<World>, &AccountId),
}

fn scenes() -> Vec<Begun> {
    vec![
        Begun {
            name: "new account",
            policy,
            prepare: |_, _| {},
        },
        Begun {
            name: "by StackSet",
            policy: by_stack_set,
            prepare: |world, _| deployed_by(world, &by_stack_set()),
        },
        Begun {
            name: "existing recorder",
            policy,
            prepare: |world, account| {
                world.change_account(account, |member| {
                    member.region("eu-west-1").recorder = Some(existing());
                    member
                        .roles
                        .insert("auditor".parse().unwrap(), (foreign_role("auditor"), 3_600));
                });
            },
        },
        Begun {
            name: "drift",
            policy,
            prepare: |world, account| {
                handle(world, &policy(), &created());
                settle(world, &policy());
                world.change_account(account, |member| {
                    let admin = &mut member.roles.get_mut(&"admin".parse().unwrap()).unwrap().0;
                    admin.trust = serde_json::json!({ "Statement": [] });
                    member
                        .region("us-east-1")
                        .status
                        .as_mut()
                        .unwrap()
                        .recording = false;
                    member.region("us-east-1").ebs_encryption = false;
                });
            },
        },
    ]
}

fn existing() -> LiveRecorder {
    let group = RecordingGroup::Only(["AWS::EC2::Instance".to_owned()].into());
    let role = "arn:aws:iam::444455556666:role/config".to_owned();
    let recorder = Recorder {
        name: "default".into(),
        role,
        group,
        continuous: true,
        continuous_of: Default::default(),
    };
    LiveRecorder {
        recorder,
        service: None,
    }
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

impl Begun {
    /// The world, the account that a message waits for, and what of it must stay as it is.
    fn world(&self) -> (Arc<World>, AccountId, Value) {
        let world = World::at(start());
        let account = account(&world);
        (self.prepare)(&world, &account);
        handle(&world, &(self.policy)(), &created());
        let before = foreign(&world.account(&account));
        (world, account, before)
    }
}

/// What must be true in the end, whatever happened on the way.
fn settled(
    world: &Arc<World>,
    policy: &OnboardingPolicy,
    account: &AccountId,
    before: &Value,
) -> Vec<String> {
    let mut broken = Vec::new();
    // What a single failure left for people is taken up by the next day's fan-out.
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
        .filter(|call| {
            !["dynamodb:UpdateItem", "sqs:SendMessage", "s3:PutObject"].contains(&call.as_str())
        })
        .collect();
    if !again.is_empty() {
        broken.push(format!("O4: the second run wrote {again:?}"));
    }
    if told(world).len() != messages {
        broken.push(format!("said again: {:?}", told(world).last()));
    }
    broken
}

impl Scene for Begun {
    fn name(&self) -> &str {
        self.name
    }

    fn play(&self, faults: &[(usize, Fault)]) -> Played {
        let policy = (self.policy)();
        let (world, account, before) = self.world();
        let mut sqs = Sqs::default();
        sqs.settle(&world, &policy, faults);
        let mut broken = settled(&world, &policy, &account, &before);
        broken.extend(
            sqs.dead
                .iter()
                .map(|message| format!("given up: {}", message.body)),
        );
        Played {
            calls: sqs.calls,
            fired: sqs.fired,
            broken,
        }
    }
}

#[test]
fn after_a_fault_at_any_call_the_account_is_in_place_and_no_promise_is_broken() {
    one_fault(&scenes());
}

#[test]
fn after_a_fault_in_the_run_that_follows_a_fault_the_account_is_in_place_too() {
    two_faults(
        &scenes(),
        4,
        &[[
            FaultKind::CancelAfter,
            FaultKind::ErrorAfter(ErrorKind::Unavailable),
        ]],
    );
}

#[test]
fn two_invocations_on_one_account_at_once_lead_to_the_same() {
    at_once(&scenes(), |scene, invocation, turns| {
        let policy = (scene.policy)();
        let (world, account, before) = scene.world();
        Sqs::default().settle_with_two(&world, &policy, invocation, turns);
        let found = settled(&world, &policy, &account, &before);
        // Both may have told the same news, once each.
        found
            .into_iter()
            .filter(|what| !what.starts_with("said again"))
            .collect()
    });
}
