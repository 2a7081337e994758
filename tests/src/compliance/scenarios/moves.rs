//! Accounts that become another team's, and routes that a policy no longer has.

use std::sync::Arc;

use banto_domain::policy::CompliancePolicy;
use banto_fake::World;

use super::{bad, give_to, lines, list_open, news, next_day};
use crate::compliance::harness::{
    Evaluation, PAYMENTS, SEARCH, add_account, breaches, minutes, policy, policy_with, seen, tell,
    world,
};
use crate::harness::{batch, enqueue, failed, handle, receive, settle};

/// Takes a finding in, and ends before anybody is told.
fn take_in(world: &Arc<World>, policy: &CompliancePolicy, finding: &Evaluation<'_>) {
    enqueue(world, &[finding.event()]);
    assert!(failed(&handle(world, policy, &batch(&receive(world)))).is_empty());
    assert!(seen(world).is_empty());
}

#[test]
fn a_new_team_hears_of_what_is_open_in_its_account_and_the_old_ones_message_says_where_it_went() {
    let world = world();
    let (one, other) = (
        bad(PAYMENTS, "bucket-public", "one"),
        bad(PAYMENTS, "bucket-public", "other"),
    );
    tell(&world, &policy(), &[one.event(), other.event()]);
    give_to(&world, PAYMENTS, "search");
    list_open(&world, "bucket-public", PAYMENTS, &[&one, &other]);
    next_day(&world, &policy());
    let moved = "Moved to search: 2 resources in payments (S3 bucket is public)";
    let messages = world.slack_messages();
    assert_eq!(messages[0].text(), moved);
    assert_eq!(messages[1].text(), moved);
    assert_eq!(messages[1].thread.as_ref(), Some(&messages[0].message.ts));
    let found = "[critical] S3 bucket is public: 2 resources in payments";
    assert_eq!(news(&world, "webhook"), [found]);

    // From now on it is the new team's alone.
    tell(&world, &policy(), &[one.good(world.now()).event()]);
    list_open(&world, "bucket-public", PAYMENTS, &[&other]);
    next_day(&world, &policy());
    assert_eq!(
        news(&world, "webhook")[1..],
        ["[critical] S3 bucket is public: 1 of 2 still open in payments"]
    );
    assert_eq!(lines(&world, "C0PAYMENTS").len(), 2);
}

#[test]
fn a_new_team_that_was_not_told_of_a_finding_does_not_hear_of_its_end() {
    let world = world();
    let finding = bad(PAYMENTS, "bucket-public", "website");
    tell(&world, &policy(), &[finding.event()]);
    give_to(&world, PAYMENTS, "search");
    world.advance(minutes(90));
    tell(&world, &policy(), &[finding.good(world.now()).event()]);
    assert_eq!(
        lines(&world, "C0PAYMENTS")[1..],
        ["Resolved: website in payments (S3 bucket is public)"]
    );
    assert_eq!(lines(&world, "webhook"), Vec::<String>::new());
}

#[test]
fn what_waits_while_its_account_changes_teams_is_told_to_the_team_of_today_alone() {
    let world = world();
    take_in(
        &world,
        &policy(),
        &bad(PAYMENTS, "bucket-public", "website"),
    );
    give_to(&world, PAYMENTS, "search");
    world.advance(minutes(90));
    settle(&world, &policy());
    assert_eq!(
        lines(&world, "webhook"),
        ["[critical] S3 bucket is public: website in payments"]
    );
    assert_eq!(seen(&world).len(), 1, "{:?}", seen(&world));
    assert!(world.outbox("payments").is_empty());
}

#[test]
fn a_young_accounts_first_findings_reach_its_team_when_its_tags_have_come() {
    const YOUNG: &str = "777788889999";
    let world = world();
    add_account(&world, YOUNG, "new-payments", "");
    let early = bad(YOUNG, "bucket-public", "early");
    tell(&world, &policy(), &[early.event()]);
    assert_eq!(lines(&world, "compliance").len(), 1);
    world.advance(minutes(5));
    give_to(&world, YOUNG, "payments");
    list_open(&world, "bucket-public", YOUNG, &[&early]);
    world.advance(minutes(60));
    let later = Evaluation::bad(YOUNG, "bucket-logging", "later", world.now());
    list_open(&world, "bucket-logging", YOUNG, &[&later]);
    // The look at the account shows the change, and so the early finding moves.
    tell(&world, &policy(), &[later.event()]);
    let mut told = lines(&world, "C0PAYMENTS");
    told.sort();
    assert_eq!(
        told,
        [
            "[critical] S3 bucket is public: early in new-payments",
            "[medium] bucket-logging: later in new-payments",
        ]
    );
    assert_eq!(
        lines(&world, "compliance")[1..],
        ["Banto: Moved to payments: early in new-payments (S3 bucket is public)"]
    );
}

#[test]
fn what_waits_on_a_route_that_was_renamed_is_told_on_the_new_one() {
    let world = world();
    take_in(
        &world,
        &policy(),
        &bad(PAYMENTS, "bucket-public", "website"),
    );
    let renamed = policy_with(&[("name = \"payments\"", "name = \"team-payments\"")]);
    settle(&world, &renamed);
    assert_eq!(
        lines(&world, "C0PAYMENTS"),
        ["[critical] S3 bucket is public: website in payments"]
    );
    assert!(world.outbox("payments").is_empty());
    let left = world.registered_routes();
    assert!(!left.contains("payments") && left.contains("team-payments"));
    assert_eq!(breaches(&world), Vec::<String>::new());
}

#[test]
fn a_message_of_a_route_that_was_renamed_is_brought_to_an_end_and_told_anew() {
    let world = world();
    let finding = bad(PAYMENTS, "bucket-public", "website");
    tell(&world, &policy(), &[finding.event()]);
    let renamed = policy_with(&[("name = \"payments\"", "name = \"team-payments\"")]);
    list_open(&world, "bucket-public", PAYMENTS, &[&finding]);
    next_day(&world, &renamed);
    let messages = world.slack_messages();
    assert_eq!(
        messages[0].text(),
        "Moved to team-payments: website in payments (S3 bucket is public)"
    );
    let found = "[critical] S3 bucket is public: website in payments";
    let new = messages.iter().filter(|message| message.text() == found);
    assert_eq!(new.count(), 1, "{:?}", lines(&world, "C0PAYMENTS"));
    assert!(!world.registered_routes().contains("payments"));
}

#[test]
fn what_waits_on_a_route_that_was_dropped_goes_by_the_default_one() {
    let world = world();
    take_in(&world, &policy(), &bad(SEARCH, "bucket-public", "index"));
    // The route is for a team that nobody belongs to.
    let dropped = policy_with(&[
        ("name = \"search\"", "name = \"nobody\""),
        ("value = \"search\"", "value = \"nobody\""),
    ]);
    next_day(&world, &dropped);
    assert_eq!(
        news(&world, "compliance"),
        ["Banto: [critical] S3 bucket is public: index in search"]
    );
    assert_eq!(lines(&world, "webhook"), Vec::<String>::new());
    assert!(world.outbox("search").is_empty());
}
