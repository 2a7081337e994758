//! `banto demo`: the real functions rotate real keys, bring an Organization's accounts to their
//! baseline, tell people about noncompliance, and report on the month, on a local AWS.
//!
//! The story has four acts: `rotation`, which ends with a `theft`, `accounts`, `compliance` and
//! `report`. The first three take 16 simulated days, and the last one plays after the month's end.
//! `environment` is what they run on, `people` who takes part, and `show` prints.

mod accounts;
mod compliance;
mod environment;
mod people;
mod report;
mod rotation;
mod show;
mod theft;

use anyhow::{Context as _, Result};

use environment::Environment;
use show::Show;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It did what it was to do.
    Done,
    /// It did, and has an exit code of its own to say what it found.
    Code(u8),
    /// Ctrl-C.
    Interrupted,
}

/// Plays the demo. Whatever it started ends with it: after the story, after `--keep`'s Ctrl-C, or
/// in the middle.
pub async fn run(keep: bool) -> Result<Ending> {
    let show = Show::new();
    tokio::select! {
        played = play(&show, keep) => played.map(|()| Ending::Done),
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.context("can't listen for Ctrl-C")?;
            show.clear();
            show.line("Ended. Everything that the demo started is gone.");
            Ok(Ending::Interrupted)
        }
    }
}

async fn play(show: &Show, keep: bool) -> Result<()> {
    let mut env = Environment::start(&|what| show.progress(what)).await?;
    rotation::play(&mut env, show).await?;
    let (organization, payments) = accounts::play(&mut env, show).await?;
    compliance::play(&mut env, show, &organization, &payments).await?;
    report::play(&mut env, show, &organization).await?;
    show.shortcomings();
    if keep {
        show.kept(env.moto.endpoint(), &env.credentials.access_key_id);
        std::future::pending::<()>().await;
    }
    Ok(())
}
