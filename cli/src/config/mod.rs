//! `banto config`: the policy, `banto.toml`, and what it says to other programs.

pub mod check;
#[cfg(test)]
mod check_tests;
pub mod explain;
pub mod export;
pub mod init;
mod keys;
mod lines;
mod meaning;
mod oddities;
pub mod places;
pub mod schema;
#[cfg(test)]
mod tests;
pub mod values;

use anyhow::Result;
use clap::Subcommand;

use crate::ending::Ending;

/// Subcommands of `banto config`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  banto config init --account 111122223333 --region eu-west-1
  banto config check
  banto config explain rotation.deadline_days")]
pub enum Command {
    /// Writes a first banto.toml, from a few answers.
    Init(init::Options),
    /// Says all that is wrong with a policy, or what it means.
    Check(check::Options),
    /// Prints the JSON Schema of banto.toml, for editors.
    Schema(schema::Options),
    /// Says what a key of banto.toml means, with its default and its limits.
    Explain(explain::Options),
    /// Writes banto.auto.tfvars.json, by which Terraform knows every name that the policy has.
    Export(export::Options),
}

/// Does it.
///
/// # Errors
/// If it can't be done.
pub fn run(command: &Command) -> Result<Ending> {
    match command {
        Command::Init(options) => init::run(options),
        Command::Check(options) => check::run(options),
        Command::Schema(schema::Options {}) => {
            schema::run();
            Ok(Ending::Done)
        }
        Command::Explain(options) => explain::run(options),
        Command::Export(options) => export::run(options).map(|()| Ending::Done),
    }
}
