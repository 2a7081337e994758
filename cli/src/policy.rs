//! Policies as people hand them to a command: in a file, with problems told by its name and lines.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use banto_domain::policy::Policy;
use clap::Args;

use crate::ending::{misused, not_seen};

/// Reads a file's policy.
///
/// # Errors
/// If the file can't be read, with everything that is wrong with it.
pub(crate) fn read(path: &Path) -> Result<Policy> {
    let text = fs::read_to_string(path);
    let text = text.with_context(|| format!("can't read {}", path.display()))?;
    parse(&path.display().to_string(), &text)
}

/// Reads a policy from a text of this name.
///
/// # Errors
/// If it can't be used, with everything that is wrong with it.
pub(crate) fn parse(name: &str, text: &str) -> Result<Policy> {
    Policy::parse(text).map_err(|problems| {
        let line = |(line, problem)| format!("{name}:{line}: {problem}");
        let lines: Vec<String> = problems.iter().map(line).collect();
        anyhow!("the policy can't be used:\n{}", lines.join("\n"))
    })
}

/// The policy's option, and the places where it is looked for without one.
#[derive(Debug, Clone, Default, Args)]
pub struct PolicyFile {
    /// The policy. Left out: BANTO_POLICY, banto.toml here, or the copy that `banto login` keeps.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
}

impl PolicyFile {
    /// Reads the policy.
    ///
    /// # Errors
    /// If there is none, it can't be read, or it can't be used, with everything that is wrong with
    /// it.
    pub fn read(&self) -> Result<Policy> {
        read(&self.path()?).map_err(not_seen)
    }

    /// The policy's file.
    ///
    /// # Errors
    /// If there is none.
    pub fn path(&self) -> Result<PathBuf> {
        let named = self.policy.clone();
        if let Some(path) = named.or_else(|| var_os("BANTO_POLICY").map(PathBuf::from)) {
            return Ok(path);
        }
        let here = PathBuf::from(FILE);
        let places = std::iter::once(here).chain(kept());
        let found = places.clone().find(|path| path.is_file());
        found.ok_or_else(|| {
            let places: Vec<String> = places.map(|path| path.display().to_string()).collect();
            misused(anyhow!(
                "there is no policy in {}: give --policy FILE; whoever operates Banto has the file",
                places.join(" or ")
            ))
        })
    }
}

/// The policy's usual name.
const FILE: &str = "banto.toml";

/// Where `banto login` keeps a copy of the policy. (XDG Base Directory Specification.)
pub(crate) fn kept() -> Option<PathBuf> {
    let set = var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let folder = set.filter(|folder| folder.is_absolute());
    let folder = folder.or_else(|| Some(PathBuf::from(var_os("HOME")?).join(".config")))?;
    Some(folder.join("banto").join(FILE))
}

fn var_os(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
