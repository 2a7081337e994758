//! The hard cases, one by one.

use std::sync::Arc;
use std::time::Duration;

use banto_domain::status::{Condition, ReasonKind};
use banto_domain::{AccountId, PerPlace};
use banto_fake::{Driven, FakeAccountAccess, World, drive};
use banto_lambda::Invocation;
use banto_ports::{
    AccountAccess as _, AccountState, Channel, ErrorKind, LiveRecorder, Recorder, RecorderStatus,
    RecordingGroup, RegionState,
};
use onboard_accounts::converge::actions::{Action, Chain, Plan};
use onboard_accounts::converge::apply::apply;
use onboard_accounts::converge::outcome::conditions;
use serde_json::{Value, json};

use super::harness::{
    account, by_stack_set, created, foreign, is_in_place, minutes, named_account, policy,
    policy_with, recorded, region, scheduled, start, status, told,
};
use super::play::foreign_role;
use super::stack_set::deployed_by;
use crate::harness::{batch, handle, handle_with, settle, work_off};

fn world() -> (Arc<World>, AccountId) {
    let world = World::at(start());
    let account = account(&world);
    (world, account)
}

fn running(name: &str, group: RecordingGroup) -> LiveRecorder {
    let role = "arn:aws:iam::444455556666:role/config".to_owned();
    let recorder = Recorder {
        name: name.into(),
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

fn recording() -> Option<RecorderStatus> {
    Some(RecorderStatus {
        recording: true,
        started_at: Some(start()),
        error: None,
    })
}

fn channel(name: &str, bucket: &str) -> Option<Channel> {
    Some(Channel {
        name: name.into(),
        bucket: bucket.into(),
        prefix: None,
        kms_key: None,
        topic: None,
        snapshots: Some("TwentyFour_Hours".into()),
    })
}

fn asked(account: &AccountId, dry_run: bool) -> Value {
    json!({ "accounts": [account], "dryRun": dry_run })
}

#[test]
fn a_new_account_is_recorded_hardened_and_announced_with_its_roles_and_links() {
    let (world, id) = world();
    handle(&world, &policy(), &created());
    settle(&world, &policy());
    assert!(is_in_place(&world, &id), "{:?}", status(&world, &id));
    let member = world.account(&id);
    assert_eq!(
        member.roles.len(),
        3,
        "admin, readonly and AWS Config's own"
    );
    assert_eq!(member.public_access_blocks, Some(4));
    assert!(member.regions[&region("us-east-1")].ebs_encryption);
    assert_eq!(member.regions[&region("us-east-1")].default_vpc, None);
    assert!(
        member.regions[&region("ap-east-1")].default_vpc.is_some(),
        "not in the baseline"
    );
    let group = |name: &str| {
        member.regions[&region(name)]
            .recorder
            .clone()
            .unwrap()
            .recorder
            .group
    };
    assert_eq!(
        group("eu-west-1"),
        RecordingGroup::All { with_global: true }
    );
    assert_eq!(
        group("us-east-1"),
        RecordingGroup::All { with_global: false }
    );
    let told = told(&world);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0].contains("Account payments (444455556666) is ready"),
        "{}",
        told[0]
    );
    assert!(
        told[0].contains("roleName=admin&displayName=payments"),
        "{}",
        told[0]
    );
    let dashboard: Value = serde_json::from_str(&world.dashboard().unwrap()).unwrap();
    assert_eq!(dashboard["counts"], json!({ "in place": 1 }));
    assert_eq!(
        dashboard["accounts"][0]["regions"]["eu-west-1"]["condition"],
        "inPlace"
    );
}

#[test]
fn a_second_run_changes_nothing_and_says_nothing() {
    let (world, _) = world();
    handle(&world, &policy(), &created());
    settle(&world, &policy());
    let (before, said, writes) = (world.accounts(), told(&world).len(), world.writes().len());
    for event in [
        created(),
        scheduled(),
        recorded("create-managed-account"),
        recorded("move-account"),
    ] {
        handle(&world, &policy(), &event);
        settle(&world, &policy());
    }
    assert_eq!(world.accounts(), before);
    assert_eq!(told(&world).len(), said);
    let writes = world.writes().split_off(writes);
    assert!(
        writes
            .iter()
            .all(|call| !call.starts_with("iam:") && !call.starts_with("config:")),
        "{writes:?}"
    );
}

