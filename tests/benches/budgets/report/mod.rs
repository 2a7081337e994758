//! Costs of report-compliance: its engine beside DuckDB and DataFusion on the same archives, and
//! the function's memory at the size of a large Organization.
//!
//! Whatever is measured runs in a process of its own, which says itself what it took. Ours is this
//! program again, started with [`OWN`] in front. Archives are made in the system's directory of
//! temporary files, and deleted again: ten times the smallest needs 400 MB there, a hundred times
//! 4 GB.

use std::path::Path;
use std::time::Duration;

mod folder;
mod month;
mod peers;
mod process;
mod reading;

/// The first argument of a process that is measured.
const OWN: &str = "report-compliance";

/// Does what a measured process is to do, and returns true if this is one.
pub fn is_measured(arguments: &[String]) -> bool {
    let [own, what, parameters @ ..] = arguments else {
        return false;
    };
    if own != OWN {
        return false;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    match (what.as_str(), parameters) {
        ("read", [archive]) => runtime.block_on(reading::read(Path::new(archive))),
        ("month", [directory, month, accounts, wait]) => {
            let (accounts, wait) = (accounts.parse().unwrap(), wait.parse().unwrap());
            let (directory, wait) = (Path::new(directory), Duration::from_millis(wait));
            let month = month.parse().unwrap();
            runtime.block_on(month::make(directory, month, accounts, wait));
        }
        _ => panic!("{arguments:?}"),
    }
    process::say_what_it_took();
    true
}

/// The engines side by side.
pub fn reading() {
    reading::small();
}

/// Our engine where the others take too long.
pub fn large() {
    reading::large();
}

/// The memory of the whole function.
pub fn month() {
    month::memory();
}

/// What the function waits for.
pub fn rounds() {
    month::rounds();
}
