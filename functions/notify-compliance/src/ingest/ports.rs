//! The ports of ingest.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use banto_domain::policy::CompliancePolicy;
use banto_ports::{Aggregator, Clock, FindingStore, PortError, RouteRegistry};

use crate::accounts::Accounts;
use crate::delivery_queue::DeliveryQueue;

/// The ports that ingest needs.
pub struct Ports {
    pub findings: Arc<dyn FindingStore>,
    pub registry: Arc<dyn RouteRegistry>,
    pub accounts: Arc<Accounts>,
    pub aggregator: Arc<dyn Aggregator>,
    pub delivery_queue: DeliveryQueue,
    pub clock: Arc<dyn Clock>,
    pub registered: Registered,
}

/// The routes of the policy that this process has registered. One that the policy has dropped is
/// registered each time, for a delivery takes it out once its outbox is empty.
#[derive(Debug, Default)]
pub struct Registered(Mutex<BTreeSet<String>>);

impl Ports {
    /// Registers routes, before anything is put into their outboxes.
    pub(super) async fn register(
        &self,
        policy: &CompliancePolicy,
        routes: &BTreeSet<String>,
    ) -> Result<(), PortError> {
        for route in routes {
            if !self.registered.contains(route) {
                self.registry.register_route(route).await?;
                if policy.route(route).is_some() {
                    self.registered.add(route);
                }
            }
        }
        Ok(())
    }
}

impl Registered {
    fn contains(&self, route: &str) -> bool {
        let registered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        registered.contains(route)
    }

    fn add(&self, route: &str) {
        let mut registered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        registered.insert(route.to_owned());
    }
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}
