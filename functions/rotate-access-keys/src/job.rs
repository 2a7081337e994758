//! A run's job in one identity account, and the accounts that a request is about.

use banto_domain::policy::{IdentityAccount, RotationPolicy};
use banto_domain::{AccountId, Region};

use crate::event::{Asked, Request, Scope};
use crate::ports::Account;

/// A run's job in one identity account.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    pub identity: &'a IdentityAccount,
    /// The region of the account's records and certificates.
    pub region: &'a Region,
    pub scope: &'a Scope,
    pub policy: &'a RotationPolicy,
    pub asked: &'a Asked,
}

/// A request about an account that the policy does not have, or does not single out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    #[error("the policy has no account {account}, only {known}")]
    Unknown { account: AccountId, known: String },
    /// The request names users but no account.
    #[error("\"account\" is missing, and the policy has several: {known}")]
    Missing { known: String },
}

/// Returns the identity accounts that a request is about: none, if credentials of another account
/// are exposed.
pub fn accounts_for<'a>(
    request: &Request,
    accounts: &'a [Account],
) -> Result<Vec<&'a Account>, AccountError> {
    match (&request.account, &request.scope, accounts) {
        (Some(id), Scope::Exposed(_), all) => Ok(of_id(id, all).into_iter().collect()),
        (Some(id), _, all) => match of_id(id, all) {
            Some(account) => Ok(vec![account]),
            None => Err(AccountError::Unknown {
                account: id.clone(),
                known: list(all),
            }),
        },
        (None, Scope::Everyone | Scope::Exposed(_), all) => Ok(all.iter().collect()),
        (None, Scope::Users { .. }, [only]) => Ok(vec![only]),
        (None, Scope::Users { .. }, several) => Err(AccountError::Missing {
            known: list(several),
        }),
    }
}

fn of_id<'a>(id: &AccountId, accounts: &'a [Account]) -> Option<&'a Account> {
    accounts.iter().find(|account| account.identity.id == *id)
}

fn list(accounts: &[Account]) -> String {
    let ids: Vec<&str> = accounts
        .iter()
        .map(|account| account.identity.id.as_str())
        .collect();
    ids.join(", ")
}
