//! `banto keys status`: where one's own key stands, and what happens next.

mod look;
mod next;
mod show;

use anyhow::Result;
use clap::Args;

use super::me::{Common, Me};
use crate::ending::{Ending, not_seen};
use crate::output;
use crate::terminal::Screen;

/// Options.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// Prints one JSON document.
    #[arg(long)]
    pub json: bool,
    /// The policy, credentials and region.
    #[command(flatten)]
    pub common: Common,
}

const EXAMPLES: &str = "\
Examples:
  banto keys status
  banto keys status --profile work --json

Exit code 1: there is something for you to do.";

/// Does it.
///
/// # Errors
/// If AWS can't be asked.
pub async fn run(options: &Options) -> Result<Ending> {
    let me = Me::find(&options.common).await?;
    let now = super::now()?;
    let looked = look::at(&me, now).await.map_err(not_seen)?;
    let standing = show::Standing::of(&looked, &me.policy.rotation, now);
    if options.json {
        output::line(&format!("{:#}", standing.to_json()));
    } else {
        let text = standing.text(&Screen::of_output());
        output::line(&text);
        super::tell_profile(&text, &options.common.place);
    }
    Ok(if standing.has_something_to_do() {
        Ending::FINDINGS
    } else {
        Ending::Done
    })
}

/// The screen of somebody, for tests of what else says the same.
#[cfg(test)]
pub(super) async fn screen(me: &Me, now: jiff::Timestamp) -> String {
    let looked = look::at(me, now).await.unwrap();
    show::Standing::of(&looked, &me.policy.rotation, now).text(&Screen::plain(1000))
}
