//! The ports of deliver.

use std::sync::Arc;

use banto_ports::{Aggregator, Clock, FindingStore, Outbox, RouteLock, RouteRegistry};

use super::route_sender::RouteSender;
use crate::accounts::Accounts;

/// The ports that deliver needs.
pub struct Ports {
    pub outbox: Arc<dyn Outbox>,
    /// Read only: which routes were told of a finding.
    pub findings: Arc<dyn FindingStore>,
    pub lock: Arc<dyn RouteLock>,
    pub registry: Arc<dyn RouteRegistry>,
    pub accounts: Arc<Accounts>,
    pub aggregator: Arc<dyn Aggregator>,
    pub sender: RouteSender,
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}
