//! The rules about exposed keys.

use super::rules::breach_unless;
use super::simulation::{Simulation, Step};
use crate::event::Mode;
use crate::plan::Action;

pub(super) fn exposure_is_known(simulation: &Simulation<'_>, step: &Step<'_>) -> Option<String> {
    let Action::DisableExposed(exposed) = step.action else {
        return None;
    };
    let snapshot = simulation.snapshot;
    let record = simulation.user.record();
    let is_asked_for = snapshot.mode == Mode::Emergency && snapshot.exposed_since.is_none();
    let is_beside = exposed.is_beside
        && (snapshot.mode == Mode::Emergency
            || record.is_some_and(|record| record.emergency.is_some()));
    let is_known = exposed.keys.iter().all(|key| {
        snapshot.exposed.contains(key) || record.is_some_and(|record| record.exposed.contains(key))
    });
    breach_unless(is_asked_for || is_beside || is_known, || {
        format!(
            "{:?} disabled as exposed, but this is no emergency",
            exposed.keys
        )
    })
}

pub(super) fn exposed_keys_come_first(_: &Simulation<'_>, step: &Step<'_>) -> Option<String> {
    let Action::DisableExposed(exposed) = step.action else {
        return None;
    };
    let nothing_before = step.earlier.iter().all(disables_exposed);
    breach_unless(nothing_before, || {
        format!(
            "{:?} are exposed, and other actions come before their end",
            exposed.keys
        )
    })
}

fn disables_exposed(action: &Action) -> bool {
    matches!(action, Action::DisableExposed(_))
}

pub(super) fn restored_key_is_not_exposed(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::Restore { key } = step.action else {
        return None;
    };
    let record = simulation.user.record();
    let is_ours = record.is_some_and(|record| record.disabled.contains_key(key));
    breach_unless(is_ours && !simulation.is_exposed(key), || {
        format!("{key} restored, but it is exposed, or Banto did not disable it")
    })
}

pub(super) fn only_exposed_keys_make_room(
    simulation: &Simulation<'_>,
    step: &Step<'_>,
) -> Option<String> {
    let Action::DeleteExposed { key } = step.action else {
        return None;
    };
    breach_unless(simulation.is_exposed(key), || {
        format!("{key} deleted to make room, but it is not exposed")
    })
}
