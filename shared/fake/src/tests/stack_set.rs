//! The StackSet: operations that take their time, and instances in each state.

use std::collections::BTreeMap;
use std::sync::Arc;

use banto_domain::AccountId;
use banto_ports::{ErrorKind, RecorderStatus, StackInstance, StackInstances};

use super::{REGIONS, done, kind, minutes, region, start, with_account};
use crate::{MemberAccount, Run, StackOperationStatus as Status, World};

fn operate(run: &Run, accounts: &[AccountId]) -> Result<(), banto_ports::PortError> {
    let regions = REGIONS.map(region);
    done(run, StackInstances::create(run, accounts, &regions))
}

fn statuses(world: &World) -> Vec<Status> {
    let operations = world.stack_set_operations().into_iter();
    operations.map(|operation| operation.status).collect()
}

/// The instances of an account, each as its region and the first word of its state.
fn instances(run: &Run, account: &AccountId) -> BTreeMap<String, String> {
    let instances = done(run, StackInstances::list(run, account)).unwrap();
    let word = |instance: StackInstance| format!("{instance:?}");
    let instances = instances.into_iter();
    instances
        .map(|(region, instance)| (region.to_string(), word(instance)))
        .collect()
}

fn all(state: &str) -> BTreeMap<String, String> {
    REGIONS
        .map(|region| (region.to_owned(), state.to_owned()))
        .into()
}

/// Deploys nothing, and succeeds.
fn deploys(world: &World) {
    world.deploy_with(Arc::new(|_, _| Ok(())));
}

fn other(world: &World) -> AccountId {
    world.add_account(MemberAccount::new(
        "444455556666",
        "search",
        &REGIONS,
        world.now(),
    ))
}

#[test]
fn an_operation_is_under_way_until_it_ends_and_its_instances_are_pending() {
    let (world, id) = with_account();
    deploys(&world);
    let run = world.run(None);
    operate(&run, std::slice::from_ref(&id)).unwrap();
    assert_eq!(instances(&run, &id), all("Pending"));
    assert_eq!(done(&run, run.is_operating()), Ok(true));
    world.advance(minutes(5));
    assert_eq!(done(&run, run.is_operating()), Ok(false));
    assert_eq!(instances(&run, &id), all("Current"));
    let operation = world.stack_set_operations().remove(0);
    assert_eq!(operation.status, Status::Succeeded);
    assert_eq!(operation.started_at, Some(start()));
    assert_eq!(operation.ended_at, Some(start() + minutes(2)));
    assert_eq!(operation.covers.len(), 2);
}

#[test]
fn a_second_operation_is_refused_or_queued_as_managed_execution_says() {
    let (world, id) = with_account();
    deploys(&world);
    let other = other(&world);
    let run = world.run(None);
    operate(&run, std::slice::from_ref(&id)).unwrap();
    let second = operate(&run, std::slice::from_ref(&other));
    assert_eq!(kind(second), Some(ErrorKind::NotReady));
    assert_eq!(instances(&run, &other), BTreeMap::new());
    world.manage_execution(true);
    operate(&run, std::slice::from_ref(&other)).unwrap();
    assert_eq!(statuses(&world), [Status::Running, Status::Queued]);
    assert_eq!(instances(&run, &other), all("Pending"));
    world.advance(minutes(3));
    assert_eq!(statuses(&world), [Status::Succeeded, Status::Running]);
    assert_eq!(instances(&run, &other), all("Pending"));
    world.advance(minutes(1));
    assert_eq!(statuses(&world), [Status::Succeeded, Status::Succeeded]);
    assert_eq!(instances(&run, &other), all("Current"));
}

#[test]
fn an_instance_that_is_pending_with_nothing_under_way_stays_so_until_an_operation_covers_it() {
    let (world, id) = with_account();
    deploys(&world);
    for name in REGIONS {
        world.set_stack_instance(&id, &region(name), Some(StackInstance::Pending));
    }
    let run = world.run(None);
    world.advance(minutes(600));
    assert_eq!(done(&run, run.is_operating()), Ok(false));
    assert_eq!(instances(&run, &id), all("Pending"));
    let regions = REGIONS.map(region);
    let update = run.update(std::slice::from_ref(&id), &regions);
    done(&run, update).unwrap();
    world.advance(minutes(2));
    assert_eq!(instances(&run, &id), all("Current"));
}

