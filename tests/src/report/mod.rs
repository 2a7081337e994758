//! report-compliance on the world in memory.

mod archive;
pub mod crash_points;
pub mod harness;
mod rollback;
mod scenarios;
