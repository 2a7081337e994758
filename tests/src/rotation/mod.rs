//! rotate-access-keys against the world in memory.

mod crash_points;
mod harness;
mod leaks;
mod scenarios;
