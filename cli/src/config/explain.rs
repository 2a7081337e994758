//! `banto config explain`: what a key of banto.toml means.

use anyhow::{Result, bail};
use clap::Args;

use super::keys::{self, Key};
use crate::ending::Ending;
use crate::output;
use crate::terminal::{Screen, Tone};

/// Columns of a key in the list of all; a longer one has a line of its own.
const COLUMN: usize = 34;
/// Columns of the words before what is said of a key.
const LABEL: u16 = 10;

/// A key to explain.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  banto config explain rotation.deadline_days
  banto config explain deadline_days          its last name will do
  banto config explain compliance.routes      a section, with all its keys
  banto config explain                        every key, in a line each")]
pub struct Options {
    /// A key, as in rotation.deadline_days; all of them, if left out.
    #[arg(value_name = "KEY")]
    key: Option<String>,
    /// JSON: a list of keys, each with path, meaning, type, default, required and notes.
    #[arg(long)]
    json: bool,
}

/// Explains.
///
/// # Errors
/// If no key is called so.
pub fn run(options: &Options) -> Result<Ending> {
    let found = match &options.key {
        None => keys::all().iter().collect(),
        Some(asked) => keys::found(asked),
    };
    if let (Some(asked), true) = (&options.key, found.is_empty()) {
        output::complain(&format!("banto: {}", unknown(asked)));
        return Ok(Ending::MISUSED);
    }
    let text = if options.json {
        json(&found)?
    } else {
        shown(options.key.as_deref(), &found, &Screen::of_output())
    };
    output::line(text.trim_end());
    Ok(Ending::Done)
}

/// The error for a key that there isn't.
pub(super) fn unknown(asked: &str) -> String {
    let near = keys::near(asked);
    let hint = if near.is_empty() {
        String::new()
    } else {
        format!(" Did you mean {}?", near.join(", or "))
    };
    format!("banto.toml has no key {asked}.{hint} `banto config explain` lists them all.")
}

/// The text about the keys that were asked for.
pub(super) fn shown(asked: Option<&str>, found: &[&Key], screen: &Screen) -> String {
    match (asked, found) {
        (Some(_), [key]) => one(key, screen),
        (Some(asked), several) => {
            let lines: Vec<String> = several.iter().map(|key| line(key, screen)).collect();
            format!(
                "{asked} is the end of {} keys:\n\n{}",
                several.len(),
                lines.join("\n")
            )
        }
        (None, all) => {
            // An override's baseline has the keys of everyone's.
            let again = ["config.", "roles.", "settings."]
                .map(|part| format!("onboarding.overrides[].{part}"));
            let keys = all
                .iter()
                .filter(|key| !again.iter().any(|again| key.path.starts_with(again)));
            let lines: Vec<String> = keys.map(|key| line(key, screen)).collect();
            format!(
                "{}\n\n`banto config explain KEY` says all of one; docs/policy.md of all.",
                lines.join("\n")
            )
        }
    }
}

/// A key in a line: its path, and the first sentence about it.
fn line(key: &Key, screen: &Screen) -> String {
    let sentence = key.meaning.split(['.', ';']).next().unwrap_or_default();
    let room = usize::from(screen.width).saturating_sub(COLUMN);
    let said = console::truncate_str(sentence, room, "…");
    let path = screen.paint(Tone::Strong, &key.path);
    if key.path.chars().count() < COLUMN {
        let path = console::pad_str(&path, COLUMN, console::Alignment::Left, None);
        return format!("{path}{said}").trim_end().to_owned();
    }
    format!("{path}\n{:COLUMN$}{said}", "")
        .trim_end()
        .to_owned()
}

/// All that is known of one key.
fn one(key: &Key, screen: &Screen) -> String {
    let mut text = format!("{}\n\n", screen.paint(Tone::Strong, &key.path));
    text += &screen.wrapped(&key.meaning, 0);
    text += "\n\n";
    let mut say = |label: &str, said: &str| text += &screen.labelled(LABEL, label, said);
    say("type", &key.kind);
    let without = if key.is_required {
        "it must be given"
    } else {
        "none; it may be left out"
    };
    say("default", key.default.as_deref().unwrap_or(without));
    for note in keys::notes(key) {
        let label = if note.refused { "refused" } else { "note" };
        say(label, &note.text);
    }
    say("page", "docs/policy.md");
    let beneath = |other: &&Key| {
        let rest = other.path.strip_prefix(&key.path);
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    if key.is_section {
        let lines = keys::all().iter().filter(beneath);
        let lines: Vec<String> = lines.map(|key| line(key, screen)).collect();
        text += &format!("\n{}\n", lines.join("\n"));
    }
    text
}

fn json(keys: &[&Key]) -> Result<String> {
    let keys = keys.iter().map(|key| {
        serde_json::json!({
            "path": key.path,
            "meaning": key.meaning,
            "type": key.kind,
            "default": key.default,
            "required": key.is_required,
            "notes": keys::notes(key),
        })
    });
    let keys: Vec<_> = keys.collect();
    if keys.is_empty() {
        bail!("the schema of banto.toml has no keys");
    }
    Ok(serde_json::to_string_pretty(&keys)?)
}
