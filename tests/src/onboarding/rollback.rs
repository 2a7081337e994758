//! Rollbacks: the older of two releases meets messages of the newer one.

use serde_json::json;

use super::harness::{account, created, is_in_place, policy, start};
use crate::harness::{Sqs, enqueue};
use banto_fake::World;

/// O1: a message that can't be read comes again until it is a dead letter, and holds up no other.
#[test]
fn a_message_of_a_newer_release_is_no_loss_and_holds_up_no_account() {
    let world = World::at(start());
    let id = account(&world);
    let policy = policy();
    let newer = json!({ "kind": "publishDashboard", "pages": 2, "version": 2 });
    enqueue(&world, &[newer.clone(), created()]);
    let mut sqs = Sqs::default();
    sqs.deliver(&world, &policy, None);
    assert!(sqs.dead.is_empty());
    sqs.settle(&world, &policy, &[]);
    assert!(is_in_place(&world, &id));
    let dead: Vec<&str> = sqs
        .dead
        .iter()
        .map(|message| message.body.as_str())
        .collect();
    assert_eq!(dead, [newer.to_string()]);
}
