//! The command as a person drives it, on a terminal.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod pty;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use pty::{Ended, longest, terminal};
use tempfile::TempDir;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/banto.toml");

/// An AWS CLI that has nobody's session, and asks for a code to sign in. No code is the right one.
const AWS_CLI: &str = "#!/bin/sh
case $1 in
--version) echo aws-cli/2.32.0 ;;
login) printf 'Code: ' && read -r code && echo \"$code is wrong\" && exit 1 ;;
*) echo nobody is signed in >&2 && exit 255 ;;
esac
";

/// The command where nobody can be asked, with a home of its own.
fn piped(home: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_banto"))
        .args(arguments)
        .current_dir(home)
        .env("HOME", home)
        .env_remove("BANTO_POLICY")
        .env_remove("XDG_CONFIG_HOME")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
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
    let ended = terminal(home.path(), 80, &["config", "init"], &steps, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.shown);
    let policy = fs::read_to_string(home.path().join("banto.toml")).unwrap();
    assert!(policy.contains("111122223333") && policy.contains("eu-central-1"));
}

#[test]
fn ctrl_c_at_a_question_ends_with_130_and_nothing_is_written() {
    let home = home();
    let steps = [("Account", "\u{3}")];
    let ended = terminal(home.path(), 80, &["config", "init"], &steps, &[]);
    assert_eq!(ended.code, Some(130), "{}", ended.shown);
    assert!(!home.path().join("banto.toml").exists());
}

#[test]
fn a_screen_keeps_to_the_terminals_width() {
    let home = home();
    let check = ["config", "check", EXAMPLE];
    for columns in [80, 140] {
        let ended = terminal(home.path(), columns, &check, &[], &[("NO_COLOR", "1")]);
        let longest = longest(&ended.shown);
        let columns = usize::from(columns);
        assert!(longest <= columns, "{longest}: {}", ended.shown);
        assert!(longest > columns - 30, "{longest}: {}", ended.shown);
    }
}

/// Help is written for eighty columns: a wider terminal makes its lines no longer.
#[test]
fn help_keeps_to_the_terminal_and_to_eighty_columns() {
    let home = home();
    let plain = [("NO_COLOR", "1")];
    for arguments in [&["--help"][..], &["keys", "fetch", "--help"]] {
        let help = |columns| terminal(home.path(), columns, arguments, &[], &plain).shown;
        assert!(longest(&help(80)) <= 80, "{}", help(80));
        assert_eq!(help(140), help(80));
    }
    let narrow = terminal(home.path(), 60, &["login", "--help"], &[], &plain).shown;
    let narrow = narrow.split("Examples:").next().unwrap();
    assert!(longest(narrow) <= 60, "{narrow}");
}

#[test]
fn no_color_takes_the_colours_away() {
    let home = home();
    let wrong = ["demo", "--scenario", "nobody"];
    let coloured = terminal(home.path(), 80, &wrong, &[], &[]);
    assert!(coloured.shown.contains("\u{1b}["), "{}", coloured.shown);
    assert_eq!(coloured.code, Some(2));
    let plain = terminal(home.path(), 80, &wrong, &[], &[("NO_COLOR", "1")]);
    assert!(!plain.shown.contains("\u{1b}["), "{}", plain.shown);
}

/// A change of the policy that is shown, and waits for a yes.
const WAIVE: [&str; 11] = [
    "compliance",
    "waive",
    "s3-bucket-public-read-prohibited",
    "--until",
    "2999-03-31",
    "--reason",
    "a website",
    "--owner",
    "payments",
    "--policy",
    "banto.toml",
];

#[test]
fn a_change_is_made_after_a_yes_and_not_after_a_no() {
    let home = home();
    let file = home.path().join("banto.toml");
    fs::copy(EXAMPLE, &file).unwrap();
    let before = fs::read_to_string(&file).unwrap();
    let answered = |answer| {
        let Ended { shown, code } =
            terminal(home.path(), 80, &WAIVE, &[("Write this to", answer)], &[]);
        // The change is shown before the question.
        let (change, _) = shown.split_once("Write this to").unwrap();
        assert!(change.contains("a website"), "{shown}");
        (code, shown, fs::read_to_string(&file).unwrap())
    };
    let (code, shown, after) = answered("n\r");
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("nothing was written"), "{shown}");
    assert_eq!(after, before);
    let (code, shown, after) = answered("y\r");
    assert_eq!(code, Some(0), "{shown}");
    assert!(after.contains("a website"), "{shown}");
}

#[test]
fn without_a_terminal_nothing_is_changed_and_the_option_is_named() {
    let home = home();
    let file = home.path().join("banto.toml");
    fs::copy(EXAMPLE, &file).unwrap();
    let before = fs::read_to_string(&file).unwrap();
    let output = piped(home.path(), &WAIVE, &[]);
    assert_eq!(output.status.code(), Some(2));
    let complained = text(&output.stderr);
    assert!(complained.contains("--yes"), "{complained}");
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
}

/// A home with an AWS CLI, and the `PATH` that finds it.
fn home_with_aws_cli() -> (TempDir, String) {
    let home = home();
    let program = home.path().join("bin/aws");
    fs::create_dir(home.path().join("bin")).unwrap();
    fs::write(&program, AWS_CLI).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", home.path().join("bin").display());
    (home, path)
}

#[test]
fn login_asks_for_what_the_aws_cli_asks_and_only_on_a_terminal() {
    let (home, path) = home_with_aws_cli();
    let variables = [("PATH", path.as_str())];
    let steps = [("Code: ", "1234\r")];
    let ended = terminal(home.path(), 80, &["login"], &steps, &variables);
    assert_eq!(ended.code, Some(1), "{}", ended.shown);
    for said in ["1234 is wrong", "banto login --remote"] {
        assert!(ended.shown.contains(said), "{said}: {}", ended.shown);
    }
    let output = piped(home.path(), &["login"], &variables);
    assert_eq!(output.status.code(), Some(1));
    let said = [text(&output.stdout), text(&output.stderr)].concat();
    assert!(!said.contains("Code: "), "{said}");
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("or with --remote"), "{said}");
}
