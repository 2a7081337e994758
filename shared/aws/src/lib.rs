//! The ports of `banto-ports` on AWS; the only crate that names SDK crates.
//!
//! It owns paging, retries, timeouts, assumed roles and the classification of errors. Deliberately
//! absent: anything that decides, and AWS's default credential chain, of which Lambda needs one link.

mod certificates;
mod config;
mod errors;
mod http;
mod keys;
mod records;
mod role;
mod telling;

pub use config::{Account, Aws, ConfigError};
pub use records::{read_policy, secret_name};
