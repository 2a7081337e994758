//! Accounts by StackSet: what is under way is waited for, what is not is deployed anew, and what
//! stacks can't do goes the direct way.

use std::sync::Arc;

use banto_domain::AccountId;
use banto_domain::status::{Condition, ReasonKind};
use banto_fake::{MemberAccount, World};
use banto_ports::{AccountState, Channel, RecordingGroup, StackInstance};
use jiff::Timestamp;
use serde_json::json;

use super::harness::{
    REGIONS, account, by_stack_set, created, daily, foreign, in_place, is_in_place, minutes,
    named_account, record_by_others, region, scheduled, start, status, told, told_with,
};
use super::play::foreign_role;
use super::stack_set::deployed_by;
use crate::harness::{handle, settle, work_off};

const HOME: &str = "eu-west-1";

/// A world with a StackSet and a new account that has no instance yet.
fn world() -> (Arc<World>, AccountId) {
    let world = World::at(start());
    deployed_by(&world, &by_stack_set());
    let id = account(&world);
    (world, id)
}

fn kind_in(world: &World, id: &AccountId, name: &str) -> Option<ReasonKind> {
    let conditions = status(world, id).conditions;
    let condition = &conditions.regions[&region(name)];
    condition.reason().map(|reason| reason.kind)
}

/// The moments at which people were told something.
fn told_at(world: &World) -> Vec<Timestamp> {
    let mut calls = world.calls();
    calls.retain(|call| call.name == "sns:Publish");
    calls.into_iter().map(|call| call.at).collect()
}

#[test]
fn an_instance_that_waits_while_nothing_is_under_way_is_deployed_anew() {
    let policy = by_stack_set();
    let (world, id) = in_place(&policy);
    let (operations, news) = (world.stack_operations(), told(&world).len());
    world.set_stack_instance(&id, &region(HOME), Some(StackInstance::Pending));
    daily(&world, &policy);
    assert!(is_in_place(&world, &id), "{:?}", status(&world, &id));
    assert_eq!(world.stack_operations(), operations + 1);
    assert_eq!(told(&world).len(), news, "{:#?}", told(&world));
}

#[test]
fn an_instance_that_waits_for_an_operation_is_left_to_it() {
    let policy = by_stack_set();
    let (world, id) = in_place(&policy);
    let other = named_account(&world, "555566667777", "search");
    handle(&world, &policy, &json!({ "accounts": [&other] }));
    work_off(&world, &policy);
    let operations = world.stack_operations();
    world.set_stack_instance(&id, &region(HOME), Some(StackInstance::Pending));
    handle(&world, &policy, &json!({ "accounts": [&id] }));
    work_off(&world, &policy);
    assert_eq!(world.stack_operations(), operations, "one is under way");
    let kind = kind_in(&world, &id, HOME);
    assert_eq!(kind, Some(ReasonKind::StackInstancePending));
    settle(&world, &policy);
    assert!(is_in_place(&world, &id) && is_in_place(&world, &other));
}

fn foreign_recorder(member: &mut MemberAccount) {
    let view = member.region("us-east-1");
    record_by_others(view, RecordingGroup::All { with_global: false });
}

fn foreign_channel(member: &mut MemberAccount) {
    foreign_recorder(member);
    member.region("us-east-1").channel = Some(Channel {
        name: "default".into(),
        bucket: "banto-log-archive".into(),
        prefix: None,
        kms_key: None,
        topic: None,
        snapshots: Some("TwentyFour_Hours".into()),
    });
}

#[test]
fn an_account_with_a_recorder_or_channel_of_others_is_recorded_without_a_stack() {
    let policy = by_stack_set();
    let changes: [fn(&mut MemberAccount); 2] = [foreign_recorder, foreign_channel];
    for change in changes {
        let (world, id) = world();
        world.change_account(&id, change);
        handle(&world, &policy, &created());
        settle(&world, &policy);
        assert!(is_in_place(&world, &id), "{:?}", status(&world, &id));
        assert_eq!(world.stack_operations(), 0, "each stack would fail");
        let member = world.account(&id);
        let adopted = &member.regions[&region("us-east-1")].recorder;
        assert_eq!(adopted.as_ref().unwrap().recorder.name, "default");
        let told = told(&world);
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(told[0].contains("is ready"), "{}", told[0]);
    }
}

