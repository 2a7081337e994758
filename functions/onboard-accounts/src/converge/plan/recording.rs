//! Plans AWS Config in a region.

use banto_domain::Region;
use banto_domain::policy::onboarding::{CONTINUOUS_TYPES, Item, SYSTEM_TYPE};
use banto_domain::status::ReasonKind;
use banto_ports::{Channel, Recorder, RecordingGroup};

use super::draft::{Difference, Draft, Target};
use super::health::report_health;
use super::merge;
use crate::converge::actions::Action;
use crate::converge::snapshot::LiveConfig;
use crate::desired::{self, CONFIG_NAME, CONTROL_TOWER};

/// Plans recorder, channel and start, in the order that AWS wants.
pub(super) fn plan_recording(
    draft: &mut Draft,
    target: &Target<'_>,
    region: &Region,
    live: &LiveConfig,
) {
    let existing = live.recorder();
    if existing.is_none() && target.waits_for_control_tower {
        let detail = "its recorder in this region is awaited";
        draft.reason(ReasonKind::ControlTowerSettingUp, detail);
        return;
    }
    if let Some(existing) = existing.filter(|_| is_control_towers(target, live)) {
        draft.leave_alone("Control Tower records it");
        report_health(draft, live, &existing.name, target.now);
        return;
    }
    let wanted = wanted_recorder(target, region, existing);
    plan_recorder(draft, target, &wanted, existing);
    plan_channel(draft, target, region, live.channel());
    plan_start(draft, target, live, &wanted.name);
    if draft.actions.is_empty() {
        report_health(draft, live, &wanted.name, target.now);
    }
}

/// True if Control Tower records a region, by the names that it gives. Since version 4.0 its bucket
/// for AWS Config is one of its own. A policy that names such a bucket makes it the baseline's.
fn is_control_towers(target: &Target<'_>, live: &LiveConfig) -> bool {
    let recorder = live.recorder().map(|it| it.name.as_str());
    let channel = live.channel();
    let bucket = channel.map(|it| it.bucket.as_str());
    let mut names = recorder
        .into_iter()
        .chain(channel.map(|it| it.name.as_str()))
        .chain(bucket.filter(|bucket| *bucket != target.baseline.config.bucket));
    names.any(|name| name.starts_with(CONTROL_TOWER))
}

/// Banto's own recorder; or an existing one of another name, with what the policy asks for on top.
fn wanted_recorder(target: &Target<'_>, region: &Region, existing: Option<&Recorder>) -> Recorder {
    let account = &target.account.id;
    let wanted = desired::recorder(target.policy, target.baseline, account, region);
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
    if existing.is_some_and(|existing| is_as_wanted(existing, wanted)) {
        return;
    }
    let difference = Difference {
        item: Item::Config,
        is_absent: existing.is_none(),
        summary: format!("recorder {} drifted", wanted.name),
        action: Action::PutRecorder {
            recorder: wanted.clone(),
            replaces: existing.cloned(),
        },
    };
    draft.resolve(target, difference);
}

/// True if a recorder is as wanted. Of the types that can't be recorded daily AWS Config records
/// each change by itself where all types are recorded, and may tell so.
fn is_as_wanted(existing: &Recorder, wanted: &Recorder) -> bool {
    let mut existing = existing.clone();
    if matches!(wanted.group, RecordingGroup::All { .. }) {
        existing.continuous_of.retain(|name, is_continuous| {
            let is_aws_own = *is_continuous
                && (CONTINUOUS_TYPES.contains(&name.as_str()) || name == SYSTEM_TYPE);
            !is_aws_own || wanted.continuous_of.contains_key(name)
        });
    }
    existing == *wanted
}

fn plan_channel(
    draft: &mut Draft,
    target: &Target<'_>,
    region: &Region,
    existing: Option<&Channel>,
) {
    let name = existing.map_or(CONFIG_NAME, |channel| channel.name.as_str());
    let own = desired::channel(&target.baseline.config, region, name);
    let wanted = match existing {
        Some(existing) if name != CONFIG_NAME => merge::channel(&own, existing),
        _ => own,
    };
    if existing == Some(&wanted) {
        return;
    }
    let difference = Difference {
        item: Item::Config,
        is_absent: existing.is_none(),
        summary: format!("delivery channel {name} drifted"),
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
        is_absent: status.is_none_or(|status| status.started_at.is_none()),
        summary: format!("recorder {recorder} is stopped"),
        action: Action::StartRecorder {
            name: recorder.to_owned(),
        },
    };
    draft.resolve(target, difference);
}
