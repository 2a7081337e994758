//! Divides what an invocation brings: observations for one half, deliveries for the other, and
//! messages.

use std::collections::BTreeMap;

use banto_lambda::event::Subscription;
use banto_notice::QueueMessage;

use crate::event::{Item, Observation};

/// The work of an invocation; each piece is tagged with the id of the record that brought it.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) messages: Vec<(String, QueueMessage)>,
    pub(crate) observations: Vec<(String, Observation)>,
    /// Routes to deliver on. Of several messages for one route, the first does for all.
    pub(crate) deliveries: BTreeMap<String, String>,
}

impl Work {
    pub(crate) fn add(&mut self, record: &str, items: Vec<Item>) {
        for item in items {
            match item {
                Item::Observation(observation) => {
                    self.observations.push((record.to_owned(), observation));
                }
                Item::Message(QueueMessage::Deliver { route }) => {
                    self.deliveries
                        .entry(route)
                        .or_insert_with(|| record.to_owned());
                }
                Item::Message(message) => self.messages.push((record.to_owned(), message)),
                Item::Subscription(subscription) => warn_of(&subscription),
                Item::Irrelevant => {}
            }
        }
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
