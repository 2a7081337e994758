//! Divides what an invocation brings: observations for one half, deliveries for the other, and the
//! other messages of our own.

use banto_lambda::event::Subscription;
use banto_notice::QueueMessage;

use crate::event::{Item, Observation};

/// The work of an invocation, in the order in which it is done. Each piece has the id of the record
/// that brought it.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// Messages of our own that ask for anything but a delivery.
    pub(crate) other_messages: Vec<(String, QueueMessage)>,
    pub(crate) observations: Vec<(String, Observation)>,
    /// Messages that ask for a delivery. Of several for one route, the first does for all.
    pub(crate) deliveries: Vec<(String, QueueMessage)>,
}

impl Work {
    pub(crate) fn add(&mut self, record: &str, items: Vec<Item>) {
        for item in items {
            match item {
                Item::Observation(observation) => {
                    self.observations.push((record.to_owned(), observation));
                }
                Item::Message(message) => self.add_message(record, message),
                Item::Subscription(subscription) => warn_of(&subscription),
                Item::Irrelevant => {}
            }
        }
    }

    fn add_message(&mut self, record: &str, message: QueueMessage) {
        if !matches!(message, QueueMessage::Deliver { .. }) {
            self.other_messages.push((record.to_owned(), message));
        } else if !self.deliveries.iter().any(|(_, known)| *known == message) {
            self.deliveries.push((record.to_owned(), message));
        }
    }

    /// The observations, whatever record brought them.
    pub(crate) fn observed(&self) -> Vec<Observation> {
        self.observations
            .iter()
            .map(|(_, observation)| observation.clone())
            .collect()
    }
}

/// Nothing can be done about a subscription but to say that somebody should look at it.
fn warn_of(subscription: &Subscription) {
    tracing::warn!(
        topic = subscription.topic,
        kind = subscription.kind,
        "{subscription}"
    );
}
