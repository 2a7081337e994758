//! The Python environments that a local AWS runs in, for those who must not block.

use std::path::PathBuf;

use anyhow::Result;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::Progress;

use banto_setup::Packages;
pub(super) use banto_setup::last_lines;

/// A virtual environment that is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Venv(banto_setup::Venv);

impl Venv {
    /// The environment for the local AWS, made first if this machine has none yet. Whoever stops
    /// waiting ends the making at its next step.
    pub async fn ensure(progress: &Progress<'_>) -> Result<Self> {
        Self::of(Packages::LocalAws, progress).await
    }

    /// The environment for the local AWS that enforces IAM, likewise.
    pub async fn ensure_enforcing(progress: &Progress<'_>) -> Result<Self> {
        Self::of(Packages::EnforcingAws, progress).await
    }

    async fn of(packages: Packages, progress: &Progress<'_>) -> Result<Self> {
        let (step, mut steps) = mpsc::unbounded_channel();
        let making = spawn_blocking(move || {
            let nobody_waits =
                |_| banto_setup::Error::new("nobody waits for the virtual environment any more");
            banto_setup::Venv::ensure(packages, &|what| {
                step.send(what.to_owned()).map_err(nobody_waits)
            })
        });
        while let Some(what) = steps.recv().await {
            progress(&what);
        }
        Ok(Self(making.await??))
    }

    /// The environment's Python.
    pub fn python(&self) -> PathBuf {
        self.0.python()
    }
}
