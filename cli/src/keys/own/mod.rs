//! A developer's own key: certificate, new key, where it stands.

pub mod ack;
mod cloud;
#[cfg(test)]
mod cloud_in_memory;
pub mod fetch;
mod me;
pub(crate) mod mfa;
mod record;
pub mod register;
pub mod status;

use std::path::Path;

use anyhow::Result;
use banto_lambda::SystemClock;
use banto_ports::Clock as _;
use jiff::Timestamp;

use crate::openpgp::Program;

pub use me::Common;
pub use mfa::Mfa;

/// The person's OpenPGP programs, an `sq` with the secret key in a file if one is named.
async fn programs(key_file: Option<&Path>) -> Result<Vec<Program>> {
    let found = Program::found().await?;
    Ok(match key_file {
        Some(file) => found
            .into_iter()
            .map(|program| program.with_key_file(file.to_owned()))
            .collect(),
        None => found,
    })
}

/// Now, by the clock that the functions have: a local AWS's may be a simulated one.
fn now() -> Result<Timestamp> {
    Ok(SystemClock::from_env()?.now())
}
