//! The `banto` command.

use std::io::Write;
use std::process::ExitCode;

use banto::demo::{self, Ending};
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
    /// Rotates real keys on a local AWS, with the real function: no AWS account is needed.
    Demo {
        /// Leaves the local AWS running afterwards, until Ctrl-C.
        #[arg(long)]
        keep: bool,
    },
}

fn main() -> ExitCode {
    let Command::Demo { keep } = Arguments::parse().command;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(demo::run(keep)));
    match ended {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Interrupted) => ExitCode::from(130),
        Err(error) => {
            let _nobody_reads = writeln!(std::io::stderr(), "banto: {error:#}").is_err();
            ExitCode::FAILURE
        }
    }
}
