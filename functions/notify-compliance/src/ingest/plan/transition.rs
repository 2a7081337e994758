//! The change that one observation makes of one finding: pure.

use std::collections::BTreeSet;

use banto_domain::compliance::{Change, Compliance, FindingState, OutboxEntry, Source};
use jiff::Timestamp;

use super::judgement::{Judgement, Skipped, judge, standing_doubt};
use super::routing::{Rerouting, news, wanted};
use super::{Context, flapping};
use crate::event::{Observation, Verdict};

/// The state after an observation, and what routes are told of it.
pub(super) struct Transition {
    pub(super) after: FindingState,
    pub(super) entries: Vec<(String, OutboxEntry)>,
}

/// Applies what the observation says, then compares the routes that are to know of the finding with
/// those that do.
pub(super) fn transition(
    state: Option<&FindingState>,
    observation: &Observation,
    context: &Context<'_>,
) -> Result<Transition, Skipped> {
    let judgement = judge(state, observation, context.now);
    let before = match (judgement, state) {
        (Judgement::Ignored(Skipped::InsufficientData), _) => {
            return Err(Skipped::InsufficientData);
        }
        (Judgement::Ignored(reason), None) => return Err(reason),
        (_, None) => unknown(observation, context.now),
        (_, Some(state)) => state.clone(),
    };
    let mut after = judged(&before, judgement, observation, context);
    after.told = wanted(&after, context);
    if state == Some(&after) {
        return Err(reason_of(judgement));
    }
    after.revision += 1;
    let rerouting = Rerouting {
        told: &before.told,
        after: &after,
        begins_to_flap: after.flapping && !before.flapping,
        verdict: observation.verdict,
    };
    let news = news(&rerouting, context);
    let entry = entry(state, &after, observation, judgement, context);
    let entries = route_entries(news, &entry, observation.verdict, context.now);
    Ok(Transition { after, entries })
}

/// The state of a finding that has none yet, before the observation. Its changes are counted from
/// the time on, so that those of one whose state was deleted, as it was over for long, never count
/// as earlier than what may still wait in an outbox.
fn unknown(observation: &Observation, now: Timestamp) -> FindingState {
    FindingState {
        key: observation.key.clone(),
        evaluated_in: observation.evaluated_in.clone(),
        compliance: observation
            .was
            .filter(|_| observation.verdict != Verdict::Noncompliant)
            .unwrap_or(Compliance::Compliant),
        recorded_at: observation.recorded_at,
        told: BTreeSet::new(),
        changes: Vec::new(),
        flapping: false,
        doubted_at: None,
        unknown_since: None,
        revision: u64::try_from(now.as_millisecond()).unwrap_or_default(),
    }
}

fn reason_of(judgement: Judgement) -> Skipped {
    match judgement {
        Judgement::Ignored(reason) => reason,
        Judgement::Opens
        | Judgement::Ends
        | Judgement::Agrees
        | Judgement::Doubts
        | Judgement::Unsure => Skipped::Unchanged,
    }
}

/// The state with what the observation says of it.
fn judged(
    before: &FindingState,
    judgement: Judgement,
    observation: &Observation,
    context: &Context<'_>,
) -> FindingState {
    let after = match judgement {
        Judgement::Opens => changed(before, Compliance::Noncompliant, observation, context),
        Judgement::Ends => FindingState {
            unknown_since: None,
            ..changed(before, Compliance::Compliant, observation, context)
        },
        Judgement::Agrees => seen(before, observation),
        Judgement::Doubts => {
            return FindingState {
                doubted_at: standing_doubt(before, context.now).or(Some(context.now)),
                ..before.clone()
            };
        }
        Judgement::Unsure => {
            return FindingState {
                doubted_at: None,
                unknown_since: Some(observation.recorded_at),
                ..before.clone()
            };
        }
        Judgement::Ignored(_) => return before.clone(),
    };
    match observation.source {
        Source::Event => after,
        Source::DailyCheck | Source::Takeover => settled(after, context.now),
    }
}

fn changed(
    before: &FindingState,
    compliance: Compliance,
    observation: &Observation,
    context: &Context<'_>,
) -> FindingState {
    let flapping_over = context.policy.flapping_over;
    let mut changes = before.changes.clone();
    // What is not listed any more has not changed: it was taken away, at a time that nobody knows.
    if observation.verdict != Verdict::Absent {
        changes = flapping::with_change(changes, observation.recorded_at, flapping_over);
    }
    FindingState {
        compliance,
        flapping: before.flapping || changes.len() > flapping_over,
        changes,
        ..seen(before, observation)
    }
}

/// A check that knows of no change for a day ends the flapping.
fn settled(mut after: FindingState, now: Timestamp) -> FindingState {
    if after.flapping && flapping::is_stable(&after.changes, now) {
        after.flapping = false;
        after.changes.clear();
    }
    after
}

/// The state with the time and place of the observation, as far as AWS Config tells them. Of what
/// the aggregator does not list, it keeps AWS Config's last time, so that the finding opens again
/// when the aggregator lists it with that time.
fn seen(before: &FindingState, observation: &Observation) -> FindingState {
    let mut after = FindingState {
        doubted_at: None,
        unknown_since: before
            .unknown_since
            .filter(|since| observation.recorded_at <= *since),
        ..before.clone()
    };
    if observation.verdict != Verdict::Absent && observation.recorded_at >= before.recorded_at {
        after.recorded_at = observation.recorded_at;
        after.evaluated_in = observation.evaluated_in.clone();
    }
    after
}

/// The entry of a transition, but for the news of each route.
fn entry(
    state: Option<&FindingState>,
    after: &FindingState,
    observation: &Observation,
    judgement: Judgement,
    context: &Context<'_>,
) -> OutboxEntry {
    let is_ignored = matches!(judgement, Judgement::Ignored(_) | Judgement::Unsure);
    OutboxEntry {
        key: after.key.clone(),
        evaluated_in: after.evaluated_in.clone(),
        revision: after.revision,
        recorded_at: after.recorded_at,
        change: Change::Found,
        source: source(state, after, observation),
        severity: context.policy.findings.severity_of(&after.key.rule),
        annotation: observation.annotation.clone().filter(|_| !is_ignored),
    }
}

/// The entry of each route. A move, and the end of what the aggregator does not list, are Banto's
/// own news: they are as old as the moment.
fn route_entries(
    news: Vec<(String, Change)>,
    entry: &OutboxEntry,
    verdict: Verdict,
    now: Timestamp,
) -> Vec<(String, OutboxEntry)> {
    let mut entries = Vec::new();
    for (route, change) in news {
        let recorded_at = match (&change, verdict) {
            (Change::Moved { .. }, _) | (Change::Closed, Verdict::Absent) => now,
            _ => entry.recorded_at,
        };
        let entry = OutboxEntry {
            change,
            recorded_at,
            ..entry.clone()
        };
        entries.push((route, entry));
    }
    entries
}

/// Only what was never known is taken over. What is open, and was told, only moves: that comes of a
/// new tag, unit or policy.
fn source(
    before: Option<&FindingState>,
    after: &FindingState,
    observation: &Observation,
) -> Source {
    let is_open = |state: &FindingState| state.compliance == Compliance::Noncompliant;
    let only_moves = before.is_some_and(|before| is_open(before) && !before.told.is_empty());
    match (observation.source, before) {
        _ if only_moves && is_open(after) => Source::Event,
        (Source::Takeover, Some(_)) => Source::DailyCheck,
        (source, _) => source,
    }
}
