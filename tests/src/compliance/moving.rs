//! An account that moves takes its findings with it: the old team reads that they have moved and
//! nothing more, the new team hears of them as found.

use std::sync::Arc;

use banto_domain::compliance::Compliance;
use banto_domain::policy::CompliancePolicy;
use banto_fake::{MemberAccount, World};
use jiff::SignedDuration;

use super::harness::{
    Evaluation, PAYMENTS, REGION, account, bad, check_daily, day, lines, minutes, now_in_channel,
    scheduled, seen, start, tell, text, unreminded, unreminded_with, work, world,
};
use crate::harness::{enqueue, handle, settle};

const FOUND: &str = "[critical] S3 bucket is public: website in payments";
const MOVED: &str = "Moved to search: website in payments (S3 bucket is public)";
const RESOLVED: &str = "Resolved: website in payments (S3 bucket is public)";

fn website() -> Evaluation<'static> {
    bad(PAYMENTS, "bucket-public", "website")
}

/// A world whose account payments is years old, and in which the aggregator knows of the website.
fn old_world() -> Arc<World> {
    let world = world();
    world.change_account(&account(PAYMENTS), |member| {
        member.org.joined_at = Some("2020-01-01T00:00:00Z".parse().unwrap());
    });
    world.evaluate(&website().key(), Compliance::Noncompliant, start());
    world
}

fn set_tag(world: &World, id: &str, key: &str, value: &str) {
    world.change_account(&account(id), |member| {
        member.org_tags.insert(key.to_owned(), value.to_owned());
    });
}

fn to_search(world: &World) {
    set_tag(world, PAYMENTS, "team", "search");
}

fn payments(world: &World) -> Vec<String> {
    lines(world, "C0PAYMENTS")
}

fn search(world: &World) -> Vec<String> {
    lines(world, "webhook")
}

#[test]
fn the_old_message_says_where_it_moved_and_the_new_team_hears_it_as_found_with_its_old_time() {
    let (world, policy) = (old_world(), unreminded());
    tell(&world, &policy, &[website().event()]);
    to_search(&world);
    check_daily(&world, &policy, 2);
    assert_eq!(now_in_channel(&world, "C0PAYMENTS"), [MOVED]);
    assert_eq!(payments(&world), [FOUND, MOVED]);
    assert_eq!(search(&world), [FOUND]);
    let messages = seen(&world);
    let found = messages.iter().find(|seen| seen.way == "webhook").unwrap();
    assert!(
        found.text.contains("1 Jun 2026 09:00 UTC"),
        "{}",
        found.text
    );

    // It ends where it is by now.
    world.evaluate(&website().key(), Compliance::Compliant, world.now());
    tell(&world, &policy, &[website().good(world.now()).event()]);
    check_daily(&world, &policy, 2);
    assert_eq!(payments(&world), [FOUND, MOVED]);
    assert_eq!(search(&world), [FOUND, RESOLVED]);
}

#[test]
fn what_is_found_after_the_move_is_the_new_teams_alone() {
    let (world, policy) = (old_world(), unreminded());
    tell(&world, &policy, &[website().event()]);
    to_search(&world);
    check_daily(&world, &policy, 1);
    let before = payments(&world).len();
    let later = Evaluation::bad(PAYMENTS, "bucket-public", "secret-project", world.now());
    tell(&world, &policy, &[later.event()]);
    check_daily(&world, &policy, 3);
    assert_eq!(payments(&world).len(), before);
    let of_payments = seen(&world)
        .into_iter()
        .filter(|seen| seen.way == "C0PAYMENTS");
    let told: String = of_payments.map(|seen| seen.text).collect();
    assert!(!told.contains("secret-project"), "{told}");
}

#[test]
fn an_account_that_moved_before_its_finding_is_told_to_the_new_team_alone() {
    let (world, policy) = (old_world(), unreminded());
    to_search(&world);
    tell(&world, &policy, &[website().event()]);
    check_daily(&world, &policy, 2);
    assert_eq!(
        (payments(&world).len(), search(&world)),
        (0, vec![FOUND.to_owned()])
    );
}

