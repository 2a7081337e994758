//! DuckDB and DataFusion, in a Python environment that is made once.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::{self, Took};

/// Their packages.
const REQUIREMENTS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/benches/budgets/report/requirements.txt"
);

/// What they do.
const PROGRAM: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/benches/budgets/report/peers.py"
);

/// Both.
#[derive(Debug)]
pub struct Peers {
    python: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    DuckDb,
    DataFusion,
}

impl Peers {
    /// Makes their environment, if it is not there; `None` where it can't be made.
    pub fn prepare() -> Option<Self> {
        let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("venv-of-peers");
        let python = venv.join("bin").join("python");
        let succeeds =
            |command: &mut Command| command.status().is_ok_and(|status| status.success());
        let is_made =
            python.exists() || succeeds(Command::new("python3").args(["-m", "venv"]).arg(&venv));
        let options = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ];
        let is_ready = is_made
            && succeeds(
                Command::new(&python)
                    .args(options)
                    .args(["--requirement", REQUIREMENTS]),
            );
        is_ready.then_some(Self { python })
    }

    /// Has one of them read an archive.
    pub fn read(&self, peer: Peer, archive: &Path) -> Took {
        let name = match peer {
            Peer::DuckDb => "duckdb",
            Peer::DataFusion => "datafusion",
        };
        process::run(&self.python, &[PROGRAM, name, archive.to_str().unwrap()])
    }
}