#[test]
fn an_account_that_cant_be_entered_yet_waits_ever_longer_and_is_then_taken_up() {
    let (world, id) = world();
    world.change_account(&id, |member| {
        member.reachable_from = Some(start() + minutes(12))
    });
    handle(&world, &policy(), &created());
    work_off(&world, &policy());
    let Condition::NotReady(reason) = status(&world, &id).conditions.account else {
        panic!("{:?}", status(&world, &id))
    };
    assert_eq!(reason.kind, ReasonKind::NotAssumable);
    let mut waits = Vec::new();
    while let Some(next) = world.next_message_at() {
        waits.push(next.duration_since(world.now()).as_secs());
        world.advance(next.duration_since(world.now()));
        work_off(&world, &policy());
    }
    assert!(is_in_place(&world, &id));
    assert!(waits.starts_with(&[15, 30, 60]), "{waits:?}");
    assert_eq!(told(&world).len(), 1, "ready, and not a word before");
}

#[test]
fn one_that_is_stuck_is_told_after_an_hour_again_before_rules_give_up_and_then_daily_until_it_is_in_order()
 {
    let (world, id) = world();
    world.change_account(&id, |member| member.reachable_from = None);
    handle(&world, &policy(), &created());
    settle(&world, &policy());
    let messages = told(&world);
    assert_eq!(messages.len(), 2, "{messages:#?}");
    let stuck = "[alarm] Onboarding stuck: can't assume role in payments (444455556666)";
    assert!(messages[0].contains(stuck), "{}", messages[0]);
    assert!(
        messages[1].contains("Onboarding still stuck"),
        "{messages:#?}"
    );
    assert!(
        messages[0].contains("OrganizationAccountAccessRole"),
        "{}",
        messages[0]
    );
    let tried_for = world.now().duration_since(start());
    assert!(tried_for >= minutes(7 * 60), "tried until rules give up");
    for _ in 0..3 {
        world.advance(minutes(24 * 60));
        handle(&world, &policy(), &scheduled());
        settle(&world, &policy());
    }
    assert_eq!(told(&world).len(), 5, "reminded with each daily run");
    world.change_account(&id, |member| member.reachable_from = Some(start()));
    handle(&world, &policy(), &scheduled());
    settle(&world, &policy());
    assert!(is_in_place(&world, &id));
    let last = told(&world).last().unwrap().clone();
    assert!(
        last.contains("Account payments (444455556666) is ready"),
        "{last}"
    );
    assert_eq!(told(&world).len(), 6);
}

#[test]
fn a_broken_account_or_region_delays_no_other() {
    let (world, broken) = world();
    let other = named_account(&world, "555566667777", "search");
    world.change_account(&broken, |member| {
        member.region("us-east-1").down = Some(ErrorKind::Unavailable)
    });
    handle(&world, &policy(), &scheduled());
    work_off(&world, &policy());
    assert!(is_in_place(&world, &other));
    let status = status(&world, &broken);
    assert_eq!(
        status.conditions.regions[&region("eu-west-1")],
        Condition::InPlace
    );
    assert!(
        matches!(&status.conditions.regions[&region("us-east-1")], Condition::NotReady(reason) if reason.kind == ReasonKind::Unavailable)
    );
}

#[test]
fn suspended_and_closed_accounts_are_left_alone_and_departed_ones_forgotten() {
    let (world, id) = world();
    handle(&world, &policy(), &created());
    settle(&world, &policy());
    for state in [
        AccountState::PendingClosure,
        AccountState::Suspended,
        AccountState::Closed,
    ] {
        world.change_account(&id, |member| member.org.state = state);
        let calls = world.calls().len();
        handle(&world, &policy(), &recorded("close-account-result"));
        settle(&world, &policy());
        assert!(
            matches!(
                status(&world, &id).conditions.account,
                Condition::LeftAlone { .. }
            ),
            "{state:?}"
        );
        assert!(
            world
                .calls()
                .split_off(calls)
                .iter()
                .all(|call| call.name != "sts:AssumeRole"),
            "{state:?}"
        );
    }
    world.remove_account(&id);
    handle(
        &world,
        &policy(),
        &recorded("account-departed-organization"),
    );
    settle(&world, &policy());
    assert_eq!(world.statuses().len(), 0);
    assert_eq!(told(&world).len(), 1, "only that it was ready");
}

#[test]
fn a_departed_account_is_forgotten_while_it_waits() {
    let (world, id) = world();
    world.change_account(&id, |member| member.reachable_from = None);
    handle(&world, &policy(), &created());
    work_off(&world, &policy());
    world.remove_account(&id);
    settle(&world, &policy());
    assert_eq!((world.statuses().len(), told(&world).len()), (0, 0));
}

