//! The table of compliance: conditions, pages, and what DynamoDB does not take.

use std::collections::BTreeSet;
use std::slice;
use std::sync::Arc;

use banto_domain::compliance::{
    Change, Compliance, FindingKey, FindingState, Lane, OutboxBatch, OutboxEntry, RouteState,
    Severity, Source,
};
use banto_ports::{
    DeliveredBatch, DeliveryCommit, ErrorKind, FindingChange, FindingCommit, FindingStore, Outbox,
    PortError, RouteLease, RouteLock, RouteRegistry,
};
use jiff::SignedDuration;

use super::{done, kind, minutes, region, start, world};
use crate::{Run, World};

fn key(name: &str) -> FindingKey {
    FindingKey::new(
        "111122223333".parse().unwrap(),
        &region("eu-west-1"),
        "encrypted-volumes".parse().unwrap(),
        "AWS::EC2::Volume".to_owned(),
        name.to_owned(),
    )
}

fn change(name: &str, expected_revision: Option<u64>) -> FindingChange {
    FindingChange {
        expected_revision,
        after: FindingState {
            key: key(name),
            evaluated_in: region("eu-west-1"),
            compliance: Compliance::Noncompliant,
            recorded_at: start(),
            told: BTreeSet::from(["payments".to_owned()]),
            changes: Vec::new(),
            flapping: false,
            doubted_at: None,
            unknown_since: None,
            revision: expected_revision.unwrap_or_default() + 1,
        },
    }
}

fn entry(name: &str, severity: Severity) -> OutboxEntry {
    OutboxEntry {
        key: key(name),
        evaluated_in: region("eu-west-1"),
        revision: 1,
        recorded_at: start(),
        change: Change::Found,
        source: Source::Event,
        severity,
        annotation: None,
    }
}

fn batch(world: &World, names: &[&str], severity: Severity) -> OutboxBatch {
    let entries: Vec<OutboxEntry> = names.iter().map(|name| entry(name, severity)).collect();
    OutboxBatch::new(entries[0].lane(), entries, world.now())
}

fn saved(run: &Run, commit: &FindingCommit) -> Result<(), PortError> {
    done(run, run.save_findings(commit))
}

fn put(run: &Run, batches: Vec<OutboxBatch>) {
    let batches = batches.into_iter();
    let commit = FindingCommit {
        findings: Vec::new(),
        batches: batches
            .map(|batch| ("payments".to_owned(), batch))
            .collect(),
    };
    saved(run, &commit).unwrap();
}

fn findings(changes: Vec<FindingChange>) -> FindingCommit {
    FindingCommit {
        findings: changes,
        batches: Vec::new(),
    }
}

/// A run that holds the route.
fn holder(world: &Arc<World>) -> (Arc<Run>, RouteLease) {
    let run = world.run(None);
    let lease = RouteLease {
        route: "payments".to_owned(),
        holder: "run-1".to_owned(),
        expires_at: world.now() + minutes(15),
    };
    let state = done(&run, run.lock_route(&lease, world.now())).unwrap();
    assert_eq!(state, RouteState::default());
    (run, lease)
}

#[test]
fn findings_and_batches_are_saved_together_or_not_at_all() {
    let world = world();
    let run = world.run(None);
    let waiting = batch(&world, &["vol-1"], Severity::High);
    let commit = |revision| FindingCommit {
        findings: vec![change("vol-1", revision), change("vol-2", None)],
        batches: vec![("payments".to_owned(), waiting.clone())],
    };
    assert_eq!(
        kind(saved(&run, &commit(Some(1)))),
        Some(ErrorKind::Conflict)
    );
    assert_eq!(world.finding_state(&key("vol-2")), None);
    assert_eq!(world.outbox("payments"), []);
    saved(&run, &commit(None)).unwrap();
    let in_outbox = world.outbox_batches("payments");
    assert_eq!(in_outbox, slice::from_ref(&waiting));
    assert_eq!(kind(saved(&run, &commit(None))), Some(ErrorKind::Conflict));
    saved(&run, &findings(vec![change("vol-1", Some(1))])).unwrap();
    let states = done(&run, run.findings(&[key("vol-1"), key("vol-3")])).unwrap();
    assert_eq!((states.len(), states[&key("vol-1")].revision), (1, 2));
}

