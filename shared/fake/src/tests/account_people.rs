//! People who act in an account, and on it in Organizations.

use std::collections::BTreeMap;

use banto_ports::{
    AccountAccess, Channel, ErrorKind, LiveRecorder, LiveRole, Organization, Recorder,
    RecorderStatus, RecordingGroup,
};
use serde_json::json;

use super::{done, kind, start, with_account};
use crate::{FakeAccountAccess, MemberAccount, World};

fn equip(member: &mut MemberAccount) {
    let admin = LiveRole {
        name: "admin".parse().unwrap(),
        path: "/".to_owned(),
        trust: json!({}),
        managed_policies: Default::default(),
        inline_policies: BTreeMap::new(),
        boundary: None,
        tags: BTreeMap::new(),
    };
    member.roles.insert(admin.name.clone(), (admin, 3_600));
    let view = member.region("eu-west-1");
    let recorder = Recorder {
        name: "default".to_owned(),
        role: "arn:aws:iam::111122223333:role/config".to_owned(),
        group: RecordingGroup::All { with_global: true },
        continuous: true,
        continuous_of: BTreeMap::new(),
    };
    view.recorder = Some(LiveRecorder {
        recorder,
        service: None,
    });
    view.status = Some(RecorderStatus {
        recording: true,
        started_at: Some(start()),
        error: None,
    });
    view.channel = Some(Channel {
        name: "default".to_owned(),
        bucket: "banto-log-archive".to_owned(),
        prefix: None,
        kms_key: None,
        topic: None,
        snapshots: None,
    });
}

#[test]
fn each_act_in_an_account_changes_what_it_says() {
    let (world, id) = with_account();
    world.change_account(&id, equip);
    world.narrow_recorder(&id, "eu-west-1", &["AWS::S3::Bucket"]);
    world.stop_recorder(&id, "eu-west-1");
    world.point_channel(&id, "eu-west-1", "elsewhere");
    world.open_trust(&id, "admin");
    world.use_default_vpc(&id, "eu-west-1", "flow log fl-1");
    let mut account = world.account(&id);
    let admin = account.roles.values().next().unwrap().0.clone();
    assert_eq!(admin.trust["Statement"][0]["Principal"]["AWS"], "*");
    let view = account.region("eu-west-1");
    let group = &view.recorder.as_ref().unwrap().recorder.group;
    let narrow = RecordingGroup::Only(["AWS::S3::Bucket".to_owned()].into());
    assert_eq!(*group, narrow);
    assert!(!view.status.as_ref().unwrap().recording);
    assert_eq!(view.channel.as_ref().unwrap().bucket, "elsewhere");
    assert_eq!(view.default_vpc.as_ref().unwrap().uses.len(), 1);
    world.delete_role(&id, "admin");
    assert!(world.account(&id).roles.is_empty());
}

#[test]
fn acts_on_what_is_not_there_change_nothing() {
    let (world, id) = with_account();
    let before = world.account(&id);
    world.narrow_recorder(&id, "eu-west-1", &["AWS::S3::Bucket"]);
    world.stop_recorder(&id, "eu-west-1");
    world.point_channel(&id, "eu-west-1", "elsewhere");
    world.open_trust(&id, "admin");
    world.delete_role(&id, "admin");
    assert_eq!(world.account(&id), before);
}

#[test]
fn each_act_on_an_account_in_organizations_changes_what_it_says() {
    let (world, id) = with_account();
    world.move_account(&id, &["r-ab12", "ou-ab12-99999999"]);
    world.rename_account(&id, "billing");
    world.tag_account(&id, "team", "search");
    let account = world.account(&id);
    let path: Vec<&str> = account.org.path.iter().map(|unit| unit.as_str()).collect();
    assert_eq!(path, ["r-ab12", "ou-ab12-99999999"]);
    assert_eq!(account.parents[0].as_str(), "ou-ab12-99999999");
    assert_eq!(account.org.name, "billing");
    assert_eq!(account.org_tags["team"], "search");
    world.untag_account(&id, "team");
    assert!(!world.account(&id).org_tags.contains_key("team"));
}

#[test]
fn an_account_changes_hands_just_before_a_call_that_asks_for_it() {
    let (world, id) = with_account();
    let run = world.run(None);
    let moved = id.clone();
    run.interfere_at("organizations:ListTagsForResource", move |world| {
        world.move_account(&moved, &["r-ab12", "ou-ab12-99999999"]);
        world.rename_account(&moved, "billing");
        world.tag_account(&moved, "team", "search");
    });
    assert_eq!(done(&run, run.account(&id)).unwrap().name, "payments");
    let tags = done(&run, run.tags(&id)).unwrap();
    assert_eq!(tags["team"], "search");
    assert_eq!(done(&run, run.account(&id)).unwrap().name, "billing");
    let parent = done(&run, run.parent(id.as_str())).unwrap();
    assert_eq!(parent.unwrap().as_str(), "ou-ab12-99999999");
}

#[test]
fn a_closed_account_lets_nobody_in_until_it_is_reopened() {
    let (world, id) = with_account();
    let assume = |world: &std::sync::Arc<World>| {
        let run = world.run(None);
        let access = FakeAccountAccess(run.clone());
        kind(done(&run, access.assume_role(&id)))
    };
    world.close_account(&id);
    assert_eq!(assume(&world), Some(ErrorKind::Denied));
    world.reopen_account(&id);
    assert_eq!(assume(&world), None);
}
