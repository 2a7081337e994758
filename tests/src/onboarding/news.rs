//! News of an account, and when they are told: once it is ready, as long as it is not, and nothing
//! that is not so.

use std::sync::Arc;
use std::time::Duration;

use banto_domain::AccountId;
use banto_domain::status::{Condition, ReasonKind};
use banto_fake::{MemberAccount, World, interleave};
use banto_lambda::Invocation;
use banto_ports::{AccountState, Channel, RecordingGroup, RegionState};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::harness::{
    REGIONS, account, both_ways, by_stack_set, created, daily, in_place, is_in_place, minutes,
    named_account, onboarder, policy, policy_with, record_by_others, recorded, region, scheduled,
    start, status, told, told_with,
};
use super::stack_set::deployed_by;
use crate::harness::{batch, handle, settle};

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

/// A world with an account that joined so long ago.
fn joined(ago: SignedDuration, was_created: bool) -> (Arc<World>, AccountId) {
    let world = World::at(start());
    let mut member = MemberAccount::new("444455556666", "payments", &REGIONS, start() - ago);
    member.org.was_created = was_created;
    let id = world.add_account(member);
    (world, id)
}

/// The moments at which people were told something, counted from the world's beginning.
fn told_after(world: &World) -> Vec<SignedDuration> {
    let mut calls = world.calls();
    calls.retain(|call| call.name == "sns:Publish");
    let since = |at: Timestamp| at.duration_since(start());
    calls.into_iter().map(|call| since(call.at)).collect()
}

#[test]
fn an_account_that_is_years_old_is_never_told_as_ready() {
    for (way, policy) in both_ways(&[]) {
        for event in ["move-account", "update-managed-account", "scheduled"] {
            let (world, id) = joined(days(1_000), true);
            deployed_by(&world, &policy);
            for event in [recorded(event), scheduled()] {
                handle(&world, &policy, &event);
                settle(&world, &policy);
            }
            assert!(is_in_place(&world, &id), "{way}, {event}");
            let told = told(&world);
            assert!(told.is_empty(), "{way}, {event}: {told:#?}");
        }
    }
}

#[test]
fn an_account_that_was_invited_last_week_is_told_as_ready_once() {
    for (way, policy) in both_ways(&[]) {
        let (world, id) = joined(days(6), false);
        deployed_by(&world, &policy);
        handle(&world, &policy, &recorded("account-joined-organization"));
        settle(&world, &policy);
        daily(&world, &policy);
        assert!(is_in_place(&world, &id), "{way}");
        let told = told(&world);
        assert_eq!(told.len(), 1, "{way}: {told:#?}");
        assert!(
            told[0].contains("Account payments (444455556666) is ready"),
            "{way}"
        );
    }
}

/// An account that nobody can enter for so many days, and the last word on it.
fn stuck_for(number: usize) -> String {
    let (world, id) = joined(SignedDuration::ZERO, true);
    world.change_account(&id, |member| member.reachable_from = None);
    handle(&world, &policy(), &created());
    settle(&world, &policy());
    for _ in 1..number {
        daily(&world, &policy());
    }
    assert!(told_with(&world, "is ready").is_empty());
    world.change_account(&id, |member| member.reachable_from = Some(start()));
    daily(&world, &policy());
    assert!(is_in_place(&world, &id));
    told(&world).pop().unwrap()
}

#[test]
fn an_account_that_was_stuck_for_two_days_is_ready_and_after_two_weeks_in_order_again() {
    let last = stuck_for(2);
    assert!(
        last.contains("Account payments (444455556666) is ready"),
        "{last}"
    );
    let last = stuck_for(14);
    assert!(
        last.contains("In order again: payments (444455556666)"),
        "{last}"
    );
}

