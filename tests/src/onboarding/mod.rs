//! onboard-accounts on the world in memory.

mod crash_points;
mod harness;
mod properties;
mod scenarios;
mod stack_set;
