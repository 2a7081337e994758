//! The queue: receipts, counts, and messages that are hidden.

use std::time::Duration;

use banto_domain::QueueUrl;
use banto_ports::{Delayed, ErrorKind, PortError, Queue, Received, ReceivedMessages};

use super::{done, kind, minutes, start, world};
use crate::{QUEUE_ARN, Queued, Run, World};

fn enqueue(world: &World) {
    world.enqueue(&[Delayed {
        body: "{}".to_owned(),
        delay: Duration::ZERO,
    }]);
}

fn hide(run: &Run, message: &Queued, seconds: u64) -> Result<(), PortError> {
    let received = Received {
        queue: QueueUrl::of_arn(QUEUE_ARN).unwrap(),
        receipt: message.receipt.clone(),
    };
    done(run, run.hide(&received, Duration::from_secs(seconds)))
}

#[test]
fn a_hidden_message_comes_again_when_it_was_to_and_counts_its_receipts() {
    let world = world();
    enqueue(&world);
    let message = world.receive(10).remove(0);
    assert_eq!((message.receives, message.sent_at), (1, start()));
    let run = world.run(None);
    hide(&run, &message, 3_600).unwrap();
    world.put_back(message.clone(), minutes(15));
    assert_eq!(world.next_message_at(), Some(start() + minutes(60)));
    world.advance(minutes(60));
    let again = world.receive(10).remove(0);
    assert_eq!((again.receives, &again.id), (2, &message.id));
    assert_ne!(again.receipt, message.receipt);
    world.put_back(again, minutes(15));
    assert_eq!(world.next_message_at(), Some(start() + minutes(75)));
}

#[test]
fn a_receipt_that_is_over_hides_nothing_and_nothing_is_hidden_for_over_twelve_hours() {
    let world = world();
    enqueue(&world);
    let message = world.receive(10).remove(0);
    let run = world.run(None);
    assert_eq!(kind(hide(&run, &message, 43_200)), None);
    world.advance(minutes(21));
    assert_eq!(kind(hide(&run, &message, 43_200)), Some(ErrorKind::Invalid));
    world.put_back(message.clone(), minutes(15));
    assert_eq!(kind(hide(&run, &message, 60)), Some(ErrorKind::Invalid));
}

#[test]
fn a_time_is_cut_and_rounded_up_as_the_adapter_does() {
    let world = world();
    enqueue(&world);
    let message = world.receive(10).remove(0);
    let run = world.run(None);
    hide(&run, &message, u64::MAX).unwrap();
    world.put_back(message, minutes(15));
    assert_eq!(world.next_message_at(), Some(start() + minutes(700)));
}

#[test]
#[should_panic = "sqs:SendMessageBatch: Entries.0.DelaySeconds: 901, at most 900"]
fn a_delay_that_sqs_never_allows_fails_the_test() {
    let world = world();
    let run = world.run(None);
    let message = Delayed {
        body: "{}".to_owned(),
        delay: Duration::from_secs(901),
    };
    drop(done(&run, run.send(&[message])));
}
