//! The ports of ingest.

use std::sync::Arc;

use banto_ports::{AccountCache, Aggregator, Clock, FindingStore, Organization};

use super::account_memory::AccountMemory;
use crate::delivery_queue::DeliveryQueue;

/// The ports that ingest needs.
pub struct Ports {
    pub findings: Arc<dyn FindingStore>,
    pub accounts: Arc<dyn AccountCache>,
    pub memory: AccountMemory,
    pub organization: Arc<dyn Organization>,
    pub aggregator: Arc<dyn Aggregator>,
    pub delivery_queue: DeliveryQueue,
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}
