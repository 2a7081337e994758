//! Rules that concern several users: canaries, the cap, windows, exemptions, machines.

use banto_domain::policy::{ChangeWindow, Exemption, Machines, Selector};
use jiff::civil::{Weekday, time};
use jiff::tz::TimeZone;

use super::*;
use crate::plan::WaitReason;

fn due(name: &str, age: i64) -> User {
    user(name, vec![key(OLD, true, days(age))])
}

fn issued_to(plan: &Plan) -> Vec<&str> {
    let issues = |action: &Action| matches!(action, Action::Issue { .. });
    plan.chains
        .iter()
        .filter(|chain| chain.actions.iter().any(issues))
        .map(|chain| chain.user.as_str())
        .collect()
}

fn waits_for(plan: &Plan, name: &str) -> Option<WaitReason> {
    let waiting = |waiting: &&crate::plan::Waiting| {
        waiting
            .user
            .as_ref()
            .is_some_and(|user| user.as_str() == name)
    };
    plan.waiting
        .iter()
        .find(waiting)
        .map(|waiting| waiting.reason.clone())
}

#[test]
fn the_cap_takes_the_oldest_keys_first() {
    let policy = RotationPolicy {
        max_users_per_run: 2,
        ..policy()
    };
    let snapshot = snapshot(
        Mode::Due,
        vec![due("alice", 91), due("bob", 120), due("carol", 100)],
    );
    let plan = plan(&snapshot, &policy, now());
    assert_eq!(issued_to(&plan), ["bob", "carol"]);
    assert_eq!(waits_for(&plan, "alice"), Some(WaitReason::NextRun));
}

#[test]
fn canaries_go_first_and_alone() {
    let policy = RotationPolicy {
        canaries: BTreeSet::from(["carol".parse().unwrap()]),
        ..policy()
    };
    let snapshot = snapshot(
        Mode::Due,
        vec![due("alice", 120), due("bob", 120), due("carol", 90)],
    );
    let plan = plan(&snapshot, &policy, now());
    assert_eq!(issued_to(&plan), ["carol"]);
    assert_eq!(waits_for(&plan, "alice"), Some(WaitReason::Canaries));
}

#[test]
fn others_wait_until_the_canarys_key_is_delivered() {
    let policy = RotationPolicy {
        canaries: BTreeSet::from(["carol".parse().unwrap()]),
        ..policy()
    };
    let keys = || vec![key(OLD, true, days(120)), key(NEW, true, days(20))];
    for (rotation, waits) in [(issued(days(20)), true), (delivered(days(20)), false)] {
        let carol = User {
            record: StoredRecord::Own(record(rotation)),
            ..user("carol", keys())
        };
        let plan = plan(
            &snapshot(Mode::Due, vec![due("alice", 120), carol]),
            &policy,
            now(),
        );
        assert_eq!(issued_to(&plan).is_empty(), waits);
    }
}

#[test]
fn a_canary_without_a_certificate_holds_nobody_up() {
    let policy = RotationPolicy {
        canaries: BTreeSet::from(["carol".parse().unwrap()]),
        ..policy()
    };
    let refused = Certificate::Refused {
        code: "expired".into(),
        reason: "it expired".into(),
    };
    let carol = User {
        certificate: refused,
        ..due("carol", 120)
    };
    let plan = plan(
        &snapshot(Mode::Due, vec![due("alice", 120), carol]),
        &policy,
        now(),
    );
    assert_eq!(issued_to(&plan), ["alice"]);
}

#[test]
fn a_forced_rotation_heeds_neither_cap_nor_window_nor_canaries() {
    let policy = RotationPolicy {
        max_users_per_run: 1,
        canaries: BTreeSet::from(["carol".parse().unwrap()]),
        windows: vec![office_hours()],
        ..policy()
    };
    let snapshot = snapshot(
        Mode::Force,
        vec![due("alice", 1), due("bob", 1), due("carol", 1)],
    );
    let midnight = "2026-11-24T23:00:00Z".parse().unwrap();
    assert_eq!(
        issued_to(&plan(&snapshot, &policy, midnight)),
        ["alice", "bob", "carol"]
    );
}

fn office_hours() -> ChangeWindow {
    let days = vec![
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
    ];
    let time_zone = TimeZone::get("Asia/Tokyo").unwrap();
    ChangeWindow {
        days,
        from: time(9, 0, 0, 0),
        to: time(17, 0, 0, 0),
        time_zone,
    }
}

#[test]
fn outside_the_windows_nothing_is_done() {
    let policy = RotationPolicy {
        windows: vec![office_hours()],
        ..policy()
    };
    let snapshot = snapshot(Mode::Due, vec![due("alice", 120)]);
    // 24 November 2026 is a Tuesday; Tokyo is nine hours ahead.
    for (at, open) in [
        ("2026-11-23T23:59:59Z", false),
        ("2026-11-24T00:00:00Z", true),
        ("2026-11-24T07:59:59Z", true),
        ("2026-11-24T08:00:00Z", false),
        ("2026-11-28T01:00:00Z", false),
    ] {
        let plan = plan(&snapshot, &policy, at.parse().unwrap());
        assert_eq!(!plan.chains.is_empty(), open, "{at}");
    }
}

#[test]
fn an_exempt_user_is_left_alone_until_the_exemption_ends_but_not_in_an_emergency() {
    let exemption = Exemption {
        who: Selector::User("alice".parse().unwrap()),
        until: now() + days(1),
        reason: "on leave".into(),
    };
    let exempt = RotationPolicy {
        exemptions: vec![exemption],
        ..policy()
    };
    let alice = || vec![due("alice", 120)];
    let plan_at = |mode, at| plan(&snapshot(mode, alice()), &exempt, at);
    assert!(plan_at(Mode::Due, now()).chains.is_empty());
    assert!(plan_at(Mode::Force, now()).chains.is_empty());
    assert!(!plan_at(Mode::Emergency, now()).chains.is_empty());
    assert_eq!(issued_to(&plan_at(Mode::Due, now() + days(1))), ["alice"]);
}

#[test]
fn machines_follow_their_own_pace() {
    let timings = RotationTimings {
        rotate_after: days(365),
        ..policy().timings
    };
    let who = vec![Selector::Path("/machines/".into())];
    let policy = RotationPolicy {
        machines: Some(Machines { who, timings }),
        ..policy()
    };
    let robot = User {
        path: "/machines/".into(),
        ..due("robot", 120)
    };
    let plan = plan(
        &snapshot(Mode::Due, vec![due("alice", 120), robot]),
        &policy,
        now(),
    );
    assert_eq!(issued_to(&plan), ["alice"]);
}