/// Two messages on one new account in two invocations at once; the first one makes some calls, then
/// they take turns, so many calls each.
fn meet(first: usize, each: usize) -> Arc<World> {
    let world = World::at(start());
    account(&world);
    for event in [created(), recorded("account-joined-organization")] {
        handle(&world, &policy(), &event);
    }
    let messages = [world.receive(1), world.receive(1)];
    let [one, other] = messages.map(|messages| batch(&messages).to_string());
    let (here, there) = (world.run(None), world.run(None));
    let (function_here, function_there) =
        (onboarder(&here, &policy()), onboarder(&there, &policy()));
    let invocation = |name: &str| Invocation::for_tests(name, Duration::from_secs(900));
    let (invocation_here, invocation_there) = (invocation("here"), invocation("there"));
    let in_turn = (0..4_000).map(|turn| (turn / each) % 2 == 1);
    let turns = std::iter::repeat_n(true, first).chain(in_turn);
    let _ends = interleave(
        (
            &here,
            function_here.handle(one.as_bytes(), &invocation_here),
        ),
        (
            &there,
            function_there.handle(other.as_bytes(), &invocation_there),
        ),
        turns,
    );
    settle(&world, &policy());
    world
}

#[test]
fn two_messages_that_meet_on_a_new_account_tell_that_it_is_ready_and_of_no_repair() {
    for first in 0..60 {
        for each in [1, 3] {
            let world = meet(first, each);
            let place = format!("{first} calls first, then {each} each");
            let told = told(&world);
            let ready = told_with(&world, "is ready");
            assert!((1..=2).contains(&ready.len()), "{place}: {told:#?}");
            assert_eq!(told.len(), ready.len(), "{place}: {told:#?}");
            let repaired = told_with(&world, "Changed to fit the baseline");
            assert!(repaired.is_empty(), "{place}: {repaired:#?}");
        }
    }
}

#[test]
fn people_are_reminded_of_a_new_account_after_one_hour_five_hours_and_each_day() {
    let (world, id) = joined(SignedDuration::ZERO, true);
    world.change_account(&id, |member| member.reachable_from = None);
    handle(&world, &policy(), &created());
    settle(&world, &policy());
    let after = told_after(&world);
    assert_eq!(after.len(), 2, "{after:?}");
    assert!(
        after[0] >= minutes(60) && after[0] <= minutes(80),
        "{after:?}"
    );
    assert!(
        after[1] >= minutes(5 * 60) && after[1] <= minutes(6 * 60),
        "{after:?}"
    );
    for number in 3..10 {
        daily(&world, &policy());
        assert_eq!(told(&world).len(), number, "{:#?}", told(&world));
    }
    assert_eq!(told_with(&world, "Onboarding still stuck").len(), 8);
}

#[test]
fn people_are_reminded_weekly_of_drift_that_is_only_reported() {
    let reports = ("regions =", "report_only = [\"roles\"]\nregions =");
    for (way, policy) in both_ways(&[reports]) {
        let (world, id) = in_place(&policy);
        world.open_trust(&id, "admin");
        let mut told_on = Vec::new();
        for day in 1..=16 {
            let before = told(&world).len();
            daily(&world, &policy);
            if told(&world).len() > before {
                told_on.push(day);
            }
        }
        assert_eq!(told_on, [1, 8, 15], "{way}");
        assert_eq!(told_with(&world, "Drifted: payments").len(), 3, "{way}");
    }
}

#[test]
fn an_account_whose_snapshots_stop_is_told_within_three_days_and_no_other() {
    for (way, policy) in both_ways(&[]) {
        let (world, id) = in_place(&policy);
        for _ in 0..3 {
            daily(&world, &policy);
        }
        let news = told(&world).len();
        assert_eq!(news, 1, "{way}: {:#?}", told(&world));
        let now = world.now();
        world.change_account(&id, |member| {
            member.region("us-east-1").delivers_until = Some(now);
        });
        for _ in 0..3 {
            daily(&world, &policy);
        }
        let told = told_with(&world, "no configuration snapshots");
        assert!(!told.is_empty(), "{way}: {:#?}", self::told(&world));
        assert!(told[0].contains("us-east-1"), "{way}: {}", told[0]);
        assert!(!told[0].contains("eu-west-1"), "{way}: {}", told[0]);
        world.change_account(&id, |member| {
            member.region("us-east-1").delivers_until = None
        });
        for _ in 0..2 {
            daily(&world, &policy);
        }
        assert!(is_in_place(&world, &id), "{way}: {:?}", status(&world, &id));
        let last = self::told(&world).pop().unwrap();
        assert!(last.contains("In order again: payments"), "{way}: {last}");
    }
}