#[test]
fn an_existing_recorder_keeps_its_name_role_and_types_and_gets_those_of_the_policy() {
    let (world, id) = world();
    let policy = policy_with(&[(
        "bucket = \"banto-log-archive\"",
        "bucket = \"banto-log-archive\"\nonly_types = [\"AWS::S3::Bucket\"]",
    )]);
    world.change_account(&id, |member| {
        let view = member.region("eu-west-1");
        view.recorder = Some(running(
            "default",
            RecordingGroup::Only(["AWS::EC2::Instance".to_owned()].into()),
        ));
        (view.status, view.channel) = (recording(), channel("default", "somewhere-else"));
    });
    handle(&world, &policy, &created());
    settle(&world, &policy);
    assert!(is_in_place(&world, &id), "{:?}", status(&world, &id));
    let view = &world.account(&id).regions[&region("eu-west-1")];
    let recorder = &view.recorder.as_ref().unwrap().recorder;
    assert_eq!(
        (recorder.name.as_str(), recorder.role.as_str()),
        ("default", "arn:aws:iam::444455556666:role/config")
    );
    let both = [
        "AWS::EC2::Instance".to_owned(),
        "AWS::S3::Bucket".to_owned(),
    ]
    .into();
    assert_eq!(recorder.group, RecordingGroup::Only(both));
    assert_eq!(view.channel, channel("default", "banto-log-archive"));
    assert!(
        told(&world)
            .iter()
            .any(|told| told.contains("Changed to fit the baseline")
                && told.contains("recorder default")),
        "{:#?}",
        told(&world)
    );
}

#[test]
fn control_towers_and_other_services_recorders_are_never_written_to() {
    let (world, id) = world();
    let control_tower = "aws-controltower-BaselineConfigRecorder";
    world.change_account(&id, |member| {
        let view = member.region("eu-west-1");
        view.recorder = Some(running(
            control_tower,
            RecordingGroup::All { with_global: true },
        ));
        (view.status, view.channel) = (
            recording(),
            channel(
                "aws-controltower-BaselineConfigDeliveryChannel",
                "control-tower",
            ),
        );
    });
    let before = world.account(&id).regions[&region("eu-west-1")].clone();
    handle(&world, &policy(), &scheduled());
    settle(&world, &policy());
    let after = &world.account(&id).regions[&region("eu-west-1")];
    assert_eq!(
        (&after.recorder, &after.channel),
        (&before.recorder, &before.channel)
    );
    assert!(matches!(
        status(&world, &id).conditions.regions[&region("eu-west-1")],
        Condition::LeftAlone { .. }
    ));
    // A stopped one is told, not started.
    world.change_account(&id, |member| {
        member
            .region("eu-west-1")
            .status
            .as_mut()
            .unwrap()
            .recording = false
    });
    handle(&world, &policy(), &scheduled());
    settle(&world, &policy());
    let Condition::Failed(reason) = &status(&world, &id).conditions.regions[&region("eu-west-1")]
    else {
        panic!("in silence")
    };
    assert!(reason.to_string().contains("is stopped"), "{reason}");
}

#[test]
fn a_new_account_is_left_to_control_tower_until_its_own_event() {
    let (world, id) = world();
    let policy = policy_with(&[("way = \"direct\"", "way = \"direct\"\ncontrol_tower = true")]);
    handle(&world, &policy, &created());
    work_off(&world, &policy);
    assert!(
        matches!(&status(&world, &id).conditions.account, Condition::NotReady(reason) if reason.kind == ReasonKind::ControlTowerSettingUp)
    );
    let touched = |world: &World| {
        world
            .writes()
            .iter()
            .any(|call| call.starts_with("iam:") || call.starts_with("config:"))
    };
    assert!(!touched(&world));
    world.advance(minutes(10));
    handle(&world, &policy, &recorded("create-managed-account"));
    work_off(&world, &policy);
    assert!(is_in_place(&world, &id), "{:?}", status(&world, &id));
    settle(&world, &policy);
    assert!(is_in_place(&world, &id));
    assert_eq!(told(&world).len(), 1, "{:#?}", told(&world));
}

#[test]
fn one_that_control_tower_never_takes_up_is_taken_up_after_an_hour() {
    let (world, id) = world();
    let policy = policy_with(&[("way = \"direct\"", "way = \"direct\"\ncontrol_tower = true")]);
    handle(&world, &policy, &created());
    settle(&world, &policy);
    assert!(is_in_place(&world, &id), "{:?}", status(&world, &id));
}

