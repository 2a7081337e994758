//! Queues deliveries: a message for each route, unless one is to come in time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use banto_notice::QueueMessage;
use banto_ports::{Clock, Delayed, DeliverySchedule, ErrorKind, PortError, Queue};
use jiff::SignedDuration;

use crate::delays::{AFTER_DUE, LONGEST_DELAY};

/// The queues of notify-compliance, as both halves write to them. Deliveries have a queue of their
/// own, for they must not wait behind events.
#[derive(Clone)]
pub struct DeliveryQueue {
    pub deliveries: Arc<dyn Queue>,
    pub events: Arc<dyn Queue>,
    pub due_times: Arc<dyn DeliverySchedule>,
    pub clock: Arc<dyn Clock>,
}

impl DeliveryQueue {
    /// Queues a delivery on each route that has none to come by its time.
    pub(crate) async fn queue_deliveries(
        &self,
        routes: &BTreeMap<String, SignedDuration>,
    ) -> Result<(), PortError> {
        for (route, after) in routes {
            let after = (*after).min(LONGEST_DELAY);
            if !self.is_queued(route, after).await? {
                self.queue_delivery(route, after).await?;
            }
        }
        Ok(())
    }

    /// True if a delivery is to come that is not later than one queued now.
    async fn is_queued(&self, route: &str, after: SignedDuration) -> Result<bool, PortError> {
        let now = self.clock.now();
        let due = left_to_another_release(self.due_times.delivery_due(route).await)?;
        Ok(due.is_some_and(|due| now < due && due <= now + after))
    }

    async fn queue_delivery(&self, route: &str, after: SignedDuration) -> Result<(), PortError> {
        let due = self.clock.now() + after;
        let message = QueueMessage::Deliver {
            route: route.to_owned(),
            attempts: 0,
        };
        self.send(&[message], after.unsigned_abs() + AFTER_DUE)
            .await?;
        left_to_another_release(self.due_times.save_delivery_due(route, due).await)
    }

    /// Sends messages of our own, each to the queue that it belongs to.
    pub(crate) async fn send(
        &self,
        messages: &[QueueMessage],
        delay: Duration,
    ) -> Result<(), PortError> {
        let (mut events, mut deliveries) = (Vec::new(), Vec::new());
        for message in messages {
            let queue = match message {
                QueueMessage::Reconcile { .. } => &mut events,
                QueueMessage::Deliver { .. }
                | QueueMessage::Remind { .. }
                | QueueMessage::RelayNotice { .. } => &mut deliveries,
            };
            queue.push(Delayed {
                body: message.body(),
                delay,
                group: message.group().map(str::to_owned),
            });
        }
        if !events.is_empty() {
            self.events.send(&events).await?;
        }
        if !deliveries.is_empty() {
            self.deliveries.send(&deliveries).await?;
        }
        Ok(())
    }

    /// Sends events anew, as they came: they were not tried, or could not be taken in for now, and
    /// must not become dead letters for that.
    pub(crate) async fn send_events_again(&self, events: &[Delayed]) -> Result<(), PortError> {
        self.events.send(events).await
    }
}

/// The answer about an item that only spares work. One that another release wrote is as good as
/// none, and stays: without it a delivery too many is queued, and with its error no route would
/// have one.
pub(crate) fn left_to_another_release<T: Default>(
    answer: Result<T, PortError>,
) -> Result<T, PortError> {
    match answer {
        Err(error) if error.kind == ErrorKind::Unreadable => {
            tracing::warn!(%error, "item left to another release");
            Ok(T::default())
        }
        answer => answer,
    }
}

impl std::fmt::Debug for DeliveryQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeliveryQueue").finish_non_exhaustive()
    }
}
