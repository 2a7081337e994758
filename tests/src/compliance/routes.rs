//! Nothing waits for ever on a route that the policy no longer names, and nothing is told while
//! Banto is switched off.

use std::sync::Arc;

use banto_domain::compliance::Compliance;
use banto_domain::policy::CompliancePolicy;
use banto_fake::World;

use super::harness::{
    Evaluation, PAYMENTS, SEARCH, add_account, bad, check_daily, day, lines, minutes,
    now_in_channel, scheduled, seen, start, tell, text, unreminded, unreminded_with, work, world,
};
use crate::harness::{enqueue, handle};

const FOUND: &str = "[critical] S3 bucket is public: website in payments";
const RESOLVED: &str = "Resolved: website in payments (S3 bucket is public)";
const RENAMED: (&str, &str) = ("name = \"payments\"", "name = \"team-payments\"");
const TO_CHANNEL: &str = "{ channel = \"C0PAYMENTS\" }";
const ROUTE: &str = "[[compliance.routes]]\nname = \"payments\"\n\
                     tag = { key = \"team\", value = \"payments\" }\n\
                     to = { channel = \"C0PAYMENTS\" }\n";

fn website() -> Evaluation<'static> {
    bad(PAYMENTS, "bucket-public", "website")
}

/// A world in which the aggregator knows of the website.
fn known() -> Arc<World> {
    let world = world();
    world.evaluate(&website().key(), Compliance::Noncompliant, start());
    world
}

fn switched_off() -> CompliancePolicy {
    unreminded_with(&[("[compliance]", "[compliance]\nenabled = false")])
}

/// A world in which the website waits on the route payments.
fn waiting() -> Arc<World> {
    let world = known();
    enqueue(&world, &[website().event()]);
    work(&world, &switched_off(), minutes(2));
    assert_eq!(world.outbox("payments").len(), 1);
    world
}

fn heard(world: &World) -> Vec<String> {
    lines(world, "C0PAYMENTS")
}

#[test]
fn what_waits_on_a_renamed_route_is_told_on_it_under_its_new_name() {
    let (world, renamed) = (waiting(), unreminded_with(&[RENAMED]));
    check_daily(&world, &renamed, 3);
    assert_eq!(heard(&world), [FOUND]);
    assert!(world.outbox("payments").is_empty());
    assert!(!world.registered_routes().contains("payments"));
    let state = world.finding_state(&website().key()).unwrap();
    assert_eq!(state.told, ["team-payments".to_owned()].into());
}

#[test]
fn what_was_told_on_a_renamed_route_is_ended_once_under_its_new_name() {
    for (to, way) in [
        (TO_CHANNEL, "C0PAYMENTS"),
        ("{ channel = \"C0CHECKOUT\" }", "C0CHECKOUT"),
        (
            "{ webhook = \"arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/team-AbCdEf\" }",
            "webhook",
        ),
    ] {
        let world = known();
        tell(&world, &unreminded(), &[website().event()]);
        let renamed = unreminded_with(&[RENAMED, (TO_CHANNEL, to)]);
        check_daily(&world, &renamed, 2);
        world.evaluate(&website().key(), Compliance::Compliant, world.now());
        tell(&world, &renamed, &[website().good(world.now()).event()]);
        check_daily(&world, &renamed, 2);
        // The old message is red no longer.
        let shown = now_in_channel(&world, "C0PAYMENTS");
        let is_over = |text: &String| text.starts_with("Moved to") || text.starts_with("Resolved");
        assert!(shown.iter().all(is_over), "{way}: {shown:?}");
        let told = lines(&world, way);
        let ended: Vec<&String> = told.iter().filter(|line| *line == RESOLVED).collect();
        assert_eq!(ended.len(), 1, "{way}: {told:?}");
        assert!(!world.registered_routes().contains("payments"), "{way}");
        assert!(world.outbox("payments").is_empty(), "{way}");
    }
}

#[test]
fn what_belonged_to_a_removed_route_is_told_on_the_default_one() {
    let removed = unreminded_with(&[(ROUTE, "")]);
    let told = known();
    tell(&told, &unreminded(), &[website().event()]);
    for (world, before) in [(waiting(), 0), (told, 1)] {
        check_daily(&world, &removed, 3);
        assert_eq!(lines(&world, "compliance"), [format!("Banto: {FOUND}")]);
        let found = heard(&world).into_iter().filter(|line| line == FOUND);
        assert_eq!(found.count(), before);
        let shown = now_in_channel(&world, "C0PAYMENTS");
        let is_moved = |text: &String| text.starts_with("Moved to default");
        assert!(shown.iter().all(is_moved), "{shown:?}");
        assert!(!world.registered_routes().contains("payments"));
        assert!(world.outbox("payments").is_empty());
    }
}

#[test]
fn a_route_that_is_renamed_forth_and_back_tells_nothing_twice_in_its_channel() {
    let (world, policy) = (known(), unreminded());
    tell(&world, &policy, &[website().event()]);
    check_daily(&world, &unreminded_with(&[RENAMED]), 1);
    check_daily(&world, &policy, 2);
    let state = world.finding_state(&website().key()).unwrap();
    assert_eq!(state.told, ["payments".to_owned()].into());
    let shown = now_in_channel(&world, "C0PAYMENTS");
    let open = shown.iter().filter(|text| *text == FOUND).count();
    assert_eq!(open, 1, "one message is open: {shown:?}");
}

