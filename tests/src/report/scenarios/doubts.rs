//! Mails that SES does not take, and those of which nobody knows whether it did.

use banto_fake::{Driven, Fault, FaultKind, World};
use banto_ports::ErrorKind;
use serde_json::json;

use crate::harness::{handle, handle_with};
use crate::report::harness::{
    STORE, hour, mails, notices, policy, receivers, scheduled, stored_json, two_months,
};

const SEND: &str = "ses:SendEmail";

fn told(world: &World) -> String {
    let notices = notices(world);
    let bodies: Vec<String> = notices.into_iter().map(|notice| notice.body).collect();
    bodies.join("\n")
}

#[test]
fn a_mail_that_ses_refuses_is_settled_and_told_with_what_to_do() {
    let world = two_months();
    let until = world.now() + hour();
    world.outage(SEND, ErrorKind::Invalid, until);
    let made = handle(&world, &policy(), &scheduled());
    assert_eq!(made["mails"][0]["state"], "refused");
    let told = told(&world);
    assert!(told.contains("Mails refused"), "{told}");
    assert!(
        told.contains(r#""resend":["all","payments","search@example.com"]"#),
        "{told}"
    );
    let settled = stored_json(&world, "mails/2026-10/all.settled");
    assert!(
        settled["refused"]["because"]
            .as_str()
            .unwrap()
            .contains(SEND)
    );
    // Put right, and asked for again.
    world.advance(hour());
    handle(&world, &policy(), &json!({ "resend": ["all", "payments"] }));
    assert_eq!(
        receivers(&world),
        ["sre@example.com", "payments@example.com"]
    );
}

#[test]
fn a_mail_that_ses_throttles_for_a_moment_is_sent_once() {
    let world = two_months();
    let until = world.now() + jiff::SignedDuration::from_secs(2);
    world.outage(SEND, ErrorKind::Throttled, until);
    handle(&world, &policy(), &scheduled());
    assert_eq!(receivers(&world).len(), 3);
    assert!(!told(&world).contains("in doubt"));
}

#[test]
fn a_mail_that_ses_throttles_for_long_is_in_doubt_and_told() {
    let world = two_months();
    let until = world.now() + hour();
    world.outage(SEND, ErrorKind::Throttled, until);
    handle(&world, &policy(), &scheduled());
    assert!(mails(&world).is_empty());
    let told = told(&world);
    assert!(told.contains("Mails in doubt"), "{told}");
    assert!(told.contains("throttled"), "{told}");
}

#[test]
fn a_mail_whose_answer_is_lost_is_told_once_and_sent_again_only_if_asked_for() {
    let world = two_months();
    let until = world.now() + jiff::SignedDuration::from_secs(1);
    world.outage_after(SEND, ErrorKind::Unavailable, until);
    handle(&world, &policy(), &scheduled());
    assert_eq!(receivers(&world).len(), 3, "SES took all of them");
    assert!(told(&world).contains("Mails in doubt"));
    let before = notices(&world).len();
    world.advance(hour());
    handle(&world, &policy(), &json!({ "again": true }));
    assert_eq!(receivers(&world).len(), 3);
    world.advance(hour());
    handle(&world, &policy(), &scheduled());
    assert!(notices(&world).len() <= before + 1, "told again and again");
    handle(&world, &policy(), &json!({ "resend": ["payments"] }));
    assert_eq!(receivers(&world)[3..], ["payments@example.com"]);
    let settled = stored_json(&world, "mails/2026-10/owner-payments.settled");
    assert!(settled["sent"]["at"].is_string(), "{settled}");
}

#[test]
fn a_claim_whose_answer_is_lost_is_the_runs_own_and_its_mail_is_sent() {
    let clean = two_months();
    handle(&clean, &policy(), &scheduled());
    let claim = format!("{STORE}/mails/2026-10/all.claimed");
    let calls = clean.calls();
    let created = calls.iter().position(|call| call.subject == claim).unwrap();
    // The SDK tries again, and S3 answers that there is one.
    for kind in [ErrorKind::Conflict, ErrorKind::Unavailable] {
        let world = two_months();
        let fault = Fault {
            call: created + 1,
            kind: FaultKind::ErrorAfter(kind),
        };
        let (handled, _) = handle_with(&world, &policy(), &scheduled(), Some(fault));
        assert!(matches!(handled, Driven::Done(Ok(_))), "{handled:?}");
        assert_eq!(receivers(&world).len(), 3);
        assert!(!told(&world).contains("in doubt"));
    }
}

#[test]
fn a_mail_that_was_claimed_by_a_run_that_ended_is_told_and_not_sent() {
    let world = two_months();
    // The run ends as it is about to send its first mail.
    let clean = two_months();
    let (_, run) = handle_with(&clean, &policy(), &scheduled(), None);
    let calls = clean.calls();
    assert_eq!(calls.len(), run.calls());
    let first = calls.iter().position(|call| call.name == SEND).unwrap();
    let fault = Fault {
        call: first + 1,
        kind: FaultKind::CancelBefore,
    };
    let (ended, _) = handle_with(&world, &policy(), &scheduled(), Some(fault));
    assert!(matches!(ended, Driven::Cancelled));
    assert!(
        world
            .objects(STORE)
            .contains_key("mails/2026-10/all.claimed")
    );

    // At once, it may still be sending.
    let (handled, _) = handle_with(&world, &policy(), &scheduled(), None);
    let Driven::Done(Err(error)) = handled else {
        panic!("nobody waits for the run that has the claim")
    };
    assert_eq!(error.kind, "MailsUnderWay");
    world.advance(hour());
    handle(&world, &policy(), &scheduled());
    assert_eq!(
        receivers(&world),
        ["payments@example.com", "search@example.com"]
    );
    let told = told(&world);
    assert!(told.contains("Mails in doubt"), "{told}");
    assert!(
        told.contains(r#"{"month":"2026-10","resend":["all"]}"#),
        "{told}"
    );
}
