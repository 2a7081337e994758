//! Looks accounts up: in memory, else in the table, else in Organizations.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::AccountId;
use banto_domain::compliance::AccountInfo;
use banto_domain::policy::CompliancePolicy;
use banto_ports::{ErrorKind, OrgAccount, PortError, path_of};
use futures_util::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};

use super::ports::Ports;

/// Time for which a look-up is good: a new tag or unit of an account counts after a day at most,
/// and an account costs a few calls of Organizations a day.
const FRESH_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Accounts that are looked up at once. Few, since Organizations throttles all callers of an
/// Organization together.
const ACCOUNTS_AT_ONCE: usize = 8;

/// Returns the accounts that are known, and caches those that were looked up. One that can't be
/// looked up stays as it was last known; one never known is left out.
pub(super) async fn accounts(
    ports: &Ports,
    policy: &CompliancePolicy,
    wanted: &BTreeSet<AccountId>,
    now: Timestamp,
) -> Result<BTreeMap<AccountId, AccountInfo>, PortError> {
    let mut found = ports.memory.recall(wanted);
    let not_remembered = stale(wanted, &found, now);
    if !not_remembered.is_empty() {
        found.extend(ports.accounts.cached_accounts(&not_remembered).await?);
    }
    let look_ups = stale(wanted, &found, now)
        .into_iter()
        .map(|account| look_up_and_cache(ports, policy, account));
    let looked_up: Vec<Option<AccountInfo>> = stream::iter(look_ups)
        .buffer_unordered(ACCOUNTS_AT_ONCE)
        .collect()
        .await;
    for info in looked_up.into_iter().flatten() {
        found.insert(info.id.clone(), info);
    }
    ports.memory.remember(&found);
    Ok(found)
}

/// The accounts of which nothing is known, or nothing fresh.
fn stale(
    wanted: &BTreeSet<AccountId>,
    found: &BTreeMap<AccountId, AccountInfo>,
    now: Timestamp,
) -> BTreeSet<AccountId> {
    let mut stale = wanted.clone();
    stale.retain(|account| match found.get(account) {
        Some(info) => now.duration_since(info.fetched_at) >= FRESH_FOR,
        None => true,
    });
    stale
}

async fn look_up_and_cache(
    ports: &Ports,
    policy: &CompliancePolicy,
    account: AccountId,
) -> Option<AccountInfo> {
    let info = match look_up(ports, policy, &account).await {
        Ok(info) => info,
        Err(error) => {
            tracing::warn!(account.id = %account, %error, "account could not be looked up");
            return None;
        }
    };
    if let Err(error) = ports.accounts.save_account(&info).await {
        tracing::warn!(account.id = %account, %error, "account was looked up and could not be cached");
    }
    Some(info)
}

/// Asks Organizations.
async fn look_up(
    ports: &Ports,
    policy: &CompliancePolicy,
    account: &AccountId,
) -> Result<AccountInfo, PortError> {
    let fetched_at = ports.clock.now();
    match ports.organization.account(account).await {
        Ok(found) => describe(ports, policy, found, fetched_at).await,
        // It left the Organization; its last findings are told all the same.
        Err(error) if error.kind == ErrorKind::Missing => Ok(nameless(account, fetched_at)),
        Err(error) => Err(error),
    }
}

/// Asks only for what the policy's routes need.
async fn describe(
    ports: &Ports,
    policy: &CompliancePolicy,
    account: OrgAccount,
    fetched_at: Timestamp,
) -> Result<AccountInfo, PortError> {
    let mut info = nameless(&account.id, fetched_at);
    if policy.needs_path() {
        info.path = path_of(ports.organization.as_ref(), &account).await?;
    }
    if policy.needs_tags() {
        info.tags = ports.organization.tags(&account.id).await?;
    }
    info.name = account.name;
    Ok(info)
}

fn nameless(account: &AccountId, fetched_at: Timestamp) -> AccountInfo {
    AccountInfo {
        id: account.clone(),
        name: account.to_string(),
        path: Vec::new(),
        tags: BTreeMap::new(),
        fetched_at,
    }
}
