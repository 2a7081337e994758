//! Rollbacks: the store has what a newer release wrote, and the older one is asked for the month.

use banto_fake::Driven;

use super::harness::{STORE, mails, policy, scheduled, stored, two_months};
use crate::harness::{Handled, handle, handle_with};

const REPORT: &str = "months/2026-10/report.json";
const SUMMARY: &str = "months/2026-10/summary.json";
const FINDINGS: &str = "findings/month=2026-10/444455556666.csv.gz";
const ACCOUNT: &str = "months/2026-10/accounts/444455556666.json";

/// An object as a newer release would have written it.
fn newer(text: &str) -> String {
    let newer = text.replacen("\"version\":1", "\"ofANewerRelease\":true,\"version\":2", 1);
    assert_ne!(newer, text);
    newer
}

fn failure(handled: Handled) -> String {
    match handled {
        Driven::Done(Err(failure)) => failure.to_string(),
        other => panic!("no failure: {other:?}"),
    }
}

#[test]
fn a_month_that_a_newer_release_made_is_left_alone_and_whoever_asks_learns_why() {
    let world = two_months();
    handle(&world, &policy(), &scheduled());
    let ours = stored(&world, SUMMARY).unwrap();
    let theirs = newer(&ours);
    world.put_object(STORE, SUMMARY, theirs.clone().into_bytes());
    let sent = mails(&world).len();
    let report = stored(&world, REPORT);
    let told = failure(handle_with(&world, &policy(), &scheduled(), None).0);
    assert!(
        told.contains("it has version 2; this Banto knows version 1"),
        "{told}"
    );
    assert_eq!(stored(&world, SUMMARY), Some(theirs));
    assert_eq!(stored(&world, REPORT), report);
    assert_eq!(mails(&world).len(), sent);
    // The newer release is back, and the month is whole.
    world.put_object(STORE, SUMMARY, ours.into_bytes());
    handle(&world, &policy(), &scheduled());
    assert_eq!(mails(&world).len(), sent);
}

#[test]
fn an_account_that_a_newer_release_read_before_it_ended_is_not_overwritten() {
    let made = two_months();
    handle(&made, &policy(), &scheduled());
    let ours = stored(&made, ACCOUNT).unwrap();
    let findings = made.objects(STORE).remove(FINDINGS).unwrap().body;
    let world = two_months();
    world.put_object(STORE, FINDINGS, findings);
    world.put_object(STORE, ACCOUNT, newer(&ours).into_bytes());
    let told = failure(handle_with(&world, &policy(), &scheduled(), None).0);
    assert!(told.contains(ACCOUNT), "{told}");
    assert_eq!(stored(&world, ACCOUNT), Some(newer(&ours)));
    assert_eq!((mails(&world).len(), stored(&world, SUMMARY)), (0, None));
    // The newer release is back, and goes on from there.
    world.put_object(STORE, ACCOUNT, ours.into_bytes());
    handle(&world, &policy(), &scheduled());
    assert_eq!(mails(&world).len(), mails(&made).len());
}
