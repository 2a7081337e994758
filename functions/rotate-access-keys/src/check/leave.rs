//! The rules about users who left.

use banto_domain::record::IAM_LAG;

use super::rules::breach_unless;
use super::simulation::{Simulation, Step};
use crate::event::Mode;
use crate::plan::Action;

pub(super) fn leave_was_asked_for(simulation: &Simulation<'_>, step: &Step<'_>) -> Option<String> {
    let (Action::Leave(_) | Action::DenyLeaver) = step.action else {
        return None;
    };
    breach_unless(simulation.is_leaver(), || {
        "taken for somebody who left, but nobody said so".to_owned()
    })
}

pub(super) fn leaver_gets_no_key(simulation: &Simulation<'_>, step: &Step<'_>) -> Option<String> {
    let gets_key = match step.action {
        Action::Issue { .. }
        | Action::Owe { .. }
        | Action::Withdraw { .. }
        | Action::Restore { .. }
        | Action::TakeBack { .. } => true,
        Action::DisableExposed(exposed) => exposed.owed,
        _ => false,
    };
    breach_unless(!gets_key || !simulation.is_leaver(), || {
        "left, and would get a key".to_owned()
    })
}

pub(super) fn leaver_is_not_messaged(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::NotifyOwner(notice) = step.action else {
        return None;
    };
    breach_unless(!simulation.is_leaver(), || {
        format!("left, and would be sent {}", notice.id())
    })
}

pub(super) fn leaver_stays_denied(simulation: &Simulation<'_>, step: &Step<'_>) -> Option<String> {
    let Action::AllowSessions = step.action else {
        return None;
    };
    breach_unless(!simulation.is_leaver(), || {
        "left, and would have sessions again".to_owned()
    })
}

pub(super) fn leave_that_is_taken_back_was_asked_for_and_is_recorded(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::TakeBack {
        keys,
        allows_sessions,
    } = step.action
    else {
        return None;
    };
    let record = simulation.user.record();
    let is_emergency = record.is_some_and(|record| record.emergency.is_some());
    let is_sound = simulation.snapshot.mode == Mode::Restore
        && simulation
            .left()
            .is_some_and(|left| keys.is_subset(&left.worked))
        && !(*allows_sessions && is_emergency);
    breach_unless(is_sound, || {
        format!("{keys:?} taken back, but no leave ended them, or nobody asked for it")
    })
}

pub(super) fn key_that_is_taken_back_is_not_exposed(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::TakeBack { keys, .. } = step.action else {
        return None;
    };
    let exposed = keys.iter().find(|key| simulation.is_exposed(key))?;
    Some(format!("{exposed} taken back, but it is exposed"))
}

/// A key that Banto disabled may show as active for a while.
pub(super) fn no_key_of_a_leaver_works(simulation: &Simulation<'_>) -> Option<String> {
    let record = simulation.user.record();
    let was_just_disabled = |id| {
        let at = record.and_then(|record| record.disabled.get(id));
        at.is_some_and(|at| simulation.now.duration_since(*at) < IAM_LAG)
    };
    let works = simulation.keys.iter().any(|(id, active)| {
        let is_late = id.is_some_and(was_just_disabled);
        *active && !is_late
    });
    breach_unless(!works || !simulation.is_leaver(), || {
        "left, and would keep a key that works".to_owned()
    })
}
