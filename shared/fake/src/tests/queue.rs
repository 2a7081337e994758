//! The queue: receipts, counts, and messages that are hidden.

use std::time::Duration;

use banto_domain::QueueUrl;
use banto_ports::{Delayed, ErrorKind, PortError, Queue, Received, ReceivedMessages};

use super::{done, kind, minutes, start, world};
use crate::{DELIVERIES_ARN, DeliveriesQueue, QUEUE_ARN, Queued, Run, World};

fn enqueue(world: &World) {
    world.enqueue(&[Delayed {
        body: "{}".to_owned(),
        delay: Duration::ZERO,
        group: None,
    }]);
}

fn message(body: &str, seconds: u64, group: Option<&str>) -> Delayed {
    Delayed {
        body: body.to_owned(),
        delay: Duration::from_secs(seconds),
        group: group.map(str::to_owned),
    }
}

fn hide(run: &Run, message: &Queued, seconds: u64) -> Result<(), PortError> {
    let received = Received {
        queue: QueueUrl::of_arn(message.queue).unwrap(),
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
fn deliveries_do_not_queue_behind_events_and_each_queue_takes_its_own_messages_back() {
    let world = world();
    enqueue(&world);
    let run = world.run(None);
    let deliveries = DeliveriesQueue(run.clone());
    done(
        &run,
        deliveries.send(&[message("deliver", 60, Some("payments"))]),
    )
    .unwrap();
    assert_eq!(world.next_message_at(), Some(start()));
    assert!(world.receive_deliveries(10).is_empty());
    world.advance(minutes(1));
    let delivery = world.receive(10).remove(0);
    assert_eq!(
        (delivery.queue, &*delivery.body),
        (DELIVERIES_ARN, "deliver")
    );
    assert_eq!(delivery.group.as_deref(), Some("payments"));
    hide(&run, &delivery, 120).unwrap();
    world.put_back(delivery, minutes(15));
    let event = world.receive(10).remove(0);
    assert_eq!((event.queue, world.waiting_messages()), (QUEUE_ARN, 1));
    world.put_back(event, minutes(15));
    assert!(world.receive_events(10).is_empty());
    assert_eq!(world.next_message_at(), Some(start() + minutes(3)));
    world.advance(minutes(2));
    assert_eq!(world.receive_deliveries(10).len(), 1);
}

#[test]
fn messages_come_in_the_order_in_which_they_are_seen() {
    let world = world();
    let seconds = [30, 10, 20, 10];
    let messages: Vec<Delayed> = seconds
        .iter()
        .enumerate()
        .map(|(number, seconds)| message(&number.to_string(), *seconds, None))
        .collect();
    world.enqueue(&messages);
    world.advance(minutes(1));
    let received = [world.receive(3), world.receive(3)].concat();
    let order: Vec<&str> = received.iter().map(|message| &*message.body).collect();
    assert_eq!(order, ["1", "3", "2", "0"]);
}

#[test]
fn a_message_and_a_batch_of_over_one_mebibyte_are_refused() {
    let world = world();
    let run = world.run(None);
    let half = message(&"a".repeat(524_288), 0, None);
    let refused = |messages: &[Delayed]| kind(done(&run, run.send(messages)));
    let long = message(&"a".repeat(1_048_577), 0, None);
    assert_eq!(refused(&[long]), Some(ErrorKind::Invalid));
    let too_many = [half.clone(), half.clone(), message("{}", 0, None)];
    assert_eq!(refused(&too_many), Some(ErrorKind::Invalid));
    assert_eq!(world.waiting_messages(), 0);
    assert_eq!(refused(&[half.clone(), half]), None);
}

#[test]
#[should_panic = "sqs:SendMessageBatch: Entries.0.DelaySeconds: 901, at most 900"]
fn a_delay_that_sqs_never_allows_fails_the_test() {
    let world = world();
    let run = world.run(None);
    let message = Delayed {
        body: "{}".to_owned(),
        delay: Duration::from_secs(901),
        group: None,
    };
    drop(done(&run, run.send(&[message])));
}
