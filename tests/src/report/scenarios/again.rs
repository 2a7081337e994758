//! What is begun twice: events that Lambda hands over again, and months that are made anew.

use std::sync::Arc;
use std::time::Duration;

use banto_domain::policy::report::ReportPolicy;
use banto_fake::{Call, Driven, Fault, FaultKind, Run, World};
use banto_lambda::{Invocation, InvocationError, Response};
use banto_ports::ErrorKind;
use jiff::SignedDuration;
use report_compliance::event::decode;
use report_compliance::report::response;
use report_compliance::time::RunTime;
use serde_json::{Value, json};

use crate::harness::{Function, handle, handle_with, invoke_async};
use crate::report::archive::{ARCHIVE, BAD, deliver, evaluated};
use crate::report::harness::{
    Hurried, PAYMENTS, REGION, STORE, VERSIONING, hour, notices, policy, receivers, reporter,
    scheduled, stored_json, two_months,
};

const SEND: &str = "ses:SendEmail";
const PUBLISH: &str = "sns:Publish";

/// A month that is whole.
fn whole() -> Arc<World> {
    let world = two_months();
    handle(&world, &policy(), &scheduled());
    world.advance(hour());
    world
}

/// The number of the call that an event makes in a world, from 1.
fn number_of(begun: fn() -> Arc<World>, event: &Value, is: impl Fn(&Call) -> bool) -> usize {
    let world = begun();
    let before = world.calls().len();
    handle(&world, &policy(), event);
    let calls = world.calls().split_off(before);
    calls.iter().position(is).unwrap() + 1
}

/// Reads of the archive's objects so far.
fn reads(world: &World) -> usize {
    let of_archive =
        |call: &&Call| call.name == "s3:GetObject" && call.subject.starts_with(ARCHIVE);
    world.calls().iter().filter(of_archive).count()
}

#[test]
fn a_request_that_comes_again_sends_no_mail_again_that_it_has_sent() {
    let event = json!({ "resend": ["payments", "search@example.com"] });
    let fault = Fault {
        call: number_of(whole, &event, |call| {
            call.subject.contains("search@example.com.claimed")
        }),
        kind: FaultKind::ErrorBefore(ErrorKind::Unavailable),
    };
    let world = whole();
    let before = receivers(&world).len();
    let attempts = invoke_async(&world, &policy(), &event, &[(0, fault)]);
    assert_eq!((attempts.fired, attempts.succeeded()), (1, true));
    assert_eq!(
        receivers(&world)[before..],
        ["payments@example.com", "search@example.com"]
    );
    // Another request is another wish.
    handle(&world, &policy(), &event);
    assert_eq!(receivers(&world).len(), before + 4);
}

#[test]
fn a_mail_that_was_being_sent_again_when_its_run_ended_is_in_doubt_and_told() {
    let event = json!({ "resend": ["payments"] });
    for kind in [FaultKind::CancelBefore, FaultKind::CancelAfter] {
        let fault = Fault {
            call: number_of(whole, &event, |call| call.name == SEND),
            kind,
        };
        let world = whole();
        let before = (receivers(&world).len(), notices(&world).len());
        let attempts = invoke_async(&world, &policy(), &event, &[(0, fault)]);
        assert_eq!((attempts.fired, attempts.succeeded()), (1, true));
        let sent = usize::from(kind == FaultKind::CancelAfter);
        assert_eq!(receivers(&world).len(), before.0 + sent);
        let told = &notices(&world)[before.1..];
        assert_eq!(told.len(), 1);
        assert!(told[0].body.contains("Mails in doubt"), "{}", told[0].body);
    }
}

#[test]
fn a_month_is_whole_though_nobody_could_be_told_and_the_next_run_tells() {
    let world = two_months();
    let until = world.now() + hour();
    world.outage(PUBLISH, ErrorKind::Denied, until);
    let (handled, _) = handle_with(&world, &policy(), &scheduled(), None);
    let Driven::Done(Err(error)) = handled else {
        panic!("nobody was told, and the run succeeded")
    };
    assert_eq!(error.kind, "NobodyTold");
    stored_json(&world, "months/2026-10/summary.json");
    assert!(notices(&world).is_empty());
    let before = receivers(&world);
    world.advance(hour());
    for _ in 0..2 {
        handle(&world, &policy(), &scheduled());
        assert_eq!(notices(&world).len(), 1);
    }
    assert_eq!(receivers(&world), before);
}

