//! The ports of the fan-out.

use std::sync::Arc;

use banto_notice::NoticeSender;
use banto_ports::{AccountStatuses, Clock, Organization, Queue};

/// The ports that the fan-out needs.
#[derive(Clone)]
pub struct Ports {
    pub organization: Arc<dyn Organization>,
    pub queue: Arc<dyn Queue>,
    pub statuses: Arc<dyn AccountStatuses>,
    pub notice_sender: Arc<NoticeSender>,
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}
