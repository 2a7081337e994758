//! The command as a person drives it, on a terminal.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// What a terminal showed, and how the program ended.
struct Ended {
    shown: String,
    code: Option<i32>,
}

/// `banto` on a terminal of this many columns, with a home of its own. A step is what is waited for
/// and what is typed then.
fn terminal(
    home: &Path,
    columns: u16,
    arguments: &[&str],
    steps: &[(&str, &str)],
    no_color: &str,
) -> Ended {
    let output = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/terminal.py"))
        .arg(columns.to_string())
        .arg(serde_json::to_string(steps).unwrap())
        .arg(env!("CARGO_BIN_EXE_banto"))
        .args(arguments)
        .current_dir(home)
        .env("HOME", home)
        .env("TERM", "xterm-256color")
        .env("NO_COLOR", no_color)
        .env_remove("BANTO_POLICY")
        .env_remove("XDG_CONFIG_HOME")
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    Ended {
        shown,
        code: output.status.code(),
    }
}

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_first_policy_is_made_of_answers_and_a_wrong_answer_is_asked_again() {
    let home = home();
    let steps = [
        ("Account", "1234\r"),
        // Ctrl-U takes back what was typed.
        ("is not", "\u{15}111122223333\r"),
        ("Region", "eu-central-1\r"),
    ];
    let ended = terminal(home.path(), 80, &["config", "init"], &steps, "");
    assert_eq!(ended.code, Some(0), "{}", ended.shown);
    let policy = fs::read_to_string(home.path().join("banto.toml")).unwrap();
    assert!(policy.contains("111122223333") && policy.contains("eu-central-1"));
}

#[test]
fn ctrl_c_at_a_question_ends_with_130_and_nothing_is_written() {
    let home = home();
    let steps = [("Account", "\u{3}")];
    let ended = terminal(home.path(), 80, &["config", "init"], &steps, "");
    assert_eq!(ended.code, Some(130), "{}", ended.shown);
    assert!(!home.path().join("banto.toml").exists());
}

#[test]
fn a_screen_keeps_to_the_terminals_width() {
    let home = home();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/banto.toml");
    for columns in [80, 140] {
        let ended = terminal(
            home.path(),
            columns,
            &["config", "check", example],
            &[],
            "1",
        );
        let lengths = ended
            .shown
            .lines()
            .map(|line| line.trim_end().chars().count());
        let longest = lengths.max().unwrap();
        assert!(
            longest <= usize::from(columns),
            "{longest}: {}",
            ended.shown
        );
        assert!(
            longest > usize::from(columns) - 30,
            "{longest}: {}",
            ended.shown
        );
    }
}

#[test]
fn no_color_takes_the_colours_away() {
    let home = home();
    let wrong = ["demo", "--scenario", "nobody"];
    let coloured = terminal(home.path(), 80, &wrong, &[], "");
    assert!(coloured.shown.contains("\u{1b}["), "{}", coloured.shown);
    assert_eq!(coloured.code, Some(2));
    let plain = terminal(home.path(), 80, &wrong, &[], "1");
    assert!(!plain.shown.contains("\u{1b}["), "{}", plain.shown);
}
