//! Default VPCs go from accounts that are new, where nothing uses them, and from nowhere else.

use std::sync::Arc;

use banto_domain::AccountId;
use banto_domain::policy::OnboardingPolicy;
use banto_fake::{MemberAccount, World};
use banto_ports::DefaultVpc;
use jiff::SignedDuration;

use super::harness::{
    REGIONS, both_ways, created, daily, is_in_place, minutes, recorded, region, scheduled, start,
    status, told, told_with,
};
use super::stack_set::deployed_by;
use crate::harness::{Sqs, handle, settle};

/// A world with an account that joined so long ago.
fn joined(
    policy: &OnboardingPolicy,
    ago: SignedDuration,
    was_created: bool,
) -> (Arc<World>, AccountId) {
    let world = World::at(start());
    deployed_by(&world, policy);
    let mut member = MemberAccount::new("444455556666", "payments", &REGIONS, start() - ago);
    member.org.was_created = was_created;
    let id = world.add_account(member);
    (world, id)
}

fn vpc(world: &World, id: &AccountId, name: &str) -> Option<DefaultVpc> {
    world.account(id).regions[&region(name)].default_vpc.clone()
}

fn vpcs(world: &World, id: &AccountId) -> [Option<DefaultVpc>; 3] {
    REGIONS.map(|name| vpc(world, id, name))
}

fn deletions(world: &World) -> usize {
    let mut writes = world.writes();
    writes.retain(|call| call.starts_with("ec2:Delete"));
    writes.len()
}

#[test]
fn unused_default_vpcs_of_an_account_that_was_created_today_go_from_the_regions_of_the_baseline() {
    for (way, policy) in both_ways(&[]) {
        let (world, id) = joined(&policy, minutes(23 * 60), true);
        handle(&world, &policy, &created());
        settle(&world, &policy);
        assert!(is_in_place(&world, &id), "{way}");
        let [elsewhere, home, other] = vpcs(&world, &id);
        assert!(elsewhere.is_some(), "{way}: not in the baseline");
        assert_eq!((home, other), (None, None), "{way}");
    }
}

#[test]
fn default_vpcs_of_accounts_that_are_older_or_were_invited_or_moved_stay() {
    let day = minutes(24 * 60);
    let cases = [
        ("create-account-result", day, true),
        ("account-joined-organization", SignedDuration::ZERO, false),
        ("accept-handshake", SignedDuration::ZERO, false),
        ("move-account", minutes(25 * 60), true),
        (
            "update-managed-account",
            SignedDuration::from_hours(24 * 365),
            true,
        ),
        ("scheduled", minutes(25 * 60), true),
    ];
    for (way, policy) in both_ways(&[]) {
        for (event, ago, was_created) in cases {
            let (world, id) = joined(&policy, ago, was_created);
            let before = vpcs(&world, &id);
            for event in [recorded(event), scheduled()] {
                handle(&world, &policy, &event);
                settle(&world, &policy);
            }
            assert!(is_in_place(&world, &id), "{way}, {event}");
            assert_eq!(vpcs(&world, &id), before, "{way}, {event}");
            assert_eq!(deletions(&world), 0, "{way}, {event}");
        }
    }
}

#[test]
fn a_default_vpc_that_something_uses_stays_whole_and_is_no_drift() {
    let uses = [
        "network interface eni-1",
        "VPN gateway vgw-1",
        "peering connection pcx-1",
        "endpoint vpce-1",
        "route table rtb-1",
        "flow log fl-1",
    ];
    for (way, policy) in both_ways(&[]) {
        for what in uses {
            let (world, id) = joined(&policy, SignedDuration::ZERO, true);
            world.use_default_vpc(&id, "us-east-1", what);
            let before = vpc(&world, &id, "us-east-1");
            handle(&world, &policy, &created());
            settle(&world, &policy);
            daily(&world, &policy);
            assert!(is_in_place(&world, &id), "{way}, {what}");
            assert_eq!(vpc(&world, &id, "us-east-1"), before, "{way}, {what}");
            assert_eq!(vpc(&world, &id, "eu-west-1"), None, "{way}, {what}");
            assert_eq!(told(&world).len(), 1, "{way}, {what}: {:#?}", told(&world));
        }
    }
}