/// A run on an event that has time for all that comes before the pages.
fn until_pages(world: &Arc<World>, event: &Value) {
    let page = |call: &Call| call.name == "s3:PutObject" && call.subject.contains("dashboard/");
    let clean = || {
        let world = whole();
        anew(&world);
        world
    };
    let fault = Fault {
        call: number_of(clean, event, page),
        kind: FaultKind::CancelBefore,
    };
    let (ended, _) = handle_with(world, &policy(), event, Some(fault));
    assert!(matches!(ended, Driven::Cancelled));
}

/// The archive has something else of October than it had.
fn anew(world: &World) {
    let fresh = [evaluated(VERSIONING, "fresh", BAD)];
    deliver(world, PAYMENTS, REGION, "2026-10-31T05:00:00Z", &fresh);
}

#[test]
fn a_month_that_is_made_anew_is_gone_on_with_by_the_schedule_until_it_is_whole() {
    let world = whole();
    anew(&world);
    until_pages(&world, &json!({ "again": true }));
    let before = reads(&world);
    world.advance(hour());
    let made = handle(&world, &policy(), &scheduled());
    assert_eq!(made["totals"]["closed"], 2, "it is the month made anew");
    assert_eq!(made["accountsRead"], 0);
    assert_eq!(reads(&world), before, "nothing was read again");
    let made = handle(&world, &policy(), &scheduled());
    assert!(made["nothing"].is_string(), "{made}");
}

/// The function as `banto report` runs it, which asks for the month anew each time.
struct Local(ReportPolicy);

impl Function for Local {
    const HIDDEN: SignedDuration = SignedDuration::ZERO;

    async fn handle(
        &self,
        run: &Arc<Run>,
        event: &[u8],
        _: &Invocation,
    ) -> Result<Response, InvocationError> {
        let request = decode(event).unwrap();
        let reporter = reporter(run, &self.0);
        let outcome = reporter.run(&request, RunTime::without_end()).await?;
        Ok(response(&outcome))
    }
}

#[test]
fn a_local_run_reads_the_archive_anew_each_time() {
    let world = two_months();
    for _ in 0..3 {
        let made = handle(&world, &Local(policy()), &json!({ "again": true }));
        assert_eq!(made["accountsRead"], 3, "{made}");
        world.advance(hour());
    }
}

#[test]
fn whoever_asks_for_a_month_anew_has_all_of_it_read_again() {
    let world = whole();
    anew(&world);
    until_pages(&world, &json!({ "again": true }));
    world.advance(hour());
    let made = handle(&world, &policy(), &json!({ "again": true }));
    assert_eq!(made["accountsRead"], 3);
}

#[test]
fn a_month_that_lasts_is_gone_on_with_as_of_the_moment_at_which_it_was_begun() {
    let event = json!({ "month": "2026-11" });
    let begun = |policy: &ReportPolicy| {
        let world = whole();
        let hurried = Hurried(policy.clone(), Duration::from_secs(30));
        let (handled, _) = handle_with(&world, &hurried, &event, None);
        let Driven::Done(Err(error)) = handled else {
            panic!("it had time")
        };
        assert_eq!(error.kind, "OutOfTime");
        world
    };
    let world = begun(&policy());
    let at = world.now();
    world.advance(hour());
    let made = handle(&world, &policy(), &event);
    assert_eq!(made["until"], at.to_string());
    // What is done, and what is old, is not gone on with.
    let now = world.now();
    assert_eq!(handle(&world, &policy(), &event)["until"], now.to_string());
    let world = begun(&policy());
    world.advance(hour() * 7);
    let now = world.now();
    assert_eq!(handle(&world, &policy(), &event)["until"], now.to_string());
    assert!(
        !world
            .objects(STORE)
            .contains_key("months/2026-11/summary.json")
    );
}
