//! Other programs that read and write OpenPGP: they open what is sealed to each other's keys, and
//! the commands that people are told do what is said of them.
//!
//! Where a program is absent the test says so and passes. With `BANTO_INTEROP=required`, GnuPG and
//! openpgp.js must be there; with `BANTO_INTEROP=all`, every program must, and every kind of key is
//! tried, which takes minutes: `.ci/nightly` does.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

mod commands;
mod envelopes;
mod gnupg;
mod peers;
#[path = "../samples/mod.rs"]
mod samples;
mod vouching;
