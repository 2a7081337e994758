//! The ports of the function.

use std::sync::Arc;

use banto_domain::AccountId;
use banto_notice::NoticeSender;
use banto_ports::{Aggregator, Clock, Mailer, Objects, Organization};

use crate::engine::Engine;
use crate::store::Store;

/// The ports that a report needs.
#[derive(Clone)]
pub struct Ports {
    pub engine: Arc<dyn Engine>,
    pub store: Store,
    /// Organizations; `None` in a local run without a list of accounts, which then takes those of
    /// the archive.
    pub organization: Option<Arc<dyn Organization>>,
    /// The aggregator, where the policy names one.
    pub aggregator: Option<Arc<dyn Aggregator>>,
    /// The bucket in which onboard-accounts publishes the status of all accounts, where the policy
    /// names one.
    pub statuses: Option<Arc<dyn Objects>>,
    pub mailer: Arc<dyn Mailer>,
    /// The way to operators; `None` in a local run, whose response its caller reads.
    pub notice_sender: Option<Arc<NoticeSender>>,
    pub progress: Arc<dyn Progress>,
    pub clock: Arc<dyn Clock>,
}

/// Hears how far a run is.
pub trait Progress: Send + Sync {
    /// The run has so many accounts to go through.
    fn begins(&self, accounts: usize);

    /// An account was gone through.
    fn account_done(&self, account: &AccountId, name: &str);
}

/// Writes how far a run is to the log.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoggedProgress;

impl Progress for LoggedProgress {
    fn begins(&self, accounts: usize) {
        tracing::info!(accounts, "accounts to collect");
    }

    fn account_done(&self, account: &AccountId, name: &str) {
        tracing::debug!(account.id = %account, account.name = name, "account collected");
    }
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}
