//! Looks accounts up in Organizations.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::status::AccountStatus;
use banto_domain::{AccountId, OuId};
use banto_ports::{ErrorKind, OrgAccount, PortError, path_of};

use super::ports::Ports;
use super::snapshot::{ListedAccount, Snapshot};
use crate::event::{FanOutRequest, Scope};

/// The most accounts of a run that have a status, are not on the list and are looked up one by one.
/// More than a day's departures, and fewer than the 160 calls at a stretch after which
/// Organizations was seen to throttle (aws-deployment-framework#783). The next run looks up the
/// others.
const MOST_UNLISTED: usize = 50;

/// Looks up the accounts of a request, and what the request may edit of them.
pub async fn observe(ports: &Ports, request: &FanOutRequest) -> Result<Snapshot, PortError> {
    let (mut not_found, mut departed) = (Vec::new(), Vec::new());
    let found = match &request.scope {
        Scope::AllAccounts => {
            let mut listed = ports.organization.accounts().await?;
            let unlisted = unlisted_accounts(ports, &listed).await;
            listed.extend(unlisted.found);
            departed = unlisted.missing;
            listed
        }
        Scope::Accounts(ids) => {
            let named = named_accounts(ports, ids).await?;
            not_found = named.missing;
            named.found
        }
    };
    let mut accounts = Vec::new();
    for account in found {
        accounts.push(ListedAccount {
            tags: tags(ports, request, &account).await?,
            ou: ou(ports, request, &account).await?,
            account,
        });
    }
    Ok(Snapshot {
        request: request.clone(),
        accounts,
        not_found,
        departed,
    })
}

/// Accounts that were looked up one by one.
#[derive(Default)]
struct LookedUp {
    found: Vec<OrgAccount>,
    missing: Vec<AccountId>,
}

/// Looks up the accounts that have a status and are not on the list: it may be short, so that it
/// alone ends nothing. A look that fails ends the search until the next run, and delays no account
/// that is on the list.
async fn unlisted_accounts(ports: &Ports, listed: &[OrgAccount]) -> LookedUp {
    let mut looked_up = LookedUp::default();
    // An empty list is no list: an Organization has its management account at least.
    if listed.is_empty() {
        return looked_up;
    }
    let statuses = match ports.statuses.all().await {
        Ok(statuses) => statuses,
        Err(error) => {
            tracing::warn!(%error, "statuses not read; departed accounts keep theirs until the next run");
            return looked_up;
        }
    };
    for id in unlisted(statuses, listed) {
        match ports.organization.account(&id).await {
            Ok(account) => looked_up.found.push(account),
            Err(error) if error.kind == ErrorKind::Missing => looked_up.missing.push(id),
            Err(error) => {
                tracing::warn!(account.id = %id, %error, "account not looked up; the next run looks again");
                break;
            }
        }
    }
    looked_up
}

/// The accounts that have a status and are not listed, those that were not seen for longest first,
/// so that in time each is looked up.
fn unlisted(mut statuses: Vec<AccountStatus>, listed: &[OrgAccount]) -> Vec<AccountId> {
    let listed: BTreeSet<&AccountId> = listed.iter().map(|account| &account.id).collect();
    statuses.retain(|status| !listed.contains(&status.account));
    statuses.sort_by_key(|status| status.checked_at);
    statuses.truncate(MOST_UNLISTED);
    statuses.into_iter().map(|status| status.account).collect()
}

/// Looks up the accounts that a request names.
async fn named_accounts(
    ports: &Ports,
    ids: impl IntoIterator<Item = &AccountId>,
) -> Result<LookedUp, PortError> {
    let mut looked_up = LookedUp::default();
    for id in ids {
        match ports.organization.account(id).await {
            Ok(account) => looked_up.found.push(account),
            Err(error) if error.kind == ErrorKind::Missing => looked_up.missing.push(id.clone()),
            Err(error) => return Err(error),
        }
    }
    Ok(looked_up)
}

async fn tags(
    ports: &Ports,
    request: &FanOutRequest,
    account: &OrgAccount,
) -> Result<BTreeMap<String, String>, PortError> {
    if request.edits.tags.is_empty() {
        return Ok(BTreeMap::new());
    }
    ports.organization.tags(&account.id).await
}

async fn ou(
    ports: &Ports,
    request: &FanOutRequest,
    account: &OrgAccount,
) -> Result<Option<OuId>, PortError> {
    if request.edits.ou.is_none() {
        return Ok(None);
    }
    let path = path_of(ports.organization.as_ref(), account).await?;
    Ok(path.last().cloned())
}
