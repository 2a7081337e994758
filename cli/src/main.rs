//! The `banto` command.

use std::io::Write as _;
use std::process::ExitCode;

use banto::commands::{self, Arguments};
use banto::ending::Ending;
use clap::Parser as _;

fn main() -> ExitCode {
    // First: who asks for help waits for nothing else.
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(commands::run(arguments)));
    match ended.or_else(Ending::of_error) {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Code(code)) => ExitCode::from(code),
        Ok(Ending::Interrupted) => ExitCode::from(130),
        Err(error) => {
            let _nobody_reads = writeln!(std::io::stderr(), "banto: {error:#}").is_err();
            ExitCode::from(Ending::code_of(&error))
        }
    }
}
