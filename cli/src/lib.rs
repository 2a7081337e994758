//! The `banto` command, as a library: `main.rs` and the end-to-end tests use it.

pub mod demo;
pub mod local;
pub mod notices;
pub mod report;
mod table;
