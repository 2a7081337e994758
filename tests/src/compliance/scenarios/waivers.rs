//! Waivers and quiet hours.

use banto_domain::compliance::FindingKey;
use banto_fake::{Fault, FaultKind};

use super::{bad, lines, news};
use crate::compliance::harness::{
    PAYMENTS, account, minutes, policy_and, policy_with, region, rule, scheduled, seen, start,
    tell, world,
};
use crate::harness::{Sqs, enqueue, handle, settle};

pub(super) const WAIVER: &str = r#"
[[waivers]]
rule = "bucket-*"
account = "444455556666"
resource = "website-*"
owner = "alice"
reason = "a public website"
until = 2026-06-09
"#;

#[test]
fn what_is_waived_is_told_when_the_waiver_has_ended_and_its_end_is_announced() {
    let world = world();
    let policy = policy_and(WAIVER);
    let waived = bad(PAYMENTS, "bucket-public", "website-eu");
    let other = bad(PAYMENTS, "bucket-public", "backup");
    tell(&world, &policy, &[waived.event(), other.event()]);
    assert_eq!(
        lines(&world, "C0PAYMENTS"),
        ["[critical] S3 bucket is public: backup in payments"]
    );
    world.aggregate(
        &account(PAYMENTS),
        &region(),
        &rule("bucket-public"),
        vec![waived.found(), other.found()],
    );
    for _ in 0..12 {
        world.advance(minutes(24 * 60));
        handle(&world, &policy, &scheduled());
        settle(&world, &policy);
    }
    let announced = lines(&world, "operators");
    assert_eq!(
        announced,
        [
            "Banto: [action] A waiver ends on 9 Jun 2026: bucket-* for website-* in 444455556666",
            "Banto: [action] A waiver ends on 9 Jun 2026: bucket-* for website-* in 444455556666"
        ]
    );
    assert_eq!(
        news(&world, "C0PAYMENTS")[1..],
        ["[critical] S3 bucket is public: website-eu in payments (2 open)"],
        "once, when the waiver had ended"
    );
}

#[test]
fn an_iam_user_goes_by_name_in_messages_and_in_waivers() {
    let world = world();
    let user = |id: &'static str| bad(PAYMENTS, "access-keys-too-old", id);
    let event = |id: &'static str| {
        let mut event = user(id).event();
        event["detail"]["resourceType"] = "AWS::IAM::User".into();
        event
    };
    let name = |id: &'static str, name: &str| {
        let key = FindingKey::new(
            account(PAYMENTS),
            &region(),
            rule("access-keys-too-old"),
            "AWS::IAM::User".to_owned(),
            id.to_owned(),
        );
        world.name_resource(&key, name);
    };
    name("AIDACKCEVSQ6C2EXAMPLE", "alice");
    name("AIDACKCEVSQ6C3EXAMPLE", "deployer");
    let waiver = "[[waivers]]\nrule = \"access-keys-*\"\nresource = \"deployer\"\nowner = \"alice\"\n\
                  reason = \"moves to OIDC\"\nuntil = 2026-12-31\n";
    tell(
        &world,
        &policy_and(waiver),
        &[
            event("AIDACKCEVSQ6C2EXAMPLE"),
            event("AIDACKCEVSQ6C3EXAMPLE"),
            event("AIDACKCEVSQ6C4EXAMPLE"),
        ],
    );
    let text = &seen(&world)[0].text;
    assert!(text.contains("alice (AIDACKCEVSQ6C2EXAMPLE"), "{text}");
    assert!(
        text.contains("AIDACKCEVSQ6C4EXAMPLE") && !text.contains("deployer"),
        "{text}"
    );
}

#[test]
fn in_quiet_hours_only_what_is_critical_is_told_and_the_rest_in_the_morning() {
    let world = world();
    let quiet = policy_with(&[(
        "to = { channel = \"C0PAYMENTS\" }",
        "to = { channel = \"C0PAYMENTS\" }\nquiet = [{ days = [\"mon\", \"tue\"], from = \"08:00\", to = \"11:00\", time_zone = \"UTC\" }]",
    )]);
    enqueue(
        &world,
        &[
            bad(PAYMENTS, "bucket-public", "a").event(),
            bad(PAYMENTS, "bucket-logging", "b").event(),
        ],
    );
    settle(&world, &quiet);
    let messages = world.slack_messages();
    assert_eq!(
        messages[0].text(),
        "[critical] S3 bucket is public: a in payments"
    );
    assert_eq!(messages[1].text(), "[medium] bucket-logging: b in payments");
    assert!(messages[0].at < start() + minutes(2), "at once");
    assert!(messages[1].at >= start() + minutes(120), "in the morning");
    assert!(
        world.call_count() < 100,
        "nobody asks all the time: {}",
        world.call_count()
    );
}

#[test]
fn what_was_posted_before_quiet_hours_is_not_posted_again_after_them_wherever_its_run_ended() {
    let quiet = policy_with(&[(
        "to = { channel = \"C0PAYMENTS\" }",
        "to = { channel = \"C0PAYMENTS\" }\nquiet = [{ days = [\"mon\"], from = \"09:03\", to = \"11:00\", time_zone = \"UTC\" }]",
    )]);
    let told = |faults: &[(usize, Fault)]| {
        let world = world();
        enqueue(
            &world,
            &[bad(PAYMENTS, "bucket-logging", "website").event()],
        );
        let mut sqs = Sqs::default();
        sqs.settle(&world, &quiet, faults);
        (lines(&world, "C0PAYMENTS").len(), sqs)
    };
    let (messages, clean) = told(&[]);
    assert_eq!(messages, 1);
    for call in 1..=clean.calls[1] {
        // The message that has the route told comes again within the quiet hours.
        let (messages, sqs) = told(&[(
            1,
            Fault {
                call,
                kind: FaultKind::CancelAfter,
            },
        )]);
        assert_eq!((messages, sqs.dead.len()), (1, 0), "call {call}");
    }
}
