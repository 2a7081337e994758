//! A new key that its owner can't open is issued anew, wherever the run that does so is cut short.

use std::sync::Arc;

use banto_domain::UserName;
use banto_fake::{Fault, FaultKind, World};
use banto_ports::ErrorKind;
use banto_seal::holder::Holder;

use super::harness::{
    Delivered, another_holder, days, delivered, everyone, is_active, is_there, policy, record,
    run_daily, sealed, working,
};
use crate::harness::handle_with;

/// The days after which another certificate counts, of which people heard a day after it was
/// pinned.
const GRACE: usize = 7;

/// A delivered key, sealed to a certificate that another one has replaced, right before the run
/// that issues it anew.
fn lost() -> (Delivered, Holder) {
    let rotation = delivered();
    let new = another_holder();
    let (world, user) = (&rotation.world, &rotation.user);
    world.tag(user, "banto:openpgp", new.fingerprint().as_str());
    world.put_certificate(user, new.certificate().unwrap().as_bytes());
    run_daily(world, &policy(), GRACE);
    assert!(is_there(world, user, &rotation.new));
    world.advance(days(1));
    (rotation, new)
}

fn opens(world: &Arc<World>, user: &UserName, holder: &Holder) -> bool {
    let envelope = record(&world.view(), user).and_then(|record| record.envelope);
    envelope.is_some_and(|envelope| holder.open(&envelope.armored).is_ok())
}

/// R4, R1: the old key works all the while, and the owner gets a key in the end.
#[test]
fn a_key_that_is_issued_anew_comes_wherever_the_run_is_cut_short() {
    let (rotation, _) = lost();
    let (_, run) = handle_with(&rotation.world, &policy(), &everyone(), None);
    assert!(!is_active(&rotation.world, &rotation.new));
    for kind in [
        FaultKind::CancelBefore,
        FaultKind::ErrorAfter(ErrorKind::Unavailable),
    ] {
        for call in 1..=run.calls() {
            let (rotation, new) = lost();
            let (world, user) = (&rotation.world, &rotation.user);
            let fault = Fault { call, kind };
            handle_with(world, &policy(), &everyone(), Some(fault));
            run_daily(world, &policy(), 3);
            assert!(is_active(world, &rotation.old), "{fault:?}");
            assert!(!is_there(world, user, &rotation.new), "{fault:?}");
            assert!(opens(world, user, &new), "{fault:?}");
            assert!(
                working(world, user).contains(&sealed(world, user)),
                "{fault:?}"
            );
        }
    }
}
