//! The ports of a convergence.

use std::sync::Arc;

use banto_notice::NoticeSender;
use banto_ports::{
    AccountAccess, AccountStatuses, Clock, Dashboard, Organization, Queue, StackInstances,
};

/// The ports that a convergence needs.
#[derive(Clone)]
pub struct Ports {
    pub organization: Arc<dyn Organization>,
    pub account_access: Arc<dyn AccountAccess>,
    /// Asked only if the policy's way is the StackSet.
    pub stack_instances: Arc<dyn StackInstances>,
    pub queue: Arc<dyn Queue>,
    pub statuses: Arc<dyn AccountStatuses>,
    pub dashboard: Arc<dyn Dashboard>,
    pub notice_sender: Arc<NoticeSender>,
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}
