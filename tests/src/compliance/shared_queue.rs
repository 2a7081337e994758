//! Events and the comparisons of accounts share a queue.

use banto_fake::{Call, Driven};
use jiff::SignedDuration;

use super::harness::{Evaluation, PAYMENTS, add_account, policy, world};
use crate::harness::{batch, enqueue, failed, handle, handle_with};

/// A message that asks for the comparison of an account.
fn comparison(account: &str) -> serde_json::Value {
    serde_json::json!({ "kind": "reconcile", "account": account, "version": 1 })
}

#[test]
fn an_event_among_comparisons_is_taken_in_before_any_of_them() {
    let (world, policy) = (world(), policy());
    let found = Evaluation::bad(PAYMENTS, "bucket-public", "website", world.now());
    enqueue(&world, &[comparison(PAYMENTS), found.event()]);
    handle(&world, &policy, &batch(&world.receive_events(10)));
    let (calls, finding) = (world.calls(), found.key().id());
    let saves = |call: &Call| call.name == "dynamodb:PutItem" && call.subject == finding;
    let saved = calls.iter().position(saves).unwrap();
    let compares = |call: &Call| call.name.starts_with("config:DescribeAggregateCompliance");
    let compared = calls.iter().position(compares).unwrap();
    assert!(saved < compared, "{calls:#?}");
}

#[test]
fn a_batch_of_comparisons_holds_a_process_for_seconds_and_each_account_is_compared_in_the_end() {
    let (world, policy) = (world(), policy());
    let ids: Vec<String> = (0..100)
        .map(|number| (700_000_000_000_u64 + number).to_string())
        .collect();
    for id in &ids {
        add_account(&world, id, "many", "payments");
    }
    let comparisons: Vec<_> = ids.iter().map(|id| comparison(id)).collect();
    enqueue(&world, &comparisons);
    world.take_time(SignedDuration::from_millis(200));
    let (mut rounds, mut compared) = (0, 0);
    loop {
        let messages = world.receive_events(100);
        if messages.is_empty() {
            break;
        }
        let begun = world.now();
        let (handled, _) = handle_with(&world, &policy, &batch(&messages), None);
        let Driven::Done(Ok(response)) = handled else {
            panic!("{handled:?}");
        };
        assert!(failed(&response.body).is_empty());
        let took = world.now().duration_since(begun);
        assert!(took < SignedDuration::from_secs(30), "{took:?}");
        rounds += 1;
        compared += messages.len();
    }
    assert!(rounds > 1, "all were compared at once");
    assert!(compared > ids.len());
}
