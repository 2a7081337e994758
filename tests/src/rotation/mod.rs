//! rotate-access-keys against the world in memory.

mod aftermath;
mod crash_points;
mod emergencies;
mod exposures;
mod harness;
mod interleavings;
mod late;
mod leaks;
mod orphans;
mod play;
mod records;
mod requests;
mod retirement;
mod runs;
mod slices;
mod stories;
mod users;
mod watch;
