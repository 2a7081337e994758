//! `banto keys fetch` dies at each of its steps: the old key stays in its file until the new one
//! takes its place, and the same command finishes.

use std::fs;
use std::time::Duration;

use banto::local::proxy::{Fault, Rule};

use super::super::desk::{Desk, lacks};
use super::office::{Office, profile};

const FETCH: &str = "keys fetch --yes";

/// What a fetch asks AWS, one after the other: who calls, the record, the user, the keys, and who
/// the new key is of.
const CALLS: usize = 5;

#[tokio::test]
async fn wherever_a_fetch_dies_no_key_is_lost_and_the_same_command_finishes() {
    if lacks("gpg") {
        return;
    }
    let mut office = Office::of(&["alice"]).await;
    super::with_new_keys(&mut office).await;
    let desk = &office.town.people[0].desk;
    let before = fs::read_to_string(desk.path(".aws/credentials")).unwrap();
    for call in 1..=CALLS {
        dies_at(&office, desk, call);
        assert_finishes(&office, &before);
    }
    // In the middle of decrypting: gpg ends whoever called it.
    let gpg = "#!/bin/sh\ncase \"$*\" in *--decrypt*) kill -9 $PPID; exit 1 ;; esac\n\
               PATH=${PATH#*:}\nexec gpg \"$@\"\n";
    desk.program("gpg", gpg);
    let ended = office.shell(desk, &format!("banto {FETCH} || echo \"died: $?\""));
    assert_eq!(ended.said, "died: 137\n", "{}", ended.complained);
    fs::remove_file(desk.path("bin/gpg")).unwrap();
    assert_finishes(&office, &before);
    // While the file is replaced (the tests of `profiles` kill an edit anywhere): half a new one is
    // there, and the backup.
    desk.write(".aws/credentials.banto-new", "[default]\naws_access");
    desk.write(".aws/credentials.banto-backup.banto-new", "[defau");
    assert_finishes(&office, &before);
    assert!(!desk.path(".aws/credentials.banto-new").exists());
    // After that, all is done.
    let alice = &office.town.people[0];
    office.says(alice, FETCH, 0, "need not acknowledge it");
    let new = profile(desk);
    office.says(alice, FETCH, 0, "Nothing to do");
    assert_eq!(profile(desk), new);
}

/// Starts a fetch, and ends it for good at this call, which is at AWS and is not answered.
fn dies_at(office: &Office, desk: &Desk, call: usize) {
    office.proxy.reset();
    office.proxy.inject(Rule {
        operation: None,
        first: call,
        times: 1,
        fault: Fault::Late(Duration::from_hours(1)),
    });
    let mut child = desk.start(&office.with_variables(&format!("exec banto {FETCH}")));
    while office.proxy.arrived() < call {
        assert_eq!(child.try_wait().unwrap(), None, "before call {call}");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    let ended = child.wait().unwrap();
    assert!(!ended.success(), "it died at call {call}");
    assert_eq!(office.proxy.calls().len(), call - 1);
    office.proxy.reset();
}

/// The old key is there, the same command puts the new one in its place, and all is as before it
/// again.
fn assert_finishes(office: &Office, before: &str) {
    let alice = &office.town.people[0];
    let path = alice.desk.path(".aws/credentials");
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    office.says(alice, FETCH, 0, "need not acknowledge it");
    let after = fs::read_to_string(&path).unwrap();
    assert_ne!(after, before);
    let backup = alice.desk.path(".aws/credentials.banto-backup");
    assert_eq!(fs::read_to_string(backup).unwrap(), before);
    alice.desk.write(".aws/credentials", before);
}
