//! Archives of AWS Config, as the accounts of an Organization fill them over months: for tests,
//! benchmarks and the demo.
//!
//! An [`Archive`] is made from a [`Shape`]: nothing of it is stored, so that it may have any size.
//! [`Truth`] says what a reader has to find in it.
//!
//! Deliberately absent: the reader of archives. Shapes come from AWS's documentation, so that a
//! wrong reading of it shows.

mod account;
mod archive;
mod channel;
mod draw;
mod files;
mod history;
mod item;
mod keys;
mod resource;
mod rules;
mod shape;
mod template;
#[cfg(test)]
mod tests;
mod time;
mod truth;

pub use account::Account;
pub use archive::{Archive, Object};
pub use files::Written;
pub use shape::{Oddity, Planted, Shape};
pub use truth::{RegionTruth, Truth};