#[test]
fn pages_of_open_findings_leave_out_those_that_are_over() {
    let world = world();
    let run = world.run(None);
    world.page_by(2, true);
    for number in 0..5 {
        let mut change = change(&format!("vol-{number}"), None);
        if number == 0 {
            change.after.compliance = Compliance::Compliant;
            change.after.told.clear();
        }
        saved(&run, &findings(vec![change])).unwrap();
    }
    let account = key("vol-0").account;
    let (mut found, mut pages, mut after) = (BTreeSet::new(), 0, None);
    loop {
        let page = done(&run, run.open_findings(&account, after)).unwrap();
        found.extend(page.items.into_iter().map(|state| state.key.resource_id));
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let names = ["vol-1", "vol-2", "vol-3", "vol-4"].map(str::to_owned);
    assert_eq!((found, pages), (names.into(), 5));
}

#[test]
fn an_outbox_is_read_by_lane_then_by_time_and_up_to_its_limit() {
    let world = world();
    let run = world.run(None);
    let low = batch(&world, &["vol-1", "vol-2"], Severity::Low);
    world.advance(minutes(1));
    let lower = batch(&world, &["vol-3"], Severity::Low);
    let critical = batch(&world, &["vol-4"], Severity::Critical);
    put(&run, vec![lower.clone(), low.clone(), critical.clone()]);
    let waiting = |from, limit| done(&run, run.waiting("payments", from, limit)).unwrap();
    assert_eq!(
        waiting(Lane::Critical, 100),
        [critical.clone(), low.clone(), lower.clone()]
    );
    assert_eq!(waiting(Lane::Critical, 2), [critical, low.clone()]);
    assert_eq!(waiting(Lane::High, 1), slice::from_ref(&low));
    let page = done(&run, run.lane_page("payments", Lane::Low, None)).unwrap();
    assert_eq!((page.items.len(), page.next), (2, None));
}

#[test]
fn what_was_delivered_leaves_the_outbox_if_the_run_holds_the_route() {
    let world = world();
    let (run, lease) = holder(&world);
    let told = batch(&world, &["vol-1"], Severity::Low);
    let half = batch(&world, &["vol-2", "vol-3"], Severity::Low);
    put(&run, vec![told.clone(), half.clone()]);
    let left = OutboxBatch {
        entries: half.entries[1..].to_vec(),
        ..half.clone()
    };
    let commit = DeliveryCommit {
        batches: vec![
            DeliveredBatch {
                id: told.id,
                left: None,
            },
            DeliveredBatch {
                id: half.id,
                left: Some(left.clone()),
            },
        ],
        ..DeliveryCommit::default()
    };
    let stranger = RouteLease {
        holder: "run-2".to_owned(),
        ..lease.clone()
    };
    let refused = done(&run, run.commit(&stranger, &commit));
    assert_eq!(kind(refused), Some(ErrorKind::Conflict));
    assert_eq!(world.outbox("payments").len(), 3);
    done(&run, run.commit(&lease, &commit)).unwrap();
    assert_eq!(world.outbox_batches("payments"), [left]);
}

#[test]
fn a_route_is_registered_until_it_is_taken_out_and_a_comparison_is_remembered() {
    let world = world();
    let run = world.run(None);
    for route in ["payments", "payments", "search"] {
        done(&run, run.register_route(route)).unwrap();
    }
    assert_eq!(done(&run, run.registered_routes()).unwrap().len(), 2);
    done(&run, run.deregister_route("payments")).unwrap();
    assert_eq!(
        world.registered_routes(),
        BTreeSet::from(["search".to_owned()])
    );
    let account = key("vol-1").account;
    assert_eq!(done(&run, run.compared_at(&account)).unwrap(), None);
    done(&run, run.save_compared(&account, start())).unwrap();
    assert_eq!(
        done(&run, run.compared_at(&account)).unwrap(),
        Some(start())
    );
}

#[test]
fn a_transaction_that_dynamodb_never_takes_is_refused_and_writes_nothing() {
    let world = world();
    let run = world.run(None);
    let numbers = 0..101;
    let many = numbers.map(|number| change(&format!("vol-{number}"), None));
    let twice = vec![change("vol-1", None), change("vol-1", None)];
    let mut large = batch(&world, &["vol-1"], Severity::Low);
    large.entries[0].annotation = Some("a".repeat(409_600));
    let large = FindingCommit {
        findings: Vec::new(),
        batches: vec![("payments".to_owned(), large)],
    };
    let routes = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let mut half = batch(&world, &["vol-1"], Severity::Low);
    half.entries[0].annotation = Some("a".repeat(380_000));
    let heavy = FindingCommit {
        findings: Vec::new(),
        batches: routes.map(|route| (route.to_owned(), half.clone())).into(),
    };
    for commit in [findings(many.collect()), findings(twice), large, heavy] {
        assert_eq!(kind(saved(&run, &commit)), Some(ErrorKind::Invalid));
    }
    assert_eq!(world.finding_state(&key("vol-1")), None);
    assert_eq!(world.outbox("a"), []);
}

#[test]
fn a_transaction_that_meets_another_one_is_cancelled() {
    let world = world();
    let run = world.run(None);
    world.contend(1);
    let commit = findings(vec![change("vol-1", None), change("vol-2", None)]);
    let error = saved(&run, &commit).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.starts_with("TransactionConflict"), "{error}");
    saved(&run, &commit).unwrap();
}

