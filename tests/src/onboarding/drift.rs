//! O2: drift is repaired and told, or reported, whichever the way; and what is not drift stays.

use std::sync::Arc;

use banto_domain::policy::OnboardingPolicy;
use banto_domain::status::{Condition, ReasonKind};
use banto_domain::{AccountId, UserName};
use banto_fake::{Driven, Fault, FaultKind, MemberAccount, World};
use banto_ports::{Channel, ErrorKind, LivePasswordPolicy, OrgPolicyKind, RecordingGroup};
use jiff::SignedDuration;
use onboard_accounts::revocation;
use serde_json::{Value, json};

use super::harness::{
    account, both_ways, created, daily, in_place, is_in_place, minutes, record_by_others, region,
    scheduled, start, status, told, told_with,
};
use crate::harness::{Sqs, handle, handle_with, settle};

/// A change that somebody makes in an account that is in place.
struct Drift {
    name: &'static str,
    make: fn(&World, &AccountId),
    /// The words of its repair.
    repair: &'static str,
    /// The words of its report, where the policy only reports; `None` of what is deleted, which is
    /// set up anew by either policy.
    report: Option<&'static str>,
}

const DRIFTS: [Drift; 7] = [
    Drift {
        name: "a recorder narrowed to one type",
        make: |world, id| world.narrow_recorder(id, "eu-west-1", &["AWS::S3::Bucket"]),
        repair: "eu-west-1: recorder banto set",
        report: Some("eu-west-1: recorder banto drifted"),
    },
    Drift {
        name: "a channel to a foreign bucket",
        make: |world, id| world.point_channel(id, "us-east-1", "bucket-of-an-attacker"),
        repair: "us-east-1: delivery channel banto set",
        report: Some("us-east-1: delivery channel banto drifted"),
    },
    Drift {
        name: "a role that trusts everybody",
        make: |world, id| world.open_trust(id, "admin"),
        repair: "role admin: trust",
        report: Some("role admin: trust policy drifted"),
    },
    Drift {
        name: "a stopped recorder",
        make: |world, id| world.stop_recorder(id, "eu-west-1"),
        repair: "eu-west-1: recorder banto started",
        report: Some("eu-west-1: recorder banto is stopped"),
    },
    Drift {
        name: "a deleted recorder",
        make: |world, id| {
            world.change_account(id, |member| {
                let view = member.region("eu-west-1");
                (view.recorder, view.status) = (None, None);
            });
        },
        repair: "eu-west-1: recorder banto set",
        report: None,
    },
    Drift {
        name: "a deleted channel, and the recorder that was stopped and deleted for it",
        make: |world, id| {
            world.change_account(id, |member| {
                let view = member.region("us-east-1");
                (view.channel, view.recorder, view.status) = (None, None, None);
            });
        },
        repair: "us-east-1: delivery channel banto set",
        report: None,
    },
    Drift {
        name: "a deleted role",
        make: |world, id| world.delete_role(id, "readonly"),
        repair: "role readonly created",
        report: None,
    },
];

const REPORTS: (&str, &str) = (
    "regions =",
    "report_only = [\"roles\", \"config\"]\nregions =",
);

/// The account without the times of its recorders and snapshots.
fn timeless(mut member: MemberAccount) -> MemberAccount {
    for view in member.regions.values_mut() {
        view.channel_status.last_snapshot = None;
        if let Some(status) = &mut view.status {
            status.started_at = None;
        }
    }
    member
}

#[test]
fn drift_is_repaired_and_told_within_one_daily_run_whichever_the_way() {
    for (way, policy) in both_ways(&[]) {
        for drift in DRIFTS {
            let (world, id) = in_place(&policy);
            let (before, news) = (timeless(world.account(&id)), told(&world).len());
            (drift.make)(&world, &id);
            daily(&world, &policy);
            let place = format!("{way}, {}", drift.name);
            assert!(is_in_place(&world, &id), "{place}");
            assert_eq!(timeless(world.account(&id)), before, "{place}");
            let told = told(&world);
            assert_eq!(told.len(), news + 1, "{place}: {told:#?}");
            let repaired = told[news].contains("Repaired: payments (444455556666)");
            assert!(repaired, "{place}: {}", told[news]);
            assert!(told[news].contains(drift.repair), "{place}: {}", told[news]);
        }
    }
}

