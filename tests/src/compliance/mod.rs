//! notify-compliance on the world in memory.

mod crash_points;
mod harness;
mod properties;
mod scenarios;
mod storm;
