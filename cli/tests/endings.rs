//! How commands end that could not look, or were not used as they have to be: docs/operators.md.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const BANTO: &str = env!("CARGO_BIN_EXE_banto");

/// A policy with every section.
const POLICY: &str = include_str!("../../examples/banto.toml");

const FINGERPRINT: &str = "D1A66E1A23B182C9980F788CFBFCC82A015E7330";

/// A home without credentials, with a policy and an event.
fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(home.path().join(name), text).unwrap();
    write("banto.toml", POLICY);
    write("rotation.toml", &without_sections(POLICY));
    write("event.json", r#"{"users": ["alice"], "mode": "force"}"#);
    write("garbage.json", "garbage");
    write("any.json", "{}");
    home
}

/// The policy of somebody who has the rotator alone.
fn without_sections(policy: &str) -> String {
    let others = [
        "[onboarding",
        "[compliance",
        "[report",
        "[[compliance",
        "[[onboarding",
        "[[report",
    ];
    let mut is_left_out = false;
    let mut lines = Vec::new();
    for line in policy.lines() {
        if line.starts_with('[') {
            is_left_out = others.iter().any(|other| line.starts_with(other));
        }
        if !is_left_out {
            lines.push(line);
        }
    }
    lines.join("\n")
}

/// The address of a port at which nothing listens: that of tcpmux, which the system gives to nobody
/// who asks for a free one. (RFC 1078; IANA's registry of port numbers.)
const NOWHERE: &str = "http://127.0.0.1:1";

fn banto(home: &TempDir, words: &str, variables: &[(&str, &str)]) -> Output {
    Command::new(BANTO)
        .args(words.split(' '))
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        // Nothing is there, an AWS CLI least of all.
        .env("PATH", home.path())
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ENDPOINT_URL", NOWHERE)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Each command ends with this code, and says this on standard error and nothing on standard output.
fn each_ends(commands: &[&str], variables: &[(&str, &str)], code: i32, says: &str) {
    let home = home();
    std::thread::scope(|scope| {
        for words in commands {
            let home = &home;
            scope.spawn(move || {
                let ended = banto(home, words, variables);
                let complaint = String::from_utf8(ended.stderr).unwrap();
                assert_eq!(ended.status.code(), Some(code), "{words}: {complaint}");
                assert!(complaint.contains(says), "{words}: {complaint}");
                assert_eq!(ended.stdout, b"", "{words}");
            });
        }
    });
}

/// Every command that looks at AWS before it does anything else.
fn lookers() -> Vec<String> {
    let approve = format!("keys approve alice {FINGERPRINT} --yes");
    let commands = [
        "keys plan",
        "keys plan alice --json",
        "keys status --all",
        "keys status alice",
        "keys rotate alice --yes",
        "keys rotate alice --emergency --confirm alice",
        "keys restore alice --yes",
        "keys discard alice --key AKIAIOSFODNN7EXAMPLE --confirm alice",
        approve.as_str(),
        "keys leave alice --confirm alice",
        "accounts plan",
        "accounts status payments",
        "accounts apply --all --yes",
        "accounts revoke alice --confirm alice",
        "compliance open",
        "replay event.json --dry-run",
        "replay event.json --confirm 111122223333",
    ];
    commands.map(str::to_owned).into()
}

#[test]
fn without_a_connection_every_command_says_that_it_could_not_look() {
    let commands = lookers();
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    let credentials = [
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "not-for-your-eyes"),
    ];
    each_ends(&commands, &credentials, 3, "sts:GetCallerIdentity");
}

#[test]
fn without_credentials_every_command_says_that_it_could_not_look() {
    let commands = lookers();
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    each_ends(&commands, &[], 3, "no credentials of");
}

#[test]
fn wrong_use_is_told_from_a_failure_before_anybody_is_asked() {
    let cases = [
        ("keys plan --policy nowhere.toml --account 1", "--account"),
        ("keys approve alice NO-FINGERPRINT --yes", "fingerprint"),
        (
            "keys rotate alice --account 222233334444 --yes",
            "no identity account 222233334444",
        ),
        ("keys rotate", "<USERS>"),
        ("replay nowhere.json --dry-run", "nowhere.json"),
        ("replay garbage.json --dry-run", "not JSON"),
        ("replay any.json --dry-run", "--function"),
        (
            "compliance open --policy rotation.toml",
            "no section [compliance]",
        ),
        (
            "compliance open --severity worst",
            "low, medium, high and critical",
        ),
        ("accounts apply --yes", "ACCOUNT"),
        ("accounts revoke alice --before soon", "--before"),
    ];
    for (words, says) in cases {
        each_ends(&[words], &[], 2, says);
    }
    let nowhere = [("BANTO_POLICY", "")];
    let home = tempfile::tempdir().unwrap();
    let ended = banto(&home, "keys plan", &nowhere);
    assert_eq!(ended.status.code(), Some(2), "there is no policy");
}
