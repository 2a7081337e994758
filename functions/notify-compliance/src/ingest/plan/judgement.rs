//! The judgement of an observation against the state of its finding: pure.

use banto_domain::compliance::{Compliance, FindingState, Source};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::event::{Observation, Verdict};

/// Time after which a second daily check that contradicts a state is believed: the aggregator lags
/// by hours, and one that was rebuilt knows nothing for a while. A day lies between two checks, of
/// which four hours are left for when the schedule and the queue run one late and the next early.
pub(crate) const DOUBTED_FOR: SignedDuration = SignedDuration::from_hours(20);

/// Time after which a doubt is forgotten: two checks that contradict a state, with one between them
/// that did not, are two lags and no proof. Checks that follow each other are 28 hours apart at
/// most, and a day is left for one that was postponed.
pub(crate) const DOUBT_FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(48);

/// Time for which absence says nothing after AWS Config recorded that it can't tell. A resource is
/// then in no list while it is open, and a deleted one whose event was lost is in none either.
/// Without an end, the finding of the deleted one would stay open for ever. A periodic rule runs
/// once a day at least (AWS Config API reference, `MaximumExecutionFrequency`), and whoever has to
/// mend a rule's function or role has a week for it.
const UNSURE_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The reason why an observation changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Skipped {
    /// The state is as new, or newer.
    Outdated,
    Unchanged,
    /// AWS Config can't tell, which is not the same as compliant.
    InsufficientData,
}

/// The meaning of an observation for a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    /// The finding is open from now on.
    Opens,
    /// It is over from now on.
    Ends,
    /// The state is right.
    Agrees,
    /// The state may be wrong: a second check will tell.
    Doubts,
    /// AWS Config can't tell, so that the finding stays open for a while even if nothing lists it.
    Unsure,
    /// Nothing.
    Ignored(Skipped),
}

pub(super) fn judge(
    state: Option<&FindingState>,
    observation: &Observation,
    now: Timestamp,
) -> Judgement {
    match (observation.verdict, state) {
        (Verdict::Unknown, state) => unsure(state, observation),
        (Verdict::AsKnown, _) => Judgement::Ignored(Skipped::Unchanged),
        (_, None) => first_sight(observation),
        (_, Some(state)) if observation.source == Source::Event => told(state, observation),
        (_, Some(state)) => checked(state, observation, now),
    }
}

/// A finding without a state was compliant. An event that says that it was not is ahead of the
/// event that told so: it is kept, so that the earlier one is outdated when it comes.
fn first_sight(observation: &Observation) -> Judgement {
    match observation.verdict {
        Verdict::Noncompliant => Judgement::Opens,
        Verdict::Compliant | Verdict::NotEvaluated
            if observation.was == Some(Compliance::Noncompliant) =>
        {
            Judgement::Ends
        }
        Verdict::Compliant
        | Verdict::NotEvaluated
        | Verdict::Absent
        | Verdict::AsKnown
        | Verdict::Unknown => Judgement::Ignored(Skipped::Unchanged),
    }
}

/// Judges an event: the later one of two is right.
fn told(state: &FindingState, observation: &Observation) -> Judgement {
    if observation.recorded_at <= state.recorded_at {
        return Judgement::Ignored(Skipped::Outdated);
    }
    match (observation.verdict, state.compliance) {
        (Verdict::Noncompliant, Compliance::Compliant) => Judgement::Opens,
        (Verdict::Noncompliant, Compliance::Noncompliant) => Judgement::Agrees,
        (_, Compliance::Noncompliant) => Judgement::Ends,
        (_, Compliance::Compliant) => Judgement::Agrees,
    }
}

/// Judges an event that AWS Config can't tell. What is open is then in none of the aggregator's
/// lists, which have what is compliant and what is not. (AWS Config API reference,
/// `GetAggregateComplianceDetailsByConfigRule`.)
fn unsure(state: Option<&FindingState>, observation: &Observation) -> Judgement {
    let is_news = state.is_some_and(|state| {
        let known_at = state.unknown_since.max(Some(state.recorded_at));
        state.compliance == Compliance::Noncompliant && known_at < Some(observation.recorded_at)
    });
    if is_news {
        Judgement::Unsure
    } else {
        Judgement::Ignored(Skipped::InsufficientData)
    }
}

/// Judges what the aggregator says, which hears of changes later than Banto does. It is believed at
/// once if it is as new as the state, and else only if it says so twice: but never that something
/// is compliant.
fn checked(state: &FindingState, observation: &Observation, now: Timestamp) -> Judgement {
    let is_late = observation.recorded_at < state.recorded_at;
    match (state.compliance, observation.verdict) {
        (Compliance::Noncompliant, Verdict::Noncompliant) => Judgement::Agrees,
        (Compliance::Noncompliant, Verdict::Absent) if is_unsure(state, now) => {
            Judgement::Ignored(Skipped::Unchanged)
        }
        (Compliance::Noncompliant, Verdict::Absent) => contradict(state, Judgement::Ends, now),
        (Compliance::Noncompliant, _) if is_late => Judgement::Ignored(Skipped::Outdated),
        (Compliance::Noncompliant, _) => Judgement::Ends,
        (Compliance::Compliant, Verdict::Noncompliant) if is_late => {
            contradict(state, Judgement::Opens, now)
        }
        (Compliance::Compliant, Verdict::Noncompliant) => Judgement::Opens,
        (Compliance::Compliant, _) => Judgement::Agrees,
    }
}

fn contradict(state: &FindingState, believed: Judgement, now: Timestamp) -> Judgement {
    if is_due(state, now) {
        believed
    } else {
        Judgement::Doubts
    }
}

/// True if the state is in doubt for as long as lies between two daily checks.
pub(crate) fn is_due(state: &FindingState, now: Timestamp) -> bool {
    state.doubted_at.is_some_and(|at| {
        let doubted_for = now.duration_since(at);
        (DOUBTED_FOR..=DOUBT_FORGOTTEN_AFTER).contains(&doubted_for)
    })
}

/// True if AWS Config could not tell lately, so that it may list the finding nowhere though it is
/// open.
pub(crate) fn is_unsure(state: &FindingState, now: Timestamp) -> bool {
    state
        .unknown_since
        .is_some_and(|since| now.duration_since(since) <= UNSURE_FOR)
}

/// The beginning of a doubt that is not forgotten.
pub(super) fn standing_doubt(state: &FindingState, now: Timestamp) -> Option<Timestamp> {
    state
        .doubted_at
        .filter(|at| now.duration_since(*at) <= DOUBT_FORGOTTEN_AFTER)
}
