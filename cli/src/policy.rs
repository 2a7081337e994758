//! Policies as people hand them to a command: in a file, with problems told by its name and lines.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use banto_domain::policy::Policy;

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
