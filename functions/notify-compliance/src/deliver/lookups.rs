//! Look-ups that a lane and a flood share: accounts, routes of today, and who was told of a finding.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::AccountId;
use banto_domain::compliance::{AccountInfo, FindingKey, Lane, OutboxBatch, OutboxEntry};
use banto_ports::{ErrorKind, PortError};

use super::ports::Ports;
use super::snapshot::{Job, Snapshot};

pub(super) fn accounts_of<'a>(
    entries: impl Iterator<Item = &'a OutboxEntry>,
) -> BTreeSet<AccountId> {
    entries.map(|entry| entry.key.account.clone()).collect()
}

/// # Errors
/// If an account is not known at all: no route is guessed.
pub(super) async fn look_up(
    ports: &Ports,
    job: &Job<'_>,
    wanted: &BTreeSet<AccountId>,
) -> Result<BTreeMap<AccountId, AccountInfo>, PortError> {
    let infos = ports.accounts.look_up(job.policy, wanted).await?.infos;
    match wanted.iter().find(|account| !infos.contains_key(account)) {
        None => Ok(infos),
        Some(missing) => Err(PortError::new(
            ErrorKind::Unavailable,
            "organizations:DescribeAccount",
            format!("the account {missing} could not be looked up"),
        )),
    }
}

/// True if the finding is one of the route's, as policy and account are today.
pub(super) fn belongs(
    job: &Job<'_>,
    accounts: &BTreeMap<AccountId, AccountInfo>,
    entry: &OutboxEntry,
) -> bool {
    let name = &job.route.route.name;
    let account = accounts.get(&entry.key.account);
    account.is_some_and(|account| job.policy.is_on(name, &entry.key.rule, account))
}

/// Those that ingest has not moved yet.
pub(super) async fn still_told_here(
    ports: &Ports,
    job: &Job<'_>,
    strays: &[FindingKey],
) -> Result<Vec<FindingKey>, PortError> {
    if strays.is_empty() {
        return Ok(Vec::new());
    }
    let states = ports.findings.findings(strays).await?;
    let name = &job.route.route.name;
    let told = states
        .into_values()
        .filter(|state| state.told.contains(name));
    Ok(told.map(|state| state.key).collect())
}

pub(super) fn open_digest(snapshot: &Snapshot) -> Option<String> {
    let open = snapshot.lane_state()?.open_digest.as_ref()?;
    Some(open.id.clone())
}

/// The findings of a first check that were over before it was told: what AWS Config told of them
/// since went ahead in another lane.
pub(super) async fn over_meanwhile(
    ports: &Ports,
    job: &Job<'_>,
    lane: Lane,
    batches: &[OutboxBatch],
) -> Result<BTreeSet<FindingKey>, PortError> {
    if lane != Lane::Takeover {
        return Ok(BTreeSet::new());
    }
    let entries = batches.iter().flat_map(|batch| &batch.entries);
    let mut over: BTreeSet<FindingKey> = entries.map(|entry| entry.key.clone()).collect();
    let keys: Vec<FindingKey> = over.iter().cloned().collect();
    for key in still_told_here(ports, job, &keys).await? {
        over.remove(&key);
    }
    Ok(over)
}
