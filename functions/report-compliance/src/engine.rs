//! What reads the archive.

use std::collections::BTreeSet;

use async_trait::async_trait;
use banto_domain::AccountId;
use banto_domain::compliance::FindingKey;
use banto_ports::PortError;

use crate::evidence::{AccountEvidence, EngineUsage, Period};

/// Reads the archive. One engine reads the objects itself, another has Athena read them.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Returns every account of which the archive has anything, of whatever time.
    async fn accounts(&self, period: Period) -> Result<BTreeSet<AccountId>, PortError>;

    /// Reads an account. Within a month, accounts are read one after the other, in ascending order.
    ///
    /// # Errors
    /// If the archive can't be read. An object that is there and can't be understood is one of the
    /// [problems](AccountEvidence::problems) instead.
    async fn read(&self, job: ReadJob<'_>) -> Result<AccountEvidence, PortError>;

    /// Returns what reading has cost since the engine was made.
    fn usage(&self) -> EngineUsage;
}

/// An account to be read.
#[derive(Debug, Clone, Copy)]
pub struct ReadJob<'a> {
    pub account: &'a AccountId,
    pub period: Period,
    /// The findings that were not over at the end of the month before: what became of each is
    /// among the [evaluations](crate::evidence::RegionEvidence::evaluations), be it compliant.
    pub previously_open: &'a BTreeSet<FindingKey>,
    /// The fingerprint of the month before, for all accounts: what was read beside another one says
    /// nothing of what became of this one's findings.
    pub before: &'a str,
}
