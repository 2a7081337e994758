//! The state of a build as one line.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

/// Columns of the bar itself. With the counts, two long names of crates and the time, the line
/// stays below 80.
const BAR: usize = 20;

/// Columns for names, so that a line that is redrawn never wraps on a terminal of 80 columns.
const NAMES: usize = 40;

/// A line in a log at least this often, in seconds, so that a step which takes minutes is seen to
/// be alive.
const LOG_INTERVAL: u64 = 30;

/// Seconds between two lines in a log at least. All that was built before is counted within a
/// second or two.
const LOG_PAUSE: u64 = 5;

/// Percent of all packages between two lines in a log.
const LOG_STEP: usize = 10;

/// How far the build and the Python environment are.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// All packages that are built, as `name version`.
    listed: BTreeSet<String>,
    /// Whether all are listed, so that their number stays as it is.
    pub(crate) is_listed: bool,
    built: HashSet<String>,
    /// Packages that are being compiled, the one that began first in front.
    running: Vec<String>,
    /// Whether any was: Cargo looks through what is built before it compiles what is not.
    has_compiled: bool,
    /// Something other than compiling that Cargo does.
    cargo: Option<String>,
    /// The step of the Python environment, until that is complete.
    pub(crate) environment: Option<String>,
}

impl State {
    /// Takes a line of `cargo tree --prefix none`, such as `aws-types v1.7.0` or `serde_derive
    /// v1.0.229 (proc-macro)`.
    pub(crate) fn list(&mut self, line: &str) {
        let mut words = line.split(' ');
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            self.listed
                .insert(format!("{name} {}", version.trim_start_matches('v')));
        }
    }

    /// Takes a line that Cargo says on standard error. Those that are no status, such as a
    /// compiler's errors, are the caller's.
    pub(crate) fn hear(&mut self, line: &str) -> bool {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("Compiling"), Some(name)) => {
                self.cargo = None;
                self.has_compiled = true;
                self.running.push(name.to_owned());
            }
            (Some("Blocking"), _) => self.cargo = Some("waiting for another Cargo".to_owned()),
            (Some("Downloading" | "Downloaded" | "Updating" | "Locking"), _) => {
                self.cargo = Some("fetching crates".to_owned());
            }
            (Some("Finished"), _) => self.cargo = None,
            _ => return false,
        }
        true
    }

    /// Takes a message of Cargo's `--message-format=json`.
    pub(crate) fn read(&mut self, message: &str) {
        let Some(id) = between(
            message,
            "{\"reason\":\"compiler-artifact\",\"package_id\":\"",
            "\"",
        ) else {
            return;
        };
        let (name, version) = name_and_version(id);
        // A package's build script is compiled before the package, and under its name.
        if between(message, "\"kind\":[", "]") == Some("\"custom-build\"") {
            return;
        }
        self.running.retain(|running| running != name);
        self.built.insert(format!("{name} {version}"));
    }

    fn done(&self) -> usize {
        self.listed
            .iter()
            .filter(|package| self.built.contains(*package))
            .count()
    }

    /// In whole percent.
    fn percent(&self) -> usize {
        (self.done() * 100)
            .checked_div(self.listed.len())
            .unwrap_or(0)
    }

    /// The line after this time.
    pub(crate) fn line(&self, elapsed: Duration) -> String {
        if !self.is_listed {
            return format!("{} ({})", self.doing(), minutes(elapsed));
        }
        let (done, total, percent) = (self.done(), self.listed.len(), self.percent());
        let filled = percent * BAR / 100;
        let bar: String = "█".repeat(filled) + &"░".repeat(BAR - filled);
        format!(
            "{bar} {done}/{total} {} ({})",
            self.doing(),
            minutes(elapsed)
        )
    }

    /// The line for a log.
    pub(crate) fn log(&self, elapsed: Duration) -> String {
        let (done, total) = (self.done(), self.listed.len());
        let built = if self.is_listed {
            format!("{done} of {total} packages are built: ")
        } else {
            String::new()
        };
        format!("… {built}{} ({})", self.doing(), minutes(elapsed))
    }

    fn doing(&self) -> String {
        let names = if !self.is_listed {
            self.cargo
                .clone()
                .unwrap_or_else(|| "looking what there is to build".to_owned())
        } else if let Some(doing) = &self.cargo {
            doing.clone()
        } else if !self.running.is_empty() {
            self.running.join(", ")
        } else if self.done() < self.listed.len() {
            // A program of a package is compiled after its library, which Cargo says of the first
            // one only.
            if self.has_compiled {
                "the programs"
            } else {
                "looking what is built"
            }
            .to_owned()
        } else {
            match &self.environment {
                Some(step) => format!("Python: {step}"),
                None => "linking".to_owned(),
            }
        };
        if names.chars().count() <= NAMES {
            return names;
        }
        names.chars().take(NAMES - 1).chain(['…']).collect()
    }
}

/// Decides when a log gets its next line.
#[derive(Debug, Default)]
pub(crate) struct Log {
    step: usize,
    seconds: u64,
}

impl Log {
    pub(crate) fn is_due(&mut self, state: &State, elapsed: Duration) -> bool {
        let (step, seconds) = (state.percent() / LOG_STEP, elapsed.as_secs());
        let pause = if step > self.step {
            LOG_PAUSE
        } else {
            LOG_INTERVAL
        };
        let due = seconds >= self.seconds + pause;
        if due {
            *self = Self { step, seconds };
        }
        due
    }
}

