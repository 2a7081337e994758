//! The change that one observation makes of one finding: pure.

use banto_domain::compliance::{AccountInfo, Compliance, FindingState, OutboxEntry, Source};
use banto_domain::policy::CompliancePolicy;
use banto_ports::FindingChange;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::event::Observation;

/// Time for which a change counts towards flapping: a day of stillness ends it. `flapping_over` is
/// a number of changes a day, too.
const FLAPPING_WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// Why an observation changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Skipped {
    /// The state is as new, or newer.
    Outdated,
    Unchanged,
    /// AWS Config can't tell, which is not the same as compliant.
    InsufficientData,
}

/// What a transition depends on besides the state and the observation.
pub(super) struct Context<'a> {
    pub(super) policy: &'a CompliancePolicy,
    pub(super) account: &'a AccountInfo,
    pub(super) is_waived: bool,
    pub(super) now: Timestamp,
}

/// What a finding was like before an observation.
struct Before {
    compliance: Compliance,
    last_notified: Compliance,
    damped: bool,
}

pub(super) fn transition(
    state: Option<&FindingState>,
    observation: &Observation,
    context: &Context<'_>,
) -> Result<FindingChange, Skipped> {
    let compliance = observation.compliance.ok_or(Skipped::InsufficientData)?;
    if state.is_some_and(|state| is_outdated(observation, state)) {
        return Err(Skipped::Outdated);
    }
    let before = before(state, observation, compliance);
    let has_changed = compliance != before.compliance;
    let changes = recent_changes(state, observation, has_changed, context);
    let flaps = changes.len() > context.policy.flapping_over;
    let notifies = notifies(compliance, &before, flaps, context.is_waived);
    if !has_changed && !notifies && !is_ahead(observation, before.compliance) {
        return Err(Skipped::Unchanged);
    }
    let after = FindingState {
        key: observation.key.clone(),
        compliance,
        recorded_at: observation.recorded_at,
        last_notified: if notifies {
            compliance
        } else {
            before.last_notified
        },
        changes: newest(changes, context.policy.flapping_over + 1),
        damped: flaps,
    };
    let mut entries = Vec::new();
    if notifies {
        entries = route_entries(&entry(state, &after, observation, context), context);
    }
    Ok(FindingChange {
        expected_recorded_at: state.map(|state| state.recorded_at),
        after,
        entries,
    })
}

/// People are notified of what they do not know yet, unless it is waived, or flaps and they know
/// that.
fn notifies(compliance: Compliance, before: &Before, flaps: bool, is_waived: bool) -> bool {
    let is_accepted = is_waived && compliance == Compliance::Noncompliant;
    compliance != before.last_notified && !is_accepted && !(before.damped && flaps)
}

fn before(
    state: Option<&FindingState>,
    observation: &Observation,
    compliance: Compliance,
) -> Before {
    if let Some(state) = state {
        return Before {
            compliance: state.compliance,
            last_notified: state.last_notified,
            damped: state.damped,
        };
    }
    // A finding without a state was compliant, unless its event says that it has just become so.
    let first = match (compliance, observation.was) {
        (Compliance::Compliant, Some(Compliance::Noncompliant)) => Compliance::Noncompliant,
        _ => Compliance::Compliant,
    };
    Before {
        compliance: first,
        last_notified: first,
        damped: false,
    }
}

/// True if the state is as new as the observation, or newer. The daily comparison repeats the time
/// of what it finds unchanged, so that for it the same time is not outdated.
fn is_outdated(observation: &Observation, state: &FindingState) -> bool {
    let is_comparison = observation.source == Source::Reconciliation;
    observation.recorded_at < state.recorded_at
        || (observation.recorded_at == state.recorded_at && !is_comparison)
}

/// True if the event follows a change that is not known here, since that change's event is still to
/// come. This one is saved, so that the earlier one is outdated when it comes.
fn is_ahead(observation: &Observation, before: Compliance) -> bool {
    observation.was.is_some_and(|was| was != before)
}

/// The times of changes within [`FLAPPING_WINDOW`]. For an event, the window ends at its change.
/// For the comparison, it ends now: a resource that stands as it stood has kept still until now.
fn recent_changes(
    state: Option<&FindingState>,
    observation: &Observation,
    has_changed: bool,
    context: &Context<'_>,
) -> Vec<Timestamp> {
    let mut changes = state.map_or_else(Vec::new, |state| state.changes.clone());
    if has_changed {
        changes.push(observation.recorded_at);
    }
    let seen_at = match observation.source {
        Source::Reconciliation => context.now,
        Source::Event | Source::NoLongerEvaluated => observation.recorded_at,
    };
    changes.retain(|at| seen_at.duration_since(*at) < FLAPPING_WINDOW);
    changes
}

fn newest(mut changes: Vec<Timestamp>, limit: usize) -> Vec<Timestamp> {
    changes.drain(..changes.len().saturating_sub(limit));
    changes
}

fn entry(
    state: Option<&FindingState>,
    after: &FindingState,
    observation: &Observation,
    context: &Context<'_>,
) -> OutboxEntry {
    let account = context.account;
    let owner_tag = context.policy.owner_tag.as_ref();
    OutboxEntry {
        key: observation.key.clone(),
        recorded_at: observation.recorded_at,
        compliance: after.compliance,
        was_notified: state.is_some_and(|state| state.last_notified == Compliance::Noncompliant),
        source: observation.source,
        severity: context.policy.severity_of(&observation.key.rule),
        account_name: account.name.clone(),
        owner: owner_tag.and_then(|tag| account.tags.get(tag)).cloned(),
        annotation: observation.annotation.clone(),
        flapping: after.damped,
    }
}

/// The same entry for each route that fits.
fn route_entries(entry: &OutboxEntry, context: &Context<'_>) -> Vec<(String, OutboxEntry)> {
    let mut entries = Vec::new();
    for route in context.policy.routes_of(&entry.key.rule, context.account) {
        entries.push((route.name.clone(), entry.clone()));
    }
    entries
}
