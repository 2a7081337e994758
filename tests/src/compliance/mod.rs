//! notify-compliance on the world in memory.

mod crash_points;
mod false_endings;
mod harness;
mod moving;
mod properties;
mod receivers;
mod reminders;
mod routes;
mod scenarios;
mod shared_queue;
mod storm;
mod throttling;
mod urgency;
