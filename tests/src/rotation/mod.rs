//! rotate-access-keys against the world in memory.

mod crash_points;
mod leaks;
mod scenarios;
mod stage;
