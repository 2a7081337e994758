//! What the demo and the tests need before they start: the binaries, built by Cargo, and the Python
//! environment of the local AWS.
//!
//! Deliberately absent: dependencies. `cargo demo` is built from this crate alone, so that it can
//! show how far everything else is.

mod cargo;
mod venv;

use std::fmt;
use std::process::Child;

pub use cargo::cargo;
pub use venv::{Packages, Venv};

/// The parts of the demo that can be played alone: a wrong name is told before minutes of building.
pub const SCENARIOS: [&str; 5] = ["onboarding", "rotation", "thief", "compliance", "report"];

/// Is told what is being done, in a few words, as it goes on. An error ends the work.
pub type Progress<'a> = dyn Fn(&str) -> Result<()> + 'a;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What was wrong, in one sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    /// An error with these words.
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// Says what failed before the reason for it.
fn failed<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Error {
    move |reason| Error(format!("{what}: {reason}"))
}

/// A process that does not outlive whoever waits for it.
#[derive(Debug)]
pub struct Ended(pub Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // One that has ended already can't be ended, which is as well.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// How many lines of a program's are shown when it fails.
const SHOWN_LINES: usize = 15;

/// The end of what a program said.
pub fn last_lines(said: &str) -> String {
    let lines: Vec<&str> = said.trim_end().lines().collect();
    lines
        .get(lines.len().saturating_sub(SHOWN_LINES)..)
        .unwrap_or_default()
        .join("\n")
}

/// The advice for a program that is missing.
pub fn how_to_install(apt: &str, dnf: &str, brew: &str) -> String {
    format!(
        "install it, as with `sudo apt install {apt}`, `sudo dnf install {dnf}` or `brew install {brew}`"
    )
}
