//! AWS Config in a region of an account: what it accepts, and what it delivers.

use banto_domain::Region;
use banto_ports::{
    Channel, ErrorKind, LiveRecorder, PortError, Recorder, RecorderStatus, RecordingGroup,
};
use jiff::{SignedDuration, Timestamp};

use crate::member_account::MemberRegion;

const PUT_RECORDER: &str = "config:PutConfigurationRecorder";
const PUT_CHANNEL: &str = "config:PutDeliveryChannel";
const START: &str = "config:StartConfigurationRecorder";

/// Types that can't be recorded daily. (AWS Config API reference, `RecordingMode`.)
const NEVER_DAILY: [&str; 3] = [
    "AWS::Config::ResourceCompliance",
    "AWS::Config::ConformancePackCompliance",
    "AWS::Config::ConfigurationRecorder",
];

fn refused(call: &'static str, kind: ErrorKind, code: &str) -> PortError {
    PortError::new(kind, call, code)
}

impl MemberRegion {
    /// Refuses a recorder that AWS Config can't have, or not beside the one that is there.
    pub(crate) fn check_recorder(&self, recorder: &Recorder) -> Result<(), PortError> {
        check_group(recorder)?;
        let Some(existing) = &self.recorder else {
            return Ok(());
        };
        check_modifiable(PUT_RECORDER, existing)?;
        if existing.recorder.name != recorder.name {
            let code = "MaxNumberOfConfigurationRecordersExceededException";
            return Err(refused(PUT_RECORDER, ErrorKind::Conflict, code));
        }
        Ok(())
    }

    /// Makes a recorder, or replaces the one that is there with all that it says.
    pub(crate) fn put_recorder(&mut self, recorder: &Recorder) {
        self.recorder = Some(LiveRecorder {
            recorder: recorder.clone(),
            service: None,
        });
        let stopped = RecorderStatus {
            recording: false,
            started_at: None,
            error: None,
        };
        self.status.get_or_insert(stopped);
    }

    /// Refuses a channel that AWS Config can't have, or not beside the one that is there.
    pub(crate) fn check_channel(
        &self,
        region: &Region,
        channel: &Channel,
    ) -> Result<(), PortError> {
        if self.recorder.is_none() {
            let code = "NoAvailableConfigurationRecorderException";
            return Err(refused(PUT_CHANNEL, ErrorKind::NotReady, code));
        }
        let existing = self.channel.as_ref();
        if existing.is_some_and(|existing| existing.name != channel.name) {
            let code = "MaxNumberOfDeliveryChannelsExceededException";
            return Err(refused(PUT_CHANNEL, ErrorKind::Conflict, code));
        }
        // The topic is in the channel's region. (AWS Config developer guide, "Permissions for the
        // Amazon SNS Topic".)
        let topic = channel.topic.as_deref();
        if topic.is_some_and(|topic| topic.split(':').nth(3) != Some(region.as_str())) {
            let message = "InvalidSNSTopicARNException: the topic is not in this region";
            return Err(refused(PUT_CHANNEL, ErrorKind::Invalid, message));
        }
        Ok(())
    }

    /// Starts a recorder.
    pub(crate) fn start_recorder(&mut self, name: &str, now: Timestamp) -> Result<(), PortError> {
        let existing = self.recorder.as_ref();
        let Some(existing) = existing.filter(|existing| existing.recorder.name == name) else {
            let code = "NoSuchConfigurationRecorderException";
            return Err(refused(START, ErrorKind::Missing, code));
        };
        check_modifiable(START, existing)?;
        if self.channel.is_none() {
            let code = "NoAvailableDeliveryChannelException";
            return Err(refused(START, ErrorKind::NotReady, code));
        }
        self.status = Some(RecorderStatus {
            recording: true,
            started_at: Some(now),
            error: None,
        });
        Ok(())
    }

    /// Delivers the snapshots that were due until now, if anything is recorded and can be
    /// delivered.
    pub(crate) fn deliver(&mut self, now: Timestamp) {
        let status = self.status.as_ref().filter(|status| status.recording);
        let started_at = status.and_then(|status| status.started_at);
        let (Some(started_at), Some(channel)) = (started_at, &self.channel) else {
            return;
        };
        if self.channel_status.error.is_some() {
            return;
        }
        let until = self.delivers_until.map_or(now, |until| until.min(now));
        let pause = pause_between_snapshots(channel);
        let last = self.channel_status.last_snapshot;
        let since = last.map_or(started_at, |last| last.max(started_at));
        let snapshots = until.duration_since(since).as_secs() / pause.as_secs();
        if let Ok(snapshots) = i32::try_from(snapshots)
            && snapshots > 0
        {
            self.channel_status.last_snapshot = Some(since + pause * snapshots);
        }
    }
}

/// Refuses to touch a recorder that a service owns: nobody else can.
fn check_modifiable(call: &'static str, recorder: &LiveRecorder) -> Result<(), PortError> {
    match recorder.service {
        Some(_) => Err(refused(
            call,
            ErrorKind::Invalid,
            "UnmodifiableEntityException",
        )),
        None => Ok(()),
    }
}

/// Refuses types that AWS Config can't record, or not so.
fn check_group(recorder: &Recorder) -> Result<(), PortError> {
    let is_empty = match &recorder.group {
        RecordingGroup::Only(types) | RecordingGroup::AllBut(types) => types.is_empty(),
        RecordingGroup::All { .. } => false,
    };
    if is_empty {
        let code = "InvalidRecordingGroupException";
        return Err(refused(PUT_RECORDER, ErrorKind::Invalid, code));
    }
    let is_daily = |name: &&str| recorder.continuous_of.get(*name) == Some(&false);
    if let Some(name) = NEVER_DAILY.into_iter().find(is_daily) {
        let message = format!("ValidationException: {name} can't be recorded daily");
        return Err(refused(PUT_RECORDER, ErrorKind::Invalid, &message));
    }
    Ok(())
}

/// The time between two snapshots; a day where the channel says nothing. (AWS Config API reference,
/// `ConfigSnapshotDeliveryProperties`.)
fn pause_between_snapshots(channel: &Channel) -> SignedDuration {
    SignedDuration::from_hours(match channel.snapshots.as_deref() {
        Some("One_Hour") => 1,
        Some("Three_Hours") => 3,
        Some("Six_Hours") => 6,
        Some("Twelve_Hours") => 12,
        _ => 24,
    })
}
