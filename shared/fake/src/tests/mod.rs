//! What the world does on a bad day, shown through its ports.

mod account_people;
mod aggregator;
mod compliance_table;
mod faults;
mod iam;
mod members;
mod objects;
mod organization;
mod queue;
mod receivers;
mod recording;
mod records;
mod roles;
mod settings;
mod stack_set;
mod table;
mod trail;

use std::sync::Arc;

use banto_domain::{AccountId, Region};
use banto_ports::{AccountAccess, AccountClients, ErrorKind, PortError};
use jiff::{SignedDuration, Timestamp};

use crate::{Driven, FakeAccountAccess, MemberAccount, Run, World, drive};

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

/// A world with one account, `111122223333`, in two regions.
fn with_account() -> (Arc<World>, AccountId) {
    let world = world();
    let account = MemberAccount::new("111122223333", "payments", &REGIONS, start());
    let id = world.add_account(account);
    (world, id)
}

const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

/// An account whose role a run has assumed.
fn assumed(run: &Arc<Run>, account: &AccountId) -> AccountClients {
    let access = FakeAccountAccess(Arc::clone(run));
    done(run, access.assume_role(account)).unwrap()
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