#[test]
fn a_role_of_the_same_name_that_is_not_bantos_is_a_finding_and_stays_as_it_is() {
    let (world, id) = world();
    world.change_account(&id, |member| {
        drop(
            member
                .roles
                .insert("admin".parse().unwrap(), (foreign_role("admin"), 3_600)),
        )
    });
    let before = foreign(&world.account(&id));
    handle(&world, &policy(), &created());
    settle(&world, &policy());
    assert_eq!(foreign(&world.account(&id)), before);
    let status = status(&world, &id);
    assert!(
        matches!(&status.conditions.account, Condition::Failed(reason) if reason.kind == ReasonKind::ForeignRole)
    );
    assert_eq!(
        status.conditions.regions[&region("eu-west-1")],
        Condition::InPlace,
        "the rest is done"
    );
    assert!(
        told(&world)[0].contains("role of this name is not Banto's"),
        "{:#?}",
        told(&world)
    );
}

#[test]
fn drift_is_repaired_or_reported_as_the_policy_says_of_each_item() {
    for reported in [false, true] {
        let (world, id) = world();
        let report_only = (
            "regions =",
            "report_only = [\"roles\", \"config\", \"password_policy\"]\nregions =",
        );
        let policy = if reported {
            policy_with(&[report_only])
        } else {
            policy()
        };
        handle(&world, &policy, &created());
        settle(&world, &policy);
        assert!(
            is_in_place(&world, &id),
            "what is absent is set up in either case: {:?}",
            status(&world, &id)
        );
        world.change_account(&id, |member| {
            let admin = &mut member.roles.get_mut(&"admin".parse().unwrap()).unwrap().0;
            admin
                .managed_policies
                .insert("arn:aws:iam::aws:policy/IAMFullAccess".into());
            member.password_policy.as_mut().unwrap().minimum_length = 8;
            member
                .region("us-east-1")
                .status
                .as_mut()
                .unwrap()
                .recording = false;
        });
        let drifted = world.account(&id);
        handle(&world, &policy, &scheduled());
        settle(&world, &policy);
        let said = told(&world).pop().unwrap();
        if reported {
            assert_eq!(world.account(&id), drifted);
            let Condition::Drifted { items } = &status(&world, &id).conditions.account else {
                panic!("{:?}", status(&world, &id))
            };
            assert_eq!(items.len(), 2, "{items:?}");
            assert!(
                said.contains("Drifted: payments") && said.contains("IAMFullAccess"),
                "{said}"
            );
        } else {
            assert!(is_in_place(&world, &id));
            assert!(
                said.contains("Repaired: payments") && said.contains("detached"),
                "{said}"
            );
        }
        handle(&world, &policy, &scheduled());
        settle(&world, &policy);
        assert_eq!(told(&world).len(), 2, "said once");
    }
}

#[test]
fn a_default_vpc_that_is_used_stays() {
    let (world, id) = world();
    world.change_account(&id, |member| {
        member
            .region("us-east-1")
            .default_vpc
            .as_mut()
            .unwrap()
            .uses
            .insert("network interface eni-1".into());
    });
    handle(&world, &policy(), &created());
    settle(&world, &policy());
    assert!(
        world.account(&id).regions[&region("us-east-1")]
            .default_vpc
            .is_some()
    );
    assert!(is_in_place(&world, &id), "a VPC in use is no drift");
}

#[test]
fn a_disabled_region_is_told_and_one_being_enabled_is_waited_for() {
    let (world, id) = world();
    let everywhere = policy_with(&[("regions = [\"eu-west-1\", \"us-east-1\"]\n", "")]);
    world.change_account(&id, |member| {
        member.region("ap-east-1").state = RegionState::Enabling
    });
    handle(&world, &everywhere, &created());
    work_off(&world, &everywhere);
    assert!(
        matches!(&status(&world, &id).conditions.regions[&region("ap-east-1")], Condition::NotReady(reason) if reason.kind == ReasonKind::RegionDisabled)
    );
    world.change_account(&id, |member| {
        member.region("ap-east-1").state = RegionState::Enabled
    });
    settle(&world, &everywhere);
    assert!(is_in_place(&world, &id));
    world.change_account(&id, |member| {
        member.region("ap-east-1").state = RegionState::Disabled
    });
    handle(&world, &everywhere, &scheduled());
    settle(&world, &everywhere);
    assert!(
        is_in_place(&world, &id),
        "a region that is disabled has nothing to record"
    );

    let listed = policy_with(&[("\"us-east-1\"]", "\"us-east-1\", \"ap-east-1\"]")]);
    handle(&world, &listed, &scheduled());
    settle(&world, &listed);
    assert!(
        told(&world).last().unwrap().contains("region not enabled"),
        "{:#?}",
        told(&world)
    );
}

