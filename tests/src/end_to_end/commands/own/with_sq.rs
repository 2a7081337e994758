//! The same with Sequoia's `sq` and no GnuPG: the one in PATH, and a second one if `BANTO_SQ` names
//! it.

use std::path::{Path, PathBuf};
use std::process::Command;

use banto_seal::Certificate;
use jiff::SignedDuration;

use super::super::desk::lacks;
use super::office::{Office, files_with, profile};

/// Types the password of the key, on a terminal of the program's own.
const WITH_TERMINAL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../cli/src/openpgp/tests/with_terminal.py"
);

#[tokio::test]
async fn a_developer_with_sq_gets_from_nothing_to_a_proven_key() {
    for sq in programs() {
        story(&sq).await;
    }
}

fn programs() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap();
    let mut files = std::env::split_paths(&path).map(|folder| folder.join("sq"));
    let in_path = files.find(|file| !lacks("sq") && file.is_file());
    let second = std::env::var_os("BANTO_SQ").map(PathBuf::from);
    in_path.into_iter().chain(second).collect()
}

/// The option that names the file of the secret key, for an `sq` that keeps none itself.
fn key_file(sq: &Path) -> &'static str {
    let said = Command::new(sq).arg("--version").output().unwrap();
    match said.stdout.starts_with(b"sq 0.") {
        true => " --key-file key.pgp",
        false => "",
    }
}

async fn story(sq: &Path) {
    let mut office = Office::of(&["alice"]).await;
    let key_file = key_file(sq);
    let desk = &office.town.people[0].desk;
    let typist = format!(
        "#!/bin/sh\nexec python3 '{WITH_TERMINAL}' 'a password\n' '{}' \"$@\"\n",
        sq.display()
    );
    desk.program("sq", &typist);
    desk.program("gpg", "#!/bin/sh\nexit 1\n");
    // The clock stands still between the function's runs, and that of sq does not.
    let hour = SignedDuration::from_hours(1);
    office.town.local.advance(hour).await;
    let alice = &office.town.people[0];
    office.says(alice, "keys status", 1, "banto keys register");
    let make = "keys register --make --name Alice --mail alice@example.com --yes";
    let registered = office.says(alice, &format!("{make}{key_file}"), 0, "It counts from ");
    let said = registered
        .said
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let (_, from) = said.split_once("It counts ").unwrap();
    let (from, _) = from.split_once(',').unwrap();
    let counts = format!(", counts {from},");
    let stored = office.town.stored("certs/alice.asc").await;
    let stored = Certificate::read(stored.as_bytes()).unwrap();
    let pin = office.town.tag("alice", "banto:openpgp").await;
    assert_eq!(pin, Some(stored.fingerprint()));
    let again = format!("keys register{key_file}");
    office.says(alice, &again, 0, "Nothing to do");
    // The date is that of the stored file, and stays, whether or not people were told.
    office.town.advance_days(2).await;
    let alice = &office.town.people[0];
    office.says(alice, "keys status", 0, &counts);
    office.town.run().await;
    let alice = &office.town.people[0];
    office.says(alice, "keys status", 0, &counts);
    office.town.advance_days(6).await;
    office.town.run().await;

    let alice = &office.town.people[0];
    let (old, _) = profile(&alice.desk);
    office.says(alice, &format!("keys ack{key_file}"), 0, "is acknowledged");
    let fetch = format!("keys fetch --yes{key_file}");
    let fetched = office.says(alice, &fetch, 0, "need not acknowledge it");
    let (new, secret) = profile(&alice.desk);
    assert_ne!(new, old);
    let home = alice.desk.path("");
    let credentials = alice.desk.path(".aws/credentials");
    assert_eq!(files_with(&home, &secret), [credentials]);
    assert!(!format!("{}{}", fetched.said, fetched.complained).contains(&secret));
    office.says(alice, &fetch, 0, "Nothing to do");
    for _ in 0..2 {
        office.town.advance_days(2).await;
        office.town.run().await;
    }
    let keys = office.town.local.aws.access_keys("alice").await.unwrap();
    let active: Vec<bool> = keys.iter().map(|key| key.active).collect();
    assert_eq!(active, [false, true]);
}
