//! AWS Config in a region: what it refuses, what takes effect late, and what it delivers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use banto_domain::AccountId;
use banto_ports::{
    AccountClients, Channel, ErrorKind, LiveRecorder, PortError, Recorder, RecordingGroup,
};
use jiff::{SignedDuration, Timestamp};

use super::{assumed, done, kind, minutes, region, start, with_account};
use crate::{Effect, Reader, Run, World};

const ROLE: &str = "arn:aws:iam::111122223333:role/aws-service-role/config.amazonaws.com/\
                    AWSServiceRoleForConfig";

fn recorder(role: &str) -> Recorder {
    Recorder {
        name: "default".to_owned(),
        role: role.to_owned(),
        group: RecordingGroup::All { with_global: true },
        continuous: true,
        continuous_of: BTreeMap::new(),
    }
}

fn channel() -> Channel {
    Channel {
        name: "default".to_owned(),
        bucket: "banto-log-archive".to_owned(),
        prefix: None,
        kms_key: None,
        topic: None,
        snapshots: Some("Six_Hours".to_owned()),
    }
}

/// AWS Config of the account in `eu-west-1`.
struct Session {
    run: Arc<Run>,
    clients: AccountClients,
}

impl Session {
    fn put(&self, recorder: &Recorder) -> Result<(), PortError> {
        let config = &self.clients.config;
        done(
            &self.run,
            config.put_recorder(&region("eu-west-1"), recorder),
        )
    }

    fn put_channel(&self, channel: &Channel) -> Result<(), PortError> {
        let config = &self.clients.config;
        done(&self.run, config.put_channel(&region("eu-west-1"), channel))
    }

    fn start(&self) -> Result<(), PortError> {
        let config = &self.clients.config;
        done(&self.run, config.start(&region("eu-west-1"), "default"))
    }

    fn make_role(&self) {
        done(&self.run, self.clients.roles.create_config_role()).unwrap();
    }

    fn recorders(&self) -> Vec<LiveRecorder> {
        let config = &self.clients.config;
        done(&self.run, config.recorders(&region("eu-west-1"))).unwrap()
    }

    fn channels(&self) -> Vec<Channel> {
        let config = &self.clients.config;
        done(&self.run, config.channels(&region("eu-west-1"))).unwrap()
    }

    fn last_snapshot(&self) -> Option<Timestamp> {
        let config = &self.clients.config;
        let home = region("eu-west-1");
        let statuses = config.channel_statuses(&home);
        done(&self.run, statuses).unwrap()["default"].last_snapshot
    }
}

fn session() -> (Arc<World>, AccountId, Session) {
    let (world, id) = with_account();
    let run = world.run(None);
    let clients = assumed(&run, &id);
    (world, id, Session { run, clients })
}

/// A region in which AWS Config records and delivers.
fn recording() -> (Arc<World>, AccountId, Session) {
    let (world, id, session) = session();
    session.make_role();
    session.put(&recorder(ROLE)).unwrap();
    session.put_channel(&channel()).unwrap();
    session.start().unwrap();
    (world, id, session)
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

#[test]
fn a_recorder_waits_for_the_role_of_aws_config_to_be_there_and_known() {
    let (world, _, session) = session();
    world.delay(Effect::ConfigRole, minutes(3));
    let refused = session.put(&recorder(ROLE));
    assert_eq!(kind(refused), Some(ErrorKind::NotReady), "no role");
    session.make_role();
    let refused = session.put(&recorder(ROLE)).unwrap_err();
    assert_eq!(refused.message, "InvalidRoleException");
    // A recorder of another role does not wait, and its channel neither.
    let own = recorder("arn:aws:iam::111122223333:role/config");
    session.put(&own).unwrap();
    session.put_channel(&channel()).unwrap();
    world.advance(minutes(3));
    session.put(&recorder(ROLE)).unwrap();
}

#[test]
fn a_channel_waits_for_the_role_and_for_the_policy_of_the_bucket() {
    let (world, _, session) = session();
    world.delay(Effect::BucketPolicy, minutes(10));
    session.make_role();
    session.put(&recorder(ROLE)).unwrap();
    let refused = session.put_channel(&channel()).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Invalid);
    let code = "InsufficientDeliveryPolicyException";
    assert!(refused.message.starts_with(code), "{refused}");
    world.advance(minutes(10));
    world.delay(Effect::ConfigRole, minutes(20));
    let refused = session.put_channel(&channel()).unwrap_err();
    assert!(refused.message.starts_with(code), "{refused}");
    world.advance(minutes(10));
    session.put_channel(&channel()).unwrap();
}

#[test]
fn a_recorder_and_a_channel_that_were_put_show_late() {
    let (world, id, session) = recording();
    world.lag(Reader::DescribeConfigurationRecorders, minutes(1));
    world.lag(Reader::DescribeDeliveryChannels, minutes(2));
    world.advance(minutes(5));
    let daily = Recorder {
        continuous: false,
        ..recorder(ROLE)
    };
    session.put(&daily).unwrap();
    world.point_channel(&id, "eu-west-1", "elsewhere");
    assert!(session.recorders()[0].recorder.continuous);
    assert_eq!(session.channels(), [channel()]);
    world.advance(minutes(1));
    assert!(!session.recorders()[0].recorder.continuous);
    assert_eq!(session.channels(), [channel()]);
    world.advance(minutes(1));
    assert_eq!(session.channels()[0].bucket, "elsewhere");
}