/// The name and version in a package id, such as
/// `registry+https://example.com/index#serde@1.0.229`, `path+file:///banto/cli#banto@0.0.0` or, of
/// a folder with the package's name, `path+file:///banto/cli#0.0.0`.
fn name_and_version(id: &str) -> (&str, &str) {
    let (source, fragment) = id.rsplit_once('#').unwrap_or(("", id));
    fragment
        .split_once('@')
        .unwrap_or_else(|| (source.rsplit('/').next().unwrap_or(source), fragment))
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}

fn minutes(elapsed: Duration) -> String {
    format!("{}:{:02}", elapsed.as_secs() / 60, elapsed.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: [&str; 3] = [
        "banto v0.0.0 (/banto/cli)",
        "ring v0.17.14",
        "rotate-access-keys v0.0.0 (/banto/functions/rotate-access-keys)",
    ];

    fn artifact(id: &str, kind: &str) -> String {
        format!(
            "{{\"reason\":\"compiler-artifact\",\"package_id\":\"{id}\",\"manifest_path\":\"/m\",\"target\":{{\"kind\":[\"{kind}\"],\"crate_types\":[\"lib\"]}}}}"
        )
    }

    fn listed() -> State {
        let mut state = State::default();
        LISTED.iter().for_each(|line| state.list(line));
        // `cargo tree` names a package again wherever it is needed.
        state.list("ring v0.17.14 (*)");
        state.is_listed = true;
        state
    }

    const AT: Duration = Duration::from_secs(83);

    #[test]
    fn a_build_goes_from_nothing_to_all_and_never_back() {
        let mut state = listed();
        assert_eq!(
            state.line(AT),
            "░░░░░░░░░░░░░░░░░░░░ 0/3 looking what is built (1:23)"
        );
        assert!(state.hear("   Compiling ring v0.17.14"));
        state.read(&artifact(
            "registry+https://example.com/index#ring@0.17.14",
            "custom-build",
        ));
        assert_eq!(state.line(AT), "░░░░░░░░░░░░░░░░░░░░ 0/3 ring (1:23)");
        state.read(&artifact(
            "registry+https://example.com/index#ring@0.17.14",
            "lib",
        ));
        state.read(&artifact(
            "registry+https://example.com/index#ring@0.17.14",
            "lib",
        ));
        assert!(
            state.hear(
                "   Compiling rotate-access-keys v0.0.0 (/banto/functions/rotate-access-keys)"
            )
        );
        assert_eq!(
            state.line(AT),
            "██████░░░░░░░░░░░░░░ 1/3 rotate-access-keys (1:23)"
        );
        state.read(&artifact(
            "path+file:///banto/functions/rotate-access-keys#0.0.0",
            "lib",
        ));
        assert_eq!(
            state.line(AT),
            "█████████████░░░░░░░ 2/3 the programs (1:23)"
        );
        state.read(&artifact("path+file:///banto/cli#banto@0.0.0", "lib"));
        assert_eq!(state.line(AT), "████████████████████ 3/3 linking (1:23)");
        state.environment = Some("fetching flask".to_owned());
        assert_eq!(
            state.line(AT),
            "████████████████████ 3/3 Python: fetching flask (1:23)"
        );
    }

    #[test]
    fn no_number_is_shown_before_it_is_final() {
        let mut state = State::default();
        state.list("ring v0.17.14");
        assert_eq!(state.line(AT), "looking what there is to build (1:23)");
        assert!(state.hear("  Downloaded ring v0.17.14"));
        assert_eq!(state.log(AT), "… fetching crates (1:23)");
    }

    #[test]
    fn a_line_fits_eighty_columns() {
        let mut state = listed();
        (0..300).for_each(|number| state.list(&format!("crate-{number} v1.0.0")));
        for _ in 0..8 {
            state.hear("   Compiling aws-sdk-cloudformation v1.136.0");
        }
        assert!(state.line(Duration::from_secs(5999)).chars().count() < 80);
    }

    #[test]
    fn what_is_no_status_is_left_to_the_caller() {
        let mut state = listed();
        for line in [
            "error[E0425]: cannot find value `x` in this scope",
            " --> src/lib.rs:1:1",
            "",
            "warning: unused",
        ] {
            assert!(!state.hear(line), "{line}");
        }
        assert!(state.hear("    Blocking waiting for file lock on build directory"));
        assert_eq!(
            state.line(AT),
            "░░░░░░░░░░░░░░░░░░░░ 0/3 waiting for another Cargo (1:23)"
        );
        state.hear("   Compiling ring v0.17.14");
        assert_eq!(state.line(AT), "░░░░░░░░░░░░░░░░░░░░ 0/3 ring (1:23)");
    }

    #[test]
    fn a_log_gets_a_line_each_tenth_and_each_half_minute() {
        let (mut state, mut log) = (listed(), Log::default());
        let at = Duration::from_secs;
        assert!(!log.is_due(&state, at(29)));
        assert!(log.is_due(&state, at(30)));
        assert!(!log.is_due(&state, at(31)));
        state.read(&artifact(
            "registry+https://example.com/index#ring@0.17.14",
            "lib",
        ));
        assert!(!log.is_due(&state, at(34)));
        assert!(log.is_due(&state, at(35)));
        assert!(!log.is_due(&state, at(40)));
        assert_eq!(
            state.log(at(40)),
            "… 1 of 3 packages are built: looking what is built (0:40)"
        );
    }
}
