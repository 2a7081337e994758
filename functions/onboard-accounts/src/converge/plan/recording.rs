//! Plans AWS Config in a region, the direct way.

use banto_domain::Region;
use banto_domain::policy::onboarding::Item;
use banto_domain::status::ReasonKind;
use banto_ports::{Channel, Recorder};

use super::draft::{Difference, Draft, Target};
use crate::converge::actions::Action;
use crate::converge::snapshot::{LiveConfig, customer_managed};
use crate::desired::{self, CONFIG_NAME, CONTROL_TOWER};

/// Plans recorder, channel and start, in the order that AWS wants.
pub(super) fn plan_recording(
    draft: &mut Draft,
    target: &Target<'_>,
    region: &Region,
    live: &LiveConfig,
) {
    let Some(seen) = &live.recorders_and_channels else {
        return;
    };
    let existing = customer_managed(&seen.recorders);
    if let Some(existing) = existing.filter(|existing| existing.name.starts_with(CONTROL_TOWER)) {
        draft.left_alone = Some("Control Tower records it".to_owned());
        report_health(draft, live, &existing.name);
        return;
    }
    let wanted = wanted_recorder(target, region, existing);
    plan_recorder(draft, target, &wanted, existing);
    plan_channel(draft, target, seen.channels.first());
    plan_start(draft, target, live, &wanted.name);
    if draft.actions.is_empty() {
        report_health(draft, live, &wanted.name);
    }
}

/// Banto's own recorder; or an existing one of another name, with what the policy asks for on top.
fn wanted_recorder(target: &Target<'_>, region: &Region, existing: Option<&Recorder>) -> Recorder {
    let wanted = desired::recorder(target.policy, target.baseline, target.account, region);
    match existing {
        Some(existing) if existing.name != CONFIG_NAME => {
            desired::extended_recorder(existing, &wanted)
        }
        _ => wanted,
    }
}

fn plan_recorder(
    draft: &mut Draft,
    target: &Target<'_>,
    wanted: &Recorder,
    existing: Option<&Recorder>,
) {
    if existing == Some(wanted) {
        return;
    }
    let difference = Difference {
        item: Item::Config,
        is_absent: existing.is_none(),
        summary: format!("the recorder {} differs", wanted.name),
        action: Action::PutRecorder {
            recorder: wanted.clone(),
            replaces: existing.cloned(),
        },
    };
    draft.resolve(target, difference);
}

fn plan_channel(draft: &mut Draft, target: &Target<'_>, existing: Option<&Channel>) {
    let name = existing.map_or(CONFIG_NAME, |channel| channel.name.as_str());
    let wanted = desired::channel(&target.baseline.config, name);
    if existing == Some(&wanted) {
        return;
    }
    let difference = Difference {
        item: Item::Config,
        is_absent: existing.is_none(),
        summary: format!("the delivery channel {name} differs"),
        action: Action::PutChannel {
            channel: wanted,
            replaces: existing.cloned(),
        },
    };
    draft.resolve(target, difference);
}

fn plan_start(draft: &mut Draft, target: &Target<'_>, live: &LiveConfig, recorder: &str) {
    let status = live.recorder_statuses.get(recorder);
    if status.is_some_and(|status| status.recording) {
        return;
    }
    let difference = Difference {
        item: Item::Config,
        is_absent: !status.is_some_and(|status| status.was_started),
        summary: format!("the recorder {recorder} is stopped"),
        action: Action::StartRecorder {
            name: recorder.to_owned(),
        },
    };
    draft.resolve(target, difference);
}

/// Reports a recorder that runs with errors, one of Control Tower's that is stopped, and channels
/// that can't deliver. Banto's own recorder that is stopped is started, or reported as drift.
pub(super) fn report_health(draft: &mut Draft, live: &LiveConfig, recorder: &str) {
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
    for (channel, error) in &live.channel_errors {
        if let Some(error) = error {
            let detail = format!("the delivery channel {channel}: {error}");
            draft.reason(ReasonKind::DeliveryFailing, detail);
        }
    }
}
