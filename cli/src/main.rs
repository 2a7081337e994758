//! The `banto` command.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use banto::demo::{self, Ending};
use banto::{config, doctor, notices, package, report};
use clap::{Parser, Subcommand};

/// Keeps every account of an AWS Organization in order.
///
/// Exit codes: 0 done, 1 failed, 2 wrong use, 130 ended by Ctrl-C.
#[derive(Debug, Parser)]
#[command(name = "banto", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays the real functions on a local AWS and a local Slack: no AWS account is needed.
    Demo {
        /// Leaves the local AWS running afterwards, until Ctrl-C.
        #[arg(long)]
        keep: bool,
    },
    /// What Banto tells people.
    Notices {
        #[command(subcommand)]
        command: Notices,
    },
    /// Makes a month's report on this machine, from AWS Config's snapshots in a folder or a bucket:
    /// page, mails and findings as files. Nothing is sent.
    Report(report::Options),
    /// Makes the zips that Lambda takes, from the functions' programs and the policy: docs/infra.md.
    ///
    /// The same programs and the same policy make the same bytes. `cargo make package` builds the
    /// programs before; with --release they come from a release, and nothing is built.
    Package(package::Options),
    /// Looks whether what the policy names is there and works; with --probe, whether AWS is as Banto
    /// takes it to be: docs/doctor.md.
    Doctor(doctor::Options),
    /// What the policy, banto.toml, says to other programs.
    Config {
        #[command(subcommand)]
        command: Config,
    },
}

#[derive(Debug, Subcommand)]
enum Config {
    /// Writes banto.auto.tfvars.json, by which Terraform knows every name that the policy has:
    /// docs/infra.md.
    Export(config::export::Options),
}

#[derive(Debug, Subcommand)]
enum Notices {
    /// Shows the main kinds of message as Slack does, in a page that is written and opened. Nothing
    /// is sent.
    Preview {
        /// The policy whose titles and runbooks are shown, instead of the example policy.
        #[arg(long, value_name = "banto.toml")]
        policy: Option<PathBuf>,
        /// Where the page is written, instead of a temporary file.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Writes the page and opens nothing.
        #[arg(long)]
        no_open: bool,
    },
}

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(command)));
    match ended {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Code(code)) => ExitCode::from(code),
        Ok(Ending::Interrupted) => ExitCode::from(130),
        Err(error) => {
            let _nobody_reads = writeln!(std::io::stderr(), "banto: {error:#}").is_err();
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<Ending> {
    match command {
        Command::Demo { keep } => demo::run(keep).await,
        Command::Notices {
            command:
                Notices::Preview {
                    policy,
                    out,
                    no_open,
                },
        } => notices::preview(policy.as_deref(), out, !no_open)
            .await
            .map(|()| Ending::Done),
        Command::Report(options) => report::run(&options).await,
        Command::Package(options) => package::run(&options).await.map(|()| Ending::Done),
        Command::Doctor(options) => doctor::run(&options).await,
        Command::Config {
            command: Config::Export(options),
        } => config::export::run(&options).map(|()| Ending::Done),
    }
}

#[cfg(test)]
mod pages;
