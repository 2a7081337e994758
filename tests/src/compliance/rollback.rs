//! Rollbacks: the older of two releases meets findings and messages of the newer one.

use std::sync::Arc;

use banto_domain::compliance::{Compliance, FindingGroup};
use banto_domain::policy::CompliancePolicy;
use banto_fake::{TableItem, World};
use serde_json::{Value, json};

use super::harness::{
    Evaluation, PAYMENTS, SEARCH, account, bad, check_daily, lines, minutes, policy, rule,
    scheduled, seen, start, tell, world,
};
use crate::harness::{Function, Sqs, enqueue, handle, settle, work_off};

/// N1 and N5: one that can't be read holds up no other, and is told once it can be.
#[test]
fn a_finding_of_a_newer_release_holds_up_no_other_of_its_batch_and_is_not_lost() {
    let world = world();
    let policy = policy();
    let names = ["a", "b", "c", "d", "e"];
    let evaluations = names.map(|name| Evaluation::bad(PAYMENTS, "bucket-public", name, start()));
    let newer = evaluations[2].key();
    let item = TableItem::Finding(newer.clone());
    world.set_of_newer_release(&item, true);
    enqueue(&world, &evaluations.map(|evaluation| evaluation.event()));
    assert_eq!(work_off(&world, &policy), 1, "the others are done");
    let known = |name: &str| {
        let evaluation = Evaluation::bad(PAYMENTS, "bucket-public", name, start());
        world.finding_state(&evaluation.key()).is_some()
    };
    assert_eq!(names.map(known), [true, true, false, true, true]);
    world.set_of_newer_release(&item, false);
    settle(&world, &policy);
    assert_eq!(names.map(known), [true; 5]);
    assert_eq!(world.finding_state(&newer).unwrap().told.len(), 1);
}

/// N1: a message that can't be read comes again until it is a dead letter, and holds up no other.
#[test]
fn a_message_of_a_newer_release_comes_again_and_ends_as_a_dead_letter_not_as_nothing() {
    let world = world();
    let policy = policy();
    let newer = json!({ "kind": "deliver", "version": 2, "lane": "high", "route": "payments" });
    let website = Evaluation::bad(PAYMENTS, "bucket-public", "website", start());
    enqueue(&world, &[newer.clone(), website.event()]);
    let mut sqs = Sqs::default();
    sqs.deliver(&world, &policy, None);
    assert!(
        world.finding_state(&website.key()).is_some(),
        "the event is done"
    );
    assert!(sqs.dead.is_empty(), "the message comes again");
    sqs.settle(&world, &policy, &[]);
    let dead: Vec<&str> = sqs
        .dead
        .iter()
        .map(|message| message.body.as_str())
        .collect();
    assert_eq!(dead, [newer.to_string()]);
    assert_eq!(
        sqs.dead[0].receives,
        <banto_domain::policy::CompliancePolicy as Function>::RECEIVES
    );
    world.advance(minutes(5));
    settle(&world, &policy);
    assert_eq!(lines(&world, "C0PAYMENTS").len(), 1);
}

/// A world in which the owners of an account know of a finding, and each account was compared.
fn told(policy: &CompliancePolicy) -> Arc<World> {
    let world = world();
    let website = bad(PAYMENTS, "bucket-public", "website");
    world.evaluate(&website.key(), Compliance::Noncompliant, start());
    world.evaluate(
        &bad(SEARCH, "bucket-public", "index").key(),
        Compliance::Compliant,
        start(),
    );
    tell(&world, policy, &[website.event()]);
    check_daily(&world, policy, 1);
    world
}

fn is_told(world: &World, way: &str, resource: &str) -> bool {
    let mut seen = seen(world).into_iter();
    seen.any(|message| message.way == way && message.text.contains(resource))
}

