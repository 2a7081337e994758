//! Every sentence that people read: notices to owners, the operators' summary, and what is wrong
//! with a registration.
//!
//! Deliberately absent: any decision. The planner decides, and hands on the data of these
//! sentences.

mod operators;
mod owner;
mod registration;

pub use operators::{failures, finding, summary, waiting};
pub use owner::to_owner;
pub use registration::{bad_pin, no_certificate, no_pin};