#[test]
fn what_waits_while_its_account_moves_is_told_to_the_new_team_alone() {
    let world = old_world();
    let off = unreminded_with(&[("[compliance]", "[compliance]\nenabled = false")]);
    let policy = unreminded();
    enqueue(&world, &[website().event()]);
    work(&world, &off, minutes(5));
    assert_eq!(world.outbox("payments").len(), 1);
    to_search(&world);
    world.advance(day());
    check_daily(&world, &policy, 2);
    assert_eq!(
        (payments(&world).len(), search(&world)),
        (0, vec![FOUND.to_owned()])
    );
    let payments_reads = seen(&world)
        .into_iter()
        .filter(|seen| seen.way == "C0PAYMENTS");
    assert_eq!(payments_reads.count(), 0);
    assert!(world.outbox("payments").is_empty() && world.outbox("search").is_empty());
}

#[test]
fn the_new_team_never_hears_the_end_of_what_it_never_heard() {
    let (world, policy) = (old_world(), unreminded());
    tell(&world, &policy, &[website().event()]);
    to_search(&world);
    // Facts of the account are as old as a day when it is fixed.
    world.advance(day());
    let fixed = website().good(world.now());
    world.evaluate(&website().key(), Compliance::Compliant, world.now());
    tell(&world, &policy, &[fixed.event()]);
    check_daily(&world, &policy, 3);
    assert_eq!(payments(&world), [FOUND, RESOLVED]);
    assert_eq!(search(&world), Vec::<String>::new());
}

#[test]
fn a_young_account_that_is_tagged_after_its_first_findings_moves_within_two_hours() {
    const YOUNG: &str = "777788889999";
    let (world, policy) = (world(), unreminded());
    let fresh = MemberAccount::new(YOUNG, "checkout", &[REGION], world.now());
    world.add_account(fresh);
    let first = Evaluation::bad(YOUNG, "bucket-public", "one", world.now());
    world.evaluate(&first.key(), Compliance::Noncompliant, world.now());
    tell(&world, &policy, &[first.event()]);
    let told = "[critical] S3 bucket is public: one in checkout";
    assert_eq!(lines(&world, "compliance"), [format!("Banto: {told}")]);
    world.advance(minutes(5));
    set_tag(&world, YOUNG, "team", "payments");
    world.advance(minutes(60));
    // Another finding has the account looked up; no daily check is needed.
    let second = Evaluation::bad(YOUNG, "bucket-logging", "two", world.now());
    world.evaluate(&second.key(), Compliance::Noncompliant, world.now());
    tell(&world, &policy, &[second.event()]);
    work(&world, &policy, minutes(10));
    let mut heard = payments(&world);
    heard.sort();
    assert_eq!(heard, [told, "[medium] bucket-logging: two in checkout"]);
    let before = lines(&world, "compliance");
    assert_eq!(before.len(), 2, "{before:?}");
    assert!(
        before[1].contains("Moved to payments: one in checkout"),
        "{before:?}"
    );
    check_daily(&world, &policy, 3);
    assert_eq!(
        (payments(&world).len(), lines(&world, "compliance").len()),
        (2, 2)
    );
}

#[test]
fn an_account_that_moves_to_another_unit_takes_its_findings_with_it() {
    let by_unit = "[[compliance.routes]]\nname = \"retail\"\nous = [\"ou-ab12-11111111\"]\n\
                   to = { channel = \"C0RETAIL11\" }\n\n[compliance.default]";
    let policy = unreminded_with(&[
        (
            "tag = { key = \"team\", value = \"payments\" }",
            "ous = [\"ou-ab12-cdef3456\"]",
        ),
        ("[compliance.default]", by_unit),
    ]);
    let world = old_world();
    tell(&world, &policy, &[website().event()]);
    world.change_account(&account(PAYMENTS), |member| {
        member.move_to(&[
            "r-ab12".parse().unwrap(),
            "ou-ab12-11111111".parse().unwrap(),
        ]);
    });
    check_daily(&world, &policy, 2);
    assert_eq!(
        payments(&world),
        [
            FOUND,
            "Moved to retail: website in payments (S3 bucket is public)"
        ]
    );
    assert_eq!(lines(&world, "C0RETAIL11"), [FOUND]);
}

