//! The commands of docs/receipts.md, as they stand there, on records that the function wrote.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use banto_fake::KeyPair;

use super::harness::{Signed, delivered, opened};

const PAGE: &str = include_str!("../../../docs/receipts.md");

/// Answers as the AWS CLI does: the value, and the end of a line.
const AWS: &str = r#"#!/bin/sh
case "$*" in
  "secretsmanager get-secret-value --secret-id banto/access-keys/alice --query SecretString --output text")
    cat stored.txt; echo ;;
  "kms get-public-key --key-id arn:aws:kms:"*" --query PublicKey --output text")
    cat public.txt; echo ;;
  *) echo "$*" >&2; exit 1 ;;
esac
"#;

/// The commands that check a record.
fn commands() -> &'static str {
    let (_, section) = PAGE.split_once("## To check one").unwrap();
    let (_, commands) = section.split_once("```sh\n").unwrap();
    commands.split_once("```").unwrap().0
}

/// Runs the commands where the secret has this text, and the key is this one.
fn check(text: &str, key: &KeyPair) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("stored.txt", text);
    write("public.txt", &key.public());
    write("aws", AWS);
    let aws = folder.path().join("aws");
    fs::set_permissions(aws, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    Command::new("sh")
        .args(["-c", commands()])
        .current_dir(folder.path())
        .env("PATH", format!("{}:{path}", at(folder.path())))
        .output()
        .unwrap()
}

fn at(path: &Path) -> String {
    path.display().to_string()
}

fn is_verified(output: &Output) -> bool {
    output.status.success() && output.stdout.ends_with(b"Verified OK\n")
}

#[test]
fn openssl_verifies_what_banto_wrote_and_nothing_that_was_changed() {
    if Command::new("openssl").arg("version").output().is_err() {
        let must_be_there = std::env::var_os("BANTO_INTEROP").is_some();
        assert!(!must_be_there, "openssl is required, but not installed");
        return;
    }
    let _signed = Signed::from_now(true);
    let rotation = delivered();
    let mut records = 0;
    for text in rotation.world.everything_written() {
        if text.starts_with('{') {
            let output = check(&text, &KeyPair::of_kms());
            assert!(is_verified(&output), "{text}\n{output:?}");
            records += 1;
        }
    }
    assert!(
        records >= 3,
        "an intent, an envelope, a delivery: {records}"
    );
    let text = rotation.world.record(&rotation.user).unwrap();
    let changed = text.replacen("AKIA", "AKIB", 1);
    for (text, key) in [
        (changed, KeyPair::of_kms()),
        (text.clone(), KeyPair::of_somebody()),
        (KeyPair::of_somebody().signed(&text), KeyPair::of_kms()),
        (banto_receipt::without_signature(&text).0, KeyPair::of_kms()),
    ] {
        let output = check(&text, &key);
        assert!(!is_verified(&output), "{text}\n{output:?}");
    }
}

/// The owner pipes the whole text into an OpenPGP program, signature and all.
#[test]
fn the_envelope_of_a_signed_record_is_opened_as_it_is_stored() {
    let _signed = Signed::from_now(true);
    let rotation = delivered();
    let text = rotation.world.record(&rotation.user).unwrap();
    assert!(text.lines().nth(1).unwrap().starts_with("{\"signature\":"));
    assert_eq!(opened(&text)["AccessKeyId"], rotation.new.as_str());
}
