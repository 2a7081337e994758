//! Every call of every run fails in every way, in every kind of world. Whatever happens, later runs
//! converge, and no promise is broken on the way.

use banto_fake::FaultKind;
use banto_ports::ErrorKind;

use super::play::{ACTS, Blow, Hit, LAGGING, LATE_RECORDS, Nature, PLAIN, SIGNED, Told};
use super::stories::{Asks, stories};
use crate::harness::crash_points::{Scene, Tally, one_fault_in, two_faults};

/// Each story in a kind of world.
fn told_in(nature: Nature) -> Vec<Told> {
    let told = |story| Told { story, nature };
    stories().into_iter().map(told).collect()
}

/// Every story, with and without signed records, asked for so that an hour is outlasted.
pub fn lasting() -> Vec<Box<dyn Scene>> {
    let mut scenes: Vec<Box<dyn Scene>> = Vec::new();
    for nature in [PLAIN, SIGNED] {
        for mut told in told_in(nature) {
            if told.story.asks == Asks::Directly {
                told.story.asks = Asks::ByQueue;
            }
            scenes.push(Box::new(told));
        }
    }
    scenes
}

/// Lets something befall every second call of every invocation of every story: all of them take
/// minutes. Which of the two depends on the blow's number.
fn one_blow(number: usize, name: &str, blow: Blow, tally: &mut Tally) {
    for told in told_in(PLAIN) {
        let clean = told.play_with(&[]);
        for (invocation, calls) in clean.calls.into_iter().enumerate() {
            for call in (1 + number % 2..=calls).step_by(2) {
                let hit = Hit {
                    invocation,
                    call,
                    blow,
                };
                let place = format!(
                    "{}, invocation {invocation}, call {call}, {name}",
                    told.name()
                );
                tally.add(place, told.play_with(&[hit]).broken);
            }
        }
    }
}

/// R4, with R1, R2, R5, R8 and R9 watched at every step.
#[test]
fn after_a_fault_at_any_call_further_runs_converge_and_no_promise_is_broken() {
    let points = one_fault_in("crash points (plain)", &told_in(PLAIN), 1);
    assert!(points > 1_000, "{points}");
}

/// R7: what IAM shows late is unknown until it must show. Every third call, since all take
/// minutes.
#[test]
fn after_a_fault_at_any_call_runs_converge_where_lists_lag() {
    let points = one_fault_in("crash points (lagging lists)", &told_in(LAGGING), 3);
    assert!(points > 500, "{points}");
}

/// R4: a service that is away for an hour, from any call on.
#[test]
fn after_an_outage_from_any_call_on_runs_converge() {
    let mut tally = Tally::of("crash points (outages of an hour)");
    let services = [
        "iam:",
        "secretsmanager:",
        "s3:",
        "sns:",
        "cloudtrail:",
        "sqs:",
    ];
    for (number, service) in services.into_iter().enumerate() {
        let name = format!("{service} is away");
        one_blow(number, &name, Blow::Outage(service), &mut tally);
    }
    tally.close();
}

/// R4: a service that does what it is asked for an hour, and whose answers are lost.
#[test]
fn after_an_hour_of_lost_answers_from_any_call_on_runs_converge() {
    let mut tally = Tally::of("crash points (answers lost for an hour)");
    let services = ["iam:", "secretsmanager:", "sns:"];
    for (number, service) in services.into_iter().enumerate() {
        let name = format!("{service} does not answer");
        one_blow(number, &name, Blow::Silence(service), &mut tally);
    }
    tally.close();
}

/// R5 and R7: what is read late is believed no longer than it may be.
#[test]
fn after_a_fault_at_any_call_runs_converge_where_records_show_late() {
    let points = one_fault_in("crash points (late records)", &told_in(LATE_RECORDS), 4);
    assert!(points > 200, "{points}");
}

/// R1 and R2: what people do between two calls is theirs to do, and the function harms nobody for
/// it.
#[test]
fn whatever_a_person_does_before_any_call_no_promise_is_broken() {
    let mut tally = Tally::of("crash points (a person acts)");
    for (number, act) in ACTS.into_iter().enumerate() {
        let name = format!("a person {}", act.name);
        one_blow(number, &name, Blow::Act(act), &mut tally);
    }
    tally.close();
}

/// R4, for two crashes in a row.
#[test]
fn after_faults_in_two_runs_in_a_row_further_runs_converge() {
    let kinds = [
        FaultKind::CancelAfter,
        FaultKind::ErrorAfter(ErrorKind::Unavailable),
    ]
    .map(|kind| [kind; 2]);
    let mut told = told_in(PLAIN);
    told.truncate(1);
    two_faults(&told, 2, &kinds);
}