#[test]
fn where_the_policy_only_reports_drift_stays_and_is_told_and_what_is_gone_is_made_anew() {
    for (way, policy) in both_ways(&[REPORTS]) {
        for drift in DRIFTS {
            let (world, id) = in_place(&policy);
            let before = timeless(world.account(&id));
            (drift.make)(&world, &id);
            let drifted = timeless(world.account(&id));
            daily(&world, &policy);
            let place = format!("{way}, {}", drift.name);
            let after = timeless(world.account(&id));
            match drift.report {
                Some(report) => {
                    assert_eq!(after, drifted, "{place}");
                    let told = told_with(&world, "Drifted: payments (444455556666)");
                    assert_eq!(told.len(), 1, "{place}");
                    assert!(told[0].contains(report), "{place}: {}", told[0]);
                    let condition = status(&world, &id).worst().clone();
                    assert!(matches!(condition, Condition::Drifted { .. }), "{place}");
                }
                None => {
                    assert_eq!(after, before, "{place}");
                    let told = told_with(&world, drift.repair);
                    assert_eq!(told.len(), 1, "{place}: {:#?}", self::told(&world));
                }
            }
        }
    }
}

#[test]
fn a_repair_of_which_nobody_could_be_told_for_a_day_is_told_later() {
    for (way, policy) in both_ways(&[]) {
        let (world, id) = in_place(&policy);
        let news = told(&world).len();
        world.fail_topics(Some(ErrorKind::Unavailable));
        world.fail_webhooks(Some(ErrorKind::Unavailable));
        world.open_trust(&id, "admin");
        world.advance(minutes(24 * 60));
        handle(&world, &policy, &scheduled());
        Sqs::default().settle(&world, &policy, &[]);
        assert!(
            is_in_place(&world, &id),
            "{way}: repaired, and nobody knows"
        );
        assert_eq!(told(&world).len(), news, "{way}");
        world.fail_topics(None);
        world.fail_webhooks(None);
        daily(&world, &policy);
        let told = told(&world);
        assert_eq!(told.len(), news + 1, "{way}: {told:#?}");
        assert!(
            told[news].contains("Repaired: payments"),
            "{way}: {}",
            told[news]
        );
        assert!(
            told[news].contains("role admin: trust"),
            "{way}: {}",
            told[news]
        );
        daily(&world, &policy);
        assert_eq!(self::told(&world).len(), news + 1, "{way}: told once");
    }
}

/// A world in which a daily run is about to repair what somebody changed.
fn about_to_repair(policy: &OnboardingPolicy) -> (Arc<World>, AccountId) {
    let (world, id) = in_place(policy);
    world.open_trust(&id, "admin");
    world.delete_role(&id, "readonly");
    world.stop_recorder(&id, "us-east-1");
    world.advance(minutes(24 * 60));
    handle(&world, policy, &scheduled());
    (world, id)
}

#[test]
fn a_repair_is_told_wherever_the_run_that_makes_it_crashes() {
    for (way, policy) in both_ways(&[]) {
        let (world, _) = about_to_repair(&policy);
        let mut sqs = Sqs::default();
        sqs.deliver(&world, &policy, None);
        for call in 1..=sqs.calls[0] {
            for kind in [FaultKind::CancelBefore, FaultKind::CancelAfter] {
                let (world, id) = about_to_repair(&policy);
                let mut sqs = Sqs::default();
                sqs.settle(&world, &policy, &[(0, Fault { call, kind })]);
                let place = format!("{way}, call {call}, {kind:?}");
                assert_eq!(sqs.fired, 1, "{place}");
                daily(&world, &policy);
                assert!(is_in_place(&world, &id), "{place}");
                for words in [
                    "role admin: trust",
                    "role readonly created",
                    "recorder banto started",
                ] {
                    let told = told_with(&world, words).len();
                    // What was sent and could not be marked as sent is sent again.
                    assert!((1..=2).contains(&told), "{place}: {words}: {told}");
                }
            }
        }
    }
}

#[test]
fn a_repair_that_was_only_begun_is_not_told_while_nobody_can_look() {
    for (way, policy) in both_ways(&[]) {
        let (world, id) = about_to_repair(&policy);
        let mut sqs = Sqs::default();
        let calls = world.call_count();
        sqs.deliver(&world, &policy, None);
        let mut after = world.calls().split_off(calls);
        after.truncate(sqs.calls[0]);
        let saved = after
            .iter()
            .position(|call| call.name == "dynamodb:UpdateItem");
        let (world, other) = about_to_repair(&policy);
        assert_eq!(id, other);
        let fault = Fault {
            call: saved.unwrap() + 1,
            kind: FaultKind::CancelAfter,
        };
        sqs.deliver(&world, &policy, Some(fault));
        assert_eq!(sqs.fired, 1, "{way}");
        let mut refused = ErrorKind::Denied;
        for call in ["sts:AssumeRole", "iam:GetAccountAuthorizationDetails"] {
            let until = world.now() + minutes(30);
            world.outage(call, refused, until);
            while world.next_message_at().is_some_and(|at| at < until) {
                world.advance_to(world.next_message_at().unwrap());
                sqs.deliver(&world, &policy, None);
            }
            let told = told_with(&world, "role admin: trust");
            assert!(told.is_empty(), "{way}, {call}: {told:#?}");
            refused = ErrorKind::Unavailable;
            world.advance_to(until);
        }
        settle(&world, &policy);
        assert!(is_in_place(&world, &id), "{way}");
        let told = told_with(&world, "role admin: trust");
        assert_eq!(told.len(), 1, "{way}: {:#?}", self::told(&world));
    }
}

