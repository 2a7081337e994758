//! The suite's tests that concern more than one crate, in one binary.

#[macro_use]
mod harness;

mod architecture;
mod compliance;
mod end_to_end;
mod onboarding;
mod report;
mod rotation;
mod semantics;
