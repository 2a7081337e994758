//! notify-compliance on the world in memory.

pub mod crash_points;
mod false_endings;
pub mod harness;
mod moving;
mod properties;
mod receivers;
mod reminders;
mod rollback;
mod routes;
mod scenarios;
mod shared_queue;
mod storm;
mod throttling;
mod urgency;
