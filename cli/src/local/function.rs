//! The functions' real binaries.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use super::Progress;

/// The binary of a function, as in `rotate-access-keys`, or of `banto`: the one beside this program, else built
/// from the workspace that this program was built from.
///
/// Under `cargo run` or `cargo test` it is always built, so that it is never older than its
/// sources; if it is up to date, that takes no time.
pub async fn function_binary(name: &str, progress: &Progress<'_>) -> Result<PathBuf> {
    let program = env::current_exe().context("can't find out where this program is")?;
    let directory = binary_directory(&program).context("this program is in no directory")?;
    let binary = directory.join(name);
    if binary.is_file() && env::var_os("CARGO").is_none() {
        return Ok(binary);
    }
    let workspace = workspace(name, &program).with_context(|| {
        format!(
            "there is no `{name}` beside {}, and no workspace to build it from",
            program.display()
        )
    })?;
    progress(&format!("building {name}"));
    build(name, &workspace, directory).await?;
    ensure!(
        binary.is_file(),
        "Cargo built {name}, but not to {}",
        binary.display()
    );
    Ok(binary)
}

/// The directory into which Cargo puts binaries. Those of tests are one directory further down.
fn binary_directory(program: &Path) -> Option<&Path> {
    let directory = program.parent()?;
    if directory.ends_with("deps") {
        directory.parent()
    } else {
        Some(directory)
    }
}

/// The workspace that has this function, or this command: around the package that Cargo runs, the program, or the
/// current directory.
fn workspace(name: &str, program: &Path) -> Option<PathBuf> {
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let starts = [package, Some(program.to_owned()), env::current_dir().ok()];
    let folder = match name {
        "banto" => PathBuf::from("cli"),
        function => Path::new("functions").join(function),
    };
    let manifest = folder.join("Cargo.toml");
    starts.iter().flatten().find_map(|start| {
        start
            .ancestors()
            .find(|directory| directory.join(&manifest).is_file())
            .map(Path::to_owned)
    })
}

/// Builds the function in the same profile and target directory as this program.
async fn build(name: &str, workspace: &Path, directory: &Path) -> Result<()> {
    let profile = match directory.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    // Of the workspace, not of the package alone: Cargo then chooses the features of shared
    // dependencies as it does for all functions and tests, and builds AWS's large crates once.
    let status = Command::from(banto_setup::cargo())
        .args([
            "build",
            "--quiet",
            "--workspace",
            "--bin",
            name,
            "--profile",
            profile,
        ])
        .current_dir(workspace)
        .env("CARGO_TARGET_DIR", directory.parent().unwrap_or(directory))
        .kill_on_drop(true)
        .status()
        .await
        .context("can't run Cargo")?;
    ensure!(status.success(), "Cargo could not build {name}: {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binaries_lie_beside_programs_and_above_tests() {
        let directory = |program| binary_directory(Path::new(program)).map(Path::to_owned);
        assert_eq!(
            directory("/target/release/banto"),
            Some("/target/release".into())
        );
        assert_eq!(
            directory("/target/debug/deps/tests-0123"),
            Some("/target/debug".into())
        );
    }

    #[test]
    fn the_workspace_of_a_function_is_found_from_below_it() {
        let found = workspace("rotate-access-keys", Path::new("/nowhere/banto")).unwrap();
        assert!(found.join("Cargo.lock").is_file());
        assert_eq!(
            workspace("no-such-function", Path::new("/nowhere/banto")),
            None
        );
    }
}
