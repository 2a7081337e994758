//! Queues deliveries: a message for each route, unless one is to come in time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use banto_notice::QueueMessage;
use banto_ports::{Clock, Delayed, DeliverySchedule, PortError, Queue};
use jiff::SignedDuration;

/// The queue of notify-compliance, as both halves write to it.
#[derive(Clone)]
pub struct Scheduler {
    pub queue: Arc<dyn Queue>,
    pub schedule: Arc<dyn DeliverySchedule>,
    pub clock: Arc<dyn Clock>,
}

impl Scheduler {
    /// Queues a delivery on each route.
    pub(crate) async fn schedule(
        &self,
        routes: &BTreeSet<String>,
        after: SignedDuration,
    ) -> Result<(), PortError> {
        for route in routes {
            if !self.is_scheduled(route, after).await? {
                self.schedule_one(route, after).await?;
            }
        }
        Ok(())
    }

    /// True if a delivery is to come that is not later than one queued now.
    async fn is_scheduled(&self, route: &str, after: SignedDuration) -> Result<bool, PortError> {
        let now = self.clock.now();
        let due = self.schedule.delivery_due(route).await?;
        Ok(due.is_some_and(|due| now < due && due <= now + after))
    }

    async fn schedule_one(&self, route: &str, after: SignedDuration) -> Result<(), PortError> {
        let due = self.clock.now() + after;
        let message = QueueMessage::Deliver {
            route: route.to_owned(),
        };
        // A second later than saved: whatever is put into the outbox before then is delivered.
        let delay = after.unsigned_abs() + Duration::from_secs(1);
        self.send(&[message], delay).await?;
        self.schedule.save_delivery_due(route, due).await
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

impl std::fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scheduler").finish_non_exhaustive()
    }
}
