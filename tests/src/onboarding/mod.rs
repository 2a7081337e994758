//! onboard-accounts on the world in memory.

pub mod crash_points;
mod default_vpcs;
mod documents;
mod drift;
mod events;
pub mod harness;
mod news;
mod play;
mod properties;
mod revocations;
mod rollback;
mod scenarios;
mod slow;
mod stack_set;
mod stacks;
mod templates;