#[test]
fn an_update_makes_no_instance_that_is_not_there() {
    let (world, id) = with_account();
    deploys(&world);
    let run = world.run(None);
    let regions = [region("eu-west-1")];
    let update = run.update(std::slice::from_ref(&id), &regions);
    done(&run, update).unwrap();
    world.advance(minutes(2));
    assert_eq!(instances(&run, &id), BTreeMap::new());
}

#[test]
fn an_account_outside_of_the_targets_gets_no_instances() {
    let (world, id) = with_account();
    deploys(&world);
    world.exclude_from_stack_set(&id);
    let run = world.run(None);
    operate(&run, std::slice::from_ref(&id)).unwrap();
    world.advance(minutes(2));
    assert_eq!(statuses(&world), [Status::Succeeded]);
    assert_eq!(instances(&run, &id), BTreeMap::new());
}

#[test]
fn a_suspended_account_is_skipped_until_it_is_active_again() {
    let (world, id) = with_account();
    deploys(&world);
    world.close_account(&id);
    let run = world.run(None);
    operate(&run, std::slice::from_ref(&id)).unwrap();
    world.advance(minutes(2));
    let skipped = "Failed(\"SKIPPED_SUSPENDED_ACCOUNT: the account is suspended\")";
    assert_eq!(instances(&run, &id), all(skipped));
    world.reopen_account(&id);
    assert_eq!(instances(&run, &id), all(skipped));
    operate(&run, std::slice::from_ref(&id)).unwrap();
    world.advance(minutes(2));
    assert_eq!(instances(&run, &id), all("Current"));
}

#[test]
fn an_operation_that_is_stopped_cancels_its_instances() {
    let (world, id) = with_account();
    deploys(&world);
    let run = world.run(None);
    operate(&run, std::slice::from_ref(&id)).unwrap();
    world.stop_stack_operation();
    assert_eq!(statuses(&world), [Status::Stopping]);
    assert_eq!(done(&run, run.is_operating()), Ok(true));
    world.advance(minutes(2));
    assert_eq!(statuses(&world), [Status::Stopped]);
    let cancelled = "Failed(\"Cancelled: the operation was stopped\")";
    assert_eq!(instances(&run, &id), all(cancelled));
}

#[test]
fn automatic_deployment_covers_an_account_that_is_added_and_tolerates_no_failure() {
    let (world, first) = with_account();
    deploys(&world);
    world.deploy_to_new_accounts(&REGIONS);
    let run = world.run(None);
    assert_eq!(instances(&run, &first), BTreeMap::new());
    let second = other(&world);
    world.fail_deployments(&second, Some("AlreadyExists: admin"));
    assert_eq!(instances(&run, &second), all("Pending"));
    assert_eq!(
        kind(operate(&run, std::slice::from_ref(&first))),
        Some(ErrorKind::NotReady)
    );
    world.advance(minutes(2));
    assert_eq!(statuses(&world), [Status::Failed]);
    assert_eq!(
        instances(&run, &second),
        all("Failed(\"AlreadyExists: admin\")")
    );
    assert_eq!(world.stack_operations(), 0);
    world.deploy_to_new_accounts(&[]);
    let third = MemberAccount::new("777788889999", "ads", &REGIONS, world.now());
    let third = world.add_account(third);
    assert_eq!(instances(&run, &third), BTreeMap::new());
}

#[test]
fn a_recorder_that_a_deployment_started_has_recorded_since_the_operation_ended() {
    let (world, id) = with_account();
    world.deploy_with(Arc::new(|member, region| {
        let view = member.regions.get_mut(region).unwrap();
        view.status = Some(RecorderStatus {
            recording: true,
            started_at: None,
            error: None,
        });
        Ok(())
    }));
    let run = world.run(None);
    operate(&run, std::slice::from_ref(&id)).unwrap();
    world.advance(minutes(30));
    let status = world.account(&id).region("eu-west-1").status.clone();
    let started_at = status.and_then(|status| status.started_at);
    assert_eq!(started_at, Some(start() + minutes(2)));
}

#[test]
fn a_region_that_is_not_enabled_fails_its_instance_alone() {
    let (world, id) = with_account();
    deploys(&world);
    world.change_account(&id, |member| {
        member.region("us-east-1").state = banto_ports::RegionState::Disabled;
    });
    let run = world.run(None);
    operate(&run, std::slice::from_ref(&id)).unwrap();
    world.advance(minutes(2));
    let found = instances(&run, &id);
    assert_eq!(found["eu-west-1"], "Current");
    assert_eq!(found["us-east-1"], "Failed(\"the region is not enabled\")");
}
