//! Reads what is known of the findings and accounts that observations are about. Accounts that had
//! to be looked up are cached.

use std::collections::BTreeSet;

use banto_domain::AccountId;
use banto_domain::compliance::FindingKey;
use banto_ports::PortError;
use jiff::Timestamp;

use super::accounts::accounts;
use super::ports::Ports;
use super::snapshot::{Job, Snapshot};
use crate::resource_names;

/// # Errors
/// If the table can't be read. An account that can't be looked up stays as it was last known; one
/// never known is left out.
pub(super) async fn observe(
    ports: &Ports,
    job: &Job<'_>,
    now: Timestamp,
) -> Result<Snapshot, PortError> {
    let mut keys = BTreeSet::new();
    let mut wanted: BTreeSet<AccountId> = BTreeSet::new();
    for observation in job.observations {
        keys.insert(observation.key.clone());
        wanted.insert(observation.key.account.clone());
    }
    let mut keys: Vec<FindingKey> = keys.into_iter().collect();
    let findings = ports.findings.findings(&keys).await?;
    let accounts = accounts(ports, job.policy, &wanted, now).await?;
    // A waiver may go by a name. While names can't be read, such waivers do not count, and what
    // they cover is told.
    keys.retain(|key| job.policy.may_be_waived_by_name(key, now));
    Ok(Snapshot {
        observations: job.observations.to_vec(),
        findings,
        accounts,
        names: resource_names::names(ports.aggregator.as_ref(), keys).await,
    })
}
