//! Rules for recorders and channels: what exists is adopted, and records no less than before.

use std::collections::BTreeSet;

use banto_ports::{Recorder, RecordingGroup};

use super::context::{ActionContext, Verdict, must};
use crate::converge::actions::Action;

/// The name of Banto's own recorder, spelled out as a second opinion on the planner's constant.
const OWN_NAME: &str = "banto";

pub(super) fn control_tower_keeps_its_recorder(context: &ActionContext<'_>) -> Verdict {
    let name = match context.action {
        Action::PutRecorder { recorder, .. } => &recorder.name,
        Action::PutChannel { channel, .. } => &channel.name,
        Action::StartRecorder { name } => name,
        _ => return Ok(()),
    };
    let is_control_towers = name.starts_with("aws-controltower-");
    must(!is_control_towers, "it is Control Tower's")
}

/// While Control Tower sets an account up, nothing is recorded where it has not recorded yet.
pub(super) fn control_tower_records_first(context: &ActionContext<'_>) -> Verdict {
    let is_recording = matches!(
        context.action,
        Action::PutRecorder { .. } | Action::PutChannel { .. } | Action::StartRecorder { .. }
    );
    let is_ahead = context.plan.is_control_towers_turn() && context.recorder().is_none();
    must(
        !(is_recording && is_ahead),
        "Control Tower records it first",
    )
}

pub(super) fn recorders_were_seen(context: &ActionContext<'_>) -> Verdict {
    let needs_them = matches!(
        context.action,
        Action::PutRecorder { .. } | Action::PutChannel { .. }
    );
    let were_seen = context.channels().is_some();
    must(were_seen || !needs_them, "recorders were not seen")
}

/// A recorder that is to be written, and the one that is there.
fn replaced<'a>(context: &ActionContext<'a>) -> Option<(&'a Recorder, &'a Recorder)> {
    match context.action {
        Action::PutRecorder { recorder, .. } => Some((recorder, context.recorder()?)),
        _ => None,
    }
}

/// As [`replaced`], but for a recorder that is Banto's own and may change freely.
fn adopted<'a>(context: &ActionContext<'a>) -> Option<(&'a Recorder, &'a Recorder)> {
    replaced(context).filter(|(_, existing)| existing.name != OWN_NAME)
}

/// AWS allows one recorder: a second one would fail, or replace what people made.
pub(super) fn only_recorder_keeps_its_name(context: &ActionContext<'_>) -> Verdict {
    let Some((recorder, existing)) = replaced(context) else {
        return Ok(());
    };
    let is_kept = recorder.name == existing.name;
    must(is_kept, &format!("{} exists", existing.name))
}

pub(super) fn adopted_recorder_keeps_its_role(context: &ActionContext<'_>) -> Verdict {
    let Some((recorder, existing)) = adopted(context) else {
        return Ok(());
    };
    let is_kept = recorder.role == existing.role;
    must(is_kept, "its role would change")
}

pub(super) fn adopted_recorder_records_no_less(context: &ActionContext<'_>) -> Verdict {
    let Some((recorder, existing)) = adopted(context) else {
        return Ok(());
    };
    must(keeps(existing, recorder), "it would record less")
}

pub(super) fn only_channel_keeps_its_name(context: &ActionContext<'_>) -> Verdict {
    let Action::PutChannel { channel, .. } = context.action else {
        return Ok(());
    };
    let existing = context.channels().and_then(|channels| channels.first());
    let is_kept = existing.is_none_or(|existing| existing.name == channel.name);
    must(is_kept, "another exists")
}

/// A channel of others delivers to its topic as before, unless the baseline names one.
pub(super) fn adopted_channel_keeps_its_topic(context: &ActionContext<'_>) -> Verdict {
    let Action::PutChannel {
        channel,
        replaces: Some(existing),
    } = context.action
    else {
        return Ok(());
    };
    let is_cut_off = existing.topic.is_some() && channel.topic.is_none();
    let is_adopted = existing.name != OWN_NAME;
    must(!(is_adopted && is_cut_off), "its topic would hear no more")
}

pub(super) fn channel_leads_to_the_baselines_bucket(context: &ActionContext<'_>) -> Verdict {
    let Action::PutChannel { channel, .. } = context.action else {
        return Ok(());
    };
    let is_same = channel.bucket == context.baseline.config.bucket;
    must(is_same, "it goes to another bucket")
}

/// True if a recorder still records every type that it recorded, at least as often.
fn keeps(before: &Recorder, after: &Recorder) -> bool {
    // Every type that either names, one of IAM's, and one that neither names.
    let mut names = BTreeSet::from(["AWS::IAM::Role", "AWS::Any::Other"]);
    names.extend(named(before));
    names.extend(named(after));
    let mut names = names.into_iter();
    names.all(|name| frequency(after, name) >= frequency(before, name))
}

/// The frequency of a type: 0 is never, 1 is daily, 2 is with each change.
fn frequency(recorder: &Recorder, name: &str) -> u8 {
    if !records(&recorder.group, name) {
        return 0;
    }
    let own = recorder.continuous_of.get(name);
    match own.copied().unwrap_or(recorder.continuous) {
        true => 2,
        false => 1,
    }
}

/// The types that a recorder names.
fn named(recorder: &Recorder) -> Vec<&str> {
    let mut names: Vec<&str> = recorder.continuous_of.keys().map(String::as_str).collect();
    match &recorder.group {
        RecordingGroup::All { .. } => {}
        RecordingGroup::Only(types) | RecordingGroup::AllBut(types) => {
            names.extend(types.iter().map(String::as_str));
        }
    }
    names
}

fn records(group: &RecordingGroup, name: &str) -> bool {
    let is_global = name.starts_with("AWS::IAM::");
    match group {
        RecordingGroup::All { with_global } => *with_global || !is_global,
        RecordingGroup::Only(names) => names.contains(name),
        RecordingGroup::AllBut(names) => !names.contains(name),
    }
}
