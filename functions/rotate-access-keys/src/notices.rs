//! The sentences that people read: notices to owners, the operators' summary, who waits for what,
//! and what is wrong with a registration.
//!
//! Some words come from elsewhere and are put in as they are: why a certificate can't be used
//! (`banto_seal`), what an error says (`outcome`, `observe` and the crates beneath), and what a
//! plan would break (`check`).
//!
//! Deliberately absent: any decision. The planner decides, and hands on the data of these
//! sentences.

mod commands;
mod leavers;
mod operators;
mod owner;
mod registration;
mod sentence;
mod strangers;
mod uses;

pub use commands::{Place, approve, operators as operators_command};
pub use operators::{
    command, failures, finding, hindrances, refusals, summary, waiting, waiting_lines, waiting_of,
};
pub use owner::to_owner;
pub use registration::{bad_pin, no_certificate, no_pin};
pub use strangers::{of_strangers, unreadable};
