//! report-compliance on the world in memory.

mod archive;
mod crash_points;
mod harness;
mod scenarios;
