//! Saves the changes of a plan, many findings at once.

use std::time::Duration;

use banto_domain::compliance::FindingKey;
use banto_domain::policy::CompliancePolicy;
use banto_lambda::Invocation;
use banto_ports::{ErrorKind, FindingCommit, PortError};
use futures_util::stream::{self, StreamExt};

use super::CALL_TIME;
use super::plan::Chain;
use super::ports::Ports;

mod pack;

use pack::{commit_of, pack};

/// Commits that are saved at once, to hide the latency of DynamoDB: few enough for the comparison
/// of a large account, 100 findings each, not to be throttled.
const COMMITS_AT_ONCE: usize = 8;

/// Pauses between attempts at a commit that DynamoDB does not take for now. A partition that is
/// throttled takes up again within seconds; what takes longer waits better on the queue.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// The outcome of a chain.
#[derive(Debug)]
pub(super) struct ChainOutcome {
    pub(super) key: FindingKey,
    /// Entries that were put into outboxes, if the chain was saved.
    pub(super) saved: Result<usize, Unsaved>,
}

/// The reason why a commit was not saved.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Unsaved {
    /// Another run changed a finding first.
    Conflict,
    /// There was no time.
    NoTime,
    Failed(PortError),
}

/// Saves chains that change something.
pub(super) async fn apply(
    ports: &Ports,
    policy: &CompliancePolicy,
    chains: &[Chain],
    invocation: &Invocation,
) -> Vec<ChainOutcome> {
    let commits = pack(chains);
    let saves = commits
        .iter()
        .map(|chains| save_together(ports, policy, chains, invocation));
    let outcomes: Vec<Vec<ChainOutcome>> = stream::iter(saves)
        .buffer_unordered(COMMITS_AT_ONCE)
        .collect()
        .await;
    outcomes.into_iter().flatten().collect()
}

/// Saves chains in one commit; if one of them conflicts, each alone.
async fn save_together(
    ports: &Ports,
    policy: &CompliancePolicy,
    chains: &[&Chain],
    invocation: &Invocation,
) -> Vec<ChainOutcome> {
    let saved = save(ports, policy, chains, invocation).await;
    if saved != Err(Unsaved::Conflict) || chains.len() == 1 {
        return outcomes(chains, &saved);
    }
    let mut alone = Vec::new();
    for chain in chains {
        let saved = save(ports, policy, &[chain], invocation).await;
        alone.extend(outcomes(&[chain], &saved));
    }
    alone
}

fn outcomes(chains: &[&Chain], saved: &Result<(), Unsaved>) -> Vec<ChainOutcome> {
    let mut outcomes = Vec::new();
    for chain in chains {
        outcomes.push(ChainOutcome {
            key: chain.key.clone(),
            saved: saved.clone().map(|()| chain.entries.len()),
        });
    }
    outcomes
}

/// Registers the routes, then saves. A call that AWS does not take for now is tried again after a
/// pause, as long as there is time.
async fn save(
    ports: &Ports,
    policy: &CompliancePolicy,
    chains: &[&Chain],
    invocation: &Invocation,
) -> Result<(), Unsaved> {
    let commit = commit_of(chains, ports.clock.now());
    let mut pauses = PAUSES.iter();
    loop {
        if !invocation.has_time_for(CALL_TIME) {
            return Err(Unsaved::NoTime);
        }
        let error = match register_and_save(ports, policy, &commit).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        match (error.kind, pauses.next()) {
            (ErrorKind::Conflict, _) => return Err(Unsaved::Conflict),
            (ErrorKind::Throttled | ErrorKind::Unavailable, Some(pause))
                if invocation.has_time_for(*pause + CALL_TIME) =>
            {
                ports.clock.sleep(*pause).await;
            }
            _ => return Err(Unsaved::Failed(error)),
        }
    }
}

async fn register_and_save(
    ports: &Ports,
    policy: &CompliancePolicy,
    commit: &FindingCommit,
) -> Result<(), PortError> {
    let routes = commit.batches.iter().map(|(route, _)| route.clone());
    ports.register(policy, &routes.collect()).await?;
    ports.findings.save_findings(commit).await
}
