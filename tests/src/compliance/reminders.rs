//! What stays open is reminded of, by its severity and with its age, and nothing else is.

use std::sync::Arc;

use banto_domain::compliance::Compliance;
use banto_domain::policy::CompliancePolicy;
use banto_fake::{Fault, FaultKind, World};

use super::harness::{
    Evaluation, PAYMENTS, account, bad, check_daily, day, lines, minutes, policy_with, scheduled,
    seen, start, tell, text, world,
};
use crate::harness::{Sqs, handle, settle};

const TO_CHANNEL: &str = "{ channel = \"C0PAYMENTS\" }";
const HIGH: (&str, &str) = (
    "[compliance.rules.bucket-public]",
    "[compliance.rules.bucket-logging]\nseverity = \"high\"\n\n[compliance.rules.bucket-public]",
);

fn website() -> Evaluation<'static> {
    bad(PAYMENTS, "bucket-public", "website")
}

fn policy() -> CompliancePolicy {
    policy_with(&[HIGH])
}

/// A world in which people know of a critical finding, a high one and one of medium severity.
fn told(policy: &CompliancePolicy) -> Arc<World> {
    let world = world();
    for finding in [
        website(),
        bad(PAYMENTS, "bucket-logging", "backup"),
        bad(PAYMENTS, "bucket-tags", "archive"),
    ] {
        world.evaluate(&finding.key(), Compliance::Noncompliant, start());
        tell(&world, policy, &[finding.event()]);
    }
    world
}

/// The reminders on a way.
fn reminders(world: &World, way: &str) -> Vec<String> {
    let mut reminders = lines(world, way);
    reminders.retain(|line| line.contains("still open, the oldest"));
    reminders
}

fn in_channel(world: &World) -> Vec<String> {
    reminders(world, "C0PAYMENTS")
}

#[test]
fn what_is_critical_is_reminded_of_daily_and_what_is_high_weekly_with_its_age() {
    let policy = policy();
    let world = told(&policy);
    check_daily(&world, &policy, 14);
    let reminders = in_channel(&world);
    let of = |severity: &str| {
        let of_it = reminders.iter().filter(|line| line.starts_with(severity));
        of_it.cloned().collect::<Vec<_>>()
    };
    let critical = of("[critical]");
    assert_eq!(critical.len(), 14, "{reminders:#?}");
    assert_eq!(
        critical[0],
        "[critical] 1 finding still open, the oldest for 1 day"
    );
    assert_eq!(
        critical[13],
        "[critical] 1 finding still open, the oldest for 14 days"
    );
    assert_eq!(
        of("[high]"),
        [
            "[high] 1 finding still open, the oldest for 7 days",
            "[high] 1 finding still open, the oldest for 14 days"
        ]
    );
    assert_eq!(reminders.len(), 16);
    let told = seen(&world);
    let reminder = told.iter().find(|seen| seen.first == critical[0]).unwrap();
    assert!(
        reminder.text.contains("website in payments"),
        "{}",
        reminder.text
    );
}

#[test]
fn what_was_resolved_meanwhile_is_not_reminded_of() {
    let policy = policy();
    let world = told(&policy);
    check_daily(&world, &policy, 1);
    assert_eq!(in_channel(&world).len(), 1);
    world.evaluate(&website().key(), Compliance::Compliant, world.now());
    tell(&world, &policy, &[website().good(world.now()).event()]);
    check_daily(&world, &policy, 3);
    assert_eq!(in_channel(&world).len(), 1);
}

#[test]
fn an_account_that_moved_meanwhile_is_reminded_of_to_its_new_team_alone() {
    let policy = policy();
    let world = told(&policy);
    world.change_account(&account(PAYMENTS), |member| {
        member
            .org_tags
            .insert("team".to_owned(), "search".to_owned());
    });
    check_daily(&world, &policy, 4);
    assert_eq!(in_channel(&world), Vec::<String>::new());
    let heard = reminders(&world, "webhook");
    assert!(heard.len() >= 2, "{heard:?}");
}

#[test]
fn what_is_waived_meanwhile_is_not_reminded_of() {
    let world = told(&policy());
    let waiver = "[[waivers]]\nrule = \"bucket-public\"\nresource = \"website\"\nowner = \"alice\"\n\
                  reason = \"a public website\"\nuntil = 2026-12-31\n";
    let waived = text().and(waiver).with(HIGH.0, HIGH.1).parse();
    check_daily(&world, &waived.compliance.unwrap(), 3);
    assert_eq!(in_channel(&world), Vec::<String>::new());
}

#[test]
fn a_reminder_waits_for_the_end_of_quiet_hours() {
    let quiet = format!(
        "{TO_CHANNEL}\nquiet = [{{ days = [\"mon\"], from = \"08:00\", to = \"12:00\", time_zone = \"UTC\" }}]\nquiet_below = \"critical\""
    );
    let world = told(&policy());
    // The first Monday on which the high finding is a week old.
    for number in 0..7 {
        world.advance(day());
        if number < 6 {
            continue;
        }
        let policy = policy_with(&[HIGH, (TO_CHANNEL, &quiet)]);
        handle(&world, &policy, &scheduled());
        settle(&world, &policy);
    }
    let messages = world.slack_messages();
    let at = |severity: &str| {
        let line = format!("[{severity}] 1 finding still open");
        let reminder = messages
            .iter()
            .find(|message| message.text().starts_with(&line));
        reminder.map(|message| message.at)
    };
    let monday = start() + day() * 7;
    assert!(
        at("critical").is_some_and(|at| at < monday + minutes(60)),
        "{messages:#?}"
    );
    assert!(
        at("high").is_some_and(|at| at >= monday + minutes(3 * 60)),
        "{messages:#?}"
    );
}

#[test]
fn a_channel_reads_a_reminder_once_wherever_the_run_that_sent_it_ended() {
    let policy = policy();
    let reminded = |faults: &[(usize, Fault)]| {
        let world = told(&policy);
        world.advance(day());
        handle(&world, &policy, &scheduled());
        let mut sqs = Sqs::default();
        sqs.settle(&world, &policy, faults);
        (in_channel(&world).len(), sqs)
    };
    let (clean, sqs) = reminded(&[]);
    assert_eq!(clean, 1);
    let kind = FaultKind::CancelAfter;
    let mut points = 0;
    for (number, calls) in sqs.calls.iter().enumerate() {
        for call in 1..=*calls {
            let (messages, sqs) = reminded(&[(number, Fault { call, kind })]);
            let at = format!("invocation {number}, call {call}");
            assert_eq!((messages, sqs.dead.len()), (1, 0), "{at}");
            points += 1;
        }
    }
    say!("reminders: {points} points");
}

#[test]
fn a_route_by_mail_is_reminded_too() {
    let by_mail = policy_with(&[HIGH, (TO_CHANNEL, "{ mail = [\"payments@example.com\"] }")]);
    let world = told(&by_mail);
    check_daily(&world, &by_mail, 2);
    let heard = reminders(&world, "payments@example.com");
    assert_eq!(
        heard,
        [
            "[critical] 1 finding still open, the oldest for 1 day",
            "[critical] 1 finding still open, the oldest for 2 days"
        ]
    );
}
