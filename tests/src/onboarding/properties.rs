//! Whatever an account is like, it comes to its baseline, and nothing else of it changes.

use std::sync::Arc;

use banto_domain::AccountId;
use banto_domain::policy::OnboardingPolicy;
use banto_domain::status::Condition;
use banto_fake::{MemberAccount, World};
use banto_ports::{Channel, LiveRecorder, LiveRole, Recorder, RecorderStatus, RecordingGroup};
use proptest::prelude::*;
use serde_json::json;

use super::harness::{
    REGIONS, by_stack_set, foreign, policy, policy_with, scheduled, start, status, told,
};
use super::stack_set::deployed_by;
use crate::harness::{handle, settle};

const TYPES: [&str; 5] = [
    "AWS::EC2::Instance",
    "AWS::IAM::Role",
    "AWS::IAM::User",
    "AWS::S3::Bucket",
    "AWS::EC2::NetworkInterface",
];

fn group() -> impl Strategy<Value = RecordingGroup> {
    let types = || {
        proptest::collection::btree_set(
            proptest::sample::select(&TYPES[..]).prop_map(str::to_owned),
            1..4,
        )
    };
    prop_oneof![
        any::<bool>().prop_map(|with_global| RecordingGroup::All { with_global }),
        types().prop_map(RecordingGroup::Only),
        types().prop_map(RecordingGroup::AllBut),
    ]
}

fn recorder() -> impl Strategy<Value = LiveRecorder> {
    let name = proptest::sample::select(
        &[
            "banto",
            "default",
            "aws-controltower-BaselineConfigRecorder",
        ][..],
    );
    let own = proptest::collection::btree_map(
        proptest::sample::select(&TYPES[..]).prop_map(str::to_owned),
        any::<bool>(),
        0..3,
    );
    (name, group(), any::<bool>(), own).prop_map(|(name, group, continuous, continuous_of)| {
        LiveRecorder {
            recorder: Recorder {
                name: name.into(),
                role: "arn:aws:iam::444455556666:role/own".into(),
                group,
                continuous,
                continuous_of,
            },
            service: None,
        }
    })
}

#[derive(Debug, Clone)]
struct View {
    recorder: Option<LiveRecorder>,
    channel: Option<Channel>,
    recording: bool,
    ebs: bool,
    interfaces: usize,
}

fn view() -> impl Strategy<Value = View> {
    let bucket = proptest::sample::select(&["banto-log-archive", "elsewhere"][..]);
    let channel = bucket.prop_map(|bucket| Channel {
        name: "default".into(),
        bucket: bucket.into(),
        prefix: None,
        kms_key: None,
        topic: None,
        snapshots: None,
    });
    let parts = (
        proptest::option::of(recorder()),
        proptest::option::of(channel),
        any::<bool>(),
        any::<bool>(),
        0..2_usize,
    );
    parts.prop_map(|(recorder, channel, recording, ebs, interfaces)| {
        // AWS has no channel without a recorder, and nothing recording without both.
        let channel = channel.filter(|_| recorder.is_some());
        View {
            recording: recording && channel.is_some(),
            recorder,
            channel,
            ebs,
            interfaces,
        }
    })
}

fn role() -> impl Strategy<Value = (LiveRole, i32)> {
    let name = proptest::sample::select(&["admin", "readonly", "auditor", "Admin"][..]);
    let tag = proptest::option::of(proptest::sample::select(&["true", "being-made"][..]));
    (name, tag, any::<bool>(), 1..4_i32).prop_map(|(name, tag, extra, hours)| {
        let role = LiveRole {
            name: name.parse().unwrap(),
            path: "/".into(),
            trust: json!({ "Statement": [] }),
            managed_policies: extra
                .then(|| "arn:aws:iam::aws:policy/IAMFullAccess".to_owned())
                .into_iter()
                .collect(),
            inline_policies: Default::default(),
            boundary: extra.then(|| "arn:aws:iam::aws:policy/Boundary".to_owned()),
            tags: tag
                .map(|tag| ("banto:managed".to_owned(), tag.to_owned()))
                .into_iter()
                .collect(),
        };
        (role, hours * 3_600)
    })
}

#[derive(Debug, Clone)]
struct Account {
    views: Vec<View>,
    roles: Vec<(LiveRole, i32)>,
    blocks: Option<u8>,
}

fn any_account() -> impl Strategy<Value = Account> {
    let views = proptest::collection::vec(view(), REGIONS.len());
    let roles = proptest::collection::vec(role(), 0..3);
    (views, roles, proptest::option::of(0..5_u8)).prop_map(|(views, roles, blocks)| Account {
        views,
        roles,
        blocks,
    })
}

fn settled(account: &Account, policy: &OnboardingPolicy) -> (Arc<World>, AccountId, MemberAccount) {
    let world = World::at(start());
    let mut member = MemberAccount::new("444455556666", "payments", &REGIONS, start());
    for (name, view) in REGIONS.iter().zip(&account.views) {
        let region = member.region(name);
        region.status = view.recorder.is_some().then_some(RecorderStatus {
            recording: view.recording,
            started_at: view.recording.then(start),
            error: None,
        });
        (region.recorder, region.channel) = (view.recorder.clone(), view.channel.clone());
        region.ebs_encryption = view.ebs;
        let vpc = region.default_vpc.as_mut().unwrap();
        vpc.uses = (0..view.interfaces)
            .map(|number| format!("network interface eni-{number}"))
            .collect();
    }
    // IAM tells names apart without regard to case.
    for (role, session) in &account.roles {
        if !member
            .roles
            .keys()
            .any(|known| known.as_str().eq_ignore_ascii_case(role.name.as_str()))
        {
            member
                .roles
                .insert(role.name.clone(), (role.clone(), *session));
        }
    }
    member.public_access_blocks = account.blocks;
    let id = world.add_account(member.clone());
    deployed_by(&world, policy);
    handle(&world, policy, &scheduled());
    settle(&world, policy);
    (world, id, member)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_account_is_in_place_or_told_of_and_nothing_foreign_changes_and_a_second_run_changes_nothing(account in any_account()) {
        let reporting = policy_with(&[("regions =", "report_only = [\"roles\", \"config\", \"ebs_encryption\", \"public_access_block\"]\nregions =")]);
        for policy in [policy(), reporting, by_stack_set()] {
            let (world, id, before) = settled(&account, &policy);
            let after = world.account(&id);
            prop_assert_eq!(foreign(&after), foreign(&before));
            for (name, view) in &before.regions {
                if let Some(recorder) = view.recorder.as_ref().filter(|recorder| recorder.recorder.name.starts_with("aws-controltower-"))
                    && policy.way == banto_domain::policy::onboarding::Way::Direct
                {
                    prop_assert_eq!(after.regions[name].recorder.as_ref(), Some(recorder));
                    prop_assert_eq!(&after.regions[name].channel, &view.channel);
                }
            }
            // O5: it is in place, left alone for a reason that the row says, or people were told.
            let status = status(&world, &id);
            let is_silent = matches!(status.worst(), Condition::Failed(_) | Condition::NotReady(_) | Condition::Drifted { .. }) && told(&world).is_empty();
            prop_assert!(!is_silent, "{:?}", status);
            handle(&world, &policy, &scheduled());
            settle(&world, &policy);
            prop_assert_eq!(&world.account(&id), &after);
        }
    }
}
