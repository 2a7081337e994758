//! Where the policy is read from.

use std::path::PathBuf;

use anyhow::Context;
use banto_domain::policy::Policy;

/// Reads the policy: the file that `BANTO_POLICY` names, else `banto.toml` beside the function's
/// code.
///
/// # Errors
/// Names the file, and every problem in it with its line.
pub fn policy() -> anyhow::Result<Policy> {
    let path = std::env::var_os("BANTO_POLICY").map_or_else(beside_the_code, PathBuf::from);
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!(
            "the policy {} can't be read; BANTO_POLICY may name another file",
            path.display()
        )
    })?;
    Policy::parse(&text).with_context(|| format!("the policy {} is refused", path.display()))
}

/// Lambda unpacks a function's zip to `LAMBDA_TASK_ROOT`.
fn beside_the_code() -> PathBuf {
    std::env::var_os("LAMBDA_TASK_ROOT")
        .map(PathBuf::from)
        .unwrap_or_default()
        .join("banto.toml")
}
