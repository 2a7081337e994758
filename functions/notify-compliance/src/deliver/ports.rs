//! The ports of deliver.

use std::sync::Arc;

use banto_ports::{Aggregator, Clock, Outbox, RouteLock};

use super::route_sender::RouteSender;

/// The ports that deliver needs.
pub struct Ports {
    pub outbox: Arc<dyn Outbox>,
    pub lock: Arc<dyn RouteLock>,
    pub aggregator: Arc<dyn Aggregator>,
    pub sender: RouteSender,
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}
