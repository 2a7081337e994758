//! Lambda's own retries of an event that it was handed and nobody waits for.

use std::sync::Arc;

use banto_fake::{Driven, Fault, Run, World, drive};
use jiff::SignedDuration;
use serde_json::Value;

use super::crash_points::fault_of;
use super::{Function, Handled, denials, invocation, run_id};

/// The time before each further attempt. (Lambda developer guide, "How Lambda handles errors and
/// retries with asynchronous invocation": one minute, then two.)
const PAUSES: [SignedDuration; 2] = [SignedDuration::from_mins(1), SignedDuration::from_mins(2)];

/// What came of an event that was handed over asynchronously.
#[derive(Debug, Default)]
pub struct Attempts {
    /// Each attempt's answer; the last one's is what the event came to.
    pub handled: Vec<Handled>,
    /// How many calls each attempt made.
    pub calls: Vec<usize>,
    /// How many faults befell their call.
    pub fired: usize,
}

impl Attempts {
    /// True if an attempt succeeded, which is the last one then.
    pub fn succeeded(&self) -> bool {
        matches!(self.handled.last(), Some(Driven::Done(Ok(_))))
    }
}

/// Hands an event over asynchronously: up to three attempts under one request id, time passing
/// between them. Each fault befalls one attempt, by its number from 0.
pub fn invoke_async(
    world: &Arc<World>,
    function: &impl Function,
    event: &Value,
    faults: &[(usize, Fault)],
) -> Attempts {
    let request_id = format!("request-{}", world.run_count());
    let mut attempts = Attempts::default();
    attempt(&mut attempts, world, function, &request_id, event, faults);
    for pause in PAUSES {
        if attempts.succeeded() {
            break;
        }
        world.advance(pause);
        attempt(&mut attempts, world, function, &request_id, event, faults);
    }
    attempts
}

fn attempt(
    attempts: &mut Attempts,
    world: &Arc<World>,
    function: &impl Function,
    request_id: &str,
    event: &Value,
    faults: &[(usize, Fault)],
) {
    let number = attempts.handled.len();
    let run = world.run(fault_of(faults, number));
    let handled = invoke_on(&run, world, function, request_id, event);
    attempts.calls.push(run.calls());
    attempts.fired += usize::from(run.fault_fired());
    attempts.handled.push(handled);
}

/// Makes one attempt under a request id, on a run that a test has made.
pub fn invoke_on(
    run: &Arc<Run>,
    world: &World,
    function: &impl Function,
    request_id: &str,
    event: &Value,
) -> Handled {
    let mut invocation = invocation(&run_id(world));
    invocation.request_id = request_id.to_owned();
    let event = event.to_string();
    let handled = drive(run, function.handle(run, event.as_bytes(), &invocation));
    denials::look(run, world, &handled);
    handled
}