/// N1: what only spares work, or says when it was done, stops nothing if it can't be read, and stays.
#[test]
fn a_time_or_a_name_that_a_newer_release_noted_stops_nothing_and_stays() {
    let policy = policy();
    for item in [
        TableItem::Schedule("payments".to_owned()),
        TableItem::Registered("payments".to_owned()),
        TableItem::Compared(account(PAYMENTS)),
    ] {
        let world = told(&policy);
        world.set_of_newer_release(&item, true);
        let before = world.content_of(&item);
        assert!(before.starts_with("Some"), "{item:?}: {before}");
        let compared = world.compared_at(&account(SEARCH));
        // Of one nobody brings an event, so that the daily comparison has to find it.
        let missed = bad(PAYMENTS, "bucket-public", "missed");
        world.evaluate(&missed.key(), Compliance::Noncompliant, world.now());
        let brought = [PAYMENTS, SEARCH]
            .map(|account| Evaluation::bad(account, "bucket-public", "brought", world.now()));
        for evaluation in &brought {
            world.evaluate(&evaluation.key(), Compliance::Noncompliant, world.now());
        }
        tell(
            &world,
            &policy,
            &brought.map(|evaluation| evaluation.event()),
        );
        check_daily(&world, &policy, 1);
        assert!(is_told(&world, "C0PAYMENTS", "brought"), "{item:?}");
        assert!(is_told(&world, "webhook", "brought"), "{item:?}");
        assert!(is_told(&world, "C0PAYMENTS", "missed"), "{item:?}");
        assert!(
            world.digests_of("payments").is_empty(),
            "{item:?}: no takeover"
        );
        assert!(world.compared_at(&account(SEARCH)) > compared, "{item:?}");
        assert_eq!(world.content_of(&item), before, "{item:?}");
    }
}

/// N1 and N5: a route that can't be read stands still as it is; no other does, and nothing is lost.
#[test]
fn a_route_of_a_newer_release_stands_still_and_no_other_and_tells_all_once_it_can_be_read() {
    let policy = policy();
    let group = FindingGroup::id_of(&account(PAYMENTS), &rule("bucket-public"));
    for kind in ["state", "batch", "group"] {
        let world = told(&policy);
        let bad = |account, name| Evaluation::bad(account, "bucket-public", name, world.now());
        enqueue(&world, &[bad(PAYMENTS, "second").event()]);
        work_off(&world, &policy);
        let waiting = world.outbox_batches("payments");
        let name = "payments".to_owned();
        let item = match kind {
            "state" => TableItem::RouteState(name),
            "batch" => TableItem::Batch(name, waiting[0].id.clone()),
            _ => TableItem::Group(name, group.clone()),
        };
        world.set_of_newer_release(&item, true);
        let before = world.content_of(&item);
        assert!(before.starts_with("Some"), "{item:?}: {before}");
        let lines_before = lines(&world, "C0PAYMENTS");
        let mut sqs = Sqs::default();
        let events = [bad(PAYMENTS, "third"), bad(SEARCH, "index")];
        enqueue(&world, &events.map(|evaluation| evaluation.event()));
        sqs.settle(&world, &policy, &[]);
        handle(&world, &policy, &scheduled());
        sqs.settle(&world, &policy, &[]);
        assert!(is_told(&world, "webhook", "index"), "{kind}");
        assert_eq!(lines(&world, "C0PAYMENTS"), lines_before, "{kind}");
        assert_eq!(world.content_of(&item), before, "{kind}");
        assert!(!sqs.dead.is_empty(), "{kind}");
        for message in &sqs.dead {
            let body: Value = serde_json::from_str(&message.body).unwrap();
            assert_eq!(body["route"], "payments", "{kind}: {body}");
        }
        world.set_of_newer_release(&item, false);
        handle(&world, &policy, &scheduled());
        settle(&world, &policy);
        assert!(world.outbox("payments").is_empty(), "{kind}");
        for resource in ["second", "third"] {
            assert!(
                is_told(&world, "C0PAYMENTS", resource),
                "{kind}: {resource}"
            );
        }
    }
}
