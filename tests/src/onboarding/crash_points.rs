//! Every call of a convergence fails in every way, in every kind of world. Whatever happens, the
//! messages that come again lead to the baseline, nothing outside it is touched, and nobody's
//! account stays unrecorded in silence.

use banto_fake::FaultKind;
use banto_ports::ErrorKind;

use super::play::{ACTS, Blow, HIDDEN, Hit, LATE, PLAIN, SERVICES, Scenery, Staged, scenes};
use crate::harness::crash_points::{Scene, Tally, at_once, one_fault_in, two_faults};

/// Each scene in a kind of world.
fn staged_in(scenery: Scenery) -> Vec<Staged> {
    let staged = |scene| Staged { scene, scenery };
    scenes().into_iter().map(staged).collect()
}

/// Every scene.
pub fn all() -> Vec<Box<dyn Scene>> {
    let staged = staged_in(PLAIN).into_iter();
    staged
        .map(|staged| Box::new(staged) as Box<dyn Scene>)
        .collect()
}

/// Lets something befall every so many calls of every invocation of every scene. Which of them
/// depends on the blow's number.
fn one_blow(number: usize, step: usize, name: &str, blow: Blow, tally: &mut Tally) {
    for staged in staged_in(PLAIN) {
        let clean = staged.play_with(&[]);
        for (invocation, calls) in clean.calls.into_iter().enumerate() {
            let first = 1 + (number + invocation) % step;
            for call in (first..=calls).step_by(step) {
                let hit = Hit {
                    invocation,
                    call,
                    blow,
                };
                let place = format!(
                    "{}, invocation {invocation}, call {call}, {name}",
                    staged.name()
                );
                tally.add(place, staged.play_with(&[hit]).broken);
            }
        }
    }
}

#[test]
fn after_a_fault_at_any_call_the_account_is_in_place_and_no_promise_is_broken() {
    let mut staged = staged_in(PLAIN);
    staged.retain(|staged| !staged.is_by_stack_set());
    let points = one_fault_in("crash points of onboarding (plain)", &staged, 1);
    assert!(points > 1_000, "{points}");
}

/// Every second call, since the rest is the direct way's.
#[test]
fn after_a_fault_at_any_call_the_account_is_in_place_by_stack_set_too() {
    let mut staged = staged_in(PLAIN);
    staged.retain(Staged::is_by_stack_set);
    let points = one_fault_in("crash points of onboarding (by StackSet)", &staged, 2);
    assert!(points > 500, "{points}");
}

/// Roles, recorders, channels and the bucket's policy: all take effect and show late.
#[test]
fn after_a_fault_at_any_call_the_account_is_in_place_where_effects_are_late() {
    let what = "crash points of onboarding (late effects)";
    let points = one_fault_in(what, &staged_in(LATE), 13);
    assert!(points > 200, "{points}");
}

#[test]
fn after_a_fault_at_any_call_the_account_is_in_place_where_organizations_shows_it_late() {
    let what = "crash points of onboarding (an account that shows late)";
    let mut staged = staged_in(HIDDEN);
    staged.retain(Staged::is_about_new);
    let points = one_fault_in(what, &staged, 4);
    assert!(points > 200, "{points}");
}

#[test]
fn after_a_fault_in_the_run_that_follows_a_fault_the_account_is_in_place_too() {
    let kinds = [
        FaultKind::CancelAfter,
        FaultKind::ErrorAfter(ErrorKind::Unavailable),
    ];
    two_faults(&staged_in(PLAIN), 8, &[kinds]);
}

#[test]
fn after_an_outage_of_an_hour_from_any_call_on_the_account_is_in_place() {
    let mut tally = Tally::of("crash points of onboarding (outages of an hour)");
    for (number, service) in SERVICES.into_iter().enumerate() {
        let name = format!("{service} is away");
        one_blow(number, 9, &name, Blow::Outage(service), &mut tally);
    }
    tally.close();
}

#[test]
fn whatever_a_person_does_before_any_call_no_promise_is_broken() {
    let mut tally = Tally::of("crash points of onboarding (a person acts)");
    for (number, act) in ACTS.into_iter().enumerate() {
        let name = format!("a person {}", act.name);
        one_blow(number, 5, &name, Blow::Act(act), &mut tally);
    }
    tally.close();
}

#[test]
fn two_invocations_on_one_account_at_once_lead_to_the_same() {
    at_once(&staged_in(PLAIN), |staged, invocation, turns| {
        let found = staged.play_with_two(invocation, turns);
        // Both may have told the same news, once each.
        let is_broken = |what: &String| !what.starts_with("said again");
        found.into_iter().filter(is_broken).collect()
    });
}