#[test]
fn a_call_that_a_service_control_policy_denies_for_an_hour_is_told_and_the_rest_is_done() {
    let (world, id) = world();
    world.change_account(&id, |member| {
        member
            .refuses
            .extend([("account:PutAlternateContact", ErrorKind::Denied)])
    });
    handle(&world, &policy(), &created());
    settle(&world, &policy());
    assert_eq!(
        status(&world, &id)
            .conditions
            .account
            .reason()
            .map(|reason| reason.kind),
        Some(ReasonKind::Denied)
    );
    assert_eq!(
        status(&world, &id).conditions.regions[&region("eu-west-1")],
        Condition::InPlace
    );
    assert!(
        told(&world)[0].contains("account:PutAlternateContact"),
        "{:#?}",
        told(&world)
    );
}

#[test]
fn a_bucket_that_refuses_is_waited_for_and_then_told() {
    let (world, id) = world();
    world.change_account(&id, |member| {
        member
            .refuses
            .extend([("config:PutDeliveryChannel", ErrorKind::Invalid)])
    });
    handle(&world, &policy(), &created());
    settle(&world, &policy());
    let reason = status(&world, &id).conditions.regions[&region("eu-west-1")]
        .reason()
        .unwrap()
        .clone();
    assert_eq!(reason.kind, ReasonKind::DeliveryRefused);
    assert!(
        told(&world)[0].contains("config.amazonaws.com"),
        "{:#?}",
        told(&world)
    );
}

#[test]
fn a_recorder_that_reports_errors_is_told() {
    let (world, id) = world();
    handle(&world, &policy(), &created());
    settle(&world, &policy());
    world.change_account(&id, |member| {
        member.region("us-east-1").channel_status.error = Some("NoSuchBucket".into())
    });
    handle(&world, &policy(), &scheduled());
    settle(&world, &policy());
    assert!(
        told(&world).last().unwrap().contains("NoSuchBucket"),
        "{:#?}",
        told(&world)
    );
}

#[test]
fn overrides_by_unit_and_tag_and_accounts_left_alone() {
    let (world, id) = world();
    let tagged = named_account(&world, "555566667777", "sandbox");
    let alone = named_account(&world, "666677778888", "vendor");
    world.change_account(&tagged, |member| {
        drop(member.org_tags.insert("kind".into(), "sandbox".into()))
    });
    for account in [&id, &tagged, &alone] {
        // An API that does not tell the path with the account.
        world.change_account(account, |member| member.org.path.clear());
    }
    let overrides = r#"
[[onboarding.overrides]]
account = "666677778888"
left_alone_because = "run by a vendor"
[[onboarding.overrides]]
tag = { key = "kind", value = "sandbox" }
regions = ["eu-west-1"]
[[onboarding.overrides]]
ou = "ou-ab12-cdef3456"
config = { frequency = "daily" }
[onboarding.config]"#;
    let policy = policy_with(&[("[onboarding.config]", overrides)]);
    handle(&world, &policy, &scheduled());
    settle(&world, &policy);
    assert!(
        matches!(&status(&world, &alone).conditions.account, Condition::LeftAlone { because } if because == "run by a vendor")
    );
    assert_eq!(status(&world, &tagged).conditions.regions.len(), 1);
    assert!(
        !world.account(&id).regions[&region("eu-west-1")]
            .recorder
            .as_ref()
            .unwrap()
            .recorder
            .continuous
    );
}

#[test]
fn a_dry_run_answers_with_a_diff_and_touches_nothing() {
    let (world, id) = world();
    let before = world.accounts();
    let response = handle(&world, &policy(), &asked(&id, true));
    assert_eq!(
        (
            world.accounts(),
            world.waiting_messages(),
            told(&world).len()
        ),
        (before, 0, 0)
    );
    assert_eq!(
        response["diff"].as_str().unwrap(),
        include_str!("expected-diff.txt")
    );
    handle(&world, &policy(), &created());
    settle(&world, &policy());
    let response = handle(&world, &policy(), &asked(&id, true));
    assert!(
        response["diff"].as_str().unwrap().contains("No changes."),
        "{response:#}"
    );
}

