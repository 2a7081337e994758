//! A stateful world in memory, behind the same ports as AWS, and the faults that can befall it.
//!
//! [`World`] holds the state of one identity account, and of an Organization with its compliance
//! beside it; a [`Run`] is one run's view of it: it counts the calls, injects a [`Fault`], and lets
//! a test decide who goes next. [`drive`] polls by hand, one call a poll, so that everything is
//! deterministic. Beside the world lie the texts that tests of several crates need: a
//! [`PolicyText`], and what people committed ([`Book`]). For tests only; no release depends on it.

mod committed;
mod compliance;
mod drive;
mod iam;
pub mod leaks;
mod organization;
mod organization_ports;
mod policy;
mod ports;
mod report;
mod run;
mod world;

pub use committed::{Book, assert_as_committed};
pub use compliance::SlackMessage;
pub use drive::{Driven, drive, interleave};
pub use leaks::LogCapture;
pub use organization::{Deploy, MemberAccount, MemberRegion, Queued};
pub use organization_ports::FakeAccountAccess;
pub use policy::PolicyText;
pub use report::ReportShape;
pub use run::{Fault, FaultKind, Run};
pub use world::{Call, KeyView, Sent, UserView, View, World};
