//! The `banto` command, as a library: `main.rs` and the end-to-end tests use it.

pub mod config;
pub mod demo;
pub mod doctor;
mod files;
pub mod local;
pub mod notices;
mod output;
pub mod package;
mod policy;
pub mod report;
mod table;
