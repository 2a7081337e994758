//! The suite's tests that concern more than one crate, in one binary.

mod architecture;
mod end_to_end;
mod onboarding;
mod rotation;
