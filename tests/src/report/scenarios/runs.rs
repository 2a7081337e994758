//! Runs that end early, do nothing, or meet.

use std::time::Duration;

use banto_fake::Driven;
use serde_json::json;

use crate::harness::{handle, handle_twice, handle_with};
use crate::report::archive::ARCHIVE;
use crate::report::harness::{
    Hurried, STORE, hour, mails, notices, policy, receivers, scheduled, stored, two_months,
};

#[test]
fn a_dry_run_writes_nothing_and_says_what_it_would() {
    let world = two_months();
    let made = handle(&world, &policy(), &json!({ "dryRun": true }));
    assert!(world.objects(STORE).is_empty());
    assert!(world.sent().is_empty());
    let calls = world.calls();
    let mut writes = calls.iter().filter(|call| call.name == "s3:PutObject");
    assert_eq!(writes.next(), None);
    assert_eq!(made["refused"], json!([]));
    assert_eq!(made["accountsRead"], 3);
    assert_eq!(made["baseline"], "2026-09");
    assert_eq!(
        made["writes"],
        json!([
            "months/2026-10/report.json",
            "dashboard/2026-10/index.html",
            "dashboard/index.html",
            "months/2026-10/notice.json",
            "months/2026-10/summary.json",
        ])
    );
    let first = &made["mails"][0];
    assert_eq!(*first, json!({ "name": "all", "state": "toBeSent" }));
}

#[test]
fn a_month_that_is_whole_is_not_made_again() {
    let world = two_months();
    handle(&world, &policy(), &scheduled());
    let before = (world.objects(STORE), world.sent().len());
    world.advance(hour());
    let made = handle(&world, &policy(), &scheduled());
    assert!(
        made["nothing"]
            .as_str()
            .unwrap()
            .contains("2026-10 is there")
    );
    assert_eq!((world.objects(STORE), world.sent().len()), before);
}

#[test]
fn the_kill_switch_reads_nothing_and_tells_nobody() {
    let mut policy = policy();
    policy.enabled = false;
    let world = two_months();
    handle(&world, &policy, &json!({ "again": true }));
    assert_eq!(world.call_count(), 0);
}

#[test]
fn a_run_whose_time_is_up_is_told_and_the_next_goes_on_where_it_ended() {
    let world = two_months();
    // Too little for any account.
    let hurried = Hurried(policy(), Duration::from_secs(30));
    let (handled, _) = handle_with(&world, &hurried, &scheduled(), None);
    let Driven::Done(Err(error)) = handled else {
        panic!("it had time")
    };
    assert_eq!(error.kind, "OutOfTime");
    assert!(error.to_string().contains("3 accounts left"), "{error}");
    assert_eq!(notices(&world).len(), 1);
    assert!(notices(&world)[0].subject.contains("not done"));
    // Told once, however often it happens.
    handle_with(&world, &hurried, &scheduled(), None).1.calls();
    assert_eq!(notices(&world).len(), 1);
    assert!(mails(&world).is_empty());

    handle(&world, &policy(), &scheduled());
    let reads = || {
        let calls = world.calls();
        let of_archive = |call: &&banto_fake::Call| {
            call.name == "s3:GetObject" && call.subject.starts_with(ARCHIVE)
        };
        calls.iter().filter(of_archive).count()
    };
    // Its accounts are there; the report is gone, as if the run had ended before.
    let before = reads();
    world.delete_object(STORE, "months/2026-10/summary.json");
    let made = handle(&world, &policy(), &scheduled());
    assert_eq!(made["accountsRead"], 0);
    assert_eq!(reads(), before, "nothing was read again");
    assert!(stored(&world, "months/2026-10/summary.json").is_some());
}

#[test]
fn two_runs_at_once_send_each_mail_once_whoever_is_ahead() {
    for ahead in (0..200).step_by(7) {
        let world = two_months();
        let turns = std::iter::repeat_n(true, ahead).chain((0..2_000).map(|turn| turn % 2 == 0));
        let ends = handle_twice(&world, &policy(), &scheduled(), turns);
        for end in &ends {
            let Driven::Done(end) = end else {
                panic!("cancelled")
            };
            if let Err(error) = end {
                assert_eq!(error.kind, "MailsUnderWay", "{error}");
            }
        }
        world.advance(hour());
        handle(&world, &policy(), &scheduled());
        let mut receivers = receivers(&world);
        receivers.sort();
        assert_eq!(
            receivers,
            [
                "payments@example.com",
                "search@example.com",
                "sre@example.com"
            ],
            "second from call {ahead}"
        );
        assert!(stored(&world, "months/2026-10/summary.json").is_some());
        for notice in notices(&world) {
            assert!(!notice.body.contains("in doubt"), "{}", notice.body);
        }
    }
}

#[test]
fn a_month_that_has_not_begun_is_refused() {
    let world = two_months();
    let (handled, _) = handle_with(&world, &policy(), &json!({ "month": "2026-12" }), None);
    let Driven::Done(Err(error)) = handled else {
        panic!("made")
    };
    assert_eq!(error.kind, "MonthNotBegun");
}