const WAIVER: &str = "[[waivers]]\nrule = \"bucket-logging\"\nresource = \"*\"\nowner = \"alice\"\n\
                      reason = \"moves next week\"\nuntil = 2026-06-09\n";

/// The policy with a waiver that ends in a week.
fn with_waiver(enabled: bool) -> CompliancePolicy {
    let text = text().and(WAIVER);
    let text = text.and("[compliance.reminders]\ncritical = false\nhigh = false\n");
    let line = format!("[compliance]\nenabled = {enabled}");
    text.with("[compliance]", &line).parse().compliance.unwrap()
}

#[test]
fn switched_off_nothing_at_all_is_told_and_all_of_it_soon_after_it_is_on_again() {
    let (world, off) = (known(), with_waiver(false));
    let other = bad(SEARCH, "bucket-public", "index");
    enqueue(&world, &[website().event(), other.event()]);
    work(&world, &off, minutes(2));
    for _ in 0..3 {
        handle(&world, &off, &scheduled());
        work(&world, &off, minutes(40));
        world.advance(day());
    }
    let told = seen(&world);
    assert!(told.is_empty(), "{told:?}");

    // On again: nobody waits for the daily check.
    work(&world, &with_waiver(true), minutes(17));
    assert_eq!(heard(&world), [FOUND]);
    assert_eq!(lines(&world, "webhook").len(), 1);
    // The waiver's end is told by the schedule.
    check_daily(&world, &with_waiver(true), 1);
    assert_eq!(lines(&world, "operators").len(), 1);
}

#[test]
fn what_begins_and_ends_while_it_is_switched_off_is_told_as_it_is_in_the_end() {
    let (world, policy) = (known(), unreminded());
    tell(&world, &policy, &[website().event()]);
    let (off, later) = (switched_off(), bad(PAYMENTS, "bucket-public", "backup"));
    enqueue(&world, &[website().good(start() + minutes(30)).event()]);
    enqueue(&world, &[later.event()]);
    work(&world, &off, minutes(40));
    assert_eq!(seen(&world).len(), 1);
    work(&world, &policy, minutes(17));
    let shown = now_in_channel(&world, "C0PAYMENTS");
    assert_eq!(
        shown,
        ["[critical] S3 bucket is public: 1 of 2 still open in payments"]
    );
    assert!(seen(&world).iter().any(|seen| seen.text.contains("backup")));
}

/// The findings that an aggregator knew before Banto came: of the payments team in 12 accounts, and
/// one of search.
fn backlog(world: &World) {
    let found = |id: &str, rule: &str, resource: &str| {
        let finding = Evaluation::bad(id, rule, resource, start() - day() * 90);
        world.evaluate(&finding.key(), Compliance::Noncompliant, finding.at);
    };
    for number in 0..12_u64 {
        let id = format!("{:012}", 700_000_000_000 + number);
        add_account(world, &id, &format!("payments-{number}"), "payments");
        for bucket in 0..20 {
            found(&id, "bucket-logging", &format!("bucket-{bucket}"));
        }
    }
    found("700000000000", "bucket-public", "crown-jewels");
    found(SEARCH, "bucket-logging", "index");
}

#[test]
fn a_first_start_with_a_backlog_is_one_digest_a_route_that_names_what_is_critical() {
    let (world, policy) = (world(), unreminded());
    backlog(&world);
    check_daily(&world, &policy, 1);
    assert_eq!(
        now_in_channel(&world, "C0PAYMENTS"),
        ["241 open findings taken over in 12 accounts"]
    );
    assert_eq!(
        lines(&world, "webhook"),
        ["1 open finding taken over in 1 account"]
    );
    let of_payments = seen(&world)
        .into_iter()
        .filter(|seen| seen.way == "C0PAYMENTS");
    let texts: Vec<String> = of_payments.map(|seen| seen.text).collect();
    assert!(texts[0].contains("crown-jewels"), "{}", texts[0]);
    let in_channel = world.slack_messages();
    let shown = in_channel
        .iter()
        .filter(|message| message.thread.is_none() || message.broadcast);
    assert_eq!(shown.count(), 1);

    let before = seen(&world).len();
    check_daily(&world, &policy, 2);
    assert_eq!(seen(&world).len(), before, "{:?}", seen(&world).last());
    // What is found from now on is news, by name.
    let news = Evaluation::bad("700000000000", "bucket-public", "backup", world.now());
    tell(&world, &policy, &[news.event()]);
    let messages = world.slack_messages();
    let shown = messages
        .iter()
        .filter(|message| message.thread.is_none() || message.broadcast);
    let shown: Vec<String> = shown.map(|message| message.body().to_string()).collect();
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert!(shown[1].contains("backup"), "{shown:?}");
    assert_eq!(seen(&world).len(), before + 1, "it is said once");
}
