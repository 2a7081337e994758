//! `banto notices preview`: how Banto's messages look, with a team's own titles and runbooks.
//!
//! The words are the functions' own; what is here only shows them. Nothing is sent.

mod examples;
pub mod page;
pub(crate) mod rich_text;
pub mod terminal;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use jiff::Timestamp;
use tokio::process;

use crate::ending::Ending;
use crate::{output, policy};
use page::Page;

/// What to do with notices.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  banto notices preview --policy banto.toml")]
pub enum Command {
    /// Shows the main kinds of message as Slack does, in a page that is written and opened. Nothing
    /// is sent.
    #[command(after_help = "\
Examples:
  banto notices preview                        by the example policy
  banto notices preview --policy banto.toml    with your own words
  banto notices preview --no-open --out notices.html")]
    Preview {
        /// The policy whose titles and runbooks are shown, instead of the example policy.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// Where the page is written, instead of a temporary file.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Writes the page and opens nothing.
        #[arg(long)]
        no_open: bool,
    },
}

/// The policy that is shown where none is given.
const EXAMPLE: &str = include_str!("../../../examples/banto.toml");

/// How long a program may take to hand the page to a browser; one that is still there then is the
/// browser.
const OPENING: Duration = Duration::from_secs(3);

/// Does it.
///
/// # Errors
/// If it can't be done.
pub async fn run(command: Command) -> Result<Ending> {
    let Command::Preview {
        policy,
        out,
        no_open,
    } = command;
    preview(policy.as_deref(), out, !no_open)
        .await
        .map(|()| Ending::Done)
}

/// Writes the page, and opens it if it is to be and can be.
///
/// # Errors
/// If the policy can't be read, with everything that is wrong with it; or the page can't be
/// written.
pub async fn preview(policy: Option<&Path>, out: Option<PathBuf>, open: bool) -> Result<()> {
    let path = write(policy, out)?;
    output::line(&path.display().to_string());
    if open && let Err(why) = opened(&path).await {
        drop(writeln!(std::io::stderr(), "It could not be opened: {why}"));
    }
    Ok(())
}

/// Writes the page; where it is.
fn write(policy: Option<&Path>, out: Option<PathBuf>) -> Result<PathBuf> {
    let page = page::html(&example_page(policy, Timestamp::now())?);
    let path = out.map_or_else(kept_file, Ok)?;
    fs::write(&path, page).with_context(|| format!("can't write {}", path.display()))?;
    Ok(path)
}

/// The page of all examples, by the policy in a file or the example policy.
fn example_page(policy: Option<&Path>, now: Timestamp) -> Result<Page> {
    let (name, text) = match policy {
        Some(path) => (
            path.display().to_string(),
            fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?,
        ),
        None => ("the example policy".to_owned(), EXAMPLE.to_owned()),
    };
    let policy = policy::parse(&name, &text)?;
    let lacking = [
        (policy.compliance.is_none(), "[compliance]"),
        (policy.onboarding.is_none(), "[onboarding]"),
    ];
    let lacking = lacking
        .into_iter()
        .filter(|(lacks, _)| *lacks)
        .map(|(_, section)| format!(" It has no {section}, so that those messages are left out."));
    let note = format!(
        "Examples in Banto's own words and those of {name}. Nothing was sent; names, accounts and times (UTC) are made up.{}",
        lacking.collect::<String>()
    );
    let members = BTreeMap::from([(examples::ALICE.to_owned(), "alice".to_owned())]);
    Ok(Page {
        note,
        channels: examples::channels(&policy, now)?,
        members,
    })
}

/// A page of one message alone: the critical one of the examples.
#[cfg(test)]
pub(crate) fn critical_alone(now: Timestamp) -> Result<String> {
    let mut page = example_page(None, now)?;
    page.channels.retain_mut(|channel| {
        let is_critical = |shown: &page::Shown| {
            let text = shown.post.body.get("text").and_then(|text| text.as_str());
            text.is_some_and(|text| text.starts_with("[critical]"))
        };
        channel.messages.retain(is_critical);
        channel.messages.truncate(1);
        !channel.messages.is_empty()
    });
    page.channels.truncate(1);
    page.note = String::new();
    Ok(page::html(&page))
}

/// A new file in the system's directory for temporary files.
fn kept_file() -> Result<PathBuf> {
    let file = tempfile::Builder::new()
        .prefix("banto-notices-")
        .suffix(".html")
        .tempfile();
    let (_, path) = file.context("can't write a temporary file")?.keep()?;
    Ok(path)
}

/// Opens a file with whatever the system opens such files with; else why it could not be.
pub(crate) async fn opened(path: &Path) -> Result<(), String> {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let mut command = process::Command::new(program);
    // A browser that it starts goes on when this program has ended.
    command
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("there is no {program} here; open it in a browser yourself"),
        _ => format!("{program}: {error}"),
    })?;
    match tokio::time::timeout(OPENING, child.wait()).await {
        Ok(Ok(status)) if !status.success() => Err(format!(
            "{program} found nothing to open it with ({status})"
        )),
        Ok(Err(error)) => Err(format!("{program}: {error}")),
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}
