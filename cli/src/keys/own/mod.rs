//! A developer's own key: certificate, new key, where it stands.

pub mod ack;
mod cloud;
#[cfg(test)]
mod cloud_in_memory;
mod counts;
pub mod fetch;
mod me;
pub(crate) mod mfa;
mod record;
pub mod register;
mod rows;
mod seen;
pub mod status;

use std::path::Path;

use anyhow::Result;
use banto_domain::UserName;
use banto_lambda::SystemClock;
use banto_ports::Clock as _;
use jiff::Timestamp;
use rotate_access_keys::notices;

use crate::openpgp::Program;
use crate::output;
use crate::session::Where;

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

/// What somebody without a key is told: no run makes a first key of itself.
fn first_key(user: &UserName) -> String {
    format!(
        "Ask an operator for your key: `{}`. Then `banto keys fetch` receives it.",
        notices::operators_command("rotate", user)
    )
}

/// A sentence below a text that names commands, where a profile was named: they need it, too.
fn tell_profile(text: &str, place: &Where) {
    if let (Some(profile), true) = (&place.profile, text.contains("`banto keys ")) {
        output::complain(&format!(
            "(Commands here need --profile {profile}, as this one.)"
        ));
    }
}

/// Now, by the clock that the functions have: a local AWS's may be a simulated one.
fn now() -> Result<Timestamp> {
    Ok(SystemClock::from_env()?.now())
}
