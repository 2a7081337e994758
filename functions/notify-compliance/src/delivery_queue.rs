//! Queues deliveries: a message for each route, unless one is to come in time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use banto_notice::QueueMessage;
use banto_ports::{Clock, Delayed, DeliverySchedule, PortError, Queue};
use jiff::SignedDuration;

use crate::delays::{AFTER_DUE, LONGEST_DELAY};

/// The queue of notify-compliance, as both halves write to it.
#[derive(Clone)]
pub struct DeliveryQueue {
    pub queue: Arc<dyn Queue>,
    pub due_times: Arc<dyn DeliverySchedule>,
    pub clock: Arc<dyn Clock>,
}

impl DeliveryQueue {
    /// Queues a delivery on each route that has none to come by then.
    pub(crate) async fn queue_deliveries(
        &self,
        routes: &BTreeSet<String>,
        after: SignedDuration,
    ) -> Result<(), PortError> {
        let after = after.min(LONGEST_DELAY);
        for route in routes {
            if !self.is_queued(route, after).await? {
                self.queue_delivery(route, after).await?;
            }
        }
        Ok(())
    }

    /// True if a delivery is to come that is not later than one queued now.
    async fn is_queued(&self, route: &str, after: SignedDuration) -> Result<bool, PortError> {
        let now = self.clock.now();
        let due = self.due_times.delivery_due(route).await?;
        Ok(due.is_some_and(|due| now < due && due <= now + after))
    }

    async fn queue_delivery(&self, route: &str, after: SignedDuration) -> Result<(), PortError> {
        let due = self.clock.now() + after;
        let message = QueueMessage::Deliver {
            route: route.to_owned(),
        };
        self.send(&[message], after.unsigned_abs() + AFTER_DUE)
            .await?;
        self.due_times.save_delivery_due(route, due).await
    }

    /// Sends a message anew, to be handled at once.
    pub(crate) async fn requeue(&self, message: &QueueMessage) -> Result<(), PortError> {
        self.send(std::slice::from_ref(message), Duration::ZERO)
            .await
    }

    pub(crate) async fn send(
        &self,
        messages: &[QueueMessage],
        delay: Duration,
    ) -> Result<(), PortError> {
        let mut delayed = Vec::new();
        for message in messages {
            let body = message.body();
            delayed.push(Delayed { body, delay });
        }
        self.queue.send(&delayed).await
    }
}

impl std::fmt::Debug for DeliveryQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeliveryQueue").finish_non_exhaustive()
    }
}
