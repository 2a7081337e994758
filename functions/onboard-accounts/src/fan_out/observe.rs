//! Looks accounts up in Organizations.

use std::collections::BTreeMap;

use banto_domain::{AccountId, OuId};
use banto_ports::{ErrorKind, OrgAccount, PortError, path_of};

use super::ports::Ports;
use super::snapshot::{ListedAccount, Snapshot};
use crate::event::{FanOutRequest, Scope};

/// Looks up the accounts of a request, and what the request may edit of them.
pub async fn observe(ports: &Ports, request: &FanOutRequest) -> Result<Snapshot, PortError> {
    let (found, not_found) = match &request.scope {
        Scope::AllAccounts => (ports.organization.accounts().await?, Vec::new()),
        Scope::Accounts(ids) => named_accounts(ports, ids).await?,
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
    })
}

/// Looks accounts up one by one. Returns those of the Organization, and those that are not in it.
async fn named_accounts(
    ports: &Ports,
    ids: impl IntoIterator<Item = &AccountId>,
) -> Result<(Vec<OrgAccount>, Vec<AccountId>), PortError> {
    let (mut accounts, mut not_found) = (Vec::new(), Vec::new());
    for id in ids {
        match ports.organization.account(id).await {
            Ok(account) => accounts.push(account),
            Err(error) if error.kind == ErrorKind::Missing => not_found.push(id.clone()),
            Err(error) => return Err(error),
        }
    }
    Ok((accounts, not_found))
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