#[test]
fn a_topic_that_aws_refuses_is_told_as_that_and_not_as_a_bucket() {
    let (world, id) = joined(SignedDuration::ZERO, true);
    world.change_account(&id, |member| {
        let view = member.region("eu-west-1");
        record_by_others(view, RecordingGroup::All { with_global: true });
        view.channel = Some(Channel {
            name: "default".into(),
            bucket: "elsewhere".into(),
            prefix: None,
            kms_key: None,
            topic: Some("arn:aws:sns:us-east-1:444455556666:siem".into()),
            snapshots: None,
        });
    });
    handle(&world, &policy(), &created());
    settle(&world, &policy());
    let conditions = status(&world, &id).conditions;
    let reason = conditions.regions[&region("eu-west-1")].reason();
    let kind = reason.map(|reason| reason.kind);
    assert_eq!(kind, Some(ReasonKind::TopicRefused), "{conditions:?}");
    let told = told_with(&world, "SNS topic of the delivery channel refused");
    assert!(!told.is_empty(), "{:#?}", self::told(&world));
}

#[test]
fn an_account_in_an_unknown_state_is_told_and_the_others_of_the_list_go_on() {
    for (way, policy) in both_ways(&[]) {
        let (world, id) = joined(SignedDuration::ZERO, true);
        deployed_by(&world, &policy);
        let other = named_account(&world, "555566667777", "search");
        world.change_account(&id, |member| member.org.state = AccountState::Unknown);
        let before = world.account(&id);
        handle(&world, &policy, &scheduled());
        settle(&world, &policy);
        assert!(is_in_place(&world, &other), "{way}");
        let stuck = told_with(&world, "Onboarding stuck: unknown state in payments");
        assert_eq!(stuck.len(), 1, "{way}: {:#?}", told(&world));
        assert_eq!(world.account(&id), before, "{way}");
        for _ in 0..2 {
            let news = told(&world).len();
            daily(&world, &policy);
            assert_eq!(told(&world).len(), news + 1, "{way}: {:#?}", told(&world));
        }
    }
}

#[test]
fn a_region_that_is_being_enabled_is_waited_for_and_told_if_it_lasts() {
    let everywhere = policy_with(&[("regions = [\"eu-west-1\", \"us-east-1\"]\n", "")]);
    let (world, id) = joined(SignedDuration::ZERO, true);
    world.change_account(&id, |member| {
        member.region("ap-east-1").state = RegionState::Enabling;
    });
    handle(&world, &everywhere, &created());
    settle(&world, &everywhere);
    let stuck = told_with(&world, "Onboarding stuck: region not enabled in payments");
    assert_eq!(stuck.len(), 1, "{:#?}", told(&world));
    assert!(told_after(&world)[0] >= minutes(60));
    let conditions = status(&world, &id).conditions;
    assert_eq!(conditions.regions[&region("us-east-1")], Condition::InPlace);
    world.change_account(&id, |member| {
        member.region("ap-east-1").state = RegionState::Enabled;
    });
    daily(&world, &everywhere);
    assert!(is_in_place(&world, &id));
    let last = told(&world).pop().unwrap();
    assert!(last.contains("is ready"), "{last}");
}

#[test]
fn an_account_that_leaves_is_forgotten_by_the_next_daily_run_even_if_nobody_said_so() {
    for (way, policy) in both_ways(&[]) {
        let (world, id) = in_place(&policy);
        let other = named_account(&world, "555566667777", "search");
        daily(&world, &policy);
        let news = told(&world).len();
        world.remove_account(&id);
        daily(&world, &policy);
        assert!(!world.statuses().contains_key(&id), "{way}");
        assert!(is_in_place(&world, &other), "{way}");
        assert_eq!(told(&world).len(), news, "{way}: {:#?}", told(&world));
    }
}

#[test]
fn an_account_that_organizations_shows_late_is_ready_within_its_hour() {
    for policy in [policy(), by_stack_set()] {
        let (world, id) = joined(SignedDuration::ZERO, true);
        deployed_by(&world, &policy);
        world.change_account(&id, |member| member.shows_from = Some(start() + minutes(9)));
        let answer: Value = handle(&world, &policy, &created());
        settle(&world, &policy);
        assert!(is_in_place(&world, &id), "{answer}");
        let after = told_after(&world);
        assert_eq!(told_with(&world, "is ready").len(), 1);
        assert!(after.len() == 1 && after[0] < minutes(30), "{after:?}");
    }
}
