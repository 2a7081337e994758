//! The command on a terminal of its own.

use std::path::Path;
use std::process::Command;

/// A step of whoever sits there: what is waited for, and what is typed then.
pub(crate) type Step<'a> = (&'a str, &'a str);

/// What the terminal showed, and how the command ended. (`terminal.py` says what 98 and 99 mean.)
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) shown: String,
    pub(crate) code: Option<i32>,
}

/// Runs `banto` on a terminal of this many columns, with a home and variables of its own.
pub(crate) fn terminal(
    home: &Path,
    columns: u16,
    arguments: &[&str],
    steps: &[Step<'_>],
    variables: &[(&str, &str)],
) -> Ended {
    let output = Command::new("python3")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/pty/terminal.py"
        ))
        .arg(columns.to_string())
        .arg(serde_json::to_string(steps).unwrap())
        // By `env`: a python3 that chooses among several puts its own folder first in PATH.
        .arg("env")
        .args(
            variables
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        )
        .arg(env!("CARGO_BIN_EXE_banto"))
        .args(arguments)
        .current_dir(home)
        .env("HOME", home)
        .env("TERM", "xterm-256color")
        .env_remove("BANTO_POLICY")
        .env_remove("NO_COLOR")
        .env_remove("XDG_CONFIG_HOME")
        .output()
        .unwrap();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert_eq!(complained, "", "{arguments:?}");
    Ended {
        shown: String::from_utf8_lossy(&output.stdout).into_owned(),
        code: output.status.code(),
    }
}

/// The characters of the longest line.
pub(crate) fn longest(text: &str) -> usize {
    let lengths = text.lines().map(|line| line.trim_end().chars().count());
    lengths.max().unwrap()
}
