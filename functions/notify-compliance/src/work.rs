//! Divides what an invocation brings: observations for one half, deliveries for the other, and the
//! other messages.

use banto_domain::compliance::FindingKey;
use banto_lambda::event::Subscription;
use banto_notice::QueueMessage;
use jiff::Timestamp;

use crate::event::{Item, Observation};

/// The work of an invocation, in the order in which it is done. Each piece has the id of the record
/// that brought it.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) subscriptions: Vec<(String, Subscription)>,
    pub(crate) observations: Vec<Observation>,
    pub(crate) brought_by: Vec<Brought>,
    /// Messages that ask for a delivery. Of several for one route, the first does for all.
    pub(crate) deliveries: Vec<(String, QueueMessage)>,
    /// Messages of our own that ask for anything but a delivery.
    pub(crate) other_messages: Vec<(String, QueueMessage)>,
}

/// A finding, and the record that brought its observation.
#[derive(Debug)]
pub(crate) struct Brought {
    pub(crate) record: String,
    pub(crate) key: FindingKey,
    /// When AWS Config recorded it.
    pub(crate) at: Timestamp,
}

impl Work {
    pub(crate) fn add(&mut self, record: &str, items: Vec<Item>) {
        for item in items {
            match item {
                Item::Observation(observation) => {
                    self.brought_by.push(Brought {
                        record: record.to_owned(),
                        key: observation.key.clone(),
                        at: observation.recorded_at,
                    });
                    self.observations.push(observation);
                }
                Item::Message(message) => self.add_message(record, message),
                Item::Subscription(subscription) => {
                    self.subscriptions.push((record.to_owned(), subscription));
                }
                Item::Irrelevant => {}
            }
        }
    }

    fn add_message(&mut self, record: &str, message: QueueMessage) {
        if !matches!(message, QueueMessage::Deliver { .. }) {
            self.other_messages.push((record.to_owned(), message));
        } else if !self
            .deliveries
            .iter()
            .any(|(_, known)| known.group() == message.group())
        {
            self.deliveries.push((record.to_owned(), message));
        }
    }
}