#[test]
fn an_account_with_a_role_of_others_is_recorded_without_a_stack_and_only_the_role_is_told() {
    let policy = by_stack_set();
    let (world, id) = world();
    world.change_account(&id, |member| {
        let admin = (foreign_role("admin"), 3_600);
        member.roles.insert("admin".parse().unwrap(), admin);
    });
    let before = foreign(&world.account(&id));
    handle(&world, &policy, &created());
    settle(&world, &policy);
    assert_eq!(foreign(&world.account(&id)), before);
    assert_eq!(world.stack_operations(), 0);
    let status = status(&world, &id);
    for condition in status.conditions.regions.values() {
        assert_eq!(*condition, Condition::InPlace, "{status:?}");
    }
    let told = told(&world);
    let about_role = told_with(&world, "a role of this name is not Banto's");
    assert_eq!(about_role.len(), told.len(), "{told:#?}");
    assert!(!told.is_empty());
}

#[test]
fn an_account_outside_of_the_stack_sets_targets_is_told_after_an_hour_and_each_day() {
    let policy = by_stack_set();
    let (world, id) = world();
    world.exclude_from_stack_set(&id);
    handle(&world, &policy, &created());
    settle(&world, &policy);
    let first = told_at(&world)[0].duration_since(start());
    assert!(first >= minutes(60) && first <= minutes(80), "{first:?}");
    let stuck = "Onboarding stuck: stack not deployed yet in payments";
    assert_eq!(told_with(&world, stuck).len(), 1, "{:#?}", told(&world));
    assert!(told(&world)[0].contains("targets"), "{}", told(&world)[0]);
    for _ in 0..3 {
        let before = told(&world).len();
        daily(&world, &policy);
        assert_eq!(told(&world).len(), before + 1, "{:#?}", told(&world));
        assert!(told(&world)[before].contains("still stuck"));
    }
}

#[test]
fn accounts_that_ask_one_after_the_other_are_all_ready_whether_or_not_operations_queue() {
    let policy = by_stack_set();
    for is_managed in [true, false] {
        let (world, one) = world();
        world.manage_execution(is_managed);
        let mut ids = vec![one];
        for number in 0..3 {
            let (id, name) = (format!("55556666777{number}"), format!("team-{number}"));
            ids.push(named_account(&world, &id, &name));
        }
        for id in &ids {
            handle(&world, &policy, &json!({ "accounts": [id] }));
            work_off(&world, &policy);
        }
        let busy = told_with(&world, "operation");
        assert!(busy.is_empty(), "{is_managed}: {busy:#?}");
        settle(&world, &policy);
        for id in &ids {
            assert!(
                is_in_place(&world, id),
                "{is_managed}: {:?}",
                status(&world, id)
            );
        }
        assert_eq!(
            told_with(&world, "is ready").len(),
            ids.len(),
            "{is_managed}"
        );
        assert_eq!(
            told(&world).len(),
            ids.len(),
            "{is_managed}: {:#?}",
            told(&world)
        );
        let last = told_at(&world).pop().unwrap().duration_since(start());
        assert!(last <= minutes(30), "{is_managed}: {last:?}");
    }
}

#[test]
fn an_account_that_gets_its_stacks_by_automatic_deployment_is_ready_as_any_other() {
    let policy = by_stack_set();
    for (has_config_role, waited) in [(true, 0), (true, 10), (false, 0), (false, 10)] {
        let world = World::at(start());
        deployed_by(&world, &policy);
        world.deploy_to_new_accounts(&[HOME, "us-east-1"]);
        let mut member = MemberAccount::new("444455556666", "payments", &REGIONS, start());
        if has_config_role {
            let name = "AWSServiceRoleForConfig";
            let role = (foreign_role(name), 3_600);
            member.roles.insert(name.parse().unwrap(), role);
        }
        let id = world.add_account(member);
        world.advance(minutes(waited));
        handle(&world, &policy, &created());
        settle(&world, &policy);
        assert!(is_in_place(&world, &id), "{:?}", status(&world, &id));
        let told = told(&world);
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(told[0].contains("is ready"), "{}", told[0]);
        // A stack that came before the role of AWS Config failed, and is deployed anew.
        let asked = usize::from(!has_config_role && waited > 0);
        assert_eq!(
            world.stack_operations(),
            asked,
            "{has_config_role} {waited}"
        );
    }
}

