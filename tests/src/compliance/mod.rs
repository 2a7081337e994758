//! notify-compliance on the world in memory.

mod crash_points;
mod properties;
mod scenarios;
mod stage;
mod storm;
