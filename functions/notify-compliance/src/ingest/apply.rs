//! Saves the changes of a plan, each finding's in their order.

use std::collections::BTreeSet;

use banto_domain::compliance::FindingKey;
use banto_ports::PortError;
use futures_util::stream::{self, StreamExt};

use super::plan::{Chain, Plan};
use super::ports::Ports;

/// Findings that are saved at once, to hide the latency of DynamoDB: more than a batch of SQS,
/// which has ten records, and few enough for the comparison of a large account not to be throttled.
const FINDINGS_AT_ONCE: usize = 16;

/// What became of a chain.
#[derive(Debug)]
pub(crate) struct ChainOutcome {
    pub(crate) key: FindingKey,
    pub(crate) saved: usize,
    /// Entries that were put into outboxes.
    pub(crate) queued: usize,
    /// Routes on which something waits.
    pub(crate) routes: BTreeSet<String>,
    /// What ended the chain before its last change.
    pub(crate) error: Option<PortError>,
}

pub(super) async fn apply(ports: &Ports, plan: &Plan) -> Vec<ChainOutcome> {
    let chains = plan.chains.iter().map(|chain| save_chain(ports, chain));
    stream::iter(chains)
        .buffer_unordered(FINDINGS_AT_ONCE)
        .collect()
        .await
}

async fn save_chain(ports: &Ports, chain: &Chain) -> ChainOutcome {
    let mut outcome = ChainOutcome {
        key: chain.key.clone(),
        saved: 0,
        queued: 0,
        routes: chain.redeliver.iter().cloned().collect(),
        error: None,
    };
    for change in &chain.changes {
        if let Err(error) = ports.findings.save_change(change).await {
            outcome.error = Some(error);
            break;
        }
        outcome.saved += 1;
        outcome.queued += change.entries.len();
        for (route, _) in &change.entries {
            outcome.routes.insert(route.clone());
        }
    }
    outcome
}
