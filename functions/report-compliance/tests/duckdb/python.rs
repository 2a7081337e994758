//! The Python environment with the translator and DuckDB, made once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use banto_domain::compliance::short_hash;

/// The packages, each with its version and hashes.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// Returns the Python of the environment, which is made if it is not there; `None`, and says why,
/// if it can't be and need not be.
pub(crate) fn with_duckdb() -> Option<PathBuf> {
    match ensure() {
        Ok(python) => Some(python),
        Err(why) if std::env::var_os("BANTO_INTEROP").is_some() => panic!("{why}"),
        Err(why) => {
            eprintln!("skipped: Athena's SQL needs Python 3.11, sqlglot and DuckDB: {why}");
            None
        }
    }
}

fn ensure() -> Result<PathBuf, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let venv = target.join(format!("duckdb-venv-{}", short_hash(&[REQUIREMENTS])));
    let python = venv.join("bin").join("python");
    // Tests run side by side.
    let lock = File::create(target.join("duckdb-venv.lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    if venv.exists() {
        return Ok(python);
    }
    let partial = target.join("duckdb-venv.partial");
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(|error| error.to_string())?;
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&partial))?;
    let requirements = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/duckdb/requirements.txt");
    run(Command::new(partial.join("bin").join("python"))
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args([
            "--require-hashes",
            "--only-binary",
            ":all:",
            "-r",
            requirements,
        ]))?;
    fs::rename(&partial, &venv).map_err(|error| error.to_string())?;
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    let ran = command.output();
    let Output { status, stderr, .. } = ran.map_err(|error| error.to_string())?;
    if status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&stderr);
    Err(words.lines().last().unwrap_or("it ended early").to_owned())
}