#[test]
fn a_repair_that_fails_is_not_told_as_made() {
    for (way, policy) in both_ways(&[]) {
        let (world, id) = in_place(&policy);
        world.open_trust(&id, "admin");
        world.change_account(&id, |member| {
            let refused = ("iam:UpdateAssumeRolePolicy", ErrorKind::Denied);
            member.refuses.extend([refused]);
        });
        daily(&world, &policy);
        let repaired = told_with(&world, "Repaired");
        assert!(repaired.is_empty(), "{way}: {repaired:#?}");
        let stuck = told_with(&world, "Onboarding stuck: call denied in payments");
        assert_eq!(stuck.len(), 1, "{way}: {:#?}", told(&world));
        world.change_account(&id, |member| member.refuses.clear());
        daily(&world, &policy);
        assert!(is_in_place(&world, &id), "{way}");
        let repaired = told_with(&world, "role admin: trust");
        assert_eq!(repaired.len(), 1, "{way}: {:#?}", told(&world));
    }
}

/// A recorder and a channel of a tool that was here before.
fn adopt(world: &World, id: &AccountId) {
    world.change_account(id, |member| {
        let view = member.region("eu-west-1");
        record_by_others(view, RecordingGroup::All { with_global: true });
        view.channel = Some(Channel {
            name: "default".into(),
            bucket: "security-tool".into(),
            prefix: Some("tool".into()),
            kms_key: None,
            topic: Some("arn:aws:sns:eu-west-1:444455556666:siem".into()),
            snapshots: Some("One_Hour".into()),
        });
    });
}

#[test]
fn an_adopted_channel_keeps_its_topic_and_delivers_as_often_as_before() {
    for (way, policy) in both_ways(&[]) {
        let world = World::at(start());
        let id = account(&world);
        adopt(&world, &id);
        super::stack_set::deployed_by(&world, &policy);
        handle(&world, &policy, &created());
        settle(&world, &policy);
        assert!(is_in_place(&world, &id), "{way}: {:?}", status(&world, &id));
        let channel = world.account(&id).regions[&region("eu-west-1")]
            .channel
            .clone();
        let channel = channel.unwrap();
        let topic = channel.topic.as_deref();
        assert_eq!(
            topic,
            Some("arn:aws:sns:eu-west-1:444455556666:siem"),
            "{way}"
        );
        assert_eq!(channel.snapshots.as_deref(), Some("One_Hour"), "{way}");
        assert_eq!(channel.bucket, "banto-log-archive", "{way}");
        assert_eq!(
            channel.prefix, None,
            "{way}: it was one of the other bucket"
        );
    }
}

#[test]
fn what_is_stricter_in_a_password_policy_stays_and_what_the_baseline_does_not_speak_of_too() {
    for (way, policy) in both_ways(&[]) {
        for users_may_change in [true, false] {
            let (world, id) = in_place(&policy);
            let own = LivePasswordPolicy {
                minimum_length: 8,
                lowercase: true,
                uppercase: true,
                numbers: true,
                symbols: true,
                max_age_days: Some(30),
                reuse_prevention: Some(24),
                users_may_change,
                hard_expiry: true,
            };
            world.change_account(&id, |member| member.password_policy = Some(own.clone()));
            daily(&world, &policy);
            let longer = LivePasswordPolicy {
                minimum_length: 16,
                ..own.clone()
            };
            assert_eq!(world.account(&id).password_policy, Some(longer), "{way}");
            let longest = LivePasswordPolicy {
                minimum_length: 40,
                ..own
            };
            world.change_account(&id, |member| member.password_policy = Some(longest.clone()));
            let news = told(&world).len();
            daily(&world, &policy);
            assert_eq!(world.account(&id).password_policy, Some(longest), "{way}");
            assert_eq!(told(&world).len(), news, "{way}: stricter is no drift");
        }
    }
}

/// Lets a policy of the Organization set something in an account.
fn set_by_organization(world: &World, id: &AccountId, kind: OrgPolicyKind, policy: Value) {
    world.change_account(id, |member| {
        member.org_policies.insert(kind, policy);
    });
}

