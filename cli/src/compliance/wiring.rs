//! The ports of `compliance open`, with the operator's credentials.

use std::sync::Arc;

use anyhow::Result;
use banto_aws::Aws;
use banto_domain::policy::CompliancePolicy;
use banto_lambda::SystemClock;
use banto_ports::{AccountCache, Aggregator, Clock, FindingStore, Organization};

/// What open findings are read from. Nothing is written there.
pub(super) struct Ports {
    pub(super) organization: Arc<dyn Organization>,
    pub(super) accounts: Arc<dyn AccountCache>,
    pub(super) findings: Arc<dyn FindingStore>,
    pub(super) aggregator: Arc<dyn Aggregator>,
    pub(super) clock: Arc<dyn Clock>,
}

pub(super) fn ports(aws: &Aws, policy: &CompliancePolicy) -> Result<Ports> {
    let clients = aws.compliance(policy);
    let table = Arc::new(clients.table);
    Ok(Ports {
        organization: Arc::new(clients.organization),
        accounts: table.clone(),
        findings: table,
        aggregator: Arc::new(clients.aggregator),
        clock: Arc::new(SystemClock::from_env()?),
    })
}
