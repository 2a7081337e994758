//! `banto config export`: the values of Terraform's variable `banto`, as a file that Terraform reads
//! by itself.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use banto_domain::policy::Policy;
use clap::Args;

use super::places::{NewRegions, misplaced};
use super::values::Values;
use crate::{files, output, policy};

/// The file's name, by which Terraform takes it in each root without being told. (Terraform
/// documentation, "Assign values to root module variables": any name that ends with
/// `.auto.tfvars.json`.)
pub const FILE: &str = "banto.auto.tfvars.json";

/// An export that is asked for.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  banto config export management log-archive identity pipeline
  banto config export --check management log-archive identity pipeline
  banto config export --stdout | jq .banto.organization

docs/infra.md has the values.")]
pub struct Options {
    /// The policy.
    #[arg(long, value_name = "FILE", default_value = "banto.toml")]
    pub policy: PathBuf,
    /// Writes nothing, and fails if a file is missing or says something else than the policy.
    #[arg(long)]
    pub check: bool,
    /// Prints the values, and writes no file.
    #[arg(long, conflicts_with_all = ["check", "folders"])]
    pub stdout: bool,
    /// The folders of Terraform's roots.
    #[arg(value_name = "DIR", default_value = ".")]
    pub folders: Vec<PathBuf>,
    /// Regions that are newer than this release.
    #[command(flatten)]
    pub new: NewRegions,
}

/// Writes the values into each folder, or says which folders have others.
///
/// # Errors
/// If the policy can't be read, with everything that is wrong with it; if a file can't be written;
/// or, of a check, if a file is missing or differs.
pub fn run(options: &Options) -> Result<()> {
    let text = text(&policy::read(&options.policy)?, &options.new)?;
    if options.stdout {
        output::line(text.trim_end());
        return Ok(());
    }
    let missing: Vec<String> = options
        .folders
        .iter()
        .filter(|folder| !folder.is_dir())
        .map(|folder| folder.display().to_string())
        .collect();
    if !missing.is_empty() {
        bail!(
            "there is no folder {}; nothing was written",
            missing.join(", ")
        );
    }
    let paths = options.folders.iter().map(|folder| folder.join(FILE));
    if options.check {
        return check(paths, &text);
    }
    for path in paths {
        let was = state(&path, &text)?;
        if was != State::Same {
            files::write(&path, text.as_bytes())
                .with_context(|| format!("can't write {}", path.display()))?;
        }
        let done = match was {
            State::Same => "as it was",
            State::Differs | State::Missing => "written",
        };
        output::line(&format!("{}: {done}", path.display()));
    }
    Ok(())
}

/// Returns the file's text for a policy.
///
/// # Errors
/// If the policy has a queue that is not of AWS, or names that lie where they can't.
pub fn text(policy: &Policy, new: &NewRegions) -> Result<String> {
    let misplaced = misplaced(policy, new);
    if !misplaced.is_empty() {
        let lines = misplaced.iter();
        let lines: Vec<String> = lines
            .map(|place| format!("`{}` {}", place.key, place.problem))
            .collect();
        bail!("the policy can't be exported:\n{}", lines.join("\n"));
    }
    #[derive(serde::Serialize)]
    struct Variables<'a> {
        banto: Values<'a>,
    }
    let banto = Values::of(policy)?;
    let text = serde_json::to_string_pretty(&Variables { banto })?;
    Ok(text + "\n")
}

/// The state of a file beside what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Same,
    Differs,
    Missing,
}

fn state(path: &Path, text: &str) -> Result<State> {
    match fs::read(path) {
        Ok(found) if found == text.as_bytes() => Ok(State::Same),
        Ok(_) => Ok(State::Differs),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(State::Missing),
        Err(error) => Err(error).with_context(|| format!("can't read {}", path.display())),
    }
}

fn check(paths: impl Iterator<Item = PathBuf>, text: &str) -> Result<()> {
    let mut stale = Vec::new();
    for path in paths {
        let why = match state(&path, text)? {
            State::Same => {
                output::line(&format!("{}: as the policy says", path.display()));
                continue;
            }
            State::Differs => "says something else than the policy",
            State::Missing => "is missing",
        };
        stale.push(format!("{} {why}", path.display()));
    }
    if !stale.is_empty() {
        let stale = stale.join("\n");
        bail!("{stale}\n`banto config export` without --check writes it");
    }
    Ok(())
}
