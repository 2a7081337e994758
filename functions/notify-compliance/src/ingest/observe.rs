//! Reads what is known of the findings and accounts that observations are about. Accounts that had
//! to be looked up are cached.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::FindingKey;
use banto_domain::{AccountId, Region};
use banto_ports::PortError;
use jiff::{SignedDuration, Timestamp};

use super::ports::Ports;
use super::snapshot::{Job, Snapshot};
use crate::event::{Observation, Verdict};
use crate::resource_names;

/// Time for which a new finding waits for its resource's name, from AWS Config's own time on: AWS
/// Config's throttling and most of its outages are over by then, and a finding that nobody has
/// waived must not wait longer.
const NAME_AWAITED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// # Errors
/// If the table can't be read. An account that can't be looked up stays as it was last known; one
/// never known is left out.
pub(super) async fn observe(ports: &Ports, job: &Job<'_>) -> Result<Snapshot, PortError> {
    let mut regions: BTreeMap<FindingKey, Region> = BTreeMap::new();
    let mut wanted: BTreeSet<AccountId> = BTreeSet::new();
    for observation in job.observations {
        regions.insert(observation.key.clone(), observation.evaluated_in.clone());
        wanted.insert(observation.key.account.clone());
    }
    let keys: Vec<FindingKey> = regions.keys().cloned().collect();
    let findings = ports.findings.findings(&keys).await?;
    let accounts = ports.accounts.look_up(job.policy, &wanted).await?;
    let now = ports.clock.now();
    regions.retain(|key, _| job.policy.findings.may_be_waived_by_name(key, now));
    let resources: Vec<_> = regions.into_iter().collect();
    let facts = resource_names::read(ports.aggregator.as_ref(), &resources).await;
    let (facts, nameless) = match facts {
        Ok(facts) => (facts, BTreeSet::new()),
        Err(error) => {
            tracing::warn!(%error, "names of resources could not be read; waivers may go by them");
            (BTreeMap::new(), waiting_for_names(job, &resources, now))
        }
    };
    Ok(Snapshot {
        observations: job.observations.to_vec(),
        findings,
        accounts: accounts.infos,
        failed_accounts: accounts.failed,
        facts,
        nameless,
    })
}

/// The findings that wait for their names: a waiver may cover them, and what was told can't be
/// taken back. After [`NAME_AWAITED_FOR`] they are told, for the names may never come.
fn waiting_for_names(
    job: &Job<'_>,
    resources: &[(FindingKey, Region)],
    now: Timestamp,
) -> BTreeSet<FindingKey> {
    let is_recent = |observation: &&Observation| {
        observation.verdict == Verdict::Noncompliant
            && now.duration_since(observation.recorded_at) < NAME_AWAITED_FOR
    };
    let recent = job.observations.iter().filter(is_recent);
    let recent: BTreeSet<&FindingKey> = recent.map(|observation| &observation.key).collect();
    let keys = resources.iter().map(|(key, _)| key);
    keys.filter(|key| recent.contains(key)).cloned().collect()
}
