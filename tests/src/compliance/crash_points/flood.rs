//! A flood, which is counted as it is read. It takes long to prepare, so that faults befall a
//! sample of its calls.

use serde_json::{Value, json};

use super::Begun;
use super::scenes::on;
use crate::compliance::harness::{Evaluation, PAYMENTS, policy, start};
use crate::harness::crash_points::one_fault_in;
use crate::harness::handle;

/// More than are told by group.
const FINDINGS: usize = 2_001;

fn flood() -> Begun {
    Begun {
        name: "a flood",
        prepare: |world| {
            let buckets = (0..FINDINGS).map(|number| format!("bucket-{number}"));
            let events: Vec<Value> = buckets
                .map(|bucket| Evaluation::bad(PAYMENTS, "bucket-logging", &bucket, start()).event())
                .collect();
            handle(world, &policy(), &json!({ "events": events }));
            Vec::new()
        },
        policy,
        expected: vec![on(
            "C0PAYMENTS",
            &["bucket-logging: 2,001 resources in 1 account"],
        )],
        // What a fault leaves is no flood any more: it is named in the thread, in three parts.
        messages: 4,
        more_in_thread: 0,
        waits_for_the_next_day: false,
        has_moved: false,
    }
}

#[test]
fn after_a_fault_while_a_flood_is_told_it_is_told_and_at_most_twice() {
    one_fault_in("crash points of a flood", &[flood()], 11);
}
