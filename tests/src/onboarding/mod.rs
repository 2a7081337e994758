//! onboard-accounts on the world in memory.

mod crash_points;
mod properties;
mod scenarios;
mod stack_set;
mod stage;