#[test]
fn an_account_that_is_renamed_is_told_of_once_and_ends_under_its_new_name() {
    let (world, policy) = (old_world(), unreminded());
    tell(&world, &policy, &[website().event()]);
    world.change_account(&account(PAYMENTS), |member| {
        member.org.name = "checkout".to_owned()
    });
    check_daily(&world, &policy, 2);
    assert_eq!(payments(&world), [FOUND]);
    tell(&world, &policy, &[website().good(world.now()).event()]);
    assert_eq!(
        payments(&world)[1..],
        ["Resolved: website in checkout (S3 bucket is public)"]
    );
}

#[test]
fn a_channel_that_an_accounts_tag_names_follows_the_tag() {
    let policy = unreminded_with(&[
        ("tag = { key = \"team\", value = \"payments\" }\n", ""),
        (
            "{ channel = \"C0PAYMENTS\" }",
            "{ channel_tag = \"banto:slack-channel\" }",
        ),
    ]);
    let world = old_world();
    set_tag(&world, PAYMENTS, "banto:slack-channel", "C0ALPHA111");
    tell(&world, &policy, &[website().event()]);
    assert_eq!(lines(&world, "C0ALPHA111"), [FOUND]);
    set_tag(&world, PAYMENTS, "banto:slack-channel", "C0BETA2222");
    check_daily(&world, &policy, 2);
    let shown = now_in_channel(&world, "C0ALPHA111");
    assert!(shown[0].starts_with("Moved to "), "{shown:?}");
    assert_eq!(
        (shown.len(), lines(&world, "C0BETA2222")),
        (1, vec![FOUND.to_owned()])
    );
    tell(&world, &policy, &[website().good(world.now()).event()]);
    assert_eq!(lines(&world, "C0BETA2222"), [FOUND, RESOLVED]);
    assert_eq!(lines(&world, "C0ALPHA111").len(), 2);
}

/// The policy with a waiver of the website for the first days.
fn waived() -> CompliancePolicy {
    let waiver = "[[waivers]]\nrule = \"bucket-*\"\nresource = \"website\"\nowner = \"alice\"\n\
                  reason = \"a public website\"\nuntil = 2026-06-09\n\
                  [compliance.reminders]\ncritical = false\nhigh = false\n";
    text().and(waiver).parse().compliance.unwrap()
}

#[test]
fn a_waived_finding_moves_and_its_new_team_hears_of_it_when_the_waiver_has_ended() {
    let world = old_world();
    tell(&world, &unreminded(), &[website().event()]);
    let waived = waived();
    to_search(&world);
    check_daily(&world, &waived, 3);
    assert_eq!(
        (payments(&world), search(&world).len()),
        (vec![FOUND.to_owned(), MOVED.to_owned()], 0)
    );
    check_daily(&world, &waived, 8);
    assert_eq!(search(&world), [FOUND]);
    assert_eq!(payments(&world).len(), 2);
}

#[test]
fn a_muted_finding_moves_and_its_new_team_reads_that_it_flaps() {
    let (world, policy) = (old_world(), unreminded());
    for change in 0..9 {
        let at = start() + minutes(20) * change;
        let seen = if change % 2 == 0 {
            Evaluation { at, ..website() }
        } else {
            website().good(at)
        };
        tell(&world, &policy, &[seen.event()]);
    }
    let at = start() + minutes(20) * 8;
    world.evaluate(&website().key(), Compliance::Noncompliant, at);
    assert!(world.finding_state(&website().key()).unwrap().flapping);
    to_search(&world);
    // The facts of the account become a day old before the finding has been stable for as long.
    world.advance(SignedDuration::from_hours(20));
    handle(&world, &policy, &scheduled());
    settle(&world, &policy);
    let shown = now_in_channel(&world, "C0PAYMENTS");
    assert!(
        shown.last().unwrap().starts_with("Moved to search"),
        "{shown:?}"
    );
    let heard = search(&world);
    assert!(
        heard.len() == 1 && heard[0].contains("flapping"),
        "{heard:?}"
    );
    let before = payments(&world).len();
    check_daily(&world, &policy, 3);
    assert_eq!(payments(&world).len(), before);
    assert!(
        !search(&world)
            .iter()
            .any(|line| line.starts_with("Resolved")),
        "{:?}",
        search(&world)
    );
}
