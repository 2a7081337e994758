//! R3: the secret is nowhere but inside the ciphertext. Whole runs at the TRACE level, with
//! failures and panics injected at every call; everything that anyone could read is scanned.

use std::panic::{AssertUnwindSafe, catch_unwind};

use banto_fake::{Fault, FaultKind, LogCapture, World, leaks};
use banto_ports::ErrorKind;

use super::harness::{add_registered, asked, days, everyone, policy, start};
use crate::harness::handle_with;

/// Handles one event with a fault, and returns everything that became readable by it.
fn readable(world: &std::sync::Arc<World>, emergency: bool, fault: Option<Fault>) -> Vec<String> {
    let user = "alice".parse().unwrap();
    let event = if emergency {
        asked(&user, "emergency")
    } else {
        everyone()
    };
    let log = LogCapture::default();
    let answer = log.during(|| {
        catch_unwind(AssertUnwindSafe(|| {
            let (handled, run) = handle_with(world, &policy(), &event, fault);
            // The answer or the failure with all its causes, the metrics, and whatever prints a
            // run.
            format!("{handled:?} {run:?}")
        }))
    });
    let answer = answer.unwrap_or_else(|panic| format!("{:?}", panic.downcast_ref::<String>()));
    let mut everything = world.everything_written();
    everything.extend([log.text(), answer]);
    everything
}

/// R3: the plaintext exists in the memory of one action only.
#[test]
fn no_piece_of_a_secret_is_anywhere_but_inside_the_ciphertext() {
    let calls = {
        let world = World::at(start());
        add_registered(&world, "alice", days(100));
        handle_with(&world, &policy(), &everyone(), None).1.calls()
    };
    let (mut scanned, mut bytes) = (0, 0);
    for emergency in [false, true] {
        for call in 0..=calls {
            for kind in [
                FaultKind::ErrorAfter(ErrorKind::Unavailable),
                FaultKind::ErrorBefore(ErrorKind::Denied),
                FaultKind::PanicAfter,
                FaultKind::CancelAfter,
            ] {
                let world = World::at(start());
                add_registered(&world, "alice", days(100));
                let texts = readable(&world, emergency, Some(Fault { call, kind }));
                let found = leaks::scan(&world.secrets(), &texts);
                assert!(found.is_empty(), "call {call}, {kind:?}: {found:?}");
                scanned += 1;
                bytes += texts.iter().map(String::len).sum::<usize>();
            }
        }
    }
    say!("runs scanned: {scanned}, bytes: {bytes}, leaks: 0");
    assert!(bytes > 100_000, "nothing was captured");
}

#[test]
fn the_scan_finds_a_secret_that_is_leaked_on_purpose() {
    let world = World::at(start());
    let (user, key) = add_registered(&world, "alice", days(100));
    let secret = world.view().users[&user].keys[&key].secret.clone();
    let log = LogCapture::default();
    log.during(|| tracing::trace!(secret = &secret[3..14], "a careless line"));
    assert!(!leaks::scan(&world.secrets(), [log.text()]).is_empty());
    // In a record, and in the answer of the function, where the scan above looks too.
    world.put_record(&user, &format!("{{\"oops\": \"{secret}\"}}"));
    assert!(!leaks::scan(&world.secrets(), world.everything_written()).is_empty());
}
