//! onboard-accounts on the world in memory.

mod crash_points;
mod scenarios;
mod stack_set;
mod stage;