#[test]
fn a_failed_creation_is_told_with_its_reason_and_what_to_do() {
    let (world, _) = world();
    handle(&world, &policy(), &recorded("create-account-result-failed"));
    settle(&world, &policy());
    let told = told(&world);
    assert!(
        told[0].contains("EMAIL_ALREADY_EXISTS") && told[0].contains("no other account has"),
        "{}",
        told[0]
    );
}

#[test]
fn a_failed_stack_is_told_with_cloudformations_reason_and_tried_again_the_next_day() {
    let (world, id) = world();
    let policy = by_stack_set();
    deployed_by(&world, &policy);
    world.fail_deployments(&id, Some("ResourceLimitExceeded: roles"));
    handle(&world, &policy, &created());
    settle(&world, &policy);
    assert!(
        told(&world)[0].contains("ResourceLimitExceeded: roles"),
        "{:#?}",
        told(&world)
    );
    world.fail_deployments(&id, None);
    world.advance(minutes(24 * 60));
    handle(&world, &policy, &scheduled());
    settle(&world, &policy);
    assert!(is_in_place(&world, &id), "{:?}", status(&world, &id));
    let last = told(&world).last().unwrap().clone();
    assert!(last.contains("is ready"), "{last}");
}

#[test]
fn another_operation_on_the_stack_set_is_a_wait_and_not_an_error() {
    let (world, first) = world();
    let policy = by_stack_set();
    deployed_by(&world, &policy);
    handle(&world, &policy, &asked(&first, false));
    work_off(&world, &policy);
    let second = named_account(&world, "555566667777", "search");
    handle(&world, &policy, &asked(&second, false));
    work_off(&world, &policy);
    let busy = status(&world, &second).conditions.regions;
    assert!(busy.values().all(|condition| {
        matches!(condition, Condition::NotReady(reason) if reason.kind == ReasonKind::StackSetBusy)
    }));
    settle(&world, &policy);
    assert!(is_in_place(&world, &first) && is_in_place(&world, &second));
    assert_eq!(
        told(&world).len(),
        2,
        "each is ready, and nothing else was told"
    );
}

#[test]
fn the_management_account_is_done_directly_even_where_a_stack_set_does_the_others() {
    let (world, _) = world();
    let policy = by_stack_set();
    deployed_by(&world, &policy);
    let management = named_account(&world, "999988887777", "management");
    handle(&world, &policy, &scheduled());
    settle(&world, &policy);
    assert!(
        is_in_place(&world, &management),
        "{:?}",
        status(&world, &management)
    );
    assert!(
        world
            .calls()
            .iter()
            .any(|call| call.name == "iam:CreateRole" && call.subject == management.as_str())
    );
}

#[test]
fn the_kill_switch_stops_everything_but_dry_runs() {
    let (world, id) = world();
    let off = policy_with(&[("[onboarding]", "[onboarding]\nenabled = false")]);
    handle(&world, &policy(), &created());
    let messages = world.receive(10);
    let calls = world.calls().len();
    assert_eq!(
        handle(&world, &off, &batch(&messages[..1])),
        json!({ "batchItemFailures": [] })
    );
    handle(&world, &off, &scheduled());
    assert_eq!(world.calls().len(), calls);
    assert!(
        handle(&world, &off, &asked(&id, true))["diff"]
            .as_str()
            .unwrap()
            .contains("+ role admin")
    );
}

#[test]
fn a_dry_run_says_what_the_real_run_would_refuse_of_its_plan() {
    let (world, id) = world();
    let off = policy_with(&[("[onboarding]", "[onboarding]\nenabled = false")]);
    let mut event = asked(&id, true);
    assert_eq!(handle(&world, &policy(), &event)["refused"], json!([]));
    let refusal = "O1: 444455556666: the kill switch is off";
    assert_eq!(handle(&world, &off, &event)["refused"], json!([refusal]));
    event["tags"] = json!({ "team": "payments" });
    let before = world.accounts();
    let response = handle(&world, &off, &event);
    assert_eq!(
        response["refused"],
        json!([refusal, refusal]),
        "tags, account"
    );
    assert_eq!(world.accounts(), before);
    // An account in place has nothing that could be refused.
    handle(&world, &policy(), &created());
    settle(&world, &policy());
    assert_eq!(
        handle(&world, &off, &asked(&id, true))["refused"],
        json!([])
    );
}

