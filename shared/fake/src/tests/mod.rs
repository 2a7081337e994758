//! What the world does on a bad day, shown through its ports.

mod faults;
mod iam;
mod members;
mod queue;
mod records;
mod trail;

use std::sync::Arc;

use banto_ports::{ErrorKind, PortError};
use jiff::{SignedDuration, Timestamp};

use crate::{Driven, Run, World, drive};

fn start() -> Timestamp {
    "2026-06-01T01:00:00Z".parse().unwrap()
}

fn world() -> Arc<World> {
    World::at(start())
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

/// What a call of a run came to, which no fault ended.
fn done<T>(run: &Run, call: impl Future<Output = Result<T, PortError>>) -> Result<T, PortError> {
    match drive(run, call) {
        Driven::Done(result) => result,
        Driven::Cancelled => panic!("cancelled"),
    }
}

fn kind<T>(result: Result<T, PortError>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind)
}
