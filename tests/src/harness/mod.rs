//! What the tests of every function are made of: one invocation in the world in memory, the queue
//! in front of it, and a fault at any of its calls. A function's own promises and worlds are in its
//! own folder.

/// Prints a line that is shown whether or not the test passes.
macro_rules! say {
    ($($arguments:tt)*) => {{
        use std::io::Write as _;
        let mut shown = std::io::stderr();
        writeln!(shown, $($arguments)*).unwrap();
    }};
}

pub mod crash_points;
mod denials;
mod retries;
mod sqs;
mod tests;

use std::sync::Arc;
use std::time::Duration;

use banto_fake::{Driven, Fault, Run, World, drive, interleave};
use banto_lambda::{Invocation, InvocationError, Response};
use jiff::SignedDuration;
use serde_json::Value;

pub use denials::take_signs_of_denial;
pub use retries::{invoke_async, invoke_on};
pub use sqs::{Sqs, batch, enqueue, enqueue_deliveries, failed, receive, settle, work_off};

/// A function under test, known by the policy that sets it up.
pub trait Function {
    /// How long its queue hides a message that was received, where the function does not say.
    const HIDDEN: SignedDuration;

    /// How often its queue hands a message over before it goes to the dead letter queue.
    /// (docs/OPERATIONS.md.)
    const RECEIVES: u32 = 5;

    /// Handles one event, on one run's view of the world.
    async fn handle(
        &self,
        run: &Arc<Run>,
        event: &[u8],
        invocation: &Invocation,
    ) -> Result<Response, InvocationError>;
}

/// A function's answer to an event.
pub type Handled = Driven<Result<Response, InvocationError>>;

/// An invocation as long as Lambda allows.
fn invocation(run: &str) -> Invocation {
    Invocation::for_tests(run, Duration::from_secs(900))
}

/// Handles one event in the world; a fault befalls it if one is given.
pub fn handle_with(
    world: &Arc<World>,
    function: &impl Function,
    event: &Value,
    fault: Option<Fault>,
) -> (Handled, Arc<Run>) {
    let run = world.run(fault);
    (handle_on(&run, world, function, event), run)
}

/// Handles one event on a run that a test has made, for one in which somebody else acts.
pub fn handle_on(
    run: &Arc<Run>,
    world: &World,
    function: &impl Function,
    event: &Value,
) -> Handled {
    let invocation = invocation(&run_id(world));
    let event = event.to_string();
    let handled = drive(run, function.handle(run, event.as_bytes(), &invocation));
    denials::look(run, world, &handled);
    handled
}

/// The id of the run that was begun last, which no other one has.
fn run_id(world: &World) -> String {
    format!("run-{}", world.run_count())
}

/// Handles one event that is expected to succeed, and returns the response.
pub fn handle(world: &Arc<World>, function: &impl Function, event: &Value) -> Value {
    match handle_with(world, function, event, None).0 {
        Driven::Done(Ok(answer)) => answer.body,
        Driven::Done(Err(failure)) => panic!("{}: {failure}", failure.kind),
        Driven::Cancelled => panic!("cancelled without a fault"),
    }
}

/// Hands one event to two invocations at once. Each turn says whether the next call is the first
/// one's.
pub fn handle_twice(
    world: &Arc<World>,
    function: &impl Function,
    event: &Value,
    turns: impl IntoIterator<Item = bool>,
) -> [Handled; 2] {
    handle_both(world, function, [event, event], turns)
}

/// Hands two events to two invocations at once, as [`handle_twice`] does with one.
pub fn handle_both(
    world: &Arc<World>,
    function: &impl Function,
    events: [&Value; 2],
    turns: impl IntoIterator<Item = bool>,
) -> [Handled; 2] {
    let (one, other) = (world.run(None), world.run(None));
    // One event that comes twice has one request id.
    let (mut here, mut there) = (invocation("one"), invocation("other"));
    here.request_id = "request".to_owned();
    there.request_id = "request".to_owned();
    let events = events.map(Value::to_string);
    let ends = interleave(
        (&one, function.handle(&one, events[0].as_bytes(), &here)),
        (
            &other,
            function.handle(&other, events[1].as_bytes(), &there),
        ),
        turns,
    );
    ends.into()
}
