//! Reports how AWS Config fares in a region: a recorder or channel with errors, and snapshots that
//! no longer come.

use std::collections::BTreeMap;

use banto_domain::policy::onboarding::SnapshotFrequency;
use banto_domain::status::ReasonKind;
use banto_ports::{Channel, ChannelStatus, RecorderStatus};
use jiff::{SignedDuration, Timestamp};

use super::draft::Draft;
use crate::converge::snapshot::LiveConfig;
use crate::desired::CONTROL_TOWER;

/// The least time after which a missing snapshot is told. AWS Config promises no time of delivery,
/// and an hourly one that comes late needs nobody.
const LEAST_OVERDUE: SignedDuration = SignedDuration::from_hours(6);

/// Reports a recorder that runs with errors, one of Control Tower's that is stopped, and channels
/// that can't or do not deliver. Banto's own recorder that is stopped is started, or reported as
/// drift.
pub(super) fn report_health(draft: &mut Draft, live: &LiveConfig, recorder: &str, now: Timestamp) {
    let status = live.recorder_statuses.get(recorder);
    let recording = status.filter(|status| status.recording);
    if let Some(error) = recording.and_then(|status| status.error.as_ref()) {
        let detail = format!("the recorder {recorder}: {error}");
        draft.reason(ReasonKind::DeliveryFailing, detail);
    }
    if recording.is_none() && recorder.starts_with(CONTROL_TOWER) {
        let detail = format!("the recorder {recorder} is stopped");
        draft.reason(ReasonKind::DeliveryFailing, detail);
    }
    report_errors(draft, &live.channel_statuses);
    if let (Some(recording), Some(channel)) = (recording, live.channel()) {
        let status = live.channel_statuses.get(&channel.name);
        report_overdue(draft, recording, channel, status, now);
    }
}

fn report_errors(draft: &mut Draft, statuses: &BTreeMap<String, ChannelStatus>) {
    for (channel, status) in statuses {
        if let Some(error) = &status.error {
            let detail = format!("the delivery channel {channel}: {error}");
            draft.reason(ReasonKind::DeliveryFailing, detail);
        }
    }
}

/// Reports a channel whose last snapshot is older than two of its periods: one may come late, and
/// nothing else says that none comes. The time counts from the recorder's last start at the least.
fn report_overdue(
    draft: &mut Draft,
    recording: &RecorderStatus,
    channel: &Channel,
    status: Option<&ChannelStatus>,
    now: Timestamp,
) {
    let last = status.and_then(|status| status.last_snapshot);
    let (Some(since), Some(hours)) = (last.max(recording.started_at), hours_between(channel))
    else {
        return;
    };
    let allowed = SignedDuration::from_hours(2 * hours).max(LEAST_OVERDUE);
    if now.duration_since(since) > allowed {
        let detail = match last {
            Some(last) => format!("the last one came at {last:.0}; one is due every {hours} h"),
            None => format!("none ever came; one is due every {hours} h"),
        };
        draft.reason(ReasonKind::SnapshotOverdue, detail);
    }
}

/// The hours between two snapshots; `None` of a channel that delivers none, or at a frequency that
/// is not known.
fn hours_between(channel: &Channel) -> Option<i64> {
    let frequency = SnapshotFrequency::from_aws(channel.snapshots.as_deref()?)?;
    let mut all = SnapshotFrequency::ALL.into_iter();
    all.find(|(_, known)| *known == frequency)
        .map(|(hours, _)| hours)
}
