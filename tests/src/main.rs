//! The suite's tests that concern more than one crate, in one binary.

mod rotation;