#[test]
fn a_put_replaces_all_that_was_there() {
    let (_, _, session) = recording();
    let group = RecordingGroup::Only(BTreeSet::from(["AWS::IAM::Role".to_owned()]));
    let other = Recorder {
        group,
        ..recorder(ROLE)
    };
    session.put(&other).unwrap();
    let bare = Channel {
        snapshots: None,
        ..channel()
    };
    session.put_channel(&bare).unwrap();
    assert_eq!(session.recorders()[0].recorder, other);
    assert_eq!(session.channels(), [bare]);
}

#[test]
fn there_is_one_recorder_and_one_channel_and_a_services_recorder_is_left_alone() {
    let (world, id, session) = recording();
    let mut named = recorder(ROLE);
    named.name = "second".to_owned();
    assert_eq!(kind(session.put(&named)), Some(ErrorKind::Conflict));
    let named = Channel {
        name: "second".to_owned(),
        ..channel()
    };
    let second = session.put_channel(&named);
    assert_eq!(kind(second), Some(ErrorKind::Conflict));
    world.change_account(&id, |member| {
        let recorder = member.region("eu-west-1").recorder.as_mut().unwrap();
        recorder.service = Some("securityhub.amazonaws.com".to_owned());
    });
    for refused in [session.put(&recorder(ROLE)), session.start()] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.message, "UnmodifiableEntityException");
    }
}

#[test]
fn a_topic_of_another_region_is_refused() {
    let (_, _, session) = recording();
    let with_topic = |region: &str| {
        let topic = Some(format!("arn:aws:sns:{region}:111122223333:config"));
        session.put_channel(&Channel { topic, ..channel() })
    };
    let refused = with_topic("us-east-1").unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Invalid);
    let code = "InvalidSNSTopicARNException";
    assert!(refused.message.starts_with(code), "{refused}");
    assert_eq!(with_topic("eu-west-1"), Ok(()));
}

#[test]
fn types_that_can_not_be_recorded_or_not_daily_are_refused() {
    let (_, _, session) = recording();
    let none = Recorder {
        group: RecordingGroup::Only(BTreeSet::new()),
        ..recorder(ROLE)
    };
    assert_eq!(kind(session.put(&none)), Some(ErrorKind::Invalid));
    let daily = |name: &str| {
        let continuous_of = BTreeMap::from([(name.to_owned(), false)]);
        session.put(&Recorder {
            continuous_of,
            ..recorder(ROLE)
        })
    };
    let refused = daily("AWS::Config::ResourceCompliance");
    assert_eq!(kind(refused), Some(ErrorKind::Invalid));
    assert_eq!(daily("AWS::EC2::Instance"), Ok(()));
}

#[test]
#[should_panic = "recordingMode.recordingModeOverrides: 2 entries, at most 1"]
fn a_recorder_with_two_overrides_fails_the_test() {
    let (_, _, session) = recording();
    let own = |(name, continuous): (&str, bool)| (name.to_owned(), continuous);
    let overrides = [("AWS::EC2::Instance", true), ("AWS::IAM::Role", false)];
    let two = Recorder {
        continuous_of: overrides.map(own).into(),
        ..recorder(ROLE)
    };
    drop(session.put(&two));
}

#[test]
#[should_panic = "is none of"]
fn a_type_that_aws_config_does_not_know_fails_the_test() {
    let (_, _, session) = recording();
    let types = BTreeSet::from(["AWS::IAM::Rolle".to_owned()]);
    let unknown = Recorder {
        group: RecordingGroup::Only(types),
        ..recorder(ROLE)
    };
    drop(session.put(&unknown));
}

#[test]
fn a_snapshot_is_delivered_as_often_as_the_channel_says() {
    let (world, id, session) = recording();
    assert_eq!(session.last_snapshot(), None);
    world.advance(hours(5));
    assert_eq!(session.last_snapshot(), None);
    world.advance(hours(8));
    assert_eq!(session.last_snapshot(), Some(start() + hours(12)));
    let rare = Channel {
        snapshots: None,
        ..channel()
    };
    session.put_channel(&rare).unwrap();
    world.advance(hours(24));
    let status = world
        .account(&id)
        .region("eu-west-1")
        .channel_status
        .clone();
    assert_eq!(status.last_snapshot, Some(start() + hours(36)));
}

#[test]
fn nothing_is_delivered_while_nothing_records_or_the_bucket_refuses() {
    let (world, id, session) = recording();
    world.advance(hours(7));
    world.stop_recorder(&id, "eu-west-1");
    world.advance(hours(30));
    assert_eq!(session.last_snapshot(), Some(start() + hours(6)));
    session.start().unwrap();
    world.advance(hours(7));
    assert_eq!(session.last_snapshot(), Some(start() + hours(43)));
    world.change_account(&id, |member| {
        let status = &mut member.region("eu-west-1").channel_status;
        status.error = Some("AccessDenied".to_owned());
    });
    world.advance(hours(30));
    assert_eq!(session.last_snapshot(), Some(start() + hours(43)));
}

#[test]
fn deliveries_may_end_without_a_word() {
    let (world, id, session) = recording();
    world.change_account(&id, |member| {
        member.region("eu-west-1").delivers_until = Some(start() + hours(13));
    });
    world.advance(hours(100));
    assert_eq!(session.last_snapshot(), Some(start() + hours(12)));
    let mut account = world.account(&id);
    let view = account.region("eu-west-1");
    let status = view.status.as_ref().unwrap();
    assert!(status.recording && status.error.is_none());
    assert_eq!(view.channel_status.error, None);
}
