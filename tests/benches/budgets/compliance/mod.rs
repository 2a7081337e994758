//! Costs of notify-compliance: storms of events in the world in memory, and real processes.

mod canned;
mod memory;
mod process;
mod storm;

#[path = "../../../src/compliance/harness.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod harness;

pub use memory::memory;
pub use process::process;
pub use storm::storms;
