//! The tree of commands. Each one's options and its story are in its own folder.

use anyhow::Result;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::ending::Ending;
use crate::{
    accounts, compliance, config, demo, doctor, keys, login, notices, package, replay, report,
    shell,
};

/// Keeps every account of an AWS Organization in order.
#[derive(Debug, Parser)]
// Help is no wider than a usual terminal, whatever there is: examples are written for that.
#[command(name = "banto", version, max_term_width = 80, after_help = AFTER)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const AFTER: &str = "\
For developers:
  banto login                 access without a key, where that is allowed
  banto keys register         choose the certificate that new keys are sealed to
  banto keys fetch            receive a new key

For operators:
  banto doctor                what is not in order, and what to do
  banto keys status --all     where every rotation stands
  banto accounts status       which account is not in order

Examples:
  banto demo                  all of it on this machine, without an AWS account
  banto config check          what the policy means, or what is wrong with it
  banto completions --install  completions for your shell, and man pages

Exit codes: 0 done, 1 failed or findings, 2 wrong use, 3 could not look,
130 Ctrl-C. Each command has --help with examples.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Sets up access to your roles without an access key.
    Login(login::Options),
    /// Access keys: your own, and, for operators, everyone's.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Accounts and their baseline.
    #[command(subcommand)]
    Accounts(accounts::Command),
    /// Findings of AWS Config that are open, and waivers.
    #[command(subcommand)]
    Compliance(compliance::Command),
    /// Makes a month's report on this machine, from AWS Config's snapshots in a folder or a bucket:
    /// page, mails and findings as files. Nothing is sent.
    Report(report::Options),
    /// What Banto tells people.
    #[command(subcommand)]
    Notices(notices::Command),
    /// The policy, banto.toml.
    #[command(subcommand)]
    Config(config::Command),
    /// Looks whether what the policy names is there and works; with --probe, whether AWS is as Banto
    /// takes it to be: docs/doctor.md.
    Doctor(doctor::Options),
    /// Hands an event to a function's own code, on this machine.
    Replay(replay::Options),
    /// Makes the zips that Lambda takes, from the functions' programs and the policy: docs/infra.md.
    ///
    /// The same programs and the same policy make the same bytes. `cargo make package` builds the
    /// programs before; with --release they come from a release, and nothing is built.
    Package(package::Options),
    /// Plays the real functions on a local AWS and a local Slack: no AWS account is needed.
    Demo(demo::Options),
    /// Prints a shell's completions, or installs them and the man pages for you.
    Completions(shell::Completions),
    /// Prints the man page, or writes those of all commands.
    Man(shell::Manual),
}

/// Does what was asked for.
///
/// # Errors
/// If it can't be done, with what to do about it.
pub async fn run(arguments: Arguments) -> Result<Ending> {
    match arguments.command {
        Command::Login(options) => login::run(&options).await,
        Command::Keys(command) => keys::run(&command).await,
        Command::Accounts(command) => accounts::run(&command).await,
        Command::Compliance(command) => compliance::run(&command).await,
        Command::Report(options) => report::run(&options).await,
        Command::Notices(command) => notices::run(command).await,
        Command::Config(command) => config::run(&command),
        Command::Doctor(options) => doctor::run(&options).await,
        Command::Replay(options) => Box::pin(replay::run(&options)).await,
        Command::Package(options) => package::run(&options).await.map(|()| Ending::Done),
        Command::Demo(options) => demo::run(&options).await,
        Command::Completions(options) => shell::completions(&options, &Arguments::command()),
        Command::Man(options) => shell::manual(&options, &Arguments::command()),
    }
}

#[cfg(test)]
#[path = "pages.rs"]
mod pages;
#[cfg(test)]
#[path = "tree.rs"]
mod tree;
