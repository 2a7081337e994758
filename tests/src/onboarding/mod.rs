//! onboard-accounts on the world in memory.

mod crash_points;
mod default_vpcs;
mod documents;
mod drift;
mod events;
mod harness;
mod news;
mod play;
mod properties;
mod revocations;
mod scenarios;
mod slow;
mod stack_set;
mod stacks;
mod templates;