#[test]
fn a_partition_throttles_what_it_does_not_take_in_a_second_and_a_transaction_takes_twice() {
    let world = world();
    let run = world.run(None);
    world.limit_table(Some(3));
    let register = |name: &str| kind(done(&run, run.register_route(name)));
    assert_eq!(
        (register("a"), register("b"), register("c")),
        (None, None, None)
    );
    assert_eq!(register("d"), Some(ErrorKind::Throttled));
    world.advance(SignedDuration::from_secs(1));
    assert_eq!(register("d"), None);
    // One partition of eight: each write of a transaction takes two of its three units.
    let shard = |name: &str| crate::sharded::shard_of(&key(name).id());
    let names: Vec<String> = (0..100).map(|number| format!("vol-{number}")).collect();
    let same = names.iter().filter(|name| shard(name) == 0);
    let same: Vec<FindingChange> = same.take(2).map(|name| change(name, None)).collect();
    let error = saved(&run, &findings(same.clone())).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Throttled);
    assert!(error.message.starts_with("ThrottlingError"), "{error}");
    assert_eq!(world.finding_state(&same[0].after.key), None);
    let other = names.iter().find(|name| shard(name) == 1).unwrap();
    let spread = vec![same[0].clone(), change(other, None)];
    saved(&run, &findings(spread)).unwrap();
    world.limit_table(None);
    saved(&run, &findings(same[1..].to_vec())).unwrap();
}

#[test]
fn a_deletion_takes_the_units_of_what_it_deletes() {
    let world = world();
    world.limit_table(Some(30));
    let (run, lease) = holder(&world);
    let mut large = batch(&world, &["vol-1"], Severity::Low);
    large.entries[0].annotation = Some("a".repeat(12_000));
    put(&run, vec![large.clone()]);
    let delivered = DeliveredBatch {
        id: large.id,
        left: None,
    };
    let commit = DeliveryCommit {
        batches: vec![delivered],
        ..DeliveryCommit::default()
    };
    let throttled = done(&run, run.commit(&lease, &commit));
    assert_eq!(kind(throttled), Some(ErrorKind::Throttled));
    world.advance(SignedDuration::from_secs(1));
    done(&run, run.commit(&lease, &commit)).unwrap();
    assert_eq!(world.outbox("payments"), []);
}

#[test]
fn calls_are_counted_and_not_kept_where_a_test_says_so() {
    let world = world();
    let run = world.run(None);
    world.count_calls_only();
    done(&run, run.register_route("payments")).unwrap();
    assert_eq!((world.call_count(), world.calls().len()), (1, 0));
}