#[test]
fn what_a_policy_of_the_organization_holds_is_left_alone_and_shown_without_an_alarm() {
    for (way, policy) in both_ways(&[]) {
        let (world, id) = in_place(&policy);
        let news = told(&world).len();
        let ec2 = json!({ "ec2_attributes": { "ebs_encryption_by_default": "disabled" } });
        set_by_organization(&world, &id, OrgPolicyKind::Ec2, ec2);
        let s3 = json!({ "s3_attributes": { "public_access_block_configuration": "all" } });
        set_by_organization(&world, &id, OrgPolicyKind::S3, s3);
        world.change_account(&id, |member| {
            member.region("eu-west-1").ebs_encryption = false;
        });
        let before = timeless(world.account(&id));
        daily(&world, &policy);
        assert_eq!(timeless(world.account(&id)), before, "{way}");
        assert_eq!(told(&world).len(), news, "{way}: {:#?}", told(&world));
        let conditions = status(&world, &id).conditions;
        let condition = &conditions.regions[&region("eu-west-1")];
        let Condition::LeftAlone { because } = condition else {
            panic!("{way}: {condition:?}")
        };
        assert!(
            because.contains("the Organization's EC2 policy"),
            "{way}: {because}"
        );
        assert_eq!(conditions.account, Condition::InPlace, "{way}");
    }
}

#[test]
fn public_access_that_a_policy_of_the_organization_leaves_open_is_told_and_not_fought_over() {
    for (way, policy) in both_ways(&[]) {
        let (world, id) = in_place(&policy);
        let s3 = json!({ "s3_attributes": { "public_access_block_configuration": "none" } });
        set_by_organization(&world, &id, OrgPolicyKind::S3, s3);
        let writes = world.writes().len();
        daily(&world, &policy);
        let after = world.writes().split_off(writes);
        let is_fought_over = after
            .iter()
            .any(|call| call == "s3:PutAccountPublicAccessBlock");
        assert!(!is_fought_over, "{way}");
        let drifted = told_with(&world, "public access to S3 is left open by");
        assert_eq!(drifted.len(), 1, "{way}: {:#?}", told(&world));
        assert!(!drifted[0].contains("[alarm]"), "{way}: {}", drifted[0]);
    }
}

#[test]
fn a_denial_of_sessions_stays_for_twelve_hours_and_goes_without_a_word_with_the_next_daily_run() {
    for (way, policy) in both_ways(&[]) {
        let (world, id) = in_place(&policy);
        let news = told(&world).len();
        let alice: UserName = "alice".parse().unwrap();
        let name = revocation::policy_name(&alice);
        let denies = |world: &World| {
            let member = world.account(&id);
            let (admin, _) = &member.roles[&"admin".parse().unwrap()];
            admin.inline_policies.contains_key(&name)
        };
        world.advance(minutes(24 * 60));
        world.change_account(&id, |member| {
            let denial = revocation::policy(&alice, start() + SignedDuration::from_hours(24));
            let (admin, _) = member.roles.get_mut(&"admin".parse().unwrap()).unwrap();
            admin.inline_policies.insert(name.clone(), denial);
        });
        for _ in 0..3 {
            handle(&world, &policy, &scheduled());
            settle(&world, &policy);
            assert!(denies(&world), "{way}: at {}", world.now());
            world.advance(minutes(3 * 60));
        }
        assert!(is_in_place(&world, &id), "{way}: a denial is no drift");
        daily(&world, &policy);
        assert!(!denies(&world), "{way}");
        assert!(is_in_place(&world, &id), "{way}");
        assert_eq!(told(&world).len(), news, "{way}: {:#?}", told(&world));
    }
}

#[test]
fn a_look_that_fails_repairs_nothing_on_its_word_and_is_told_within_a_day() {
    for (way, policy) in both_ways(&[]) {
        let (world, id) = in_place(&policy);
        world.change_account(&id, |member| {
            let refused = ("iam:GetAccountAuthorizationDetails", ErrorKind::Denied);
            member.refuses.extend([refused]);
        });
        world.delete_role(&id, "admin");
        let before = timeless(world.account(&id));
        daily(&world, &policy);
        assert_eq!(timeless(world.account(&id)), before, "{way}");
        let reason = status(&world, &id).conditions.account;
        let kind = reason.reason().map(|reason| reason.kind);
        assert_eq!(kind, Some(ReasonKind::Denied), "{way}");
        let stuck = told_with(&world, "Onboarding stuck: call denied in payments");
        assert_eq!(stuck.len(), 1, "{way}: {:#?}", told(&world));
    }
}

#[test]
fn a_run_that_repairs_nothing_makes_no_write_in_the_account() {
    for (way, policy) in both_ways(&[]) {
        let (world, _) = in_place(&policy);
        let writes = world.writes().len();
        let (handled, _) = handle_with(&world, &policy, &scheduled(), None);
        assert!(matches!(handled, Driven::Done(Ok(_))), "{way}");
        settle(&world, &policy);
        let mut after = world.writes().split_off(writes);
        after.retain(|call| call.starts_with("iam:") || call.starts_with("config:"));
        assert!(after.is_empty(), "{way}: {after:?}");
    }
}