/// A world in which somebody begins to use the default VPC just before a call; and the account.
fn used_before(
    policy: &OnboardingPolicy,
    call: &'static str,
    what: &'static str,
) -> (Arc<World>, AccountId) {
    let (world, id) = joined(policy, SignedDuration::ZERO, true);
    world.change_account(&id, |member| {
        // Everything happens in one region, so that the call is one of its.
        member.region("us-east-1").default_vpc = None;
    });
    handle(&world, policy, &created());
    let mut is_used = false;
    while let Some(at) = world.next_message_at() {
        world.advance_to(at);
        let run = world.run(None);
        if !is_used {
            let id = id.clone();
            let act = move |world: &World| world.use_default_vpc(&id, "eu-west-1", what);
            run.interfere_at(call, act);
        }
        Sqs::default().deliver_on(&run, &world, policy);
        is_used |= run.acts_to_come() == 0;
    }
    assert!(is_used, "no {call}");
    (world, id)
}

#[test]
fn a_default_vpc_that_somebody_begins_to_use_before_its_deletion_is_not_deleted() {
    for (way, policy) in both_ways(&[]) {
        for call in [
            "ec2:DeleteSubnet",
            "ec2:DeleteInternetGateway",
            "ec2:DeleteVpc",
        ] {
            for what in ["network interface eni-1", "VPN gateway vgw-1"] {
                let (world, id) = used_before(&policy, call, what);
                let place = format!("{way}, {what} before {call}");
                let left = vpc(&world, &id, "eu-west-1").expect(&place);
                assert!(left.uses.contains(what), "{place}");
                // In place, or told that parts of it are gone.
                let reason = status(&world, &id).worst().reason().cloned();
                assert_eq!(reason, None, "{place}");
                if call == "ec2:DeleteSubnet" && what.contains("interface") {
                    assert_eq!(left.subnets.len(), 2, "{place}");
                }
                let (before, parts) = (deletions(&world), vpcs(&world, &id));
                daily(&world, &policy);
                assert_eq!(deletions(&world), before, "{place}");
                assert_eq!(vpcs(&world, &id), parts, "{place}");
            }
        }
    }
}

#[test]
fn a_default_vpc_of_which_parts_are_gone_and_that_somebody_uses_is_told() {
    for (way, policy) in both_ways(&[]) {
        let (world, id) = used_before(&policy, "ec2:DeleteVpc", "VPN gateway vgw-1");
        let left = vpc(&world, &id, "eu-west-1").expect("deleted in spite of its use");
        assert!(left.subnets.is_empty(), "{way}: {left:?}");
        let told = told_with(&world, "default VPC");
        assert!(!told.is_empty(), "{way}: {:#?}", self::told(&world));
    }
}

#[test]
fn a_deletion_that_was_interrupted_is_finished_by_the_next_run_and_told_as_no_repair() {
    for (way, policy) in both_ways(&[]) {
        let (world, id) = joined(&policy, SignedDuration::ZERO, true);
        world.change_account(&id, |member| {
            let refused = ("ec2:DeleteVpc", banto_ports::ErrorKind::Unavailable);
            member.refuses.extend([refused]);
        });
        handle(&world, &policy, &created());
        let mut sqs = Sqs::default();
        for _ in 0..6 {
            if let Some(at) = world.next_message_at() {
                world.advance_to(at);
                sqs.deliver(&world, &policy, None);
            }
        }
        world.change_account(&id, |member| member.refuses.clear());
        settle(&world, &policy);
        assert_eq!(vpc(&world, &id, "eu-west-1"), None, "{way}");
        assert!(is_in_place(&world, &id), "{way}");
        let told = told(&world);
        assert_eq!(told.len(), 1, "{way}: {told:#?}");
        assert!(told[0].contains("is ready"), "{way}: {}", told[0]);
        assert!(!told[0].contains("VPC"), "{way}: {}", told[0]);
    }
}
