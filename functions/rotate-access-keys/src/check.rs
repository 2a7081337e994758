//! A second look at a plan: the promises R1, R2, R5, R7, R8, R9 and R11, derived anew from snapshot,
//! plan, policy and time.
//!
//! Every chain is simulated, and every rule of the tables below looks at it. The rules share no
//! code with the planner, so that a mistake there is not repeated here. A plan with any breach is
//! refused as a whole: it is a defect, and access keys are at stake.
//!
//! Deliberately absent, since no plan can show them: R3 (secrets; `tests/src/rotation/leaks.rs`),
//! R4 and R6 (crashes and second runs; `tests/src/rotation`), and R10 (what others wrote).

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::policy::RotationPolicy;
use banto_domain::{Breach, UserName};
use jiff::Timestamp;

use crate::plan::Plan;
use crate::snapshot::{Snapshot, User};

mod exposed;
mod leave;
mod orphan;
mod rules;
mod simulation;

use simulation::{Simulation, Step};

/// A rule about one step of a chain. It tells what the step would do, if that breaks the promise.
type StepRule = fn(&Simulation<'_>, &Step<'_>) -> Option<String>;

/// A rule about a whole chain.
type ChainRule = fn(&Simulation<'_>) -> Option<String>;

/// The rules about steps, each with the promise that it guards.
const STEP_RULES: &[(&str, StepRule)] = &[
    ("R1", exposed::exposure_is_known),
    ("R9", exposed::exposed_keys_come_first),
    ("R9", exposed::restored_key_is_not_exposed),
    ("R2", exposed::only_exposed_keys_make_room),
    ("R2", rules::at_most_two_keys),
    ("R5", rules::intent_names_every_key),
    ("R5", rules::no_other_run_is_issuing),
    ("R8", rules::recipient_is_pinned_and_usable),
    ("R8", rules::pin_is_old_enough_or_vouched_for),
    ("R2", orphan::discarded_key_is_the_orphan),
    ("R2", orphan::discarded_key_is_proven_to_be_ours),
    ("R7", orphan::discarded_key_is_known_to_be_unused),
    ("R5", orphan::discarded_keys_run_is_over),
    ("R1", rules::owner_was_notified_of_disabling),
    ("R1", rules::new_key_was_delivered),
    ("R1", rules::new_key_stands_in),
    ("R7", rules::new_key_is_proven_and_old_one_rests),
    ("R7", rules::retired_key_is_known_to_be_unused),
    ("R7", rules::withdrawn_key_is_sealed_to_a_former_certificate),
    ("R1", rules::unregistered_owner_was_reached_and_reminded),
    ("R1", rules::owner_was_reminded_of_the_deadline),
    ("R1", rules::owner_was_notified_of_deletion),
    ("R2", rules::deleted_key_is_inactive),
    ("R2", rules::deleted_key_had_its_recovery),
    ("R1", leave::leave_was_asked_for),
    ("R11", leave::leaver_gets_no_key),
    ("R11", leave::leaver_is_not_messaged),
    ("R11", leave::leaver_stays_denied),
    (
        "R11",
        leave::leave_that_is_taken_back_was_asked_for_and_is_recorded,
    ),
    ("R9", leave::key_that_is_taken_back_is_not_exposed),
];

/// The rules about whole chains, each with the promise that it guards.
const CHAIN_RULES: &[(&str, ChainRule)] = &[
    ("R1", rules::a_usable_key_is_left),
    ("R11", leave::no_key_of_a_leaver_works),
];

/// Returns every promise that the plan would break.
pub fn check(
    snapshot: &Snapshot,
    plan: &Plan,
    policy: &RotationPolicy,
    now: Timestamp,
) -> Vec<Breach> {
    let users: BTreeMap<&UserName, &User> = snapshot
        .users
        .iter()
        .map(|user| (&user.name, user))
        .collect();
    let mut checked = BTreeSet::new();
    let mut breaches = Vec::new();
    for chain in &plan.chains {
        if !checked.insert(&chain.user) {
            breaches.push(Breach::new("R5", &chain.user, "has two chains"));
        }
        match users.get(&chain.user) {
            None => {
                let what = "acts on a user nobody saw";
                breaches.push(Breach::new("R7", &chain.user, what));
            }
            Some(user) => {
                let simulation = Simulation::run(snapshot, user, chain, policy, now);
                breaches.extend(breaches_of(&simulation));
            }
        }
    }
    breaches
}

fn breaches_of(simulation: &Simulation<'_>) -> Vec<Breach> {
    let user = &simulation.user.name;
    let mut breaches = Vec::new();
    for step in &simulation.steps {
        for (promise, rule) in STEP_RULES {
            if let Some(what) = rule(simulation, step) {
                breaches.push(Breach::new(promise, user, what));
            }
        }
    }
    for (promise, rule) in CHAIN_RULES {
        if let Some(what) = rule(simulation) {
            breaches.push(Breach::new(promise, user, what));
        }
    }
    breaches
}
