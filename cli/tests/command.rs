//! The command as a program: what shells and `man` make of it, how it ends, and how soon it answers.

#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says what it did not look at"
)]

use std::fs;
use std::process::{Command, Output, Stdio};

const BANTO: &str = env!("CARGO_BIN_EXE_banto");

fn banto(arguments: &[&str]) -> Output {
    Command::new(BANTO).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a program says of what it is handed; nothing where there is no such program.
fn said(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            let required = std::env::var("BANTO_INTEROP").is_ok_and(|value| value == "all");
            assert!(!required, "{program}: {error}");
            eprintln!("{program} is not here, and this is not tested: {error}");
            None
        }
    }
}

/// Installs completions for a shell into a home of its own.
fn installed(shell: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(BANTO)
        .args(["completions", shell, "--install"])
        .env("HOME", home.path())
        .env_remove("XDG_DATA_HOME")
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("BASH_COMPLETION_USER_DIR")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    home
}

#[test]
fn bash_completes_commands_options_and_values() {
    let home = installed("bash");
    let file = home
        .path()
        .join(".local/share/bash-completion/completions/banto");
    let completed = |words: &str, word: &str, before: &str| {
        let count = words.split(' ').count();
        let script = format!(
            "source {}; COMP_WORDS=({words} {word}); COMP_CWORD={count}; _banto banto '{word}' '{before}'; echo ${{COMPREPLY[@]}}",
            file.display()
        );
        let output = said("bash", &["--norc", "-c", &script]).unwrap();
        assert_eq!(text(&output.stderr), "");
        text(&output.stdout).trim().to_owned()
    };
    assert_eq!(completed("banto config", "ex", "config"), "explain export");
    assert_eq!(
        completed("banto config export", "--std", "export"),
        "--stdout"
    );
    assert_eq!(completed("banto completions", "f", "completions"), "fish");
}

#[test]
fn zsh_and_fish_read_their_completions() {
    let home = installed("zsh");
    let file = home.path().join(".local/share/zsh/site-functions/_banto");
    if let Some(output) = said("zsh", &["-f", "-n", file.to_str().unwrap()]) {
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let home = installed("fish");
    let file = home.path().join(".config/fish/completions/banto.fish");
    assert!(file.exists());
    if let Some(output) = said("fish", &["--no-execute", file.to_str().unwrap()]) {
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
}

#[test]
fn man_pages_render_without_a_warning() {
    let home = installed("bash");
    let folder = home.path().join(".local/share/man/man1");
    let pages: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|page| page.unwrap().path())
        .collect();
    assert!(pages.len() > 10, "{pages:?}");
    for page in &pages {
        let page = page.to_str().unwrap();
        let Some(output) = said("groff", &["-man", "-Tutf8", "-ww", "-z", page]) else {
            return;
        };
        assert_eq!(text(&output.stderr), "", "{page}");
    }
    let shown = said(
        "groff",
        &[
            "-man",
            "-Tascii",
            "-P-c",
            folder.join("banto-config-explain.1").to_str().unwrap(),
        ],
    );
    let shown = text(&shown.unwrap().stdout);
    assert!(
        shown.contains("\n         banto config explain rotation.deadline_days\n"),
        "{shown}"
    );
}

#[test]
fn installing_writes_into_folders_of_ones_own_and_edits_nothing() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join(".zshrc"), "mine").unwrap();
    let output = Command::new(BANTO)
        .args(["completions", "--install"])
        .env("HOME", home.path())
        .env("SHELL", "/bin/zsh")
        .env_remove("XDG_DATA_HOME")
        .output()
        .unwrap();
    let told = text(&output.stdout);
    assert!(
        told.contains("if this line is in ~/.zshrc") && told.contains("fpath=("),
        "{told}"
    );
    assert_eq!(
        fs::read_to_string(home.path().join(".zshrc")).unwrap(),
        "mine"
    );
}

#[test]
fn wrong_use_ends_with_2_and_names_what_was_meant() {
    for (arguments, part) in [
        (&["confg"][..], "'config'"),
        (
            &["config", "explain", "rotation.deadlin_days"],
            "rotation.deadline_days",
        ),
        (&["config", "check", "--jsn"], "--json"),
        (&["config"], "Usage"),
    ] {
        let output = banto(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = text(&output.stderr);
        assert!(told.contains(part), "{arguments:?}: {told}");
    }
    let init = Command::new(BANTO)
        .args(["config", "init"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(init.status.code(), Some(2));
    assert!(
        text(&init.stderr).contains("--account ID"),
        "{}",
        text(&init.stderr)
    );
}

#[test]
fn help_keeps_to_eighty_columns_where_nobody_knows_the_terminal() {
    for arguments in [
        &["--help"][..],
        &["config", "--help"],
        &["config", "export", "--help"],
    ] {
        let help = text(&banto(arguments).stdout);
        assert!(help.contains("Examples:"), "{help}");
        let wide = help.lines().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{arguments:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_reason_to_complain() {
    for arguments in [
        &["config", "schema"][..],
        &["config", "explain"],
        &["completions", "bash"],
        &["man"],
        &["--help"],
    ] {
        let mut child = Command::new(BANTO)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}

/// The CPU time of many runs in milliseconds, as bash counts it: how busy the machine is makes
/// little difference to it, and that of a single run is too short to be counted.
fn cpu_of_runs(program: &str) -> f64 {
    let script = "for run in $(seq 50); do \"$0\" --help >/dev/null; done; times";
    let output = said("bash", &["--norc", "-c", script, program]).unwrap();
    assert!(output.status.success());
    // The last line is of the children: user and system, as in 0m0.123s.
    let times = text(&output.stdout);
    let times = times.lines().last().unwrap().split(' ');
    let milliseconds = |time: &str| -> f64 {
        let (minutes, seconds) = time.trim_end_matches('s').split_once('m').unwrap();
        minutes.parse::<f64>().unwrap() * 60_000.0 + seconds.parse::<f64>().unwrap() * 1_000.0
    };
    times.map(milliseconds).sum()
}

/// Whoever asks for help waits for no connection, no policy and no file. The bound is a ratio to a
/// program that does nothing, since how quick the machine is says nothing about Banto.
#[test]
fn help_is_there_at_once() {
    let (nothing, help) = (cpu_of_runs("/bin/true"), cpu_of_runs(BANTO));
    let ratio = help / nothing;
    // Measured of a program without optimisation: 7 to 12.
    assert!(ratio < 30.0, "{help} ms is {ratio:.1} times {nothing} ms");
}

#[test]
fn a_profile_that_is_not_there_is_named_beside_those_that_are() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".aws")).unwrap();
    let keys = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = s3cret\n";
    let file = home.path().join(".aws/credentials");
    fs::write(&file, format!("[work]\n{keys}[home]\n{keys}")).unwrap();
    let output = Command::new(BANTO)
        .args(["doctor", "--profile", "wrok"])
        .arg("--policy")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../examples/banto.toml"
        ))
        .env("HOME", home.path())
        .env_remove("AWS_CONFIG_FILE")
        .env_remove("AWS_SHARED_CREDENTIALS_FILE")
        .output()
        .unwrap();
    let told = text(&output.stderr);
    assert!(
        told.contains("there is no profile wrok; give --profile, of which there are: home, work"),
        "{told}"
    );
    assert_eq!(output.status.code(), Some(3));
}