#[test]
fn a_suspended_accounts_instance_is_left_alone_and_the_account_in_place_once_it_is_reopened() {
    let policy = by_stack_set();
    let (world, id) = in_place(&policy);
    let (operations, news) = (world.stack_operations(), told(&world).len());
    world.close_account(&id);
    let skipped = StackInstance::Failed("SKIPPED_SUSPENDED_ACCOUNT".to_owned());
    for name in [HOME, "us-east-1"] {
        world.set_stack_instance(&id, &region(name), Some(skipped.clone()));
    }
    for _ in 0..3 {
        daily(&world, &policy);
    }
    assert_eq!(world.stack_operations(), operations);
    assert_eq!(told(&world).len(), news, "{:#?}", told(&world));
    world.reopen_account(&id);
    assert_eq!(world.account(&id).org.state, AccountState::Active);
    daily(&world, &policy);
    assert!(is_in_place(&world, &id), "{:?}", status(&world, &id));
}

#[test]
fn a_stack_that_fails_for_an_hour_in_one_account_delays_no_other() {
    let policy = by_stack_set();
    let (world, failing) = world();
    world.fail_deployments(&failing, Some("ResourceLimitExceeded: roles"));
    let mut others = Vec::new();
    for number in 0..4 {
        let (id, name) = (format!("55556666777{number}"), format!("team-{number}"));
        others.push(named_account(&world, &id, &name));
    }
    handle(&world, &policy, &scheduled());
    settle(&world, &policy);
    for id in &others {
        assert!(is_in_place(&world, id), "{:?}", status(&world, id));
    }
    let ready = told_with(&world, "is ready").len();
    assert_eq!(ready, others.len(), "{:#?}", told(&world));
    let last = told_at(&world)[ready - 1].duration_since(start());
    assert!(last <= minutes(15), "{last:?}");
    let stuck = told_with(&world, "Onboarding stuck: stack failed in payments");
    assert_eq!(stuck.len(), 1, "{:#?}", told(&world));
    world.fail_deployments(&failing, None);
    daily(&world, &policy);
    assert!(is_in_place(&world, &failing));
}

#[test]
fn all_accounts_of_a_batch_whose_stacks_failed_are_deployed_anew_in_one_operation() {
    let policy = by_stack_set();
    let (world, id) = world();
    let mut ids = vec![id];
    for number in 0..7 {
        let (id, name) = (format!("55556666777{number}"), format!("team-{number}"));
        ids.push(named_account(&world, &id, &name));
    }
    for id in &ids {
        world.fail_deployments(id, Some("ResourceLimitExceeded: roles"));
    }
    handle(&world, &policy, &scheduled());
    settle(&world, &policy);
    // The last one ends.
    world.advance(minutes(5));
    let operations = world.stack_operations();
    for id in &ids {
        world.fail_deployments(id, None);
    }
    daily(&world, &policy);
    assert!(ids.iter().all(|id| is_in_place(&world, id)));
    assert_eq!(world.stack_operations(), operations + 1);
}

#[test]
fn an_operation_that_somebody_stops_is_asked_for_again() {
    let policy = by_stack_set();
    let (world, id) = world();
    handle(&world, &policy, &created());
    work_off(&world, &policy);
    world.stop_stack_operation();
    settle(&world, &policy);
    assert!(is_in_place(&world, &id), "{:?}", status(&world, &id));
    assert_eq!(told(&world).len(), 1, "{:#?}", told(&world));
}

#[test]
fn an_instance_that_cloudformation_no_longer_deploys_is_told_and_hides_nothing() {
    let policy = by_stack_set();
    let (world, id) = in_place(&policy);
    let inoperable = StackInstance::Inoperable("the stack could not be deleted".to_owned());
    world.set_stack_instance(&id, &region(HOME), Some(inoperable));
    daily(&world, &policy);
    let stuck = told_with(&world, "inoperable stack instance");
    assert_eq!(stuck.len(), 1, "{:#?}", told(&world));
    assert_eq!(kind_in(&world, &id, "us-east-1"), None);
}
