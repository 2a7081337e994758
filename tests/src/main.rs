//! The suite's tests that concern more than one crate, in one binary.

#[macro_use]
mod harness;

mod architecture;
mod calls;
mod compliance;
mod end_to_end;
mod evaluator;
mod onboarding;
mod operations;
mod permissions;
mod released;
mod report;
mod rotation;
mod semantics;
