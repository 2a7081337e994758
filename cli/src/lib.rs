//! The `banto` command, as a library: `main.rs` and the end-to-end tests use it.

pub mod accounts;
pub mod ask;
mod browser;
pub mod commands;
pub mod compliance;
pub mod config;
pub mod dates;
pub mod demo;
pub mod doctor;
pub mod ending;
#[cfg(test)]
mod expected;
mod files;
mod functions;
pub mod keys;
pub mod local;
pub mod login;
pub mod notices;
pub mod openpgp;
mod output;
pub mod package;
#[cfg(test)]
mod pictures;
pub mod policy;
pub mod profiles;
mod progress;
pub mod replay;
pub mod report;
pub mod session;
pub mod shell;
mod table;
pub mod terminal;