#[test]
fn a_dry_run_answers_with_the_plan_as_data_too() {
    let (world, id) = world();
    let policy = by_stack_set();
    let response = handle(&world, &policy, &asked(&id, true));
    let plan = &response["accounts"][0];
    assert_eq!(plan["account"], "444455556666");
    assert_eq!(
        plan["global"]["actions"][0],
        json!({ "kind": "createConfigRole" })
    );
    let policy_action = &plan["global"]["actions"][1];
    assert_eq!(policy_action["kind"], "setPasswordPolicy");
    assert_eq!(policy_action["policy"]["minimumLength"], 16);
    assert_eq!(
        plan["regions"]["us-east-1"]["condition"]["condition"],
        "notReady"
    );
    assert_eq!(
        response["stackSetOperations"],
        json!([{ "kind": "create", "accounts": [&id], "regions": ["eu-west-1", "us-east-1"] }])
    );
}

#[test]
fn a_message_that_cant_be_read_fails_alone() {
    let (world, id) = world();
    handle(&world, &policy(), &created());
    let mut messages = world.receive(1);
    messages.push(banto_fake::Queued::new("torn", "{", start()));
    let response = handle(&world, &policy(), &batch(&messages));
    assert_eq!(
        response,
        json!({ "batchItemFailures": [{ "itemIdentifier": "torn" }] })
    );
    assert!(is_in_place(&world, &id));
}

#[test]
fn an_account_that_is_not_in_the_organization_is_an_error_that_names_it() {
    let (world, _) = world();
    let unknown: AccountId = "000000000000".parse().unwrap();
    let Driven::Done(Err(failure)) =
        handle_with(&world, &policy(), &asked(&unknown, false), None).0
    else {
        panic!("accepted")
    };
    assert_eq!(
        (failure.kind, failure.to_string().contains("000000000000")),
        ("UnknownAccount", true)
    );
}

#[test]
fn a_request_that_names_an_unknown_account_does_nothing_and_a_dry_run_says_that_it_is_refused() {
    let (world, id) = world();
    handle(&world, &policy(), &created());
    settle(&world, &policy());
    let left = named_account(&world, "555566667777", "search");
    handle(&world, &policy(), &asked(&left, false));
    settle(&world, &policy());
    world.remove_account(&left);
    let (writes, statuses) = (world.writes().len(), world.statuses());
    let mut event =
        json!({ "accounts": [&id, &left], "tags": { "team": "payments" }, "dryRun": true });
    let response = handle(&world, &policy(), &event);
    let refused = json!(["555566667777: not in the Organization"]);
    assert_eq!(response["refused"], refused, "{response:#}");
    event["dryRun"] = json!(false);
    let Driven::Done(Err(failure)) = handle_with(&world, &policy(), &event, None).0 else {
        panic!("accepted")
    };
    assert_eq!(failure.kind, "UnknownAccount");
    assert_eq!(world.writes().len(), writes);
    assert_eq!(world.statuses(), statuses);
}

#[test]
fn nobody_reached_means_that_the_message_comes_again_and_nothing_counts_as_told() {
    let (world, id) = world();
    world.fail_topics(Some(ErrorKind::Unavailable));
    handle(&world, &policy(), &created());
    assert_eq!(work_off(&world, &policy()), 1);
    world.fail_topics(None);
    settle(&world, &policy());
    assert!(is_in_place(&world, &id));
    assert_eq!(told(&world).len(), 1);
}

#[test]
fn tags_and_units_are_changed_on_request_only_and_a_dry_run_shows_them() {
    let (world, id) = world();
    world.change_account(&id, |member| {
        drop(member.org_tags.insert("team".into(), "search".into()))
    });
    let mut event = json!({ "accounts": [&id], "tags": { "team": "payments" }, "ou": "ou-ab12-sandbox1", "dryRun": true });
    let before = world.accounts();
    let diff = handle(&world, &policy(), &event)["diff"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        diff.contains("~ tags: team = payments")
            && diff.contains("~ unit: ou-ab12-cdef3456 → ou-ab12-sandbox1"),
        "{diff}"
    );
    assert_eq!(world.accounts(), before);
    event["dryRun"] = json!(false);
    for _ in 0..2 {
        handle(&world, &policy(), &event);
        settle(&world, &policy());
    }
    let member = world.account(&id);
    assert_eq!(
        (member.org_tags["team"].as_str(), member.parents[0].as_str()),
        ("payments", "ou-ab12-sandbox1")
    );
    assert_eq!(
        world
            .calls()
            .iter()
            .filter(|call| call.name == "organizations:MoveAccount")
            .count(),
        1
    );
    assert!(is_in_place(&world, &id));
}

