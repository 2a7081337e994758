//! rotate-access-keys against the world in memory.

mod aftermath;
mod certificates;
pub mod crash_points;
mod emergencies;
mod exposures;
pub mod harness;
mod idle;
mod interleavings;
mod late;
mod leaks;
mod leavers;
mod orphans;
mod play;
mod reached;
mod receipts;
mod records;
mod replaced;
mod requests;
mod retirement;
mod rollback;
mod runs;
mod signed;
mod slices;
mod stories;
mod users;
mod watch;
