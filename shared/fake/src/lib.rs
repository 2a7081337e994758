//! A stateful world in memory, behind the same ports as AWS, and the faults that can befall it.
//!
//! [`World`] holds the state of one identity account, and of an Organization with its compliance
//! beside it; a [`Run`] is one run's view of it: it counts the calls, injects a [`Fault`], and lets
//! a test decide who goes next. [`drive`] polls by hand, one call a poll, so that everything is
//! deterministic. Beside the world lie the texts that tests of several crates need: a
//! [`PolicyText`], and what people committed ([`Book`]). For tests only; no release depends on it.
//!
//! A bad day has more than one fault, and the world can have each of these:
//! - readers that answer with what was true a while ago ([`World::lag`]);
//! - calls, or whole services, that fail until a moment ([`World::outage`],
//!   [`World::outage_after`]);
//! - people who act just before a call has its effect ([`Run::interfere`], [`Run::interfere_at`]),
//!   on users and keys, on the secrets of records, and with a credential that they got hold of;
//! - a clock that jumps ([`World::jump`]);
//! - requests that AWS would refuse for their form alone, which fail the test ([`check_request`]).
//!
//! Deliberately absent: IAM's evaluation of policies, and regions of the identity account.

mod account_ports;
mod account_requests;
mod certificates;
mod committed;
mod compliance;
mod constraints;
mod drive;
mod iam;
mod iam_ports;
mod lag;
pub mod leaks;
mod members;
mod organization;
mod organization_ports;
mod outages;
mod people;
mod policy;
mod ports;
mod queue;
mod record_people;
mod record_ports;
mod records;
mod report;
mod run;
mod signer;
#[cfg(test)]
mod tests;
mod trail;
mod view;
mod world;

pub use account_ports::FakeAccountAccess;
pub use committed::{Book, assert_as_committed};
pub use compliance::SlackMessage;
pub use constraints::check as check_request;
pub use drive::{Driven, drive, interleave};
pub use lag::Reader;
pub use leaks::LogCapture;
pub use organization::{Deploy, MemberAccount, MemberRegion};
pub use policy::PolicyText;
pub use queue::{QUEUE_ARN, Queued};
pub use report::ReportShape;
pub use run::{Fault, FaultKind, Run};
pub use signer::KeyPair;
pub use view::{Call, KeyView, Sent, UserView, View};
pub use world::World;