#[test]
fn a_role_that_does_not_show_yet_is_waited_for_and_a_policy_that_does_not_exist_is_told() {
    let (world, id) = world();
    world.change_account(&id, |member| {
        member
            .refuses
            .extend([("iam:AttachRolePolicy", ErrorKind::Missing)])
    });
    handle(&world, &policy(), &created());
    work_off(&world, &policy());
    assert_eq!(
        status(&world, &id)
            .conditions
            .account
            .reason()
            .map(|reason| reason.kind),
        Some(ReasonKind::Propagating)
    );
    world.change_account(&id, |member| member.refuses.clear());
    settle(&world, &policy());
    assert!(is_in_place(&world, &id), "{:?}", status(&world, &id));
}

#[test]
fn a_new_account_that_is_left_alone_is_not_announced() {
    let (world, _) = world();
    let alone = "[[onboarding.overrides]]\naccount = \"444455556666\"\nleft_alone_because = \"run by a vendor\"\n[onboarding.config]";
    let policy = policy_with(&[("[onboarding.config]", alone)]);
    handle(&world, &policy, &created());
    settle(&world, &policy);
    assert_eq!(told(&world), Vec::<String>::new());
}

#[test]
fn of_several_messages_on_one_account_the_one_that_says_most_counts() {
    let (world, id) = world();
    for event in [scheduled(), created(), asked(&id, false)] {
        handle(&world, &policy(), &event);
    }
    // All of them at once, as one batch.
    let messages = world.receive(10);
    assert!(messages.len() >= 3);
    handle(&world, &policy(), &batch(&messages));
    assert!(is_in_place(&world, &id));
    assert!(told(&world)[0].contains("is ready"), "{:#?}", told(&world));
    assert_eq!(
        world
            .calls()
            .iter()
            .filter(|call| call.name == "sts:AssumeRole")
            .count(),
        1
    );
}

#[test]
fn the_dashboard_is_published_once_however_many_messages_of_a_batch_ask_for_it() {
    let (world, id) = world();
    for _ in 0..3 {
        handle(&world, &policy(), &asked(&id, false));
    }
    world.advance(minutes(2));
    let messages = world.receive(10);
    assert_eq!(messages.len(), 6);
    handle(&world, &policy(), &batch(&messages));
    let calls = world.calls();
    let published = calls.iter().filter(|call| call.name == "s3:PutObject");
    assert_eq!(published.count(), 1);
}

#[test]
fn an_event_that_comes_by_the_queue_leads_to_its_account_and_one_of_no_use_fails_alone() {
    let (world, id) = world();
    let record = |id: &str, body: Value| banto_fake::Queued::new(id, body.to_string(), start());
    let mut foreign = recorded("move-account");
    foreign["source"] = "aws.ec2".into();
    let unknown: AccountId = "000000000000".parse().unwrap();
    let confirmation = json!({ "Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:us-east-1:111122223333:org" });
    let messages = [
        record(
            "created",
            json!({ "Type": "Notification", "Message": created().to_string() }),
        ),
        record("foreign", foreign),
        record("unknown", asked(&unknown, false)),
        record("confirmation", confirmation),
    ];
    let response = handle(&world, &policy(), &batch(&messages));
    let back = ["foreign", "unknown"].map(|id| json!({ "itemIdentifier": id }));
    assert_eq!(response, json!({ "batchItemFailures": back }));
    settle(&world, &policy());
    assert!(is_in_place(&world, &id));
}

#[test]
fn a_chain_that_runs_out_of_time_says_so_and_not_that_it_was_done() {
    let (world, id) = world();
    let run = world.run(None);
    let plan = Plan {
        instances: Default::default(),
        account: id.clone(),
        chains: PerPlace::of_account(Chain {
            actions: vec![Action::BlockPublicAccess { replaces: None }],
            condition: Condition::InPlace,
        }),
    };
    let applied = drive(&run, async {
        let access = FakeAccountAccess(run.clone());
        let clients = access.assume_role(&id).await.unwrap();
        let invocation = Invocation::for_tests("run", Duration::from_secs(20));
        apply(&clients, &plan, &invocation).await
    });
    let Driven::Done(outcomes) = applied else {
        panic!("cancelled")
    };
    let condition = conditions(&plan, &outcomes).account;
    assert_eq!(condition.reason().unwrap().kind, ReasonKind::OutOfTime);
    assert_eq!(world.account(&id).public_access_blocks, None);
}
